#include "service/alerts/alert_history.h"

#include <algorithm>

namespace gateway {
namespace {

// How many samples the longest window has, at most.
constexpr int kSamplesMax = 1000;
constexpr int64_t kMinutes = 60;
constexpr double kNanosPerDollar = 1e9;

int64_t MinuteOf(absl::Time time) { return absl::ToUnixSeconds(time) / 60; }

}  // namespace

void AlertHistory::SetLongest(absl::Duration longest) {
  longest_ = longest;
  spacing_ = longest / kSamplesMax;
}

void AlertHistory::Add(absl::Duration now, const AlertTotals& totals) {
  now_ = now;
  last_ = totals;
  if (samples_.empty()) {
    // All there was came after the process began.
    samples_.push_back({now, {}});
    return;
  }
  if (now - samples_.back().time < spacing_) return;
  samples_.push_back({now, totals});
  // The first is where the longest window begins.
  while (samples_.size() > 2 && samples_[1].time <= now - longest_) {
    samples_.pop_front();
  }
}

AlertTotals AlertHistory::Over(absl::Duration window) const {
  if (samples_.empty()) return {};
  const absl::Duration begin = now_ - window;
  const auto after = std::upper_bound(
      samples_.begin(), samples_.end(), begin,
      [](absl::Duration time, const Sample& s) { return time < s.time; });
  const Sample& from = after == samples_.begin() ? *after : *(after - 1);
  return last_.Since(from.totals);
}

void CostHour::Add(absl::Time now, int64_t cost_usd_nanos) {
  const int64_t minute = MinuteOf(now);
  if (cost_usd_nanos != 0) {
    int64_t& sum = minutes_[minute];
    sum = AddCosts(sum, cost_usd_nanos);
  }
  minutes_.erase(minutes_.begin(), minutes_.upper_bound(minute - kMinutes));
}

double CostHour::Dollars(absl::Time now) const {
  const int64_t minute = MinuteOf(now);
  int64_t nanos = 0;
  for (auto each = minutes_.upper_bound(minute - kMinutes);
       each != minutes_.end() && each->first <= minute; ++each) {
    nanos = AddCosts(nanos, each->second);
  }
  return static_cast<double>(nanos) / kNanosPerDollar;
}

}  // namespace gateway
