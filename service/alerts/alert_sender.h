// AlertSender does what actions say when alerts fire and are resolved: it sends
// webhooks, writes lines of the log and disables models, again until that is
// done, for kAlertPatience after it happened or, later, was due.
//
//   AlertSender sender(loop, http, clock, worker, {.disable = ...});
//   if (sender.Send(action, event)) ...  // On the loop.
//   ...
//   co_await sender.Stop();              // On the loop.
//
// What is told of an alert is told in its order: while one event of an alert
// and its subject is under way, Send takes no other of them. At most
// kUnderWayMax are under way at once.
//
// Thread contract: one event loop.

#ifndef SERVICE_ALERTS_ALERT_SENDER_H_
#define SERVICE_ALERTS_ALERT_SENDER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "base/net/tls_context.h"
#include "base/os/clock.h"
#include "service/alerts/alert_rule.h"

namespace gateway {

// For so long after it happened, or was due, an event is told again.
inline constexpr absl::Duration kAlertPatience = absl::Minutes(10);

class AlertSender {
 public:
  // More than wait on an AlertBoard, so that a receiver that is down keeps
  // nobody else's events waiting.
  static constexpr size_t kUnderWayMax = 320;

  // Disables the model that an event is about. Called on the worker.
  using Disable = std::function<absl::Status(const AlertEvent& event)>;
  // Called on the loop once an event was told, or given up for that; not for
  // those that Stop ends.
  using Done =
      std::function<void(const AlertEvent& event, const absl::Status& outcome)>;
  struct Calls {
    Disable disable;
    Done done;
    // Called on the loop when an attempt has failed and another will be made.
    Done failed;
    // Whether an event still is to be told. Called on the loop before each
    // attempt but the first; one that is not ends, and nothing is called.
    std::function<bool(const AlertEvent& event)> is_due;
  };

  // Borrows all but `calls`.
  AlertSender(EventLoop& loop, HttpClient& http, Clock& clock,
              BlockingWorker& worker, Calls calls);

  AlertSender(const AlertSender&) = delete;
  AlertSender& operator=(const AlertSender&) = delete;

  // Begins to tell of an event. Returns false, and does nothing, if it has to
  // wait, until Done is called for another.
  bool Send(std::shared_ptr<const AlertAction> action, AlertEvent event);

  // Gives up what is under way, and returns once that has ended. No Send
  // follows.
  Task<void> Stop();

  size_t under_way() const { return under_way_.size(); }

 private:
  // An alert's name and its subject.
  using Key = std::pair<std::string, std::string>;

  Task<void> Deliver(std::shared_ptr<const AlertAction> action,
                     AlertEvent event);
  // Reading the authorities takes some milliseconds, and files.
  Task<absl::StatusOr<std::shared_ptr<TlsContext>>> Tls();
  Task<absl::Status> Try(const AlertAction& action, const AlertEvent& event);
  Task<absl::Status> TryWebhook(const AlertAction& action,
                                const AlertEvent& event);
  Task<absl::Status> TryDisable(const AlertEvent& event);

  EventLoop& loop_;
  HttpClient& http_;
  Clock& clock_;
  BlockingWorker& worker_;
  const Calls calls_;
  std::shared_ptr<TlsContext> tls_;  // Null before it is needed.
  std::set<Key> under_way_;
  CancelSignal stop_;
  WakeUp ended_;
};

}  // namespace gateway

#endif  // SERVICE_ALERTS_ALERT_SENDER_H_
