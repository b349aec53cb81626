#include "service/api/session_methods.h"

#include <utility>

#include "base/status_macros.h"
#include "service/api/call_report.h"
#include "service/api/caller_check.h"
#include "service/overload/overload_control.h"
#include "service/pipeline/call_directives.h"
#include "service/pipeline/session_opening.h"
#include "service/sessions/session_fault.h"
#include "service/sessions/session_store.h"

namespace gateway {
namespace {

constexpr std::string_view kServiceOfSessions = "llmgateway.v1.GatewayService";

// Of what is said beside a call, whom it is for means something here.
absl::StatusOr<CallScope> ReadScope(const CallContext& context) {
  CallDirectives directives;
  for (const MetadataEntry& entry : context.metadata()) {
    directives.Take(entry.name, entry.value);
  }
  if (!directives.status().ok()) return directives.status();
  return directives.scope;
}

// OVERLOADED if there is no memory for what `caller` wants kept. How short it
// is, the trailers say.
absl::Status CheckMemory(const RuntimeSnapshot& runtime, const Caller& caller,
                         CallContext& context) {
  OverloadControl* const overload = runtime.overload();
  if (overload == nullptr) return absl::OkStatus();
  absl::Status refused = overload->CheckMemory(caller.priority);
  if (refused.ok()) return refused;
  CallFields fields;
  ReportLoad(runtime, &fields);
  context.AddTrailers(fields);
  return refused;
}

}  // namespace

SessionMethods::SessionMethods(
    std::function<LoopServices&(EventLoop&)> services_of)
    : services_of_(std::move(services_of)) {}

void SessionMethods::AddTo(MethodTable& table) {
  table.AddUnary(kServiceOfSessions, "CreateSession", *this,
                 &SessionMethods::CreateSession);
  table.AddUnary(kServiceOfSessions, "GetSession", *this,
                 &SessionMethods::GetSession);
  table.AddUnary(kServiceOfSessions, "DeleteSession", *this,
                 &SessionMethods::DeleteSession);
}

absl::StatusOr<SessionMethods::Asked> SessionMethods::Ask(
    const CallContext& context, std::string_view rpc) const {
  Asked asked;
  GATEWAY_ASSIGN_OR_RETURN(asked.scope, ReadScope(context));
  asked.runtime = services_of_(context.loop()).runtime.Get();
  GATEWAY_ASSIGN_OR_RETURN(asked.caller, CheckCaller(*asked.runtime, context));
  GATEWAY_RETURN_IF_ERROR(asked.caller->scopes.CheckRpc(rpc));
  asked.sessions = asked.runtime->sessions();
  if (asked.sessions == nullptr) return NoSessions();
  return asked;
}

Task<absl::Status> SessionMethods::CreateSession(
    CallContext& context, const v1::CreateSessionRequest& request,
    v1::Session* response) {
  GATEWAY_CO_ASSIGN_OR_RETURN(const Asked asked, Ask(context, "CreateSession"));
  GATEWAY_CO_RETURN_IF_ERROR(
      CheckMemory(*asked.runtime, *asked.caller, context));
  const SessionOpener opener = {
      .runtime = *asked.runtime,
      .loop = context.loop(),
      .caller = *asked.caller,
      .api = ScopedApi::kGrpc,
      .peer = ClientOf(context, asked.runtime->proxies().grpc),
      .scope = asked.scope};
  GATEWAY_CO_ASSIGN_OR_RETURN(
      *response, co_await OpenSession(opener, request, context.cancel()));
  co_return absl::OkStatus();
}

Task<absl::Status> SessionMethods::GetSession(
    CallContext& context, const v1::GetSessionRequest& request,
    v1::Session* response) {
  GATEWAY_CO_ASSIGN_OR_RETURN(const Asked asked, Ask(context, "GetSession"));
  GATEWAY_CO_ASSIGN_OR_RETURN(
      *response, co_await asked.sessions->Get(asked.caller->id, request.id(),
                                              context.cancel()));
  co_return absl::OkStatus();
}

Task<absl::Status> SessionMethods::DeleteSession(
    CallContext& context, const v1::DeleteSessionRequest& request,
    v1::DeleteSessionResponse*) {
  GATEWAY_CO_ASSIGN_OR_RETURN(const Asked asked, Ask(context, "DeleteSession"));
  co_return co_await asked.sessions->Delete(asked.caller->id, request.id(),
                                            context.cancel());
}

}  // namespace gateway
