// What is watched, what is done about it, and what is told.
//
// Thread-compatible: plain data.

#ifndef SERVICE_ALERTS_ALERT_RULE_H_
#define SERVICE_ALERTS_ALERT_RULE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/secret.h"
#include "service/alerts/alert_condition.h"

namespace gateway {

struct AlertRule {
  std::string name;
  std::string text;  // The condition as it was configured.
  AlertCondition condition;
  std::string action;
  // Over which rates and latencies are taken, and for which the condition has
  // to be false before it is resolved.
  absl::Duration window = absl::Minutes(5);
  int64_t calls_min = 10;
};

struct AlertAction {
  enum class Kind { kWebhook, kLog, kDisableModel };

  Kind kind = Kind::kLog;
  // Of a webhook. With some services the address is all that it takes.
  Secret url{""};
  Secret signing_key{""};  // Empty for no signature.
  std::vector<std::pair<std::string, Secret>> headers;
  absl::Duration timeout = absl::Seconds(5);
};

// By name.
using AlertActions = std::map<std::string, AlertAction, std::less<>>;

// An alert has fired, or is resolved.
struct AlertEvent {
  friend bool operator==(const AlertEvent&, const AlertEvent&) = default;

  // The same whenever the event is told, and of no other.
  std::string id;
  std::string alert;
  std::string condition;
  std::string action;
  // `provider/model`; empty if it is about all calls.
  std::string subject;
  bool firing = false;
  absl::Time time;
  double value = 0;
  // When it was to be told, if that is after it happened, as after a silence.
  absl::Time due = absl::InfinitePast();
};

// How many failures a model of a provider has had in a row.
struct FailureRow {
  std::string provider;
  std::string model;
  int failures = 0;
};

}  // namespace gateway

#endif  // SERVICE_ALERTS_ALERT_RULE_H_
