#include "providers/openrouter/openrouter_provider.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"
#include "tests/providers/upstream_test.h"
#include "tests/testing/provider_calls.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class OpenRouterProviderTest : public UpstreamTest {
 protected:
  void SetUp() override {
    UpstreamTest::SetUp();
    openrouter_ = MakeOpenRouter("");
  }

  std::unique_ptr<Provider> MakeOpenRouter(const std::string& more) {
    return Make(absl::StrCat("name: 'openrouter' openrouter { base_url: '",
                             Root(), "/v1' ", more, "}"));
  }

  std::unique_ptr<Provider> openrouter_;
};

TEST_F(OpenRouterProviderTest, SaysWhoAsks) {
  const auto provider =
      MakeOpenRouter("referer: 'https://app.example' title: 'The App'");
  ASSERT_EQ(Reason(calls_.Generate(*provider, Parsed("m")).status), "OK");
  EXPECT_THAT(*upstream_->Last("m"),
              AllOf(HasSubstr("http-referer"), HasSubstr("https://app.example"),
                    HasSubstr("x-title"), HasSubstr("The App"),
                    HasSubstr(absl::StrCat("Bearer ", std::string(kTestKey)))));
}

TEST_F(OpenRouterProviderTest, SaysNothingThatIsNotConfigured) {
  ASSERT_EQ(Reason(calls_.Generate(*openrouter_, Parsed("m")).status), "OK");
  EXPECT_THAT(*upstream_->Last("m"),
              AllOf(Not(HasSubstr("http-referer")), Not(HasSubstr("x-title"))));
}

constexpr std::string_view kDetails =
    R"([{"type":"reasoning.text","text":"Greet.","signature":"c2ln",)"
    R"("format":"anthropic-claude-v1","index":0}])";

std::string Answer() {
  return absl::StrCat(
      R"({"id":"gen-1","provider":"Anthropic","model":"m","object":)"
      R"("chat.completion","created":1767225600,"choices":[{"index":0,)"
      R"("logprobs":null,"finish_reason":"stop","native_finish_reason":)"
      R"("end_turn","message":{"role":"assistant","content":"Hello.",)"
      R"("refusal":null,"reasoning":"Greet.","reasoning_details":)",
      std::string(kDetails),
      R"(}}],"usage":{"prompt_tokens":12,"completion_tokens":9,)"
      R"("total_tokens":21,"cost":0.000171,"is_byok":false}})");
}

TEST_F(OpenRouterProviderTest, KeepsThePriceAndTheVendorOfACall) {
  ScriptBody("m", Answer());
  const ProviderOutcome outcome = calls_.Generate(*openrouter_, Parsed("m"));
  ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
  EXPECT_EQ(outcome.bytes, "Hello.");
  std::string extensions;
  for (const v1::Extension& each : outcome.response.extensions()) {
    absl::StrAppend(&extensions, each.name(), "=", each.json(), ";");
  }
  EXPECT_EQ(extensions, R"(provider="Anthropic";)"
                        R"(usage={"cost":0.000171,"is_byok":false};)");
  EXPECT_EQ(calls_.Generate(*openrouter_, Raw("m")).bytes, Answer());
}

TEST_F(OpenRouterProviderTest, ReasoningDetailsGoBackAsTheyCame) {
  ScriptBody("m", Answer());
  const ProviderOutcome outcome = calls_.Generate(*openrouter_, Parsed("m"));
  ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
  ProviderQuestion next = Parsed("m");
  *next.request.add_messages() = outcome.response.choices(0).message();
  *next.request.add_messages() = next.request.messages(0);
  ASSERT_EQ(Reason(calls_.Generate(*openrouter_, next).status), "OK");
  EXPECT_THAT(*upstream_->LastBody("m"),
              AllOf(HasSubstr(absl::StrCat(R"("reasoning_details":)",
                                           std::string(kDetails))),
                    HasSubstr(R"("reasoning":"Greet.")")));
}

TEST_F(OpenRouterProviderTest, AsksForReasoningInItsOwnWords) {
  ProviderQuestion question = Parsed("m");
  ASSERT_TRUE(google::protobuf::TextFormat::MergeFromString(
      "sampling { top_k: 3 } reasoning { budget_tokens: 64 }",
      &question.request));
  const ProviderOutcome outcome = calls_.Generate(*openrouter_, question);
  EXPECT_TRUE(outcome.warnings.empty());
  EXPECT_THAT(*upstream_->LastBody("m"),
              AllOf(HasSubstr(R"("top_k":3)"),
                    HasSubstr(R"("reasoning":{"max_tokens":64})")));
}

constexpr std::string_view kBegin =
    ": OPENROUTER PROCESSING\n\n"
    R"(data: {"id":"gen-1","provider":"Anthropic","model":"m","choices":[)"
    R"({"index":0,"delta":{"role":"assistant","content":"Hello.",)"
    R"("reasoning":"Greet.","reasoning_details":[{"type":"reasoning.text",)"
    R"("text":"Greet.","index":0}]},"finish_reason":null}]})"
    "\n\n: OPENROUTER PROCESSING\n\n";
constexpr std::string_view kEnd =
    R"(data: {"id":"gen-1","provider":"Anthropic","model":"m","choices":[)"
    R"({"index":0,"delta":{"content":""},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":12,"completion_tokens":9,"cost":0.5}})"
    "\n\ndata: [DONE]\n\n";

TEST_F(OpenRouterProviderTest, StreamsThroughItsComments) {
  const std::string stream =
      absl::StrCat(std::string(kBegin), std::string(kEnd));
  ScriptEvents("m", stream);
  const ProviderOutcome raw =
      calls_.Stream(*openrouter_, Raw("m", R"(,"stream":true)"));
  ASSERT_EQ(Reason(raw.status), "OK") << raw.status;
  EXPECT_EQ(raw.bytes, stream);
  EXPECT_EQ(raw.facts.usage.input_tokens(), 12);

  const ProviderOutcome parsed = calls_.Stream(*openrouter_, Parsed("m"));
  ASSERT_EQ(Reason(parsed.status), "OK") << parsed.status;
  EXPECT_EQ(parsed.bytes, "Hello.");
  std::string extensions;
  for (const v1::GenerateEvent& event : parsed.events) {
    for (const v1::Extension& each : event.delta().extensions()) {
      absl::StrAppend(&extensions, each.name(), ";");
    }
    for (const v1::Extension& each : event.choice_end().extensions()) {
      absl::StrAppend(&extensions, each.name(), "=", each.json(), ";");
    }
  }
  EXPECT_EQ(extensions, R"(delta.reasoning_details;chunk.usage={"cost":0.5};)");
}

TEST_F(OpenRouterProviderTest, AnErrorInTheMidstOfAStreamIsOne) {
  ScriptEvents(
      "m",
      absl::StrCat(
          std::string(kBegin),
          R"(data: {"id":"gen-1","model":"m","provider":"P","error":{"code":)"
          R"(429,"message":"Rate limit exceeded","metadata":{"error_type":)"
          R"("rate_limit_exceeded"}},"choices":[{"index":0,"delta":)"
          R"({"content":""},"finish_reason":"error"}]})",
          "\n\n"));
  for (const ProviderQuestion& question :
       {Parsed("m"), Raw("m", R"(,"stream":true)")}) {
    const ProviderOutcome outcome = calls_.Stream(*openrouter_, question);
    EXPECT_EQ(Reason(outcome.status), "PROVIDER_RATE_LIMITED");
    EXPECT_TRUE(outcome.content);
  }
}

TEST_F(OpenRouterProviderTest, AnErrorInsideOfASuccessIsOne) {
  for (const std::string_view body :
       {R"({"error":{"code":502,"message":"provider down"}})",
        R"({"id":"g","model":"m","choices":[{"index":0,"message":)"
        R"({"role":"assistant","content":""},"finish_reason":"error",)"
        R"("error":{"code":502,"message":"provider down"}}]})"}) {
    ScriptBody("m", body);
    for (const ProviderQuestion& question : {Parsed("m"), Raw("m")}) {
      EXPECT_EQ(Reason(calls_.Generate(*openrouter_, question).status),
                "PROVIDER_UNAVAILABLE")
          << body;
    }
  }
}

TEST_F(OpenRouterProviderTest, RefusesAUrlThatIsNone) {
  llmgateway::config::v1::OpenRouterProvider config;
  config.set_base_url("openrouter.ai");
  EXPECT_TRUE(absl::IsInvalidArgument(
      MakeOpenRouterProvider(ProviderSetup(), config).status()));
}

TEST_F(OpenRouterProviderTest, EmbedsAndListsItsModels) {
  const auto embedded = calls_.Embed(*openrouter_, "m", "hi");
  ASSERT_TRUE(embedded.ok()) << embedded.status();
  EXPECT_EQ(embedded->embeddings_size(), 1);
  const auto models = calls_.ListModels(*openrouter_);
  ASSERT_TRUE(models.ok()) << models.status();
  EXPECT_FALSE(models->empty());
}

}  // namespace
}  // namespace gateway
