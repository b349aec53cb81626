#include "service/identity/peer_network.h"

#include <set>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(PeerNetworkTest, AnIpv4AddressIsANetworkWhateverItsPort) {
  const auto network = PeerNetworkOf("203.0.113.7");
  EXPECT_EQ(PeerNetworkOf("203.0.113.7:40312"), network);
  EXPECT_EQ(PeerNetworkOf("203.0.113.7:1"), network);
  EXPECT_EQ(PeerNetworkOf("[::ffff:203.0.113.7]:1"), network);
  EXPECT_EQ(PeerNetworkOf("::ffff:203.0.113.7"), network);
  EXPECT_NE(PeerNetworkOf("203.0.113.8"), network);
  EXPECT_NE(PeerNetworkOf("7.113.0.203"), network);
}

TEST(PeerNetworkTest, OfIpv6TheFirst64BitsCount) {
  const auto network = PeerNetworkOf("2001:db8:1:2::7");
  EXPECT_EQ(PeerNetworkOf("[2001:db8:1:2::7]:443"), network);
  EXPECT_EQ(PeerNetworkOf("[2001:db8:1:2:ffff:ffff:ffff:ffff]:1"), network);
  EXPECT_NE(PeerNetworkOf("2001:db8:1:3::7"), network);
  EXPECT_NE(PeerNetworkOf("2001:db8:2:2::7"), network);
  EXPECT_EQ(PeerNetworkOf("[fe80::1%eth0]:1"), PeerNetworkOf("fe80::2"));
}

TEST(PeerNetworkTest, NoTwoAreAlikeAndNoneIsZero) {
  std::set<uint64_t> networks;
  for (const std::string_view peer :
       {"0.0.0.0", "0.0.0.1", "0.0.0.2", "127.0.0.1", "255.255.255.255", "::1",
        "1::", "0:0:0:3::", "ffff::", "2001:db8::", ""}) {
    const uint64_t network = PeerNetworkOf(peer);
    EXPECT_NE(network, 0u) << peer;
    EXPECT_TRUE(networks.insert(network).second) << peer;
  }
}

TEST(PeerNetworkTest, WhatIsNoAddressIsUnknown) {
  for (const std::string& peer :
       {std::string(), std::string("localhost:1"), std::string("1.2.3"),
        std::string("["), std::string("[]"), std::string(":"),
        std::string("1.2.3.4.5:6"), std::string(1000, '1')}) {
    EXPECT_EQ(PeerNetworkOf(peer), kUnknownPeerNetwork) << peer;
  }
}

}  // namespace
}  // namespace gateway
