// Structured output through the whole pipeline: asked for, checked, told, and
// refused where that was asked for.

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "tests/service/pipeline/upstream_calls.h"
#include "tests/testing/call_runner.h"
#include "tests/testing/mock_upstream_process.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kSchema[] =
    R"({"type":"object","required":["answer"],"additionalProperties":false,)"
    R"("properties":{"answer":{"type":"integer"}}})";
constexpr char kGood[] = R"({"text": "{\"answer\": 42}"})";
constexpr char kBad[] = R"({"text": "{\"answer\": \"forty-two\"}"})";

class StructuredOutputTest : public UpstreamCalls {
 protected:
  static CallQuestion Asking(CallQuestion question, bool strict = false) {
    v1::ResponseFormat& format = *question.request.mutable_response_format();
    format.set_kind(v1::ResponseFormat::KIND_JSON_SCHEMA);
    format.set_name("answer");
    format.set_schema(kSchema);
    question.request.set_strict_output(strict);
    return question;
  }

  // As a caller of the OpenAI protocol asks.
  static CallQuestion RawAsking(std::string_view model, bool stream) {
    return RawOpenAi(
        model, absl::StrCat(R"(,"response_format":{"type":"json_schema",)"
                            R"("json_schema":{"name":"answer","schema":)",
                            kSchema, "}}", stream ? R"(,"stream":true)" : ""));
  }
};

TEST_F(StructuredOutputTest, AnAnswerSaysWhetherItIsValid) {
  for (const char* model : {"o-1", "a-1"}) {
    Script(model, kGood);
    CallResult result = runner_->Run(Asking(Whole(model)));
    ASSERT_EQ(Reason(result.status), "OK") << result.status;
    EXPECT_TRUE(result.response.output_valid()) << model;
    EXPECT_THAT(result.response.output_errors(), IsEmpty());
    Script(model, kBad);
    result = runner_->Run(Asking(Whole(model)));
    ASSERT_EQ(Reason(result.status), "OK") << result.status;
    EXPECT_TRUE(result.response.has_output_valid());
    EXPECT_FALSE(result.response.output_valid());
    EXPECT_THAT(result.response.output_errors(),
                ElementsAre("#/answer: is a string, not an integer"));
    EXPECT_EQ(result.Text(), R"({"answer": "forty-two"})");
  }
}

TEST_F(StructuredOutputTest, AStreamSaysAtItsEndWhetherItWasValid) {
  for (const char* model : {"o-1", "a-1"}) {
    Script(model, kGood);
    CallResult result = runner_->Run(Asking(Streamed(model)));
    ASSERT_EQ(Reason(result.status), "OK") << result.status;
    EXPECT_TRUE(result.stream_end.output_valid()) << model;
    Script(model, kBad);
    result = runner_->Run(Asking(Streamed(model)));
    ASSERT_EQ(Reason(result.status), "OK") << result.status;
    EXPECT_EQ(result.stream_end.outcome(), v1::StreamEnd::OUTCOME_FINISHED);
    EXPECT_TRUE(result.stream_end.has_output_valid());
    EXPECT_FALSE(result.stream_end.output_valid());
    EXPECT_THAT(result.stream_end.output_errors(),
                ElementsAre("#/answer: is a string, not an integer"));
  }
}

TEST_F(StructuredOutputTest, WithoutAFormatNothingIsSaidOfTheOutput) {
  Script("o-1", kBad);
  EXPECT_FALSE(runner_->Run(Whole("o-1")).response.has_output_valid());
  EXPECT_FALSE(runner_->Run(Streamed("o-1")).stream_end.has_output_valid());
}

TEST_F(StructuredOutputTest, AStrictCallFailsOnceAndIsNotTriedAgain) {
  Script("o-1", kBad);
  for (const bool stream : {false, true}) {
    ASSERT_TRUE(upstream_->Reset(/*keep_scripts=*/true).ok());
    const CallResult result = runner_->Run(
        Asking(stream ? Streamed("o-1") : Whole("o-1"), /*strict=*/true));
    EXPECT_EQ(Reason(result.status), "RESPONSE_VALIDATION");
    EXPECT_EQ(FieldViolations(result.status)[0].first, "output#/answer");
    ExpectToldOnce(result, stream);
    EXPECT_EQ(Stat("o-1", "requests"), 1);
    // The try itself went well, and its tokens are paid for.
    EXPECT_EQ(AttemptsOf(result), "200 OK");
    EXPECT_EQ(result.record().error_reason,
              v1::ERROR_REASON_RESPONSE_VALIDATION);
    EXPECT_GT(result.record().usage->output_tokens(), 0);
    if (!stream) continue;
    EXPECT_EQ(result.stream_end.outcome(), v1::StreamEnd::OUTCOME_ERROR);
    EXPECT_EQ(result.stream_end.error().reason(),
              v1::ERROR_REASON_RESPONSE_VALIDATION);
    EXPECT_FALSE(result.stream_end.output_valid());
    EXPECT_EQ(result.Text(), R"({"answer": "forty-two"})");
  }
}

TEST_F(StructuredOutputTest, AStrictCallWithAValidAnswerSucceeds) {
  ScriptBoth(kGood);
  for (const char* model : {"o-1", "a-1"}) {
    const CallResult whole =
        runner_->Run(Asking(Whole(model), /*strict=*/true));
    EXPECT_EQ(Reason(whole.status), "OK") << whole.status;
    const CallResult stream =
        runner_->Run(Asking(Streamed(model), /*strict=*/true));
    EXPECT_EQ(Reason(stream.status), "OK") << stream.status;
    EXPECT_TRUE(stream.stream_end.output_valid());
  }
}

TEST_F(StructuredOutputTest, ASchemaThatCannotBeReadIsRefusedUnsent) {
  for (const bool stream : {false, true}) {
    CallQuestion question = Asking(stream ? Streamed("o-1") : Whole("o-1"));
    question.request.mutable_response_format()->set_schema(
        R"({"items": {"$ref": "http://x.test/other"}})");
    const CallResult result = runner_->Run(question);
    EXPECT_EQ(Reason(result.status), "INVALID_REQUEST");
    ASSERT_EQ(FieldViolations(result.status).size(), 1u);
    EXPECT_EQ(FieldViolations(result.status)[0].first,
              "response_format.schema");
    EXPECT_THAT(FieldViolations(result.status)[0].second,
                HasSubstr("#/items/$ref: "));
    EXPECT_TRUE(result.attempts.empty());
    ExpectToldOnce(result, stream);
  }
  EXPECT_EQ(Stat("o-1", "requests"), 0);
}

TEST_F(StructuredOutputTest, BytesThatAreForwardedAreNotChecked) {
  Script("o-1", kBad);
  for (const bool stream : {false, true}) {
    const CallResult result = runner_->Run(RawAsking("o-1", stream));
    EXPECT_EQ(Reason(result.status), "OK") << result.status;
    EXPECT_TRUE(result.answers_raw);
    EXPECT_FALSE(result.stream_end.has_output_valid());
  }
}

TEST_F(StructuredOutputTest, ARawCallThatAsksForStrictOutputIsRead) {
  for (const bool stream : {false, true}) {
    CallQuestion question = RawAsking("o-1", stream);
    question.strict_output = true;
    Script("o-1", kBad);
    const CallResult bad = runner_->Run(question);
    EXPECT_EQ(Reason(bad.status), "RESPONSE_VALIDATION") << bad.status;
    EXPECT_FALSE(bad.answers_raw);
    ExpectToldOnce(bad, stream);
    Script("o-1", kGood);
    const CallResult good = runner_->Run(question);
    EXPECT_EQ(Reason(good.status), "OK") << good.status;
    EXPECT_FALSE(good.answers_raw);
    EXPECT_EQ(good.Text(), R"({"answer": 42})");
  }
}

TEST_F(StructuredOutputTest, ARawCallMayAskToBeReadWithoutBeingStrict) {
  Script("o-1", kBad);
  CallQuestion question = RawAsking("o-1", /*stream=*/false);
  question.parsed_only = true;
  const CallResult result = runner_->Run(question);
  EXPECT_EQ(Reason(result.status), "OK") << result.status;
  EXPECT_FALSE(result.answers_raw);
  EXPECT_TRUE(result.response.has_output_valid());
  EXPECT_FALSE(result.response.output_valid());
}

TEST_F(StructuredOutputTest, ARawCallForAnotherDialectIsCheckedToo) {
  Script("a-1", kBad);
  const CallResult whole = runner_->Run(RawAsking("a-1", /*stream=*/false));
  EXPECT_EQ(Reason(whole.status), "OK") << whole.status;
  EXPECT_TRUE(whole.response.has_output_valid());
  EXPECT_FALSE(whole.response.output_valid());
  const CallResult stream = runner_->Run(RawAsking("a-1", /*stream=*/true));
  EXPECT_TRUE(stream.stream_end.has_output_valid());
  EXPECT_FALSE(stream.stream_end.output_valid());
}

TEST_F(StructuredOutputTest, ASchemaThatIsReadLateIsRefusedUnsentToo) {
  CallQuestion question = RawOpenAi(
      "a-1", R"(,"response_format":{"type":"json_schema","json_schema":)"
             R"({"name":"n","schema":{"unevaluatedItems":false}}})");
  const CallResult result = runner_->Run(question);
  EXPECT_EQ(Reason(result.status), "INVALID_REQUEST") << result.status;
  EXPECT_THAT(std::string(result.status.message()),
              HasSubstr("#/unevaluatedItems"));
  EXPECT_EQ(Stat("a-1", "requests"), 0);
}

TEST_F(StructuredOutputTest, AModelThatIsKnownToLackSchemasIsAskedByATool) {
  runner_->SetRuntime(
      MakeTestRuntime(absl::StrCat("providers:\n"
                                   "- name: anthropic\n"
                                   "  anthropic: {base_url: 'http://",
                                   upstream_->address(),
                                   "', api_key: 'env:KEY'}\n"
                                   "  model_capabilities:\n"
                                   "  - {model: 'a-*', strict_schema: false}\n"
                                   "routing: {default_target: anthropic}\n"),
                      {{"KEY", "sk-test-secret-0123456789"}}));
  Script("a-1", R"({"tool_calls": [{"name": "answer",
                                    "arguments": "{\"answer\":42}"}]})");
  const CallResult whole = runner_->Run(Asking(Whole("a-1")));
  ASSERT_EQ(Reason(whole.status), "OK") << whole.status;
  EXPECT_EQ(whole.Text(), R"({"answer":42})");
  EXPECT_TRUE(whole.response.output_valid());
  ASSERT_FALSE(whole.response.warnings().empty());
  EXPECT_EQ(whole.response.warnings(0).field(), "response_format");
  const CallResult stream = runner_->Run(Asking(Streamed("a-1")));
  EXPECT_EQ(stream.Text(), R"({"answer":42})");
  EXPECT_TRUE(stream.stream_end.output_valid());
  ASSERT_FALSE(stream.events[0].started().warnings().empty());
}

TEST_F(StructuredOutputTest, AnAnswerThatWasCutOffIsNotValid) {
  Script("o-1", R"({"text": "{\"answer\": 42}", "finish_reason": "length"})");
  const CallResult whole = runner_->Run(Asking(Whole("o-1")));
  EXPECT_THAT(whole.response.output_errors(),
              ElementsAre(HasSubstr("cut off")));
  const CallResult stream = runner_->Run(Asking(Streamed("o-1")));
  EXPECT_THAT(stream.stream_end.output_errors(),
              ElementsAre(HasSubstr("cut off")));
}

TEST_F(StructuredOutputTest, AStreamThatBreaksOffIsNotChecked) {
  Script("o-1", R"({"text": "{\"answer\": 42}", "omit_finish": true})");
  const CallResult result = runner_->Run(Asking(Streamed("o-1")));
  EXPECT_EQ(Reason(result.status), "STREAM_INTERRUPTED") << result.status;
  EXPECT_FALSE(result.stream_end.has_output_valid());
}

}  // namespace
}  // namespace gateway
