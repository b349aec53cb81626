// `host:port` texts, with IPv6 hosts in brackets: `[::1]:8080`.
//
// Thread contract: plain functions.

#ifndef BASE_NET_HOST_PORT_H_
#define BASE_NET_HOST_PORT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gateway {

struct HostPort {
  // An IPv6 address has no brackets; empty means every interface.
  std::string host;
  uint16_t port = 0;
};

// Takes `text` apart. INVALID_ARGUMENT, saying what is wrong, unless it is
// `host:port`.
absl::StatusOr<HostPort> ParseHostPort(std::string_view text);

// The host of an authority such as `api.example:8080` or `[::1]`, without port
// and brackets. Checks nothing: what is no authority comes back as it fits.
std::string_view HostOfAuthority(std::string_view authority);

// Returns whether `host`, which has no brackets, can only be this machine:
// `localhost`, names below it (RFC 6761), 127.0.0.0/8, `::1`. Looks nothing up.
bool IsLoopbackHost(std::string_view host);

// Joins the two, with brackets around an IPv6 host.
std::string JoinHostPort(std::string_view host, std::string_view port);

}  // namespace gateway

#endif  // BASE_NET_HOST_PORT_H_
