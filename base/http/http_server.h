// HttpServer speaks HTTP/1.1 and HTTP/2 to the connections of one event loop,
// whichever the client wants: TLS says so by ALPN, in plaintext the first bytes
// do. Handlers do not see the difference (base/http/http_handler.h).
//
// HTTP/1.1 has keep-alive, pipelining (answered in order) and chunked bodies
// both ways; HTTP/2 as many requests at once on a connection as the limits
// allow. `Expect: 100-continue` is honoured, and everything that a client can
// drag out has a limit or a timeout.
//
// Many requests that come at once, on one connection or many, are begun a
// bounded number in a turn of the loop; those whose client has left meanwhile
// are dropped.
//
// What clients can make a server hold that nobody answers for - heads that have
// not come whole, requests that wait for their turn or their body, and answers
// by HTTP/2 that are not taken - is bounded: where it is too much, connections
// on which nothing of it has been let go of for longest are closed.
//
// An idle connection, and an answer that waits for its next piece, holds no
// buffer. A client that hangs up, or resets its stream, is noticed at once and
// its request's `gone` signal fires.
//
// Thread contract: one event loop. Drain and destruction happen on it.

#ifndef BASE_HTTP_HTTP_SERVER_H_
#define BASE_HTTP_HTTP_SERVER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/turn_queue.h"
#include "base/http/http2_session.h"
#include "base/http/http_handler.h"
#include "base/net/stream.h"
#include "base/net/tls_context.h"

namespace gateway {

class Http1Connection;

// One client of a server, in either version. None of the calls ends the
// connection at once, so that they can be made while walking along the list.
class HttpConnection {
 public:
  virtual ~HttpConnection() = default;

  // Takes no new requests, lets those that have begun finish, and closes.
  virtual void Drain() = 0;

  // Ends requests that have not arrived whole; handlers are told `why` and
  // have their last word. REQUIRES: drained.
  virtual void Cancel(const absl::Status& why) = 0;

  // Closes without waiting for client or handler.
  virtual void CloseNow() = 0;

  // True while a request whose head has come is not answered.
  virtual bool busy() const = 0;

 private:
  friend class HttpServer;
  HttpConnection* previous_ = nullptr;
  HttpConnection* next_ = nullptr;
  size_t held_bytes_ = 0;   // See HttpServer::Hold.
  bool lets_go_ = false;    // Some of it was released since the last look.
  // The connection is being closed and counts as holding nothing.
  bool given_up_ = false;
};

class HttpServer {
 public:
  // Borrows `handler`. `tls` may be null; for HTTP/2 it accepts `h2` by ALPN.
  HttpServer(HttpHandler& handler, const HttpServerLimits& limits,
             std::shared_ptr<TlsContext> tls);
  // REQUIRES: connections() == 0.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // INVALID_ARGUMENT for limits that no server can keep.
  static absl::Status CheckLimits(const HttpServerLimits& limits);

  // Serves a connection until it ends. Beyond the limit it takes the place of
  // the oldest that is not busy; if all are, it is closed.
  void Accept(std::unique_ptr<Stream> stream);

  // Secures connections by `tls` from the next one on. REQUIRES: neither it nor
  // the one before is null.
  void SetTls(std::shared_ptr<TlsContext> tls) { tls_ = std::move(tls); }

  // Closes idle connections and lets the others finish what they do; they
  // close after it.
  void Drain();

  // Drains, cancels what still runs with `why` and, once the handlers have had
  // their last word, closes every connection. A client that does not take that
  // word is not waited for longer than a few seconds.
  void CancelAll(const absl::Status& why);

  // Closes every connection now; handlers see their client gone.
  void CloseAll();

  size_t connections() const { return count_; }

  // Set once Drain has been called and connections() has become 0.
  WakeUp& drained() { return drained_; }

 private:
  friend class Http1Connection;
  friend class Http2Connection;

  // How many requests a connection may begin in a turn of the loop, whatever
  // others do; further ones take turns with those of all connections.
  static constexpr int kRequestsAtOnce = 4;
  static constexpr size_t kQueuedPerTurn = 64;

  // Tells that the memory which `connection` makes the server hold, and no
  // handler accounts for, went from `before` to `now`. May close connections,
  // this one among them; none is destroyed before the loop goes on.
  void Hold(HttpConnection& connection, size_t before, size_t now) {
    if (connection.given_up_) return;
    connection.held_bytes_ += now - before;
    held_bytes_ += now - before;
    if (now < before) connection.lets_go_ = true;
    if (held_bytes_ > kHeldBytesMax) MakeRoom();
  }
  void MakeRoom();
  void GiveUp(HttpConnection& connection);
  void LogGivenUp();
  bool GiveUpOldest();
  static constexpr size_t kHeldBytesMax = 64 * 1024 * 1024;

  // The value of Date, made once a second.
  std::string_view Date();
  // The same as a line of HTTP/1.1.
  std::string_view DateField();

  Task<void> Serve(std::unique_ptr<Http1Connection> connection);
  Task<void> ServeHttp2(std::unique_ptr<Http1Connection> begun);
  void Add(HttpConnection* connection);
  void Remove(HttpConnection* connection);

  EventLoop& loop_;
  HttpHandler& handler_;
  const HttpServerLimits limits_;
  const Http2Limits http2_limits_;
  std::shared_ptr<TlsContext> tls_;
  TurnQueue begin_queue_{kQueuedPerTurn};
  bool draining_ = false;
  bool cancelled_ = false;
  size_t count_ = 0;
  // All connections, an intrusive list from the newest to the oldest.
  HttpConnection* first_ = nullptr;
  HttpConnection* last_ = nullptr;
  size_t held_bytes_ = 0;
  HttpConnection* clock_hand_ = nullptr;  // Where MakeRoom looks next.
  absl::Duration given_up_told_ = -absl::InfiniteDuration();
  WakeUp drained_;
  std::string date_field_;
  absl::Duration date_until_ = -absl::InfiniteDuration();
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP_SERVER_H_
