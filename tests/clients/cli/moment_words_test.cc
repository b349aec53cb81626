#include "clients/cli/moment_words.h"

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr absl::Time kNoon = absl::FromUnixSeconds(1767268800);

TEST(MomentWordsTest, AMomentIsATimeOrHowLongAgoItIs) {
  EXPECT_EQ(*MomentOf("--since", "24h", kNoon), kNoon - absl::Hours(24));
  EXPECT_EQ(*MomentOf("--since", "0", kNoon), kNoon);
  EXPECT_EQ(*MomentOf("--since", "2026-01-01T12:00:00.5Z", kNoon),
            kNoon + absl::Milliseconds(500));
}

TEST(MomentWordsTest, WhatIsNoneIsToldWithItsFlag) {
  for (const char* text : {"", "yesterday", "-1h", "2026-01-01"}) {
    const auto moment = MomentOf("--until", text, kNoon);
    EXPECT_EQ(moment.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(moment.status().message(),
                AllOf(HasSubstr("--until"), HasSubstr(text)));
  }
}

TEST(MomentWordsTest, ATimestampIsExactBeforeTheEpochToo) {
  const auto timestamp = ToTimestamp(absl::UnixEpoch() - absl::Nanoseconds(1));
  EXPECT_EQ(timestamp.seconds(), -1);
  EXPECT_EQ(timestamp.nanos(), 999999999);
}

}  // namespace
}  // namespace gateway
