#include "providers/path_segment.h"

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(PathSegmentTest, LeavesNamesOfModelsAsTheyAre) {
  EXPECT_EQ(EncodePathSegment("gemini-2.5-pro_~1"), "gemini-2.5-pro_~1");
}

TEST(PathSegmentTest, NothingLeavesItsSegment) {
  EXPECT_EQ(EncodePathSegment("a/../b?c#d e%\r\n"),
            "a%2F..%2Fb%3Fc%23d%20e%25%0D%0A");
  EXPECT_EQ(EncodePathSegment("\xc3\xa9"), "%C3%A9");
}

}  // namespace
}  // namespace gateway
