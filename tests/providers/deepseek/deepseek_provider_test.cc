#include "providers/deepseek/deepseek_provider.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

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
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class DeepSeekProviderTest : public UpstreamTest {
 protected:
  void SetUp() override {
    UpstreamTest::SetUp();
    deepseek_ = MakeDeepSeek("");
  }

  std::unique_ptr<Provider> MakeDeepSeek(const std::string& more) {
    return Make(absl::StrCat("name: 'deepseek' ", more,
                             " deepseek { base_url: '", Root(), "/v1' }"));
  }

  static ProviderQuestion Asking(const std::string& text) {
    ProviderQuestion question = Parsed("m");
    EXPECT_TRUE(
        google::protobuf::TextFormat::MergeFromString(text, &question.request));
    return question;
  }

  std::unique_ptr<Provider> deepseek_;
};

constexpr std::string_view kAnswer =
    R"({"id":"u1","object":"chat.completion","created":1767225600,)"
    R"("model":"m","choices":[{"index":0,"message":{"role":"assistant",)"
    R"("content":"","reasoning_content":"Need the weather.","tool_calls":[)"
    R"({"index":0,"id":"call_00_1","type":"function","function":)"
    R"({"name":"get_weather","arguments":"{}"}}]},"logprobs":null,)"
    R"("finish_reason":"tool_calls"}],"usage":{"prompt_tokens":120,)"
    R"("completion_tokens":45,"total_tokens":165,)"
    R"("completion_tokens_details":{"reasoning_tokens":20},)"
    R"("prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":56}})";

TEST_F(DeepSeekProviderTest, ReadsReasoningCallsAndWhatTheCacheHad) {
  // Blank lines keep the connection alive while the answer is thought of.
  ScriptBody("m", absl::StrCat("\n\n\n", std::string(kAnswer)));
  const ProviderOutcome outcome = calls_.Generate(*deepseek_, Parsed("m"));
  ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
  const v1::Message& message = outcome.response.choices(0).message();
  ASSERT_GE(message.parts_size(), 2);
  EXPECT_EQ(message.parts(0).reasoning().text(), "Need the weather.");
  EXPECT_EQ(message.parts(message.parts_size() - 1).tool_call().id(),
            "call_00_1");
  EXPECT_EQ(outcome.facts.usage.input_tokens(), 120);
  EXPECT_EQ(outcome.facts.usage.cached_input_tokens(), 64);
  EXPECT_EQ(outcome.facts.usage.reasoning_tokens(), 20);
  ASSERT_EQ(outcome.response.extensions_size(), 1);
  EXPECT_THAT(outcome.response.extensions(0).json(),
              HasSubstr(R"("prompt_cache_miss_tokens":56)"));

  const ProviderOutcome raw = calls_.Generate(*deepseek_, Raw("m"));
  EXPECT_EQ(raw.bytes, absl::StrCat("\n\n\n", std::string(kAnswer)));
  EXPECT_EQ(raw.facts.usage.cached_input_tokens(), 64);
}

constexpr std::string_view kStream =
    ": keep-alive\n\n"
    R"(data: {"id":"u1","object":"chat.completion.chunk","model":"m",)"
    R"("choices":[{"index":0,"delta":{"role":"assistant","content":null,)"
    R"("reasoning_content":""},"finish_reason":null}],"usage":null})"
    "\n\n"
    R"(data: {"id":"u1","model":"m","choices":[{"index":0,"delta":)"
    R"({"content":null,"reasoning_content":"Hm."},"finish_reason":null}],)"
    R"("usage":null})"
    "\n\n: keep-alive\n\n"
    R"(data: {"id":"u1","model":"m","choices":[{"index":0,"delta":)"
    R"({"content":"Hi","reasoning_content":null},"finish_reason":null}]})"
    "\n\n"
    R"(data: {"id":"u1","model":"m","choices":[{"index":0,"delta":)"
    R"({"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,)"
    R"("completion_tokens":9,"prompt_cache_hit_tokens":3,)"
    R"("prompt_cache_miss_tokens":2}})"
    "\n\ndata: [DONE]\n\n";

TEST_F(DeepSeekProviderTest, StreamsThroughItsKeepAlives) {
  ScriptEvents("m", kStream);
  const ProviderOutcome parsed = calls_.Stream(*deepseek_, Parsed("m"));
  ASSERT_EQ(Reason(parsed.status), "OK") << parsed.status;
  EXPECT_EQ(parsed.bytes, "Hi");
  EXPECT_EQ(parsed.facts.usage.cached_input_tokens(), 3);
  std::string reasoning;
  for (const v1::GenerateEvent& event : parsed.events) {
    reasoning += event.delta().reasoning();
  }
  EXPECT_EQ(reasoning, "Hm.");

  const ProviderOutcome raw =
      calls_.Stream(*deepseek_, Raw("m", R"(,"stream":true)"));
  ASSERT_EQ(Reason(raw.status), "OK") << raw.status;
  EXPECT_EQ(raw.bytes, kStream);
  EXPECT_EQ(raw.facts.usage.output_tokens(), 9);
  EXPECT_EQ(raw.facts.finish_reason, v1::FINISH_REASON_STOP);
}

TEST_F(DeepSeekProviderTest, CapacityThatRanOutIsAnErrorOfTheAnswer) {
  ScriptBody("m", R"({"id":"u1","model":"m","choices":[{"index":0,"message":)"
                  R"({"role":"assistant","content":""},"finish_reason":)"
                  R"("insufficient_system_resource"}]})");
  for (const ProviderQuestion& question : {Parsed("m"), Raw("m")}) {
    const absl::Status status = calls_.Generate(*deepseek_, question).status;
    EXPECT_EQ(Reason(status), "PROVIDER_UNAVAILABLE");
    EXPECT_EQ(FaultMetadata(status, "provider_code"),
              "insufficient_system_resource");
  }
}

TEST_F(DeepSeekProviderTest, SendsBackTheReasoningOfToolTurns) {
  const ProviderOutcome outcome = calls_.Generate(*deepseek_, Asking(R"pb(
    messages {
      role: ROLE_ASSISTANT
      parts { reasoning { text: "Need it." } }
      parts {
        tool_call { id: "c" name: "f" arguments: "{}" kind: TOOL_KIND_FUNCTION }
      }
    }
    messages {
      role: ROLE_TOOL
      parts {
        tool_result {
          tool_call_id: "c"
          parts { text: "sunny" }
        }
      }
    })pb"));
  ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
  EXPECT_THAT(*upstream_->LastBody("m"),
              HasSubstr(R"("reasoning_content":"Need it.")"));
}

TEST_F(DeepSeekProviderTest, AToolTurnWithoutReasoningSaysSo) {
  // It refuses turns that have neither.
  const ProviderOutcome outcome = calls_.Generate(*deepseek_, Asking(R"pb(
    messages {
      role: ROLE_ASSISTANT
      parts { reasoning { text: "Another's." signature: "c2VhbA==" } }
      parts {
        tool_call { id: "c" name: "f" arguments: "{}" kind: TOOL_KIND_FUNCTION }
      }
    }
    messages {
      role: ROLE_TOOL
      parts {
        tool_result {
          tool_call_id: "c"
          parts { text: "sunny" }
        }
      }
    }
    messages {
      role: ROLE_ASSISTANT
      parts { text: "It is sunny." }
    }
    messages {
      role: ROLE_USER
      parts { text: "Sure?" }
    })pb"));
  ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
  EXPECT_THAT(
      *upstream_->LastBody("m"),
      AllOf(HasSubstr(R"("content":null,"reasoning_content":"","tool_calls")"),
            HasSubstr(R"("content":"It is sunny."})")));
  EXPECT_THAT(Warned(outcome), ElementsAre("reasoning"));
}

TEST_F(DeepSeekProviderTest, SaysWhatItKnowsAndTellsOfTheRest) {
  const char* const kDemands = R"pb(
    max_output_tokens: 9
    sampling { seed: 7 temperature: 1 }
    reasoning { mode: MODE_DISABLED }
    scope { user_id: "u" }
    response_format {
      kind: KIND_JSON_SCHEMA
      schema: "{\"type\":\"object\"}"
    })pb";
  const ProviderOutcome dropped = calls_.Generate(*deepseek_, Asking(kDemands));
  ASSERT_EQ(Reason(dropped.status), "OK") << dropped.status;
  EXPECT_THAT(Warned(dropped), ElementsAre("response_format", "sampling.seed"));
  EXPECT_THAT(*upstream_->LastBody("m"),
              AllOf(HasSubstr(R"("max_tokens":9,"temperature":1)"),
                    HasSubstr(R"("response_format":{"type":"json_object"})"),
                    // The schema stands in the prompt.
                    HasSubstr(R"({\"type\":\"object\"})"),
                    HasSubstr(R"("thinking":{"type":"disabled"})"),
                    HasSubstr(R"("user_id":"u")"), Not(HasSubstr("seed"))));
}

TEST_F(DeepSeekProviderTest, MendsTheLimitOfForwardedBytesInPlace) {
  const std::string head = R"({"messages":[{"role":"user","content":"hi"}],)"
                           R"("model":"m","x_unknown":{"kept":[1, 2]},)";
  ProviderQuestion question;
  question.body = head + R"("max_completion_tokens": 5})";
  ASSERT_EQ(Reason(calls_.Generate(*deepseek_, question).status), "OK");
  EXPECT_EQ(*upstream_->LastBody("m"), head + R"("max_tokens": 5})");
}

TEST_F(DeepSeekProviderTest, WritesAnewWhatCannotBeMendedInPlace) {
  ProviderQuestion question;
  question.body = R"({"model":"m","messages":[{"role":"developer","content":)"
                  R"("be brief"},{"role":"user","content":"hi"}],"x":[1]})";
  ASSERT_EQ(Reason(calls_.Generate(*deepseek_, question).status), "OK");
  EXPECT_THAT(*upstream_->LastBody("m"),
              AllOf(HasSubstr(R"({"role":"system","content":"be brief"})"),
                    EndsWith(R"("x":[1]})")));
}

TEST_F(DeepSeekProviderTest, ForwardedToolTurnsWithoutReasoningSaySoToo) {
  const auto asking = [](const std::string& reasoning) {
    ProviderQuestion question;
    question.body = absl::StrCat(
        R"({"model":"m", "messages":[{"role":"user","content":"hi"},)"
        R"({"role":"assistant",)",
        reasoning,
        R"("content":null,"tool_calls":[{"id":"c","type":"function",)"
        R"("function":{"name":"f","arguments":"{}"}}]},)"
        R"({"role":"tool","tool_call_id":"c","content":"sunny"}]})");
    return question;
  };
  const ProviderQuestion whole = asking(R"("reasoning_content":"Hm.",)");
  ASSERT_EQ(Reason(calls_.Generate(*deepseek_, whole).status), "OK");
  EXPECT_EQ(*upstream_->LastBody("m"), whole.body);
  ASSERT_EQ(Reason(calls_.Generate(*deepseek_, asking("")).status), "OK");
  EXPECT_THAT(*upstream_->LastBody("m"),
              HasSubstr(R"("reasoning_content":"","tool_calls")"));
}

TEST_F(DeepSeekProviderTest, AnEmptyAccountIsNotTheCallersFault) {
  ScriptBody("m",
             R"({"error":{"message":"Insufficient Balance","type":)"
             R"("unknown_error","param":null,"code":"invalid_request"}})",
             "application/json", 402);
  for (const ProviderQuestion& question : {Parsed("m"), Raw("m")}) {
    EXPECT_EQ(Reason(calls_.Generate(*deepseek_, question).status),
              "PROVIDER_QUOTA_EXHAUSTED");
  }
}

TEST_F(DeepSeekProviderTest, RefusesAUrlThatIsNone) {
  llmgateway::config::v1::DeepSeekProvider config;
  config.set_base_url("api.deepseek.com");
  EXPECT_TRUE(absl::IsInvalidArgument(
      MakeDeepSeekProvider(ProviderSetup(), config).status()));
}

TEST_F(DeepSeekProviderTest, ListsItsModelsAndEmbedsNothing) {
  const auto models = calls_.ListModels(*deepseek_);
  ASSERT_TRUE(models.ok()) << models.status();
  EXPECT_FALSE(models->empty());
  EXPECT_TRUE(
      absl::IsUnimplemented(calls_.Embed(*deepseek_, "m", "hi").status()));
}

}  // namespace
}  // namespace gateway
