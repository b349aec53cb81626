#include "service/alerts/alert_counts.h"

namespace gateway {

AlertShard& AlertCounts::AddShard() {
  MutexLock lock(mu_);
  return shards_.emplace_back();
}

AlertTotals AlertCounts::Read() const {
  MutexLock lock(mu_);
  AlertTotals totals;
  const auto add = [](const AlertShard::Number& number, int64_t* sum) {
    *sum += number.load(std::memory_order_relaxed);
  };
  for (const AlertShard& shard : shards_) {
    add(shard.calls_, &totals.calls);
    add(shard.failures_, &totals.failures);
    add(shard.took_us_, &totals.took_us);
    totals.cost_usd_nanos =
        AddCosts(totals.cost_usd_nanos,
                 shard.cost_usd_nanos_.load(std::memory_order_relaxed));
  }
  return totals;
}

}  // namespace gateway
