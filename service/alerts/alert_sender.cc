#include "service/alerts/alert_sender.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/sleep.h"
#include "service/alerts/webhook.h"

namespace gateway {

AlertSender::AlertSender(EventLoop& loop, HttpClient& http, Clock& clock,
                         BlockingWorker& worker, Done done)
    : loop_(loop),
      http_(http),
      clock_(clock),
      worker_(worker),
      done_(std::move(done)) {}

void AlertSender::Send(std::shared_ptr<const AlertAction> action,
                       AlertEvent event) {
  ++under_way_;
  Spawn(Deliver(std::move(action), std::move(event)));
}

Task<void> AlertSender::Deliver(std::shared_ptr<const AlertAction> action,
                                AlertEvent event) {
  const absl::Time over = event.time + kWebhookPatience;
  absl::Status outcome;
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
    if (!(co_await Sleep(loop_, wait, stop_)).ok()) break;
  }
  if (!stop_.cancelled()) done_(event, outcome);
  --under_way_;
  ended_.Set();
}

Task<absl::Status> AlertSender::Try(const AlertAction& action,
                                    const AlertEvent& event) {
  if (absl::StartsWith(action.url, "https:") && tls_ == nullptr) {
    absl::StatusOr<std::shared_ptr<TlsContext>> made = co_await Tls();
    if (!made.ok()) co_return made.status();
    tls_ = *std::move(made);
  }
  co_return co_await PostWebhook(http_, tls_, action, event, stop_);
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
  while (under_way_ > 0) co_await ended_.Wait();
}

}  // namespace gateway
