#include "providers/dialects/anthropic_messages/errors.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/json.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/dialects/error_body.h"
#include "providers/dialects/retry_after.h"

namespace gateway::anthropic {
namespace {

constexpr int kOverloadedStatus = 529;

// What an error's type means when no HTTP status says more.
struct TypeMeaning {
  std::string_view type;
  v1::ErrorReason reason;
};

constexpr TypeMeaning kTypeMeanings[] = {
    {"invalid_request_error", v1::ERROR_REASON_INVALID_REQUEST},
    {"authentication_error", v1::ERROR_REASON_PROVIDER_AUTH_FAILED},
    {"permission_error", v1::ERROR_REASON_PROVIDER_AUTH_FAILED},
    {"billing_error", v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED},
    {"not_found_error", v1::ERROR_REASON_MODEL_NOT_FOUND},
    {"conflict_error", v1::ERROR_REASON_CONFLICT},
    {"request_too_large", v1::ERROR_REASON_REQUEST_TOO_LARGE},
    {"rate_limit_error", v1::ERROR_REASON_PROVIDER_RATE_LIMITED},
    {"timeout_error", v1::ERROR_REASON_PROVIDER_TIMEOUT},
    {"api_error", v1::ERROR_REASON_PROVIDER_UNAVAILABLE},
    {"overloaded_error", v1::ERROR_REASON_PROVIDER_UNAVAILABLE},
};

// A refusal of the request that is about something else: told by its words,
// since it has no code of its own.
struct MessageMeaning {
  std::string_view words;  // Lower case.
  v1::ErrorReason reason;
};

constexpr MessageMeaning kMessageMeanings[] = {
    {"prompt is too long", v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED},
    {"exceed context limit", v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED},
    {"context window", v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED},
    {"credit balance", v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED},
    {"spend limit", v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED},
    {"usage limits", v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED},
    {"content filtering policy", v1::ERROR_REASON_CONTENT_POLICY},
};

// What a caller is told.
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
    {v1::ERROR_REASON_MODEL_NOT_ALLOWED, 403, "permission_error"},
    {v1::ERROR_REASON_FORBIDDEN, 403, "permission_error"},
    {v1::ERROR_REASON_MODEL_NOT_FOUND, 404, "not_found_error"},
    {v1::ERROR_REASON_PROVIDER_NOT_FOUND, 404, "not_found_error"},
    {v1::ERROR_REASON_NOT_FOUND, 404, "not_found_error"},
    {v1::ERROR_REASON_RATE_LIMITED, 429, "rate_limit_error"},
    {v1::ERROR_REASON_BUDGET_EXCEEDED, 402, "billing_error"},
    {v1::ERROR_REASON_PROVIDER_RATE_LIMITED, 429, "rate_limit_error"},
    {v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED, 503, "api_error"},
    {v1::ERROR_REASON_PROVIDER_AUTH_FAILED, 502, "api_error"},
    {v1::ERROR_REASON_PROVIDER_UNAVAILABLE, 502, "api_error"},
    {v1::ERROR_REASON_PROVIDER_TIMEOUT, 504, "timeout_error"},
    {v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, 502, "api_error"},
    {v1::ERROR_REASON_STREAM_INTERRUPTED, 502, "api_error"},
    {v1::ERROR_REASON_CONFLICT, 409, "conflict_error"},
    {v1::ERROR_REASON_CIRCUIT_OPEN, 529, "overloaded_error"},
    {v1::ERROR_REASON_OVERLOADED, 529, "overloaded_error"},
    {v1::ERROR_REASON_DRAINING, 529, "overloaded_error"},
    {v1::ERROR_REASON_LEDGER_UNAVAILABLE, 529, "overloaded_error"},
    {v1::ERROR_REASON_RESPONSE_VALIDATION, 422, "invalid_request_error"},
    {v1::ERROR_REASON_DEADLINE_EXCEEDED, 504, "timeout_error"},
    {v1::ERROR_REASON_CANCELLED, 499, "api_error"},
    {v1::ERROR_REASON_UNIMPLEMENTED, 501, "api_error"},
    {v1::ERROR_REASON_INTERNAL, 500, "api_error"},
};

const Telling& TellingOf(v1::ErrorReason reason) {
  const auto* found =
      std::find_if(std::begin(kTellings), std::end(kTellings),
                   [&](const Telling& each) { return each.reason == reason; });
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

// The reason that the message alone tells; nullopt if none.
std::optional<v1::ErrorReason> ReasonOfMessage(std::string_view message) {
  const std::string lower = absl::AsciiStrToLower(ToAbsl(message));
  for (const MessageMeaning& meaning : kMessageMeanings) {
    if (absl::StrContains(lower, ToAbsl(meaning.words))) return meaning.reason;
  }
  return std::nullopt;
}

v1::ErrorReason ReasonOfType(std::string_view type, std::string_view message) {
  v1::ErrorReason reason = v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
  for (const TypeMeaning& meaning : kTypeMeanings) {
    if (meaning.type == type) reason = meaning.reason;
  }
  if (reason != v1::ERROR_REASON_INVALID_REQUEST) return reason;
  return ReasonOfMessage(message).value_or(reason);
}

v1::ErrorReason ReasonOfStatus(int status, std::string_view message) {
  const std::optional<v1::ErrorReason> said = ReasonOfMessage(message);
  // A spent quota comes with the status of a rate limit, too.
  const bool spent = said == v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED;
  if (status == 429 && spent) return *said;
  const v1::ErrorReason reason = ReasonOfHttpStatus(status);
  if (reason != v1::ERROR_REASON_INVALID_REQUEST) return reason;
  return said.value_or(reason);
}

// For callers of the same format, the provider's words say it best.
std::string MessageOf(const ErrorBody& body, std::string_view otherwise) {
  return body.message.empty() ? std::string(otherwise) : body.message;
}

bool HelpsToWait(v1::ErrorReason reason) {
  return reason == v1::ERROR_REASON_PROVIDER_RATE_LIMITED ||
         reason == v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
}

}  // namespace

absl::Status ReadError(const HttpFailure& failure, absl::Time now) {
  const ErrorBody body = ReadErrorBody(failure.body);
  const v1::ErrorReason reason = ReasonOfStatus(failure.status, body.message);
  absl::Status status =
      MakeFault(reason, absl::StrCat(failure.status, ": ",
                                     MessageOf(body, "no reason was given")));
  AddFaultMetadata(status, "http_status", absl::StrCat(failure.status));
  if (!body.type.empty()) {
    AddFaultMetadata(status, "provider_error_type", body.type);
  }
  std::optional<absl::Duration> wait =
      ReadRetryAfter(failure.retry_after_ms, failure.retry_after, now);
  if (!wait.has_value()) wait = body.retry_after;
  if (wait.has_value() && HelpsToWait(reason)) SetRetryDelay(status, *wait);
  return status;
}

absl::Status ReadErrorEvent(std::string_view data) {
  const ErrorBody body = ReadErrorBody(data);
  absl::Status status = MakeFault(ReasonOfType(body.type, body.message),
                                  MessageOf(body, "no reason was given"));
  if (!body.type.empty()) {
    AddFaultMetadata(status, "provider_error_type", body.type);
  }
  return status;
}

WireError WriteError(const absl::Status& status, std::string_view request_id) {
  const v1::ErrorReason reason = FaultReason(status);
  const Telling& telling = TellingOf(reason);
  WireError error{.http_status = telling.http_status,
                  .retry_after = RetryDelay(status)};
  std::string_view type = telling.type;
  const std::string upstream_status = FaultMetadata(status, "http_status");
  if (reason == v1::ERROR_REASON_PROVIDER_UNAVAILABLE &&
      (upstream_status == "503" || upstream_status == "529")) {
    error.http_status = kOverloadedStatus;
    type = "overloaded_error";
  }
  error.body = Body(type, ToStd(status.message()), request_id);
  return error;
}

std::string WriteErrorBody(v1::ErrorReason reason, std::string_view message,
                           std::string_view request_id) {
  return Body(TellingOf(reason).type, message, request_id);
}

}  // namespace gateway::anthropic
