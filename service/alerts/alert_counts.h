// AlertCounts counts calls for the conditions of alerts: what there has been
// since the process began, in a shard for each event loop.
//
//   AlertShard& shard = counts.AddShard();  // One for each loop.
//   shard.Count({.failed = true});
//   shard.Count({.took = absl::Milliseconds(800), .cost_usd_nanos = 12'000});
//   shard.Count({.cost_usd_nanos = 700});  // One that says nothing else.
//   ...
//   const AlertTotals totals = counts.Read();  // From any thread.
//
// Counting takes no lock, and some dozens of instructions. A sum of costs that
// does not fit stays at the largest number: it never looks small for being
// much.
//
// Thread-safe; a shard is for one thread at a time.

#ifndef SERVICE_ALERTS_ALERT_COUNTS_H_
#define SERVICE_ALERTS_ALERT_COUNTS_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>

#include "absl/time/time.h"
#include "base/os/mutex.h"

namespace gateway {

// The largest sum of costs: 9,223,372,036 dollars, and it may stand for more.
inline constexpr int64_t kCostNanosMax = std::numeric_limits<int64_t>::max();

// Returns the sum of two costs of at least 0, at most kCostNanosMax.
constexpr int64_t AddCosts(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? kCostNanosMax : sum;
}

// Sums of calls that have ended.
struct AlertTotals {
  friend bool operator==(const AlertTotals&, const AlertTotals&) = default;

  // What has come after `before`.
  AlertTotals Since(const AlertTotals& before) const {
    return {calls - before.calls, failures - before.failures,
            took_us - before.took_us, cost_usd_nanos - before.cost_usd_nanos};
  }

  int64_t answered() const { return calls - failures; }

  int64_t calls = 0;     // That a provider answered, or somebody failed.
  int64_t failures = 0;  // Not by the callers' own fault.
  int64_t took_us = 0;   // How long all that were answered took.
  int64_t cost_usd_nanos = 0;
};

// What one call was.
struct AlertCall {
  bool failed = false;
  // From its arrival to its end, if a provider answered it.
  std::optional<absl::Duration> took;
  int64_t cost_usd_nanos = 0;
};

class alignas(64) AlertShard {
 public:
  void Count(const AlertCall& call) {
    if (call.failed || call.took.has_value()) Add(calls_, 1);
    if (call.failed) Add(failures_, 1);
    if (call.took.has_value()) {
      Add(took_us_, absl::ToInt64Microseconds(*call.took));
    }
    if (call.cost_usd_nanos != 0) {
      cost_usd_nanos_.store(
          AddCosts(cost_usd_nanos_.load(std::memory_order_relaxed),
                   call.cost_usd_nanos),
          std::memory_order_relaxed);
    }
  }

 private:
  friend class AlertCounts;

  using Number = std::atomic<int64_t>;

  // Only this shard's thread writes.
  static void Add(Number& number, int64_t more) {
    number.store(number.load(std::memory_order_relaxed) + more,
                 std::memory_order_relaxed);
  }

  Number calls_ = 0;
  Number failures_ = 0;
  Number took_us_ = 0;
  Number cost_usd_nanos_ = 0;
};

class AlertCounts {
 public:
  // A new shard, valid as long as this object.
  AlertShard& AddShard() LOCKS_EXCLUDED(mu_);

  AlertTotals Read() const LOCKS_EXCLUDED(mu_);

 private:
  mutable Mutex mu_;
  std::deque<AlertShard> shards_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_ALERTS_ALERT_COUNTS_H_
