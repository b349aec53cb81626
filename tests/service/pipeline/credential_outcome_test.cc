#include "service/pipeline/credential_outcome.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/observability/call_record.h"
#include "tests/service/pipeline/two_providers.h"

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

}  // namespace
}  // namespace gateway
