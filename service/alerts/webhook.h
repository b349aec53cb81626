// What a webhook is told of an alert, and how (docs/alerts.md).
//
//   POST /hooks/gateway HTTP/1.1
//   content-type: application/json
//   x-llmgateway-signature: sha256=5f1c...
//
//   {"id":"...","alert":"high_error_rate","state":"firing",...}
//
// Thread-safe: plain functions; PostWebhook on an event loop.

#ifndef SERVICE_ALERTS_WEBHOOK_H_
#define SERVICE_ALERTS_WEBHOOK_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "base/net/tls_context.h"
#include "service/alerts/alert_rule.h"

namespace gateway {

// One object of JSON.
std::string WebhookBody(const AlertEvent& event);

// Returns `sha256=` and the HMAC-SHA256 of the body in hexadecimal digits.
std::string WebhookSignature(std::string_view key, std::string_view body);

// INVALID_ARGUMENT says what is wrong, without a subject: it must be `https`,
// or `http` for loopback.
absl::Status CheckWebhookUrl(std::string_view url);

// Sends the event once. OK if it was taken, which an answer of 2xx says.
// Redirects are not followed. `tls` is for addresses of `https`. REQUIRES: the
// action is a webhook whose url CheckWebhookUrl passes.
Task<absl::Status> PostWebhook(HttpClient& http,
                               std::shared_ptr<TlsContext> tls,
                               const AlertAction& action,
                               const AlertEvent& event, CancelSignal& cancel);

// How long to wait after so many failures, from 1 on: a second, then
// twice as long each time, and at most a minute.
absl::Duration WebhookBackoff(int failures);

}  // namespace gateway

#endif  // SERVICE_ALERTS_WEBHOOK_H_
