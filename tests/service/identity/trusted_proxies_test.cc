#include "service/identity/trusted_proxies.h"

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr std::string_view kProxy = "10.0.0.7:40312";

TrustedProxies Trusted(const std::vector<std::string>& networks) {
  return TrustedProxies(google::protobuf::RepeatedPtrField<std::string>(
      networks.begin(), networks.end()));
}

TEST(TrustedProxiesTest, WhereThereAreNoneThePeerIsTheClient) {
  EXPECT_TRUE(TrustedProxies().empty());
  EXPECT_EQ(TrustedProxies().ClientOf(kProxy, {"203.0.113.7"}), kProxy);
}

TEST(TrustedProxiesTest, AProxySaysWhoHasCalledIt) {
  const TrustedProxies proxies = Trusted({"10.0.0.0/8"});
  EXPECT_EQ(proxies.ClientOf(kProxy, {"203.0.113.7"}), "203.0.113.7");
  EXPECT_EQ(proxies.ClientOf(kProxy, {" 203.0.113.7:52 "}), "203.0.113.7");
  EXPECT_EQ(proxies.ClientOf(kProxy, {"[2001:db8::7]:52"}), "2001:db8::7");
  EXPECT_EQ(proxies.ClientOf(kProxy, {"2001:db8::7"}), "2001:db8::7");
  EXPECT_EQ(proxies.ClientOf("[::ffff:10.0.0.7]:1", {"203.0.113.7"}),
            "203.0.113.7");
}

TEST(TrustedProxiesTest, NobodyElseIsBelieved) {
  const TrustedProxies proxies = Trusted({"10.0.0.0/8"});
  EXPECT_EQ(proxies.ClientOf("203.0.113.7:1", {"192.0.2.1"}), "203.0.113.7:1");
  EXPECT_EQ(proxies.ClientOf("11.0.0.7:1", {"192.0.2.1"}), "11.0.0.7:1");
  // What the client has written stands before what the proxy adds.
  EXPECT_EQ(proxies.ClientOf(kProxy, {"192.0.2.1, 203.0.113.7"}),
            "203.0.113.7");
  EXPECT_EQ(proxies.ClientOf(kProxy, {"10.0.0.9, 203.0.113.7"}), "203.0.113.7");
  EXPECT_EQ(proxies.ClientOf(kProxy, {"192.0.2.1", "203.0.113.7"}),
            "203.0.113.7");
}

TEST(TrustedProxiesTest, ProxiesMayStandBehindOneAnother) {
  const TrustedProxies proxies = Trusted({"10.0.0.0/8", "2001:db8::/32"});
  EXPECT_EQ(proxies.ClientOf(
                kProxy, {"192.0.2.1, 203.0.113.7,10.0.0.9", "2001:db8::1"}),
            "203.0.113.7");
  // One of them calls itself.
  EXPECT_EQ(proxies.ClientOf(kProxy, {"10.0.0.9"}), "10.0.0.9");
}

TEST(TrustedProxiesTest, WhereAProxySaysNoAddressItIsTheProxy) {
  const TrustedProxies proxies = Trusted({"10.0.0.0/8"});
  EXPECT_EQ(proxies.ClientOf(kProxy, {}), kProxy);
  EXPECT_EQ(proxies.ClientOf(kProxy, {""}), kProxy);
  EXPECT_EQ(proxies.ClientOf(kProxy, {" , ,"}), kProxy);
  EXPECT_EQ(proxies.ClientOf(kProxy, {"203.0.113.7,,"}), "203.0.113.7");
  EXPECT_EQ(proxies.ClientOf(kProxy, {"203.0.113.7, unknown"}), kProxy);
  EXPECT_EQ(proxies.ClientOf(kProxy, {"203.0.113.7, unknown, 10.0.0.9"}),
            "10.0.0.9");
}

TEST(TrustedProxiesTest, AListIsNotReadWithoutEnd) {
  const TrustedProxies proxies = Trusted({"10.0.0.0/8"});
  std::string list = "203.0.113.7";
  for (int i = 0; i < 31; ++i) list += ", 10.0.0.9";
  EXPECT_EQ(proxies.ClientOf(kProxy, {list}), "203.0.113.7");
  list += ", 10.0.0.9";
  EXPECT_EQ(proxies.ClientOf(kProxy, {list}), "10.0.0.9");
}

TEST(TrustedProxiesTest, NetworksEndWithinBytes) {
  const TrustedProxies proxies = Trusted({"10.128.0.0/9", "192.0.2.1"});
  EXPECT_EQ(proxies.ClientOf("10.128.0.1:1", {"203.0.113.7"}), "203.0.113.7");
  EXPECT_EQ(proxies.ClientOf("10.127.0.1:1", {"203.0.113.7"}), "10.127.0.1:1");
  EXPECT_EQ(proxies.ClientOf("192.0.2.1:1", {"203.0.113.7"}), "203.0.113.7");
  EXPECT_EQ(proxies.ClientOf("192.0.2.2:1", {"203.0.113.7"}), "192.0.2.2:1");
}

TEST(TrustedProxiesTest, ANetworkIsAnAddressAndItsBits) {
  for (const char* good : {"10.0.0.0/8", "10.0.0.7", "10.0.0.7/32", "::1",
                           "2001:db8::/32", "fc00::/7", "128.0.0.0/1"}) {
    EXPECT_TRUE(CheckProxyNetwork(good).ok()) << good;
  }
  for (const char* bad :
       {"", "proxy.internal", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/0", "::/0",
        "10.0.0.1/8", "10.0.0.0/8/8", "2001:db8::/129", "2001:db8::1/64",
        "fe80::1%eth0", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/ 8"}) {
    EXPECT_FALSE(CheckProxyNetwork(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace gateway
