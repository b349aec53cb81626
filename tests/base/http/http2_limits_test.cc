#include "base/http/http2_limits.h"

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

TEST(Http2LimitsTest, MustFitAConnectionsWindow) {
  Http2Limits limits;
  EXPECT_TRUE(CheckHttp2Limits(limits).ok());
  limits.concurrent_streams = 32 * 1024 - 1;
  EXPECT_TRUE(CheckHttp2Limits(limits).ok());
  limits.concurrent_streams = 32 * 1024;
  EXPECT_TRUE(absl::IsInvalidArgument(CheckHttp2Limits(limits)));
  limits.concurrent_streams = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(CheckHttp2Limits(limits)));
}

TEST(SpreadAgeTest, GoesATenthToEachSide) {
  FakeRandom random(1);
  const absl::Duration age = absl::Minutes(30);
  absl::Duration least = absl::InfiniteDuration();
  absl::Duration most = absl::ZeroDuration();
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration one = SpreadAge(age, random);
    least = std::min(least, one);
    most = std::max(most, one);
  }
  EXPECT_GE(least, 0.9 * age);
  EXPECT_LT(least, 0.91 * age);
  EXPECT_LE(most, 1.1 * age);
  EXPECT_GT(most, 1.09 * age);
}

TEST(SpreadAgeTest, NeverStaysNever) {
  FakeRandom random(1);
  EXPECT_EQ(SpreadAge(absl::InfiniteDuration(), random),
            absl::InfiniteDuration());
}

}  // namespace
}  // namespace gateway
