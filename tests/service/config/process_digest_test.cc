#include "service/config/process_digest.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ProcessDigestTest, TheSameTextHasTheSameAndAnotherAnother) {
  EXPECT_EQ(KeyedHex("a secret"), KeyedHex("a secret"));
  EXPECT_NE(KeyedHex("a secret"), KeyedHex("a secreT"));
  EXPECT_NE(KeyedHex(""), KeyedHex("a"));
}

TEST(ProcessDigestTest, ItIsHexadecimal) {
  EXPECT_THAT(KeyedHex("a"), testing::MatchesRegex("[0-9a-f]+"));
}

}  // namespace
}  // namespace gateway
