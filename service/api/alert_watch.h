// AlertWatch looks at the conditions of alerts as often as the configuration
// says, and has told what fires and what is resolved (service/alerts).
//
//   AlertWatch watch({.current = runtime, .board = board, .counts = counts,
//                     .state = store, .worker = worker});
//   loop.Post([&] { Spawn(watch.Run(loop, http)); });
//   ...
//   watch.Stop(loop);  // From a thread that is not the loop's.
//
// What is to be told is kept in the store before, and that it was told after: a
// process that is killed leaves it to the next, which tells it under the same
// id. Where nothing is kept, who is killed forgets.
//
// Another configuration holds from the next look on, or from Follow on. What is
// to be told by an action that it has no more is told by the one that the
// alert's rule has now; if the rule is gone, too, by the action as it was,
// which is kept for that. A process that begins later does not know it: nobody
// is told, which the log says.
//
// A model that an alert has disabled and an operator has enabled is disabled
// again if it fails as often again, whether or not the alert was resolved
// meanwhile.
//
// Thread contract: Run on one event loop, once; Follow there; Stop from another
// thread; disabled_models from any.

#ifndef SERVICE_API_ALERT_WATCH_H_
#define SERVICE_API_ALERT_WATCH_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "service/alerts/alert_board.h"
#include "service/alerts/alert_counts.h"
#include "service/alerts/alert_rule.h"
#include "service/alerts/alert_sender.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/state/state_store.h"

namespace gateway {

class AlertWatch {
 public:
  // How often it sees whether there is another configuration.
  static constexpr absl::Duration kTick = absl::Seconds(1);
  // How often it counts what an hour costs while nothing is configured.
  static constexpr absl::Duration kIdleInterval = absl::Seconds(15);

  struct Sources {
    // All are borrowed.
    const CurrentRuntime& current;
    AlertBoard& board;
    const AlertCounts& counts;
    StateStore& state;
    BlockingWorker& worker;
  };

  explicit AlertWatch(const Sources& sources) : sources_(sources) {}

  AlertWatch(const AlertWatch&) = delete;
  AlertWatch& operator=(const AlertWatch&) = delete;

  // Looks and tells until Stop.
  Task<void> Run(EventLoop& loop, HttpClient& http);

  // Puts the rules and actions of the configuration in use into force.
  void Follow();

  // Returns once Run has. REQUIRES: Run was posted to `loop`, which is running.
  void Stop(EventLoop& loop);
  // On the loop.
  void StopOnLoop();

  // How many models alerts have disabled since the process began.
  int64_t disabled_models() const {
    return disabled_models_.load(std::memory_order_relaxed);
  }

 private:
  Task<void> Look(EventLoop& loop);
  // Has the disk know how alerts stand.
  Task<void> Keep();
  void KeepSoon();
  // One line for all that were given up since the last.
  void LogCrowdedOut();
  // Has told what waits, as far as nothing before it of the same is under way.
  void Dispatch();
  void DisableAgain(const RuntimeSnapshot& runtime);
  // Null if there is no such action.
  std::shared_ptr<const AlertAction> FindAction(const std::string& name) const;
  // Keeps those of `before` that have gone and still are to tell something, and
  // forgets those that are not any more.
  void KeepPrevious(const AlertActions& before);
  // By what an event is told, whose action becomes that one. Null if there is
  // nothing any more.
  std::shared_ptr<const AlertAction> ActionFor(AlertEvent* event);
  void Told(const AlertEvent& event, const absl::Status& outcome);
  // On the worker.
  absl::Status DisableModel(const AlertEvent& event);

  const Sources sources_;
  Latch ended_;
  std::atomic<int64_t> disabled_models_ = 0;

  // Of Run's loop.
  CancelSignal stop_;
  std::unique_ptr<AlertSender> sender_;  // Null unless Run runs.
  std::shared_ptr<const AlertActions> actions_;
  std::vector<AlertRule> rules_;
  // What is configured no more, and is to tell something yet.
  std::map<std::string, std::shared_ptr<const AlertAction>> previous_;
  std::string fingerprint_;  // Of the configuration that is followed.
  absl::Duration interval_;
  absl::Duration next_look_ = -absl::InfiniteDuration();
  int64_t logged_crowded_out_ = 0;
  bool dispatches_ = false;        // Dispatch is under way...
  bool dispatches_again_ = false;  // ... and was called meanwhile.
};

}  // namespace gateway

#endif  // SERVICE_API_ALERT_WATCH_H_
