// AlertHistory is how many calls there were at earlier times, so that those of
// any window up to now are known.
//
//   AlertHistory history(absl::Hours(1));
//   history.Add(now, counts.Read());
//   history.Over(absl::Minutes(5));  // What came in the last five minutes.
//
// A window begins at the last time that was added before it does: it may be
// longer by the time between two, or by a thousandth of the longest window. One
// that begins before the process did has all that there was.
//
// CostHour is what was spent in the last sixty minutes, by the time of day, and
// so outlasts a process. It goes up to kCostNanosMax.
//
// Thread-compatible.

#ifndef SERVICE_ALERTS_ALERT_HISTORY_H_
#define SERVICE_ALERTS_ALERT_HISTORY_H_

#include <cstdint>
#include <deque>
#include <map>
#include <utility>

#include "absl/time/time.h"
#include "service/alerts/alert_counts.h"

namespace gateway {

class AlertHistory {
 public:
  // Windows up to `longest` will be asked for.
  explicit AlertHistory(absl::Duration longest) { SetLongest(longest); }

  void SetLongest(absl::Duration longest);

  // `now` is steady and does not go back.
  void Add(absl::Duration now, const AlertTotals& totals);

  // What came between `window` before the last Add and that.
  AlertTotals Over(absl::Duration window) const;

 private:
  struct Sample {
    absl::Duration time;
    AlertTotals totals;
  };

  absl::Duration longest_;
  absl::Duration spacing_;  // Between two samples, at least.
  std::deque<Sample> samples_;
  absl::Duration now_;
  AlertTotals last_;
};

class CostHour {
 public:
  // By the minute of Unix time.
  using Minutes = std::map<int64_t, int64_t>;

  CostHour() = default;
  explicit CostHour(Minutes minutes) : minutes_(std::move(minutes)) {}

  void Add(absl::Time now, int64_t cost_usd_nanos);
  // In US dollars.
  double Dollars(absl::Time now) const;

  const Minutes& minutes() const { return minutes_; }

 private:
  Minutes minutes_;  // At most those of an hour.
};

}  // namespace gateway

#endif  // SERVICE_ALERTS_ALERT_HISTORY_H_
