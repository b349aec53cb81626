#include "tests/simulation/ejection_model.h"

#include <algorithm>
#include <cmath>

namespace gateway {
namespace {

// What docs/resilience.md says of it.
constexpr int64_t kCallsToCompare = 100;
constexpr size_t kTargetsToCompare = 5;
constexpr int64_t kStreamsToTime = 20;
constexpr size_t kTargetsToTime = 3;
constexpr int64_t kMarginMicros = 500'000;

}  // namespace

EjectionModel::EjectionModel(const Scenario& scenario,
                             const std::vector<std::string>& names)
    : settings_(&scenario) {
  for (const std::string& name : names) targets_.push_back({.name = name});
}

void EjectionModel::Succeeds(size_t target,
                             std::optional<absl::Duration> latency,
                             absl::Duration now) {
  Target& state = targets_[target];
  if (!IsOut(state, now)) {
    state.failures_in_a_row = 0;
    ++state.interval.successes;
    if (latency.has_value()) {
      ++state.interval.timed;
      state.interval.millis +=
          absl::ToInt64Milliseconds(std::min(*latency, absl::Minutes(1)));
    }
  }
  LookAtInterval(now);
}

void EjectionModel::Fails(size_t target, absl::Duration now) {
  Target& state = targets_[target];
  if (!IsOut(state, now)) {
    ++state.failures_in_a_row;
    ++state.interval.failures;
    const int limit = settings_->ejection_failures;
    if (limit > 0 && state.failures_in_a_row >= limit) Eject(state, now);
  }
  LookAtInterval(now);
}

void EjectionModel::Reset(size_t target, absl::Duration now) {
  Target& state = targets_[target];
  state.ejected_until = -absl::InfiniteDuration();
  state.failures_in_a_row = 0;
  state.ejections = 0;
  changed_at_ = now;
}

void EjectionModel::Eject(Target& target, absl::Duration now) {
  const auto out = static_cast<size_t>(
      std::count_if(targets_.begin(), targets_.end(),
                    [&](const Target& each) { return IsOut(each, now); }));
  if (out >= ejected_max()) return;
  ++target.ejections;
  target.ejected_until =
      now + std::min(settings_->base_ejection * target.ejections,
                     settings_->ejection_limit);
  target.failures_in_a_row = 0;
  target.interval = {};
  changed_at_ = now;
}

size_t EjectionModel::ejected_max() const {
  return std::min(targets_.size() - 1,
                  targets_.size() *
                      static_cast<size_t>(settings_->ejected_percent_limit) /
                      100);
}

absl::Duration EjectionModel::EjectedFor(size_t target,
                                         absl::Duration now) const {
  return std::max(targets_[target].ejected_until - now, absl::ZeroDuration());
}

int EjectionModel::WeightPermille(size_t target, absl::Duration now) const {
  if (IsOut(targets_[target], now)) return 0;
  const absl::Duration back = now - targets_[target].ejected_until;
  if (back >= settings_->slow_start) return 1000;
  // From a tenth to the whole.
  return static_cast<int>(100 +
                          900 * absl::ToInt64Nanoseconds(back) /
                              absl::ToInt64Nanoseconds(settings_->slow_start));
}

void EjectionModel::LookAtInterval(absl::Duration now) {
  if (now < next_look_) return;
  next_look_ = now + settings_->ejection_interval;
  std::vector<Interval> intervals(targets_.size());
  for (size_t i = 0; i < targets_.size(); ++i) {
    Target& target = targets_[i];
    if (IsOut(target, now)) continue;
    std::swap(intervals[i], target.interval);
    if (target.ejections > 0 &&
        now - target.ejected_until >= settings_->ejection_interval) {
      --target.ejections;
    }
  }
  for (const size_t target : FailTooOften(intervals)) {
    Eject(targets_[target], now);
  }
  for (const size_t target : AreTooSlow(intervals)) {
    if (!IsOut(targets_[target], now)) Eject(targets_[target], now);
  }
}

std::vector<size_t> EjectionModel::Order() const {
  std::vector<size_t> order;
  for (size_t i = 0; i < targets_.size(); ++i) order.push_back(i);
  std::sort(order.begin(), order.end(), [this](size_t a, size_t b) {
    return targets_[a].name < targets_[b].name;
  });
  return order;
}

std::vector<size_t> EjectionModel::FailTooOften(
    const std::vector<Interval>& intervals) const {
  std::vector<Compared> compared;  // By their successes in a million calls.
  for (const size_t target : Order()) {
    const Interval& interval = intervals[target];
    const int64_t calls = interval.successes + interval.failures;
    if (calls < kCallsToCompare) continue;
    compared.push_back({target, interval.successes * 1'000'000 / calls});
  }
  const int thousandths = settings_->success_deviation_thousandths;
  if (compared.size() < kTargetsToCompare || thousandths == 0) return {};
  const auto count = static_cast<double>(compared.size());
  double mean = 0;
  for (const Compared& each : compared) {
    mean += static_cast<double>(each.figure) / count;
  }
  double variance = 0;
  for (const Compared& each : compared) {
    const double off = static_cast<double>(each.figure) - mean;
    variance += off * off / count;
  }
  const double least = mean - thousandths / 1000.0 * std::sqrt(variance);
  std::stable_sort(
      compared.begin(), compared.end(),
      [](const Compared& a, const Compared& b) { return a.figure < b.figure; });
  std::vector<size_t> bad;
  for (const Compared& each : compared) {
    // Less than a millionth of it is no difference, but how numbers are kept.
    if (static_cast<double>(each.figure) < least - 1) {
      bad.push_back(each.target);
    }
  }
  return bad;
}

std::vector<size_t> EjectionModel::AreTooSlow(
    const std::vector<Interval>& intervals) const {
  std::vector<Compared> compared;  // By their mean latency in microseconds.
  for (const size_t target : Order()) {
    const Interval& interval = intervals[target];
    if (interval.timed < kStreamsToTime) continue;
    compared.push_back({target, interval.millis * 1000 / interval.timed});
  }
  const int percent = settings_->latency_percent;
  if (compared.size() < kTargetsToTime || percent == 0) return {};
  std::stable_sort(
      compared.begin(), compared.end(),
      [](const Compared& a, const Compared& b) { return a.figure > b.figure; });
  // Of two in the middle, the lesser.
  const int64_t median = compared[compared.size() / 2].figure;
  std::vector<size_t> bad;
  for (const Compared& each : compared) {
    if (each.figure * 100 > median * percent &&
        each.figure > median + kMarginMicros) {
      bad.push_back(each.target);
    }
  }
  return bad;
}

}  // namespace gateway
