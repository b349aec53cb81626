#include "service/pipeline/credential_outcome.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "errors/time_limit.h"
#include "gtest/gtest.h"
#include "service/observability/call_record.h"
#include "tests/service/pipeline/two_providers.h"
#include "tests/testing/head_only.h"

namespace gateway {
namespace {

class CredentialOutcomeTest : public TwoProviders {
 protected:
  // What becomes of the credential of an attempt that ends so.
  CredentialChange After(absl::Status outcome, bool last_resort = false) {
    google::protobuf::Arena arena;
    CancelSignal cancel;
    Call call(runtime_, runner_.loop(), client_, cancel, arena,
              runner_.loop().Now());
    Attempt attempt;
    attempt.provider = "first";
    attempt.status = std::move(outcome);
    attempt.credentials = &pool_;
    attempt.last_resort = last_resort;
    RecordCredential(call, attempt);
    return attempt.credential_change;
  }

  bool IsUsable() { return pool_.IsUsable(0, runner_.loop().Now()); }

  CredentialPool pool_{{{"only"}}, {}};
};

TEST_F(CredentialOutcomeTest, WhatBecomesOfItIsToldOnce) {
  EXPECT_EQ(After(absl::OkStatus()), CredentialChange::kNone);
  EXPECT_EQ(After(Down()), CredentialChange::kNone);
  EXPECT_EQ(After(Limited(absl::Seconds(3))), CredentialChange::kCools);
  EXPECT_FALSE(IsUsable());
  EXPECT_EQ(After(Limited(absl::Seconds(5))), CredentialChange::kNone);
  EXPECT_EQ(After(Refused()), CredentialChange::kIsOut);
  EXPECT_EQ(After(Refused()), CredentialChange::kNone);
}

TEST_F(CredentialOutcomeTest, OneThatIsTakenAsALastResortIsInAgain) {
  After(Refused());
  // An answer that was begun before says nothing.
  After(absl::OkStatus());
  EXPECT_FALSE(IsUsable());
  After(absl::OkStatus(), /*last_resort=*/true);
  EXPECT_TRUE(IsUsable());
}

TEST_F(CredentialOutcomeTest, WhatAHeadSaysCountsFromTheHeadOn) {
  const auto cools_for = [this](std::string_view resets, absl::Duration ago) {
    CredentialPool pool({{"only"}}, {});
    google::protobuf::Arena arena;
    CancelSignal cancel;
    Call call(runtime_, runner_.loop(), client_, cancel, arena,
              runner_.loop().Now());
    Attempt attempt;
    attempt.provider = "first";
    attempt.credentials = &pool;
    attempt.progress.first_byte = runner_.loop().Now() - ago;
    attempt.progress.upstream.Take(
        HeadOnly({{"x-ratelimit-remaining-requests", "0"},
                  {"x-ratelimit-reset-requests", resets}}));
    RecordCredential(call, attempt);
    return pool.CoolsFor(0, runner_.loop().Now());
  };
  EXPECT_EQ(cools_for("20s", absl::ZeroDuration()), absl::Seconds(20));
  EXPECT_EQ(cools_for("20s", absl::Seconds(5)), absl::Seconds(15));
  EXPECT_EQ(cools_for("20s", absl::Seconds(20)), absl::ZeroDuration());
  EXPECT_EQ(cools_for("20s", absl::Minutes(1)), absl::ZeroDuration());
  // A time is the same whenever it was said.
  const std::string in_20_seconds =
      absl::FormatTime(absl::RFC3339_full, time_.WallTime() + absl::Seconds(20),
                       absl::UTCTimeZone());
  EXPECT_EQ(cools_for(in_20_seconds, absl::Seconds(5)), absl::Seconds(20));
}

// What an attempt says of how many its credential takes, from a limit of 20.
class CredentialLoadTest : public testing::Test {
 protected:
  int LimitAfter(absl::Status outcome, int http_status = 0) {
    GradientLimit limit({.initial = 20});
    Attempt attempt;
    attempt.status = std::move(outcome);
    attempt.http_status = http_status;
    attempt.credential_limit = &limit;
    RecordCredentialLoad(attempt, /*streams=*/false, absl::Hours(1));
    return limit.limit();
  }

  static absl::Status Fault(v1::ErrorReason reason, std::string_view key = "",
                            std::string_view value = "") {
    absl::Status fault = MakeFault(reason, "no");
    if (!key.empty()) AddFaultMetadata(fault, key, value);
    return fault;
  }
};

TEST_F(CredentialLoadTest, PushBackTakesTheLimitBack) {
  EXPECT_EQ(LimitAfter(Fault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED), 429), 18);
  EXPECT_EQ(LimitAfter(Fault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE), 529), 18);
  EXPECT_EQ(LimitAfter(Fault(v1::ERROR_REASON_PROVIDER_TIMEOUT)), 18);
  // Within a stream.
  EXPECT_EQ(LimitAfter(Fault(v1::ERROR_REASON_STREAM_INTERRUPTED,
                             kProviderErrorTypeKey, "overloaded_error"),
                       200),
            18);
}

TEST_F(CredentialLoadTest, OtherFailuresSayNothing) {
  EXPECT_EQ(LimitAfter(absl::OkStatus(), 200), 20);
  EXPECT_EQ(LimitAfter(Fault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE), 500), 20);
  EXPECT_EQ(LimitAfter(Fault(v1::ERROR_REASON_STREAM_INTERRUPTED), 200), 20);
  EXPECT_EQ(LimitAfter(Fault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED), 401), 20);
  EXPECT_EQ(LimitAfter(Fault(v1::ERROR_REASON_INVALID_REQUEST), 400), 20);
  EXPECT_EQ(LimitAfter(Fault(v1::ERROR_REASON_CANCELLED)), 20);
  EXPECT_EQ(LimitAfter(Fault(v1::ERROR_REASON_DEADLINE_EXCEEDED)), 20);
  // The caller had left it too little time.
  EXPECT_EQ(LimitAfter(Fault(v1::ERROR_REASON_PROVIDER_TIMEOUT, kTimeLimitKey,
                             kDeadlineShare)),
            20);
}

// All places are taken, and ten answers a window come, slow ones or whole ones.
TEST_F(CredentialLoadTest, AStreamTellsHowLongItsFirstTokenTook) {
  GradientLimit limit({.initial = 20});
  std::vector<GradientLimit::Place> places;
  while (std::optional<GradientLimit::Place> place = limit.TryTake()) {
    places.push_back(*std::move(place));
  }
  absl::Duration now = absl::Hours(1);
  const auto record = [&](bool streams, absl::Duration takes) {
    for (int i = 0; i < 50; ++i) {
      now += absl::Milliseconds(112);
      Attempt attempt;
      attempt.began = now - takes;
      attempt.credential_limit = &limit;
      RecordCredentialLoad(attempt, streams, now);
    }
  };
  record(true, absl::Seconds(1));
  const int usual = limit.limit();
  EXPECT_GT(usual, 20);
  record(false, absl::Minutes(1));
  const int whole = limit.limit();
  EXPECT_GE(whole, usual);
  record(true, absl::Seconds(20));
  EXPECT_LT(limit.limit(), whole);
}

}  // namespace
}  // namespace gateway
