#include "service/http/session_routes.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/http/answer_fields.h"
#include "service/http/request_context.h"
#include "service/http/session_json.h"
#include "service/overload/overload_control.h"
#include "service/pipeline/session_opening.h"
#include "service/sessions/session_fault.h"
#include "service/sessions/session_store.h"

namespace gateway {
namespace {

constexpr int kCreated = 201;
constexpr int kNoContent = 204;

absl::StatusOr<SessionStore*> SessionsOf(const RequestContext& context) {
  SessionStore* const sessions = context.runtime->sessions();
  if (sessions == nullptr) return NoSessions();
  return sessions;
}

Task<absl::StatusOr<v1::Session>> Create(const RequestContext& context) {
  GATEWAY_CO_RETURN_IF_ERROR(SessionsOf(context).status());
  if (OverloadControl* const overload = context.runtime->overload()) {
    GATEWAY_CO_RETURN_IF_ERROR(
        overload->CheckMemory((*context.caller)->priority));
  }
  const std::string_view body = context.request.body;
  const auto read = [body] { return ReadSessionRequest(body); };
  GATEWAY_CO_ASSIGN_OR_RETURN(const v1::CreateSessionRequest request,
                              co_await OffLoop(body.size(), read));
  const SessionOpener opener = {.runtime = *context.runtime,
                                .loop = context.services.loop,
                                .caller = **context.caller,
                                .api = context.fields.head.api,
                                .peer = context.peer,
                                .scope = context.fields.directives.scope};
  co_return co_await OpenSession(opener, request, context.responder.gone());
}

Task<absl::StatusOr<v1::Session>> Get(const RequestContext& context,
                                      std::string_view id) {
  GATEWAY_CO_ASSIGN_OR_RETURN(SessionStore* const sessions,
                              SessionsOf(context));
  co_return co_await sessions->Get((*context.caller)->id, id,
                                   context.responder.gone());
}

Task<absl::Status> Delete(const RequestContext& context, std::string_view id) {
  GATEWAY_CO_ASSIGN_OR_RETURN(SessionStore* const sessions,
                              SessionsOf(context));
  co_return co_await sessions->Delete((*context.caller)->id, id,
                                      context.responder.gone());
}

// Answers with the session, or with what came in its place.
Task<void> Show(RequestContext context, absl::StatusOr<v1::Session> session,
                int http_status) {
  std::string body;
  std::vector<v1::Warning> warnings;
  absl::Status outcome = session.status();
  if (outcome.ok()) {
    const auto write = [&] { return WriteSession(*session, &body, &warnings); };
    outcome = co_await OffLoop(session->ByteSizeLong(), write);
  }
  if (!outcome.ok()) {
    co_await Fail(std::move(context), std::move(outcome));
    co_return;
  }
  co_await SendJson(std::move(context), std::move(body), std::move(warnings),
                    http_status);
}

Task<void> ServeCreate(RequestContext context) {
  absl::StatusOr<v1::Session> session = co_await Create(context);
  co_await Show(std::move(context), std::move(session), kCreated);
}

Task<void> ServeGet(RequestContext context, std::string_view id) {
  absl::StatusOr<v1::Session> session = co_await Get(context, id);
  co_await Show(std::move(context), std::move(session), /*http_status=*/200);
}

Task<void> ServeDelete(RequestContext context, std::string_view id) {
  absl::Status deleted = co_await Delete(context, id);
  if (!deleted.ok()) {
    co_await Fail(std::move(context), std::move(deleted));
    co_return;
  }
  const AnswerFields fields(context.api, "", context.id, Elapsed(context));
  (co_await context.responder.Send({kNoContent, fields}, {})).IgnoreError();
}

}  // namespace

void AddSessions(const HttpApi& api, RouteTable& table) {
  table.Add({.api = &api,
             .method = "POST",
             .path = "/v1/sessions",
             .shown = "POST /v1/sessions",
             .rpc = "CreateSession",
             .serve = [](RequestContext context, std::string_view) {
               return ServeCreate(std::move(context));
             }});
  table.Add({.api = &api,
             .method = "GET",
             .path = "/v1/sessions/",
             .one_segment = true,
             .shown = "GET /v1/sessions/{id}",
             .rpc = "GetSession",
             .serve = [](RequestContext context, std::string_view id) {
               return ServeGet(std::move(context), id);
             }});
  table.Add({.api = &api,
             .method = "DELETE",
             .path = "/v1/sessions/",
             .one_segment = true,
             .shown = "DELETE /v1/sessions/{id}",
             .rpc = "DeleteSession",
             .serve = [](RequestContext context, std::string_view id) {
               return ServeDelete(std::move(context), id);
             }});
}

}  // namespace gateway
