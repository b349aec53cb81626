// Http2Client sends requests over HTTP/2, many at a time on one connection. In
// plain text it begins in HTTP/2 without asking; over TLS the server must have
// chosen it by ALPN. See base/http/http2_pool.h for how requests share
// connections.
//
// A request that is given up resets its stream and leaves the connection to
// the others. Nobody waits for a slow reader: what arrives for it is kept, up
// to a stream's window, after which its server waits and nobody else's.
//
// A request which the server has certainly not looked at, by its GOAWAY or
// REFUSED_STREAM, fails with `not_processed`. `fresh_connection` opens none: a
// connection on which a request stayed without an answer is left alone anyway,
// until it answers something.
//
// Thread contract: one event loop. Must outlive its exchanges.

#ifndef BASE_HTTP_HTTP2_CLIENT_H_
#define BASE_HTTP_HTTP2_CLIENT_H_

#include <cstddef>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http2_pool.h"
#include "base/http/http_client.h"
#include "base/http/http_client_stats.h"
#include "base/net/resolver.h"
#include "base/net/stream.h"

namespace gateway {

class Http2Client final : public HttpClient {
 public:
  // Borrows `resolver`. Used on the calling thread's loop.
  explicit Http2Client(Resolver& resolver,
                       Http2Pool::OnHttp1 on_http1 = nullptr);
  // REQUIRES: Close has returned.
  ~Http2Client() override;

  Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> Send(
      const HttpCall& call) override;

  // Takes over a connection on which the server has chosen HTTP/2.
  void Adopt(const std::shared_ptr<const HttpDestination>& destination,
             std::unique_ptr<Stream> stream);

  // Waits until no exchange is under way, those that finish in the background
  // included. One waiter at a time.
  Task<void> AwaitIdle();

  // As AwaitIdle, then closes all connections.
  Task<void> Close();

  // As Http1Client::CloseUnused.
  bool CloseUnused();

  // How many destinations it has not forgotten.
  size_t destinations() const { return pools_.size(); }

  const HttpClientStats& stats() const { return stats_; }

  // The same stats, for owners that may outlive the client.
  std::shared_ptr<const HttpClientStats> shared_stats() const {
    return shared_stats_;
  }

 private:
  class Exchange;
  class Remainder;

  Http2Pool& PoolOf(const std::shared_ptr<const HttpDestination>& destination);

  void EndExchange();
  Task<void> ClosePool(std::unique_ptr<Http2Pool> pool);

  EventLoop& loop_;
  LoopResolver names_;
  const Http2Pool::OnHttp1 on_http1_;
  WakeUp idle_;
  size_t exchanges_ = 0;
  size_t closing_ = 0;  // Pools that are not among `pools_` any more.
  const std::shared_ptr<HttpClientStats> shared_stats_ =
      std::make_shared<HttpClientStats>();
  HttpClientStats& stats_ = *shared_stats_;
  absl::flat_hash_map<const HttpDestination*, std::unique_ptr<Http2Pool>>
      pools_;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_CLIENT_H_
