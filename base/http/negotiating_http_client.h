// NegotiatingHttpClient speaks to each destination in the version of HTTP that
// is configured, or else in the one that the server chooses by ALPN: the first
// connection tells, those who ask meanwhile wait for it, and it serves whoever
// asked first, in whichever version. What was learnt holds until a connection
// tells otherwise.
//
// Thread contract: one event loop. Must outlive its exchanges.

#ifndef BASE_HTTP_NEGOTIATING_HTTP_CLIENT_H_
#define BASE_HTTP_NEGOTIATING_HTTP_CLIENT_H_

#include <memory>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/http/http1_client.h"
#include "base/http/http2_client.h"
#include "base/http/http_client.h"
#include "base/net/resolver.h"
#include "base/net/stream.h"

namespace gateway {

class NegotiatingHttpClient final : public HttpClient {
 public:
  // Borrows `resolver`. Used on the calling thread's loop.
  explicit NegotiatingHttpClient(Resolver& resolver);

  Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> Send(
      const HttpCall& call) override;

  // As Http1Client::CloseUnused.
  bool CloseUnused();

  // Waits until no exchange is under way, then closes all connections. REQUIRED
  // before destruction.
  Task<void> Close();

  const Http1Client& http1() const { return http1_; }
  const Http2Client& http2() const { return http2_; }

 private:
  Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> SendAsNegotiated(
      const HttpCall& call);

  void OnHttp1(const std::shared_ptr<const HttpDestination>& destination,
               std::unique_ptr<Stream> stream);
  void OnHttp2(const std::shared_ptr<const HttpDestination>& destination,
               std::unique_ptr<Stream> stream);

  Http1Client http1_;
  Http2Client http2_;
  // Destinations whose last connection chose HTTP/1.1. They are kept alive, so
  // that no other has the address of one that is gone.
  absl::flat_hash_set<std::shared_ptr<const HttpDestination>> speak_http1_;
};

}  // namespace gateway

#endif  // BASE_HTTP_NEGOTIATING_HTTP_CLIENT_H_
