// ModelFacts is what is known of one model: how much fits into it and what it
// can do. What is not known is left to the provider to check.
//
// Thread contract: plain data.

#ifndef PROVIDERS_MODELS_MODEL_FACTS_H_
#define PROVIDERS_MODELS_MODEL_FACTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "llmgateway/config/v1/provider.pb.h"

namespace gateway {

// Abilities of a model, as bits.
enum ModelAbility : uint16_t {
  kAbilityImageInput = 1 << 0,
  kAbilityAudioInput = 1 << 1,
  kAbilityDocumentInput = 1 << 2,
  kAbilityAudioOutput = 1 << 3,
  kAbilityTools = 1 << 4,
  kAbilityParallelTools = 1 << 5,
  kAbilityStrictSchema = 1 << 6,
  kAbilityReasoning = 1 << 7,
  kAbilityCacheControl = 1 << 8,
  kAbilityCountTokens = 1 << 9,
  kAbilityStreaming = 1 << 10,
};

struct ModelFacts {
  int64_t input_tokens_limit = 0;   // 0: not known.
  int64_t output_tokens_limit = 0;  // 0: not known.
  // True if the limits come from the configuration. Those of the shipped table
  // are hints: vendors raise theirs without notice.
  bool limits_are_certain = false;
  // The abilities of which it is known whether the model has them.
  uint16_t known = 0;
  // Those that it has; a subset of `known`.
  uint16_t has = 0;

  bool Lacks(ModelAbility ability) const { return (known & ~has & ability); }
  bool LacksAny() const { return (known & ~has); }

  // Returns the names of the abilities that it has, as Model.capabilities has
  // them.
  std::vector<std::string> AbilityNames() const;
};

// Replaces in `facts` what the configuration sets.
void Override(const llmgateway::config::v1::ModelCapabilities& config,
              ModelFacts* facts);

}  // namespace gateway

#endif  // PROVIDERS_MODELS_MODEL_FACTS_H_
