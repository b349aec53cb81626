#include "providers/structured_output.h"

#include <memory>
#include <string>
#include <utility>

#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "providers/schema/output_mode.h"
#include "tests/providers/upstream_test.h"
#include "tests/testing/mock_upstream_process.h"
#include "tests/testing/provider_calls.h"

namespace gateway {
namespace {

using Quirks = ::llmgateway::config::v1::OpenAiQuirks;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kCall[] =
    R"({"tool_calls": [{"name": "person", "arguments": "{\"age\":42}"}]})";

class StructuredOutputProviderTest : public UpstreamTest {
 protected:
  static ProviderQuestion Asking() {
    ProviderQuestion question = Parsed("m");
    question.request.set_max_output_tokens(100);
    v1::ResponseFormat& format = *question.request.mutable_response_format();
    format.set_kind(v1::ResponseFormat::KIND_JSON_SCHEMA);
    format.set_name("person");
    format.set_schema(R"({"type":"object","title":"A person"})");
    return question;
  }

  static std::string Sent() { return upstream_->LastBody("m").value_or(""); }
};

TEST_F(StructuredOutputProviderTest, AForcedCallIsAnsweredAsText) {
  Script("m", kCall);
  for (std::unique_ptr<Provider>* inner : {&openai_, &anthropic_}) {
    const auto provider =
        WithOutputModes({.usual = OutputMode::kForcedTool}, std::move(*inner));
    const ProviderOutcome whole = calls_.Generate(*provider, Asking());
    ASSERT_EQ(Reason(whole.status), "OK") << whole.status;
    EXPECT_EQ(TextOf(whole.response), R"({"age":42})");
    EXPECT_EQ(whole.response.choices(0).finish_reason(),
              v1::FINISH_REASON_STOP);
    EXPECT_EQ(whole.facts.finish_reason, v1::FINISH_REASON_STOP);
    EXPECT_THAT(whole.warnings, SizeIs(1));
    EXPECT_THAT(Sent(), HasSubstr("tool_choice"));
    EXPECT_THAT(Sent(), HasSubstr("A person"));
    EXPECT_THAT(Sent(), Not(HasSubstr("json_schema")));
    const ProviderOutcome stream = calls_.Stream(*provider, Asking());
    ASSERT_EQ(Reason(stream.status), "OK") << stream.status;
    EXPECT_EQ(TextOf(stream.events), R"({"age":42})");
    EXPECT_EQ(stream.facts.finish_reason, v1::FINISH_REASON_STOP);
    EXPECT_GT(stream.facts.usage.output_tokens(), 0);
    for (const v1::GenerateEvent& event : stream.events) {
      EXPECT_FALSE(event.delta().has_tool_call());
    }
  }
}

TEST_F(StructuredOutputProviderTest, JsonModeAndPromptSayTheSchemaInWords) {
  Script("m", R"({"text": "{\"age\":42}"})");
  const auto json =
      WithOutputModes({.usual = OutputMode::kJsonMode}, std::move(openai_));
  ProviderOutcome outcome = calls_.Generate(*json, Asking());
  EXPECT_EQ(TextOf(outcome.response), R"({"age":42})");
  EXPECT_THAT(outcome.warnings, SizeIs(1));
  EXPECT_THAT(Sent(), HasSubstr("json_object"));
  EXPECT_THAT(Sent(), HasSubstr("A person"));
  const auto prompt =
      WithOutputModes({.usual = OutputMode::kPrompt}, std::move(anthropic_));
  outcome = calls_.Stream(*prompt, Asking());
  EXPECT_EQ(TextOf(outcome.events), R"({"age":42})");
  EXPECT_THAT(outcome.warnings, SizeIs(1));
  EXPECT_THAT(Sent(), HasSubstr("A person"));
}

TEST_F(StructuredOutputProviderTest, OtherCallsGoThroughAsBefore) {
  Script("m", R"({"text": "plain"})");
  const std::string direct = Directly(*openai_, Raw("m").body);
  const auto provider =
      WithOutputModes({.usual = OutputMode::kForcedTool}, std::move(openai_));
  EXPECT_EQ(provider->name(), "openai");
  EXPECT_NE(provider->FindDialect("openai_chat"), nullptr);
  const ProviderOutcome raw = calls_.Generate(*provider, Raw("m"));
  ASSERT_EQ(Reason(raw.status), "OK") << raw.status;
  EXPECT_EQ(raw.bytes.size(), direct.size());
  const ProviderOutcome raw_stream =
      calls_.Stream(*provider, Raw("m", R"(,"stream":true)"));
  ASSERT_EQ(Reason(raw_stream.status), "OK") << raw_stream.status;
  EXPECT_THAT(raw_stream.bytes, HasSubstr("plain"));
  const ProviderOutcome parsed = calls_.Stream(*provider, Parsed("m"));
  EXPECT_EQ(TextOf(parsed.events), "plain");
  EXPECT_THAT(parsed.warnings, SizeIs(0));
  EXPECT_TRUE(calls_.CountTokens(*provider, Parsed("m")).ok());
  Script("m", R"({"status": 503})");
  EXPECT_EQ(Reason(calls_.Generate(*provider, Asking()).status),
            "PROVIDER_UNAVAILABLE");
  EXPECT_EQ(Reason(calls_.Stream(*provider, Asking()).status),
            "PROVIDER_UNAVAILABLE");
}

TEST_F(StructuredOutputProviderTest, ARawRequestThatAsksForJsonIsRead) {
  RawRequest raw;
  raw.dialect = openai_->FindDialect("openai_chat");
  const auto provider =
      WithOutputModes({.usual = OutputMode::kPrompt}, std::move(openai_));
  raw.body = R"({"model":"m","messages":[]})";
  EXPECT_TRUE(provider->Forwards(raw));
  raw.body = R"({"response_format":{"type":"json_schema"}})";
  EXPECT_FALSE(provider->Forwards(raw));
  raw.body = R"({"response_format":{"type":"json_object"}})";
  EXPECT_FALSE(provider->Forwards(raw));
  raw.dialect = anthropic_->FindDialect("anthropic_messages");
  EXPECT_TRUE(anthropic_->Forwards(raw));
}

TEST_F(StructuredOutputProviderTest, AModelThatLacksSchemasIsAskedOtherwise) {
  Script("m", kCall);
  const auto provider =
      WithOutputModes({.lacking = OutputMode::kForcedTool}, std::move(openai_));
  ProviderQuestion question = Asking();
  EXPECT_EQ(Reason(calls_.Generate(*provider, question).status), "OK");
  EXPECT_THAT(Sent(), HasSubstr("json_schema"));
  question.lacks_schema = true;
  const ProviderOutcome outcome = calls_.Generate(*provider, question);
  EXPECT_EQ(TextOf(outcome.response), R"({"age":42})");
  EXPECT_THAT(Sent(), Not(HasSubstr("json_schema")));
  RawRequest raw;
  raw.dialect = provider->FindDialect("openai_chat");
  raw.body = R"({"response_format":{"type":"json_schema"}})";
  EXPECT_TRUE(provider->Forwards(raw));
}

TEST_F(StructuredOutputProviderTest, TheConfigurationNamesTheModes) {
  for (const auto mode :
       {Quirks::SCHEMA_MODE_UNSPECIFIED, Quirks::SCHEMA_MODE_NATIVE}) {
    Provider* const same = openai_.get();
    openai_ = WithSchemaMode(mode, std::move(openai_));
    EXPECT_EQ(openai_.get(), same);
  }
  const std::pair<Quirks::SchemaMode, const char*> kModes[] = {
      {Quirks::SCHEMA_MODE_TOOL, "\"tools\""},
      {Quirks::SCHEMA_MODE_JSON_OBJECT, "json_object"},
      {Quirks::SCHEMA_MODE_PROMPT, "A person"}};
  for (const auto& [mode, sent] : kModes) {
    MakeProviders("");
    const auto provider = WithSchemaMode(mode, std::move(openai_));
    EXPECT_EQ(Reason(calls_.Generate(*provider, Asking()).status), "OK");
    EXPECT_THAT(Sent(), HasSubstr(sent));
    EXPECT_THAT(Sent(), Not(HasSubstr("json_schema")));
  }
}

}  // namespace
}  // namespace gateway
