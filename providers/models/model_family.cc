#include "providers/models/model_family.h"

#include <cstddef>

namespace gateway {
namespace {

using Rule = SamplingRule;

constexpr uint8_t kUpToHigh = kEffortLow | kEffortMedium | kEffortHigh;
constexpr uint8_t kFromMinimal = kUpToHigh | kEffortMinimal;
constexpr uint8_t kUpToXhigh = kUpToHigh | kEffortXhigh;
constexpr uint8_t kHighAndMax = kUpToHigh | kEffortMax;
constexpr uint8_t kAllEfforts = kHighAndMax | kEffortXhigh;

constexpr uint8_t kBudgeted = kThinkingBudget | kThinkingOff;
constexpr uint8_t kEitherWay = kBudgeted | kThinkingAdaptive;
constexpr uint8_t kAdaptive = kThinkingAdaptive | kThinkingOff;
constexpr uint8_t kAlways = kThinkingAdaptive | kThinkingUnasked;
constexpr uint8_t kUnaskedOrOff = kAlways | kThinkingOff;
constexpr uint8_t kUnaskedOrOffToHigh = kAlways | kThinkingOffToHigh;

constexpr int32_t kNoLimit = 0;  // No limit is known.
constexpr bool kUnsigned = false;
constexpr uint8_t kNoHighLimit = kRefusesTooHighLimit;
constexpr uint8_t kNoPrefill = kRefusesPrefill;
constexpr uint8_t kNeither = kRefusesPrefill | kRefusesForcedTool;

// The families, as the vendors' documentation and SDKs describe them in
// November 2026. A budget that is only deprecated counts as taken.
constexpr ModelFamily kFamilies[] = {
    {"claude-2", 4096, Rule::kTaken, 0, 0, false, kUnsigned, kNoHighLimit},
    {"claude-instant", 4096, Rule::kTaken, 0, 0, false, kUnsigned,
     kNoHighLimit},
    {"claude-3", 4096, Rule::kTaken, 0, 0, false, kUnsigned, kNoHighLimit},
    {"claude-3-5", 8192, Rule::kTaken, 0, 0, false, kUnsigned, kNoHighLimit},
    {"claude-3-7-sonnet", 64000, Rule::kTaken, kBudgeted, 0, false, kUnsigned,
     kNoHighLimit},
    {"claude-4-opus", 32000, Rule::kTaken, kBudgeted, 0, false, kUnsigned,
     kNoHighLimit},
    {"claude-4-sonnet", 64000, Rule::kTaken, kBudgeted, 0, false, kUnsigned,
     kNoHighLimit},
    {"claude-opus-4", 32000, Rule::kTaken, kBudgeted, 0, false, kUnsigned,
     kNoHighLimit},
    {"claude-sonnet-4", 64000, Rule::kTaken, kBudgeted, 0, false, kUnsigned,
     kNoHighLimit},
    {"claude-opus-4-1", 32000, Rule::kOneOfTwo, kBudgeted, 0, true, kUnsigned,
     kNoHighLimit},
    {"claude-sonnet-4-5", 64000, Rule::kOneOfTwo, kBudgeted, 0, true},
    {"claude-haiku-4-5", 64000, Rule::kOneOfTwo, kBudgeted, 0, true},
    {"claude-opus-4-5", 64000, Rule::kOneOfTwo, kBudgeted, kUpToHigh, true},
    {"claude-sonnet-4-6", 64000, Rule::kOneOfTwo, kEitherWay, kHighAndMax, true,
     kUnsigned, kNoPrefill},
    {"claude-opus-4-6", 128000, Rule::kOneOfTwo, kEitherWay, kHighAndMax, true,
     kUnsigned, kNoPrefill},
    {"claude-opus-4-7", 128000, Rule::kRefused, kAdaptive, kAllEfforts, true,
     kUnsigned, kNoPrefill},
    {"claude-opus-4-8", 128000, Rule::kRefused, kAdaptive, kAllEfforts, true,
     kUnsigned, kNoPrefill},
    {"claude-sonnet-5", 128000, Rule::kRefused, kUnaskedOrOff, kAllEfforts,
     true, kUnsigned, kNoPrefill},
    {"claude-opus-5", 128000, Rule::kRefused, kUnaskedOrOffToHigh, kAllEfforts,
     true, kUnsigned, kNoPrefill},
    {"claude-haiku-5-5", 128000, Rule::kRefused, kUnaskedOrOffToHigh,
     kAllEfforts, true, kUnsigned, kNoPrefill},
    {"claude-sonnet-5-5", 128000, Rule::kRefused, kAlways, kAllEfforts, true,
     kUnsigned, kNeither},
    {"claude-opus-5-5", 128000, Rule::kRefused, kAlways, kAllEfforts, true,
     kUnsigned, kNeither},
    {"claude-fable-5", 128000, Rule::kRefused, kAlways, kAllEfforts, true,
     kUnsigned, kNoPrefill},
    {"claude-fable-5-1", 128000, Rule::kRefused, kAlways, kAllEfforts, true,
     kUnsigned, kNeither},
    {"claude-fable-5-2", 128000, Rule::kRefused, kAlways, kAllEfforts, true,
     kUnsigned, kNeither},
    {"claude-mythos-5", 128000, Rule::kRefused, kAlways, kAllEfforts, true,
     kUnsigned, kNoPrefill},
    {"claude-mythos-5-1", 128000, Rule::kRefused, kAlways, kAllEfforts, true,
     kUnsigned, kNeither},
    {"claude-mythos-5-2", 128000, Rule::kRefused, kAlways, kAllEfforts, true,
     kUnsigned, kNeither},
    // For models of these lines that are not listed above: those to come.
    {"claude-haiku", 128000, Rule::kRefused, kUnaskedOrOffToHigh, kAllEfforts,
     true, kUnsigned, kNoPrefill},
    {"claude-sonnet", 128000, Rule::kRefused, kAlways, kAllEfforts, true,
     kUnsigned, kNeither},
    {"claude-opus", 128000, Rule::kRefused, kAlways, kAllEfforts, true,
     kUnsigned, kNeither},
    {"claude-fable", 128000, Rule::kRefused, kAlways, kAllEfforts, true,
     kUnsigned, kNeither},
    {"claude-mythos", 128000, Rule::kRefused, kAlways, kAllEfforts, true,
     kUnsigned, kNeither},
    {"gemini-1", kNoLimit, Rule::kTaken, 0, 0, true},
    {"gemini-2", kNoLimit, Rule::kTaken, kBudgeted, 0, true},
    {"gemini-3", kNoLimit, Rule::kTaken, kAlways, kFromMinimal, true, true},
    {"gemini-3-pro", kNoLimit, Rule::kTaken, kAlways, kEffortLow | kEffortHigh,
     true, true},
    {"gemini-3-1-pro", kNoLimit, Rule::kTaken, kAlways, kUpToHigh, true, true},
    {"gemini-3-7-flash", kNoLimit, Rule::kTaken, kAlways, kUpToHigh, true,
     true},
    {"gemini-3-8-flash", kNoLimit, Rule::kTaken, kAlways, kUpToHigh, true,
     true},
    {"gemini-4", kNoLimit, Rule::kTaken, kAlways, kUpToHigh, true, true},
    {"gemini-4-hydrogen", kNoLimit, Rule::kTaken, kAlways, kUpToXhigh, true,
     true},
    {"gemini-4-neon", kNoLimit, Rule::kTaken, kAlways, kUpToXhigh, true, true},
    // Names that move with the newest model.
    {"gemini-flash-latest", kNoLimit, Rule::kTaken, kAlways, kUpToHigh, true,
     true},
    {"gemini-flash-lite-latest", kNoLimit, Rule::kTaken, kAlways, kUpToHigh,
     true, true},
    {"gemini-pro-latest", kNoLimit, Rule::kTaken, kAlways, kUpToHigh, true,
     true},
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Returns whether `model` begins with `beginning` up to the end of a word:
// `claude-opus-4-1` is no beginning of `claude-opus-4-10`.
bool BeginsWith(std::string_view model, std::string_view beginning) {
  if (model.size() < beginning.size()) return false;
  for (size_t i = 0; i < beginning.size(); ++i) {
    const char c = model[i] == '.' ? '-' : model[i];
    if (c != beginning[i]) return false;
  }
  return model.size() == beginning.size() ||
         !IsDigit(model[beginning.size()]) || !IsDigit(beginning.back());
}

// Returns the vendor's own name, without what a cloud or an aggregator puts
// before it.
std::string_view OwnName(std::string_view model) {
  for (const std::string_view maker : {"claude-", "gemini-"}) {
    const size_t at = model.find(maker);
    if (at == std::string_view::npos) continue;
    if (at == 0 || model[at - 1] == '/' || model[at - 1] == '.') {
      return model.substr(at);
    }
  }
  return {};
}

}  // namespace

const ModelFamily* FamilyOf(std::string_view model) {
  const std::string_view name = OwnName(model);
  if (name.empty()) return nullptr;
  const ModelFamily* found = nullptr;
  for (const ModelFamily& family : kFamilies) {
    if (!BeginsWith(name, family.beginning)) continue;
    if (found == nullptr ||
        family.beginning.size() > found->beginning.size()) {
      found = &family;
    }
  }
  return found;
}

EffortLevel LevelOf(Effort effort) {
  using Settings = ::llmgateway::v1::ReasoningSettings;
  switch (effort) {
    case Settings::EFFORT_NONE:
    case Settings::EFFORT_MINIMAL:
      return kEffortMinimal;
    case Settings::EFFORT_LOW:
      return kEffortLow;
    case Settings::EFFORT_MEDIUM:
      return kEffortMedium;
    case Settings::EFFORT_XHIGH:
      return kEffortXhigh;
    case Settings::EFFORT_MAX:
      return kEffortMax;
    default:
      return kEffortHigh;
  }
}

EffortLevel NearestEffort(uint8_t efforts, EffortLevel asked) {
  for (int level = asked; level <= kEffortMax; level <<= 1) {
    if (efforts & level) return static_cast<EffortLevel>(level);
  }
  int level = kEffortMax;
  while (level > kEffortMinimal && !(efforts & level)) level >>= 1;
  return static_cast<EffortLevel>(level);
}

void AddFamilyFacts(std::string_view model, ModelFacts* facts) {
  const ModelFamily* const family = FamilyOf(model);
  if (family == nullptr) return;
  if (facts->output_tokens_limit == 0) {
    facts->output_tokens_limit = family->output_tokens_limit;
  }
  if (!family->schema) {
    facts->known |= kAbilityStrictSchema;
    facts->has &= static_cast<uint16_t>(~kAbilityStrictSchema);
  } else if (!(facts->known & kAbilityStrictSchema)) {
    facts->known |= kAbilityStrictSchema;
    facts->has |= kAbilityStrictSchema;
  }
}

}  // namespace gateway
