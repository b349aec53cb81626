// HttpServer speaks HTTP/1.1 to the connections of one event loop: keep-alive,
// pipelining (answered in order), `Expect: 100-continue`, chunked bodies both
// ways, limits and timeouts on everything a client can drag out.
//
// An idle connection, and one that waits for its answer's next piece, holds no
// read buffer. A client that hangs up is noticed at once and its request's
// `gone` signal fires.
//
// Thread contract: one event loop. Drain and destruction happen on it.

#ifndef BASE_HTTP_SERVER_H_
#define BASE_HTTP_SERVER_H_

#include <cstddef>
#include <memory>
#include <string>

#include "base/event_loop.h"
#include "base/http_handler.h"
#include "base/listener.h"
#include "base/stream.h"
#include "base/tls_context.h"

namespace gateway {

class Http1Connection;

class HttpServer {
 public:
  // Borrows `handler`. `tls` may be null.
  HttpServer(HttpHandler& handler, const HttpServerLimits& limits,
              std::shared_ptr<TlsContext> tls);
  // REQUIRES: connections() == 0.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Serves a connection until it ends.
  void Accept(std::unique_ptr<Stream> stream);

  // Closes idle connections and lets the others finish what they do; they
  // close after it.
  void Drain();

  // Drains, cancels what still runs with `why` and, once the handlers have had
  // their last word, closes every connection. A client that does not take that
  // word is not waited for longer than two seconds.
  void CancelAll(const absl::Status& why);

  // Closes every connection now; handlers see their client gone.
  void CloseAll();

  size_t connections() const { return count_; }

  // Set once Drain has been called and connections() has become 0.
  WakeUp& drained() { return drained_; }

 private:
  friend class Http1Connection;

  // The fields that every answer has, rendered once a second.
  std::string_view DateField();
  void Remove(Http1Connection* connection);

  EventLoop& loop_;
  HttpHandler& handler_;
  const HttpServerLimits limits_;
  const std::shared_ptr<TlsContext> tls_;
  bool draining_ = false;
  bool cancelled_ = false;
  size_t count_ = 0;
  Http1Connection* first_ = nullptr;  // All connections, an intrusive list.
  WakeUp drained_;
  std::string date_field_;
  absl::Duration date_until_ = -absl::InfiniteDuration();
};

}  // namespace gateway

#endif  // BASE_HTTP_SERVER_H_
