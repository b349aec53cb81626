#include "base/http/http_timeout.h"

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(HttpTimeoutTest, TellsSilenceFromTooLongAWhole) {
  for (const HttpTimeLimit limit :
       {HttpTimeLimit::kConnect, HttpTimeLimit::kFirstByte,
        HttpTimeLimit::kCallFirstByte, HttpTimeLimit::kIdle}) {
    const absl::Status error =
        WaitedTooLong(limit, absl::Milliseconds(1500), "the answer");
    EXPECT_EQ(error.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(error.message(), "waited 1.5s for the answer");
    EXPECT_EQ(TimeLimitOf(error), limit);
  }
  const absl::Status in_total =
      WaitedTooLong(HttpTimeLimit::kTotal, absl::Seconds(90), "the answer");
  EXPECT_EQ(in_total.message(),
            "the total time-out of 1m30s passed while waiting for the answer");
  EXPECT_EQ(TimeLimitOf(in_total), HttpTimeLimit::kTotal);
}

TEST(HttpTimeoutTest, OtherErrorsAreOfNoLimit) {
  EXPECT_FALSE(TimeLimitOf(absl::DeadlineExceededError("late")).has_value());
  EXPECT_FALSE(TimeLimitOf(absl::OkStatus()).has_value());
}

}  // namespace
}  // namespace gateway
