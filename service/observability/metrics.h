// MetricRegistry counts without contention: each event loop has a shard of its
// own, whose counters only it writes, and reading sums over the shards.
//
//   constexpr std::string_view kLabels[] = {"provider", "code"};
//   constexpr MetricDefinition kCalls = {
//       .name = "calls_total", .help = "Calls.", .label_names = kLabels};
//
//   MetricRegistry registry(clock);
//   MetricShard& shard = registry.AddShard();  // One for each event loop.
//   Counter& calls = shard.CounterOf(kCalls, {"openai", "OK"});  // Once.
//   calls.Add(1);  // Two plain moves.
//   ...
//   MetricsSnapshot snapshot = registry.Read();  // From any thread.
//
// Finding a counter takes a lock and a look-up, so hot code keeps the
// reference, which stays valid as long as the registry.
//
// A family holds a bounded number of label sets; what does not fit is counted
// under the label values `other`, so that nothing a caller sends can fill the
// memory.
//
// Thread-safe, but a shard and its metrics are for one thread at a time.

#ifndef SERVICE_OBSERVABILITY_METRICS_H_
#define SERVICE_OBSERVABILITY_METRICS_H_

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "service/observability/exemplars.h"

namespace gateway {

enum class MetricKind { kCounter, kGauge, kHistogram };

// Defines a family of metrics. Of static storage; there must be one for each
// name.
struct MetricDefinition {
  std::string_view name;
  std::string_view help;
  MetricKind kind = MetricKind::kCounter;
  absl::Span<const std::string_view> label_names = {};
  // For a histogram: the upper bounds of its buckets, smallest first.
  absl::Span<const double> bounds = {};
  // How many of what a counter or gauge counts make one of what it is shown
  // as: money is counted in whole nano-dollars and shown in dollars.
  int64_t per_unit = 1;
  size_t label_sets_limit = 10000;
};

// The label value under which everything is counted that gets no label of its
// own.
inline constexpr std::string_view kOtherLabel = "other";

// A metric that only grows, up to the largest int64_t.
class Counter {
 public:
  // REQUIRES: amount >= 0.
  void Add(int64_t amount) {
    int64_t sum = 0;
    if (__builtin_add_overflow(value_.load(std::memory_order_relaxed), amount,
                               &sum)) {
      sum = std::numeric_limits<int64_t>::max();
    }
    value_.store(sum, std::memory_order_relaxed);
  }

 private:
  friend class MetricShard;  // Reads it from other threads.

  std::atomic<int64_t> value_ = 0;
};

// A metric that goes up and down. Each loop has its own part of the sum, which
// may be negative: what one loop adds another must not take away.
class Gauge {
 public:
  void Add(int64_t amount) {
    value_.store(value_.load(std::memory_order_relaxed) + amount,
                 std::memory_order_relaxed);
  }
  void Set(int64_t value) { value_.store(value, std::memory_order_relaxed); }

 private:
  friend class MetricShard;  // Reads it from other threads.

  std::atomic<int64_t> value_ = 0;
};

// Counts observations by their size.
class MetricHistogram {
 public:
  explicit MetricHistogram(absl::Span<const double> bounds)
      : bounds_(bounds), counts_(bounds.size() + 1) {}  // All zero.

  ~MetricHistogram() { delete exemplars_.load(std::memory_order_relaxed); }

  MetricHistogram(const MetricHistogram&) = delete;
  MetricHistogram& operator=(const MetricHistogram&) = delete;

  void Observe(double value) { Count(BucketOf(value), value); }

  // The same, of a call that is told of beside its bucket (exemplars.h).
  void ObserveCall(double value, std::string_view request_id, absl::Time time) {
    const size_t bucket = BucketOf(value);
    Count(bucket, value);
    Exemplars* exemplars = exemplars_.load(std::memory_order_relaxed);
    if (exemplars == nullptr) {
      exemplars = new Exemplars(counts_.size());
      exemplars_.store(exemplars, std::memory_order_release);
    }
    exemplars->Put(bucket, request_id, value, time);
  }

 private:
  friend class MetricShard;

  size_t BucketOf(double value) const {
    return static_cast<size_t>(
        std::lower_bound(bounds_.begin(), bounds_.end(), value) -
        bounds_.begin());
  }
  void Count(size_t bucket, double value) {
    std::atomic<int64_t>& count = counts_[bucket];
    count.store(count.load(std::memory_order_relaxed) + 1,
                std::memory_order_relaxed);
    sum_.store(sum_.load(std::memory_order_relaxed) + value,
               std::memory_order_relaxed);
  }

  const absl::Span<const double> bounds_;
  // Each counts the observations above the bound before and up to its own; the
  // last has no bound.
  std::vector<std::atomic<int64_t>> counts_;
  std::atomic<double> sum_ = 0;
  // Owned; null before the first. Other threads read it.
  std::atomic<Exemplars*> exemplars_ = nullptr;
};

// The values of a histogram at one moment.
struct HistogramValue {
  struct Bucket {
    double upper_bound = 0;
    int64_t count = 0;  // Includes the buckets before.
  };
  int64_t count = 0;
  double sum = 0;
  std::vector<Bucket> buckets;  // Without the one that has no bound.
  // The latest call of each bucket, the one without a bound last; empty where
  // none is told of.
  std::vector<std::optional<Exemplar>> exemplars;
};

struct MetricValue {
  // In the order of the definition's label names.
  std::vector<std::pair<std::string, std::string>> labels;
  double number = 0;         // Set for a counter or gauge.
  HistogramValue histogram;  // Set for a histogram.
};

struct MetricFamilyValue {
  std::string name;
  std::string help;
  MetricKind kind = MetricKind::kCounter;
  // As of the definition: a number is the double that is nearest to a whole one
  // divided by this. Up to 2^53 of what was counted its 16 digits are exact.
  int64_t per_unit = 1;
  std::vector<MetricValue> metrics;  // Sorted by their labels.

  // Converts between a number as it is shown and as it was counted. Sums and
  // differences of what was counted are exact.
  double Counted(double shown) const {
    return per_unit == 1 ? shown
                         : std::round(shown * static_cast<double>(per_unit));
  }
  double Shown(double counted) const {
    return counted / static_cast<double>(per_unit);
  }
};

struct MetricsSnapshot {
  std::vector<MetricFamilyValue> families;  // Sorted by their names.
  absl::Time read_time;
};

class MetricRegistry;

// The metrics that one loop writes.
class MetricShard {
 public:
  using LabelValues = std::initializer_list<std::string_view>;

  // Each returns the metric of a family with these label values, made when
  // first asked for. REQUIRES: the definition is of that kind and has as many
  // label names.
  Counter& CounterOf(const MetricDefinition& definition, LabelValues labels);
  Gauge& GaugeOf(const MetricDefinition& definition, LabelValues labels);
  MetricHistogram& HistogramOf(const MetricDefinition& definition,
                               LabelValues labels);

 private:
  friend class MetricRegistry;

  using LabelKey = std::vector<std::string>;

  // A value. On cache lines of its own, since each shard has another writer.
  struct alignas(64) Cell {
    explicit Cell(const MetricDefinition& definition);

    const MetricDefinition& definition;
    std::variant<Counter, Gauge, MetricHistogram> metric;
  };

  // Sums one metric over the shards.
  struct Sum {
    void Add(const Cell& cell);
    void Add(const Exemplars& others);
    MetricValue Value(const LabelKey& labels) const;

    const MetricDefinition* definition = nullptr;
    double number = 0;  // For a histogram, the sum of its observations.
    std::vector<int64_t> counts;
    std::vector<std::optional<Exemplar>> exemplars;
  };
  using Sums = std::map<std::pair<std::string_view, LabelKey>, Sum>;

  explicit MetricShard(MetricRegistry& registry) : registry_(registry) {}

  Cell& CellOf(const MetricDefinition& definition, LabelValues labels)
      LOCKS_EXCLUDED(mu_);
  void AddTo(Sums& sums) const LOCKS_EXCLUDED(mu_);

  MetricRegistry& registry_;

  // Guards the table, not the values in it.
  mutable Mutex mu_;
  std::map<std::pair<std::string_view, LabelKey>, Cell> cells_ GUARDED_BY(mu_);
};

class MetricRegistry {
 public:
  // Returns a value that is kept elsewhere.
  using Source = std::function<double()>;

  // Takes values of which it is known only when metrics are read which there
  // are.
  class Values {
   public:
    // Adds to the counter or gauge with these labels.
    void Add(const MetricDefinition& definition,
             MetricShard::LabelValues labels, double value);

   private:
    friend class MetricRegistry;

    explicit Values(MetricShard::Sums& sums) : sums_(sums) {}

    MetricShard::Sums& sums_;
  };
  using Collector = std::function<void(Values& values)>;

  // Borrows `clock`.
  explicit MetricRegistry(Clock& clock) : clock_(clock) {}

  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  // A new shard, valid as long as this object.
  MetricShard& AddShard() LOCKS_EXCLUDED(mu_);

  // Reads a counter or gauge from `source` whenever metrics are read, from
  // whatever thread that is. Several sources of one name and the same labels
  // are added up. What the source uses must outlive this object.
  void AddSource(const MetricDefinition& definition,
                 MetricShard::LabelValues labels, Source source)
      LOCKS_EXCLUDED(mu_);

  // Asks `collect` for values whenever metrics are read, from whatever thread
  // that is. It bounds the label sets itself. What it uses must outlive this
  // object, or its reading.
  void AddCollector(Collector collect) LOCKS_EXCLUDED(mu_);

  // Has `derive` say in other words, whenever metrics are read, what has been
  // read. It is called on whatever thread that is.
  using Derive = std::function<std::vector<MetricFamilyValue>(
      const MetricsSnapshot& read)>;
  void AddDerived(Derive derive) LOCKS_EXCLUDED(mu_);

  // Returns the sums over all shards, sources and collectors, without metrics
  // that were never touched.
  MetricsSnapshot Read() const LOCKS_EXCLUDED(mu_);

 private:
  friend class MetricShard;

  using LabelKey = MetricShard::LabelKey;

  struct SourceEntry {
    const MetricDefinition& definition;
    LabelKey labels;
    Source source;
  };

  static void AddFamilies(const std::vector<const Derive*>& derived,
                          MetricsSnapshot* snapshot);

  // Returns the labels that a label set is counted under: its own, or `other`
  // for each if the family is full.
  LabelKey ReserveLabels(const MetricDefinition& definition, LabelKey labels)
      LOCKS_EXCLUDED(mu_);

  Clock& clock_;

  mutable Mutex mu_;
  std::vector<std::unique_ptr<MetricShard>> shards_ GUARDED_BY(mu_);
  std::deque<SourceEntry> sources_ GUARDED_BY(mu_);
  std::deque<Collector> collectors_ GUARDED_BY(mu_);
  std::deque<Derive> derived_ GUARDED_BY(mu_);
  // The label sets of each family, over all shards.
  std::map<std::string_view, std::set<LabelKey>> label_sets_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_METRICS_H_
