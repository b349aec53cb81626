#include "service/alerts/alert_sender.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "service/alerts/alert_text.h"
#include "service/alerts/webhook.h"

namespace gateway {

AlertSender::AlertSender(EventLoop& loop, HttpClient& http, Clock& clock,
                         BlockingWorker& worker, Calls calls)
    : loop_(loop),
      http_(http),
      clock_(clock),
      worker_(worker),
      calls_(std::move(calls)) {}

bool AlertSender::Send(std::shared_ptr<const AlertAction> action,
                       AlertEvent event) {
  const Key key = {event.alert, event.subject};
  if (under_way_.contains(key) || HasToWait(key, event) || !HasPlace(event)) {
    return false;
  }
  under_way_.emplace(key, event.action);
  Spawn(Deliver(std::move(action), std::move(event)));
  return true;
}

bool AlertSender::HasToWait(const Key& key, const AlertEvent& event) {
  const auto retry = retries_.find(key);
  if (retry == retries_.end()) return false;
  const bool is_gone = retry->second.over < clock_.WallTime();
  if (is_gone || (retry->second.id != event.id && !event.id.empty())) {
    retries_.erase(retry);
    return false;
  }
  // One without an id is told for want of another.
  return retry->second.id != event.id || loop_.Now() < retry->second.next;
}

bool AlertSender::HasPlace(const AlertEvent& event) const {
  size_t of_action = 0;
  size_t of_alert = 0;
  for (const auto& [key, action] : under_way_) {
    if (action != event.action) continue;
    ++of_action;
    of_alert += key.first == event.alert;
  }
  return of_action < kOfActionMax && of_alert < kOfAlertMax;
}

Task<void> AlertSender::Deliver(std::shared_ptr<const AlertAction> action,
                                AlertEvent event) {
  calls_.begun(event);
  absl::Status outcome = co_await Try(*action, event);
  under_way_.erase({event.alert, event.subject});
  if (!stop_.cancelled()) Settle(event, std::move(outcome));
  ended_.Set();
}

void AlertSender::Settle(const AlertEvent& event, absl::Status outcome) {
  const Key key = {event.alert, event.subject};
  if (outcome.ok()) {
    retries_.erase(key);
    calls_.done(event, outcome);
    return;
  }
  const absl::Time now = clock_.WallTime();
  // Of what is sent no more, since it was withdrawn, nothing is kept for long.
  std::erase_if(retries_,
                [now](const auto& each) { return each.second.over < now; });
  Retry& retry = retries_[key];
  if (retry.attempts == 0) {
    retry.over = std::max(event.time, event.due) + kAlertPatience;
  }
  retry.id = event.id;
  ++retry.attempts;
  const absl::Duration wait = WebhookBackoff(retry.attempts);
  if (now + wait <= retry.over) {
    retry.next = loop_.Now() + wait;
    calls_.failed(event, outcome);
    return;
  }
  outcome = absl::Status(
      outcome.code(),
      absl::StrCat("given up after ", retry.attempts,
                   retry.attempts == 1 ? " attempt: " : " attempts: ",
                   outcome.message()));
  retries_.erase(key);
  calls_.done(event, outcome);
}

Task<absl::Status> AlertSender::Try(const AlertAction& action,
                                    const AlertEvent& event) {
  switch (action.kind) {
    case AlertAction::Kind::kWebhook:
      co_return co_await TryWebhook(action, event);
    case AlertAction::Kind::kLog:
      WriteAlertLine(event);
      co_return absl::OkStatus();
    case AlertAction::Kind::kDisableModel:
      co_return co_await TryDisable(event);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> AlertSender::TryWebhook(const AlertAction& action,
                                           const AlertEvent& event) {
  if (absl::StartsWith(ToAbsl(action.url.Reveal()), "https:") &&
      tls_ == nullptr) {
    absl::StatusOr<std::shared_ptr<TlsContext>> made = co_await Tls();
    if (!made.ok()) co_return made.status();
    tls_ = *std::move(made);
  }
  co_return co_await PostWebhook(http_, tls_, action, event, stop_);
}

Task<absl::Status> AlertSender::TryDisable(const AlertEvent& event) {
  // Whoever has mended it enables it again.
  if (!event.firing) co_return absl::OkStatus();
  auto disable = [disable = calls_.disable, event] {
    return WorkStatus{disable(event)};
  };
  const absl::StatusOr<WorkStatus> disabled =
      co_await worker_.Run(std::move(disable), stop_);
  co_return disabled.ok() ? disabled->status : disabled.status();
}

Task<absl::StatusOr<std::shared_ptr<TlsContext>>> AlertSender::Tls() {
  auto make = [] { return TlsContext::ForClient({.alpn = {"http/1.1"}}); };
  absl::StatusOr<absl::StatusOr<std::shared_ptr<TlsContext>>> made =
      co_await worker_.Run(std::move(make), stop_);
  if (!made.ok()) co_return made.status();
  co_return *std::move(made);
}

Task<void> AlertSender::Stop() {
  stop_.Cancel(absl::CancelledError("the gateway is shutting down"));
  while (!under_way_.empty()) co_await ended_.Wait();
}

}  // namespace gateway
