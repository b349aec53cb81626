// OutlierEjection takes a target out of its group for a while, when it does
// worse than the others: by faults in a row, by its share of successes, or by
// how long it takes to its first token.
//
//   OutlierEjection group(options);
//   const auto targets = group.SetTargets({"openai/a", "openai/b"}, now);
//   ...
//   group.Sweep(now);                        // From time to time: cheap.
//   const int weight = group.Weight(*targets[0], now);  // 0: do not ask it.
//   group.RecordSuccess(*targets[0], loop.Now(), time_to_first_token);
//   group.RecordFault(*targets[1], loop.Now());         // BlamesTarget.
//
// Out for `base_ejection` times how often it has been ejected lately, at most
// `max_ejection`. Never are more out than `max_ejected_percent`, rounded down,
// nor the last one: who would be one too many stays. Once back, its weight
// grows from a tenth to the whole within `slow_start`. For each whole interval
// that it stays in, one ejection is forgotten.
//
// Faults in a row eject at once. The other two compare targets when an interval
// is over, by what that interval brought, the worst first:
//
//   success rate   below mean - factor x standard deviation of the targets with
//                  success_rate_minimum_calls, if those are enough (as Envoy)
//   latency        mean time to the first token above latency_factor_percent of
//                  the median of the targets (of two in the middle, the lesser)
//                  with latency_minimum_calls, if those are enough, and above
//                  the median by more than latency_margin
//
// All sums are of whole numbers, and what is equal is ordered by name: the same
// calls eject the same targets. What a target that is out still answers, is not
// counted. The log tells of each ejection.
//
// Times are steady times. Thread-safe; one for all loops, which outlives
// configurations. To read a weight costs two or three relaxed loads, and a
// success one more and one counter; the lock is taken by faults, by the first
// success after one, and once in an interval.

#ifndef SERVICE_RESILIENCE_OUTLIER_EJECTION_H_
#define SERVICE_RESILIENCE_OUTLIER_EJECTION_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/os/mutex.h"

namespace gateway {

class OutlierEjection {
 public:
  struct Options {
    // Ejects after so many faults in a row. 0 to 1000; 0 for never.
    int consecutive_faults = 5;
    // How often targets are compared. 1 s to 5 min.
    absl::Duration interval = absl::Seconds(10);

    int success_rate_minimum_targets = 5;  // 2 to 1000.
    int success_rate_minimum_calls = 100;  // 1 to 1000000.
    // The factor of the standard deviation, in thousandths. 0 to 10000; 0 for
    // never.
    int success_rate_deviation_thousandths = 1900;

    int latency_minimum_targets = 3;  // 2 to 1000.
    int latency_minimum_calls = 20;   // 1 to 1000000.
    // Of the median. 100 to 10000; 0 for never.
    int latency_factor_percent = 300;
    absl::Duration latency_margin = absl::Milliseconds(500);  // 0 s to 1 h.

    absl::Duration base_ejection = absl::Seconds(30);  // 1 ms to 1 h.
    absl::Duration max_ejection = absl::Seconds(300);  // base_ejection to 24 h.
    int max_ejected_percent = 50;                      // 0 to 100.
    absl::Duration slow_start = absl::Seconds(30);     // 0 s to 1 h.
  };

  enum class Reason { kNone, kConsecutiveFaults, kSuccessRate, kLatency };
  static constexpr size_t kReasons = 4;

  // A target as the group knows it: handed out by SetTargets, kept by whoever
  // calls it, and as long as that.
  class Target {
   public:
    explicit Target(std::string_view name) : name_(name) {}

    const std::string& name() const { return name_; }

   private:
    friend class OutlierEjection;

    const std::string name_;
    // In nanoseconds; 0 if it has never been ejected. Written under the lock.
    std::atomic<int64_t> ejected_until_ = 0;
    std::atomic<int> faults_in_a_row_ = 0;  // Written under the lock.
    // Of the interval: successes whose latency is not known.
    std::atomic<int64_t> successes_ = 0;
    // Of the interval: the others (24 bits), and the sum of their latencies in
    // milliseconds (40 bits).
    std::atomic<uint64_t> timed_ = 0;

    // Under the group's lock.
    int64_t faults_ = 0;  // Of the interval.
    int64_t times_ejected_ = 0;
    std::array<int64_t, kReasons> ejections_ = {};  // By reason.
    Reason reason_ = Reason::kNone;
    bool is_member_ = false;
  };
  using Targets = std::vector<std::shared_ptr<Target>>;

  struct Snapshot {
    std::string name;
    int weight = kFullWeight;
    // How long it is out yet; zero if it is in.
    absl::Duration ejected_for;
    Reason reason = Reason::kNone;  // Of the last ejection.
    int consecutive_faults = 0;
    int64_t times_ejected = 0;  // That count for the next ejection's length.
    // All of them, by their reason.
    std::array<int64_t, kReasons> ejections = {};
  };

  static constexpr int kFullWeight = 1000;
  // What a target begins with that is back.
  static constexpr int kFirstWeight = 100;
  // Longer ones count as this in a mean.
  static constexpr absl::Duration kLatencyCountedMax = absl::Minutes(1);

  explicit OutlierEjection(const Options& options);
  OutlierEjection(const OutlierEjection&) = delete;
  OutlierEjection& operator=(const OutlierEjection&) = delete;

  // Says who is in the group, and returns them in the same order. Those that
  // were there before are the same, with all that is known of them. Where more
  // are out than may be now, those come back whose time would end first.
  // REQUIRES: the names differ.
  Targets SetTargets(const std::vector<std::string>& names, absl::Duration now)
      LOCKS_EXCLUDED(mu_);

  // Takes effect with the next outcome; who is out stays out as long as was
  // said, if not too many are.
  void SetOptions(const Options& options, absl::Duration now)
      LOCKS_EXCLUDED(mu_);

  // Whether it is not to be asked now.
  static bool IsEjected(const Target& target, absl::Duration now) {
    const int64_t until = target.ejected_until_.load(std::memory_order_relaxed);
    return until != 0 && absl::ToInt64Nanoseconds(now) < until;
  }

  // Whether it has been ejected, since it is there or was reset: if not, its
  // weight is the whole at any time.
  static bool WasEjected(const Target& target) {
    return target.ejected_until_.load(std::memory_order_relaxed) != 0;
  }

  // Returns its share of what a target of its weight gets, in thousandths: 0
  // while it is out, kFullWeight if nothing is against it.
  int Weight(const Target& target, absl::Duration now) const {
    if (target.ejected_until_.load(std::memory_order_relaxed) == 0) {
      return kFullWeight;
    }
    return WeightOnceEjected(target, now);
  }

  // An attempt went well; `latency` is the time to its first token, if it has
  // one.
  void RecordSuccess(Target& target, absl::Duration now,
                     std::optional<absl::Duration> latency = std::nullopt)
      LOCKS_EXCLUDED(mu_);

  // An attempt failed by the target's fault. Returns whether it is out now for
  // that.
  bool RecordFault(Target& target, absl::Duration now) LOCKS_EXCLUDED(mu_);

  // Compares the targets, if an interval is over since the last time. Returns
  // how many it ejected.
  int Sweep(absl::Duration now) {
    return absl::ToInt64Nanoseconds(now) <
                   next_sweep_.load(std::memory_order_relaxed)
               ? 0
               : SweepNow(now);
  }

  // Takes a target back at once, and forgets its ejections.
  void Reset(Target& target, absl::Duration now) LOCKS_EXCLUDED(mu_);

  // All targets, by name.
  std::vector<Snapshot> Read(absl::Duration now) const LOCKS_EXCLUDED(mu_);

 private:
  // What an interval brought of one target.
  struct Interval {
    Target* target = nullptr;
    int64_t calls = 0;
    int64_t success_millionths = 0;
    int64_t timed_calls = 0;
    int64_t mean_micros = 0;
  };

  static bool IsOut(const Target& target, int64_t now);
  static Interval TakeInterval(Target& target);
  static void ForgetInterval(Target& target);

  int WeightOnceEjected(const Target& target, absl::Duration now) const;
  void EndRow(Target& target) LOCKS_EXCLUDED(mu_);
  int SweepNow(absl::Duration now) LOCKS_EXCLUDED(mu_);

  int64_t EjectedMax() const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Eject(Target& target, Reason reason, int64_t now)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ReturnSurplus(int64_t now) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<Interval> SuccessOutliers(const std::vector<Interval>& intervals)
      const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<Interval> LatencyOutliers(const std::vector<Interval>& intervals)
      const EXCLUSIVE_LOCKS_REQUIRED(mu_);

  std::atomic<int64_t> next_sweep_ = 0;  // Nanoseconds.
  std::atomic<int64_t> slow_start_ = 0;  // Nanoseconds.

  mutable Mutex mu_;
  Options options_ GUARDED_BY(mu_);
  Targets targets_ GUARDED_BY(mu_);  // By name.
};

// Returns the name for logs and metrics: `consecutive_faults`, ...
std::string_view EjectionReasonName(OutlierEjection::Reason reason);

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_OUTLIER_EJECTION_H_
