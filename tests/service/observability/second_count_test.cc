#include "service/observability/second_count.h"

#include <cstdint>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(SecondCountTest, LetsSoManyHappenInASecondAndCountsTheOthers) {
  SecondCount count;
  int64_t beyond = -1;
  EXPECT_TRUE(count.Take(absl::Hours(1), 2, &beyond));
  EXPECT_EQ(beyond, 0);
  EXPECT_TRUE(count.Take(absl::Hours(1), 2, &beyond));
  const absl::Duration late = absl::Hours(1) + absl::Milliseconds(999);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(count.Take(late, 2, &beyond));
  EXPECT_TRUE(count.Take(absl::Hours(1) + absl::Seconds(1), 2, &beyond));
  EXPECT_EQ(beyond, 3);
  EXPECT_TRUE(count.Take(absl::Hours(1) + absl::Seconds(1), 2, &beyond));
  EXPECT_EQ(beyond, 0);
}

TEST(SecondCountTest, OfNoneNothingHappens) {
  SecondCount count;
  int64_t beyond = 0;
  EXPECT_FALSE(count.Take(absl::Hours(1), 0, &beyond));
  EXPECT_FALSE(count.Take(absl::Hours(2), 0, &beyond));
  EXPECT_TRUE(count.Take(absl::Hours(2), 1, &beyond));
  EXPECT_EQ(beyond, 2);
}

}  // namespace
}  // namespace gateway
