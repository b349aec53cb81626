#include "service/resilience/deadline_split.h"

#include <algorithm>
#include <cassert>

namespace gateway {
namespace {

// Its part of the remaining time. In whole numbers: to divide a Duration costs
// a hundred nanoseconds.
absl::Duration ShareOf(const DeadlineBudget& budget) {
  if (budget.remaining == absl::InfiniteDuration()) return budget.remaining;
  return absl::Nanoseconds(absl::ToInt64Nanoseconds(budget.remaining) /
                           budget.attempts_left);
}

}  // namespace

std::optional<AttemptLimits> SplitDeadline(const AttemptLimits& configured,
                                           const DeadlineBudget& budget) {
  assert(budget.attempts_left > 0);
  if (!LeavesTimeAfter(absl::ZeroDuration(), budget)) return std::nullopt;
  const absl::Duration total = std::min(configured.total, budget.remaining);
  const absl::Duration share =
      std::min(total, std::max(ShareOf(budget), budget.least_share));
  AttemptLimits limits;
  limits.total = total;
  limits.idle = std::min(configured.idle, total);
  limits.first_content =
      std::min(configured.first_content, budget.streams ? share : total);
  limits.first_byte = std::min(configured.first_byte, limits.first_content);
  limits.connect = std::min({configured.connect, share, limits.first_content});
  return limits;
}

bool LeavesTimeAfter(absl::Duration wait, const DeadlineBudget& budget) {
  // What never ends has time after any wait.
  if (budget.remaining == absl::InfiniteDuration()) return true;
  return budget.remaining - wait >= budget.least_attempt;
}

}  // namespace gateway
