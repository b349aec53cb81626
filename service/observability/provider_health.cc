#include "service/observability/provider_health.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "base/os/logging.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "errors/verdict.h"

namespace gateway {
namespace {

constexpr int64_t kReasonValues = 256;
static_assert(v1::ErrorReason_MAX < kReasonValues);

// Adds one to a counter with a single writer: two plain moves.
void Add(std::atomic<int64_t>& count) {
  count.store(count.load(std::memory_order_relaxed) + 1,
              std::memory_order_relaxed);
}

// So many failures in a row make a warning: one may be chance, and is retried.
constexpr int64_t kFailuresToWarn = 3;
constexpr std::string_view kModule = "providers";

// Logs why an attempt failed; with the status that the provider answered with,
// if it answered.
void TellWhy(std::string_view message, std::string_view provider,
             LogField detail, Verdict verdict, const absl::Status& failure) {
  const LogField who("provider", provider);
  const LogField reason("reason", ReasonName(FaultReason(failure)));
  const LogField blame("verdict", VerdictName(verdict));
  const LogField error("error", failure.message());
  int status = 0;
  if (absl::SimpleAtoi(FaultMetadata(failure, kHttpStatusKey), &status)) {
    Log(LogLevel::kWarn, kModule, message,
        {who, detail, reason, blame, {"upstream_status", status}, error});
  } else {
    Log(LogLevel::kWarn, kModule, message, {who, detail, reason, blame, error});
  }
}

// Returns whether a line may be written at `now`, if the last was at
// `*last_ms`, and sets that to now. Of several loops that ask together, one
// may.
bool TakesTurn(std::atomic<int64_t>& last_ms, absl::Time now) {
  const int64_t now_ms = absl::ToUnixMillis(now);
  int64_t before = last_ms.load(std::memory_order_relaxed);
  const int64_t interval_ms =
      absl::ToInt64Milliseconds(ProviderHealthBoard::kWarningInterval);
  if (before != 0 && now_ms - before < interval_ms) return false;
  return last_ms.compare_exchange_strong(before, now_ms,
                                         std::memory_order_relaxed);
}

void TellRecovery(std::string_view provider, int64_t failures,
                  absl::Duration after) {
  Log(LogLevel::kWarn, kModule, "A provider is well again",
      {{"provider", provider},
       {"failures_in_a_row", failures},
       // An attempt that ended before the warning may be told of after it.
       {"after_seconds", std::max(after, absl::ZeroDuration())}});
}

}  // namespace

InflightAttempt ProviderHealthShard::StartAttempt(std::string_view provider) {
  return InflightAttempt(SlotOf(provider));
}

void ProviderHealthShard::Count(std::string_view provider,
                                const absl::Status& outcome, absl::Time ended,
                                std::string_view credential) {
  Slot* const slot = SlotOf(provider);
  if (slot != nullptr) CountAt(*slot, provider, outcome, ended, credential);
}

void ProviderHealthShard::Count(const InflightAttempt& attempt,
                                std::string_view provider,
                                const absl::Status& outcome, absl::Time ended,
                                std::string_view credential) {
  if (attempt.slot_ == nullptr) {
    return Count(provider, outcome, ended, credential);
  }
  CountAt(*attempt.slot_, provider, outcome, ended, credential);
}

void ProviderHealthShard::CountAt(Slot& slot, std::string_view provider,
                                  const absl::Status& outcome, absl::Time ended,
                                  std::string_view credential) {
  Add(slot.attempts);
  Shared& shared = slot.shared;
  if (!outcome.ok()) {
    const Verdict verdict = ClassifyFailure(outcome);
    if (verdict == Verdict::kSaysNothing || verdict == Verdict::kOutOfTime ||
        verdict == Verdict::kTooLarge) {
      return;
    }
    if (BlamesTarget(verdict)) {
      return CountFailure(slot, provider, verdict, outcome, ended);
    }
    if (ComesFromUpstream(verdict)) {
      TellCredential(shared, provider, credential, verdict, outcome, ended);
    }
  } else {
    slot.last_success_nanos.store(absl::ToUnixNanos(ended),
                                  std::memory_order_relaxed);
  }
  // Read first: a cache line that is not written is cheap to share.
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

void ProviderHealthShard::CountFailure(Slot& slot, std::string_view provider,
                                       Verdict verdict,
                                       const absl::Status& outcome,
                                       absl::Time ended) {
  Shared& shared = slot.shared;
  Add(slot.failures);
  const int64_t in_a_row =
      shared.consecutive_failures.fetch_add(1, std::memory_order_relaxed) + 1;
  shared.last_failure.store(
      absl::ToUnixMillis(ended) * kReasonValues + FaultReason(outcome),
      std::memory_order_relaxed);
  if (in_a_row < kFailuresToWarn) return;
  if (shared.warned.load(std::memory_order_relaxed)) return;
  if (!TakesTurn(shared.warned_ms, ended)) return;
  shared.warned.store(true, std::memory_order_relaxed);
  TellWhy("A provider fails", provider, {"failures_in_a_row", in_a_row},
          verdict, outcome);
}

void ProviderHealthShard::TellCredential(
    Shared& shared, std::string_view provider, std::string_view credential,
    Verdict verdict, const absl::Status& outcome, absl::Time ended) {
  const bool limited = verdict == Verdict::kRateLimited;
  if (!TakesTurn(limited ? shared.limited_ms : shared.refused_ms, ended)) {
    return;
  }
  TellWhy(limited ? "A credential is limited" : "A credential is refused",
          provider, {"credential", credential}, verdict, outcome);
}

ProviderHealthShard::Slot* ProviderHealthShard::SlotOf(
    std::string_view provider) {
  const auto found = slots_.find(ToAbsl(provider));
  if (found != slots_.end()) return found->second;
  Slot* const slot = board_.AddSlot(provider);
  if (slot != nullptr) slots_.emplace(std::string(provider), slot);
  return slot;
}

ProviderHealthShard& ProviderHealthBoard::AddShard() {
  MutexLock lock(mu_);
  shards_.emplace_back(new ProviderHealthShard(*this));
  return *shards_.back();
}

ProviderHealthShard::Slot* ProviderHealthBoard::AddSlot(
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
  for (const ProviderHealthShard::Slot& slot : found->second.slots) {
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
  const ProviderHealthShard::Shared& shared = found->second.shared;
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
