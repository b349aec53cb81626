#include "providers/dialects/gemini/errors.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "google/protobuf/any.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "providers/dialects/error_reason.h"

namespace gateway::gemini {
namespace {

// How a reason is told to callers: a status and its canonical code.
struct Telling {
  v1::ErrorReason reason;
  int http_status;
  std::string_view word;
};

constexpr Telling kTellings[] = {
    {v1::ERROR_REASON_INVALID_REQUEST, 400, "INVALID_ARGUMENT"},
    {v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED, 400, "INVALID_ARGUMENT"},
    {v1::ERROR_REASON_REQUEST_TOO_LARGE, 413, "INVALID_ARGUMENT"},
    {v1::ERROR_REASON_CONTENT_POLICY, 400, "INVALID_ARGUMENT"},
    {v1::ERROR_REASON_CAPABILITY_UNSUPPORTED, 400, "INVALID_ARGUMENT"},
    {v1::ERROR_REASON_API_KEY_INVALID, 401, "UNAUTHENTICATED"},
    {v1::ERROR_REASON_API_KEY_EXPIRED, 401, "UNAUTHENTICATED"},
    {v1::ERROR_REASON_API_KEY_DISABLED, 401, "UNAUTHENTICATED"},
    {v1::ERROR_REASON_IDENTITY_UNAVAILABLE, 503, "UNAVAILABLE"},
    {v1::ERROR_REASON_CONTEXT_SERVICE_UNAVAILABLE, 503, "UNAVAILABLE"},
    {v1::ERROR_REASON_STORE_UNAVAILABLE, 503, "UNAVAILABLE"},
    {v1::ERROR_REASON_MODEL_NOT_ALLOWED, 403, "PERMISSION_DENIED"},
    {v1::ERROR_REASON_FORBIDDEN, 403, "PERMISSION_DENIED"},
    {v1::ERROR_REASON_NOT_ROLLED_OUT, 403, "PERMISSION_DENIED"},
    {v1::ERROR_REASON_MODEL_NOT_FOUND, 404, "NOT_FOUND"},
    {v1::ERROR_REASON_PROVIDER_NOT_FOUND, 404, "NOT_FOUND"},
    {v1::ERROR_REASON_NOT_FOUND, 404, "NOT_FOUND"},
    {v1::ERROR_REASON_CONFLICT, 409, "ABORTED"},
    {v1::ERROR_REASON_IDEMPOTENCY_MISMATCH, 422, "INVALID_ARGUMENT"},
    {v1::ERROR_REASON_ETAG_MISMATCH, 412, "FAILED_PRECONDITION"},
    {v1::ERROR_REASON_CONFIG_INVALID, 400, "FAILED_PRECONDITION"},
    {v1::ERROR_REASON_RESTART_REQUIRED, 400, "FAILED_PRECONDITION"},
    {v1::ERROR_REASON_NOT_CONFIGURED, 400, "FAILED_PRECONDITION"},
    {v1::ERROR_REASON_RATE_LIMITED, 429, "RESOURCE_EXHAUSTED"},
    {v1::ERROR_REASON_BUDGET_EXCEEDED, 429, "RESOURCE_EXHAUSTED"},
    {v1::ERROR_REASON_PROVIDER_RATE_LIMITED, 429, "RESOURCE_EXHAUSTED"},
    {v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED, 503, "UNAVAILABLE"},
    {v1::ERROR_REASON_CONCURRENCY_LIMITED, 429, "RESOURCE_EXHAUSTED"},
    {v1::ERROR_REASON_SESSION_LIMITED, 429, "RESOURCE_EXHAUSTED"},
    {v1::ERROR_REASON_PROVIDER_AUTH_FAILED, 502, "INTERNAL"},
    {v1::ERROR_REASON_PROVIDER_UNAVAILABLE, 502, "UNAVAILABLE"},
    {v1::ERROR_REASON_PROVIDER_TIMEOUT, 504, "DEADLINE_EXCEEDED"},
    {v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, 502, "INTERNAL"},
    {v1::ERROR_REASON_STREAM_INTERRUPTED, 502, "UNAVAILABLE"},
    {v1::ERROR_REASON_PROVIDER_CONFLICT, 409, "ABORTED"},
    {v1::ERROR_REASON_CIRCUIT_OPEN, 503, "UNAVAILABLE"},
    {v1::ERROR_REASON_OVERLOADED, 503, "UNAVAILABLE"},
    {v1::ERROR_REASON_DRAINING, 503, "UNAVAILABLE"},
    {v1::ERROR_REASON_LEDGER_UNAVAILABLE, 503, "UNAVAILABLE"},
    {v1::ERROR_REASON_MODEL_DISABLED, 503, "UNAVAILABLE"},
    {v1::ERROR_REASON_STATE_NOT_KEPT, 507, "FAILED_PRECONDITION"},
    {v1::ERROR_REASON_RESPONSE_VALIDATION, 422, "FAILED_PRECONDITION"},
    {v1::ERROR_REASON_DEADLINE_EXCEEDED, 504, "DEADLINE_EXCEEDED"},
    {v1::ERROR_REASON_CANCELLED, 499, "CANCELLED"},
    {v1::ERROR_REASON_UNIMPLEMENTED, 501, "UNIMPLEMENTED"},
    {v1::ERROR_REASON_INTERNAL, 500, "INTERNAL"},
};

Telling TellingOf(const absl::Status& status) {
  const v1::ErrorReason reason = ToldReason(status);
  const auto* found =
      std::find_if(std::begin(kTellings), std::end(kTellings),
                   [&](const Telling& each) { return each.reason == reason; });
  Telling telling = found != std::end(kTellings) ? *found : *std::prev(found);
  if (IsOverload(status)) telling = {reason, 503, "UNAVAILABLE"};
  return telling;
}

// Writes the metadata that gRPC's callers are told, sorted by key.
void WriteMetadata(const google::rpc::Status& told, JsonWriter& json) {
  google::rpc::ErrorInfo info;
  for (const google::protobuf::Any& detail : told.details()) {
    if (detail.Is<google::rpc::ErrorInfo>() && !detail.UnpackTo(&info)) return;
  }
  if (info.metadata().empty()) return;
  const std::map<std::string, std::string> sorted(info.metadata().begin(),
                                                  info.metadata().end());
  json.StartObjectField("metadata");
  for (const auto& [key, value] : sorted) json.StringField(key, value);
  json.EndObject();
}

void WriteDetails(const absl::Status& status, const google::rpc::Status& told,
                  JsonWriter& json) {
  json.StartArrayField("details");
  json.StartObject();
  json.StringField("@type", "type.googleapis.com/google.rpc.ErrorInfo");
  json.StringField("reason", ReasonName(FaultReason(status)));
  json.StringField("domain", kErrorDomain);
  WriteMetadata(told, json);
  json.EndObject();
  const auto violations = FieldViolations(status);
  if (!violations.empty()) {
    json.StartObject();
    json.StringField("@type", "type.googleapis.com/google.rpc.BadRequest");
    json.StartArrayField("fieldViolations");
    for (const auto& [field, description] : violations) {
      json.StartObject();
      json.StringField("field", field);
      json.StringField("description", description);
      json.EndObject();
    }
    json.EndArray();
    json.EndObject();
  }
  if (const auto delay = RetryDelay(status); delay.has_value()) {
    json.StartObject();
    json.StringField("@type", "type.googleapis.com/google.rpc.RetryInfo");
    json.StringField("retryDelay",
                     absl::StrCat(absl::ToDoubleSeconds(*delay), "s"));
    json.EndObject();
  }
  json.EndArray();
}

}  // namespace

std::string ErrorBodyOf(const absl::Status& status) {
  return ErrorBodyOf(status, TellingOf(status).http_status);
}

std::string ErrorBodyOf(const absl::Status& status, int http_status) {
  // ToRpcStatus bounds the texts and makes them UTF-8.
  const google::rpc::Status told = ToRpcStatus(status);
  std::string body;
  JsonWriter json(&body);
  json.StartObject();
  json.StartObjectField("error");
  json.Int64Field("code", http_status);
  json.StringField("message", told.message());
  json.StringField("status", TellingOf(status).word);
  WriteDetails(status, told, json);
  json.EndObject();
  json.EndObject();
  return body;
}

WireError WriteError(const absl::Status& status) {
  return {.http_status = TellingOf(status).http_status,
          .body = ErrorBodyOf(status),
          .retry_after = RetryDelay(status)};
}

}  // namespace gateway::gemini
