#include "providers/dialects/openai_chat/errors.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "llmgateway/v1/errors.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/error_body.h"
#include "providers/dialects/retry_after.h"

namespace gateway {
namespace {

// What a code or type means, whatever the status says.
struct CodeMeaning {
  std::string_view code;
  v1::ErrorReason reason;
};

constexpr CodeMeaning kCodeMeanings[] = {
    {"API_KEY_INVALID", v1::ERROR_REASON_PROVIDER_AUTH_FAILED},
    {"authentication_error", v1::ERROR_REASON_PROVIDER_AUTH_FAILED},
    {"billing_hard_limit_reached", v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED},
    {"billing_not_active", v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED},
    {"content_filter", v1::ERROR_REASON_CONTENT_POLICY},
    {"content_policy_violation", v1::ERROR_REASON_CONTENT_POLICY},
    {"context_length_exceeded", v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED},
    {"credit_balance_exhausted", v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED},
    {"insufficient_quota", v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED},
    {"invalid_api_key", v1::ERROR_REASON_PROVIDER_AUTH_FAILED},
    {"model_not_found", v1::ERROR_REASON_MODEL_NOT_FOUND},
    {"rate_limit_error", v1::ERROR_REASON_PROVIDER_RATE_LIMITED},
    {"rate_limit_exceeded", v1::ERROR_REASON_PROVIDER_RATE_LIMITED},
    {"server_is_overloaded", v1::ERROR_REASON_PROVIDER_UNAVAILABLE},
    {"slow_down", v1::ERROR_REASON_PROVIDER_UNAVAILABLE},
};

// Codes that count even where the status already says something else.
constexpr v1::ErrorReason kTelling[] = {
    v1::ERROR_REASON_CONTENT_POLICY,
    v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED,
    v1::ERROR_REASON_MODEL_NOT_FOUND,
    v1::ERROR_REASON_PROVIDER_AUTH_FAILED,
    v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED,
};

std::optional<v1::ErrorReason> MeaningOf(std::string_view code) {
  for (const CodeMeaning& meaning : kCodeMeanings) {
    if (meaning.code == code) return meaning.reason;
  }
  return std::nullopt;
}

// Compatible servers give no code for a prompt that is too long.
bool SpeaksOfContextLength(std::string_view message) {
  const std::string lower = absl::AsciiStrToLower(ToAbsl(message));
  return absl::StrContains(lower, "maximum context length") ||
         absl::StrContains(lower, "context length exceeded") ||
         absl::StrContains(lower, "exceeds the context window");
}

v1::ErrorReason ReasonOf(int status, const ErrorBody& error) {
  for (const std::string& word : {error.code, error.type}) {
    const std::optional<v1::ErrorReason> meaning = MeaningOf(word);
    if (!meaning.has_value()) continue;
    // An error of the server is one, whatever it says of the request.
    if (status == 0) return *meaning;
    for (const v1::ErrorReason telling : kTelling) {
      if (*meaning == telling && status < 500) return *meaning;
    }
  }
  if (status == 0) {
    return error.type == "invalid_request_error"
               ? v1::ERROR_REASON_INVALID_REQUEST
               : v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
  }
  const v1::ErrorReason reason = ReasonOfHttpStatus(status);
  if (reason == v1::ERROR_REASON_INVALID_REQUEST &&
      SpeaksOfContextLength(error.message)) {
    return v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED;
  }
  return reason;
}

absl::Status MakeError(int status, const ErrorBody& error,
                       std::optional<absl::Duration> delay) {
  const v1::ErrorReason reason = ReasonOf(status, error);
  std::string message =
      error.message.empty() ? "the provider gave no reason" : error.message;
  if (status != 0) message = absl::StrCat(status, ": ", message);
  absl::Status fault = MakeFault(reason, message);
  if (status != 0) {
    AddFaultMetadata(fault, "http_status", absl::StrCat(status));
  }
  if (!error.code.empty()) {
    AddFaultMetadata(fault, "provider_code", error.code);
  }
  if (!error.param.empty() && reason == v1::ERROR_REASON_INVALID_REQUEST) {
    AddFieldViolation(fault, error.param, error.message);
  }
  // Waiting does not pay a bill or mend a request.
  if (delay.has_value() && (reason == v1::ERROR_REASON_PROVIDER_RATE_LIMITED ||
                            reason == v1::ERROR_REASON_PROVIDER_UNAVAILABLE ||
                            reason == v1::ERROR_REASON_PROVIDER_TIMEOUT)) {
    SetRetryDelay(fault, *delay);
  }
  return fault;
}

// OpenRouter puts an error where the choice is that failed. Returned as an
// error of its own; empty if there is none.
std::string ErrorOfChoice(std::string_view text) {
  std::string error;
  const absl::Status status =
      ReadJson(text, JsonPadding::kAbsent, [&](JsonValue& root) {
        return root.EachField([&](std::string_view key, JsonValue& choices) {
          if (key != "choices") return absl::OkStatus();
          return choices.EachElement([&](JsonValue& choice) {
            return choice.EachField([&](std::string_view name,
                                        JsonValue& value) -> absl::Status {
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

// What a caller is told.
struct Telling {
  v1::ErrorReason reason;
  int http_status;
  std::string_view type;
  std::string_view code;  // Null if empty.
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
    {v1::ERROR_REASON_MODEL_NOT_ALLOWED, 403, kInvalid, "model_not_allowed"},
    {v1::ERROR_REASON_FORBIDDEN, 403, kInvalid, ""},
    {v1::ERROR_REASON_MODEL_NOT_FOUND, 404, kInvalid, "model_not_found"},
    {v1::ERROR_REASON_PROVIDER_NOT_FOUND, 404, kInvalid, "provider_not_found"},
    {v1::ERROR_REASON_NOT_FOUND, 404, kInvalid, ""},
    {v1::ERROR_REASON_RATE_LIMITED, 429, kRate, "rate_limit_exceeded"},
    {v1::ERROR_REASON_BUDGET_EXCEEDED, 429, "insufficient_quota",
     "insufficient_quota"},
    {v1::ERROR_REASON_PROVIDER_RATE_LIMITED, 429, kRate, "rate_limit_exceeded"},
    {v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED, 503, kServer, "upstream_quota"},
    {v1::ERROR_REASON_PROVIDER_AUTH_FAILED, 502, kServer, "upstream_auth"},
    {v1::ERROR_REASON_PROVIDER_UNAVAILABLE, 502, kServer, "upstream_error"},
    {v1::ERROR_REASON_PROVIDER_TIMEOUT, 504, kServer, "timeout"},
    {v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, 502, kServer, "upstream_error"},
    {v1::ERROR_REASON_STREAM_INTERRUPTED, 502, kServer, "upstream_error"},
    {v1::ERROR_REASON_CONFLICT, 409, kInvalid, ""},
    {v1::ERROR_REASON_CIRCUIT_OPEN, 503, kBusy, kOverloaded},
    {v1::ERROR_REASON_OVERLOADED, 503, kBusy, kOverloaded},
    {v1::ERROR_REASON_DRAINING, 503, kBusy, kOverloaded},
    {v1::ERROR_REASON_LEDGER_UNAVAILABLE, 503, kBusy, kOverloaded},
    {v1::ERROR_REASON_RESPONSE_VALIDATION, 422, kInvalid,
     "response_validation"},
    {v1::ERROR_REASON_DEADLINE_EXCEEDED, 504, kServer, "timeout"},
    {v1::ERROR_REASON_CANCELLED, 499, kServer, "cancelled"},
    {v1::ERROR_REASON_UNIMPLEMENTED, 501, kInvalid, "unimplemented"},
    {v1::ERROR_REASON_INTERNAL, 500, kServer, ""},
};

Telling TellingOf(const absl::Status& status) {
  const v1::ErrorReason reason = FaultReason(status);
  Telling telling = {reason, 500, kServer, ""};
  for (const Telling& each : kTellings) {
    if (each.reason == reason) telling = each;
  }
  if (reason == v1::ERROR_REASON_PROVIDER_UNAVAILABLE) {
    const std::string http_status = FaultMetadata(status, "http_status");
    if (http_status == "503" || http_status == "529") {
      telling = {reason, 503, kBusy, kOverloaded};
    }
  }
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

absl::Status ReadOpenAiError(const HttpFailure& failure, absl::Time now) {
  const ErrorBody error = ReadErrorBody(failure.body);
  std::optional<absl::Duration> delay =
      ReadRetryAfter(failure.retry_after_ms, failure.retry_after, now);
  if (!delay.has_value()) delay = error.retry_after;
  return MakeError(failure.status, error, delay);
}

absl::Status ReadOpenAiErrorEvent(std::string_view text) {
  ErrorBody error = ReadErrorBody(text);
  if (error.form == ErrorBody::Form::kText) {
    // Nothing is quoted here: the rest of the text is what the model said.
    const std::string of_choice = ErrorOfChoice(text);
    error = of_choice.empty() ? ErrorBody() : ReadErrorBody(of_choice);
  }
  return MakeError(error.number.value_or(0), error, error.retry_after);
}

std::string OpenAiErrorBody(const absl::Status& status) {
  const Telling telling = TellingOf(status);
  const auto violations = FieldViolations(status);
  // Bounded and made UTF-8 as for gRPC.
  const std::string message = ToRpcStatus(status).message();
  std::string body;
  JsonWriter json(&body);
  json.StartObject();
  json.StartObjectField("error");
  json.StringField("message", message);
  json.StringField("type", telling.type);
  WriteTextOrNull("param", violations.empty() ? "" : violations[0].first, json);
  WriteTextOrNull("code", telling.code, json);
  json.EndObject();
  json.EndObject();
  return body;
}

WireError WriteOpenAiError(const absl::Status& status) {
  return {.http_status = TellingOf(status).http_status,
          .body = OpenAiErrorBody(status),
          .retry_after = RetryDelay(status)};
}

}  // namespace gateway
