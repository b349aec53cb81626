#include "providers/dialects/openai_responses/request_writer.h"

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::responses {
namespace {

class WriteRequestTest : public testing::Test {
 protected:
  std::string Write(const std::string& text, bool pass_unsupported = false) {
    v1::GenerateRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
    std::vector<v1::Warning> warnings;
    std::string body;
    const absl::Status status = WriteRequest(
        request, {.model = "m", .pass_unsupported = pass_unsupported}, &body,
        &warnings);
    for (const v1::Warning& warning : warnings) warned_.insert(warning.field());
    return status.ok() ? body : std::string(status.message());
  }

  std::set<std::string> warned_;
};

TEST_F(WriteRequestTest, ALeadingSystemMessageIsTheInstructions) {
  EXPECT_TRUE(
      SameJson(Write("messages { role: ROLE_SYSTEM parts { text: 'a' } } "
                     "messages { role: ROLE_SYSTEM parts { text: 'b' } } "
                     "messages { role: ROLE_USER parts { text: 'c' } }"),
               R"({"model":"m","instructions":"a","input":[
          {"role":"system","content":"b"},{"role":"user","content":"c"}]})"));
  EXPECT_TRUE(SameJson(Write("messages { role: ROLE_SYSTEM parts { text: 'a' } "
                             "parts { text: 'b' } } "),
                       R"({"model":"m","input":[{"role":"system","content":[
          {"type":"input_text","text":"a"},
          {"type":"input_text","text":"b"}]}]})"));
  EXPECT_TRUE(warned_.empty());
}

TEST_F(WriteRequestTest, ToldWhatTheFormatCannotSay) {
  EXPECT_TRUE(SameJson(
      Write("messages { role: ROLE_USER parts { text: 'a' } } "
            "max_output_tokens: 5 sampling { stop: 'x' seed: 1 top_k: 2 "
            "frequency_penalty: 1 presence_penalty: 1 choice_count: 2 "
            "logit_bias { key: '1' value: 2 } } "
            "reasoning { mode: MODE_ENABLED budget_tokens: 9 } "
            "modalities: 'text' modalities: 'audio' cache_hint {} "
            "audio_output { voice: 'v' format: 'wav' }"),
      R"({"model":"m","input":"a","max_output_tokens":16})"));
  EXPECT_EQ(warned_,
            (std::set<std::string>{
                "audio_output", "cache_hint", "max_output_tokens", "modalities",
                "reasoning.budget_tokens", "reasoning.mode",
                "sampling.choice_count", "sampling.frequency_penalty",
                "sampling.logit_bias", "sampling.presence_penalty",
                "sampling.seed", "sampling.stop", "sampling.top_k"}));
}

TEST_F(WriteRequestTest, PassesOnWhatTheFamilyMayKnow) {
  EXPECT_TRUE(SameJson(
      Write("messages { role: ROLE_USER parts { text: 'a' } } "
            "sampling { stop: 'x' seed: 1 top_k: 2 frequency_penalty: 1 "
            "presence_penalty: 1 }",
            /*pass_unsupported=*/true),
      R"({"model":"m","input":"a","stop":["x"],"seed":1,"top_k":2,
          "frequency_penalty":1,"presence_penalty":1})"));
  EXPECT_TRUE(warned_.empty());
}

TEST_F(WriteRequestTest, ReasoningIsSaidInDegrees) {
  EXPECT_TRUE(SameJson(
      Write("reasoning { mode: MODE_DISABLED display: 'summarized' }"),
      R"({"model":"m","reasoning":{"effort":"none","summary":"auto"}})"));
  EXPECT_TRUE(warned_.empty());
}

TEST_F(WriteRequestTest, ExtensionsNeverSayWhatThePoliciesChecked) {
  EXPECT_TRUE(SameJson(
      Write("messages { role: ROLE_USER parts { text: 'a' } } "
            "extensions { dialect: 'openai_responses' name: 'tools' "
            "json: '[{}]' } extensions { dialect: 'openai_responses' "
            "name: 'max_output_tokens' json: '99999' } "
            "extensions { dialect: 'openai_responses' name: 'truncation' "
            "json: '\"auto\"' }"),
      R"({"model":"m","input":"a","truncation":"auto"})"));
}

TEST_F(WriteRequestTest, ExtensionsMustBeJsonAndNew) {
  EXPECT_NE(Write("extensions { dialect: 'openai_responses' name: 'x' "
                  "json: '{' }")
                .find("extensions[x]"),
            std::string::npos);
  EXPECT_NE(Write("store: true extensions { dialect: 'openai_responses' "
                  "name: 'store' json: 'false' }")
                .find("already"),
            std::string::npos);
  EXPECT_NE(Write("extensions { dialect: 'openai_responses' name: 'include' "
                  "json: '7' }")
                .find("include"),
            std::string::npos);
}

TEST_F(WriteRequestTest, CountsOnlyThePrompt) {
  v1::GenerateRequest request;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "messages { role: ROLE_USER parts { text: 'a' } } store: true "
      "sampling { temperature: 1 } max_output_tokens: 50",
      &request));
  std::string body;
  ASSERT_TRUE(WriteCountRequest(request, "m", &body).ok());
  EXPECT_TRUE(SameJson(body, R"({"model":"m","input":"a"})"));
}

}  // namespace
}  // namespace gateway::responses
