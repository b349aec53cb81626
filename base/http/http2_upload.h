// Http2Upload is the body of a request on an Http2Connection whose handler
// wants it as it comes. What the handler has not taken is kept, at most a
// stream's window of it, charged to the loop's budget, and closes the window.
//
// The client's time (HttpServerLimits::BodyPatience) runs only while it is
// waited for.
//
// Thread contract: the connection's event loop.

#ifndef BASE_HTTP_HTTP2_UPLOAD_H_
#define BASE_HTTP_HTTP2_UPLOAD_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"
#include "base/http/body_source.h"
#include "base/http/http2_stream.h"
#include "base/http/http_handler.h"
#include "base/memory/byte_budget.h"
#include "base/memory/byte_queue.h"
#include "base/memory/recycler.h"

namespace gateway {

class Http2Upload final : public BodySource, public Recycled {
 public:
  // Borrows everything that is passed by reference; the stream until
  // LoseStream.
  Http2Upload(EventLoop& loop, const HttpServerLimits& limits,
              ByteBudget::Share& kept, Http2Stream& stream,
              std::optional<uint64_t> length);

  std::optional<uint64_t> length() const override { return length_; }
  absl::StatusOr<State> Take(std::string_view* piece) override;
  void SetWakeUp(WakeUp* wake_up) override { wake_up_ = wake_up; }

  // Called by the stream's owner with what comes; Put's bytes are consumed by
  // this and nobody else.
  void Put(std::string_view bytes);
  void End();
  // Makes Take return `why` from now on. What still comes is for the caller to
  // deal with.
  void Fail(absl::Status why);
  const absl::Status& error() const { return error_; }

  // Called when the stream is gone.
  void LoseStream(absl::Status why);
  // Called when the handler has returned: the window opens for what is thrown
  // away.
  void Leave();

 private:
  void Consume(size_t bytes);
  void Notify() {
    if (wake_up_ != nullptr) wake_up_->Set();
  }

  EventLoop& loop_;
  const HttpServerLimits& limits_;
  Http2Stream* stream_;  // Null once the stream is gone.
  const std::optional<uint64_t> length_;
  ByteBudget::Charge charge_;
  ByteQueue arrived_;  // What has come and was not taken yet,
  ByteQueue taken_;    // and the piece that is in use.
  WakeUp* wake_up_ = nullptr;
  bool ended_ = false;
  absl::Status error_;
  uint64_t received_ = 0;
  bool waiting_ = false;
  absl::Duration waiting_since_;
  absl::Duration waited_;  // Time waited in all before the current wait.
  Timer timer_;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_UPLOAD_H_
