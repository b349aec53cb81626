#include "providers/dialects/openai_chat/scan.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/openai_chat/quirks.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::chat {
namespace {

RequestScan Scanned(std::string_view body) {
  RequestScan scan;
  const absl::Status status = ScanRequest(body, &scan);
  EXPECT_TRUE(status.ok()) << body << ": " << status;
  return scan;
}

// The body with the edits made that turn it into one for `model`.
std::string Edited(std::string body, std::string_view model,
                   const OpenAiChatQuirks& quirks = {}) {
  const RequestScan scan = Scanned(body);
  EditPlan plan;
  PlanEdits(scan, model, &plan, quirks);
  const auto& edits = plan.edits;
  for (size_t i = edits.size(); i-- > 0;) {
    if (i > 0) {
      EXPECT_LE(edits[i - 1].span.offset + edits[i - 1].span.length,
                edits[i].span.offset);
    }
    body.replace(edits[i].span.offset, edits[i].span.length,
                 edits[i].replacement);
  }
  return body;
}

TEST(OpenAiChatScanTest, FindsWhatThePoliciesNeed) {
  const std::string body =
      R"( {"messages":[{"role":"user","content":"\"model\":"}] ,)"
      R"("model" : "gpt\u002dx" ,"max_tokens":5,"max_completion_tokens":9,)"
      R"("n":3,"tools":[{}],"stream":true,"user":"u",)"
      R"("stream_options" : {"include_usage":true} })";
  const RequestScan scan = Scanned(body);
  EXPECT_EQ(scan.model, "gpt-x");
  EXPECT_EQ(body.substr(scan.model_value.offset, scan.model_value.length),
            R"("gpt\u002dx")");
  EXPECT_EQ(body.substr(scan.stream_options_value.offset,
                        scan.stream_options_value.length),
            R"({"include_usage":true})");
  EXPECT_EQ(body[scan.object_begin - 1], '{');
  EXPECT_TRUE(scan.stream);
  EXPECT_TRUE(scan.stream_usage);
  EXPECT_EQ(scan.output_tokens_max, 9);
  EXPECT_EQ(scan.answer_count, 3);
  EXPECT_GT(scan.tool_count, 0);
  EXPECT_TRUE(scan.has_messages);
  EXPECT_EQ(scan.user_id, "u");
}

TEST(OpenAiChatScanTest, HasDefaultsForWhatIsAbsentOrNull) {
  for (const std::string_view body :
       {R"({"model":"m"})",
        R"({"model":"m","stream":null,"n":null,"tools":null,"user":null,)"
        R"("max_tokens":null,"stream_options":null,"metadata":null})",
        R"({"model":"m","tools":[]})"}) {
    const RequestScan scan = Scanned(body);
    EXPECT_FALSE(scan.stream);
    EXPECT_FALSE(scan.stream_usage);
    EXPECT_EQ(scan.output_tokens_max, std::nullopt);
    EXPECT_EQ(scan.answer_count, std::nullopt);
    EXPECT_EQ(scan.tool_count, 0);
    EXPECT_FALSE(scan.has_messages);
    EXPECT_EQ(scan.user_id, "");
  }
}

TEST(OpenAiChatScanTest, RefusesARepeatedFieldHoweverItIsWritten) {
  for (const std::string_view fields :
       {R"("model":"m","model":"m")", R"("model":"m","m\u006fdel":"x")",
        R"("model":"m","stream":true,"stream":false)",
        R"("model":"m","max_tokens":1,"max_tokens":1)",
        R"("model":"m","max_completion_tokens":1,"max_completion_tokens":1)",
        R"("model":"m","n":1,"\u006e":2)",
        R"("model":"m","tools":[],"tools":[])",
        R"("model":"m","functions":[],"functions":[])",
        R"("model":"m","messages":[],"messages":[])",
        R"("model":"m","user":"a","user":"b")",
        R"("model":"m","metadata":{},"metadata":{})",
        R"("model":"m","stream_options":null,"stream_options":null)"}) {
    RequestScan scan;
    const absl::Status status =
        ScanRequest("{" + std::string(fields) + "}", &scan);
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST) << fields;
    ASSERT_EQ(FieldViolations(status).size(), 1u) << fields;
    EXPECT_EQ(FieldViolations(status)[0].second, "given twice");
  }
}

TEST(OpenAiChatScanTest, RefusesAFieldThatGoWouldTakeForAnother) {
  for (const std::string_view fields :
       {R"("model":"m","Model":"x")", R"("model":"m","N":128)",
        R"("model":"m","max_to\u212aens":9)",
        R"("model":"m","stream_options":{"include_usage":true,)"
        R"("Include_Usage":false})"}) {
    RequestScan scan;
    const absl::Status status =
        ScanRequest("{" + std::string(fields) + "}", &scan);
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST) << fields;
  }
}

TEST(OpenAiChatScanTest, LeavesOtherRepeatedFieldsToTheProvider) {
  Scanned(R"({"model":"m","temperature":1,"temperature":2})");
  Scanned(R"({"model":"m","messages":[{"role":"user","role":"tool"}]})");
}

TEST(OpenAiChatScanTest, RefusesWrongTypes) {
  for (const std::string_view body :
       {R"([])",
        R"({"model":null})",
        R"({"model":""})",
        R"({"model":7})",
        R"({"model":"m","stream":"true"})",
        R"({"model":"m","stream":1})",
        R"({"model":"m","n":"1"})",
        R"({"model":"m","n":1.5})",
        R"({"model":"m","max_tokens":1.5})",
        R"({"model":"m","messages":{}})",
        R"({"model":"m","tools":{}})",
        R"({"model":"m","stream_options":[]})",
        R"({"model":"m","stream_options":{"include_usage":"x"}})",
        R"({"model":"m","metadata":[]})",
        R"({"model":"m","user":1})",
        "",
        "{",
        R"({"model":"m")",
        R"({"model":"m"}})",
        "{\"model\":\"\xff\"}"}) {
    RequestScan scan;
    EXPECT_EQ(FaultReason(ScanRequest(body, &scan)),
              v1::ERROR_REASON_INVALID_REQUEST)
        << body;
  }
}

TEST(OpenAiChatScanTest, LeavesTheRangeOfNumbersToTheProvider) {
  EXPECT_EQ(Scanned(R"({"model":"m","max_tokens":-1})").output_tokens_max, -1);
  EXPECT_EQ(Scanned(R"({"model":"m","n":0})").answer_count, 0);
  EXPECT_EQ(Scanned(R"({"model":"m","n":99999999999})").answer_count,
            99'999'999'999);
}

TEST(OpenAiChatScanTest, TakesTheTextsAmongTheLabels) {
  const RequestScan scan =
      Scanned(R"({"model":"m","metadata":{"a":"b\u0063","d":7}})");
  EXPECT_EQ(scan.label_count, 2);
  ASSERT_EQ(scan.labels.size(), 1u);
  EXPECT_EQ(scan.labels[0].key, "a");
  EXPECT_EQ(scan.labels[0].value, "bc");
}

TEST(OpenAiChatScanTest, TheFieldThatNamesASessionIsForwardedAsItIs) {
  const std::string body =
      R"({"model":"gpt-x","session_id":"s-1","messages":[]})";
  const RequestScan scan = Scanned(body);
  EXPECT_EQ(scan.session_id, "s-1");
  EXPECT_EQ(scan.session_field, "session_id");
  EXPECT_EQ(Edited(body, "gpt-x"), body);
  for (const char* none : {R"({"session_id":null})", "{}"}) {
    EXPECT_EQ(Scanned(none).session_id, "") << none;
    EXPECT_EQ(Scanned(none).session_field, "") << none;
  }
}

TEST(OpenAiChatScanTest, ARequestWithoutAModelIsGivenOne) {
  EXPECT_EQ(Edited(R"({ "x":1})", "m"), R"({"model":"m", "x":1})");
  EXPECT_EQ(Edited("{ }", "m"), R"({"model":"m" })");
}

TEST(OpenAiChatScanTest, AnUnchangedRequestIsForwardedAsItIs) {
  const std::string body = R"({ "model" : "m" , "x":[1, 2] })";
  EXPECT_EQ(Edited(body, "m"), body);
  const std::string stream =
      R"({"stream":true,"stream_options":{"include_usage":true},"model":"m"})";
  EXPECT_EQ(Edited(stream, "m"), stream);
}

TEST(OpenAiChatScanTest, OnlyTheModelsNameIsReplaced) {
  EXPECT_EQ(Edited(R"({ "x": 1.50, "model" : "a" , "y":2})", "b\"c"),
            R"({ "x": 1.50, "model" : "b\"c" , "y":2})");
}

TEST(OpenAiChatScanTest, StreamsAreMadeToTellTheirUsage) {
  const struct {
    std::string_view body;
    std::string_view edited;
  } kCases[] = {
      {R"({"model":"m","stream":true})",
       R"({"stream_options":{"include_usage":true},)"
       R"("model":"n","stream":true})"},
      {R"({"stream_options":null,"model":"m","stream":true})",
       R"({"stream_options":{"include_usage":true},)"
       R"("model":"n","stream":true})"},
      {R"({"stream":true,"stream_options":{},"model":"m"})",
       R"({"stream":true,"stream_options":{"include_usage":true},)"
       R"("model":"n"})"},
      {R"({"stream":true,"model":"m","stream_options":)"
       R"({"include_usage":false}})",
       R"({"stream":true,"model":"n","stream_options":)"
       R"({"include_usage":true}})"},
      {R"({"stream":true,"model":"m","stream_options":)"
       R"({"include_obfuscation":false,"include_usage":null}})",
       R"({"stream":true,"model":"n","stream_options":)"
       R"({"include_obfuscation":false,"include_usage":true}})"},
  };
  for (const auto& each : kCases) {
    EXPECT_EQ(Edited(std::string(each.body), "n"), each.edited);
  }
}

TEST(OpenAiChatScanTest, FindsWhatIsToBeRecordedOfAnAnswer) {
  ResponseFacts facts;
  ASSERT_TRUE(
      ScanResponse(
          R"({"id":"i","model":"m","choices":[{"message":{"content":)"
          R"(null,"tool_calls":[{}]},"finish_reason":"stop"},)"
          R"({"message":{},"finish_reason":"length"}],"usage":{"prompt_tokens":3,)"
          R"("completion_tokens":4}})",
          &facts)
          .ok());
  EXPECT_TRUE(facts.has_usage);
  EXPECT_EQ(facts.usage.input_tokens(), 3);
  EXPECT_EQ(facts.usage.output_tokens(), 4);
  EXPECT_EQ(facts.finish_reason, v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_TRUE(facts.other_choice_cut);
}

TEST(OpenAiChatScanTest, OfOtherChoicesOnlyThatTheyWereCutIsRecorded) {
  const auto cut = [](std::string_view others) {
    ResponseFacts facts;
    const absl::Status status = ScanResponse(
        R"({"choices":[{"message":{"content":"a"},"finish_reason":"stop"})" +
            std::string(others) + "]}",
        &facts);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(facts.finish_reason, v1::FINISH_REASON_STOP);
    return facts.other_choice_cut;
  };
  constexpr std::string_view kWhole =
      R"(,{"message":{"content":"b"},"finish_reason":"stop"})";
  constexpr std::string_view kCut =
      R"(,{"message":{"content":"b"},"finish_reason":"length"})";
  EXPECT_FALSE(cut(""));
  EXPECT_FALSE(cut(kWhole));
  EXPECT_FALSE(cut(R"(,{"message":{"tool_calls":[{}]}})"));
  EXPECT_TRUE(cut(std::string(kWhole) + std::string(kCut)));
  EXPECT_TRUE(cut(std::string(kCut) + std::string(kWhole)));
  EXPECT_TRUE(cut(R"(,{"message":{"content":"b"},"error":{"code":502},)"
                  R"("finish_reason":"stop"})"));
}

TEST(OpenAiChatScanTest, AnAnswerThatMakesNoSenseIsABadResponse) {
  for (const std::string_view body :
       {"", "<html>", "{}", R"({"choices":[]})", R"({"choices":[{}])",
        R"({"choices":[{}],"usage":{"prompt_tokens":-1}})",
        R"({"choices":[{}],"usage":{"completion_tokens":1e18}})",
        R"({"choices":[{}],"usage":7})", R"({"choices":[{}]})",
        R"({"choices":[{"message":null}]})",
        R"({"choices":[{"text":"hi","finish_reason":"stop"}]})",
        R"({"choices":[{"message":{}},{"finish_reason":"stop"}]})"}) {
    ResponseFacts facts;
    EXPECT_EQ(FaultReason(ScanResponse(body, &facts)),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << body;
  }
}

TEST(OpenAiChatScanTest, WhatTheFilterEndedMayHaveNoMessage) {
  ResponseFacts facts;
  EXPECT_TRUE(ScanResponse(
                  R"({"choices":[{"finish_reason":"content_filter"}]})", &facts)
                  .ok());
  EXPECT_EQ(facts.finish_reason, v1::FINISH_REASON_CONTENT_FILTER);
}

TEST(OpenAiChatScanTest, AnErrorInThePlaceOfAnAnswerIsAnError) {
  ResponseFacts facts;
  EXPECT_EQ(FaultReason(ScanResponse(
                R"({"error":{"code":429,"message":"slow"}})", &facts)),
            v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  const absl::Status status =
      ScanResponse(R"({"choices":[{"error":{"code":502,"message":"gone"},)"
                   R"("message":{"content":"secret words"}}]})",
                   &facts);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(status.message(), "502: gone");
}

TEST(OpenAiChatScanTest, RenamesTheLimitInPlaceForAServiceThatKnowsTheOldName) {
  const OpenAiChatQuirks quirks = {.max_completion_tokens = false};
  EXPECT_EQ(Edited(R"({"max_completion_tokens" :5,"model":"a"})", "b", quirks),
            R"({"max_tokens" :5,"model":"b"})");
  EXPECT_EQ(Edited(R"({"model":"a","max\u005fcompletion_tokens" : null})", "a",
                   quirks),
            R"({"model":"a","max_tokens" : null})");
  const std::string old = R"({"model":"a","max_tokens":5})";
  EXPECT_EQ(Edited(old, "a", quirks), old);
  const std::string nested =
      R"({"model":"a","metadata":{"max_completion_tokens":"5"}})";
  EXPECT_EQ(Edited(nested, "a", quirks), nested);
}

TEST(OpenAiChatScanTest, NoWishForUsageWhereNobodyKnowsIt) {
  const std::string body = R"({"model":"a","stream":true})";
  EXPECT_EQ(Edited(body, "a", {.stream_options = false}), body);
  EXPECT_NE(Edited(body, "a"), body);
}

bool CanForward(std::string_view body, const OpenAiChatQuirks& quirks) {
  return chat::CanForward(Scanned(body), body, quirks);
}

TEST(OpenAiChatScanTest, CallsWithoutReasoningAreForwardedWhereNobodyAsks) {
  const std::string bare =
      R"({"model":"a","messages":[{"role":"assistant","tool_calls":[]}]})";
  const std::string whole =
      R"({"model":"a","messages":[{"role":"assistant","tool_calls":[],)"
      R"("reasoning_content":""}]})";
  for (const std::string& body : {bare, whole}) {
    EXPECT_TRUE(CanForward(body, {}));
  }
  EXPECT_TRUE(CanForward(whole, {.reasoning_of_calls = true}));
  EXPECT_FALSE(CanForward(bare, {.reasoning_of_calls = true}));
}

TEST(OpenAiChatScanTest, ForwardsWhatEditsCanMendAndNothingElse) {
  using SchemaMode = OpenAiChatQuirks::SchemaMode;
  struct Case {
    const char* body;
    OpenAiChatQuirks quirks;
  };
  for (const Case& each : {
           Case{R"({"model":"m","max_tokens":1,"max_completion_tokens":2})",
                {.max_completion_tokens = false}},
           Case{R"({"model":"m","stream":true,"stream_options":{}})",
                {.stream_options = false}},
           Case{R"({"model":"m","messages":[{"role":"developer"}]})",
                {.developer_role = false}},
           Case{R"({"model":"m","response_format":{"type":"json_schema"}})",
                {.schema_mode = SchemaMode::kJsonObject}},
       }) {
    EXPECT_FALSE(CanForward(each.body, each.quirks)) << each.body;
    EXPECT_TRUE(CanForward(each.body, {})) << each.body;
    EXPECT_TRUE(
        CanForward(R"({"model":"m","max_completion_tokens":1})", each.quirks));
  }
}

}  // namespace
}  // namespace gateway::chat
