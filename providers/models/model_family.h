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

// What becomes of `temperature`, `top_p` and `top_k`.
enum class SamplingRule : uint8_t {
  kTaken,
  kOneOfTwo,  // Temperature or top_p, not both.
  kRefused,
};

// How a model can be told to think, as bits.
enum ThinkingWay : uint8_t {
  kThinkingBudget = 1 << 0,    // Within a number of tokens.
  kThinkingAdaptive = 1 << 1,  // As the model sees fit.
  kThinkingOff = 1 << 2,       // Not at all.
  // Not at all, unless the effort is above high.
  kThinkingOffToHigh = 1 << 3,
  // No way to be told: it thinks without being told to.
  kThinkingUnasked = 1 << 4,
};

// How hard a model can be told to try, as bits, the least first.
enum EffortLevel : uint8_t {
  kEffortMinimal = 1 << 0,
  kEffortLow = 1 << 1,
  kEffortMedium = 1 << 2,
  kEffortHigh = 1 << 3,
  kEffortXhigh = 1 << 4,
  kEffortMax = 1 << 5,
};

// What a model refuses that its elders took, as bits.
enum ModelRefusal : uint8_t {
  kRefusesPrefill = 1 << 0,     // To go on with a turn of its own.
  kRefusesForcedTool = 1 << 1,  // To be made to call a tool.
  // A limit of the answer that has no room beside the prompt in its window of
  // kOldWindowTokens: its elders made the answer shorter instead, its
  // successors do so again.
  kRefusesTooHighLimit = 1 << 2,
};

inline constexpr int64_t kOldWindowTokens = 200000;

struct ModelFamily {
  std::string_view beginning;
  // The most tokens of an answer, reasoning included; 0: not known. Where
  // sources differ, the least that one of them says: more would be refused.
  int32_t output_tokens_limit = 0;
  SamplingRule sampling = SamplingRule::kTaken;
  uint8_t thinking = 0;  // ThinkingWays.
  uint8_t efforts = 0;   // EffortLevels; 0: it takes none.
  // Holds its answers and the arguments of its calls to a JSON Schema.
  bool schema = false;
  // Refuses calls in a conversation that lack its signature.
  bool signs_calls = false;
  uint8_t refusals = 0;  // ModelRefusals.
};

// Null if the model is of no family that is known.
const ModelFamily* FamilyOf(std::string_view model);

// The level that a caller's word stands for; the least for none at all.
using Effort = ::llmgateway::v1::ReasoningSettings::Effort;
EffortLevel LevelOf(Effort effort);

// The level that a model of these `efforts` takes for the one that is asked
// for: the next one above, or else its highest. REQUIRES: `efforts` is not 0.
EffortLevel NearestEffort(uint8_t efforts, EffortLevel asked);

// Adds to `facts` the abilities that the model's family has or lacks, and its
// limit where none is known.
void AddFamilyFacts(std::string_view model, ModelFacts* facts);

}  // namespace gateway

#endif  // PROVIDERS_MODELS_MODEL_FAMILY_H_
