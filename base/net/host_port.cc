#include "base/net/host_port.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
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
  // SimpleAtoi would take signs and spaces.
  const bool digits =
      std::all_of(port.begin(), port.end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(ToAbsl(port), &number) ||
      number > UINT16_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", ToAbsl(port), "' is not a port: 0 to 65535"));
  }
  return HostPort{std::string(host), static_cast<uint16_t>(number)};
}

std::string JoinHostPort(std::string_view host, std::string_view port) {
  if (host.find(':') != std::string_view::npos) {
    return absl::StrCat("[", ToAbsl(host), "]:", ToAbsl(port));
  }
  return absl::StrCat(ToAbsl(host), ":", ToAbsl(port));
}

}  // namespace gateway
