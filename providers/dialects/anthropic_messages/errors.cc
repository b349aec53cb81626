#include "providers/dialects/anthropic_messages/errors.h"

#include <algorithm>
#include <iterator>

#include "absl/time/time.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "providers/dialects/error_reason.h"

namespace gateway::anthropic {
namespace {

// How a reason is told to callers.
struct Telling {
  v1::ErrorReason reason;
  int http_status;
  std::string_view type;
};

constexpr Telling kTellings[] = {
    {v1::ERROR_REASON_INVALID_REQUEST, 400, "invalid_request_error"},
    {v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED, 400, "invalid_request_error"},
    {v1::ERROR_REASON_REQUEST_TOO_LARGE, 413, "request_too_large"},
    {v1::ERROR_REASON_CONTENT_POLICY, 400, "invalid_request_error"},
    {v1::ERROR_REASON_CAPABILITY_UNSUPPORTED, 400, "invalid_request_error"},
    {v1::ERROR_REASON_API_KEY_INVALID, 401, "authentication_error"},
    {v1::ERROR_REASON_API_KEY_EXPIRED, 401, "authentication_error"},
    {v1::ERROR_REASON_API_KEY_DISABLED, 401, "authentication_error"},
    {v1::ERROR_REASON_IDENTITY_UNAVAILABLE, 503, "api_error"},
    {v1::ERROR_REASON_CONTEXT_SERVICE_UNAVAILABLE, 503, "api_error"},
    {v1::ERROR_REASON_STORE_UNAVAILABLE, 503, "api_error"},
    {v1::ERROR_REASON_MODEL_NOT_ALLOWED, 403, "permission_error"},
    {v1::ERROR_REASON_FORBIDDEN, 403, "permission_error"},
    {v1::ERROR_REASON_NOT_ROLLED_OUT, 403, "permission_error"},
    {v1::ERROR_REASON_MODEL_NOT_FOUND, 404, "not_found_error"},
    {v1::ERROR_REASON_PROVIDER_NOT_FOUND, 404, "not_found_error"},
    {v1::ERROR_REASON_NOT_FOUND, 404, "not_found_error"},
    {v1::ERROR_REASON_CONFLICT, 409, "conflict_error"},
    {v1::ERROR_REASON_IDEMPOTENCY_MISMATCH, 422, "invalid_request_error"},
    {v1::ERROR_REASON_ETAG_MISMATCH, 412, "conflict_error"},
    {v1::ERROR_REASON_CONFIG_INVALID, 400, "invalid_request_error"},
    {v1::ERROR_REASON_RESTART_REQUIRED, 400, "invalid_request_error"},
    {v1::ERROR_REASON_NOT_CONFIGURED, 400, "invalid_request_error"},
    {v1::ERROR_REASON_RATE_LIMITED, 429, "rate_limit_error"},
    {v1::ERROR_REASON_BUDGET_EXCEEDED, 402, "billing_error"},
    {v1::ERROR_REASON_PROVIDER_RATE_LIMITED, 429, "rate_limit_error"},
    {v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED, 503, "api_error"},
    {v1::ERROR_REASON_CONCURRENCY_LIMITED, 429, "rate_limit_error"},
    {v1::ERROR_REASON_SESSION_LIMITED, 429, "rate_limit_error"},
    {v1::ERROR_REASON_PROVIDER_AUTH_FAILED, 502, "api_error"},
    {v1::ERROR_REASON_PROVIDER_UNAVAILABLE, 502, "api_error"},
    {v1::ERROR_REASON_PROVIDER_TIMEOUT, 504, "timeout_error"},
    {v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, 502, "api_error"},
    {v1::ERROR_REASON_STREAM_INTERRUPTED, 502, "api_error"},
    {v1::ERROR_REASON_PROVIDER_CONFLICT, 409, "conflict_error"},
    {v1::ERROR_REASON_CIRCUIT_OPEN, 529, "overloaded_error"},
    {v1::ERROR_REASON_OVERLOADED, 529, "overloaded_error"},
    {v1::ERROR_REASON_DRAINING, 529, "overloaded_error"},
    {v1::ERROR_REASON_LEDGER_UNAVAILABLE, 529, "overloaded_error"},
    {v1::ERROR_REASON_MODEL_DISABLED, 529, "overloaded_error"},
    {v1::ERROR_REASON_STATE_NOT_KEPT, 507, "api_error"},
    {v1::ERROR_REASON_RESPONSE_VALIDATION, 422, "invalid_request_error"},
    {v1::ERROR_REASON_DEADLINE_EXCEEDED, 504, "timeout_error"},
    {v1::ERROR_REASON_CANCELLED, 499, "api_error"},
    {v1::ERROR_REASON_UNIMPLEMENTED, 501, "api_error"},
    {v1::ERROR_REASON_INTERNAL, 500, "api_error"},
};

Telling TellingOf(const absl::Status& status) {
  const v1::ErrorReason reason = ToldReason(status);
  const auto* found =
      std::find_if(std::begin(kTellings), std::end(kTellings),
                   [&](const Telling& each) { return each.reason == reason; });
  if (IsOverload(status)) return {reason, 529, "overloaded_error"};
  return found != std::end(kTellings) ? *found : *std::prev(found);
}

std::string Body(std::string_view type, std::string_view message,
                 std::string_view request_id) {
  std::string body;
  JsonWriter json(&body);
  json.StartObject();
  json.StringField("type", "error");
  json.StartObjectField("error");
  json.StringField("type", type);
  json.StringField("message", message);
  json.EndObject();
  if (!request_id.empty()) json.StringField("request_id", request_id);
  json.EndObject();
  return body;
}

}  // namespace

std::string WriteErrorBody(const absl::Status& status,
                           std::string_view request_id) {
  const VendorError said = VendorErrorOf(status, ErrorBody::Form::kAnthropic);
  return Body(said.type.empty() ? TellingOf(status).type : said.type,
              ToStd(status.message()), request_id);
}

WireError WriteError(const absl::Status& status, std::string_view request_id) {
  return {.http_status = TellingOf(status).http_status,
          .body = WriteErrorBody(status, request_id),
          .retry_after = RetryDelay(status)};
}

}  // namespace gateway::anthropic
