#include "providers/openai_compatible/presets.h"

#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/dialects/openai_chat/quirks.h"

namespace gateway {
namespace {

using Compatible = ::llmgateway::config::v1::OpenAiCompatibleProvider;

CompatibleHabits Configured(const std::string& text) {
  Compatible config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config));
  return WithQuirks(PresetHabits(config.preset()), config.quirks());
}

TEST(PresetsTest, WithoutOneAServiceIsAsOpenAiIs) {
  const CompatibleHabits habits = Configured("");
  EXPECT_TRUE(habits.chat.max_completion_tokens);
  EXPECT_TRUE(habits.chat.developer_role);
  EXPECT_FALSE(habits.chat.top_k);
  EXPECT_EQ(habits.chat.seed_field, "seed");
  EXPECT_TRUE(habits.embeddings);
  EXPECT_FALSE(habits.responses);
}

// One that the table forgot would be taken for OpenAI.
TEST(PresetsTest, EveryPresetIsInTheTable) {
  const auto* presets = Compatible::Preset_descriptor();
  for (int i = 0; i < presets->value_count(); ++i) {
    const auto preset =
        static_cast<Compatible::Preset>(presets->value(i)->number());
    EXPECT_EQ(PresetHabits(preset).chat.developer_role,
              preset == Compatible::PRESET_UNSPECIFIED)
        << presets->value(i)->name();
    EXPECT_EQ(PresetBaseUrl(preset).empty(),
              preset == Compatible::PRESET_UNSPECIFIED);
  }
}

TEST(PresetsTest, KnowWhoseModelsAreServedWhereThatIsKnown) {
  EXPECT_EQ(PresetVendor(Compatible::PRESET_GROQ), "groq");
  EXPECT_EQ(PresetVendor(Compatible::PRESET_MISTRAL), "mistral");
  EXPECT_EQ(PresetVendor(Compatible::PRESET_OLLAMA), "ollama");
  EXPECT_EQ(PresetVendor(Compatible::PRESET_VLLM), "");
  EXPECT_EQ(PresetVendor(Compatible::PRESET_LLAMA_CPP), "");
  EXPECT_EQ(PresetVendor(Compatible::PRESET_UNSPECIFIED), "");
}

TEST(PresetsTest, KnowWhatTheServicesRefuse) {
  const CompatibleHabits groq = Configured("preset: PRESET_GROQ");
  EXPECT_FALSE(groq.chat.logprobs);
  EXPECT_FALSE(groq.chat.message_names);
  EXPECT_FALSE(groq.chat.choice_count);
  EXPECT_FALSE(groq.chat.logit_bias);
  EXPECT_FALSE(groq.embeddings);

  const CompatibleHabits mistral = Configured("preset: PRESET_MISTRAL");
  EXPECT_FALSE(mistral.chat.max_completion_tokens);
  EXPECT_FALSE(mistral.chat.stream_options);
  EXPECT_EQ(mistral.chat.seed_field, "random_seed");
  EXPECT_EQ(mistral.chat.reasoning_field, "");

  EXPECT_TRUE(Configured("preset: PRESET_VLLM").chat.top_k);
  EXPECT_FALSE(
      Configured("preset: PRESET_LLAMA_CPP").chat.max_completion_tokens);
  EXPECT_EQ(Configured("preset: PRESET_OLLAMA").chat.reasoning_field,
            "reasoning");
}

TEST(PresetsTest, WhatIsConfiguredReplacesWhatIsKnown) {
  const CompatibleHabits habits = Configured(R"pb(
    preset: PRESET_MISTRAL
    quirks {
      max_completion_tokens: true
      developer_role: true
      stream_options: true
      top_k: true
      seed: false
      choice_count: false
      logit_bias: true
      parallel_tool_calls: false
      schema_mode: SCHEMA_MODE_TOOL
      reasoning_field: "reasoning"
      embeddings: false
      responses: true
      done_marker: false
    })pb");
  EXPECT_TRUE(habits.chat.max_completion_tokens);
  EXPECT_TRUE(habits.chat.developer_role);
  EXPECT_TRUE(habits.chat.stream_options);
  EXPECT_TRUE(habits.chat.top_k);
  EXPECT_EQ(habits.chat.seed_field, "");
  EXPECT_FALSE(habits.chat.choice_count);
  EXPECT_TRUE(habits.chat.logit_bias);
  EXPECT_FALSE(habits.chat.parallel_tool_calls);
  EXPECT_EQ(habits.chat.schema_mode, OpenAiChatQuirks::SchemaMode::kTool);
  EXPECT_EQ(habits.chat.reasoning_field, "reasoning");
  EXPECT_FALSE(habits.embeddings);
  EXPECT_TRUE(habits.responses);
  EXPECT_FALSE(habits.chat.done_marker);
}

TEST(PresetsTest, ASeedKeepsTheNameThatTheServiceHasForIt) {
  EXPECT_EQ(Configured("preset: PRESET_MISTRAL quirks { seed: true }")
                .chat.seed_field,
            "random_seed");
}

TEST(PresetsTest, EverySchemaModeIsUnderstood) {
  using SchemaMode = OpenAiChatQuirks::SchemaMode;
  const auto mode = [](const std::string& name) {
    return Configured("quirks { schema_mode: SCHEMA_MODE_" + name + " }")
        .chat.schema_mode;
  };
  EXPECT_EQ(mode("UNSPECIFIED"), SchemaMode::kNative);
  EXPECT_EQ(mode("NATIVE"), SchemaMode::kNative);
  EXPECT_EQ(mode("JSON_OBJECT"), SchemaMode::kJsonObject);
  EXPECT_EQ(mode("PROMPT"), SchemaMode::kPrompt);
}

}  // namespace
}  // namespace gateway
