#include "service/pipeline/credential_outcome.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
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

}  // namespace
}  // namespace gateway
