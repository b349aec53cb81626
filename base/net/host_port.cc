#include "base/net/host_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr size_t kHostLengthMax = 253;

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

}  // namespace

bool AuthorityParts::HasHost() const {
  return in_brackets ? IsNumericHost(AF_INET6, host) : IsHostName(host);
}

absl::StatusOr<AuthorityParts> SplitAuthority(std::string_view text) {
  AuthorityParts parts;
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
  // Checked here, since SimpleAtoi would accept signs and spaces.
  const bool digits =
      !text.empty() && text.size() <= 5 &&
      std::all_of(text.begin(), text.end(),
                  [](unsigned char c) { return absl::ascii_isdigit(c); });
  uint32_t port = 0;
  if (!digits || !absl::SimpleAtoi(ToAbsl(text), &port) || port > UINT16_MAX) {
    return absl::InvalidArgumentError("must have a port of 0 to 65535");
  }
  return static_cast<uint16_t>(port);
}

absl::StatusOr<HostPort> ParseHostPort(std::string_view text) {
  const absl::StatusOr<AuthorityParts> parts = SplitAuthority(text);
  const absl::StatusOr<uint16_t> port =
      parts.ok() ? ParsePort(parts->port) : parts.status();
  if (!port.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", ToAbsl(text), "' ", port.status().message()));
  }
  return HostPort{std::string(parts->host), *port};
}

absl::Status CheckListenAddress(std::string_view text) {
  GATEWAY_ASSIGN_OR_RETURN(const AuthorityParts parts, SplitAuthority(text));
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

absl::Status CheckHost(std::string_view text) {
  const absl::StatusOr<AuthorityParts> parts = SplitAuthority(text);
  if (parts.ok() && parts->HasHost() && parts->port.empty()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "must be a host's name or address without a port, as in "
      "gateway.example or [2001:db8::7]");
}

std::string_view HostOfAuthority(std::string_view authority) {
  if (authority.starts_with('[')) {
    authority.remove_prefix(1);
    return authority.substr(0, authority.find(']'));
  }
  return authority.substr(0, authority.find(':'));
}

bool IsLoopbackHost(std::string_view host) {
  if (absl::EqualsIgnoreCase(ToAbsl(host), "localhost") ||
      absl::EndsWithIgnoreCase(ToAbsl(host), ".localhost")) {
    return true;
  }
  // inet_pton wants a terminated text.
  std::array<char, INET6_ADDRSTRLEN> text = {};
  if (host.size() >= text.size() || host.find('\0') != host.npos) return false;
  host.copy(text.data(), host.size());
  in_addr v4;
  if (inet_pton(AF_INET, text.data(), &v4) == 1) {
    return host.starts_with("127.");
  }
  in6_addr v6;
  if (inet_pton(AF_INET6, text.data(), &v6) != 1) return false;
  // A socket of both families shows IPv4 peers as ::ffff:127.0.0.1.
  constexpr size_t kMappedAt = 12;
  return IN6_IS_ADDR_LOOPBACK(&v6) ||
         (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[kMappedAt] == 127);
}

std::string JoinHostPort(std::string_view host, std::string_view port) {
  if (host.find(':') != std::string_view::npos) {
    return absl::StrCat("[", ToAbsl(host), "]:", ToAbsl(port));
  }
  return absl::StrCat(ToAbsl(host), ":", ToAbsl(port));
}

std::string AddressToCall(const HostPort& listening) {
  std::string_view host = listening.host;
  if (host.empty() || host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  return JoinHostPort(host, absl::StrCat(listening.port));
}

}  // namespace gateway
