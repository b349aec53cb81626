#include "providers/dialects/openai_chat/usage.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text/json.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/openai_chat/fields.h"

namespace gateway::chat {
namespace {

absl::Status ReadUsage(std::string_view json, v1::Usage* usage) {
  return ReadJson(
      json, [&](JsonValue& root) { return chat::ReadUsage(root, usage); });
}

TEST(OpenAiChatUsageTest, ReadsEveryDetail) {
  v1::Usage usage;
  usage.set_audio_input_tokens(99);  // Replaced, not added to.
  ASSERT_TRUE(
      ReadUsage(
          R"({"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,)"
          R"("prompt_tokens_details":{"cached_tokens":40,)"
          R"("cache_write_tokens":30,"audio_tokens":null,"text_tokens":7},)"
          R"("completion_tokens_details":{"reasoning_tokens":20,)"
          R"("audio_tokens":1,"accepted_prediction_tokens":2,)"
          R"("rejected_prediction_tokens":3}})",
          &usage)
          .ok());
  EXPECT_EQ(usage.input_tokens(), 100);
  EXPECT_EQ(usage.output_tokens(), 50);
  EXPECT_EQ(usage.cached_input_tokens(), 40);
  EXPECT_EQ(usage.cache_write_tokens(), 30);
  EXPECT_EQ(usage.audio_input_tokens(), 0);
  EXPECT_EQ(usage.reasoning_tokens(), 20);
  EXPECT_EQ(usage.audio_output_tokens(), 1);
  EXPECT_EQ(usage.accepted_prediction_tokens(), 2);
  EXPECT_EQ(usage.rejected_prediction_tokens(), 3);
}

TEST(OpenAiChatUsageTest, ImagesAreOfInputAndOfOutput) {
  v1::Usage usage;
  ASSERT_TRUE(ReadUsage(R"({"prompt_tokens":300,"completion_tokens":1295,)"
                        R"("prompt_tokens_details":{"text_tokens":42,)"
                        R"("image_tokens":258},"completion_tokens_details":)"
                        R"({"image_tokens":1290}})",
                        &usage)
                  .ok());
  EXPECT_EQ(usage.image_input_tokens(), 258);
  EXPECT_EQ(usage.image_output_tokens(), 1290);
  std::string written;
  JsonWriter json(&written);
  WriteUsage(usage, json);
  v1::Usage again;
  ASSERT_TRUE(ReadUsage(written, &again).ok());
  EXPECT_EQ(again.ShortDebugString(), usage.ShortDebugString());
  EXPECT_FALSE(
      ReadUsage(R"({"prompt_tokens_details":{"image_tokens":-1}})", &usage)
          .ok());
}

TEST(OpenAiChatUsageTest, DetailsMayBeAbsentOrNull) {
  v1::Usage usage;
  ASSERT_TRUE(ReadUsage(R"({"prompt_tokens":1,"prompt_tokens_details":null,)"
                        R"("completion_tokens_details":null})",
                        &usage)
                  .ok());
  EXPECT_EQ(usage.input_tokens(), 1);
  ASSERT_TRUE(ReadUsage("{}", &usage).ok());
  EXPECT_EQ(usage.input_tokens(), 0);
}

TEST(OpenAiChatUsageTest, WhatTheProviderChargedIsReadAndPassedOn) {
  v1::Usage usage;
  Leftovers others;
  const auto read = [&](std::string_view json) {
    others = Leftovers();
    return ReadJson(json, [&](JsonValue& root) {
      return chat::ReadUsage(root, &usage, &others);
    });
  };
  ASSERT_TRUE(
      read(R"({"prompt_tokens":1,"cost":1.25e-05,"is_byok":false})").ok());
  EXPECT_EQ(usage.provider_cost_usd_nanos(), 12'500);
  EXPECT_EQ(others.fields(), R"({"cost":1.25e-05,"is_byok":false)");
  ASSERT_TRUE(read(R"({"prompt_tokens":1,"cost":{"total_cost":1}})").ok());
  EXPECT_FALSE(usage.has_provider_cost_usd_nanos());
  EXPECT_EQ(others.fields(), R"({"cost":{"total_cost":1})");
  ASSERT_TRUE(read(R"({"prompt_tokens":1,"cost":null})").ok());
  EXPECT_FALSE(usage.has_provider_cost_usd_nanos());
  EXPECT_EQ(others.fields(), "");
}

TEST(OpenAiChatUsageTest, KnowsDeepSeeksNameForTheCache) {
  v1::Usage usage;
  ASSERT_TRUE(
      ReadUsage(R"({"prompt_tokens":120,"prompt_cache_hit_tokens":64})", &usage)
          .ok());
  EXPECT_EQ(usage.cached_input_tokens(), 64);
}

TEST(OpenAiChatUsageTest, KnowsMoonshotsNameForTheCache) {
  v1::Usage usage;
  ASSERT_TRUE(
      ReadUsage(R"({"prompt_tokens":120,"cached_tokens":64})", &usage).ok());
  EXPECT_EQ(usage.cached_input_tokens(), 64);
}

// As Gemini counts where it is asked in this format.
TEST(OpenAiChatUsageTest, WhatTheTotalAloneTellsIsReasoning) {
  const auto read = [](const char* counts) {
    v1::Usage usage;
    EXPECT_TRUE(ReadUsage(counts, &usage).ok());
    return std::pair(usage.output_tokens(), usage.reasoning_tokens());
  };
  EXPECT_EQ(
      read(R"({"prompt_tokens":20,"completion_tokens":424,)"
           R"("total_tokens":1016})"),
      std::pair(996L, 572L));
  EXPECT_EQ(
      read(R"({"prompt_tokens":20,"completion_tokens":4,"total_tokens":24})"),
      std::pair(4L, 0L));
  // Others count there what the cache served, or leave something out.
  EXPECT_EQ(read(R"({"prompt_tokens":20,"completion_tokens":4,)"
                 R"("cached_tokens":10,"total_tokens":34})"),
            std::pair(4L, 0L));
  EXPECT_EQ(read(R"({"completion_tokens":4,"total_tokens":24})"),
            std::pair(4L, 0L));
  EXPECT_EQ(read(R"({"prompt_tokens":20,"total_tokens":24})"),
            std::pair(0L, 0L));
}

// As xAI counts. The total alone tells it from everybody else's way.
TEST(OpenAiChatUsageTest, ReasoningBesideTheCompletionIsOutput) {
  const auto output_of = [](const char* total) {
    v1::Usage usage;
    EXPECT_TRUE(ReadUsage(absl::StrCat(R"({"prompt_tokens":10,)"
                                       R"("completion_tokens":5,"total_tokens":)",
                                       total,
                                       R"(,"completion_tokens_details":)"
                                       R"({"reasoning_tokens":3}})"),
                          &usage)
                    .ok());
    return usage.output_tokens();
  };
  EXPECT_EQ(output_of("18"), 8);
  EXPECT_EQ(output_of("15"), 5);
  EXPECT_EQ(output_of("null"), 5);
}

TEST(OpenAiChatUsageTest, ThePartsNeverExceedTheWhole) {
  v1::Usage usage;
  ASSERT_TRUE(ReadUsage(R"({"prompt_tokens":10,"prompt_tokens_details":)"
                        R"({"cached_tokens":8,"cache_write_tokens":8}})",
                        &usage)
                  .ok());
  EXPECT_EQ(usage.cached_input_tokens(), 8);
  EXPECT_EQ(usage.cache_write_tokens(), 2);
  ASSERT_TRUE(
      ReadUsage(R"({"prompt_tokens_details":{"cached_tokens":8}})", &usage)
          .ok());
  EXPECT_EQ(usage.cached_input_tokens(), 0);
}

TEST(OpenAiChatUsageTest, RefusesNumbersThatCannotBe) {
  for (const std::string_view json :
       {R"({"prompt_tokens":-1})", R"({"completion_tokens":1000000001})",
        R"({"prompt_tokens":1e30})", R"({"prompt_tokens":"7"})",
        R"({"prompt_tokens":1.5})", R"({"prompt_tokens_details":[]})",
        R"({"completion_tokens_details":{"reasoning_tokens":-5}})", "[]"}) {
    v1::Usage usage;
    EXPECT_FALSE(ReadUsage(json, &usage).ok()) << json;
  }
  v1::Usage usage;
  EXPECT_TRUE(ReadUsage(R"({"completion_tokens":1000000000})", &usage).ok());
}

TEST(OpenAiChatUsageTest, WritesTheSum) {
  v1::Usage usage;
  usage.set_input_tokens(7);
  usage.set_output_tokens(5);
  std::string out;
  JsonWriter json(&out);
  WriteUsage(usage, json);
  EXPECT_EQ(out,
            R"({"prompt_tokens":7,"completion_tokens":5,"total_tokens":12,)"
            R"("prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},)"
            R"("completion_tokens_details":{"reasoning_tokens":0,)"
            R"("audio_tokens":0,"accepted_prediction_tokens":0,)"
            R"("rejected_prediction_tokens":0}})");
}

TEST(OpenAiChatUsageTest, KeepsWhatTheContractHasNoFieldFor) {
  v1::Usage usage;
  Leftovers others;
  ASSERT_TRUE(ReadJson(R"({"prompt_tokens":7,"total_tokens":7,"cost":0.25,)"
                       R"("cost_details":{"a":null},"is_byok":null})",
                       [&](JsonValue& root) {
                         return ReadUsage(root, &usage, &others);
                       })
                  .ok());
  ExtensionList extensions;
  others.AddTo("usage", &extensions);
  ASSERT_EQ(extensions.size(), 1);
  EXPECT_EQ(extensions[0].json(), R"({"cost":0.25,"cost_details":{"a":null}})");

  std::string out;
  JsonWriter json(&out);
  ASSERT_TRUE(WriteUsage(usage, extensions, json).ok());
  EXPECT_TRUE(out.ends_with(R"(,"cost":0.25,"cost_details":{"a":null}})"))
      << out;
}

}  // namespace
}  // namespace gateway::chat
