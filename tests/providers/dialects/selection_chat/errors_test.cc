#include "providers/dialects/selection_chat/errors.h"

#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/errors.pb.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::selection_chat {
namespace {

TEST(SelectionChatErrorsTest, FieldsAtFaultAreListedByTheirPlace) {
  absl::Status fault =
      InvalidField("sampling.temperature", "must lie in 0 to 2");
  AddFieldViolation(fault, "messages", "is required");
  AddFieldViolation(fault, "selection.capabilities[2]", "is no capability");
  AddFieldViolation(fault, "messages[3].parts[0].text", "is empty");
  AddFieldViolation(fault, "x-llmgateway-node", "is empty");
  AddFieldViolation(fault, "idempotency-key", "is empty");
  const WireError error = WriteError(fault, "t-1");
  EXPECT_EQ(error.http_status, 422);
  EXPECT_TRUE(SameJson(
      error.body,
      R"({"detail":[)"
      R"({"type":"value_error","loc":["body","temperature"],)"
      R"("msg":"must lie in 0 to 2"},)"
      R"({"type":"missing","loc":["body","messages"],"msg":"is required"},)"
      R"({"type":"value_error","loc":["body","capabilities",2],)"
      R"("msg":"is no capability"},)"
      R"({"type":"value_error","loc":["body","messages",3,"content","text"],)"
      R"("msg":"is empty"},)"
      R"({"type":"value_error","loc":["header","x-llmgateway-node"],)"
      R"("msg":"is empty"},)"
      R"({"type":"value_error","loc":["header","idempotency-key"],)"
      R"("msg":"is empty"}],)"
      R"("reason":"INVALID_REQUEST","trace_id":"t-1"})"))
      << error.body;
}

TEST(SelectionChatErrorsTest, AllElseIsAText) {
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, "slow \"down\"");
  SetRetryDelay(fault, absl::Seconds(7));
  const WireError error = WriteError(fault, "");
  EXPECT_EQ(error.http_status, 429);
  EXPECT_EQ(error.retry_after, absl::Seconds(7));
  EXPECT_EQ(error.body, R"({"detail":"slow \"down\"",)"
                        R"("reason":"PROVIDER_RATE_LIMITED"})");
}

TEST(SelectionChatErrorsTest, EachReasonHasAStatusOfItsOwn) {
  // Those that mean our mistake, or none.
  const std::set<int> internal = {v1::ERROR_REASON_UNSPECIFIED,
                                  v1::ERROR_REASON_INTERNAL};
  const auto* const reasons = v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons->value_count(); ++i) {
    const auto reason =
        static_cast<v1::ErrorReason>(reasons->value(i)->number());
    if (internal.contains(reason)) continue;
    EXPECT_NE(WriteError(MakeFault(reason, "m"), "").http_status, 500)
        << reasons->value(i)->name();
  }
  EXPECT_EQ(WriteError(MakeFault(v1::ERROR_REASON_INVALID_REQUEST, "m"), "")
                .http_status,
            400);
  EXPECT_EQ(WriteError(MakeFault(v1::ERROR_REASON_BUDGET_EXCEEDED, "m"), "")
                .http_status,
            402);
  EXPECT_EQ(WriteError(absl::InternalError("m"), "").http_status, 500);
}

TEST(SelectionChatErrorsTest, AFieldThatIsNotServedIsNoFaultOfTheBody) {
  absl::Status fault = MakeFault(v1::ERROR_REASON_UNIMPLEMENTED, "not yet");
  AddFieldViolation(fault, "x-llmgateway-priority", "is not served yet");
  const WireError error = WriteError(fault, "");
  EXPECT_EQ(error.http_status, 501);
  EXPECT_EQ(error.body, R"({"detail":"not yet","reason":"UNIMPLEMENTED"})");
}

TEST(SelectionChatErrorsTest, FieldsOfTheContractHaveNamesHere) {
  EXPECT_EQ(FieldName("max_output_tokens"), "max_tokens");
  EXPECT_EQ(FieldName("sampling.temperature"), "temperature");
  EXPECT_EQ(FieldName("selection.node_name"), "node_name");
  EXPECT_EQ(FieldName("selection.cost_tier"), "cost_tier_override");
  EXPECT_EQ(FieldName("selection.budget_remaining_usd_nanos"),
            "budget_remaining");
  EXPECT_EQ(FieldName("selection.previous_failures[1]"),
            "previous_failures[1]");
  EXPECT_EQ(FieldName("scope.user_id"), "user_context.user_id");
  EXPECT_EQ(FieldName("messages[1].parts"), "messages[1].content");
  EXPECT_EQ(FieldName("messages[1].role"), "messages[1].role");
  EXPECT_EQ(FieldName("user_context.a"), "user_context.a");
}

}  // namespace
}  // namespace gateway::selection_chat
