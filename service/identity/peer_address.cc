#include "service/identity/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>

namespace gateway {
namespace {

constexpr IpBytes kIpv4Prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

bool IsIpv4(const IpBytes& address) {
  return std::equal(address.begin(), address.begin() + kIpv4PrefixBytes,
                    kIpv4Prefix.begin());
}

std::string_view AddressOfPeer(std::string_view peer) {
  if (peer.starts_with('[')) {
    return peer.substr(1, std::min(peer.find(']'), peer.size()) - 1);
  }
  const size_t colon = peer.rfind(':');
  // With several it is an IPv6 address.
  return colon == peer.find(':') ? peer.substr(0, colon) : peer;
}

std::optional<IpBytes> ParseIpAddress(std::string_view text) {
  text = text.substr(0, text.find('%'));
  char ended[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof(ended)) return std::nullopt;
  text.copy(ended, text.size());
  ended[text.size()] = '\0';
  IpBytes address = kIpv4Prefix;
  if (inet_pton(AF_INET, ended, address.data() + kIpv4PrefixBytes) == 1) {
    return address;
  }
  if (inet_pton(AF_INET6, ended, address.data()) == 1) return address;
  return std::nullopt;
}

}  // namespace gateway
