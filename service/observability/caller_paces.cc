#include "service/observability/caller_paces.h"

#include <algorithm>
#include <utility>

namespace gateway {
namespace {

// To look for callers that are still takes a while.
constexpr absl::Duration kSweepInterval = absl::Seconds(1);

}  // namespace

bool CallerPaces::Take(uint64_t caller, absl::Duration now, int per_second,
                       int64_t* beyond) {
  Pace& pace = PaceOf(caller, now);
  if (per_second > 0) {
    const absl::Duration until =
        std::max(pace.taken_until, now) + absl::Seconds(1) / per_second;
    if (until <= now + kSaved) {
      pace.taken_until = until;
      *beyond = std::exchange(pace.times_beyond, 0);
      return true;
    }
  }
  ++pace.times_beyond;
  return false;
}

CallerPaces::Pace& CallerPaces::PaceOf(uint64_t caller, absl::Duration now) {
  const auto found = paces_.find(caller);
  if (found != paces_.end()) return found->second;
  if (paces_.size() >= kCallersMax) Sweep(now);
  return paces_.size() < kCallersMax ? paces_[caller] : others_;
}

void CallerPaces::Sweep(absl::Duration now) {
  if (now - swept_ < kSweepInterval) return;
  swept_ = now;
  absl::erase_if(paces_, [&](const auto& each) {
    const Pace& pace = each.second;
    if (pace.taken_until > now) return false;
    others_.times_beyond += pace.times_beyond;
    return true;
  });
}

}  // namespace gateway
