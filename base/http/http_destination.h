// Makes destinations of URLs.
//
//   GATEWAY_ASSIGN_OR_RETURN(std::shared_ptr<HttpDestination> to,
//                            HttpDestinationOf(url, HttpVersion::kHttp1));
//   to->timeouts = TimeoutsOf(absl::Seconds(5));
//   const HttpRequestHead head(to, "GET", url.path, {}, UseOf(*to));

#ifndef BASE_HTTP_HTTP_DESTINATION_H_
#define BASE_HTTP_HTTP_DESTINATION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/http/http_client.h"
#include "base/net/base_url.h"
#include "base/net/tls_context.h"

namespace gateway {

// Returns what a client that speaks the version offers by ALPN.
std::vector<std::string> AlpnOf(HttpVersion version);

// Returns a destination with the URL's host and port, and, for https, TLS that
// offers the version and trusts the system's authorities and those of
// `ca_file`, if that is not empty. Everything else is as by default, and the
// caller's to say. Reads files, and takes some milliseconds, for https; fails
// as TlsContext::ForClient does.
absl::StatusOr<std::shared_ptr<HttpDestination>> HttpDestinationOf(
    const BaseUrl& url, HttpVersion version, const std::string& ca_file = "");

// The same, at once, with TLS that was made before: for https, `tls` must not
// be null; for http it is left out.
std::shared_ptr<HttpDestination> HttpDestinationWithTls(
    const BaseUrl& url, HttpVersion version, std::shared_ptr<TlsContext> tls);

// Returns what the heads of requests to the destination hold, as their `use`:
// the destination is unused once the last copy of it is gone.
std::shared_ptr<const void> UseOf(const HttpDestination& destination);

// Returns time limits of which each is as long as the whole exchange.
HttpDestination::Timeouts TimeoutsOf(absl::Duration total);

}  // namespace gateway

#endif  // BASE_HTTP_HTTP_DESTINATION_H_
