#include "providers/dialects/selection_chat/errors.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "providers/dialects/error_reason.h"

namespace gateway::selection_chat {
namespace {

struct Telling {
  v1::ErrorReason reason;
  int http_status;
};

constexpr Telling kTellings[] = {
    {v1::ERROR_REASON_INVALID_REQUEST, 400},
    {v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED, 400},
    {v1::ERROR_REASON_REQUEST_TOO_LARGE, 413},
    {v1::ERROR_REASON_CONTENT_POLICY, 400},
    {v1::ERROR_REASON_CAPABILITY_UNSUPPORTED, 400},
    {v1::ERROR_REASON_API_KEY_INVALID, 401},
    {v1::ERROR_REASON_API_KEY_EXPIRED, 401},
    {v1::ERROR_REASON_API_KEY_DISABLED, 401},
    {v1::ERROR_REASON_IDENTITY_UNAVAILABLE, 503},
    {v1::ERROR_REASON_CONTEXT_SERVICE_UNAVAILABLE, 503},
    {v1::ERROR_REASON_STORE_UNAVAILABLE, 503},
    {v1::ERROR_REASON_MODEL_NOT_ALLOWED, 403},
    {v1::ERROR_REASON_FORBIDDEN, 403},
    {v1::ERROR_REASON_NOT_ROLLED_OUT, 403},
    {v1::ERROR_REASON_MODEL_NOT_FOUND, 404},
    {v1::ERROR_REASON_PROVIDER_NOT_FOUND, 404},
    {v1::ERROR_REASON_NOT_FOUND, 404},
    {v1::ERROR_REASON_CONFLICT, 409},
    {v1::ERROR_REASON_IDEMPOTENCY_MISMATCH, 422},
    {v1::ERROR_REASON_ETAG_MISMATCH, 412},
    {v1::ERROR_REASON_CONFIG_INVALID, 400},
    {v1::ERROR_REASON_RESTART_REQUIRED, 400},
    {v1::ERROR_REASON_NOT_CONFIGURED, 400},
    {v1::ERROR_REASON_RATE_LIMITED, 429},
    {v1::ERROR_REASON_BUDGET_EXCEEDED, 402},
    {v1::ERROR_REASON_PROVIDER_RATE_LIMITED, 429},
    {v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED, 503},
    {v1::ERROR_REASON_CONCURRENCY_LIMITED, 429},
    {v1::ERROR_REASON_SESSION_LIMITED, 429},
    {v1::ERROR_REASON_PROVIDER_AUTH_FAILED, 502},
    {v1::ERROR_REASON_PROVIDER_UNAVAILABLE, 502},
    {v1::ERROR_REASON_PROVIDER_TIMEOUT, 504},
    {v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, 502},
    {v1::ERROR_REASON_STREAM_INTERRUPTED, 502},
    {v1::ERROR_REASON_PROVIDER_CONFLICT, 409},
    {v1::ERROR_REASON_CIRCUIT_OPEN, 503},
    {v1::ERROR_REASON_OVERLOADED, 503},
    {v1::ERROR_REASON_DRAINING, 503},
    {v1::ERROR_REASON_LEDGER_UNAVAILABLE, 503},
    {v1::ERROR_REASON_MODEL_DISABLED, 503},
    {v1::ERROR_REASON_STATE_NOT_KEPT, 507},
    {v1::ERROR_REASON_RESPONSE_VALIDATION, 422},
    {v1::ERROR_REASON_DEADLINE_EXCEEDED, 504},
    {v1::ERROR_REASON_CANCELLED, 499},
    {v1::ERROR_REASON_UNIMPLEMENTED, 501},
    {v1::ERROR_REASON_INTERNAL, 500},
};

constexpr int kFieldsAtFault = 422;

int HttpStatusOf(const absl::Status& status, bool names_fields) {
  if (IsOverload(status)) return 503;
  const v1::ErrorReason reason = ToldReason(status);
  if (reason == v1::ERROR_REASON_INVALID_REQUEST && names_fields) {
    return kFieldsAtFault;
  }
  for (const Telling& each : kTellings) {
    if (each.reason == reason) return each.http_status;
  }
  return 500;
}

// What the contract calls otherwise, or puts elsewhere. A name that ends with a
// dot stands for all that begin so.
constexpr std::pair<std::string_view, std::string_view> kNames[] = {
    {"max_output_tokens", "max_tokens"},
    {"sampling.temperature", "temperature"},
    {"scope.", "user_context."},
    {"selection.budget_remaining_usd_nanos", "budget_remaining"},
    {"selection.cost_tier", "cost_tier_override"},
    {"selection.", ""},
};

// A message has one part here, its content.
constexpr std::string_view kOnlyPart = ".parts[0]";
constexpr std::string_view kParts = ".parts";

constexpr std::string_view kHeaderPrefix = "x-llmgateway-";
constexpr std::string_view kIdempotencyHeader = "idempotency-key";

// Writes `messages[0].role` as `"messages", 0, "role"`.
void WritePath(std::string_view path, JsonWriter& json) {
  for (absl::string_view piece :
       absl::StrSplit(ToAbsl(path), absl::ByAnyChar(".["), absl::SkipEmpty())) {
    int64_t index = 0;
    if (piece.back() == ']' &&
        absl::SimpleAtoi(piece.substr(0, piece.size() - 1), &index)) {
      json.Int64(index);
    } else {
      json.String(ToStd(piece));
    }
  }
}

void WriteField(std::string_view field, std::string_view description,
                JsonWriter& json) {
  json.StartObject();
  json.StringField("type",
                   description == "is required" ? "missing" : "value_error");
  json.StartArrayField("loc");
  if (field.starts_with(kHeaderPrefix) || field == kIdempotencyHeader) {
    json.String("header");
    json.String(field);
  } else {
    json.String("body");
    WritePath(FieldName(field), json);
  }
  json.EndArray();
  json.StringField("msg", description);
  json.EndObject();
}

}  // namespace

std::string FieldName(std::string_view contract_field) {
  if (contract_field.starts_with("messages[")) {
    const size_t part = contract_field.find(kParts);
    if (part == std::string_view::npos) return std::string(contract_field);
    std::string_view rest = contract_field.substr(part);
    const bool is_only = rest.starts_with(kOnlyPart);
    rest.remove_prefix(is_only ? kOnlyPart.size() : kParts.size());
    return absl::StrCat(ToAbsl(contract_field.substr(0, part)), ".content",
                        ToAbsl(rest));
  }
  for (const auto& [contract, here] : kNames) {
    if (contract_field == contract) return std::string(here);
    if (contract.ends_with('.') && contract_field.starts_with(contract)) {
      return absl::StrCat(ToAbsl(here),
                          ToAbsl(contract_field.substr(contract.size())));
    }
  }
  return std::string(contract_field);
}

WireError WriteError(const absl::Status& status, std::string_view request_id) {
  const std::vector<std::pair<std::string, std::string>> violations =
      FieldViolations(status);
  const int http_status = HttpStatusOf(status, !violations.empty());
  WireError error = {.http_status = http_status,
                     .body = {},
                     .retry_after = RetryDelay(status)};
  JsonWriter json(&error.body);
  json.StartObject();
  if (http_status == kFieldsAtFault && !violations.empty()) {
    json.StartArrayField("detail");
    for (const auto& [field, description] : violations) {
      WriteField(field, description, json);
    }
    json.EndArray();
  } else {
    // ToRpcStatus bounds the message and makes it UTF-8.
    json.StringField("detail", ToRpcStatus(status).message());
  }
  json.StringField("reason", ReasonName(FaultReason(status)));
  if (!request_id.empty()) json.StringField("trace_id", request_id);
  json.EndObject();
  return error;
}

}  // namespace gateway::selection_chat
