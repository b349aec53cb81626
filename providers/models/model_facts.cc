#include "providers/models/model_facts.h"

namespace gateway {
namespace {

using Config = ::llmgateway::config::v1::ModelCapabilities;

struct Ability {
  ModelAbility bit;
  const char* name;
  bool (Config::*is_set)() const;
  bool (Config::*value)() const;
};

#define ABILITY(bit, field) \
  Ability { bit, #field, &Config::has_##field, &Config::field }

constexpr Ability kAbilities[] = {
    ABILITY(kAbilityImageInput, image_input),
    ABILITY(kAbilityAudioInput, audio_input),
    ABILITY(kAbilityDocumentInput, document_input),
    ABILITY(kAbilityAudioOutput, audio_output),
    ABILITY(kAbilityTools, tools),
    ABILITY(kAbilityParallelTools, parallel_tools),
    ABILITY(kAbilityStrictSchema, strict_schema),
    ABILITY(kAbilityReasoning, reasoning),
    ABILITY(kAbilityCacheControl, cache_control),
    ABILITY(kAbilityCountTokens, count_tokens),
    ABILITY(kAbilityStreaming, streaming),
};

#undef ABILITY

}  // namespace

std::vector<std::string> ModelFacts::AbilityNames() const {
  std::vector<std::string> names;
  for (const Ability& ability : kAbilities) {
    if (has & ability.bit) names.push_back(ability.name);
  }
  return names;
}

void Override(const Config& config, ModelFacts* facts) {
  if (config.has_input_tokens_limit()) {
    facts->input_tokens_limit = config.input_tokens_limit();
    facts->limits_are_certain = true;
  }
  if (config.has_output_tokens_limit()) {
    facts->output_tokens_limit = config.output_tokens_limit();
    facts->limits_are_certain = true;
  }
  for (const Ability& ability : kAbilities) {
    if (!(config.*ability.is_set)()) continue;
    facts->known |= ability.bit;
    if ((config.*ability.value)()) {
      facts->has |= ability.bit;
    } else {
      facts->has &= static_cast<uint16_t>(~ability.bit);
    }
  }
}

}  // namespace gateway
