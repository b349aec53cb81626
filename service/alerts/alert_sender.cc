#include "service/alerts/alert_sender.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/async/sleep.h"
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
  if (under_way_.size() >= kUnderWayMax) return false;
  if (!under_way_.emplace(event.alert, event.subject).second) return false;
  Spawn(Deliver(std::move(action), std::move(event)));
  return true;
}

Task<void> AlertSender::Deliver(std::shared_ptr<const AlertAction> action,
                                AlertEvent event) {
  const absl::Time over = std::max(event.time, event.due) + kAlertPatience;
  absl::Status outcome;
  bool is_due = true;
  for (int attempts = 1;; ++attempts) {
    outcome = co_await Try(*action, event);
    if (outcome.ok() || stop_.cancelled()) break;
    const absl::Duration wait = WebhookBackoff(attempts);
    if (clock_.WallTime() + wait > over) {
      outcome = absl::Status(
          outcome.code(),
          absl::StrCat(
              "given up after ", attempts,
              attempts == 1 ? " attempt: " : " attempts: ", outcome.message()));
      break;
    }
    calls_.failed(event, outcome);
    if (!(co_await Sleep(loop_, wait, stop_)).ok()) break;
    is_due = calls_.is_due(event);
    if (!is_due) break;
  }
  under_way_.erase({event.alert, event.subject});
  if (is_due && !stop_.cancelled()) calls_.done(event, outcome);
  ended_.Set();
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
  auto disable = [disable = calls_.disable, event] { return disable(event); };
  const absl::StatusOr<absl::Status> disabled =
      co_await worker_.Run(std::move(disable), stop_);
  co_return disabled.ok() ? *disabled : disabled.status();
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
