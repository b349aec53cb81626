#include "service/observability/provider_health.h"

#include <algorithm>

#include "base/os/logging.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "errors/verdict.h"

namespace gateway {
namespace {

constexpr int64_t kReasonValues = 256;
static_assert(v1::ErrorReason_MAX < kReasonValues);

// For counters with one writer: two plain moves.
void Add(std::atomic<int64_t>& count) {
  count.store(count.load(std::memory_order_relaxed) + 1,
              std::memory_order_relaxed);
}

// One failure may be chance, and retried; so many are not.
constexpr int64_t kFailuresToWarn = 3;
constexpr std::string_view kModule = "providers";

void TellFailure(std::string_view provider, int64_t in_a_row, Verdict verdict,
                 const absl::Status& failure) {
  Log(LogLevel::kWarn, kModule, "A provider fails",
      {{"provider", provider},
       {"failures_in_a_row", in_a_row},
       {"reason", ReasonName(FaultReason(failure))},
       {"verdict", VerdictName(verdict)},
       {"upstream_status", FaultMetadata(failure, "http_status")},
       {"error", failure.message()}});
}

void TellRecovery(std::string_view provider, int64_t failures,
                  absl::Duration after) {
  Log(LogLevel::kWarn, kModule, "A provider is well again",
      {{"provider", provider},
       {"failures_in_a_row", failures},
       {"after_seconds", after}});
}

}  // namespace

InflightAttempt ProviderHealthLane::StartAttempt(std::string_view provider) {
  Slot* const slot = SlotOf(provider);
  return slot == nullptr ? InflightAttempt()
                         : InflightAttempt(&slot->in_flight);
}

void ProviderHealthLane::Count(std::string_view provider,
                               const absl::Status& outcome, absl::Time ended) {
  Slot* const slot = SlotOf(provider);
  if (slot == nullptr) return;
  Add(slot->attempts);
  Shared& shared = slot->shared;
  if (!outcome.ok()) {
    const Verdict verdict = JudgeFailure(outcome);
    if (verdict == Verdict::kSaysNothing) return;
    if (ComesFromUpstream(verdict)) {
      return CountFailure(*slot, provider, verdict, outcome, ended);
    }
  } else {
    slot->last_success_nanos.store(absl::ToUnixNanos(ended),
                                   std::memory_order_relaxed);
  }
  // Read first: a line that nobody writes is cheap to share.
  if (shared.consecutive_failures.load(std::memory_order_relaxed) != 0) {
    const int64_t failures =
        shared.consecutive_failures.exchange(0, std::memory_order_relaxed);
    if (shared.warned.exchange(false, std::memory_order_relaxed)) {
      TellRecovery(provider, failures,
                   ended - absl::FromUnixMillis(shared.warned_ms.load(
                               std::memory_order_relaxed)));
    }
  }
}

void ProviderHealthLane::CountFailure(Slot& slot, std::string_view provider,
                                      Verdict verdict,
                                      const absl::Status& outcome,
                                      absl::Time ended) {
  Shared& shared = slot.shared;
  Add(slot.failures);
  const int64_t in_a_row =
      shared.consecutive_failures.fetch_add(1, std::memory_order_relaxed) + 1;
  const int64_t ended_ms = absl::ToUnixMillis(ended);
  shared.last_failure.store(ended_ms * kReasonValues + FaultReason(outcome),
                            std::memory_order_relaxed);
  if (in_a_row < kFailuresToWarn && verdict != Verdict::kTakeOutCredential) {
    return;
  }
  if (shared.warned.load(std::memory_order_relaxed)) return;
  int64_t before = shared.warned_ms.load(std::memory_order_relaxed);
  const int64_t interval_ms =
      absl::ToInt64Milliseconds(ProviderHealthBoard::kWarningInterval);
  if (before != 0 && ended_ms - before < interval_ms) return;
  // Whoever of several loops is first tells.
  if (!shared.warned_ms.compare_exchange_strong(before, ended_ms,
                                                std::memory_order_relaxed)) {
    return;
  }
  shared.warned.store(true, std::memory_order_relaxed);
  TellFailure(provider, in_a_row, verdict, outcome);
}

ProviderHealthLane::Slot* ProviderHealthLane::SlotOf(
    std::string_view provider) {
  const auto found = slots_.find(ToAbsl(provider));
  if (found != slots_.end()) return found->second;
  Slot* const slot = board_.AddSlot(provider);
  if (slot != nullptr) slots_.emplace(std::string(provider), slot);
  return slot;
}

ProviderHealthLane& ProviderHealthBoard::AddLane() {
  MutexLock lock(mu_);
  lanes_.emplace_back(new ProviderHealthLane(*this));
  return *lanes_.back();
}

ProviderHealthLane::Slot* ProviderHealthBoard::AddSlot(
    std::string_view provider) {
  MutexLock lock(mu_);
  auto found = providers_.find(provider);
  if (found == providers_.end()) {
    if (providers_.size() >= kProvidersLimit) return nullptr;
    found = providers_.try_emplace(std::string(provider)).first;
  }
  Provider& entry = found->second;
  return &entry.slots.emplace_back(entry.shared);
}

ProviderHealth ProviderHealthBoard::Read(std::string_view provider) const {
  ProviderHealth health;
  MutexLock lock(mu_);
  const auto found = providers_.find(provider);
  if (found == providers_.end()) return health;
  int64_t last_success_nanos = 0;
  for (const ProviderHealthLane::Slot& slot : found->second.slots) {
    health.attempts += slot.attempts.load(std::memory_order_relaxed);
    health.failures += slot.failures.load(std::memory_order_relaxed);
    health.attempts_in_flight += slot.in_flight.load(std::memory_order_relaxed);
    last_success_nanos =
        std::max(last_success_nanos,
                 slot.last_success_nanos.load(std::memory_order_relaxed));
  }
  if (last_success_nanos != 0) {
    health.last_success = absl::FromUnixNanos(last_success_nanos);
  }
  const ProviderHealthLane::Shared& shared = found->second.shared;
  health.consecutive_failures =
      shared.consecutive_failures.load(std::memory_order_relaxed);
  const int64_t last_failure =
      shared.last_failure.load(std::memory_order_relaxed);
  if (last_failure != 0) {
    health.last_failure = absl::FromUnixMillis(last_failure / kReasonValues);
    health.last_failure_reason =
        static_cast<v1::ErrorReason>(last_failure % kReasonValues);
  }
  return health;
}

}  // namespace gateway
