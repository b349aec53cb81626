// Metrics of alerts:
//
//   llmgw_alert_firing{alert}                  for how many subjects it fires:
//                                              0 or 1, more where it is about
//                                              models
//   llmgw_alert_silenced{alert}                1 while it tells nobody
//   llmgw_alert_notifications_total{outcome}   what was told, and given up
//   llmgw_alert_failed_attempts_total          how often it could not be told
//                                              at once
//   llmgw_alert_notifications_pending          what waits to be told
//   llmgw_models_disabled_by_alerts_total      how often an alert has disabled
//                                              a model
//
// `alert` is a name of the configuration, which bounds how many there are.
//
//   AddAlertMetrics(board, watch, registry);
//
// Thread-safe: a plain function.

#ifndef SERVICE_API_ALERT_METRICS_H_
#define SERVICE_API_ALERT_METRICS_H_

#include "base/os/clock.h"
#include "service/alerts/alert_board.h"
#include "service/api/alert_watch.h"
#include "service/observability/metrics.h"

namespace gateway {

// Borrows `board`, `watch` and `clock`, which must live as long as `registry`
// is read.
void AddAlertMetrics(const AlertBoard& board, const AlertWatch& watch,
                     Clock& clock, MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_API_ALERT_METRICS_H_
