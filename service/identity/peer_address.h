// Addresses of peers, as connections and proxies tell them.
//
//   AddressOfPeer("[2001:db8::7]:40312")            // "2001:db8::7"
//   ParseIpAddress(AddressOfPeer("203.0.113.7:40312"))
//
// Thread-safe: plain functions. Allocate nothing.

#ifndef SERVICE_IDENTITY_PEER_ADDRESS_H_
#define SERVICE_IDENTITY_PEER_ADDRESS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gateway {

// An IPv6 address in the order of the network; an IPv4 one is ::ffff:a.b.c.d.
using IpBytes = std::array<uint8_t, 16>;

inline constexpr size_t kIpv4PrefixBytes = 12;

// Whether it is an IPv4 address, in whichever form.
bool IsIpv4(const IpBytes& address);

// Returns the address alone. `peer` is one with or without a port, IPv6 with a
// port in brackets; of anything else comes what there is.
std::string_view AddressOfPeer(std::string_view peer);

// Returns nothing for what is none. The name of an interface behind a `%` does
// not count.
std::optional<IpBytes> ParseIpAddress(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_PEER_ADDRESS_H_
