#include "base/http/http_timeout.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(HttpTimeoutTest, TellsSilenceFromTooLongAWhole) {
  EXPECT_EQ(WaitedTooLong("the answer", /*in_total=*/false),
            absl::DeadlineExceededError("waited too long for the answer"));
  EXPECT_EQ(WaitedTooLong("the answer", /*in_total=*/true),
            absl::DeadlineExceededError(
                "the total time-out passed while waiting for the answer"));
}

}  // namespace
}  // namespace gateway
