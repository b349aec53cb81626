// AlertSender does what actions say when alerts fire and are resolved: it sends
// webhooks, writes lines of the log and disables models. Send makes one
// attempt; whoever has the event sends it again until Done, a second later,
// then two, four and so on, for kAlertPatience after it happened or, later, was
// due.
//
//   AlertSender sender(loop, http, clock, worker, {.disable = ...});
//   if (sender.Send(action, event)) ...  // On the loop, now and then.
//   ...
//   co_await sender.Stop();              // On the loop.
//
// While an attempt for an alert and its subject is under way, Send takes no
// other of them. Of one action, which is one receiver, at most
// kOfActionMax are under way at once, and for one alert at most kOfAlertMax of
// these, so that neither a receiver that does not answer nor an alert of many
// subjects holds more than its share.
//
// Thread contract: one event loop.

#ifndef SERVICE_ALERTS_ALERT_SENDER_H_
#define SERVICE_ALERTS_ALERT_SENDER_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
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
  static constexpr size_t kOfActionMax = 16;
  static constexpr size_t kOfAlertMax = 4;

  // Disables the model that an event is about. Called on the worker.
  using Disable = std::function<absl::Status(const AlertEvent& event)>;
  // Called on the loop once an event was told, or given up for that; not for
  // those that Stop ends.
  using Done =
      std::function<void(const AlertEvent& event, const absl::Status& outcome)>;
  struct Calls {
    Disable disable;
    Done done;
    // Called on the loop when an attempt has failed and another is to be made.
    Done failed;
    // Called on the loop when an attempt begins, which `done` or `failed` ends.
    std::function<void(const AlertEvent& event)> begun;
  };

  // Borrows all but `calls`.
  AlertSender(EventLoop& loop, HttpClient& http, Clock& clock,
              BlockingWorker& worker, Calls calls);

  AlertSender(const AlertSender&) = delete;
  AlertSender& operator=(const AlertSender&) = delete;

  // Begins an attempt to tell of an event. Returns false, and does nothing, if
  // it has to wait: for the end of another, or since one has failed just now.
  bool Send(std::shared_ptr<const AlertAction> action, AlertEvent event);

  // Gives up what is under way, and returns once that has ended. No Send
  // follows.
  Task<void> Stop();

  size_t under_way() const { return under_way_.size(); }

 private:
  // An alert's name and its subject.
  using Key = std::pair<std::string, std::string>;

  // What has failed and may be sent again.
  struct Retry {
    std::string id;
    int attempts = 0;
    absl::Duration next;  // Steady.
    absl::Time over;
  };

  // Whether a failure of the same is too fresh; forgets one of another.
  bool HasToWait(const Key& key, const AlertEvent& event);
  bool HasPlace(const AlertEvent& event) const;
  Task<void> Deliver(std::shared_ptr<const AlertAction> action,
                     AlertEvent event);
  void Settle(const AlertEvent& event, absl::Status outcome);
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
  std::map<Key, std::string> under_way_;  // The actions.
  std::map<Key, Retry> retries_;
  CancelSignal stop_;
  WakeUp ended_;
};

}  // namespace gateway

#endif  // SERVICE_ALERTS_ALERT_SENDER_H_
