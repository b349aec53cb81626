#include "providers/http_endpoint.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/http/http_destination.h"
#include "base/net/base_url.h"
#include "base/net/host_port.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

HttpVersion ToVersion(configv1::HttpUpstream::HttpVersion version) {
  switch (version) {
    case configv1::HttpUpstream::HTTP_VERSION_HTTP1:
      return HttpVersion::kHttp1;
    case configv1::HttpUpstream::HTTP_VERSION_HTTP2:
      return HttpVersion::kHttp2;
    default:
      return HttpVersion::kAuto;
  }
}

// Parses a URL; names the field in the error, since the parser's message lacks
// a subject.
absl::StatusOr<BaseUrl> UrlOf(std::string_view field, std::string_view text) {
  absl::StatusOr<BaseUrl> url = ParseBaseUrl(text);
  if (url.ok()) return url;
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(field), " ", url.status().message()));
}

absl::StatusOr<HostPort> ParseProxy(const std::string& proxy) {
  GATEWAY_ASSIGN_OR_RETURN(BaseUrl url, UrlOf("proxy", proxy));
  if (url.tls || !url.path.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("proxy '", proxy, "' must read http://host:port"));
  }
  return HostPort{std::move(url.host), url.port};
}

}  // namespace

absl::StatusOr<HttpEndpoint> HttpEndpoint::Make(
    std::string_view base_url, const configv1::HttpUpstream& http) {
  GATEWAY_ASSIGN_OR_RETURN(BaseUrl url, UrlOf("base_url", base_url));
  GATEWAY_ASSIGN_OR_RETURN(
      std::shared_ptr<HttpDestination> destination,
      HttpDestinationOf(url, ToVersion(http.http_version()), http.ca_file()));
  if (!http.proxy().empty()) {
    GATEWAY_ASSIGN_OR_RETURN(destination->proxy, ParseProxy(http.proxy()));
  }
  const configv1::UpstreamTimeouts& timeouts = http.timeouts();
  destination->timeouts.connect = ToAbsl(timeouts.connect());
  destination->timeouts.first_byte = ToAbsl(timeouts.first_byte());
  destination->timeouts.idle = ToAbsl(timeouts.idle());
  destination->timeouts.total = ToAbsl(timeouts.total());
  destination->idle_connections_max = http.pool().idle_connections_limit();
  destination->idle_connection_timeout = ToAbsl(http.pool().idle_timeout());
  destination->http2_connections_max = http.pool().http2_connections_limit();
  destination->connection_age_max = ToAbsl(http.pool().age_limit());
  destination->response_bytes_limit = http.response_bytes_limit();

  HttpEndpoint endpoint;
  endpoint.use_ = UseOf(*destination);
  endpoint.destination_ = std::move(destination);
  endpoint.base_path_ = std::move(url.path);
  endpoint.stream_first_byte_ = ToAbsl(timeouts.stream_first_byte());
  for (const auto& [name, value] : http.headers()) {
    endpoint.configured_.push_back(
        {absl::AsciiStrToLower(name), Secret(value)});
  }
  return endpoint;
}

std::shared_ptr<const HttpRequestHead> HttpEndpoint::Head(
    std::string_view method, std::string_view path,
    std::vector<HttpRequestHead::Field> fields) const {
  if (method != "GET") {
    fields.push_back(
        {"content-type", Secret("application/json"), /*indexable=*/true});
  }
  for (const HttpRequestHead::Field& configured : configured_) {
    const bool given = std::any_of(fields.begin(), fields.end(),
                                   [&](const HttpRequestHead::Field& field) {
                                     return field.name == configured.name;
                                   });
    if (!given) fields.push_back(configured);
  }
  return std::make_shared<HttpRequestHead>(
      destination_, std::string(method), PathOf(path), std::move(fields), use_);
}

std::string HttpEndpoint::PathOf(std::string_view path) const {
  return absl::StrCat(base_path_, ToAbsl(path));
}

}  // namespace gateway
