// Http2Connection serves one client of an HttpServer that speaks HTTP/2: each
// request has an Http2Responder of its own, and they do not wait for each
// other. Only base/http/http_server.cc makes connections.
//
// Thread contract: one event loop.

#ifndef BASE_HTTP_HTTP2_CONNECTION_H_
#define BASE_HTTP_HTTP2_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"
#include "base/async/turn_queue.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_session.h"
#include "base/http/http2_stream.h"
#include "base/http/http_handler.h"
#include "base/http/http_server.h"
#include "base/memory/byte_budget.h"
#include "base/net/stream.h"

namespace gateway {

class Http2Responder;

class Http2Connection final : public HttpConnection,
                              private Http2Session::Owner {
 public:
  Http2Connection(HttpServer& server, std::unique_ptr<Stream> stream);
  // REQUIRES: Ended() has returned.
  ~Http2Connection() = default;

  // Begins to serve. `bytes` were read from the stream already.
  void Start(std::string_view bytes) { session_.Start(bytes); }

  // Suspends until the connection is closed and the last handler has returned.
  auto Ended() { return ended_.Wait(); }

  void Drain() override { session_.Drain(); }
  void Cancel(const absl::Status& why) override;
  void CloseNow() override;
  bool busy() const override {
    return responders_count_ > 0 || session_.open_streams() > 0;
  }

 private:
  friend class Http2Responder;

  void OnRequest(Http2Stream& stream, absl::Span<const HttpField> fields,
                 bool ended) override;
  void OnOversizedRequest(Http2Stream& stream) override;
  void OnHeld(size_t before, size_t now) override { Hold(before, now); }
  void OnEnded(const absl::Status& why) override;

  // What Http2Responder uses.
  EventLoop& loop() { return server_.loop_; }
  HttpHandler& handler() { return server_.handler_; }
  const HttpServerLimits& limits() const { return server_.limits_; }
  // The queue in which requests that come in crowds wait for their turn.
  TurnQueue& begin_queue() { return server_.begin_queue_; }
  // Returns whether a request that has come now is begun in this turn.
  bool MayBegin();
  std::string_view date() { return server_.Date(); }
  std::string_view peer() const { return peer_; }
  std::string_view peer_names() const { return peer_names_; }
  ByteBudget::Share& kept() { return kept_; }
  // See HttpServer.
  void Hold(size_t before, size_t now) { server_.Hold(*this, before, now); }
  void Add(Http2Responder* responder);
  void Remove(Http2Responder* responder);

  void OnLastWord();

  HttpServer& server_;
  const std::string peer_;
  const std::string peer_names_;
  ByteBudget::Share kept_;  // Budget of what its requests hold.
  Http2Session session_;
  bool cancelled_ = false;
  bool closed_ = false;
  size_t responders_count_ = 0;
  uint64_t begun_turn_ = 0;  // The turn that `begun_` counts for.
  int begun_ = 0;            // Requests begun in it, or that wanted to be.
  Http2Responder* first_ = nullptr;  // All responders, an intrusive list.
  Timer last_word_timer_;
  WakeUp ended_;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_CONNECTION_H_
