#include "clients/cpp/retry_policy.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr Repetition kAll[] = {
    Repetition::kNever, Repetition::kIfNobodyWasAsked, Repetition::kAlways};

FailedAttempt Failed(const std::string& reason,
                     std::optional<std::string> pushback = std::nullopt) {
  absl::Status status = absl::UnavailableError("not now");
  if (!reason.empty()) {
    google::rpc::ErrorInfo info;
    info.set_reason(reason);
    info.set_domain("llmgateway.dev");
    status.SetPayload("type.googleapis.com/google.rpc.ErrorInfo",
                      absl::Cord(info.SerializeAsString()));
  }
  return {status, pushback};
}

TEST(RetryWaitTest, WhatNobodyWasAskedForComesAgainUnlessItNeverMay) {
  for (const char* reason :
       {"CONCURRENCY_LIMITED", "CONTEXT_SERVICE_UNAVAILABLE", "DRAINING",
        "IDENTITY_UNAVAILABLE", "OVERLOADED"}) {
    for (const Repetition repetition : kAll) {
      EXPECT_EQ(RetryWait(Failed(reason), repetition, 1).has_value(),
                repetition != Repetition::kNever)
          << reason;
    }
  }
}

TEST(RetryWaitTest, SomeOfItOnlyWhenTheGatewaySaysWhen) {
  for (const char* reason :
       {"CIRCUIT_OPEN", "RATE_LIMITED", "STORE_UNAVAILABLE"}) {
    EXPECT_EQ(RetryWait(Failed(reason), Repetition::kAlways, 1), std::nullopt);
    EXPECT_EQ(
        RetryWait(Failed(reason, "1500"), Repetition::kIfNobodyWasAsked, 1),
        absl::Milliseconds(1500));
    EXPECT_EQ(RetryWait(Failed(reason, "1500"), Repetition::kNever, 1),
              std::nullopt);
  }
}

TEST(RetryWaitTest, WhatMayHaveBeenDoneComesAgainIfThatDoesNothingTwice) {
  for (const char* reason : {"", "LEDGER_UNAVAILABLE"}) {
    for (const Repetition repetition : kAll) {
      EXPECT_EQ(RetryWait(Failed(reason), repetition, 1).has_value(),
                repetition == Repetition::kAlways)
          << reason;
    }
  }
}

TEST(RetryWaitTest, WhatAConnectionRefusedAsItDrainedWasNotBegun) {
  for (const Repetition repetition : kAll) {
    EXPECT_EQ(RetryWait({absl::UnavailableError("GOAWAY received"), {}},
                        repetition, 1)
                  .has_value(),
              repetition != Repetition::kNever);
  }
  EXPECT_EQ(RetryWait({absl::InternalError("GOAWAY received"), {}},
                      Repetition::kAlways, 1),
            std::nullopt);
}

TEST(RetryWaitTest, WhatAProviderFailedNeverComesAgain) {
  for (const char* reason :
       {"PROVIDER_UNAVAILABLE", "STREAM_INTERRUPTED", "BUDGET_EXCEEDED"}) {
    EXPECT_EQ(RetryWait(Failed(reason, "1"), Repetition::kAlways, 1),
              std::nullopt);
  }
  EXPECT_EQ(RetryWait({absl::InternalError("who knows"), std::nullopt},
                      Repetition::kAlways, 1),
            std::nullopt);
}

TEST(RetryWaitTest, APushbackIsObeyedUpToHalfAMinute) {
  const auto after = [](const std::string& pushback) {
    return RetryWait(Failed("OVERLOADED", pushback), Repetition::kAlways, 1);
  };
  EXPECT_EQ(after("0"), absl::ZeroDuration());
  EXPECT_EQ(after("30000"), absl::Seconds(30));
  for (const char* none : {"30001", "-1", "soon", ""}) {
    EXPECT_EQ(after(none), std::nullopt) << none;
  }
}

TEST(RetryWaitTest, EachWaitIsLongerUpToFiveSeconds) {
  for (int attempts = 1; attempts < 40; ++attempts) {
    const absl::Duration most =
        std::min(absl::Milliseconds(200) * (1 << std::min(attempts - 1, 10)),
                 absl::Seconds(5));
    const auto wait =
        RetryWait(Failed("OVERLOADED"), Repetition::kAlways, attempts);
    ASSERT_TRUE(wait.has_value());
    EXPECT_GE(*wait, most / 2);
    EXPECT_LE(*wait, most);
  }
}

TEST(RetryBudgetTest, MostCallsThatFailGetNoRetry) {
  RetryBudget budget;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(budget.Failed());
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(budget.Failed());
  // Of none left, to one more than half of ten and what the next one takes.
  for (int i = 0; i < 60; ++i) budget.Succeeded();
  EXPECT_FALSE(budget.Failed());
  for (int i = 0; i < 11; ++i) budget.Succeeded();
  EXPECT_TRUE(budget.Failed());
}

}  // namespace
}  // namespace gateway
