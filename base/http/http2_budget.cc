#include "base/http/http2_budget.h"

#include <algorithm>

namespace gateway {
namespace {

constexpr int32_t kSettingsTokens = 20;

// Time becomes tokens in whole steps, so that nothing is lost to rounding.
constexpr absl::Duration kStep = absl::Milliseconds(100);
constexpr int64_t kStepsPerSecond = 10;

// The most that time earns at once: enough to fill every account, and far from
// the end of an integer.
constexpr int64_t kRefillMax = 1'000'000 * kStepsPerSecond;

}  // namespace

bool Http2Budget::Spend(Cost cost, absl::Duration now) {
  Refill(now);
  switch (cost) {
    case Cost::kReset:
      return --resets_ >= 0;
    case Cost::kSettings:
      control_ -= kSettingsTokens;
      return control_ >= 0;
    default:
      return --control_ >= 0;
  }
}

void Http2Budget::Refill(absl::Duration now) {
  if (now - spent_at_ < kStep) return;
  absl::Duration rest;
  const int64_t steps =
      std::min(absl::IDivDuration(now - spent_at_, kStep, &rest), kRefillMax);
  spent_at_ = now - rest;
  control_ = Capped(control_ +
                    static_cast<int32_t>(steps * kControlPerSecond /
                                         kStepsPerSecond));
  resets_ = std::min<int32_t>(
      resets_max_, resets_ + static_cast<int32_t>(steps * kResetsPerSecond /
                                                  kStepsPerSecond));
}

}  // namespace gateway
