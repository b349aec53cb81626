#include "service/http/api_router.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/http/request_context.h"
#include "service/http/session_routes.h"
#include "service/http/tool_routes.h"
#include "service/overload/overload_control.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

bool IsMemoryCritical(const RuntimeSnapshot& runtime) {
  const OverloadControl* const overload = runtime.overload();
  return overload != nullptr &&
         overload->memory().pressure() == MemoryPressure::kCritical;
}

// Returns whether requests of the route have bodies: all that run calls do.
bool TakesBody(const RouteTable::Route& route) {
  return route.runs_call || route.method == "POST";
}

bool IsEncoded(std::string_view content_encoding) {
  return !content_encoding.empty() &&
         !absl::EqualsIgnoreCase(ToAbsl(content_encoding), "identity");
}

Task<void> RefuseEncoding(RequestContext context) {
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_INVALID_REQUEST,
      absl::StrCat("a body with content-encoding '",
                   ToAbsl(context.fields.content_encoding.substr(0, 64)),
                   "' is not read; send it as it is"));
  return FailWith(std::move(context), std::move(fault), 415, "accept-encoding",
                  "identity");
}

}  // namespace

ApiRouter::ApiRouter(LoopServices& services) : services_(services) {
  // Those whose paths have patterns, which take longer to compare, are last.
  anthropic_.AddTo(routes_);
  openai_.AddTo(routes_);
  responses_.AddTo(routes_);
  AddSessions(openai_.api(), routes_);
  AddTools(openai_.api(), routes_);
  embeddings_.AddTo(routes_);
  selection_chat_.AddTo(routes_);
  gemini_.AddTo(routes_);
}

HttpAdmission ApiRouter::Admit(const HttpRequest& request,
                               HttpResponder& responder) {
  std::string_view rest;
  const RouteTable::Route* const route = routes_.Find(request, &rest);
  if (route == nullptr) return false;
  const std::shared_ptr<const RuntimeSnapshot>& runtime =
      services_.runtime.Get();
  // Its peer stays away: Handle counts what is wrong.
  CallerHead head = CallerFields(*route->api, request).head;
  head.certificate = responder.peer_names();
  absl::StatusOr<CallerRef> caller = runtime->callers().Authorize(head);
  if (!caller.ok()) return false;
  // Nothing of its body is taken in while there is no memory for it; Handle
  // says so.
  if (TakesBody(*route) && IsMemoryCritical(*runtime)) return false;
  return HttpCaller{.caller = *std::move(caller), .known_by = runtime};
}

Task<void> ApiRouter::Handle(const HttpRequest& request,
                             HttpResponder& responder) {
  std::string_view rest;
  const RouteTable::Route* const route = routes_.Find(request, &rest);
  if (route == nullptr) {
    return RefuseRoute(
        RequestContext(services_, NearestTo(request.path), request, responder));
  }
  RequestContext context(services_, *route->api, request, responder);
  if (IsEncoded(context.fields.content_encoding)) {
    return RefuseEncoding(std::move(context));
  }
  if (!route->runs_call) {
    const absl::Status refused =
        context.caller.ok() ? (*context.caller)->scopes.CheckRpc(route->rpc)
                            : context.caller.status();
    if (!refused.ok()) return Fail(std::move(context), refused);
  }
  // A call refuses them itself.
  const absl::Status& directives = context.fields.directives.status();
  if (!route->runs_call && !directives.ok()) {
    const absl::Status refused = directives;
    return Fail(std::move(context), refused);
  }
  return route->serve(std::move(context), rest);
}

Task<void> ApiRouter::RefuseRoute(RequestContext context) const {
  const HttpRequest& request = context.request;
  std::string message = absl::StrCat("there is no ", ToAbsl(request.method),
                                     " ", ToAbsl(request.path), "; see ",
                                     routes_.Shown(context.api.vendor));
  std::string allowed = routes_.Allowed(request.path);
  if (allowed.empty()) {
    return Fail(std::move(context),
                MakeFault(v1::ERROR_REASON_NOT_FOUND, message));
  }
  return FailWith(std::move(context),
                  MakeFault(v1::ERROR_REASON_INVALID_REQUEST, message), 405,
                  "allow", std::move(allowed));
}

const HttpApi& ApiRouter::NearestTo(std::string_view path) const {
  if (path.starts_with("/v1/messages")) return anthropic_.api();
  if (path.starts_with("/v1beta/")) return gemini_.api();
  if (path.starts_with("/api/chat")) return selection_chat_.api();
  return openai_.api();
}

HttpHandler::Refusal ApiRouter::Refuse(int status, std::string_view path,
                                       std::string_view message) {
  const v1::ErrorReason reason =
      status == 413 || status == 431 ? v1::ERROR_REASON_REQUEST_TOO_LARGE
      : status == 503                ? v1::ERROR_REASON_OVERLOADED
      : status >= 500                ? v1::ERROR_REASON_INTERNAL
                                     : v1::ERROR_REASON_INVALID_REQUEST;
  const HttpApi& api = NearestTo(path);
  const absl::Status fault = MakeFault(reason, message);
  Refusal refusal{.content_type = "application/json"};
  if (reason == v1::ERROR_REASON_OVERLOADED) {
    // Which vendors have statuses of their own for.
    refusal.status = api.dialect->WriteError(fault, "").http_status;
    refusal.fields.push_back({"retry-after", "1"});
  }
  refusal.body = ErrorBodyFor(api, fault, refusal.StatusFor(status), "");
  return refusal;
}

}  // namespace gateway
