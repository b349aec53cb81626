#include "base/net/host_port.h"

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(HostPortTest, FindsTheHostOfAnAuthority) {
  EXPECT_EQ(HostOfAuthority("a.example:8080"), "a.example");
  EXPECT_EQ(HostOfAuthority("a.example"), "a.example");
  EXPECT_EQ(HostOfAuthority("[::1]:8080"), "::1");
  EXPECT_EQ(HostOfAuthority("[::1]"), "::1");
  EXPECT_EQ(HostOfAuthority("[::1"), "::1");
  EXPECT_EQ(HostOfAuthority(":80"), "");
  EXPECT_EQ(HostOfAuthority(""), "");
}

TEST(HostPortTest, KnowsWhichHostsAreThisMachine) {
  for (const std::string_view host :
       {"localhost", "LocalHost", "a.localhost", "127.0.0.1", "127.255.0.9",
        "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(IsLoopbackHost(host)) << host;
  }
  for (const std::string_view host :
       {"", "localhost.example", "alocalhost", "127.0.0.1.example", "127.1",
        "127.0.0.256", "126.0.0.1", "0.0.0.0", "10.127.0.1", "::", "::2",
        "::ffff:10.0.0.1", "[::1]", "127.0.0.1 ",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001"}) {
    EXPECT_FALSE(IsLoopbackHost(host)) << host;
  }
  EXPECT_FALSE(IsLoopbackHost(std::string_view("127.0.0.1\0", 10)));
}

TEST(HostPortTest, ReadsHostsAndPorts) {
  const auto expect = [](std::string_view text, std::string_view host,
                         int port) {
    const absl::StatusOr<HostPort> parsed = ParseHostPort(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->host, host);
    EXPECT_EQ(parsed->port, port);
  };
  expect("127.0.0.1:8080", "127.0.0.1", 8080);
  expect("a.example:0", "a.example", 0);
  expect(":65535", "", 65535);
  expect("[::1]:80", "::1", 80);
}

TEST(HostPortTest, RefusesAnythingElse) {
  for (const std::string_view text :
       {"", "host", "host:", "host:65536", "host:-1", "host:+1", "host: 1",
        "host:1 ", "host:x", "host:99999999999", "::1:80", "[::1]", "[::1:80",
        "[::1]80"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseHostPort(text).status())) << text;
  }
}

TEST(HostPortTest, AListenerHasAnAddressAndAPort) {
  for (const char* address : {"127.0.0.1:8080", "0.0.0.0:0", "[::]:65535",
                              "[::1]:80", "localhost:8080"}) {
    EXPECT_TRUE(CheckListenAddress(address).ok()) << address;
  }
  for (const char* address :
       {"", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
        "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1: 1", "::1:80", "[::1]",
        "example.org:80", "256.0.0.1:80", "127.0.0.1:000080"}) {
    EXPECT_FALSE(CheckListenAddress(address).ok()) << address;
  }
}

TEST(HostPortTest, AHostHasNoPort) {
  for (const char* host : {"a.example", "127.0.0.1", "[2001:db8::7]", "a_b"}) {
    EXPECT_TRUE(CheckHost(host).ok()) << host;
  }
  for (const char* host :
       {"", "a.example:80", "::1", "[::1]:80", "[::1", "[a]", "a..b", "a b"}) {
    EXPECT_FALSE(CheckHost(host).ok()) << host;
  }
}

TEST(HostPortTest, WhatListensEverywhereIsCalledAtLoopback) {
  EXPECT_EQ(AddressToCall({"0.0.0.0", 80}), "127.0.0.1:80");
  EXPECT_EQ(AddressToCall({"", 80}), "127.0.0.1:80");
  EXPECT_EQ(AddressToCall({"::", 80}), "[::1]:80");
  EXPECT_EQ(AddressToCall({"10.0.0.1", 80}), "10.0.0.1:80");
  EXPECT_EQ(AddressToCall({"::2", 80}), "[::2]:80");
}

TEST(HostPortTest, JoinsWhatItReads) {
  EXPECT_EQ(JoinHostPort("a", "1"), "a:1");
  EXPECT_EQ(JoinHostPort("::1", "80"), "[::1]:80");
  EXPECT_EQ(JoinHostPort("", "80"), ":80");
}

}  // namespace
}  // namespace gateway
