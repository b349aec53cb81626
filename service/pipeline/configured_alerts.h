// What a configuration says of alerts (service/alerts), made ready.
//
//   board.SetRules(AlertRulesOf(config), now);
//   const AlertActions actions = AlertActionsOf(config);
//
// Thread-safe: plain functions.

#ifndef SERVICE_PIPELINE_CONFIGURED_ALERTS_H_
#define SERVICE_PIPELINE_CONFIGURED_ALERTS_H_

#include <vector>

#include "service/alerts/alert_rule.h"
#include "service/config/snapshot.h"

namespace gateway {

// In their order.
std::vector<AlertRule> AlertRulesOf(const ConfigSnapshot& config);

AlertActions AlertActionsOf(const ConfigSnapshot& config);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CONFIGURED_ALERTS_H_
