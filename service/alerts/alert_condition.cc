#include "service/alerts/alert_condition.h"

#include <cmath>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/string_view.h"

namespace gateway {
namespace {

using Measure = AlertCondition::Measure;
using Order = AlertCondition::Order;

struct MeasureName {
  absl::string_view name;
  Measure measure;
  const char* example;
};
constexpr MeasureName kMeasures[] = {
    {"error_rate", Measure::kErrorRate, "error_rate > 5%"},
    {"avg_latency", Measure::kAverageLatency, "avg_latency > 10s"},
    {"hourly_cost", Measure::kHourlyCost, "hourly_cost > $50"},
    {"model_consecutive_failures", Measure::kConsecutiveFailures,
     "model_consecutive_failures > 5"}};

struct OrderName {
  absl::string_view name;
  Order order;
};
// Longer ones first.
constexpr OrderName kOrders[] = {{">=", Order::kAtLeast},
                                 {"<=", Order::kAtMost},
                                 {">", Order::kAbove},
                                 {"<", Order::kBelow}};

// The largest number that a condition may have, in its unit.
constexpr double kThresholdMax = 1e12;

std::optional<double> NumberIn(absl::string_view text) {
  double number = 0;
  if (!absl::SimpleAtod(text, &number) || !std::isfinite(number) ||
      number < 0 || number > kThresholdMax) {
    return std::nullopt;
  }
  return number;
}

// Returns the number in the measure's unit; nothing if it is not in that.
std::optional<double> ThresholdIn(absl::string_view text, Measure measure) {
  switch (measure) {
    case Measure::kErrorRate:
      if (!absl::ConsumeSuffix(&text, "%")) return std::nullopt;
      return NumberIn(absl::StripTrailingAsciiWhitespace(text));
    case Measure::kAverageLatency: {
      absl::Duration duration;
      if (!absl::ParseDuration(text, &duration) ||
          duration < absl::ZeroDuration() ||
          duration == absl::InfiniteDuration()) {
        return std::nullopt;
      }
      return absl::ToDoubleSeconds(duration);
    }
    case Measure::kHourlyCost:
      if (!absl::ConsumePrefix(&text, "$")) return std::nullopt;
      return NumberIn(absl::StripLeadingAsciiWhitespace(text));
    case Measure::kConsecutiveFailures: {
      const std::optional<double> number = NumberIn(text);
      if (!number.has_value() || std::floor(*number) != *number) {
        return std::nullopt;
      }
      return number;
    }
  }
  return std::nullopt;
}

}  // namespace

bool AlertCondition::IsTrueOf(double value) const {
  switch (order) {
    case Order::kAbove:
      return value > threshold;
    case Order::kAtLeast:
      return value >= threshold;
    case Order::kBelow:
      return value < threshold;
    case Order::kAtMost:
      return value <= threshold;
  }
  return false;
}

absl::StatusOr<AlertCondition> ParseAlertCondition(std::string_view text) {
  absl::string_view rest = absl::StripAsciiWhitespace(ToAbsl(text));
  const MeasureName* found = nullptr;
  for (const MeasureName& each : kMeasures) {
    absl::string_view behind = rest;
    if (!absl::ConsumePrefix(&behind, each.name)) continue;
    if (!behind.empty() &&
        (absl::ascii_isalnum(behind[0]) || behind[0] == '_')) {
      continue;
    }
    found = &each;
    rest = absl::StripLeadingAsciiWhitespace(behind);
  }
  if (found == nullptr) {
    return absl::InvalidArgumentError(
        "must begin with error_rate, avg_latency, hourly_cost or "
        "model_consecutive_failures, as in 'error_rate > 5%'");
  }
  AlertCondition condition = {.measure = found->measure};
  bool has_order = false;
  for (const OrderName& each : kOrders) {
    if (!absl::ConsumePrefix(&rest, each.name)) continue;
    condition.order = each.order;
    has_order = true;
    break;
  }
  if (!has_order) {
    return absl::InvalidArgumentError(
        absl::StrCat("must have >, >=, < or <= behind ", found->name,
                     ", as in '", found->example, "'"));
  }
  const std::optional<double> threshold =
      ThresholdIn(absl::StripLeadingAsciiWhitespace(rest), found->measure);
  if (!threshold.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("must end with a number in the unit of ", found->name,
                     ", as in '", found->example, "'"));
  }
  condition.threshold = *threshold;
  return condition;
}

}  // namespace gateway
