// AlertSender tells webhooks of events, again until they are taken, for
// kWebhookPatience after they happened.
//
//   AlertSender sender(loop, http, clock, worker, [](id, outcome) { ... });
//   sender.Send(action, event);   // On the loop.
//   ...
//   sender.Stop();                // On the loop; then await sender.idle().
//
// Thread contract: one event loop.

#ifndef SERVICE_ALERTS_ALERT_SENDER_H_
#define SERVICE_ALERTS_ALERT_SENDER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/blocking_worker.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "base/net/tls_context.h"
#include "base/os/clock.h"
#include "service/alerts/alert_rule.h"

namespace gateway {

class AlertSender {
 public:
  // Called on the loop once an event was taken, or given up for that; not for
  // those that Stop ends.
  using Done =
      std::function<void(const AlertEvent& event, const absl::Status& outcome)>;

  // Borrows all but `done`.
  AlertSender(EventLoop& loop, HttpClient& http, Clock& clock,
              BlockingWorker& worker, Done done);

  AlertSender(const AlertSender&) = delete;
  AlertSender& operator=(const AlertSender&) = delete;

  // Begins to tell of an event. At most AlertBoard::kPendingMax are under way,
  // since no more are pending there.
  void Send(std::shared_ptr<const AlertAction> action, AlertEvent event);

  // Gives up what is under way, and returns once that has ended. No Send
  // follows.
  Task<void> Stop();

  int under_way() const { return under_way_; }

 private:
  Task<void> Deliver(std::shared_ptr<const AlertAction> action,
                     AlertEvent event);
  // Reading the authorities takes some milliseconds, and files.
  Task<absl::StatusOr<std::shared_ptr<TlsContext>>> Tls();
  Task<absl::Status> Try(const AlertAction& action, const AlertEvent& event);

  EventLoop& loop_;
  HttpClient& http_;
  Clock& clock_;
  BlockingWorker& worker_;
  const Done done_;
  std::shared_ptr<TlsContext> tls_;  // Null before it is needed.
  int under_way_ = 0;
  CancelSignal stop_;
  WakeUp ended_;
};

}  // namespace gateway

#endif  // SERVICE_ALERTS_ALERT_SENDER_H_
