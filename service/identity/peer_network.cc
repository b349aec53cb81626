#include "service/identity/peer_network.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace gateway {
namespace {

// No address of the internet begins like this as an IPv6 address.
constexpr uint64_t kIpv4 = uint64_t{0xffff} << 32;
// That of ::1, since 0 stands for no network.
constexpr uint64_t kIpv6Loopback = 2;

std::string_view WithoutPort(std::string_view peer) {
  if (peer.starts_with('[')) {
    return peer.substr(1, std::min(peer.find(']'), peer.size()) - 1);
  }
  const size_t colon = peer.rfind(':');
  // With several it is an IPv6 address.
  return colon == peer.find(':') ? peer.substr(0, colon) : peer;
}

}  // namespace

uint64_t PeerNetworkOf(std::string_view peer) {
  std::string_view address = WithoutPort(peer);
  address = address.substr(0, address.find('%'));  // The interface.
  char text[INET6_ADDRSTRLEN];
  if (address.size() >= sizeof(text)) return kUnknownPeerNetwork;
  address.copy(text, address.size());
  text[address.size()] = '\0';
  in_addr ipv4;
  if (inet_pton(AF_INET, text, &ipv4) == 1) return kIpv4 | ntohl(ipv4.s_addr);
  in6_addr ipv6;
  if (inet_pton(AF_INET6, text, &ipv6) != 1) return kUnknownPeerNetwork;
  const auto word = [&](int index) -> uint64_t {
    uint32_t bytes;
    memcpy(&bytes, ipv6.s6_addr + 4 * index, sizeof(bytes));
    return ntohl(bytes);
  };
  if (IN6_IS_ADDR_V4MAPPED(&ipv6)) return kIpv4 | word(3);
  return std::max(word(0) << 32 | word(1), kIpv6Loopback);
}

}  // namespace gateway
