#include "service/resilience/outlier_ejection.h"

#include <algorithm>
#include <cassert>
#include <map>

#include "base/os/logging.h"

namespace gateway {
namespace {

using Reason = OutlierEjection::Reason;

constexpr int kLatencyBits = 40;
constexpr uint64_t kLatencyMask = 0xff'ffff'ffff;  // kLatencyBits.
constexpr int64_t kMillion = 1'000'000;

// How long the next ejection is of who has been ejected `before` times.
int64_t EjectionNanos(const OutlierEjection::Options& options, int64_t before) {
  const int64_t base = absl::ToInt64Nanoseconds(options.base_ejection);
  const int64_t most = absl::ToInt64Nanoseconds(options.max_ejection);
  // Not multiplied where that might be too much for 64 bits.
  return before >= most / base ? most : base * (before + 1);
}

}  // namespace

OutlierEjection::OutlierEjection(const Options& options) {
  SetOptions(options, absl::ZeroDuration());
}

OutlierEjection::Targets OutlierEjection::SetTargets(
    const std::vector<std::string>& names, absl::Duration now) {
  MutexLock lock(mu_);
  std::map<std::string_view, std::shared_ptr<Target>> before;
  for (const std::shared_ptr<Target>& target : targets_) {
    target->is_member_ = false;
    before.emplace(target->name(), target);
  }
  Targets targets;
  for (const std::string& name : names) {
    const auto known = before.find(name);
    targets.push_back(known != before.end() ? known->second
                                            : std::make_shared<Target>(name));
    targets.back()->is_member_ = true;
  }
  targets_ = targets;
  std::sort(targets_.begin(), targets_.end(),
            [](const auto& a, const auto& b) { return a->name() < b->name(); });
  ReturnSurplus(absl::ToInt64Nanoseconds(now));
  return targets;
}

void OutlierEjection::SetOptions(const Options& options, absl::Duration now) {
  assert(options.interval > absl::ZeroDuration());
  assert(options.base_ejection > absl::ZeroDuration());
  assert(options.max_ejection >= options.base_ejection);
  assert(options.max_ejected_percent >= 0 &&
         options.max_ejected_percent <= 100);
  MutexLock lock(mu_);
  options_ = options;
  slow_start_.store(absl::ToInt64Nanoseconds(options.slow_start),
                    std::memory_order_relaxed);
  ReturnSurplus(absl::ToInt64Nanoseconds(now));
}

bool OutlierEjection::IsOut(const Target& target, int64_t now) {
  return now < target.ejected_until_.load(std::memory_order_relaxed);
}

int OutlierEjection::WeightOnceEjected(const Target& target,
                                       absl::Duration now) const {
  const int64_t back = absl::ToInt64Nanoseconds(now) -
                       target.ejected_until_.load(std::memory_order_relaxed);
  if (back < 0) return 0;
  const int64_t slow_start = slow_start_.load(std::memory_order_relaxed);
  if (back >= slow_start) return kFullWeight;
  return static_cast<int>(kFirstWeight +
                          (kFullWeight - kFirstWeight) * back / slow_start);
}

void OutlierEjection::RecordSuccess(Target& target, absl::Duration now,
                                    std::optional<absl::Duration> latency) {
  if (IsEjected(target, now)) return;
  if (latency.has_value()) {
    const int64_t millis = absl::ToInt64Milliseconds(
        std::clamp(*latency, absl::ZeroDuration(), kLatencyCountedMax));
    target.timed_.fetch_add(uint64_t{1} << kLatencyBits | millis,
                            std::memory_order_relaxed);
  } else {
    target.successes_.fetch_add(1, std::memory_order_relaxed);
  }
  if (target.faults_in_a_row_.load(std::memory_order_relaxed) != 0) {
    EndRow(target);
  }
}

void OutlierEjection::EndRow(Target& target) {
  MutexLock lock(mu_);
  target.faults_in_a_row_.store(0, std::memory_order_relaxed);
}

bool OutlierEjection::RecordFault(Target& target, absl::Duration now) {
  const int64_t now_nanos = absl::ToInt64Nanoseconds(now);
  MutexLock lock(mu_);
  if (!target.is_member_ || IsOut(target, now_nanos)) return false;
  ++target.faults_;
  const int row = target.faults_in_a_row_.load(std::memory_order_relaxed) + 1;
  target.faults_in_a_row_.store(row, std::memory_order_relaxed);
  return options_.consecutive_faults > 0 &&
         row >= options_.consecutive_faults &&
         Eject(target, Reason::kConsecutiveFaults, now_nanos);
}

// How many may be out: not the last one, whatever the share.
int64_t OutlierEjection::EjectedMax() const {
  const auto targets = static_cast<int64_t>(targets_.size());
  return std::max<int64_t>(
      std::min(targets * options_.max_ejected_percent / 100, targets - 1), 0);
}

// Ejects it, unless that would be one too many.
bool OutlierEjection::Eject(Target& target, Reason reason, int64_t now) {
  const int64_t out =
      std::count_if(targets_.begin(), targets_.end(),
                    [now](const auto& each) { return IsOut(*each, now); });
  if (out >= EjectedMax()) return false;
  const int64_t length = EjectionNanos(options_, target.times_ejected_);
  target.ejected_until_.store(now + length, std::memory_order_relaxed);
  ++target.times_ejected_;
  ++target.ejections_[static_cast<size_t>(reason)];
  target.reason_ = reason;
  Log(LogLevel::kWarn, "providers",
      "A target is ejected, since it does worse than the others of its rule",
      {{"target", target.name()},
       {"why", EjectionReasonName(reason)},
       {"for_seconds", absl::Nanoseconds(length)}});
  ForgetInterval(target);
  return true;
}

// Takes back those that are out beyond EjectedMax, whose time ends first, and
// of the same time by name.
void OutlierEjection::ReturnSurplus(int64_t now) {
  std::vector<Target*> out;
  for (const std::shared_ptr<Target>& target : targets_) {
    if (IsOut(*target, now)) out.push_back(target.get());
  }
  std::stable_sort(out.begin(), out.end(), [](Target* a, Target* b) {
    return a->ejected_until_.load(std::memory_order_relaxed) <
           b->ejected_until_.load(std::memory_order_relaxed);
  });
  const int64_t surplus = static_cast<int64_t>(out.size()) - EjectedMax();
  for (int64_t i = 0; i < surplus; ++i) {
    out[i]->ejected_until_.store(now, std::memory_order_relaxed);
  }
}

void OutlierEjection::ForgetInterval(Target& target) {
  target.faults_ = 0;
  target.faults_in_a_row_.store(0, std::memory_order_relaxed);
  target.successes_.store(0, std::memory_order_relaxed);
  target.timed_.store(0, std::memory_order_relaxed);
}

OutlierEjection::Interval OutlierEjection::TakeInterval(Target& target) {
  const uint64_t timed = target.timed_.exchange(0, std::memory_order_relaxed);
  Interval interval;
  interval.target = &target;
  interval.timed_calls = static_cast<int64_t>(timed >> kLatencyBits);
  if (interval.timed_calls > 0) {
    interval.mean_micros = static_cast<int64_t>(timed & kLatencyMask) * 1000 /
                           interval.timed_calls;
  }
  const int64_t successes =
      interval.timed_calls +
      target.successes_.exchange(0, std::memory_order_relaxed);
  interval.calls = successes + std::exchange(target.faults_, 0);
  if (interval.calls > 0) {
    interval.success_millionths = successes * kMillion / interval.calls;
  }
  return interval;
}

int OutlierEjection::SweepNow(absl::Duration now) {
  const int64_t now_nanos = absl::ToInt64Nanoseconds(now);
  MutexLock lock(mu_);
  if (now_nanos < next_sweep_.load(std::memory_order_relaxed)) return 0;
  const int64_t length = absl::ToInt64Nanoseconds(options_.interval);
  next_sweep_.store(now_nanos + length, std::memory_order_relaxed);

  std::vector<Interval> intervals;
  for (const std::shared_ptr<Target>& target : targets_) {
    if (IsOut(*target, now_nanos)) continue;
    intervals.push_back(TakeInterval(*target));
    const int64_t back =
        now_nanos - target->ejected_until_.load(std::memory_order_relaxed);
    if (back >= length && target->times_ejected_ > 0) --target->times_ejected_;
  }
  int ejected = 0;
  for (const Interval& outlier : SuccessOutliers(intervals)) {
    ejected += Eject(*outlier.target, Reason::kSuccessRate, now_nanos);
  }
  for (const Interval& outlier : LatencyOutliers(intervals)) {
    if (IsOut(*outlier.target, now_nanos)) continue;
    ejected += Eject(*outlier.target, Reason::kLatency, now_nanos);
  }
  return ejected;
}

// Those whose success rate is too far below the others', the worst first.
std::vector<OutlierEjection::Interval> OutlierEjection::SuccessOutliers(
    const std::vector<Interval>& intervals) const {
  if (options_.success_rate_deviation_thousandths == 0) return {};
  std::vector<Interval> compared;
  int64_t sum = 0;
  int64_t sum_of_squares = 0;
  for (const Interval& interval : intervals) {
    if (interval.calls < options_.success_rate_minimum_calls) continue;
    compared.push_back(interval);
    sum += interval.success_millionths;
    sum_of_squares += interval.success_millionths * interval.success_millionths;
  }
  const auto count = static_cast<int64_t>(compared.size());
  if (count < options_.success_rate_minimum_targets) return {};
  // rate < mean - factor * deviation, without a division or a root: with
  // below = count * (mean - rate) and spread = count^2 * deviation^2, that is
  // below > 0 and below^2 > factor^2 * spread.
  using Wide = __int128;
  const Wide spread = Wide{count} * sum_of_squares - Wide{sum} * sum;
  const Wide factor = options_.success_rate_deviation_thousandths;
  std::erase_if(compared, [&](const Interval& interval) {
    const Wide below = sum - Wide{count} * interval.success_millionths;
    return below <= 0 || below * below * kMillion <= factor * factor * spread;
  });
  std::stable_sort(compared.begin(), compared.end(),
                   [](const Interval& a, const Interval& b) {
                     return a.success_millionths < b.success_millionths;
                   });
  return compared;
}

// Those that take too long to their first token, the slowest first.
std::vector<OutlierEjection::Interval> OutlierEjection::LatencyOutliers(
    const std::vector<Interval>& intervals) const {
  if (options_.latency_factor_percent == 0) return {};
  std::vector<Interval> compared;
  for (const Interval& interval : intervals) {
    if (interval.timed_calls >= options_.latency_minimum_calls) {
      compared.push_back(interval);
    }
  }
  const auto count = static_cast<int64_t>(compared.size());
  if (count < options_.latency_minimum_targets) return {};
  std::stable_sort(compared.begin(), compared.end(),
                   [](const Interval& a, const Interval& b) {
                     return a.mean_micros > b.mean_micros;
                   });
  const int64_t median = compared[count / 2].mean_micros;
  const int64_t margin = absl::ToInt64Microseconds(options_.latency_margin);
  std::erase_if(compared, [&](const Interval& interval) {
    return interval.mean_micros * 100 <=
               median * options_.latency_factor_percent ||
           interval.mean_micros <= median + margin;
  });
  return compared;
}

void OutlierEjection::Reset(Target& target, absl::Duration now) {
  MutexLock lock(mu_);
  if (IsOut(target, absl::ToInt64Nanoseconds(now))) ForgetInterval(target);
  target.ejected_until_.store(0, std::memory_order_relaxed);
  target.faults_in_a_row_.store(0, std::memory_order_relaxed);
  target.times_ejected_ = 0;
}

std::vector<OutlierEjection::Snapshot> OutlierEjection::Read(
    absl::Duration now) const {
  const int64_t now_nanos = absl::ToInt64Nanoseconds(now);
  MutexLock lock(mu_);
  std::vector<Snapshot> snapshots;
  for (const std::shared_ptr<Target>& target : targets_) {
    const int64_t until =
        target->ejected_until_.load(std::memory_order_relaxed);
    snapshots.push_back({.name = target->name(),
                         .weight = Weight(*target, now),
                         .ejected_for = absl::Nanoseconds(
                             std::max<int64_t>(until - now_nanos, 0)),
                         .reason = target->reason_,
                         .consecutive_faults = target->faults_in_a_row_.load(
                             std::memory_order_relaxed),
                         .times_ejected = target->times_ejected_,
                         .ejections = target->ejections_});
  }
  return snapshots;
}

std::string_view EjectionReasonName(OutlierEjection::Reason reason) {
  switch (reason) {
    case Reason::kNone:
      return "none";
    case Reason::kConsecutiveFaults:
      return "consecutive_faults";
    case Reason::kSuccessRate:
      return "success_rate";
    case Reason::kLatency:
      return "latency";
  }
  return "";
}

}  // namespace gateway
