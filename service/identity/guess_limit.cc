#include "service/identity/guess_limit.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "service/identity/peer_network.h"

namespace gateway {
namespace {

// Readers need a network and its debt together; they see at worst the debt of a
// moment ago.
constexpr auto kRead = std::memory_order_acquire;
constexpr auto kWrite = std::memory_order_release;

}  // namespace

GuessLimit::GuessLimit(const Options& options, Clock& clock, Random& random)
    : window_(absl::ToInt64Nanoseconds(options.window)),
      cost_(window_ / std::max(options.failures_limit, 1)),
      base_delay_(absl::ToInt64Nanoseconds(options.base_delay)),
      delay_max_(absl::ToInt64Nanoseconds(options.delay_max)),
      multiplier_(random.Bits() | 1),
      clock_(clock),
      sets_(std::bit_ceil((options.networks + kWays - 1) / kWays)) {}

bool GuessLimit::Debt::IsOwed(int64_t now) const {
  return now < std::max(empty_time.load(kRead), forgotten_at.load(kRead));
}

int64_t GuessLimit::Now() const {
  return absl::ToInt64Nanoseconds(clock_.SteadyTime());
}

size_t GuessLimit::SetOf(uint64_t network) const {
  // Which networks share a set is not for others to know.
  const uint64_t mixed = network * multiplier_;
  return (mixed >> 40) & (sets_.size() - 1);
}

absl::Duration GuessLimit::RecordFailure(std::string_view peer) {
  const uint64_t network = PeerNetworkOf(peer);
  const size_t index = SetOf(network);
  const int64_t now = Now();
  MutexLock lock(locks_[index % kLocks]);
  Set& set = sets_[index];
  return absl::Nanoseconds(Count(DebtOf(set, network, now), now));
}

absl::Duration GuessLimit::RefusedFor(std::string_view peer) const {
  const uint64_t network = PeerNetworkOf(peer);
  const Set& set = sets_[SetOf(network)];
  size_t way = 0;
  while (way < kWays && set.networks[way].load(kRead) != network) ++way;
  const int64_t until = set.debts[way].refused_until.load(kRead);
  // No clock for those who have not failed, who are most.
  if (until == 0) return absl::ZeroDuration();
  return absl::Nanoseconds(std::max<int64_t>(until - Now(), 0));
}

GuessLimit::Debt& GuessLimit::DebtOf(Set& set, uint64_t network,
                                     int64_t now) const {
  size_t free = kWays;
  for (size_t way = 0; way < kWays; ++way) {
    const uint64_t here = set.networks[way].load(kRead);
    if (here == network) return set.debts[way];
    if (here == 0 || !set.debts[way].IsOwed(now)) free = way;
  }
  Debt& rest = set.debts[kWays];
  if (free == kWays) return rest;
  // It may be one of those whose failures were counted on the rest.
  Debt& debt = set.debts[free];
  const bool inherits = rest.IsOwed(now);
  const auto inherit = [&](const auto& from, auto* to) {
    to->store(inherits ? from.load(kRead) : 0, kWrite);
  };
  inherit(rest.empty_time, &debt.empty_time);
  inherit(rest.refused_until, &debt.refused_until);
  inherit(rest.forgotten_at, &debt.forgotten_at);
  inherit(rest.doublings, &debt.doublings);
  set.networks[free].store(network, kWrite);
  return debt;
}

// Counts a failure, and returns for how long the next ones are refused.
int64_t GuessLimit::Count(Debt& debt, int64_t now) const {
  int doublings = debt.doublings.load(kRead);
  if (now >= debt.forgotten_at.load(kRead)) {
    const int64_t empty = std::max(debt.empty_time.load(kRead), now) + cost_;
    if (empty - now <= window_) {
      debt.empty_time.store(empty, kWrite);
      debt.refused_until.store(0, kWrite);
      return 0;
    }
    doublings = 0;
  } else {
    ++doublings;
  }
  int64_t delay = base_delay_;
  for (int i = 0; i < doublings && delay < delay_max_; ++i) delay *= 2;
  delay = std::min(delay, delay_max_);
  debt.doublings.store(doublings, kWrite);
  debt.refused_until.store(now + delay, kWrite);
  debt.forgotten_at.store(now + delay + std::max(delay, window_), kWrite);
  return delay;
}

absl::Status TooManyGuesses(absl::Duration wait) {
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_RATE_LIMITED,
                "too many wrong keys from this address; wrong ones are not "
                "looked at for a while");
  AddFaultMetadata(fault, "limit", "auth.guess_limit");
  SetRetryDelay(fault, wait);
  return fault;
}

}  // namespace gateway
