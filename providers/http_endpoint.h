// Turns the configuration of an HTTP upstream into where requests go and what
// every one of them carries.
//
//   GATEWAY_ASSIGN_OR_RETURN(const HttpEndpoint endpoint,
//                            HttpEndpoint::Make(base_url, http));
//   fields.push_back({"authorization", Secret(...)});
//   auto head = endpoint.Head("POST", "/chat/completions", std::move(fields));
//
// Thread contract: immutable; made at start-up.

#ifndef PROVIDERS_HTTP_ENDPOINT_H_
#define PROVIDERS_HTTP_ENDPOINT_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/http/http_client.h"
#include "llmgateway/config/v1/provider.pb.h"

namespace gateway {

class HttpEndpoint {
 public:
  // INVALID_ARGUMENT names what is wrong with the URL, the proxy or the CA
  // file. REQUIRES: defaults have been applied to `http`.
  static absl::StatusOr<HttpEndpoint> Make(
      std::string_view base_url,
      const llmgateway::config::v1::HttpUpstream& http);

  // Makes the head of requests to `path` below the base URL: JSON in both
  // directions, the configured fields, and `fields`, which replace configured
  // ones of the same name.
  std::shared_ptr<const HttpRequestHead> Head(
      std::string_view method, std::string_view path,
      std::vector<HttpRequestHead::Field> fields) const;

  // Returns `path` below the base URL, as it stands in a request line.
  std::string PathOf(std::string_view path) const;

  // How long a stream may take to begin; a whole answer has the destination's
  // first_byte.
  absl::Duration stream_first_byte() const { return stream_first_byte_; }

 private:
  std::shared_ptr<const HttpDestination> destination_;
  // Held by every head; says when it goes that the destination is not used.
  std::shared_ptr<const void> use_;
  std::string base_path_;
  absl::Duration stream_first_byte_;
  std::vector<HttpRequestHead::Field> configured_;
};

}  // namespace gateway

#endif  // PROVIDERS_HTTP_ENDPOINT_H_
