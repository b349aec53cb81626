#include "service/config/keyed_hex.h"

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(KeyedHexTest, TheSameTextHasTheSame) {
  EXPECT_EQ(KeyedHex("a").size(), 64U);
  EXPECT_EQ(KeyedHex("a"), KeyedHex("a"));
  EXPECT_NE(KeyedHex("a"), KeyedHex("b"));
}

TEST(KeyedHexTest, ItIsNoneThatOthersCanCompute) {
  // The SHA-256.
  EXPECT_NE(KeyedHex("a"),
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4ed9b9807785afee48bb");
}

}  // namespace
}  // namespace gateway
