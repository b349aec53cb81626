#include "base/fnv1a.h"

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(Fnv1aTest, IsAsPublished) {
  // Test vectors of FNV's authors.
  EXPECT_EQ(Fnv1a(""), 0xcbf29ce484222325u);
  EXPECT_EQ(Fnv1a("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(Fnv1a("foobar"), 0x85944171f73967e8u);
}

TEST(Fnv1aTest, GoesOnWhereItWas) {
  EXPECT_EQ(Fnv1a("bar", Fnv1a("foo")), Fnv1a("foobar"));
  EXPECT_EQ(Fnv1a(uint8_t{'a'}, kFnvOffsetBasis), Fnv1a("a"));
  EXPECT_EQ(Fnv1a(uint8_t{0xff}, kFnvOffsetBasis), Fnv1a("\xff"));
}

}  // namespace
}  // namespace gateway
