#include "service/identity/peer_address.h"

#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(PeerAddressTest, AnAddressStandsWithOrWithoutAPort) {
  EXPECT_EQ(AddressOfPeer("203.0.113.7:40312"), "203.0.113.7");
  EXPECT_EQ(AddressOfPeer("203.0.113.7"), "203.0.113.7");
  EXPECT_EQ(AddressOfPeer("[2001:db8::7]:40312"), "2001:db8::7");
  EXPECT_EQ(AddressOfPeer("[2001:db8::7]"), "2001:db8::7");
  EXPECT_EQ(AddressOfPeer("2001:db8::7"), "2001:db8::7");
  EXPECT_EQ(AddressOfPeer(""), "");
  EXPECT_EQ(AddressOfPeer("["), "");
}

TEST(PeerAddressTest, BothKindsAreRead) {
  const auto ipv4 = ParseIpAddress("203.0.113.7");
  ASSERT_TRUE(ipv4.has_value());
  EXPECT_TRUE(IsIpv4(*ipv4));
  EXPECT_EQ((*ipv4)[15], 7);
  EXPECT_EQ(ParseIpAddress("::ffff:203.0.113.7"), ipv4);
  const auto ipv6 = ParseIpAddress("2001:db8::7");
  ASSERT_TRUE(ipv6.has_value());
  EXPECT_FALSE(IsIpv4(*ipv6));
  EXPECT_EQ((*ipv6)[0], 0x20);
  EXPECT_EQ(ParseIpAddress("2001:db8::7%eth0"), ipv6);
}

TEST(PeerAddressTest, WhatIsNoneIsNotRead) {
  for (const char* none : {"", "localhost", "1.2.3", "1.2.3.4.5", "01.2.3.4",
                           "1.2.3.4 ", "[::1]", ":::", "_hidden", "unknown"}) {
    EXPECT_FALSE(ParseIpAddress(none).has_value()) << none;
  }
  EXPECT_FALSE(ParseIpAddress(std::string(1000, '1')).has_value());
}

}  // namespace
}  // namespace gateway
