#include "service/observability/log_pace.h"

#include <optional>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(LogPaceTest, WritesOneLineAnIntervalAndTellsOfTheOthers) {
  LogPace pace(absl::Seconds(10));
  EXPECT_EQ(pace.Take(absl::Seconds(3)), 0);
  EXPECT_EQ(pace.Take(absl::Seconds(3)), std::nullopt);
  EXPECT_EQ(pace.Take(absl::Milliseconds(12'999)), std::nullopt);
  EXPECT_EQ(pace.Take(absl::Seconds(13)), 2);
  EXPECT_EQ(pace.Take(absl::Seconds(23)), 0);
}

}  // namespace
}  // namespace gateway
