#include "base/net/base_url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "base/net/host_port.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr size_t kHostLengthMax = 253;
constexpr size_t kUrlLengthMax = 2048;

struct HostAndPort {
  std::string_view host;  // An IPv6 address has no brackets here.
  std::string_view port;  // Empty if the URL names none.
  bool in_brackets = false;
};

absl::StatusOr<HostAndPort> Split(std::string_view text) {
  HostAndPort parts;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) {
      return absl::InvalidArgumentError("lacks the ']' after an IPv6 address");
    }
    parts.in_brackets = true;
    parts.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  } else {
    const size_t end = std::min(text.find(':'), text.size());
    parts.host = text.substr(0, end);
    text.remove_prefix(end);
  }
  if (text.empty()) return parts;
  if (text[0] != ':' || text.size() == 1) {
    return absl::InvalidArgumentError("must have a port after ':'");
  }
  parts.port = text.substr(1);
  if (parts.port.find(':') != std::string_view::npos) {
    return absl::InvalidArgumentError(
        "has too many ':'; write an IPv6 address in brackets, as in [::1]:80");
  }
  return parts;
}

absl::StatusOr<uint16_t> ParsePort(std::string_view text) {
  const bool digits =
      !text.empty() && text.size() <= 5 &&
      std::all_of(text.begin(), text.end(),
                  [](unsigned char c) { return absl::ascii_isdigit(c); });
  uint32_t port = 0;
  if (!digits || !absl::SimpleAtoi(ToAbsl(text), &port) || port > 65535) {
    return absl::InvalidArgumentError("must have a port of 0 to 65535");
  }
  return static_cast<uint16_t>(port);
}

bool IsNumericHost(int family, std::string_view text) {
  in6_addr address;  // The larger of the two.
  return inet_pton(family, std::string(text).c_str(), &address) == 1;
}

bool IsHostName(std::string_view host) {
  return !host.empty() && host.size() <= kHostLengthMax &&
         host.front() != '.' && host.front() != '-' &&
         host.find("..") == std::string_view::npos &&
         std::all_of(host.begin(), host.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
         });
}

bool IsPath(std::string_view path) {
  return std::all_of(path.begin(), path.end(), [](unsigned char c) {
    return absl::ascii_isgraph(c) && c != '"' && c != '<' && c != '>' &&
           c != '\\' && c != '^' && c != '`' && c != '{' && c != '|' &&
           c != '}';
  });
}

}  // namespace

bool BaseUrl::IsLoopback() const { return IsLoopbackHost(host); }

absl::Status CheckHost(std::string_view text) {
  const bool in_brackets = text.starts_with('[') && text.ends_with(']');
  if (in_brackets) text = text.substr(1, text.size() - 2);
  if (in_brackets ? IsNumericHost(AF_INET6, text) : IsHostName(text)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "must be a host's name or address without a port, as in "
      "gateway.example or [2001:db8::7]");
}

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
  GATEWAY_ASSIGN_OR_RETURN(const HostAndPort parts, Split(authority));
  if (parts.in_brackets ? !IsNumericHost(AF_INET6, parts.host)
                        : !IsHostName(parts.host)) {
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

absl::Status CheckListenAddress(std::string_view text) {
  GATEWAY_ASSIGN_OR_RETURN(const HostAndPort parts, Split(text));
  const bool good_host =
      parts.in_brackets
          ? IsNumericHost(AF_INET6, parts.host)
          : parts.host == "localhost" || IsNumericHost(AF_INET, parts.host);
  if (!good_host) {
    return absl::InvalidArgumentError(
        "must be an IP address or localhost and a port, as in 127.0.0.1:8080; "
        "0.0.0.0 listens on every interface");
  }
  return ParsePort(parts.port).status();
}

}  // namespace gateway
