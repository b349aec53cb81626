#include "providers/dialects/openai_chat/errors.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "llmgateway/v1/errors.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/error_body.h"
#include "providers/dialects/error_reason.h"

namespace gateway::chat {
namespace {

// Returns the error that OpenRouter puts in place of a failed choice, in an
// object of its own; empty if there is none.
std::string ErrorOfChoice(std::string_view text) {
  std::string error;
  const absl::Status status = ReadJson(text, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& choices) {
      if (key != "choices") return absl::OkStatus();
      return choices.EachElement([&](JsonValue& choice) {
        return choice.EachField(
            [&](std::string_view name, JsonValue& value) -> absl::Status {
              if (name != "error" || !error.empty()) {
                return absl::OkStatus();
              }
              GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
              error = absl::StrCat("{\"error\":", ToAbsl(raw), "}");
              return absl::OkStatus();
            });
      });
    });
  });
  return status.ok() ? error : std::string();
}

// How a reason is told to callers.
struct Telling {
  v1::ErrorReason reason;
  int http_status;
  std::string_view type;
  std::string_view code;  // Written as null if empty.
};

constexpr std::string_view kInvalid = "invalid_request_error";
constexpr std::string_view kServer = "server_error";
constexpr std::string_view kBusy = "service_unavailable_error";
constexpr std::string_view kRate = "rate_limit_error";
constexpr std::string_view kOverloaded = "server_is_overloaded";

constexpr Telling kTellings[] = {
    {v1::ERROR_REASON_INVALID_REQUEST, 400, kInvalid, ""},
    {v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED, 400, kInvalid,
     "context_length_exceeded"},
    {v1::ERROR_REASON_REQUEST_TOO_LARGE, 413, kInvalid, ""},
    {v1::ERROR_REASON_CONTENT_POLICY, 400, kInvalid, "content_filter"},
    {v1::ERROR_REASON_CAPABILITY_UNSUPPORTED, 400, kInvalid,
     "unsupported_value"},
    {v1::ERROR_REASON_API_KEY_INVALID, 401, kInvalid, "invalid_api_key"},
    {v1::ERROR_REASON_API_KEY_EXPIRED, 401, kInvalid, "invalid_api_key"},
    {v1::ERROR_REASON_API_KEY_DISABLED, 401, kInvalid, "invalid_api_key"},
    {v1::ERROR_REASON_IDENTITY_UNAVAILABLE, 503, kBusy, kOverloaded},
    {v1::ERROR_REASON_CONTEXT_SERVICE_UNAVAILABLE, 503, kBusy,
     "context_service_unavailable"},
    {v1::ERROR_REASON_STORE_UNAVAILABLE, 503, kBusy, "store_unavailable"},
    {v1::ERROR_REASON_MODEL_NOT_ALLOWED, 403, kInvalid, "model_not_allowed"},
    {v1::ERROR_REASON_FORBIDDEN, 403, kInvalid, ""},
    {v1::ERROR_REASON_NOT_ROLLED_OUT, 403, kInvalid, "not_rolled_out"},
    {v1::ERROR_REASON_MODEL_NOT_FOUND, 404, kInvalid, "model_not_found"},
    {v1::ERROR_REASON_PROVIDER_NOT_FOUND, 404, kInvalid, "provider_not_found"},
    {v1::ERROR_REASON_NOT_FOUND, 404, kInvalid, ""},
    {v1::ERROR_REASON_CONFLICT, 409, kInvalid, "conflict"},
    {v1::ERROR_REASON_IDEMPOTENCY_MISMATCH, 422, kInvalid,
     "idempotency_mismatch"},
    {v1::ERROR_REASON_ETAG_MISMATCH, 412, kInvalid, "etag_mismatch"},
    {v1::ERROR_REASON_CONFIG_INVALID, 400, kInvalid, "config_invalid"},
    {v1::ERROR_REASON_RESTART_REQUIRED, 400, kInvalid, "restart_required"},
    {v1::ERROR_REASON_NOT_CONFIGURED, 400, kInvalid, "not_configured"},
    {v1::ERROR_REASON_RATE_LIMITED, 429, kRate, "rate_limit_exceeded"},
    {v1::ERROR_REASON_BUDGET_EXCEEDED, 429, "insufficient_quota",
     "insufficient_quota"},
    {v1::ERROR_REASON_PROVIDER_RATE_LIMITED, 429, kRate, "rate_limit_exceeded"},
    {v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED, 503, kServer, "upstream_quota"},
    {v1::ERROR_REASON_CONCURRENCY_LIMITED, 429, kRate, "concurrency_limited"},
    {v1::ERROR_REASON_SESSION_LIMITED, 429, kRate, "session_limited"},
    {v1::ERROR_REASON_PROVIDER_AUTH_FAILED, 502, kServer, "upstream_auth"},
    {v1::ERROR_REASON_PROVIDER_UNAVAILABLE, 502, kServer, "upstream_error"},
    {v1::ERROR_REASON_PROVIDER_TIMEOUT, 504, kServer, "timeout"},
    {v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, 502, kServer, "upstream_error"},
    {v1::ERROR_REASON_STREAM_INTERRUPTED, 502, kServer, "upstream_error"},
    {v1::ERROR_REASON_PROVIDER_CONFLICT, 409, kInvalid, ""},
    {v1::ERROR_REASON_CIRCUIT_OPEN, 503, kBusy, kOverloaded},
    {v1::ERROR_REASON_OVERLOADED, 503, kBusy, kOverloaded},
    {v1::ERROR_REASON_DRAINING, 503, kBusy, kOverloaded},
    {v1::ERROR_REASON_LEDGER_UNAVAILABLE, 503, kBusy, kOverloaded},
    {v1::ERROR_REASON_MODEL_DISABLED, 503, kBusy, "model_disabled"},
    {v1::ERROR_REASON_STATE_NOT_KEPT, 507, kServer, "state_not_kept"},
    {v1::ERROR_REASON_RESPONSE_VALIDATION, 422, kInvalid,
     "response_validation"},
    {v1::ERROR_REASON_DEADLINE_EXCEEDED, 504, kServer, "timeout"},
    {v1::ERROR_REASON_CANCELLED, 499, kServer, "cancelled"},
    {v1::ERROR_REASON_UNIMPLEMENTED, 501, kInvalid, "unimplemented"},
    {v1::ERROR_REASON_INTERNAL, 500, kServer, ""},
};

Telling TellingOf(const absl::Status& status) {
  const v1::ErrorReason reason = ToldReason(status);
  Telling telling = {reason, 500, kServer, ""};
  for (const Telling& each : kTellings) {
    if (each.reason == reason) telling = each;
  }
  // What is no longer kept has a code of its own.
  const auto violations = FieldViolations(status);
  if ((reason == v1::ERROR_REASON_INVALID_REQUEST ||
       reason == v1::ERROR_REASON_NOT_FOUND) &&
      !violations.empty() && violations[0].first == "previous_response_id") {
    telling.code = "previous_response_not_found";
  }
  if (IsOverload(status)) telling = {reason, 503, kBusy, kOverloaded};
  return telling;
}

void WriteTextOrNull(std::string_view key, std::string_view text,
                     JsonWriter& json) {
  if (text.empty()) {
    json.NullField(key);
  } else {
    json.StringField(key, text);
  }
}

}  // namespace

absl::Status ReadErrorEvent(std::string_view text) {
  ErrorBody error = ReadErrorBody(text);
  if (error.form == ErrorBody::Form::kText) {
    // The rest of the text is what the model said, so it is not quoted.
    const std::string of_choice = ErrorOfChoice(text);
    error = of_choice.empty() ? ErrorBody() : ReadErrorBody(of_choice);
  }
  return FaultOfReport(error);
}

std::string WriteErrorBody(const absl::Status& status) {
  const Telling telling = TellingOf(status);
  const auto violations = FieldViolations(status);
  const VendorError said = VendorErrorOf(status, ErrorBody::Form::kOpenAi);
  std::string_view param = said.param;
  if (!violations.empty()) param = violations[0].first;
  // ToRpcStatus bounds the message and makes it UTF-8.
  const std::string message = ToRpcStatus(status).message();
  std::string body;
  JsonWriter json(&body);
  json.StartObject();
  json.StartObjectField("error");
  json.StringField("message", message);
  json.StringField("type", telling.type);
  WriteTextOrNull("param", param, json);
  WriteTextOrNull("code", said.code.empty() ? telling.code : said.code, json);
  json.EndObject();
  json.EndObject();
  return body;
}

WireError WriteError(const absl::Status& status) {
  return {.http_status = TellingOf(status).http_status,
          .body = WriteErrorBody(status),
          .retry_after = RetryDelay(status)};
}

}  // namespace gateway::chat
