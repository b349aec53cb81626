// ModelPerformance remembers for a week how the calls of each model went. Each
// event loop has a shard of each model's history, which only it writes, so that
// a finished call costs some plain moves and no two loops share a cache line
// (a locked addition to one that they share would cost tens of nanoseconds).
// The exception is the count of failures in a row, which is one for all loops,
// and which a success writes only if it is not zero.
//
//   ModelPerformance performance(loops);             // One for the process.
//   PerformanceHistory* history = performance.HistoryOf("claude-sonnet");
//   if (history != nullptr) {                        // At the end of a call.
//     history->Record(loop, {.succeeded = true, .latency = elapsed}, now);
//   }
//
//   PerformanceView view(table, performance);        // One for a table.
//   (*view.At(now))[i].success_rate();               // Of table.policies()[i].
//
// Calls are kept by the hour: one counts for at least 167 hours and at most
// 168. Time is wall time. Histories outlive a reload; the names of models that
// are no longer configured keep theirs, within kPerformanceModelsMax, so that
// loops may keep what they found. They outlive the process if somebody
// keeps what Keep() returns and gives it to Restore() then.
//
// To record a call takes 120 instructions (callgrind), 13 ns on two busy cores
// of an EPYC (2026-11-21).
//
// Thread contract: as each class says.

#ifndef SERVICE_ROUTING_SELECTION_MODEL_PERFORMANCE_H_
#define SERVICE_ROUTING_SELECTION_MODEL_PERFORMANCE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "service/routing/selection/model_policy.h"

namespace gateway {

inline constexpr int kPerformanceHours = 168;
// More failures in a row are counted as so many.
inline constexpr int kRecentFailuresMax = 10;
// So many models have a history. Eight loops that all call one keep 64 KiB.
inline constexpr int kPerformanceModelsMax = 1024;
// How old what a PerformanceView returns may be.
inline constexpr absl::Duration kPerformanceAgeMax = absl::Seconds(1);
// Of so many models at a time it sums up the hours when an hour is over. It
// takes some microseconds each.
inline constexpr int kPerformanceSumsMax = 16;

// How one call of a model ended. Calls that say nothing of the model, such as
// those with a wrong request or a caller who hung up, are not recorded.
struct CallOutcome {
  bool succeeded = false;
  absl::Duration latency;  // Of a call that failed, it is not counted.
  // Both 0 if one of them is not known.
  int64_t tokens = 0;
  int64_t cost_usd_nanos = 0;
};

// How the calls of one model went. Plain data.
struct PerformanceRecord {
  int64_t successes = 0;
  int64_t failures = 0;
  absl::Duration latency_sum;  // Of the successes.
  int64_t tokens = 0;
  int64_t cost_usd_nanos = 0;
  // How many of the last calls failed, one behind the other; at most
  // kRecentFailuresMax, and 0 if the last of them has been forgotten.
  int recent_failures = 0;
  // InfinitePast if there was none since the start, however long ago.
  absl::Time last_success = absl::InfinitePast();
  absl::Time last_failure = absl::InfinitePast();

  int64_t calls() const { return successes + failures; }
  // 0 to 1; 0 without a call.
  double success_rate() const;
  // Unset without a success.
  std::optional<absl::Duration> average_latency() const;
  // The average cost of tokens, in and out, in the unit of prices. Unset if no
  // cost is known.
  std::optional<int64_t> cost_usd_nanos_per_million_tokens() const;
};

// How the calls of one model went in an hour. Plain data.
struct PerformanceHour {
  int64_t hour = 0;  // Since 1970.
  int64_t successes = 0;
  int64_t failures = 0;
  int64_t latency_us = 0;  // Of the successes, together.
  int64_t tokens = 0;
  int64_t cost_usd_nanos = 0;
};

// What is kept of one model. Plain data.
struct KeptPerformance {
  std::string model;
  std::vector<PerformanceHour> hours;  // Those with calls, the oldest first.
  int recent_failures = 0;
  // Since 1970; 0 if there was none.
  int64_t last_success_ns = 0;
  int64_t last_failure_ns = 0;
};

// Returns how well a model does, from 0 to 100: 50 if it has not been called,
// else the sum of
//
//   40 * success rate
//   max(0, 30 - 10 for each second of average latency); 15 if it is not known
//   max(0, 30 - 5 for each recent failure)
double PerformanceScore(const PerformanceRecord& record);

// The calls of one model.
//
// Thread-safe, but a shard is for one thread at a time.
class PerformanceHistory {
 public:
  // REQUIRES: shards > 0.
  explicit PerformanceHistory(int shards);
  ~PerformanceHistory();

  PerformanceHistory(const PerformanceHistory&) = delete;
  PerformanceHistory& operator=(const PerformanceHistory&) = delete;

  // REQUIRES: 0 <= shard < shards.
  void Record(int shard, const CallOutcome& outcome, absl::Time now);

  // Returns how the calls since 168 hours before `now` went. Reads every hour
  // of every shard, some microseconds. Of a call that is being recorded it may
  // show a part.
  PerformanceRecord Read(absl::Time now) const;

  // Returns the same by the hour, without the model's name.
  KeptPerformance Keep(absl::Time now) const;

  // Puts in what Keep returned, but for what is no more to be counted, or
  // cannot have been. REQUIRES: nothing was recorded yet.
  void Restore(const KeptPerformance& kept, absl::Time now);

 private:
  friend class PerformanceView;

  // What one loop counted in an hour. Fields are stored with release and loaded
  // with acquire, so that who sees one of a new hour sees that `hour` has
  // changed, too; both are plain moves on x86.
  struct HourCounts {
    std::atomic<int64_t> hour;  // Since 1970; kNoHour while it is cleared.
    std::atomic<int64_t> successes;
    std::atomic<int64_t> failures;
    std::atomic<int64_t> latency_us;
    std::atomic<int64_t> tokens;
    std::atomic<int64_t> cost_usd_nanos;
  };

  struct alignas(64) Shard {
    // In nanoseconds since 1970; 0 if there was none.
    std::atomic<int64_t> last_success = 0;
    std::atomic<int64_t> last_failure = 0;
    // Each hour has the place of its number modulo their count.
    std::array<HourCounts, kPerformanceHours> hours = {};
  };

  static constexpr int64_t kNoHour = -1;

  static void Begin(HourCounts& counts, int64_t hour);

  Shard* NewShard(int shard);
  // Adds the counts of the hours from `first` to `last`.
  void AddHours(int64_t first, int64_t last, PerformanceRecord* record) const;
  // Fills in what no hour has.
  void AddLatest(absl::Time now, PerformanceRecord* record) const;

  // Made when their loops first record a call.
  std::vector<std::atomic<Shard*>> shards_;
  std::atomic<int> recent_failures_ = 0;
};

// The histories of all models.
//
// Thread-safe.
class ModelPerformance {
 public:
  // REQUIRES: shards > 0.
  explicit ModelPerformance(int shards) : shards_(shards) {}

  // Returns the history of a model, by the id of its policy; valid as long as
  // this object. Null if kPerformanceModelsMax others have one. Takes a lock,
  // so that loops keep what they got.
  PerformanceHistory* HistoryOf(std::string_view model) LOCKS_EXCLUDED(mu_);

  // Returns the histories that have calls, sorted by model. Takes some
  // milliseconds where there are many.
  std::vector<KeptPerformance> Keep(absl::Time now) const LOCKS_EXCLUDED(mu_);

  // Puts in what Keep returned. REQUIRES: nothing was recorded yet.
  void Restore(const std::vector<KeptPerformance>& kept, absl::Time now)
      LOCKS_EXCLUDED(mu_);

 private:
  const int shards_;

  mutable Mutex mu_;
  std::map<std::string, std::unique_ptr<PerformanceHistory>, std::less<>>
      histories_ GUARDED_BY(mu_);
};

// The records of a table's models, as they are read for each call that a model
// is selected for. They are made anew once a second, from the present hour and
// the one before; the hours before those are summed up once an hour, not of all
// models at once: some may show for some seconds more an hour that has just
// been forgotten. Of 100 models that 8 loops have called, a second's renewal
// takes 12 us (2026-11-21, two busy cores of an EPYC).
//
// Thread-safe.
class PerformanceView {
 public:
  using Records = std::vector<PerformanceRecord>;

  // Borrows `performance`.
  PerformanceView(const PolicyTable& table, ModelPerformance& performance);

  // Returns the records in the order of the table's policies; never null.
  std::shared_ptr<const Records> At(absl::Time now) LOCKS_EXCLUDED(mu_);

 private:
  // What is known of one model.
  struct Known {
    PerformanceHistory* history = nullptr;  // Null for a model without one.
    // The hour in which `earlier` was summed up, and the sum of the hours up to
    // two before that.
    int64_t hour = -1;
    PerformanceRecord earlier;
  };

  void Renew(absl::Time now) EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Mutex mu_;
  std::vector<Known> models_ GUARDED_BY(mu_);
  absl::Time made_ GUARDED_BY(mu_) = absl::InfinitePast();
  std::shared_ptr<const Records> records_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_SELECTION_MODEL_PERFORMANCE_H_
