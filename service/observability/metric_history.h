// MetricHistory remembers how counters and histograms grew in the last hour, so
// that it can be told what was added in the last minutes of it.
//
//   MetricHistory history(registry, clock, {});
//   history.Begin();  // And every 10 seconds, on a thread of its own.
//   ...
//   // On a thread that may wait:
//   const MetricHistory::Addition added = history.Read(absl::Minutes(5));
//
// Of a reading is kept only what changed since the one before: a few bytes for
// each counter, and for each histogram its buckets that grew. A metric that
// rests costs nothing but how it stood last. What is kept of an hour is at most
// `bytes_limit`; where more changes, the hour is shorter.
//
// A counter that is smaller than before has begun anew, and all of it was
// added.
//
// Thread-safe. All but bytes() read the registry, or wait for who does.

#ifndef SERVICE_OBSERVABILITY_METRIC_HISTORY_H_
#define SERVICE_OBSERVABILITY_METRIC_HISTORY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/os/thread.h"
#include "service/observability/metrics.h"

namespace gateway {

class MetricHistory {
 public:
  struct Options {
    // From one reading to the next.
    absl::Duration interval = absl::Seconds(10);
    // How far back can be asked for.
    absl::Duration length = absl::Hours(1);
    // Of all changes that are kept.
    size_t bytes_limit = size_t{16} << 20;
  };

  // Metrics as they are, but of counters and histograms what was added.
  struct Addition {
    MetricsSnapshot metrics;
    // Since when: the last reading that is at least as old as was asked for,
    // or the first that is kept.
    absl::Time since;
  };

  // Borrows both.
  MetricHistory(const MetricRegistry& registry, Clock& clock,
                const Options& options)
      : registry_(registry), clock_(clock), options_(options) {}
  ~MetricHistory() { Stop(); }

  MetricHistory(const MetricHistory&) = delete;
  MetricHistory& operator=(const MetricHistory&) = delete;

  // Takes the first reading, and from then on others at the interval, until
  // Stop. Called once, before there is anything to count.
  void Begin();
  // Waits for a reading that is under way. Harmless where there is none.
  void Stop() LOCKS_EXCLUDED(stop_mu_);

  // Takes one reading.
  void TakeReading() LOCKS_EXCLUDED(mu_);

  // Reads the metrics, as on a thread that may wait. Before the first reading
  // nothing is known of the time before: all is told, as of now.
  Addition Read(absl::Duration window) LOCKS_EXCLUDED(mu_);

  // What is kept, in memory: changes and how each metric stood last.
  int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  // One number of a counter, as it is counted and not as it is shown, so that
  // sums of money are exact; of a histogram its buckets, the one that has no
  // bound, and the sum.
  using Numbers = std::vector<double>;

  struct Series {
    Numbers last;
    int64_t seen = 0;  // In which reading, the latest.
  };
  struct Reading {
    absl::Duration steady;
    absl::Time time;
    // What was added since the reading before, of each series that grew.
    std::string changes;
  };

  static std::string KeyOf(std::string_view family, const MetricValue& metric);
  static Numbers NumbersOf(const MetricFamilyValue& family,
                           const MetricValue& metric);
  static void SetNumbers(const MetricFamilyValue& family,
                         const Numbers& numbers, MetricValue* metric);

  void Serve();
  bool StopsWithin(absl::Duration interval) LOCKS_EXCLUDED(stop_mu_);

  // Writes down how a series grew, behind the one that was written last.
  void Record(const std::string& key, Numbers now, uint32_t* last_id,
              std::string* changes) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint32_t NewSeries(const std::string& key) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Forgets readings that nobody can ask for, and series that are in none.
  void Expire(absl::Duration now) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ForgetSeries() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CountBytes() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What all readings behind this one have added, by the series' id.
  std::vector<Numbers> SumBehind(size_t reading) const
      EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const MetricRegistry& registry_;
  Clock& clock_;
  const Options options_;
  std::atomic<int64_t> bytes_ = 0;

  // Held while the registry is read, so that no reading is older than the one
  // before it.
  Mutex mu_;
  std::deque<Reading> readings_ GUARDED_BY(mu_);
  size_t changes_bytes_ GUARDED_BY(mu_) = 0;
  int64_t readings_taken_ GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<std::string, uint32_t> ids_ GUARDED_BY(mu_);
  std::vector<Series> series_ GUARDED_BY(mu_);  // By id.
  std::vector<uint32_t> free_ids_ GUARDED_BY(mu_);

  Mutex stop_mu_;
  CondVar stop_;
  bool stopping_ GUARDED_BY(stop_mu_) = false;
  Thread thread_;  // Declared last, since it uses all of the above.
};

// Tells what a history takes of memory. `history` must outlive the readings of
// the registry.
void AddMetricHistoryMetrics(const MetricHistory& history,
                             MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_METRIC_HISTORY_H_
