#include "service/identity/peer_network.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "service/identity/peer_address.h"

namespace gateway {
namespace {

// No address of the internet begins like this as an IPv6 address.
constexpr uint64_t kIpv4 = uint64_t{0xffff} << 32;
// That of ::1, since 0 stands for no network.
constexpr uint64_t kIpv6Loopback = 2;

}  // namespace

uint64_t PeerNetworkOf(std::string_view peer) {
  const std::optional<IpBytes> address = ParseIpAddress(AddressOfPeer(peer));
  if (!address.has_value()) return kUnknownPeerNetwork;
  const auto number = [&](size_t begin, size_t end) {
    uint64_t bytes = 0;
    for (size_t i = begin; i < end; ++i) bytes = bytes << 8 | (*address)[i];
    return bytes;
  };
  if (IsIpv4(*address)) return kIpv4 | number(kIpv4PrefixBytes, 16);
  return std::max(number(0, 8), kIpv6Loopback);
}

}  // namespace gateway
