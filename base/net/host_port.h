// Hosts and ports in one text, with IPv6 hosts in brackets: `[::1]:8080`. URLs
// are `base/net/base_url.h`'s, which takes their middle apart by this one.
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

// The parts of an authority, as they stand in it.
struct AuthorityParts {
  // Whether the host is a name, an IPv4 address or, in brackets, an IPv6
  // address.
  bool HasHost() const;

  std::string_view host;  // An IPv6 address has no brackets here.
  std::string_view port;  // Empty if there is none.
  bool in_brackets = false;
};

// Takes apart `host` or `host:port`. The message of an error lacks a subject
// and does not repeat the text, which may be a secret in the wrong place.
absl::StatusOr<AuthorityParts> SplitAuthority(std::string_view text);

// A port of 0 to 65535; errors are as above.
absl::StatusOr<uint16_t> ParsePort(std::string_view text);

// Takes `text` apart. INVALID_ARGUMENT, saying what is wrong with it, unless it
// is `host:port`.
absl::StatusOr<HostPort> ParseHostPort(std::string_view text);

// Checks `host:port` of a listener: an IP address or `localhost`, and a port
// that may be 0. Errors are as above.
absl::Status CheckListenAddress(std::string_view text);

// Checks a host without a port. Errors are as above.
absl::Status CheckHost(std::string_view text);

// The host of an authority such as `api.example:8080` or `[::1]`, without port
// and brackets. Checks nothing: what is no authority comes back as it fits.
std::string_view HostOfAuthority(std::string_view authority);

// Returns whether `host`, which has no brackets, can only be this machine:
// `localhost`, names below it (RFC 6761), 127.0.0.0/8, `::1`. Looks nothing up.
bool IsLoopbackHost(std::string_view host);

// Joins the two, with brackets around an IPv6 host.
std::string JoinHostPort(std::string_view host, std::string_view port);

// Returns where a listener is called from its own machine: at the loopback
// interface if it listens on every one.
std::string AddressToCall(const HostPort& listening);

}  // namespace gateway

#endif  // BASE_NET_HOST_PORT_H_
