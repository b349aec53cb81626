#include "providers/dialects/openai_responses/scan.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "providers/dialects/request_scan.h"

namespace gateway::responses {
namespace {

EventKind KindOf(ResponsesTap& tap, std::string_view name,
                 std::string_view data) {
  const absl::StatusOr<EventKind> kind = tap.OnEvent(name, data);
  EXPECT_TRUE(kind.ok()) << kind.status();
  return kind.value_or(EventKind::kIgnorable);
}

TEST(ScanRequestTest, FindsWhatTheStagesNeed) {
  constexpr std::string_view kBody =
      R"({"input":"x","model":"a\u0062","stream":true,"user":"old",
          "safety_identifier":"new","max_output_tokens":50,
          "tools":[{"type":"web_search"}]})";
  RequestScan scan;
  ASSERT_TRUE(ScanRequest(kBody, &scan).ok());
  EXPECT_EQ(scan.model, "ab");
  EXPECT_TRUE(scan.stream);
  EXPECT_TRUE(scan.stream_usage);
  EXPECT_EQ(scan.output_tokens_max, 50);
  EXPECT_GT(scan.tool_count, 0);
  EXPECT_TRUE(scan.has_messages);
  EXPECT_EQ(scan.user_id, "new");
  EditPlan plan;
  wire::PlanEdits(scan, "other", &plan);
  ASSERT_EQ(plan.edits.size(), 1u);
  EXPECT_EQ(kBody.substr(plan.edits[0].span.offset, plan.edits[0].span.length),
            R"("a\u0062")");
  EXPECT_EQ(plan.edits[0].replacement, R"("other")");
  EditPlan none;
  wire::PlanEdits(scan, "ab", &none);
  EXPECT_TRUE(none.edits.empty());
}

TEST(ScanRequestTest, FindsTheSession) {
  RequestScan scan;
  ASSERT_TRUE(
      ScanRequest(R"({"model":"m","input":"x","session_id":"s"})", &scan).ok());
  EXPECT_EQ(scan.session_id, "s");
  EXPECT_EQ(scan.session_field, "session_id");
}

TEST(ScanRequestTest, RefusesWhatTwoReadersCouldReadTwice) {
  for (const std::string_view body :
       {R"({"model":"a","model":"b"})", R"({"model":"a","store":true,
           "store":false})",
        R"({"model":7})", R"({"model":"a","input":7})",
        R"({"model":"a","stream":"yes"})",
        R"({"model":"a","max_output_tokens":"9"})"}) {
    RequestScan scan;
    EXPECT_EQ(FaultReason(ScanRequest(body, &scan)),
              v1::ERROR_REASON_INVALID_REQUEST)
        << body;
  }
}

TEST(ScanStateTest, FindsWhatAsksForMemory) {
  constexpr std::string_view kBody =
      R"({"model":"a","previous_response_id":"resp_1","store":false,
          "background":true,"conversation":"c"})";
  StateScan state;
  ASSERT_TRUE(ScanState(kBody, &state).ok());
  EXPECT_EQ(state.previous_response_id, "resp_1");
  EXPECT_EQ(state.store, false);
  EXPECT_TRUE(state.background);
  EXPECT_TRUE(state.conversation);
  constexpr std::string_view kPlain = R"({"model":"a","conversation":null})";
  ASSERT_TRUE(ScanState(kPlain, &state).ok());
  EXPECT_FALSE(state.store.has_value());
  EXPECT_FALSE(state.conversation);
}

TEST(ScanStateTest, FindsTheItemThatOnlyNamesWhatIsStored) {
  constexpr std::string_view kItems[] = {
      R"({"type":"item_reference","id":"msg_1"})", R"({"id":"msg_1"})",
      R"({"type":null,"id":"msg_1"})",
      R"({"type":"message","t\u0079pe":"item_reference","id":"msg_1"})",
      R"({"type":"image_generation_call","id":"ig_1"})",
      R"({"type":"image_generation_call","id":"ig_1","result":null})"};
  for (const std::string_view item : kItems) {
    const std::string text = absl::StrCat(
        R"({"input":["x",{"role":"user","content":"hi"},)", ToAbsl(item), "]}");
    StateScan state;
    ASSERT_TRUE(ScanState(text, &state).ok()) << item;
    EXPECT_EQ(state.stored_item, 2) << item;
  }
  constexpr std::string_view kWhole =
      R"({"input":[{"role":"user","content":"hi"},{"type":7,"role":"user"},
          {"type":"image_generation_call","id":"ig_1","result":"AAAA"},
          {"type":"function_call_output","call_id":"c","output":"1"}]})";
  StateScan state;
  ASSERT_TRUE(ScanState(kWhole, &state).ok());
  EXPECT_FALSE(state.stored_item.has_value());
}

TEST(ScanResponseTest, AFailedAnswerIsItsFault) {
  constexpr std::string_view kBody =
      R"({"status":"failed","error":{"code":"server_error","message":"m"}})";
  ResponseFacts facts;
  EXPECT_EQ(FaultReason(ScanResponse(kBody, &facts)),
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
}

TEST(ScanResponseTest, WithoutOutputItIsNoAnswer) {
  for (const std::string_view body :
       {"", "null", "{}", R"({"status":"completed"})", R"({"output":5})"}) {
    ResponseFacts facts;
    EXPECT_EQ(FaultReason(ScanResponse(body, &facts)),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << body;
  }
  ResponseFacts facts;
  EXPECT_TRUE(
      ScanResponse(R"({"status":"completed","output":[]})", &facts).ok());
}

TEST(ResponsesTapTest, ChecksEventsByTheirNames) {
  ResponsesTap tap;
  EXPECT_EQ(KindOf(tap, "response.created", "{}"), EventKind::kIgnorable);
  EXPECT_EQ(KindOf(tap, "response.output_text.delta", "{}"),
            EventKind::kContent);
  EXPECT_EQ(KindOf(tap, "keepalive", "{}"), EventKind::kIgnorable);
  EXPECT_EQ(KindOf(tap, "", R"({"type":"response.something.new"})"),
            EventKind::kContent);
  EXPECT_FALSE(tap.finished());
  EXPECT_EQ(KindOf(tap, "response.incomplete",
                   R"({"response":{"status":"incomplete",
                       "incomplete_details":{"reason":"max_output_tokens"},
                       "usage":{"input_tokens":3,"output_tokens":4}}})"),
            EventKind::kTerminal);
  EXPECT_TRUE(tap.finished());
  EXPECT_EQ(tap.facts().finish_reason, v1::FINISH_REASON_LENGTH);
  EXPECT_TRUE(tap.facts().has_usage);
  EXPECT_EQ(tap.facts().usage.output_tokens(), 4);
  EXPECT_EQ(KindOf(tap, "", "[DONE]"), EventKind::kTerminal);
}

TEST(ResponsesTapTest, KnowsTheAnswersIdFromItsBegin) {
  ResponsesTap tap;
  EXPECT_EQ(KindOf(tap, "response.created",
                   R"({"response":{"id":"resp_7","status":"queued"}})"),
            EventKind::kIgnorable);
  EXPECT_EQ(std::string_view(tap.facts().kept_id), "resp_7");
  EXPECT_FALSE(tap.finished());
}

TEST(ResponsesTapTest, KnowsTheNumberOfTheNextEvent) {
  ResponsesTap tap;
  EXPECT_EQ(tap.facts().next_event_number, 0);
  KindOf(tap, "", R"({"type":"response.created","sequence_number":5,
                      "response":{"id":"resp_7","status":"queued"}})");
  EXPECT_EQ(tap.facts().next_event_number, 6);
  KindOf(tap, "response.output_text.delta", "{}");
  KindOf(tap, "keepalive", "{}");
  KindOf(tap, "", R"({"type":"response.output_text.delta"})");
  EXPECT_EQ(tap.facts().next_event_number, 9);
  KindOf(tap, "error", R"({"type":"error","code":"server_error"})");
  EXPECT_EQ(tap.facts().next_event_number, 9);
  EXPECT_FALSE(tap.facts().failure_told);
}

TEST(ResponsesTapTest, AFailureStillTellsItsUsage) {
  ResponsesTap tap;
  EXPECT_EQ(KindOf(tap, "response.failed",
                   R"({"response":{"status":"failed",
                       "error":{"code":"server_error","message":"m"},
                       "usage":{"input_tokens":3,"output_tokens":4}}})"),
            EventKind::kError);
  EXPECT_EQ(FaultReason(tap.error()), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(tap.facts().usage.input_tokens(), 3);
  EXPECT_TRUE(tap.facts().failure_told);
  EXPECT_FALSE(tap.finished());
  ResponsesTap other;
  EXPECT_EQ(KindOf(other, "error",
                   R"({"type":"error","code":"rate_limit_exceeded"})"),
            EventKind::kError);
  EXPECT_EQ(FaultReason(other.error()), v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
}

TEST(ResponsesTapTest, WhatMakesNoSenseIsAnError) {
  ResponsesTap tap;
  EXPECT_FALSE(tap.OnEvent("response.completed", "{").ok());
  EXPECT_FALSE(tap.OnEvent("", "{").ok());
}

}  // namespace
}  // namespace gateway::responses
