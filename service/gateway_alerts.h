// GatewayAlerts is the process's part in alerts: how they stand, the counts
// that their conditions are of, and the watch on one loop that looks and tells.
//
//   GatewayAlerts alerts(SystemClock());
//   alerts.Open(config, state);
//   ... LoopRuntime::Shared{.alerts = &alerts.counts()} ...
//   alerts.Follow(*loops[0], runtime, state, worker, registry);
//   ...
//   alerts.Stop();  // While the loop runs.
//
// Thread contract: one thread, which is none of the loops'; the board and the
// counts are thread-safe. Outlives the state store, which it is kept in.

#ifndef SERVICE_GATEWAY_ALERTS_H_
#define SERVICE_GATEWAY_ALERTS_H_

#include <optional>

#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/event_loop.h"
#include "base/os/clock.h"
#include "service/alerts/alert_board.h"
#include "service/alerts/alert_counts.h"
#include "service/api/alert_watch.h"
#include "service/config/snapshot.h"
#include "service/loop_runtime.h"
#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"
#include "service/state/state_store.h"

namespace gateway {

class GatewayAlerts {
 public:
  // How old may be after a crash what was spent in the last hour.
  static constexpr absl::Duration kKeepInterval = absl::Minutes(1);

  // Borrows `clock`.
  explicit GatewayAlerts(Clock& clock)
      : clock_(clock), board_(clock.WallTime()) {}

  GatewayAlerts(const GatewayAlerts&) = delete;
  GatewayAlerts& operator=(const GatewayAlerts&) = delete;

  // Restores how alerts stood, and keeps that from now on.
  void Open(const ConfigSnapshot& config, StateStore& state);

  AlertBoard& board() { return board_; }
  AlertCounts& counts() { return counts_; }

  // Looks and tells on that loop, which must outlive Stop, as all the others
  // must, which are borrowed.
  void Follow(LoopRuntime& runtime, const CurrentRuntime& current,
              StateStore& state, BlockingWorker& worker,
              MetricRegistry& registry);
  // Another configuration is in use: it is followed by when the loop has done
  // what it is told next.
  void Change();

  // Gives up what is being told, which the next process tells if the state is
  // kept, and returns when that has ended.
  void Stop();

 private:
  Clock& clock_;
  AlertBoard board_;
  AlertCounts counts_;
  std::optional<AlertWatch> watch_;
  EventLoop* loop_ = nullptr;  // Null unless the watch runs.
};

}  // namespace gateway

#endif  // SERVICE_GATEWAY_ALERTS_H_
