#include "service/gateway_alerts.h"

#include <string>
#include <utility>

#include "service/api/alert_document.h"
#include "service/api/alert_metrics.h"
#include "service/pipeline/configured_alerts.h"

namespace gateway {

void GatewayAlerts::Open(const ConfigSnapshot& config, StateStore& state) {
  board_.SetRules(AlertRulesOf(config), clock_.WallTime());
  RestoreAlerts(state, &board_);
  state.WriteEvery(kAlertDocument, kKeepInterval, [this] {
    return board_.Names().empty() ? std::string() : board_.Write();
  });
}

void GatewayAlerts::Follow(LoopRuntime& runtime, const CurrentRuntime& current,
                           StateStore& state, BlockingWorker& worker,
                           MetricRegistry& registry) {
  watch_.emplace(AlertWatch::Sources{.current = current,
                                     .board = board_,
                                     .counts = counts_,
                                     .state = state,
                                     .worker = worker});
  AddAlertMetrics(board_, *watch_, clock_, registry);
  loop_ = &runtime.loop();
  loop_->Post([this, &runtime] {
    Spawn(watch_->Run(runtime.loop(), runtime.services().http));
  });
}

void GatewayAlerts::Change() {
  if (loop_ != nullptr) loop_->Post([this] { watch_->Follow(); });
}

void GatewayAlerts::Stop() {
  if (loop_ != nullptr) watch_->Stop(*std::exchange(loop_, nullptr));
}

}  // namespace gateway
