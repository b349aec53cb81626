#include "clients/cpp/call_status.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/status.pb.h"

namespace gateway {
namespace {

constexpr const char* kRequestIdTrailer = "x-request-id";
constexpr const char* kPushbackTrailer = "grpc-retry-pushback-ms";
constexpr const char* kRequestIdPayload = "llmgateway.dev/request_id";

// Of the gateway's reasons; those of others mean something else.
constexpr char kDomain[] = "llmgateway.dev";

template <typename Detail>
std::optional<Detail> DetailOf(const absl::Status& status) {
  const auto payload = status.GetPayload(absl::StrCat(
      "type.googleapis.com/", std::string(Detail::descriptor()->full_name())));
  Detail detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) {
    return std::nullopt;
  }
  return detail;
}

}  // namespace

absl::Status ToStatus(const grpc::Status& status) {
  absl::Status converted(static_cast<absl::StatusCode>(status.error_code()),
                         status.error_message());
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& detail : details.details()) {
      converted.SetPayload(detail.type_url(), absl::Cord(detail.value()));
    }
  }
  return converted;
}

absl::Status ToStatus(const grpc::Status& status,
                      const grpc::ClientContext& context) {
  absl::Status converted = ToStatus(status);
  const auto& trailers = context.GetServerTrailingMetadata();
  if (const auto id = trailers.find(kRequestIdTrailer); id != trailers.end()) {
    converted.SetPayload(
        kRequestIdPayload,
        absl::Cord(std::string(id->second.data(), id->second.size())));
  }
  return converted;
}

absl::Status ToStatus(const grpc::Status& status, const std::string& request_id,
                      const grpc::ClientContext& context) {
  absl::Status converted = ToStatus(status, context);
  if (!request_id.empty() && RequestIdOf(converted).empty()) {
    converted.SetPayload(kRequestIdPayload, absl::Cord(request_id));
  }
  return converted;
}

std::optional<std::string> PushbackOf(const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto told = trailers.find(kPushbackTrailer);
  if (told == trailers.end()) return std::nullopt;
  return std::string(told->second.data(), told->second.size());
}

absl::Status ToStatus(const AnswerFault& fault, const std::string& request_id,
                      const grpc::ClientContext& context) {
  const auto code = static_cast<grpc::StatusCode>(fault.code);
  absl::Status status = ToStatus(grpc::Status(code, fault.message), context);
  google::rpc::ErrorInfo info;
  info.set_reason(fault.reason);
  info.set_domain(kDomain);
  status.SetPayload("type.googleapis.com/google.rpc.ErrorInfo",
                    absl::Cord(info.SerializeAsString()));
  if (!request_id.empty()) {
    status.SetPayload(kRequestIdPayload, absl::Cord(request_id));
  }
  return status;
}

std::optional<google::rpc::ErrorInfo> ErrorInfoOf(const absl::Status& status) {
  std::optional<google::rpc::ErrorInfo> info =
      DetailOf<google::rpc::ErrorInfo>(status);
  if (info.has_value() && info->domain() != kDomain) info.reset();
  return info;
}

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) {
  const std::optional<google::rpc::RetryInfo> info =
      DetailOf<google::rpc::RetryInfo>(status);
  if (!info.has_value()) return std::nullopt;
  return absl::Seconds(info->retry_delay().seconds()) +
         absl::Nanoseconds(info->retry_delay().nanos());
}

google::rpc::QuotaFailure QuotaFailureOf(const absl::Status& status) {
  return DetailOf<google::rpc::QuotaFailure>(status).value_or(
      google::rpc::QuotaFailure());
}

std::string RequestIdOf(const absl::Status& status) {
  return std::string(
      status.GetPayload(kRequestIdPayload).value_or(absl::Cord()));
}

google::rpc::BadRequest BadRequestOf(const absl::Status& status) {
  return DetailOf<google::rpc::BadRequest>(status).value_or(
      google::rpc::BadRequest());
}

}  // namespace gateway
