#include "base/text/timestamp.h"

#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

std::string Timestamp(absl::Time time) {
  std::string out;
  AppendTimestamp(time, &out);
  return out;
}

TEST(TimestampTest, WritesMillisecondsOfTheUtcDay) {
  const absl::Time time = absl::FromUnixMillis(1767323045678);
  EXPECT_EQ(Timestamp(time), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(Timestamp(time + absl::Milliseconds(1)),
            "2026-01-02T03:04:05.679Z");
}

TEST(TimestampTest, RoundsDown) {
  const absl::Time time = absl::FromUnixSeconds(1767323045);
  EXPECT_EQ(Timestamp(time), "2026-01-02T03:04:05.000Z");
  EXPECT_EQ(Timestamp(time - absl::Nanoseconds(1)), "2026-01-02T03:04:04.999Z");
  EXPECT_EQ(Timestamp(time + absl::Nanoseconds(999999)),
            "2026-01-02T03:04:05.000Z");
}

TEST(TimestampTest, TimeMayStepBack) {
  EXPECT_EQ(Timestamp(absl::FromUnixSeconds(2)), "1970-01-01T00:00:02.000Z");
  EXPECT_EQ(Timestamp(absl::FromUnixSeconds(1)), "1970-01-01T00:00:01.000Z");
  EXPECT_EQ(Timestamp(absl::FromUnixMillis(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(TimestampTest, OddYearsBecomeTheNearestThatFits) {
  EXPECT_EQ(Timestamp(absl::InfinitePast()), "1000-01-01T00:00:00.000Z");
  EXPECT_EQ(Timestamp(absl::InfiniteFuture()), "9999-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace gateway
