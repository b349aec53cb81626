#include "providers/gemini/gemini_provider.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"
#include "tests/providers/upstream_test.h"
#include "tests/testing/provider_calls.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kModel[] = "gemini-3-pro";

class GeminiProviderTest : public UpstreamTest {
 protected:
  void SetUp() override {
    UpstreamTest::SetUp();
    gemini_ = Make(absl::StrCat("name: 'gemini' gemini { base_url: 'http://",
                                upstream_->address(), "' }"));
  }

  static ProviderQuestion RawGemini() {
    return {.model = kModel,
            .request = {},
            .body = R"({ "contents" : [{"parts":[{"text":"hi"}]}],)"
                    R"("serviceTier":"flex"})",
            .dialect = "gemini"};
  }

  // Fills in what every call has, and makes it on the loop.
  void Ask(const std::function<Task<void>(ProviderCall&)>& ask) {
    client_.Run([&]() -> Task<void> {
      CancelSignal cancel;
      AttemptProgress progress;
      ProviderCall call;
      call.loop = &client_.loop();
      call.http = &client_.http();
      call.cancel = &cancel;
      call.request_id = "req-test-1";
      call.model = kModel;
      call.progress = &progress;
      call.warnings = &warnings_;
      co_await ask(call);
    });
  }

  std::vector<v1::Warning> warnings_;
  std::unique_ptr<Provider> gemini_;
};

TEST_F(GeminiProviderTest, AnswersAParsedCall) {
  Script(kModel, R"({"text": "Hello there.", "reasoning": {"text": "Hm."},
      "usage": {"prompt_tokens": 7, "completion_tokens": 5,
                "reasoning_tokens": 2}})");
  const ProviderOutcome outcome = calls_.Generate(*gemini_, Parsed(kModel));
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.bytes, "Hello there.");
  EXPECT_EQ(outcome.response.choices(0).message().parts(0).reasoning().text(),
            "Hm.");
  EXPECT_EQ(outcome.facts.usage.output_tokens(), 5);
  EXPECT_EQ(outcome.facts.usage.reasoning_tokens(), 2);
}

TEST_F(GeminiProviderTest, TheKeyIsInItsHeaderAndNotInTheAddress) {
  const ProviderOutcome outcome = calls_.Generate(*gemini_, Parsed(kModel));
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  const std::string seen = upstream_->Last(kModel).value_or("");
  EXPECT_THAT(seen, AllOf(HasSubstr("x-goog-api-key"), HasSubstr(kTestKey),
                          HasSubstr("/v1beta/models/gemini-3-pro:generate"),
                          Not(HasSubstr("key=")), Not(HasSubstr("Bearer")),
                          Not(HasSubstr("authorization"))));
}

TEST_F(GeminiProviderTest, StreamsUntilTheConnectionSaysItIsOver) {
  Script(kModel, R"({"text": "one two three",
                     "reasoning": {"text": "Hm.", "signature": "c2ln"}})");
  const ProviderOutcome outcome = calls_.Stream(*gemini_, Parsed(kModel));
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(TextOf(outcome.events), "one two three");
  bool ended = false;
  std::string signature;
  for (const v1::GenerateEvent& event : outcome.events) {
    ended |= event.has_choice_end();
    for (const v1::Extension& extension : event.delta().extensions()) {
      if (extension.name() == "thoughtSignature") signature = extension.json();
    }
  }
  EXPECT_TRUE(ended);
  EXPECT_EQ(signature, "\"c2ln\"");
}

TEST_F(GeminiProviderTest, AStreamThatBreaksOffIsAFault) {
  for (const std::string script :
       {R"({"text": "one two three", "omit_finish": true})",
        R"({"text": "one two three", "error_after_chunks": 1})",
        R"({"text": "one two three", "error_after_chunks": 1,
            "error": {"bare": true}})"}) {
    Script(kModel, script);
    const ProviderOutcome parsed = calls_.Stream(*gemini_, Parsed(kModel));
    EXPECT_EQ(Reason(parsed.status), "PROVIDER_UNAVAILABLE") << script;
    EXPECT_THAT(TextOf(parsed.events), HasSubstr("one")) << script;
    const ProviderOutcome raw = calls_.Stream(*gemini_, RawGemini());
    EXPECT_EQ(Reason(raw.status), "PROVIDER_UNAVAILABLE") << script;
  }
}

TEST_F(GeminiProviderTest, ARawCallIsForwardedByteForByte) {
  Script(kModel, R"({"text": "Hello."})");
  const ProviderQuestion question = RawGemini();
  const ProviderOutcome whole = calls_.Generate(*gemini_, question);
  ASSERT_TRUE(whole.status.ok()) << whole.status;
  EXPECT_EQ(upstream_->LastBody(kModel).value_or(""), question.body);
  EXPECT_THAT(whole.bytes, HasSubstr(R"("finishReason":"STOP")"));
  EXPECT_EQ(whole.facts.finish_reason, v1::FINISH_REASON_STOP);

  const ProviderOutcome stream = calls_.Stream(*gemini_, question);
  ASSERT_TRUE(stream.status.ok()) << stream.status;
  EXPECT_EQ(upstream_->LastBody(kModel).value_or(""), question.body);
  EXPECT_THAT(stream.bytes, HasSubstr("data: {"));
  EXPECT_EQ(stream.facts.finish_reason, v1::FINISH_REASON_STOP);
  EXPECT_GT(stream.facts.usage.input_tokens(), 0);
}

// The upstream refuses a call that is not signed, as this model does.
TEST_F(GeminiProviderTest, AConversationWithToolsIsAccepted) {
  Script(kModel, R"({"tool_calls": [
      {"name": "f", "arguments": "{\"a\": 1}"}, {"name": "f"}],
      "reasoning": {"signature": "c2ln"}})");
  ProviderQuestion question = Parsed(kModel);
  const ProviderOutcome first = calls_.Generate(*gemini_, question);
  ASSERT_TRUE(first.status.ok()) << first.status;
  EXPECT_EQ(first.facts.usage.input_tokens(), 12);
  const v1::Message& answer = first.response.choices(0).message();
  EXPECT_EQ(first.response.choices(0).finish_reason(),
            v1::FINISH_REASON_TOOL_CALLS);
  *question.request.add_messages() = answer;
  for (const v1::Part& part : answer.parts()) {
    ASSERT_TRUE(part.has_tool_call());
    v1::Message* const result = question.request.add_messages();
    result->set_role(v1::ROLE_TOOL);
    v1::ToolResult* const told = result->add_parts()->mutable_tool_result();
    told->set_tool_call_id(part.tool_call().id());
    told->add_parts()->set_text("done");
  }
  Script(kModel, R"({"text": "So it is."})");
  const ProviderOutcome second = calls_.Generate(*gemini_, question);
  ASSERT_TRUE(second.status.ok()) << second.status;
  EXPECT_EQ(second.bytes, "So it is.");
  EXPECT_THAT(upstream_->LastBody(kModel).value_or(""),
              HasSubstr(R"("thoughtSignature":"c2ln")"));

  // Whoever lost the signature is served, too.
  question.request.mutable_messages(1)->mutable_parts(0)->clear_extensions();
  EXPECT_TRUE(calls_.Generate(*gemini_, question).status.ok());
}

TEST_F(GeminiProviderTest, ABlockedPromptIsAnAnswer) {
  Script(kModel, R"({"refusal": "No."})");
  const ProviderOutcome whole = calls_.Generate(*gemini_, Parsed(kModel));
  ASSERT_TRUE(whole.status.ok()) << whole.status;
  EXPECT_EQ(whole.response.choices(0).finish_reason(),
            v1::FINISH_REASON_CONTENT_FILTER);
  const ProviderOutcome stream = calls_.Stream(*gemini_, Parsed(kModel));
  ASSERT_TRUE(stream.status.ok()) << stream.status;
  EXPECT_EQ(stream.events.back().choice_end().finish_reason(),
            v1::FINISH_REASON_CONTENT_FILTER);
}

TEST_F(GeminiProviderTest, FailuresHaveTheirReasons) {
  const auto reason = [&](const std::string& script) {
    Script(kModel, script);
    return Reason(calls_.Generate(*gemini_, Parsed(kModel)).status);
  };
  EXPECT_EQ(reason(R"({"status": 429})"), "PROVIDER_RATE_LIMITED");
  EXPECT_EQ(reason(R"({"status": 429, "error": {"quota_id": "XPerDayY"}})"),
            "PROVIDER_QUOTA_EXHAUSTED");
  EXPECT_EQ(reason(R"({"status": 400, "error": {"code": "API_KEY_INVALID"}})"),
            "PROVIDER_AUTH_FAILED");
  EXPECT_EQ(reason(R"({"status": 400})"), "INVALID_REQUEST");
  EXPECT_EQ(reason(R"({"status": 404})"), "MODEL_NOT_FOUND");
  EXPECT_EQ(reason(R"({"status": 503})"), "PROVIDER_UNAVAILABLE");
  Script(kModel, R"({"status": 429, "error": {"retry_delay": "37s"}})");
  EXPECT_EQ(RetryDelay(calls_.Generate(*gemini_, Parsed(kModel)).status),
            absl::Seconds(37));
}

TEST_F(GeminiProviderTest, CountsTokens) {
  Script(kModel, R"({"usage": {"prompt_tokens": 42}})");
  const auto tokens = calls_.CountTokens(*gemini_, Parsed(kModel));
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_EQ(*tokens, 42);
}

TEST_F(GeminiProviderTest, TurnsTextsIntoVectors) {
  Script(kModel, R"({"dimensions": 3})");
  v1::EmbedRequest request;
  request.add_inputs()->set_text("a");
  request.add_inputs()->set_text("b");
  v1::EmbedResponse response;
  absl::Status status = absl::UnknownError("not asked");
  Ask([&](ProviderCall& call) -> Task<void> {
    call.embed = &request;
    status = co_await gemini_->Embed(call, &response);
  });
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(response.embeddings_size(), 2);
  EXPECT_EQ(response.embeddings(0).values_size(), 3);
}

TEST_F(GeminiProviderTest, ListsItsModels) {
  Script(kModel, "{}");
  absl::StatusOr<std::vector<v1::Model>> models =
      absl::UnknownError("not asked");
  Ask([&](ProviderCall& call) -> Task<void> {
    models = co_await gemini_->ListModels(call);
  });
  ASSERT_TRUE(models.ok()) << models.status();
  std::vector<std::string> names;
  for (const v1::Model& model : *models) names.push_back(model.name());
  EXPECT_THAT(names, Contains(kModel));
}

TEST(MakeGeminiProviderTest, RefusesAUrlThatIsNone) {
  llmgateway::config::v1::GeminiProvider config;
  config.set_base_url("generativelanguage.googleapis.com");
  EXPECT_EQ(MakeGeminiProvider(ProviderSetup(), config).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace gateway
