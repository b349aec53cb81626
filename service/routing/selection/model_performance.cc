#include "service/routing/selection/model_performance.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <functional>
#include <utility>

namespace gateway {
namespace {

constexpr int64_t kNanosPerHour = 3600 * int64_t{1'000'000'000};

// Times before 1970 count as its beginning.
int64_t NanosOf(absl::Time time) {
  return std::max<int64_t>(absl::ToUnixNanos(time), 0);
}

// Sums that a week of the busiest model does not reach, and 168 of which do not
// overflow.
constexpr int64_t kHourSumMax = int64_t{1} << 55;

bool IsPossible(const PerformanceHour& hour) {
  const auto is_sum = [](int64_t number) {
    return number >= 0 && number <= kHourSumMax;
  };
  return is_sum(hour.successes) && is_sum(hour.failures) &&
         is_sum(hour.latency_us) && is_sum(hour.tokens) &&
         is_sum(hour.cost_usd_nanos);
}

// Only the shard's own loop writes, so that nothing is lost between the two.
void Bump(std::atomic<int64_t>& sum, int64_t amount) {
  sum.store(sum.load(std::memory_order_relaxed) + amount,
            std::memory_order_release);
}

void KeepLatest(int64_t nanos, absl::Time* latest) {
  if (nanos != 0) *latest = std::max(*latest, absl::FromUnixNanos(nanos));
}

}  // namespace

double PerformanceRecord::success_rate() const {
  return calls() == 0 ? 0 : static_cast<double>(successes) / calls();
}

std::optional<absl::Duration> PerformanceRecord::average_latency() const {
  if (successes == 0) return std::nullopt;
  return latency_sum / successes;
}

std::optional<int64_t> PerformanceRecord::cost_usd_nanos_per_million_tokens()
    const {
  if (tokens == 0) return std::nullopt;
  return std::llround(1e6 * static_cast<double>(cost_usd_nanos) / tokens);
}

double PerformanceScore(const PerformanceRecord& record) {
  if (record.calls() == 0) return 50;
  const std::optional<absl::Duration> latency = record.average_latency();
  const double quickness =
      latency.has_value()
          ? std::max(0.0, 30 - 10 * absl::ToDoubleSeconds(*latency))
          : 15;
  const double steadiness = std::max(0.0, 30 - 5.0 * record.recent_failures);
  return std::min(40 * record.success_rate() + quickness + steadiness, 100.0);
}

PerformanceHistory::PerformanceHistory(int shards) : shards_(shards) {}

PerformanceHistory::~PerformanceHistory() {
  for (const std::atomic<Shard*>& shard : shards_) delete shard.load();
}

PerformanceHistory::Shard* PerformanceHistory::NewShard(int shard) {
  auto* const own = new Shard;
  shards_[shard].store(own, std::memory_order_release);
  return own;
}

void PerformanceHistory::Begin(HourCounts& counts, int64_t hour) {
  counts.hour.store(kNoHour, std::memory_order_relaxed);
  for (std::atomic<int64_t>* count :
       {&counts.successes, &counts.failures, &counts.latency_us, &counts.tokens,
        &counts.cost_usd_nanos}) {
    count->store(0, std::memory_order_release);
  }
  counts.hour.store(hour, std::memory_order_release);
}

void PerformanceHistory::Record(int shard, const CallOutcome& outcome,
                                absl::Time now) {
  assert(shard >= 0 && static_cast<size_t>(shard) < shards_.size());
  Shard* own = shards_[shard].load(std::memory_order_relaxed);
  if (own == nullptr) own = NewShard(shard);
  const int64_t nanos = NanosOf(now);
  const int64_t hour = nanos / kNanosPerHour;
  HourCounts& counts = own->hours[hour % kPerformanceHours];
  if (counts.hour.load(std::memory_order_relaxed) != hour) {
    Begin(counts, hour);
  }
  Bump(counts.tokens, outcome.tokens);
  Bump(counts.cost_usd_nanos, outcome.cost_usd_nanos);
  if (!outcome.succeeded) {
    Bump(counts.failures, 1);
    own->last_failure.store(nanos, std::memory_order_relaxed);
    if (recent_failures_.load(std::memory_order_relaxed) < kRecentFailuresMax) {
      recent_failures_.fetch_add(1, std::memory_order_relaxed);
    }
    return;
  }
  Bump(counts.successes, 1);
  Bump(counts.latency_us,
       std::max<int64_t>(absl::ToInt64Microseconds(outcome.latency), 0));
  own->last_success.store(nanos, std::memory_order_relaxed);
  if (recent_failures_.load(std::memory_order_relaxed) != 0) {
    recent_failures_.store(0, std::memory_order_relaxed);
  }
}

void PerformanceHistory::AddHours(int64_t first, int64_t last,
                                  PerformanceRecord* record) const {
  for (const std::atomic<Shard*>& entry : shards_) {
    const Shard* shard = entry.load(std::memory_order_acquire);
    if (shard == nullptr) continue;
    for (int64_t hour = std::max<int64_t>(first, 0); hour <= last; ++hour) {
      const HourCounts& counts = shard->hours[hour % kPerformanceHours];
      if (counts.hour.load(std::memory_order_acquire) != hour) continue;
      const auto read = [](const std::atomic<int64_t>& count) {
        return count.load(std::memory_order_acquire);
      };
      const int64_t successes = read(counts.successes);
      const int64_t failures = read(counts.failures);
      const int64_t latency_us = read(counts.latency_us);
      const int64_t tokens = read(counts.tokens);
      const int64_t cost_usd_nanos = read(counts.cost_usd_nanos);
      // The place was taken for another hour meanwhile.
      if (counts.hour.load(std::memory_order_relaxed) != hour) continue;
      record->successes += successes;
      record->failures += failures;
      record->latency_sum += absl::Microseconds(latency_us);
      record->tokens += tokens;
      record->cost_usd_nanos += cost_usd_nanos;
    }
  }
}

void PerformanceHistory::AddLatest(absl::Time now,
                                   PerformanceRecord* record) const {
  for (const std::atomic<Shard*>& entry : shards_) {
    const Shard* shard = entry.load(std::memory_order_acquire);
    if (shard == nullptr) continue;
    KeepLatest(shard->last_success.load(std::memory_order_relaxed),
               &record->last_success);
    KeepLatest(shard->last_failure.load(std::memory_order_relaxed),
               &record->last_failure);
  }
  if (record->last_failure > now - absl::Hours(kPerformanceHours)) {
    // Loops that fail at once may count one more each.
    record->recent_failures = std::min(
        recent_failures_.load(std::memory_order_relaxed), kRecentFailuresMax);
  }
}

PerformanceRecord PerformanceHistory::Read(absl::Time now) const {
  PerformanceRecord record;
  const int64_t hour = NanosOf(now) / kNanosPerHour;
  AddHours(hour - kPerformanceHours + 1, hour, &record);
  AddLatest(now, &record);
  return record;
}

KeptPerformance PerformanceHistory::Keep(absl::Time now) const {
  KeptPerformance kept;
  const int64_t present = NanosOf(now) / kNanosPerHour;
  for (int64_t hour = present - kPerformanceHours + 1; hour <= present;
       ++hour) {
    PerformanceRecord record;
    AddHours(hour, hour, &record);
    if (record.calls() == 0) continue;
    kept.hours.push_back(
        {.hour = hour,
         .successes = record.successes,
         .failures = record.failures,
         .latency_us = absl::ToInt64Microseconds(record.latency_sum),
         .tokens = record.tokens,
         .cost_usd_nanos = record.cost_usd_nanos});
  }
  PerformanceRecord latest;
  AddLatest(now, &latest);
  kept.recent_failures = latest.recent_failures;
  kept.last_success_ns = NanosOf(latest.last_success);
  kept.last_failure_ns = NanosOf(latest.last_failure);
  return kept;
}

void PerformanceHistory::Restore(const KeptPerformance& kept, absl::Time now) {
  Shard* own = shards_[0].load(std::memory_order_relaxed);
  if (own == nullptr) own = NewShard(0);
  const int64_t nanos = NanosOf(now);
  const int64_t present = nanos / kNanosPerHour;
  for (const PerformanceHour& hour : kept.hours) {
    if (hour.hour <= present - kPerformanceHours || hour.hour > present ||
        hour.hour < 0 || !IsPossible(hour)) {
      continue;
    }
    HourCounts& counts = own->hours[hour.hour % kPerformanceHours];
    Begin(counts, hour.hour);
    Bump(counts.successes, hour.successes);
    Bump(counts.failures, hour.failures);
    Bump(counts.latency_us, hour.latency_us);
    Bump(counts.tokens, hour.tokens);
    Bump(counts.cost_usd_nanos, hour.cost_usd_nanos);
  }
  // A clock that was set back has left times that are still to come.
  own->last_success.store(std::clamp<int64_t>(kept.last_success_ns, 0, nanos));
  own->last_failure.store(std::clamp<int64_t>(kept.last_failure_ns, 0, nanos));
  recent_failures_.store(
      std::clamp(kept.recent_failures, 0, kRecentFailuresMax));
}

std::vector<KeptPerformance> ModelPerformance::Keep(absl::Time now) const {
  std::vector<KeptPerformance> all;
  MutexLock lock(mu_);
  for (const auto& [model, history] : histories_) {
    KeptPerformance kept = history->Keep(now);
    if (kept.hours.empty()) continue;
    kept.model = model;
    all.push_back(std::move(kept));
  }
  return all;
}

void ModelPerformance::Restore(const std::vector<KeptPerformance>& kept,
                               absl::Time now) {
  for (const KeptPerformance& each : kept) {
    PerformanceHistory* const history = HistoryOf(each.model);
    if (history != nullptr) history->Restore(each, now);
  }
}

PerformanceHistory* ModelPerformance::HistoryOf(std::string_view model) {
  MutexLock lock(mu_);
  const auto found = histories_.find(model);
  if (found != histories_.end()) return found->second.get();
  if (histories_.size() >= kPerformanceModelsMax) return nullptr;
  auto history = std::make_unique<PerformanceHistory>(shards_);
  return histories_.emplace(model, std::move(history)).first->second.get();
}

PerformanceView::PerformanceView(const PolicyTable& table,
                                 ModelPerformance& performance) {
  for (const ModelPolicy& policy : table.policies()) {
    models_.push_back({.history = performance.HistoryOf(policy.id)});
  }
}

std::shared_ptr<const PerformanceView::Records> PerformanceView::At(
    absl::Time now) {
  MutexLock lock(mu_);
  const bool is_fresh = now >= made_ && now - made_ < kPerformanceAgeMax;
  if (!is_fresh) Renew(now);
  return records_;
}

void PerformanceView::Renew(absl::Time now) {
  made_ = now;
  auto records = std::make_shared<Records>(models_.size());
  const int64_t hour = NanosOf(now) / kNanosPerHour;
  int sums = 0;
  for (size_t i = 0; i < models_.size(); ++i) {
    Known& known = models_[i];
    if (known.history == nullptr) continue;
    const int64_t age = hour - known.hour;
    // A sum of the hour before can wait for the next second.
    if (age != 0 && (age != 1 || sums < kPerformanceSumsMax)) {
      known.hour = hour;
      known.earlier = {};
      known.history->AddHours(hour - kPerformanceHours + 1, hour - 2,
                              &known.earlier);
      ++sums;
    }
    // A call that ends on another loop may still count for the hour before.
    PerformanceRecord& record = (*records)[i];
    record = known.earlier;
    known.history->AddHours(known.hour - 1, hour, &record);
    known.history->AddLatest(now, &record);
  }
  records_ = std::move(records);
}

}  // namespace gateway
