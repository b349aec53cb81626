// An AlertCondition is when an alert fires, as a configuration has it:
//
//   ParseAlertCondition("error_rate > 5%")
//   ParseAlertCondition("avg_latency > 10s")
//   ParseAlertCondition("hourly_cost > $50")
//   ParseAlertCondition("model_consecutive_failures > 5")
//
// Thread-safe: plain functions.

#ifndef SERVICE_ALERTS_ALERT_CONDITION_H_
#define SERVICE_ALERTS_ALERT_CONDITION_H_

#include <string_view>

#include "absl/status/statusor.h"

namespace gateway {

struct AlertCondition {
  // What is compared, and in which unit.
  enum class Measure {
    kErrorRate,            // Percent of what is answered or fails.
    kAverageLatency,       // Seconds.
    kHourlyCost,           // US dollars.
    kConsecutiveFailures,  // A number, of each model of a provider.
  };
  enum class Order { kAbove, kAtLeast, kBelow, kAtMost };

  friend bool operator==(const AlertCondition&,
                         const AlertCondition&) = default;

  bool IsTrueOf(double value) const;

  Measure measure = Measure::kErrorRate;
  Order order = Order::kAbove;
  double threshold = 0;
};

// INVALID_ARGUMENT says what is wrong and what is allowed, without a subject.
absl::StatusOr<AlertCondition> ParseAlertCondition(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_ALERTS_ALERT_CONDITION_H_
