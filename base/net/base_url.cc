#include "base/net/base_url.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "base/net/host_port.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr size_t kUrlLengthMax = 2048;

bool IsPath(std::string_view path) {
  return std::all_of(path.begin(), path.end(), [](unsigned char c) {
    return absl::ascii_isgraph(c) && c != '"' && c != '<' && c != '>' &&
           c != '\\' && c != '^' && c != '`' && c != '{' && c != '|' &&
           c != '}';
  });
}

}  // namespace

bool BaseUrl::IsLoopback() const { return IsLoopbackHost(host); }

absl::StatusOr<BaseUrl> ParseBaseUrl(std::string_view text) {
  BaseUrl url;
  if (text.size() > kUrlLengthMax) {
    return absl::InvalidArgumentError("is longer than 2048 characters");
  }
  const size_t scheme_end = text.find("://");
  const std::string scheme = absl::AsciiStrToLower(
      ToAbsl(text.substr(0, std::min(scheme_end, text.size()))));
  if (scheme_end == std::string_view::npos ||
      (scheme != "https" && scheme != "http")) {
    return absl::InvalidArgumentError(
        "must be a URL that begins with https:// or http://");
  }
  url.tls = scheme == "https";
  text.remove_prefix(scheme_end + 3);
  if (text.find_first_of("?#") != std::string_view::npos) {
    return absl::InvalidArgumentError("must not have a query or fragment");
  }
  const size_t path_at = std::min(text.find('/'), text.size());
  const std::string_view authority = text.substr(0, path_at);
  std::string_view path = text.substr(path_at);
  if (authority.find('@') != std::string_view::npos) {
    return absl::InvalidArgumentError(
        "must not hold a user name or password; use 'api_key' for credentials");
  }
  GATEWAY_ASSIGN_OR_RETURN(const AuthorityParts parts,
                           SplitAuthority(authority));
  if (!parts.HasHost()) {
    return absl::InvalidArgumentError("must name a host after ://");
  }
  if (!IsPath(path)) {
    return absl::InvalidArgumentError(
        "has characters in its path that must be percent-encoded");
  }
  while (path.ends_with('/')) path.remove_suffix(1);
  url.host = absl::AsciiStrToLower(ToAbsl(parts.host));
  url.path = std::string(path);
  url.port = url.tls ? 443 : 80;
  if (!parts.port.empty()) {
    GATEWAY_ASSIGN_OR_RETURN(url.port, ParsePort(parts.port));
    if (url.port == 0) {
      return absl::InvalidArgumentError("must have a port of 1 to 65535");
    }
  }
  return url;
}

}  // namespace gateway
