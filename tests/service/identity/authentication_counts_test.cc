#include "service/identity/authentication_counts.h"

#include <memory>
#include <vector>

#include "base/os/thread.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using Outcome = AuthenticationOutcome;

TEST(AuthenticationCountsTest, EachOutcomeOfEachMethodHasItsOwn) {
  AuthenticationCounts counts;
  counts.Record(CallerMethod::kJwt, Outcome::kAccepted);
  counts.Record(CallerMethod::kJwt, Outcome::kAccepted);
  counts.Record(CallerMethod::kCertificate, Outcome::kUnavailable);
  EXPECT_EQ(counts.Of(CallerMethod::kJwt, Outcome::kAccepted), 2u);
  EXPECT_EQ(counts.Of(CallerMethod::kJwt, Outcome::kInvalid), 0u);
  EXPECT_EQ(counts.Of(CallerMethod::kCertificate, Outcome::kUnavailable), 1u);
  EXPECT_EQ(counts.Of(CallerMethod::kAnonymous, Outcome::kAccepted), 0u);
}

TEST(AuthenticationCountsTest, ThreadsCountTogether) {
  constexpr int kThreads = 20;
  constexpr int kEach = 1000;
  AuthenticationCounts counts;
  {
    std::vector<std::unique_ptr<Thread>> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.push_back(std::make_unique<Thread>("counts", [&counts] {
        for (int j = 0; j < kEach; ++j) {
          counts.Record(CallerMethod::kIssuedKey, Outcome::kInvalid);
        }
      }));
    }
  }
  EXPECT_EQ(counts.Of(CallerMethod::kIssuedKey, Outcome::kInvalid),
            uint64_t{kThreads} * kEach);
}

TEST(AuthenticationCountsTest, FaultsSayTheOutcome) {
  const auto outcome = [](v1::ErrorReason reason) {
    return OutcomeOfFault(MakeFault(reason, "refused"));
  };
  EXPECT_EQ(outcome(v1::ERROR_REASON_API_KEY_INVALID), Outcome::kInvalid);
  EXPECT_EQ(outcome(v1::ERROR_REASON_API_KEY_EXPIRED), Outcome::kExpired);
  EXPECT_EQ(outcome(v1::ERROR_REASON_API_KEY_DISABLED), Outcome::kDisabled);
  EXPECT_EQ(outcome(v1::ERROR_REASON_RATE_LIMITED), Outcome::kTooManyGuesses);
  EXPECT_EQ(outcome(v1::ERROR_REASON_IDENTITY_UNAVAILABLE),
            Outcome::kUnavailable);
}

TEST(AuthenticationCountsTest, OutcomesHaveNames) {
  EXPECT_EQ(AuthenticationOutcomeName(Outcome::kAccepted), "accepted");
  EXPECT_EQ(AuthenticationOutcomeName(Outcome::kInvalid), "invalid");
  EXPECT_EQ(AuthenticationOutcomeName(Outcome::kExpired), "expired");
  EXPECT_EQ(AuthenticationOutcomeName(Outcome::kDisabled), "disabled");
  EXPECT_EQ(AuthenticationOutcomeName(Outcome::kTooManyGuesses),
            "too_many_guesses");
  EXPECT_EQ(AuthenticationOutcomeName(Outcome::kUnavailable), "unavailable");
}

}  // namespace
}  // namespace gateway
