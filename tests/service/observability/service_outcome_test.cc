#include "service/observability/service_outcome.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/errors.pb.h"
#include "service/observability/call_record.h"

namespace gateway {
namespace {

namespace proto = ::llmgateway::v1;

class ServiceOutcomeTest : public testing::Test {
 protected:
  ServiceOutcomeTest() { record_.attempts = attempts_; }

  ServiceOutcome Failing(proto::ErrorReason reason,
                         absl::StatusCode code = absl::StatusCode::kUnknown) {
    record_.status_code = code;
    record_.error_reason = reason;
    return ServiceOutcomeOf(record_);
  }

  CallAttempt attempt_;
  const CallAttempt* const attempts_[1] = {&attempt_};
  CallRecord record_;
};

TEST_F(ServiceOutcomeTest, AProvidersAnswerIsOne) {
  EXPECT_EQ(ServiceOutcomeOf(record_), ServiceOutcome::kAnswered);
}

TEST_F(ServiceOutcomeTest, WhatNoProviderWasAskedForSaysNothingOfAny) {
  attempt_.replaced = true;
  EXPECT_EQ(ServiceOutcomeOf(record_), ServiceOutcome::kNone);
  record_.attempts = {};
  EXPECT_EQ(ServiceOutcomeOf(record_), ServiceOutcome::kNone);
}

TEST_F(ServiceOutcomeTest, AnAnswerOfAnotherCallSaysNothingHoweverItEnds) {
  record_.answer_of = "r-1";
  EXPECT_EQ(ServiceOutcomeOf(record_), ServiceOutcome::kNone);
  EXPECT_EQ(Failing(proto::ERROR_REASON_STREAM_INTERRUPTED),
            ServiceOutcome::kNone);
}

TEST_F(ServiceOutcomeTest, WhatCostsNothingSaysNothingHoweverItEnds) {
  record_.asks_for_answer = false;
  EXPECT_EQ(ServiceOutcomeOf(record_), ServiceOutcome::kNone);
  EXPECT_EQ(Failing(proto::ERROR_REASON_PROVIDER_UNAVAILABLE),
            ServiceOutcome::kNone);
}

TEST_F(ServiceOutcomeTest, WhoFailsACallIsToldWhetherOrNotSomebodyWasAsked) {
  EXPECT_EQ(Failing(proto::ERROR_REASON_PROVIDER_TIMEOUT),
            ServiceOutcome::kProviderFailed);
  EXPECT_EQ(Failing(proto::ERROR_REASON_INTERNAL),
            ServiceOutcome::kGatewayFailed);
  record_.attempts = {};
  EXPECT_EQ(Failing(proto::ERROR_REASON_CIRCUIT_OPEN),
            ServiceOutcome::kProviderFailed);
  EXPECT_EQ(Failing(proto::ERROR_REASON_LEDGER_UNAVAILABLE),
            ServiceOutcome::kGatewayFailed);
}

TEST_F(ServiceOutcomeTest, WhatItsCallerOrARuleIsWhyOfSaysNothing) {
  for (const proto::ErrorReason reason :
       {proto::ERROR_REASON_INVALID_REQUEST, proto::ERROR_REASON_CANCELLED,
        proto::ERROR_REASON_DEADLINE_EXCEEDED,
        proto::ERROR_REASON_BUDGET_EXCEEDED,
        proto::ERROR_REASON_RATE_LIMITED}) {
    EXPECT_EQ(Failing(reason), ServiceOutcome::kNone) << reason;
  }
}

TEST_F(ServiceOutcomeTest, WhoIsNotKnownSaysNothing) {
  EXPECT_EQ(Failing(proto::ERROR_REASON_UNSPECIFIED,
                    absl::StatusCode::kUnauthenticated),
            ServiceOutcome::kGatewayFailed);
  record_.attempts = {};
  EXPECT_EQ(Failing(proto::ERROR_REASON_UNSPECIFIED,
                    absl::StatusCode::kUnauthenticated),
            ServiceOutcome::kNone);
}

TEST_F(ServiceOutcomeTest, OutcomesHaveNames) {
  EXPECT_EQ(ServiceOutcomeName(ServiceOutcome::kNone), "");
  EXPECT_EQ(ServiceOutcomeName(ServiceOutcome::kAnswered), "answered");
  EXPECT_EQ(ServiceOutcomeName(ServiceOutcome::kProviderFailed),
            "provider_failed");
  EXPECT_EQ(ServiceOutcomeName(ServiceOutcome::kGatewayFailed),
            "gateway_failed");
}

}  // namespace
}  // namespace gateway
