#include "service/api/audit_view.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;

TEST(AuditViewTest, AnEntryIsShownAsItIs) {
  AuditEntry entry;
  entry.id = 7;
  entry.time = absl::FromUnixSeconds(100);
  entry.texts.Replace(AuditText::kRequestId, "r-1");
  entry.texts.Replace(AuditText::kAgentId, "agent");
  entry.texts.Replace(AuditText::kProvider, "mock");
  entry.texts.Replace(AuditText::kModelServed, "mock-model");
  entry.texts.Replace(AuditText::kMessage, "bytes \xff");
  entry.outcome = AuditOutcome::kFailed;
  entry.failure = v1::ERROR_REASON_INVALID_REQUEST;
  entry.status_code = 3;
  for (size_t i = 0; i < AuditUsage::kTokenKinds; ++i) {
    entry.usage.tokens[i] = static_cast<int64_t>(i) + 1;
  }
  entry.usage.cost_known = true;
  entry.usage.charged_nanos = 99;
  entry.duration = absl::Seconds(2);
  entry.request = {.bytes = "asked",
                   .is_kept = true,
                   .kept_bytes = 5,
                   .redactions = 1,
                   .key_id = "k"};
  v1::AuditEntry shown;
  FillAuditEntry(entry, &shown);
  EXPECT_EQ(shown.id(), 7);
  EXPECT_EQ(shown.kind(), v1::AuditEntry::KIND_CALL);
  EXPECT_EQ(ToAbsl(shown.time()), entry.time);
  EXPECT_EQ(shown.request_id(), "r-1");
  EXPECT_EQ(shown.scope().agent_id(), "agent");
  EXPECT_EQ(shown.route().provider(), "mock");
  EXPECT_EQ(shown.route().model(), "mock-model");
  EXPECT_EQ(shown.message(), "bytes \xef\xbf\xbd");
  EXPECT_EQ(shown.outcome(), v1::AUDIT_OUTCOME_FAILED);
  EXPECT_EQ(shown.failure(), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(shown.usage().input_tokens(), 1);
  EXPECT_EQ(shown.usage().rejected_prediction_tokens(), 10);
  EXPECT_EQ(shown.usage().image_input_tokens(), 11);
  EXPECT_EQ(shown.usage().image_output_tokens(), 12);
  EXPECT_EQ(shown.usage().cost_usd_nanos(), 99);
  EXPECT_EQ(ToAbsl(shown.duration()), absl::Seconds(2));
  EXPECT_EQ(shown.request().text(), "asked");
  EXPECT_EQ(shown.request().key_id(), "k");
  EXPECT_EQ(shown.request().redactions(), 1);
  EXPECT_FALSE(shown.has_response());
}

TEST(AuditViewTest, WhatTellsOfNoCallHasNothingOfOne) {
  AuditEntry entry;
  entry.kind = AuditKind::kDeletion;
  entry.entries = 5;
  v1::AuditEntry shown;
  FillAuditEntry(entry, &shown);
  EXPECT_EQ(shown.kind(), v1::AuditEntry::KIND_DELETION);
  EXPECT_EQ(shown.entries(), 5);
  EXPECT_FALSE(shown.has_usage());
  EXPECT_FALSE(shown.has_duration());
}

TEST(AuditViewTest, AFilterAsksForCallsUnlessItSaysOtherwise) {
  v1::AuditFilter filter;
  filter.set_caller("team");
  filter.set_outcome(v1::AUDIT_OUTCOME_FAILED);
  SetProto(absl::FromUnixSeconds(5), filter.mutable_start_time());
  auto read = AuditFilterOf(filter);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->kind, AuditKind::kCall);
  EXPECT_EQ(read->caller, "team");
  EXPECT_EQ(read->outcome, AuditOutcome::kFailed);
  EXPECT_EQ(read->start_time, absl::FromUnixSeconds(5));
  EXPECT_EQ(read->end_time, absl::InfiniteFuture());
  filter.set_kind(v1::AuditEntry::KIND_LOSS);
  EXPECT_EQ(AuditFilterOf(filter)->kind, AuditKind::kLoss);
  SetProto(absl::FromUnixSeconds(4), filter.mutable_end_time());
  EXPECT_THAT(AuditFilterOf(filter).status().message(),
              HasSubstr("filter.end_time"));
  filter.clear_end_time();
  filter.set_model(std::string(1025, 'm'));
  EXPECT_THAT(AuditFilterOf(filter).status().message(),
              HasSubstr("filter.model"));
}

TEST(AuditViewTest, ValuesThatThereAreNotAreRefused) {
  v1::AuditFilter filter;
  filter.set_outcome(static_cast<v1::AuditOutcome>(9));
  EXPECT_THAT(AuditFilterOf(filter).status().message(),
              HasSubstr("filter.outcome: is 9, which there is not; there are "
                        "AUDIT_OUTCOME_SUCCEEDED, AUDIT_OUTCOME_FAILED"));
  filter.clear_outcome();
  filter.set_kind(static_cast<v1::AuditEntry::Kind>(77));
  EXPECT_THAT(AuditFilterOf(filter).status().message(),
              HasSubstr("filter.kind: is 77"));
  filter.clear_kind();
  filter.set_failure(static_cast<v1::ErrorReason>(9999));
  EXPECT_THAT(AuditFilterOf(filter).status().message(),
              HasSubstr("and others of ErrorReason"));
  filter.clear_failure();
  filter.mutable_start_time()->set_nanos(-1);
  EXPECT_THAT(AuditFilterOf(filter).status().message(),
              HasSubstr("filter.start_time"));
}

TEST(AuditViewTest, APlaceIsReadFromItsToken) {
  const AuditPlace place{.time_us = -5, .id = 7};
  const auto read = AuditPlaceOf(AuditPageToken(place));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, place);
  EXPECT_EQ(*AuditPlaceOf(""), AuditPlace());
  for (const std::string token :
       {"x", "audit:", "audit:1", "audit:1/x", "usage:1/2", "audit:1/2/3"}) {
    EXPECT_EQ(AuditPlaceOf(token).status().code(),
              absl::StatusCode::kInvalidArgument)
        << token;
  }
}

}  // namespace
}  // namespace gateway
