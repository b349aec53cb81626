#include "base/http/http_client.h"

#include <cassert>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kHttpsPort = 443;

absl::Status BadUrl(std::string_view url, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", ToAbsl(url), "' ", ToAbsl(why)));
}

}  // namespace

std::string HttpDestination::Authority() const {
  const std::string port_text = absl::StrCat(port);
  std::string authority = JoinHostPort(host, port_text);
  if (port == (tls != nullptr ? kHttpsPort : kHttpPort)) {
    authority.resize(authority.size() - port_text.size() - 1);
  }
  return authority;
}

absl::StatusOr<HttpUrl> ParseHttpUrl(std::string_view url) {
  HttpUrl parsed;
  absl::string_view rest = ToAbsl(url);
  if (absl::ConsumePrefix(&rest, "https://")) {
    parsed.https = true;
  } else if (!absl::ConsumePrefix(&rest, "http://")) {
    return BadUrl(url, "must begin with https:// or http://");
  }
  if (rest.find_first_of("?#") != absl::string_view::npos) {
    return BadUrl(url, "must not have a query or a fragment");
  }
  const size_t slash = rest.find('/');
  const absl::string_view authority = rest.substr(0, slash);
  if (authority.find('@') != absl::string_view::npos) {
    return BadUrl(url, "must not contain a user name or password");
  }
  if (slash != absl::string_view::npos) {
    parsed.path = std::string(rest.substr(slash));
  }
  while (absl::EndsWith(parsed.path, "/")) parsed.path.pop_back();
  // The host becomes part of every request as the path does.
  if (!IsFieldValue(ToStd(rest)) || rest.find_first_of(" \t") != rest.npos) {
    return BadUrl(url, "must not contain spaces or control characters");
  }

  const bool has_port = authority.find(':') != absl::string_view::npos &&
                        !absl::EndsWith(authority, "]");
  const std::string with_port =
      has_port ? std::string(authority)
               : absl::StrCat(authority, ":",
                              parsed.https ? kHttpsPort : kHttpPort);
  GATEWAY_ASSIGN_OR_RETURN(HostPort where, ParseHostPort(with_port));
  if (where.host.empty() || where.port == 0) {
    return BadUrl(url, "must name a host and, if any, a port above 0");
  }
  parsed.host = std::move(where.host);
  parsed.port = where.port;
  return parsed;
}

HttpRequestHead::HttpRequestHead(
    std::shared_ptr<const HttpDestination> destination, std::string method,
    std::string path, std::vector<Field> fields)
    : destination_(std::move(destination)),
      method_(std::move(method)),
      path_(std::move(path)),
      fields_(std::move(fields)),
      http1_("") {
  std::string text = absl::StrCat(method_, " ", path_, " HTTP/1.1\r\n");
  http1_line_bytes_ = text.size();
  AppendField("host", destination_->Authority(), &text);
  for (const Field& field : fields_) {
    assert(IsFieldName(field.name) && IsFieldValue(field.value.Reveal()));
    AppendField(field.name, field.value.Reveal(), &text);
  }
  http1_ = Secret(text);
  text.assign(text.size(), '\0');
}

}  // namespace gateway
