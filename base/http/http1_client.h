// Http1Client sends requests over HTTP/1.1, plain or TLS. Connections are kept
// alive in one pool per destination; taking one and giving it back is O(1), the
// warmest is taken first, and one that the server closes while it is idle
// leaves the pool at once.
//
// An exchange that waits for its answer's next bytes holds no read buffer.
//
// Thread contract: one event loop. Must outlive its exchanges.

#ifndef BASE_HTTP_HTTP1_CLIENT_H_
#define BASE_HTTP_HTTP1_CLIENT_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "base/http/http_client_stats.h"
#include "base/net/resolver.h"
#include "base/net/stream.h"

namespace gateway {

class Http1Pool;

class Http1Client final : public HttpClient {
 public:
  // Is given a connection on which the server chose HTTP/2; Send then returns
  // FAILED_PRECONDITION. If null, such a server cannot be reached.
  using OnHttp2 = std::function<void(
      const std::shared_ptr<const HttpDestination>&, std::unique_ptr<Stream>)>;

  // Borrows `resolver`. Used on the calling thread's loop.
  explicit Http1Client(Resolver& resolver, OnHttp2 on_http2 = nullptr);
  ~Http1Client() override;

  Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> Send(
      const HttpCall& call) override;

  // Takes over a connection that has carried nothing yet, such as one that
  // Http2Client opened.
  void Adopt(const std::shared_ptr<const HttpDestination>& destination,
             std::unique_ptr<Stream> stream);

  // Waits until no exchange is under way, those that finish in the background
  // included. One waiter at a time.
  Task<void> AwaitIdle();

  // Closes connections to destinations that are not used any more, and forgets
  // these. Returns true if an answer still comes on one of them, so that it is
  // to be called again. The first request to a destination does this as well.
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

  Http1Pool& PoolOf(const std::shared_ptr<const HttpDestination>& destination);

  void EndExchange();

  EventLoop& loop_;
  LoopResolver names_;
  const OnHttp2 on_http2_;
  WakeUp idle_;
  const std::shared_ptr<HttpClientStats> shared_stats_ =
      std::make_shared<HttpClientStats>();
  HttpClientStats& stats_ = *shared_stats_;
  absl::flat_hash_map<const HttpDestination*, std::unique_ptr<Http1Pool>>
      pools_;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP1_CLIENT_H_
