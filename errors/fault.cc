#include "errors/fault.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "base/text/shown_text.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "llmgateway/v1/errors.pb.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

using ::google::rpc::BadRequest;
using ::google::rpc::ErrorInfo;
using ::google::rpc::QuotaFailure;
using ::google::rpc::RetryInfo;

constexpr std::string_view kTypePrefix = "type.googleapis.com/";
constexpr std::string_view kReasonPrefix = "ERROR_REASON_";

// A detail's text longer than this is cut, so that one cannot crowd out all.
constexpr size_t kDetailTextBytesLimit = 512;
constexpr int kFieldViolationsLimit = 32;
// Of at most so many bytes each, they all fit beside what must go.
constexpr int kQuotaViolationsLimit = 4;
constexpr size_t kQuotaTextBytesLimit = 200;

template <typename Detail>
std::string TypeUrl() {
  return absl::StrCat(ToAbsl(kTypePrefix), Detail::descriptor()->full_name());
}

template <typename Detail>
std::optional<Detail> GetDetail(const absl::Status& status) {
  if (status.ok()) return std::nullopt;
  const auto payload = status.GetPayload(TypeUrl<Detail>());
  if (!payload.has_value()) return std::nullopt;
  Detail detail;
  if (!detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

template <typename Detail>
void SetDetail(absl::Status& status, const Detail& detail) {
  status.SetPayload(TypeUrl<Detail>(), absl::Cord(detail.SerializeAsString()));
}

v1::ErrorReason ReasonOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return v1::ERROR_REASON_UNSPECIFIED;
    case absl::StatusCode::kCancelled:
      return v1::ERROR_REASON_CANCELLED;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return v1::ERROR_REASON_INVALID_REQUEST;
    case absl::StatusCode::kDeadlineExceeded:
      return v1::ERROR_REASON_DEADLINE_EXCEEDED;
    case absl::StatusCode::kNotFound:
      return v1::ERROR_REASON_NOT_FOUND;
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kAlreadyExists:
      return v1::ERROR_REASON_CONFLICT;
    case absl::StatusCode::kPermissionDenied:
      return v1::ERROR_REASON_FORBIDDEN;
    case absl::StatusCode::kUnauthenticated:
      return v1::ERROR_REASON_API_KEY_INVALID;
    case absl::StatusCode::kResourceExhausted:
      return v1::ERROR_REASON_RATE_LIMITED;
    case absl::StatusCode::kUnavailable:
      return v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
    case absl::StatusCode::kUnimplemented:
      return v1::ERROR_REASON_UNIMPLEMENTED;
    default:
      return v1::ERROR_REASON_INTERNAL;
  }
}

void SetRetryInfo(absl::Duration delay, RetryInfo& info) {
  *info.mutable_retry_delay() = ToProto(std::max(delay, absl::ZeroDuration()));
}

// Adds details to a status while they fit within kFaultDetailsBytesLimit.
class DetailPacker {
 public:
  explicit DetailPacker(google::rpc::Status& status) : status_(status) {}

  bool Add(const std::string& type_url, std::string value) {
    google::protobuf::Any any;
    any.set_type_url(type_url);
    any.set_value(std::move(value));
    // Each detail takes about two more bytes for its frame.
    const size_t bytes = any.ByteSizeLong() + 3;
    if (bytes_ + bytes > kFaultDetailsBytesLimit) return false;
    bytes_ += bytes;
    status_.mutable_details()->Add(std::move(any));
    return true;
  }

 private:
  google::rpc::Status& status_;
  size_t bytes_ = 0;
};

// Adds the ErrorInfo: with its metadata if that fits, else with the reason
// alone.
void PackErrorInfo(const absl::Status& status, DetailPacker& packer) {
  ErrorInfo info = GetDetail<ErrorInfo>(status).value_or(ErrorInfo());
  if (info.reason().empty()) {
    info.set_domain(std::string(kErrorDomain));
    info.set_reason(std::string(ReasonName(FaultReason(status))));
  }
  if (packer.Add(TypeUrl<ErrorInfo>(), info.SerializeAsString())) return;
  info.clear_metadata();
  packer.Add(TypeUrl<ErrorInfo>(), info.SerializeAsString());
}

// Adds as many violations as fit; the last added are left out first.
void PackBadRequest(const absl::Status& status, DetailPacker& packer) {
  std::optional<BadRequest> detail = GetDetail<BadRequest>(status);
  if (!detail.has_value()) return;
  while (detail->field_violations_size() > 0) {
    if (packer.Add(TypeUrl<BadRequest>(), detail->SerializeAsString())) return;
    detail->mutable_field_violations()->RemoveLast();
  }
}

}  // namespace

absl::StatusCode CodeOf(v1::ErrorReason reason) {
  switch (reason) {
    case v1::ERROR_REASON_INVALID_REQUEST:
    case v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED:
    case v1::ERROR_REASON_REQUEST_TOO_LARGE:
    case v1::ERROR_REASON_CONTENT_POLICY:
    case v1::ERROR_REASON_CAPABILITY_UNSUPPORTED:
    case v1::ERROR_REASON_IDEMPOTENCY_MISMATCH:
      return absl::StatusCode::kInvalidArgument;
    case v1::ERROR_REASON_API_KEY_INVALID:
    case v1::ERROR_REASON_API_KEY_EXPIRED:
    case v1::ERROR_REASON_API_KEY_DISABLED:
      return absl::StatusCode::kUnauthenticated;
    case v1::ERROR_REASON_MODEL_NOT_ALLOWED:
    case v1::ERROR_REASON_FORBIDDEN:
    case v1::ERROR_REASON_NOT_ROLLED_OUT:
      return absl::StatusCode::kPermissionDenied;
    case v1::ERROR_REASON_MODEL_NOT_FOUND:
    case v1::ERROR_REASON_PROVIDER_NOT_FOUND:
    case v1::ERROR_REASON_NOT_FOUND:
      return absl::StatusCode::kNotFound;
    case v1::ERROR_REASON_RATE_LIMITED:
    case v1::ERROR_REASON_BUDGET_EXCEEDED:
    case v1::ERROR_REASON_PROVIDER_RATE_LIMITED:
    case v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED:
    case v1::ERROR_REASON_CONCURRENCY_LIMITED:
    case v1::ERROR_REASON_SESSION_LIMITED:
      return absl::StatusCode::kResourceExhausted;
    case v1::ERROR_REASON_PROVIDER_AUTH_FAILED:
    case v1::ERROR_REASON_RESPONSE_VALIDATION:
    case v1::ERROR_REASON_CONFIG_INVALID:
    case v1::ERROR_REASON_NOT_CONFIGURED:
    case v1::ERROR_REASON_RESTART_REQUIRED:
    case v1::ERROR_REASON_STATE_NOT_KEPT:
      return absl::StatusCode::kFailedPrecondition;
    case v1::ERROR_REASON_IDENTITY_UNAVAILABLE:
    case v1::ERROR_REASON_CONTEXT_SERVICE_UNAVAILABLE:
    case v1::ERROR_REASON_STORE_UNAVAILABLE:
    case v1::ERROR_REASON_PROVIDER_UNAVAILABLE:
    case v1::ERROR_REASON_PROVIDER_TIMEOUT:
    case v1::ERROR_REASON_STREAM_INTERRUPTED:
    case v1::ERROR_REASON_CIRCUIT_OPEN:
    case v1::ERROR_REASON_OVERLOADED:
    case v1::ERROR_REASON_DRAINING:
    case v1::ERROR_REASON_LEDGER_UNAVAILABLE:
    case v1::ERROR_REASON_MODEL_DISABLED:
      return absl::StatusCode::kUnavailable;
    case v1::ERROR_REASON_CONFLICT:
    case v1::ERROR_REASON_ETAG_MISMATCH:
    case v1::ERROR_REASON_PROVIDER_CONFLICT:
      return absl::StatusCode::kAborted;
    case v1::ERROR_REASON_DEADLINE_EXCEEDED:
      return absl::StatusCode::kDeadlineExceeded;
    case v1::ERROR_REASON_CANCELLED:
      return absl::StatusCode::kCancelled;
    case v1::ERROR_REASON_UNIMPLEMENTED:
      return absl::StatusCode::kUnimplemented;
    case v1::ERROR_REASON_PROVIDER_BAD_RESPONSE:
    case v1::ERROR_REASON_INTERNAL:
      return absl::StatusCode::kInternal;
    default:
      return absl::StatusCode::kUnknown;
  }
}

std::string_view ReasonName(v1::ErrorReason reason) {
  std::string_view name = v1::ErrorReason_Name(reason);
  if (name.empty()) name = v1::ErrorReason_Name(v1::ERROR_REASON_UNSPECIFIED);
  return name.substr(kReasonPrefix.size());
}

absl::Status MakeFault(v1::ErrorReason reason, std::string_view message) {
  absl::Status status(CodeOf(reason), ToAbsl(message));
  ErrorInfo info;
  info.set_domain(std::string(kErrorDomain));
  info.set_reason(std::string(ReasonName(reason)));
  SetDetail(status, info);
  return status;
}

absl::Status InvalidField(std::string_view field,
                          std::string_view description) {
  absl::Status status = MakeFault(
      v1::ERROR_REASON_INVALID_REQUEST,
      field.empty() ? std::string(description)
                    : absl::StrCat(ToAbsl(field), ": ", ToAbsl(description)));
  AddFieldViolation(status, field, description);
  return status;
}

void AddFieldViolation(absl::Status& status, std::string_view field,
                       std::string_view description) {
  if (status.ok()) return;
  BadRequest detail = GetDetail<BadRequest>(status).value_or(BadRequest());
  if (detail.field_violations_size() >= kFieldViolationsLimit) return;
  auto* violation = detail.add_field_violations();
  violation->set_field(Utf8Prefix(field, kDetailTextBytesLimit));
  violation->set_description(Utf8Prefix(description, kDetailTextBytesLimit));
  SetDetail(status, detail);
}

void AddQuotaViolation(absl::Status& status, std::string_view subject,
                       std::string_view description) {
  if (status.ok()) return;
  QuotaFailure detail =
      GetDetail<QuotaFailure>(status).value_or(QuotaFailure());
  if (detail.violations_size() >= kQuotaViolationsLimit) return;
  auto* violation = detail.add_violations();
  violation->set_subject(Utf8Prefix(subject, kQuotaTextBytesLimit));
  violation->set_description(Utf8Prefix(description, kQuotaTextBytesLimit));
  SetDetail(status, detail);
}

void AddFaultMetadata(absl::Status& status, std::string_view key,
                      std::string_view value) {
  if (status.ok()) return;
  ErrorInfo info = GetDetail<ErrorInfo>(status).value_or(ErrorInfo());
  if (info.reason().empty()) {
    info.set_domain(std::string(kErrorDomain));
    info.set_reason(std::string(ReasonName(FaultReason(status))));
  }
  (*info.mutable_metadata())[std::string(key)] =
      Utf8Prefix(value, kDetailTextBytesLimit);
  SetDetail(status, info);
}

void SetRetryDelay(absl::Status& status, absl::Duration delay) {
  if (status.ok()) return;
  RetryInfo info;
  SetRetryInfo(delay, info);
  SetDetail(status, info);
}

absl::Status AtPlace(std::string_view place, const absl::Status& status) {
  if (status.ok()) return status;
  absl::Status placed(status.code(),
                      absl::StrCat(ToAbsl(place), ": ", status.message()));
  status.ForEachPayload(
      [&](absl::string_view type_url, const absl::Cord& payload) {
        placed.SetPayload(type_url, payload);
      });
  return placed;
}

v1::ErrorReason FaultReason(const absl::Status& status) {
  const std::optional<ErrorInfo> info = GetDetail<ErrorInfo>(status);
  v1::ErrorReason reason;
  if (info.has_value() && info->domain() == kErrorDomain &&
      v1::ErrorReason_Parse(absl::StrCat(ToAbsl(kReasonPrefix), info->reason()),
                            &reason)) {
    return reason;
  }
  return ReasonOf(status.code());
}

std::optional<absl::Duration> RetryDelay(const absl::Status& status) {
  const std::optional<RetryInfo> info = GetDetail<RetryInfo>(status);
  if (!info.has_value()) return std::nullopt;
  return absl::Seconds(info->retry_delay().seconds()) +
         absl::Nanoseconds(info->retry_delay().nanos());
}

std::string FaultMetadata(const absl::Status& status, std::string_view key) {
  const std::optional<ErrorInfo> info = GetDetail<ErrorInfo>(status);
  if (!info.has_value()) return std::string();
  const auto found = info->metadata().find(std::string(key));
  return found == info->metadata().end() ? std::string() : found->second;
}

std::vector<std::pair<std::string, std::string>> FieldViolations(
    const absl::Status& status) {
  std::vector<std::pair<std::string, std::string>> violations;
  const std::optional<BadRequest> detail = GetDetail<BadRequest>(status);
  if (!detail.has_value()) return violations;
  for (const auto& violation : detail->field_violations()) {
    violations.emplace_back(violation.field(), violation.description());
  }
  return violations;
}

std::vector<std::pair<std::string, std::string>> QuotaViolations(
    const absl::Status& status) {
  std::vector<std::pair<std::string, std::string>> violations;
  const std::optional<QuotaFailure> detail = GetDetail<QuotaFailure>(status);
  if (!detail.has_value()) return violations;
  for (const auto& violation : detail->violations()) {
    violations.emplace_back(violation.subject(), violation.description());
  }
  return violations;
}

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status rpc;
  rpc.set_code(static_cast<int>(status.code()));
  if (status.ok()) return rpc;
  rpc.set_message(Utf8Prefix(ToStd(status.message()), kFaultMessageBytesLimit));

  // What a caller acts on goes first, since the rest may not fit.
  DetailPacker packer(rpc);
  PackErrorInfo(status, packer);
  if (const auto retry = GetDetail<RetryInfo>(status)) {
    packer.Add(TypeUrl<RetryInfo>(), retry->SerializeAsString());
  }
  PackBadRequest(status, packer);
  std::vector<std::pair<std::string, std::string>> others;
  status.ForEachPayload(
      [&](absl::string_view type_url, const absl::Cord& payload) {
        std::string type(type_url);
        // Other payloads are for use within the process and do not go over the
        // wire.
        if (!type.starts_with(kTypePrefix) || type == TypeUrl<ErrorInfo>() ||
            type == TypeUrl<RetryInfo>() || type == TypeUrl<BadRequest>()) {
          return;
        }
        others.emplace_back(std::move(type), std::string(payload));
      });
  std::sort(others.begin(), others.end());
  for (auto& [type, payload] : others) packer.Add(type, std::move(payload));
  return rpc;
}

absl::Status FromRpcStatus(const google::rpc::Status& rpc) {
  if (rpc.code() == 0) return absl::OkStatus();
  const auto code = rpc.code() > 0 && rpc.code() <= 16
                        ? static_cast<absl::StatusCode>(rpc.code())
                        : absl::StatusCode::kUnknown;
  absl::Status status(code, rpc.message());
  for (const google::protobuf::Any& detail : rpc.details()) {
    status.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return status;
}

}  // namespace gateway
