#include "service/observability/record_messages.h"

#include <string>

#include "proto/proto_time.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// Without a string in between, which a setter would move.
void Set(std::string_view text, std::string* field) {
  field->assign(text.data(), text.size());
}

}  // namespace

void FillAttempt(const CallAttempt& from, const v1::Usage& usage,
                 v1::Attempt* to) {
  Set(from.provider, to->mutable_provider());
  Set(from.model, to->mutable_model());
  to->set_kind(from.kind);
  to->set_answered(from.answered);
  if (from.answered) {
    *to->mutable_usage() = usage;
  } else if (from.usage != nullptr) {
    *to->mutable_usage() = *from.usage;
  }
  SetProto(from.start_time, to->mutable_start_time());
  SetProto(from.duration, to->mutable_duration());
  if (from.time_to_first_token.has_value()) {
    SetProto(*from.time_to_first_token, to->mutable_time_to_first_token());
  }
  if (!from.credential.empty()) {
    Set(from.credential, to->mutable_credential());
  }
  if (!from.provider_request_id.empty()) {
    Set(from.provider_request_id, to->mutable_provider_request_id());
  }
  to->set_http_status(from.http_status);
  to->set_reused_connection(from.reused_connection);
  if (from.error_reason == v1::ERROR_REASON_UNSPECIFIED) return;
  to->set_failure(from.error_reason);
  Set(from.error_message, to->mutable_failure_message());
}

void FillTimings(const CallTimes& from, v1::Timings* to) {
  SetProto(from.duration, to->mutable_total());
  if (from.overhead.has_value()) {
    SetProto(*from.overhead, to->mutable_overhead());
  }
  if (from.upstream_first_byte.has_value()) {
    SetProto(*from.upstream_first_byte, to->mutable_upstream_first_byte());
  }
  if (from.time_to_first_token.has_value()) {
    SetProto(*from.time_to_first_token, to->mutable_time_to_first_token());
  }
}

void FillRoute(std::string_view provider, std::string_view model,
               std::string_view reason, v1::Route* to) {
  Set(provider, to->mutable_provider());
  Set(model, to->mutable_model());
  Set(reason, to->mutable_reason());
}

}  // namespace gateway
