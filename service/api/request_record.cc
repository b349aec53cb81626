#include "service/api/request_record.h"

#include <string>
#include <string_view>

#include "llmgateway/v1/usage.pb.h"
#include "proto/proto_time.h"
#include "service/observability/consumed_usage.h"
#include "service/observability/record_messages.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

void FillRecordedRoute(const CallRecord& from, v1::Route* to) {
  FillRoute(from.provider, from.model_served, from.route_reason, to);
}

}  // namespace

bool SaysAnything(const CallScope& scope) {
  for (const std::string_view text :
       {scope.user_id, scope.session_id, scope.work_order_id, scope.agent_id,
        scope.agent_type, scope.project_id, scope.contract_id,
        scope.framework_id, scope.tier}) {
    if (!text.empty()) return true;
  }
  return false;
}

void FillScope(const CallScope& from, v1::CallerScope* to) {
  to->set_user_id(std::string(from.user_id));
  to->set_session_id(std::string(from.session_id));
  to->set_work_order_id(std::string(from.work_order_id));
  to->set_agent_id(std::string(from.agent_id));
  to->set_agent_type(std::string(from.agent_type));
  to->set_project_id(std::string(from.project_id));
  to->set_contract_id(std::string(from.contract_id));
  to->set_framework_id(std::string(from.framework_id));
  to->set_tier(std::string(from.tier));
}

void ToRequestRecord(const CallRecord& call, v1::RequestRecord* out) {
  out->set_request_id(std::string(call.request_id));
  *out->mutable_start_time() = ToProto(call.start_time);
  out->set_operation(std::string(call.operation));
  out->set_caller(std::string(call.caller));
  out->set_model(std::string(call.model_asked));
  out->set_stream(call.stream);
  if (!call.provider.empty()) FillRecordedRoute(call, out->mutable_route());
  for (const CallAttempt* attempt : call.attempts) {
    FillAttempt(*attempt, *call.usage, out->add_attempts());
  }
  *out->mutable_usage() = ConsumedUsage(call);
  FillTimings(call, out->mutable_timings());
  if (SaysAnything(call.scope)) FillScope(call.scope, out->mutable_scope());
  for (const CallLabel& label : call.labels) {
    (*out->mutable_labels())[std::string(label.key)] = std::string(label.value);
  }
  out->set_finish_reason(call.finish_reason);
  out->set_request_bytes(call.request_bytes);
  out->set_response_bytes(call.response_bytes);
  out->set_path(std::string(call.path));
  out->set_method(std::string(call.method));
  out->set_trace_id(std::string(call.trace_id));
  out->set_failure(call.error_reason);
  out->set_status_code(static_cast<int>(call.status_code));
  out->set_http_status(call.http_status);
}

void ToRequestStarted(const CallRecord& call, v1::RequestStarted* out) {
  out->set_request_id(std::string(call.request_id));
  *out->mutable_start_time() = ToProto(call.start_time);
  out->set_operation(std::string(call.operation));
  out->set_caller(std::string(call.caller));
  out->set_model(std::string(call.model_asked));
  out->set_stream(call.stream);
  FillRecordedRoute(call, out->mutable_route());
  if (SaysAnything(call.scope)) FillScope(call.scope, out->mutable_scope());
}

void ToRequestFirstToken(const CallRecord& call, v1::RequestFirstToken* out) {
  out->set_request_id(std::string(call.request_id));
  FillRecordedRoute(call, out->mutable_route());
  if (call.time_to_first_token.has_value()) {
    *out->mutable_time_to_first_token() = ToProto(*call.time_to_first_token);
  }
}

}  // namespace gateway
