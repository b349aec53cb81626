#include "service/observability/fault_party.h"

#include "gtest/gtest.h"
#include "llmgateway/v1/errors.pb.h"
#include "service/observability/call_record.h"

namespace gateway {
namespace {

namespace proto = ::llmgateway::v1;

TEST(FaultPartyTest, EachReasonIsSomebodys) {
  EXPECT_EQ(PartyAtFault(proto::ERROR_REASON_INVALID_REQUEST, false, false),
            FaultParty::kCaller);
  EXPECT_EQ(PartyAtFault(proto::ERROR_REASON_CANCELLED, false, false),
            FaultParty::kCaller);
  EXPECT_EQ(PartyAtFault(proto::ERROR_REASON_MODEL_DISABLED, false, false),
            FaultParty::kPolicy);
  EXPECT_EQ(PartyAtFault(proto::ERROR_REASON_CIRCUIT_OPEN, false, false),
            FaultParty::kProvider);
  EXPECT_EQ(PartyAtFault(proto::ERROR_REASON_CIRCUIT_OPEN, false, true),
            FaultParty::kPolicy)
      << "forced open";
  EXPECT_EQ(PartyAtFault(proto::ERROR_REASON_PROVIDER_TIMEOUT, false, false),
            FaultParty::kProvider);
  EXPECT_EQ(PartyAtFault(proto::ERROR_REASON_INTERNAL, false, false),
            FaultParty::kGateway);
  EXPECT_EQ(PartyAtFault(proto::ERROR_REASON_UNSPECIFIED, false, false),
            FaultParty::kGateway);
}

TEST(FaultPartyTest, ARefusedCredentialIsItsOwners) {
  for (const proto::ErrorReason reason :
       {proto::ERROR_REASON_PROVIDER_AUTH_FAILED,
        proto::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED}) {
    EXPECT_EQ(PartyAtFault(reason, false, false), FaultParty::kGateway);
    EXPECT_EQ(PartyAtFault(reason, true, false), FaultParty::kCaller);
  }
}

TEST(FaultPartyTest, WhoMayAskNoMoreWithHisOwnKeyIsWhy) {
  EXPECT_EQ(
      PartyAtFault(proto::ERROR_REASON_PROVIDER_RATE_LIMITED, false, false),
      FaultParty::kProvider);
  EXPECT_EQ(
      PartyAtFault(proto::ERROR_REASON_PROVIDER_RATE_LIMITED, true, false),
      FaultParty::kCaller);
}

TEST(FaultPartyTest, OfACallTheLastCredentialDecides) {
  CallAttempt gateways;
  gateways.credential = "default";
  CallAttempt callers;
  callers.credential = "caller";
  CallRecord record;
  record.error_reason = proto::ERROR_REASON_PROVIDER_AUTH_FAILED;
  EXPECT_EQ(PartyAtFault(record), FaultParty::kGateway);
  const CallAttempt* const own_last[] = {&gateways, &callers};
  record.attempts = own_last;
  EXPECT_EQ(PartyAtFault(record), FaultParty::kCaller);
  const CallAttempt* const own_first[] = {&callers, &gateways};
  record.attempts = own_first;
  EXPECT_EQ(PartyAtFault(record), FaultParty::kGateway);
  record.waits_for_operator = true;
  EXPECT_EQ(PartyAtFault(record), FaultParty::kPolicy);
}

TEST(FaultPartyTest, WhoLeavesATargetTooLittleTimeIsWhy) {
  CallRecord record;
  record.error_reason = proto::ERROR_REASON_PROVIDER_TIMEOUT;
  EXPECT_EQ(PartyAtFault(record), FaultParty::kProvider);
  record.out_of_callers_time = true;
  EXPECT_EQ(PartyAtFault(record), FaultParty::kCaller);
}

TEST(FaultPartyTest, WhatTheConfigurationLetsACallTakeIsEnoughForAProvider) {
  CallRecord record;
  record.error_reason = proto::ERROR_REASON_DEADLINE_EXCEEDED;
  EXPECT_EQ(PartyAtFault(record), FaultParty::kCaller);
  record.out_of_configured_time = true;
  EXPECT_EQ(PartyAtFault(record), FaultParty::kPolicy);
  const CallAttempt asked;
  const CallAttempt* const attempts[] = {&asked};
  record.attempts = attempts;
  EXPECT_EQ(PartyAtFault(record), FaultParty::kProvider);
}

TEST(FaultPartyTest, PartiesHaveNames) {
  EXPECT_EQ(FaultPartyName(FaultParty::kCaller), "caller");
  EXPECT_EQ(FaultPartyName(FaultParty::kPolicy), "policy");
  EXPECT_EQ(FaultPartyName(FaultParty::kProvider), "provider");
  EXPECT_EQ(FaultPartyName(FaultParty::kGateway), "gateway");
}

}  // namespace
}  // namespace gateway
