#include "base/http/http_destination.h"

#include <cassert>
#include <utility>

#include "base/status_macros.h"

namespace gateway {

std::vector<std::string> AlpnOf(HttpVersion version) {
  switch (version) {
    case HttpVersion::kHttp1:
      return {"http/1.1"};
    case HttpVersion::kHttp2:
      return {"h2"};
    case HttpVersion::kAuto:
      break;
  }
  return {"h2", "http/1.1"};
}

absl::StatusOr<std::shared_ptr<HttpDestination>> HttpDestinationOf(
    const BaseUrl& url, HttpVersion version, const std::string& ca_file) {
  std::shared_ptr<TlsContext> tls;
  if (url.tls) {
    GATEWAY_ASSIGN_OR_RETURN(
        tls, TlsContext::ForClient(
                 {.extra_ca_file = ca_file, .alpn = AlpnOf(version)}));
  }
  return HttpDestinationWithTls(url, version, std::move(tls));
}

std::shared_ptr<HttpDestination> HttpDestinationWithTls(
    const BaseUrl& url, HttpVersion version, std::shared_ptr<TlsContext> tls) {
  assert(!url.tls || tls != nullptr);
  auto destination = std::make_shared<HttpDestination>();
  destination->host = url.host;
  destination->port = url.port;
  if (url.tls) destination->tls = std::move(tls);
  destination->version = version;
  return destination;
}

std::shared_ptr<const void> UseOf(const HttpDestination& destination) {
  return {nullptr, [unused = destination.unused](const void*) {
            unused->store(true);
          }};
}

HttpDestination::Timeouts TimeoutsOf(absl::Duration total) {
  return {.connect = total, .first_byte = total, .idle = total, .total = total};
}

}  // namespace gateway
