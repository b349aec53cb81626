#include "service/context/context_tier.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr ContextMode kModes[] = {ContextMode::kNone, ContextMode::kValidate,
                                  ContextMode::kOptimize, ContextMode::kPlan,
                                  ContextMode::kAuto};

// From this tier on a call may not do without the service.
constexpr int kFirstTierThatNeedsService = 3;

// From this tier on something is done with a context that is left to us.
constexpr int kFirstTierRouted = 2;

constexpr int kTiers = 4;
constexpr int64_t kNearlyFullPercent = 85;

// Of numbers that callers have a say in, so that nothing overflows.
bool IsMoreThanPart(int64_t number, int64_t whole, int64_t numerator,
                    int64_t denominator) {
  return static_cast<__int128>(number) * denominator >
         static_cast<__int128>(whole) * numerator;
}

}  // namespace

ContextMode ContextModeOf(std::string_view text) {
  const absl::string_view name = absl::StripAsciiWhitespace(ToAbsl(text));
  for (const ContextMode mode : kModes) {
    if (absl::EqualsIgnoreCase(name, ToAbsl(ContextModeName(mode)))) {
      return mode;
    }
  }
  return ContextMode::kAuto;
}

std::string_view ContextModeName(ContextMode mode) {
  switch (mode) {
    case ContextMode::kNone:
      return "none";
    case ContextMode::kValidate:
      return "validate";
    case ContextMode::kOptimize:
      return "optimize";
    case ContextMode::kPlan:
      return "plan";
    case ContextMode::kAuto:
      return "auto";
  }
  return "";
}

int ContextTier(const ContextUse& use) {
  if (use.limit <= 0) return kTiers;
  int tier = 1;
  while (tier < kTiers &&
         !IsMoreThanPart(use.limit, use.tokens, kTiers, tier)) {
    ++tier;
  }
  return tier;
}

ContextPlan PlanContext(const ContextUse& use, ContextMode mode) {
  ContextPlan plan = {.tier = ContextTier(use), .action = mode};
  if (mode == ContextMode::kAuto) {
    plan.action = kModes[plan.tier - 1];
    plan.routed = plan.tier >= kFirstTierRouted;
  } else {
    plan.routed = mode != ContextMode::kNone;
  }
  plan.needs_service =
      mode != ContextMode::kNone && plan.tier >= kFirstTierThatNeedsService;
  return plan;
}

int HeadroomPercent(const ContextUse& use) {
  if (use.limit <= 0 || use.tokens >= use.limit) return 0;
  const __int128 left = static_cast<__int128>(use.limit) - use.tokens;
  return static_cast<int>(std::min<__int128>(left * 100 / use.limit, 100));
}

bool IsNearlyFull(const ContextUse& use) {
  return IsMoreThanPart(use.tokens, use.limit, kNearlyFullPercent, 100);
}

}  // namespace gateway
