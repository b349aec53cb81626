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
#include "base/string_view.h"

namespace gateway {

absl::StatusOr<HostPort> ParseHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", ToAbsl(text), "' lacks a port: write host:port"));
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (!host.empty() && host.front() == '[') {
    if (host.back() != ']') {
      return absl::InvalidArgumentError(
          absl::StrCat("'", ToAbsl(text), "' lacks a closing bracket"));
    }
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", ToAbsl(text), "': put an IPv6 address in brackets: [",
        ToAbsl(host), "]:", ToAbsl(port)));
  }
  uint32_t number = 0;
  // Checked here, since SimpleAtoi would accept signs and spaces.
  const bool digits =
      std::all_of(port.begin(), port.end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(ToAbsl(port), &number) ||
      number > UINT16_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", ToAbsl(port), "' is not a port: 0 to 65535"));
  }
  return HostPort{std::string(host), static_cast<uint16_t>(number)};
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

}  // namespace gateway
