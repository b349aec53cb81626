#include "service/api/request_record.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "llmgateway/v1/errors.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// The reverse of ReasonName.
v1::ErrorReason ReasonOf(std::string_view name) {
  if (name.empty()) return v1::ERROR_REASON_UNSPECIFIED;
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  const bool known = v1::ErrorReason_Parse(
      absl::StrCat("ERROR_REASON_", ToAbsl(name)), &reason);
  return known ? reason : v1::ERROR_REASON_INTERNAL;
}

void FillAttempt(const CallAttempt& from, v1::Attempt* to) {
  to->set_provider(std::string(from.provider));
  to->set_model(std::string(from.model));
  *to->mutable_start_time() = ToProto(from.start_time);
  *to->mutable_duration() = ToProto(from.duration);
  to->set_failure(ReasonOf(from.error_reason));
  to->set_failure_message(std::string(from.error_message));
  to->set_http_status(from.http_status);
  to->set_reused_connection(from.reused_connection);
}

void FillUsage(const CallRecord& from, v1::Usage* to) {
  to->set_input_tokens(from.input_tokens);
  to->set_output_tokens(from.output_tokens);
  to->set_cached_input_tokens(from.cached_input_tokens);
  to->set_cache_write_tokens(from.cache_write_tokens);
  to->set_reasoning_tokens(from.reasoning_tokens);
  to->set_cost_usd_nanos(from.cost_usd_nanos);
  to->set_cost_known(from.cost_known);
  to->set_estimated(from.usage_estimated);
}

void FillTimings(const CallRecord& from, v1::Timings* to) {
  *to->mutable_total() = ToProto(from.duration);
  if (from.overhead.has_value()) {
    *to->mutable_overhead() = ToProto(*from.overhead);
  }
  if (from.upstream_first_byte.has_value()) {
    *to->mutable_upstream_first_byte() = ToProto(*from.upstream_first_byte);
  }
  if (from.time_to_first_token.has_value()) {
    *to->mutable_time_to_first_token() = ToProto(*from.time_to_first_token);
  }
}

}  // namespace

void ToRequestRecord(const CallRecord& call, v1::RequestRecord* out) {
  out->set_request_id(std::string(call.request_id));
  *out->mutable_start_time() = ToProto(call.start_time);
  out->set_operation(std::string(call.operation));
  out->set_caller(std::string(call.caller));
  out->set_model(std::string(call.model_asked));
  out->set_stream(call.stream);
  if (!call.provider.empty()) {
    v1::Route& route = *out->mutable_route();
    route.set_provider(std::string(call.provider));
    route.set_model(std::string(call.model_served));
    route.set_reason(std::string(call.route_reason));
  }
  for (const CallAttempt& attempt : call.attempts) {
    FillAttempt(attempt, out->add_attempts());
  }
  FillUsage(call, out->mutable_usage());
  FillTimings(call, out->mutable_timings());
  out->set_failure(ReasonOf(call.error_reason));
  out->set_status_code(static_cast<int>(call.status_code));
  out->set_http_status(call.http_status);
}

}  // namespace gateway
