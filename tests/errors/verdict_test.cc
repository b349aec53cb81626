#include "errors/verdict.h"

#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "errors/size_limit.h"
#include "errors/time_limit.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;

// The reasons that are checked so.
std::set<std::string> ValidatedAs(Verdict verdict, bool abandoned = false) {
  std::set<std::string> reasons;
  for (int i = 1; i < v1::ErrorReason_ARRAYSIZE; ++i) {
    if (!v1::ErrorReason_IsValid(i)) continue;
    const auto reason = static_cast<v1::ErrorReason>(i);
    if (ClassifyFailure(MakeFault(reason, "x"), abandoned) == verdict) {
      reasons.emplace(ReasonName(reason));
    }
  }
  return reasons;
}

TEST(VerdictTest, ATargetThatMayHaveRecoveredIsAskedAgain) {
  EXPECT_THAT(ValidatedAs(Verdict::kRetryHere),
              ElementsAre("PROVIDER_TIMEOUT", "PROVIDER_UNAVAILABLE"));
}

TEST(VerdictTest, OneThatMayStillBeAtWorkIsNot) {
  EXPECT_THAT(ValidatedAs(Verdict::kRetryHere, /*abandoned=*/true),
              ElementsAre("PROVIDER_UNAVAILABLE"));
  EXPECT_THAT(ValidatedAs(Verdict::kGoElsewhere, /*abandoned=*/true),
              ElementsAre("CIRCUIT_OPEN", "MODEL_DISABLED",
                          "PROVIDER_BAD_RESPONSE",
                          "PROVIDER_TIMEOUT", "STREAM_INTERRUPTED"));
}

TEST(VerdictTest, NorIsOneThatTellsOfATimeOutItself) {
  for (const char* mark : {"http_status", "provider_error_form"}) {
    absl::Status told = MakeFault(v1::ERROR_REASON_PROVIDER_TIMEOUT, "504");
    AddFaultMetadata(told, mark, "504");
    EXPECT_EQ(ClassifyFailure(told), Verdict::kGoElsewhere) << mark;
  }
}

TEST(VerdictTest, ACallersOwnCredentialIsTheCallersTrouble) {
  for (const v1::ErrorReason reason :
       {v1::ERROR_REASON_PROVIDER_AUTH_FAILED,
        v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED}) {
    absl::Status refused = MakeFault(reason, "401");
    EXPECT_FALSE(IsOfCallersCredential(refused));
    AddFaultMetadata(refused, "credential", "caller");
    EXPECT_TRUE(IsOfCallersCredential(refused));
    EXPECT_EQ(ClassifyFailure(refused), Verdict::kCallersFault);
  }
}

TEST(VerdictTest, WhoWasCutShortIsNotToBlame) {
  absl::Status cut = MakeFault(v1::ERROR_REASON_PROVIDER_TIMEOUT, "");
  AddTimeLimit(cut, kDeadlineShare);
  for (const bool abandoned : {false, true}) {
    EXPECT_EQ(ClassifyFailure(cut, abandoned), Verdict::kOutOfTime);
  }
  EXPECT_FALSE(BlamesTarget(Verdict::kOutOfTime));
  EXPECT_FALSE(ComesFromUpstream(Verdict::kOutOfTime));
  EXPECT_FALSE(MayAskAgain(cut, /*abandoned=*/false));
  AddFaultMetadata(cut, kUsualTimeKey, "1s");
  EXPECT_TRUE(BlamesTarget(ClassifyFailure(cut)));
}

TEST(VerdictTest, WhoseAnswerIsTooLargeIsNotToBlame) {
  absl::Status large = MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, "");
  EXPECT_TRUE(BlamesTarget(ClassifyFailure(large)));
  AddFaultMetadata(large, kSizeLimitKey, kAnswerSizeLimit);
  EXPECT_EQ(ClassifyFailure(large), Verdict::kTooLarge);
  EXPECT_FALSE(BlamesTarget(Verdict::kTooLarge));
  EXPECT_FALSE(ComesFromUpstream(Verdict::kTooLarge));
  EXPECT_FALSE(MayAskAgain(large, /*abandoned=*/false));
  EXPECT_TRUE(MayServeElsewhere(Verdict::kTooLarge));
}

TEST(VerdictTest, WhoMayNotHaveWhatIsAskedForMayHaveAllElse) {
  absl::Status refused = MakeFault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED, "");
  AddFaultMetadata(refused, kRefusedKey, kAccess);
  EXPECT_EQ(ClassifyFailure(refused), Verdict::kAccessRefused);
  EXPECT_FALSE(ComesFromUpstream(Verdict::kAccessRefused));
  EXPECT_TRUE(MayServeElsewhere(Verdict::kAccessRefused));
  EXPECT_FALSE(MayAskAgain(refused, /*abandoned=*/false));
  AddFaultMetadata(refused, "credential", "caller");
  EXPECT_EQ(ClassifyFailure(refused), Verdict::kCallersFault);
}

TEST(VerdictTest, WhatTheModelWritesIsNotTheTargetsFault) {
  for (const v1::ErrorReason reason :
       {v1::ERROR_REASON_PROVIDER_UNAVAILABLE,
        v1::ERROR_REASON_STREAM_INTERRUPTED}) {
    absl::Status failed = MakeFault(reason, "");
    AddFaultMetadata(failed, kOutputFaultKey, "MALFORMED_FUNCTION_CALL");
    EXPECT_EQ(ClassifyFailure(failed), Verdict::kOutputFailed);
    EXPECT_TRUE(MayAskAgain(failed, /*abandoned=*/false));
  }
  EXPECT_FALSE(ComesFromUpstream(Verdict::kOutputFailed));
  EXPECT_TRUE(MayServeElsewhere(Verdict::kOutputFailed));
}

TEST(VerdictTest, WhatAnOperatorHasTakenOutWaitsForOne) {
  EXPECT_TRUE(WaitsForOperator(MakeFault(v1::ERROR_REASON_MODEL_DISABLED, "")));
  absl::Status open = MakeFault(v1::ERROR_REASON_CIRCUIT_OPEN, "");
  EXPECT_TRUE(WaitsForOperator(open)) << "nobody knows for how long";
  SetRetryDelay(open, absl::Seconds(30));
  EXPECT_FALSE(WaitsForOperator(open));
  EXPECT_FALSE(
      WaitsForOperator(MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "")));
}

TEST(VerdictTest, OneThatLacksWhatIsAskedIsNotAskedAgain) {
  absl::Status failure =
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "501: no");
  AddFaultMetadata(failure, "http_status", "501");
  EXPECT_TRUE(ForbidsRetry(failure));
  EXPECT_EQ(ClassifyFailure(failure), Verdict::kGoElsewhere);
  AddFaultMetadata(failure, "provider_should_retry", "true");
  EXPECT_FALSE(ForbidsRetry(failure));
}

TEST(VerdictTest, TheSameTargetMayBeAskedAgainWhereThatMayHelp) {
  absl::Status down = MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "");
  EXPECT_TRUE(MayAskAgain(down, /*abandoned=*/true));
  EXPECT_TRUE(MayAskAgain(MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, ""),
                          false));
  const absl::Status late = MakeFault(v1::ERROR_REASON_PROVIDER_TIMEOUT, "");
  EXPECT_TRUE(MayAskAgain(late, /*abandoned=*/false));
  EXPECT_FALSE(MayAskAgain(late, /*abandoned=*/true));
  EXPECT_FALSE(MayAskAgain(
      MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, ""), false));
  AddFaultMetadata(down, kProviderShouldRetryKey, "false");
  EXPECT_FALSE(MayAskAgain(down, /*abandoned=*/true));
}

TEST(VerdictTest, TheCredentialsTroubleIsNotTheTargets) {
  EXPECT_THAT(ValidatedAs(Verdict::kRateLimited),
              ElementsAre("PROVIDER_RATE_LIMITED"));
  EXPECT_THAT(ValidatedAs(Verdict::kCredentialRefused),
              ElementsAre("PROVIDER_AUTH_FAILED", "PROVIDER_QUOTA_EXHAUSTED"));
  for (const Verdict verdict :
       {Verdict::kRateLimited, Verdict::kCredentialRefused}) {
    EXPECT_FALSE(BlamesTarget(verdict)) << VerdictName(verdict);
    EXPECT_TRUE(ComesFromUpstream(verdict)) << VerdictName(verdict);
  }
}

TEST(VerdictTest, ACallersMistakeIsTheCallers) {
  const std::set<std::string> mistakes = ValidatedAs(Verdict::kCallersFault);
  for (const char* reason :
       {"INVALID_REQUEST", "CONTEXT_LENGTH_EXCEEDED", "CONTENT_POLICY",
        "MODEL_NOT_FOUND", "API_KEY_INVALID", "RATE_LIMITED"}) {
    EXPECT_TRUE(mistakes.contains(reason)) << reason;
  }
  EXPECT_FALSE(ComesFromUpstream(Verdict::kCallersFault));
}

TEST(VerdictTest, WhoLeavesSaysNothingOfTheTarget) {
  for (const absl::Status& failure :
       {absl::CancelledError(""), absl::DeadlineExceededError(""),
        absl::InternalError("bug"),
        MakeFault(v1::ERROR_REASON_DRAINING, "")}) {
    EXPECT_EQ(ClassifyFailure(failure), Verdict::kSaysNothing) << failure;
    EXPECT_EQ(ClassifyFailure(failure, true), Verdict::kSaysNothing) << failure;
  }
  EXPECT_FALSE(ComesFromUpstream(Verdict::kSaysNothing));
}

}  // namespace
}  // namespace gateway
