#include "providers/dialects/anthropic_messages/scan.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "providers/dialects/request_scan.h"
#include "tests/providers/dialects/golden_files.h"

namespace gateway::anthropic {
namespace {

absl::StatusOr<RequestScan> Scan(std::string_view body) {
  RequestScan scan;
  absl::Status status = ScanRequest(body, &scan);
  if (!status.ok()) return status;
  return scan;
}

// The body with what is planned, for a model of the same name.
std::string Edited(std::string_view body) {
  const absl::StatusOr<RequestScan> scan = Scan(body);
  EXPECT_TRUE(scan.ok()) << scan.status();
  if (!scan.ok()) return "";
  EditPlan plan;
  wire::PlanEdits(*scan, scan->model, &plan);
  std::string edited(body);
  for (auto edit = plan.edits.rbegin(); edit != plan.edits.rend(); ++edit) {
    edited.replace(edit->span.offset, edit->span.length, edit->replacement);
  }
  return edited;
}

TEST(ScanRequestTest, FieldsOfOurOwnAreCutOut) {
  const absl::StatusOr<RequestScan> scan =
      Scan(R"({"model":"m","agent_type":"co\u0064er","project_id":"p"})");
  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_EQ(scan->agent_type, "coder");
  EXPECT_EQ(scan->project_id, "p");
  EXPECT_EQ(Edited(R"({"model":"m","agent_type":"c","project_id":"p"})"),
            R"({"model":"m"})");
  EXPECT_EQ(Edited(R"({"agent_type":"c","project_id":"p","model":"m"})"),
            R"({"model":"m"})");
  EXPECT_EQ(Edited(R"({ "agent_type" : "c" , "model":"m" , "x":[1] })"),
            R"({  "model":"m" , "x":[1] })");
  EXPECT_EQ(Edited(R"({"x":1 , "project_id": null , "model":"m"})"),
            R"({"x":1 ,  "model":"m"})");
  EXPECT_EQ(Edited(R"({"model":"m","x":1,"agent\u005ftype":"c" })"),
            R"({"model":"m","x":1 })");
  EXPECT_FALSE(Scan(R"({"model":"m","agent_type":7})").ok());
  EXPECT_FALSE(
      Scan(R"({"model":"m","agent_type":"a","agent_type":"b"})").ok());
}

TEST(ScanRequestTest, FindsTheSession) {
  RequestScan scan;
  ASSERT_TRUE(ScanRequest(R"({"model":"m","session_id":"s"})", &scan).ok());
  EXPECT_EQ(scan.session_id, "s");
  EXPECT_EQ(scan.session_field, "session_id");
}

TEST(ScanRequestTest, ReadsWhatTheStagesNeed) {
  const std::string_view body =
      R"( {"max_tokens":99,"tools":[{"name":"f"}],"model" : "cl\u0061ude",
           "stream":true,"metadata":{"user_id":"u"},"messages":[]})";
  const absl::StatusOr<RequestScan> scan = Scan(body);
  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_EQ(scan->model, "claude");
  EXPECT_EQ(body.substr(scan->model_value.offset, scan->model_value.length),
            R"("cl\u0061ude")");
  EXPECT_TRUE(scan->stream);
  EXPECT_TRUE(scan->stream_usage);
  EXPECT_EQ(scan->output_tokens_max, 99);
  EXPECT_GT(scan->tool_count, 0);
  EXPECT_TRUE(scan->has_messages);
  EXPECT_EQ(scan->user_id, "u");
  EXPECT_EQ(scan->stream_options_value.length, 0u);
  EXPECT_EQ(body[scan->object_begin - 1], '{');
}

TEST(ScanRequestTest, TakesNullAndEmptyForAbsent) {
  const absl::StatusOr<RequestScan> scan =
      Scan(R"({"model":"m","stream":null,"tools":[],"metadata":null,
               "max_tokens":null})");
  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_FALSE(scan->stream);
  EXPECT_EQ(scan->tool_count, 0);
  EXPECT_FALSE(scan->has_messages);
  EXPECT_FALSE(scan->output_tokens_max.has_value());
}

TEST(ScanRequestTest, RefusesASecondKeyThatAPolicyDependsOn) {
  for (const std::string_view key :
       {"model", "stream", "max_tokens", "messages", "system", "tools",
        "metadata", "thinking", "tool_choice", "output_config",
        "service_tier"}) {
    const std::string_view value = key == "messages" ? "[]" : "null";
    const std::string first =
        key == "model" ? R"("model":"m")"
                       : absl::StrCat(R"("model":"m",")", std::string(key),
                                      "\":", std::string(value));
    // The first letter as an escape: a reader that compares bytes sees two
    // different keys.
    const std::string second = absl::StrCat(
        "\"\\u00", absl::Hex(key.front()), std::string(key.substr(1)),
        "\":", key == "model" ? "\"n\"" : std::string(value));
    const absl::StatusOr<RequestScan> scan =
        Scan(absl::StrCat("{", first, ",", second, "}"));
    ASSERT_FALSE(scan.ok()) << key;
    EXPECT_EQ(FieldViolations(scan.status()).front().first, key);
    EXPECT_EQ(FieldViolations(scan.status()).front().second, "repeated key");
  }
}

TEST(ScanRequestTest, LetsOtherKeysBe) {
  EXPECT_TRUE(Scan(R"({"model":"m","novel":1,"novel":2})").ok());
}

TEST(ScanRequestTest, NamesTheFieldAtFault) {
  const auto field_at_fault = [](std::string_view body) {
    const absl::StatusOr<RequestScan> scan = Scan(body);
    EXPECT_EQ(FaultReason(scan.status()), v1::ERROR_REASON_INVALID_REQUEST);
    return FieldViolations(scan.status()).front().first;
  };
  EXPECT_EQ(field_at_fault(R"({"model":7})"), "model");
  EXPECT_EQ(field_at_fault(R"({"model":"\ud800"})"), "model");
  EXPECT_EQ(field_at_fault(R"({"model":"m","stream":1})"), "stream");
  EXPECT_EQ(field_at_fault(R"({"model":"m","max_tokens":"9"})"), "max_tokens");
  EXPECT_EQ(field_at_fault(R"({"model":"m","messages":{}})"), "messages");
  EXPECT_EQ(field_at_fault(R"({"model":"m","metadata":{"user_id":1}})"),
            "metadata.user_id");
  EXPECT_EQ(field_at_fault("[]"), "");
}

TEST(PlanEditsTest, ChangesTheModelAndNothingElse) {
  const std::string body = R"({"a":1,"model":"x","b":"x"})";
  const absl::StatusOr<RequestScan> scan = Scan(body);
  ASSERT_TRUE(scan.ok());
  EditPlan plan;
  wire::PlanEdits(*scan, "x", &plan);
  const auto& edits = plan.edits;
  EXPECT_TRUE(edits.empty());
  wire::PlanEdits(*scan, "y\"z", &plan);
  ASSERT_EQ(edits.size(), 1u);
  std::string edited = body;
  edited.replace(edits[0].span.offset, edits[0].span.length,
                 edits[0].replacement);
  EXPECT_EQ(edited, R"({"a":1,"model":"y\"z","b":"x"})");
}

TEST(ScanResponseTest, AnErrorIsAnError) {
  ResponseFacts facts;
  EXPECT_EQ(
      FaultReason(ScanResponse(
          R"({"type":"error","error":{"type":"api_error","message":"no"}})",
          &facts)),
      v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
}

TEST(ScanResponseTest, WhatIsNoAnswerIsTheProvidersFault) {
  for (const std::string_view body :
       {"", "<html>", "[1]", R"({"id":1})", "{}", R"({"type":"message"})",
        R"({"content":5})", R"({"content":["hi"]})",
        R"({"error":{"message":"no"}})"}) {
    ResponseFacts facts;
    EXPECT_EQ(FaultReason(ScanResponse(body, &facts)),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << body;
  }
}

TEST(MessagesTapTest, ChecksEventsByTheirNames) {
  MessagesTap tap;
  const auto kind = [&](std::string_view name, std::string_view data) {
    const absl::StatusOr<EventKind> checked = tap.OnEvent(name, data);
    EXPECT_TRUE(checked.ok()) << checked.status();
    return checked.value_or(EventKind::kError);
  };
  EXPECT_EQ(kind("ping", "{}"), EventKind::kIgnorable);
  EXPECT_EQ(kind("fireworks", "?"), EventKind::kIgnorable);
  EXPECT_EQ(kind("message_start", R"({"message":{"id":"i"}})"),
            EventKind::kIgnorable);
  EXPECT_EQ(kind("content_block_start", "?"), EventKind::kContent);
  EXPECT_EQ(kind("content_block_delta", "?"), EventKind::kContent);
  EXPECT_EQ(kind("content_block_stop", "?"), EventKind::kContent);
  EXPECT_EQ(kind("message_delta", R"({"usage":{"output_tokens":3}})"),
            EventKind::kContent);
  EXPECT_FALSE(tap.finished());
  EXPECT_EQ(kind("message_delta", R"({"delta":{"stop_reason":"refusal"}})"),
            EventKind::kContent);
  EXPECT_TRUE(tap.finished());
  EXPECT_EQ(kind("message_stop", "?"), EventKind::kTerminal);
  EXPECT_EQ(tap.facts().usage.output_tokens(), 3);
  EXPECT_EQ(tap.facts().finish_reason, v1::FINISH_REASON_CONTENT_FILTER);
}

TEST(MessagesTapTest, FindsTheNameInsideIfThereIsNoneOutside) {
  MessagesTap tap;
  EXPECT_EQ(*tap.OnEvent("", R"({"type":"message_stop"})"),
            EventKind::kTerminal);
  EXPECT_EQ(*tap.OnEvent("", "{}"), EventKind::kIgnorable);
}

TEST(MessagesTapTest, KeepsWhatTheErrorSaid) {
  MessagesTap tap;
  EXPECT_EQ(*tap.OnEvent("error", R"({"type":"error","error":
                {"type":"overloaded_error","message":"Busy"}})"),
            EventKind::kError);
  EXPECT_EQ(FaultReason(tap.error()), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_FALSE(tap.finished());
}

TEST(MessagesTapTest, WhatItMustUnderstandAndCannotIsTheProvidersFault) {
  for (const std::string_view name : {"message_start", "message_delta", ""}) {
    MessagesTap tap;
    EXPECT_EQ(FaultReason(tap.OnEvent(name, "{\"usage\":").status()),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << name;
  }
}

absl::StatusOr<EventKind> TapStart(MessagesTap& tap, std::string_view data) {
  return tap.OnEvent("message_start", data);
}

TEST(MessagesTapTest, AMessageThatBeginsWithContentIsOutput) {
  MessagesTap empty;
  EXPECT_EQ(*TapStart(empty, R"({"message":{"content":[]}})"),
            EventKind::kIgnorable);
  EXPECT_FALSE(empty.finished());
  MessagesTap tap;
  EXPECT_EQ(*TapStart(tap, R"({"message":{"content":[{"type":"tool_use"}],)"
                           R"("stop_reason":"tool_use"}})"),
            EventKind::kContent);
  EXPECT_TRUE(tap.finished());
  EXPECT_EQ(tap.facts().finish_reason, v1::FINISH_REASON_TOOL_CALLS);
}

TEST(MessagesTapTest, ASecondMessageIsABadResponse) {
  MessagesTap tap;
  ASSERT_TRUE(TapStart(tap, R"({"message":{}})").ok());
  EXPECT_EQ(FaultReason(TapStart(tap, R"({"message":{}})").status()),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

}  // namespace
}  // namespace gateway::anthropic
