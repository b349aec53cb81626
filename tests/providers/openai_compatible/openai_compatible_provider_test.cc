#include "providers/openai_compatible/openai_compatible_provider.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"
#include "tests/providers/upstream_test.h"
#include "tests/testing/provider_calls.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class OpenAiCompatibleProviderTest : public UpstreamTest {
 protected:
  std::unique_ptr<Provider> MakeCompatible(const std::string& more) {
    return Make(absl::StrCat("name: 'other' openai_compatible { base_url: '",
                             Root(), "/v1' ", more, " }"));
  }
};

TEST_F(OpenAiCompatibleProviderTest, CarriesTheKeyAsConfigured) {
  const auto usual = MakeCompatible("");
  ASSERT_EQ(Reason(calls_.Generate(*usual, Parsed("m")).status), "OK");
  EXPECT_THAT(*upstream_->Last("m"),
              HasSubstr(absl::StrCat("Bearer ", std::string(kTestKey))));
  const auto other = MakeCompatible("credential_header: 'X-Api-Key'");
  ASSERT_EQ(Reason(calls_.Generate(*other, Parsed("m")).status), "OK");
  EXPECT_THAT(*upstream_->Last("m"),
              AllOf(HasSubstr("x-api-key"), HasSubstr(std::string(kTestKey)),
                    Not(HasSubstr("Bearer"))));
}

TEST_F(OpenAiCompatibleProviderTest, APresetSpeaksTheServicesWords) {
  const auto mistral = MakeCompatible("preset: PRESET_MISTRAL");
  ProviderQuestion question = Parsed("m");
  ASSERT_TRUE(google::protobuf::TextFormat::MergeFromString(
      "max_output_tokens: 9 sampling { seed: 7 logit_bias { key: '5' value: 1 "
      "} } scope { user_id: 'u' }",
      &question.request));
  Script("m", R"({"usage_in": "finish_chunk"})");
  const ProviderOutcome outcome = calls_.Stream(*mistral, question);
  ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
  EXPECT_THAT(Warned(outcome), ElementsAre("sampling.logit_bias"));
  EXPECT_EQ(*upstream_->LastBody("m"),
            R"({"model":"m","messages":[{"role":"user","content":"hi"}],)"
            R"("stream":true,"max_tokens":9,"random_seed":7})");
  EXPECT_TRUE(outcome.facts.has_usage);
}

// What every known service is sent must be what the words of OpenAI's own
// client come to, forwarded.
TEST_F(OpenAiCompatibleProviderTest, PresetsForwardWhatTheyUnderstand) {
  for (const char* preset : {"VLLM", "LLAMA_CPP", "GROQ", "OLLAMA"}) {
    const auto provider =
        MakeCompatible(absl::StrCat("preset: PRESET_", preset));
    const ProviderQuestion question = Raw("m");
    ASSERT_EQ(Reason(calls_.Generate(*provider, question).status), "OK");
    EXPECT_EQ(*upstream_->LastBody("m"), question.body) << preset;
  }
}

constexpr std::string_view kWithoutMarker =
    R"(data: {"id":"i","model":"m","choices":[{"index":0,"delta":)"
    R"({"role":"assistant","content":"Hi"},"finish_reason":null}]})"
    "\n\n"
    R"(data: {"id":"i","model":"m","choices":[{"index":0,"delta":{},)"
    R"("finish_reason":"stop"}]})"
    "\n\n";

TEST_F(OpenAiCompatibleProviderTest, AStreamMayEndByClosing) {
  ScriptEvents("m", kWithoutMarker);
  const ProviderQuestion raw = Raw("m", R"(,"stream":true)");
  const auto strict = MakeCompatible("");
  const auto loose = MakeCompatible("quirks { done_marker: false }");
  for (const ProviderQuestion& question : {Parsed("m"), raw}) {
    EXPECT_EQ(Reason(calls_.Stream(*strict, question).status),
              "PROVIDER_UNAVAILABLE");
    EXPECT_EQ(Reason(calls_.Stream(*loose, question).status), "OK");
  }
  // Callers are told the end all the same.
  EXPECT_EQ(calls_.Stream(*loose, raw).bytes,
            absl::StrCat(std::string(kWithoutMarker), "data: [DONE]\n\n"));
  EXPECT_EQ(calls_.Stream(*loose, Parsed("m")).bytes, "Hi");
}

TEST_F(OpenAiCompatibleProviderTest, AStreamThatBreaksOffIsNeverAnEnd) {
  ScriptEvents("m", kWithoutMarker.substr(0, kWithoutMarker.find("\n\n") + 2));
  const auto loose = MakeCompatible("quirks { done_marker: false }");
  for (const ProviderQuestion& question :
       {Parsed("m"), Raw("m", R"(,"stream":true)")}) {
    EXPECT_EQ(Reason(calls_.Stream(*loose, question).status),
              "PROVIDER_UNAVAILABLE");
  }
}

TEST_F(OpenAiCompatibleProviderTest, RefusesAUrlThatIsNone) {
  llmgateway::config::v1::OpenAiCompatibleProvider config;
  config.set_base_url("api.together.xyz");
  EXPECT_TRUE(absl::IsInvalidArgument(
      MakeOpenAiCompatibleProvider(ProviderSetup(), config).status()));
}

TEST_F(OpenAiCompatibleProviderTest, EmbedsAndListsItsModels) {
  const auto provider = MakeCompatible("");
  const auto embedded = calls_.Embed(*provider, "m", "hi");
  ASSERT_TRUE(embedded.ok()) << embedded.status();
  EXPECT_EQ(embedded->embeddings_size(), 1);
  const auto models = calls_.ListModels(*provider);
  ASSERT_TRUE(models.ok()) << models.status();
  EXPECT_FALSE(models->empty());
}

TEST_F(OpenAiCompatibleProviderTest, EmbedsNothingWhereTheServiceDoesNot) {
  for (const char* habits :
       {"preset: PRESET_GROQ", "quirks { embeddings: false }"}) {
    EXPECT_TRUE(absl::IsUnimplemented(
        calls_.Embed(*MakeCompatible(habits), "m", "hi").status()));
  }
  EXPECT_EQ(Stat("", "total.requests"), 0);
}

TEST_F(OpenAiCompatibleProviderTest, ASchemaMayBecomeATool) {
  const auto provider =
      MakeCompatible("quirks { schema_mode: SCHEMA_MODE_TOOL }");
  ProviderQuestion question = Parsed("m");
  ASSERT_TRUE(google::protobuf::TextFormat::MergeFromString(
      R"pb(response_format {
             kind: KIND_JSON_SCHEMA
             name: "person"
             schema: "{\"type\":\"object\"}"
           })pb",
      &question.request));
  Script("m", R"({"tool_calls": [{"name": "person", "arguments": "{}"}]})");
  const ProviderOutcome outcome = calls_.Generate(*provider, question);
  ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
  EXPECT_EQ(TextOf(outcome.response), "{}");
  EXPECT_THAT(*upstream_->LastBody("m"),
              AllOf(HasSubstr("tool_choice"), Not(HasSubstr("json_schema"))));
}

TEST_F(OpenAiCompatibleProviderTest, ForwardsResponsesWhereTheServiceHasThem) {
  EXPECT_EQ(MakeCompatible("")->FindDialect("openai_responses"), nullptr);
  const auto provider = MakeCompatible("quirks { responses: true }");
  ASSERT_NE(provider->FindDialect("openai_responses"), nullptr);
  ProviderQuestion question;
  question.dialect = "openai_responses";
  question.body = R"({"model":"m","input":"hi","x_unknown":[1, 2]})";
  const ProviderOutcome outcome = calls_.Generate(*provider, question);
  ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
  EXPECT_EQ(*upstream_->LastBody("m"), question.body);
  EXPECT_THAT(*upstream_->Last("m"), HasSubstr("/v1/responses"));
  EXPECT_THAT(outcome.bytes, HasSubstr(R"("object":"response")"));
}

}  // namespace
}  // namespace gateway
