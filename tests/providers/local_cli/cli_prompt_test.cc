#include "providers/local_cli/cli_prompt.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Written {
  absl::Status status;
  std::string prompt;
  std::vector<std::string> dropped;  // The fields.
};

Written Write(const std::string& text) {
  v1::GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  Written written;
  std::vector<v1::Warning> warnings;
  written.status = WriteCliPrompt(request, &written.prompt, &warnings);
  for (const v1::Warning& warning : warnings) {
    written.dropped.push_back(warning.field());
  }
  return written;
}

TEST(CliPromptTest, EachSpeakerHasABlock) {
  const Written written = Write(
      R"(messages { role: ROLE_SYSTEM parts { text: "Be brief." } }
         messages { role: ROLE_DEVELOPER parts { text: "In English." } }
         messages { role: ROLE_USER parts { text: "/help" }
                    parts { document { text: "a file" } } }
         messages { role: ROLE_ASSISTANT parts { refusal: "No." } }
         messages { role: ROLE_USER parts { text: "Why?" } })");
  ASSERT_TRUE(written.status.ok()) << written.status;
  EXPECT_EQ(written.prompt,
            "[System]: Be brief.\n\n[System]: In English.\n\n"
            "[User]: /help\na file\n\n[Assistant]: No.\n\n[User]: Why?");
  EXPECT_THAT(written.dropped, IsEmpty());
}

TEST(CliPromptTest, JsonIsAskedForInWords) {
  EXPECT_EQ(Write(R"(messages { role: ROLE_USER parts { text: "hi" } }
                     response_format { kind: KIND_JSON_OBJECT })")
                .prompt,
            "Reply with JSON only: no other text, no code fences. It must be "
            "one object.\n\n[User]: hi");
  EXPECT_EQ(Write(R"(messages { role: ROLE_USER parts { text: "hi" } }
                     response_format { kind: KIND_JSON_SCHEMA
                                       schema: "{\"type\":\"object\"}"
                                       description: "the sum" })")
                .prompt,
            "Reply with JSON only: no other text, no code fences. It must "
            "satisfy this JSON Schema:\n{\"type\":\"object\"}\n"
            "It is for: the sum\n\n[User]: hi");
}

TEST(CliPromptTest, WhatTheToolCannotBeGivenIsRefusedByName) {
  const absl::Status status = Write(R"(tools { function { name: "f" } }
               messages { role: ROLE_USER parts { text: "a" }
                          parts { image { url: "https://example.com/a.png" } }
                          parts { audio { data: "x" format: "wav" } }
                          parts { document { data: "%PDF"
                                    media_type: "application/pdf" } } }
               messages { role: ROLE_ASSISTANT
                          parts { tool_call { id: "1" name: "f" } } }
               messages { role: ROLE_TOOL
                          parts { tool_result { tool_call_id: "1" } } })")
                                  .status;
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
  std::vector<std::string> fields;
  for (const auto& [field, what] : FieldViolations(status)) {
    fields.push_back(field);
  }
  EXPECT_THAT(fields,
              ElementsAre("tools", "messages[0].parts[1]",
                          "messages[0].parts[2]", "messages[0].parts[3]",
                          "messages[1].parts[0]", "messages[2].parts[0]"));
}

TEST(CliPromptTest, ToolsThatMayNotBeCalledDoNoHarm) {
  EXPECT_TRUE(Write(R"(tools { function { name: "f" } }
                       tool_choice { mode: MODE_NONE })")
                  .status.ok());
}

TEST(CliPromptTest, TellsWhatIsLeftOut) {
  const Written written = Write(
      R"(max_output_tokens: 5
         sampling { temperature: 0 top_p: 1 top_k: 1 frequency_penalty: 1
                    presence_penalty: 1 seed: 1 stop: "x"
                    logit_bias { key: "1" value: 1 } logprobs: true
                    choice_count: 2 }
         reasoning { effort: EFFORT_LOW } audio_output {} cache_hint {}
         verbosity: "low" store: true
         messages { role: ROLE_USER name: "ann"
                    parts { text: "a" cache_hint {} }
                    parts { reasoning { text: "t" } }
                    parts { opaque { dialect: "gemini" json: "{}" } }
                    parts { audio { transcript: "said" } } }
         extensions { dialect: "ollama" name: "keep_alive" json: "1" })");
  ASSERT_TRUE(written.status.ok()) << written.status;
  EXPECT_EQ(written.prompt, "[User]: a\nsaid");
  EXPECT_THAT(
      written.dropped,
      ElementsAre(
          "messages[].parts[].cache_hint", "messages[].parts[].reasoning",
          "messages[].parts[].opaque", "messages[].name", "max_output_tokens",
          "sampling.temperature", "sampling.top_p", "sampling.top_k",
          "sampling.frequency_penalty", "sampling.presence_penalty",
          "sampling.seed", "sampling.stop", "sampling.logit_bias",
          "sampling.logprobs", "sampling.choice_count", "reasoning",
          "audio_output", "cache_hint", "verbosity", "store", "keep_alive"));
}

TEST(EstimatedTokensTest, FourCharactersAreAToken) {
  EXPECT_EQ(EstimatedTokens(""), 1);
  EXPECT_EQ(EstimatedTokens("abc"), 1);
  EXPECT_EQ(EstimatedTokens("12345678"), 2);
  // Eight characters of two bytes.
  EXPECT_EQ(EstimatedTokens("\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"),
            2);
}

}  // namespace
}  // namespace gateway
