// The network that a peer is taken for where wrong keys are counted: an IPv4
// address, or the first 64 bits of an IPv6 address, of which whoever has one
// has all.
//
//   PeerNetworkOf("203.0.113.7:40312")       // As of "203.0.113.7".
//   PeerNetworkOf("[2001:db8::7]:40312")     // As of "2001:db8::8".
//   PeerNetworkOf("[::ffff:203.0.113.7]:1")  // As of the first.
//
// Thread-safe: a plain function. Allocates nothing.

#ifndef SERVICE_IDENTITY_PEER_NETWORK_H_
#define SERVICE_IDENTITY_PEER_NETWORK_H_

#include <cstdint>
#include <string_view>

namespace gateway {

// The network of all peers whose address is not known.
inline constexpr uint64_t kUnknownPeerNetwork = 1;

// Returns a number that no other network has, and that is not 0. `peer` is an
// address with or without a port, IPv6 with a port in brackets.
uint64_t PeerNetworkOf(std::string_view peer);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_PEER_NETWORK_H_
