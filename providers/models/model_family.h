// ModelFamily is what is known of the parameters that a family of models takes,
// whoever serves it: what a request that is written for one of them must leave
// out, or say in another way.
//
//   const ModelFamily* family = FamilyOf("us.anthropic.claude-opus-5-5-v1:0");
//   if (family != nullptr && family->sampling == SamplingRule::kRefused) ...
//
// Names are compared by their longest known beginning, behind a vendor's prefix
// (`anthropic/`, `us.anthropic.`), and a point counts as a hyphen, as in
// OpenRouter's names. Of a name that is newer than the table the newest row of
// its line speaks: Opus for Opus, Haiku for Haiku.
//
// Thread contract: immutable.

#ifndef PROVIDERS_MODELS_MODEL_FAMILY_H_
#define PROVIDERS_MODELS_MODEL_FAMILY_H_

#include <cstdint>
#include <string_view>

#include "llmgateway/v1/gateway.pb.h"
#include "providers/models/model_facts.h"

namespace gateway {

// Whether a model takes `temperature`, `top_p` and `top_k`.
enum class SamplingRule : uint8_t {
  kTaken,
  kOneOfTwo,  // Takes temperature or top_p, not both.
  kRefused,
};

// Ways in which a model can be told to think, as bits.
enum ThinkingWay : uint8_t {
  kThinkingBudget = 1 << 0,    // Within a number of tokens.
  kThinkingAdaptive = 1 << 1,  // As the model sees fit.
  kThinkingOff = 1 << 2,       // Not at all.
  // Told not to think, unless the effort is above high.
  kThinkingOffToHigh = 1 << 3,
  // Cannot be told: it thinks by itself.
  kThinkingUnasked = 1 << 4,
};

// Efforts that a model can be asked for, as bits, the least first.
enum EffortLevel : uint8_t {
  kEffortMinimal = 1 << 0,
  kEffortLow = 1 << 1,
  kEffortMedium = 1 << 2,
  kEffortHigh = 1 << 3,
  kEffortXhigh = 1 << 4,
  kEffortMax = 1 << 5,
};

// What a model refuses that earlier models took, as bits.
enum ModelRefusal : uint8_t {
  kRefusesPrefill = 1 << 0,     // To go on with a turn of its own.
  kRefusesForcedTool = 1 << 1,  // To be forced to call a tool.
  // To be asked for more tokens than its window of kOldWindowTokens has beside
  // the prompt. Earlier models made the answer shorter instead, later ones do
  // so again.
  kRefusesTooHighLimit = 1 << 2,
};

inline constexpr int64_t kOldWindowTokens = 200000;

struct ModelFamily {
  std::string_view beginning;
  // The most tokens of an answer, reasoning included; 0 if not known. Where
  // sources differ, the least of them: more would be refused.
  int32_t output_tokens_limit = 0;
  SamplingRule sampling = SamplingRule::kTaken;
  uint8_t thinking = 0;  // A set of ThinkingWay.
  uint8_t efforts = 0;   // A set of EffortLevel; 0 if it takes none.
  // It holds its answers and the arguments of its calls to a JSON Schema.
  bool schema = false;
  // It refuses calls in a conversation that lack its signature.
  bool signs_calls = false;
  uint8_t refusals = 0;  // A set of ModelRefusal.
};

// Returns the model's family; null if it is of none that is known.
const ModelFamily* FamilyOf(std::string_view model);

// Returns the level that a caller's word stands for; the least if there is
// none.
using Effort = ::llmgateway::v1::ReasoningSettings::Effort;
EffortLevel LevelOf(Effort effort);

// Returns the level that a model of these `efforts` takes in place of the one
// that is asked for: the same or the next one above, else its highest.
// REQUIRES: `efforts` is not 0.
EffortLevel NearestEffort(uint8_t efforts, EffortLevel asked);

// Adds to `facts` the abilities that the model's family has or lacks, and its
// limit where none is known.
void AddFamilyFacts(std::string_view model, ModelFacts* facts);

}  // namespace gateway

#endif  // PROVIDERS_MODELS_MODEL_FAMILY_H_
