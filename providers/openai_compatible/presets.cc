#include "providers/openai_compatible/presets.h"

#include <optional>
#include <string>
#include <string_view>

namespace gateway {
namespace {

using Compatible = ::llmgateway::config::v1::OpenAiCompatibleProvider;
using ConfiguredQuirks = ::llmgateway::config::v1::OpenAiQuirks;
using SchemaMode = OpenAiChatQuirks::SchemaMode;
using ReasoningStyle = OpenAiChatQuirks::ReasoningStyle;

// In what the known services differ. None of them takes what OpenAI keeps
// account of, and chat templates know no role `developer`.
struct Preset {
  Compatible::Preset preset;
  std::string_view base_url;
  std::string_view vendor;  // Empty where whoever runs it chooses the models.
  bool max_completion_tokens;
  bool stream_options;
  bool top_k;
  bool logprobs;
  bool message_names;
  bool choice_count;
  bool logit_bias;
  bool parallel_tool_calls;
  ReasoningStyle reasoning_style;
  std::string_view reasoning_field;
  bool reasoning_in_content = false;
  std::string_view seed_field;
  std::string_view user_field;
  bool embeddings;
};

constexpr Preset kPresets[] = {
    {.preset = Compatible::PRESET_VLLM,
     .base_url = "http://127.0.0.1:8000/v1",
     .vendor = "",
     .max_completion_tokens = true,
     .stream_options = true,
     .top_k = true,
     .logprobs = true,
     .message_names = true,
     .choice_count = true,
     .logit_bias = true,
     .parallel_tool_calls = true,
     .reasoning_style = ReasoningStyle::kEffort,
     .reasoning_field = "reasoning",
     .seed_field = "seed",
     .user_field = "user",
     .embeddings = true},
    {.preset = Compatible::PRESET_LLAMA_CPP,
     .base_url = "http://127.0.0.1:8080/v1",
     .vendor = "",
     .max_completion_tokens = false,
     .stream_options = true,
     .top_k = true,
     .logprobs = true,
     .message_names = true,
     .choice_count = false,
     .logit_bias = true,
     .parallel_tool_calls = true,
     .reasoning_style = ReasoningStyle::kNone,
     .reasoning_field = "reasoning_content",
     .seed_field = "seed",
     .user_field = "",
     .embeddings = true},
    // Groq refuses likelihoods, biases, names and a second choice with 400.
    {.preset = Compatible::PRESET_GROQ,
     .base_url = "https://api.groq.com/openai/v1",
     .vendor = "groq",
     .max_completion_tokens = true,
     .stream_options = true,
     .top_k = false,
     .logprobs = false,
     .message_names = false,
     .choice_count = false,
     .logit_bias = false,
     .parallel_tool_calls = true,
     .reasoning_style = ReasoningStyle::kEffort,
     .reasoning_field = "reasoning",
     .seed_field = "seed",
     .user_field = "user",
     .embeddings = false},
    // Mistral refuses every field that it does not know with 422. Usage comes
    // with the last chunk unasked.
    {.preset = Compatible::PRESET_MISTRAL,
     .base_url = "https://api.mistral.ai/v1",
     .vendor = "mistral",
     .max_completion_tokens = false,
     .stream_options = false,
     .top_k = false,
     .logprobs = false,
     .message_names = false,
     .choice_count = true,
     .logit_bias = false,
     .parallel_tool_calls = true,
     .reasoning_style = ReasoningStyle::kNone,
     .reasoning_field = "",
     .reasoning_in_content = true,
     .seed_field = "random_seed",
     .user_field = "",
     .embeddings = true},
    // Ollama ignores what it does not know.
    {.preset = Compatible::PRESET_OLLAMA,
     .base_url = "http://127.0.0.1:11434/v1",
     .vendor = "ollama",
     .max_completion_tokens = false,
     .stream_options = true,
     .top_k = false,
     .logprobs = true,
     .message_names = true,
     .choice_count = false,
     .logit_bias = false,
     .parallel_tool_calls = false,
     .reasoning_style = ReasoningStyle::kEffort,
     .reasoning_field = "reasoning",
     .seed_field = "seed",
     .user_field = "",
     .embeddings = true},
};

// Null if there is none.
const Preset* FindPreset(Compatible::Preset preset) {
  for (const Preset& known : kPresets) {
    if (known.preset == preset) return &known;
  }
  return nullptr;
}

CompatibleHabits HabitsOf(const Preset& preset) {
  CompatibleHabits habits;
  OpenAiChatQuirks& chat = habits.chat;
  chat.max_completion_tokens = preset.max_completion_tokens;
  chat.developer_role = false;
  chat.stream_options = preset.stream_options;
  chat.top_k = preset.top_k;
  chat.logprobs = preset.logprobs;
  chat.message_names = preset.message_names;
  chat.choice_count = preset.choice_count;
  chat.logit_bias = preset.logit_bias;
  chat.parallel_tool_calls = preset.parallel_tool_calls;
  chat.account_fields = false;
  chat.reasoning_style = preset.reasoning_style;
  chat.reasoning_field = preset.reasoning_field;
  chat.reasoning_in_content = preset.reasoning_in_content;
  chat.seed_field = preset.seed_field;
  chat.user_field = preset.user_field;
  habits.embeddings = preset.embeddings;
  return habits;
}

std::optional<SchemaMode> ModeOf(ConfiguredQuirks::SchemaMode mode) {
  switch (mode) {
    case ConfiguredQuirks::SCHEMA_MODE_NATIVE:
      return SchemaMode::kNative;
    case ConfiguredQuirks::SCHEMA_MODE_TOOL:
      return SchemaMode::kTool;
    case ConfiguredQuirks::SCHEMA_MODE_JSON_OBJECT:
      return SchemaMode::kJsonObject;
    case ConfiguredQuirks::SCHEMA_MODE_PROMPT:
      return SchemaMode::kPrompt;
    default:
      return std::nullopt;
  }
}

// Sets the name of a field if the service is known to have it, clears it
// otherwise.
void Switch(bool known, std::string_view usual_name, std::string* name) {
  if (!known) {
    name->clear();
  } else if (name->empty()) {
    *name = usual_name;
  }
}

}  // namespace

CompatibleHabits PresetHabits(Compatible::Preset preset) {
  const Preset* const known = FindPreset(preset);
  return known == nullptr ? CompatibleHabits() : HabitsOf(*known);
}

std::string_view PresetBaseUrl(Compatible::Preset preset) {
  const Preset* const known = FindPreset(preset);
  return known == nullptr ? std::string_view() : known->base_url;
}

std::string_view PresetVendor(Compatible::Preset preset) {
  const Preset* const known = FindPreset(preset);
  return known == nullptr ? std::string_view() : known->vendor;
}

CompatibleHabits WithQuirks(CompatibleHabits habits,
                            const ConfiguredQuirks& quirks) {
  OpenAiChatQuirks& chat = habits.chat;
  const auto set = [](bool given, bool value, bool* field) {
    if (given) *field = value;
  };
  set(quirks.has_max_completion_tokens(), quirks.max_completion_tokens(),
      &chat.max_completion_tokens);
  set(quirks.has_developer_role(), quirks.developer_role(),
      &chat.developer_role);
  set(quirks.has_stream_options(), quirks.stream_options(),
      &chat.stream_options);
  set(quirks.has_top_k(), quirks.top_k(), &chat.top_k);
  set(quirks.has_choice_count(), quirks.choice_count(), &chat.choice_count);
  set(quirks.has_logit_bias(), quirks.logit_bias(), &chat.logit_bias);
  set(quirks.has_parallel_tool_calls(), quirks.parallel_tool_calls(),
      &chat.parallel_tool_calls);
  set(quirks.has_done_marker(), quirks.done_marker(), &chat.done_marker);
  set(quirks.has_embeddings(), quirks.embeddings(), &habits.embeddings);
  set(quirks.has_responses(), quirks.responses(), &habits.responses);
  if (quirks.has_seed()) Switch(quirks.seed(), "seed", &chat.seed_field);
  if (quirks.has_reasoning_field()) {
    chat.reasoning_field = quirks.reasoning_field();
  }
  chat.schema_mode = ModeOf(quirks.schema_mode()).value_or(chat.schema_mode);
  return habits;
}

}  // namespace gateway
