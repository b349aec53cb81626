// A RequestContext is one request at an HTTP API, and what every API does
// alike: the request's id, the caller's key, JSON answers and failures in the
// vendor's words.
//
//   Task<void> MyRoutes::Show(RequestContext context) {
//     if (!context.caller.ok()) {
//       const absl::Status unknown = context.caller.status();
//       co_await Fail(std::move(context), unknown);
//       co_return;
//     }
//     co_await SendJson(std::move(context), "{}");
//
// Thread contract: one request, on its loop.

#ifndef SERVICE_HTTP_REQUEST_CONTEXT_H_
#define SERVICE_HTTP_REQUEST_CONTEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http_handler.h"
#include "base/text/short_text.h"
#include "google/protobuf/arena.h"
#include "service/http/http_api.h"
#include "service/identity/trusted_proxies.h"
#include "service/pipeline/call_directives.h"
#include "service/pipeline/incoming_call.h"
#include "service/pipeline/loop_services.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

class Call;

// What the caller says beside the body, read in one pass. Empty if absent; the
// first counts where a field is repeated, but no credential may be: `head` is
// refused then (ShownCredentials).
struct CallerFields {
  explicit CallerFields(absl::Span<const HttpField> fields);
  // Also takes the authority that the request's target names.
  explicit CallerFields(const HttpRequest& request);
  // At this API.
  CallerFields(const HttpApi& api, const HttpRequest& request);

  std::string_view request_id;
  // `x-goog-api-key` is read as `x-api-key`.
  CallerHead head = {.protocol = Protocol::kHttp};
  // The value of `x-provider-authorization` without its scheme.
  std::string_view provider_credential;
  std::string_view anthropic_version;
  std::string_view content_encoding;
  std::string_view cache_control;
  // Empty if there are several, of which each may mean another trace.
  std::string_view traceparent;
  std::string_view tracestate;
  // `anthropic-version` and each `anthropic-beta`, as they stand.
  absl::InlinedVector<HttpField, 2> anthropic_fields;
  CallDirectives directives;
};

// Returns where a request comes from: the peer or, if that is a proxy that is
// believed, what it says. Valid as long as the request.
std::string_view ClientOf(const HttpRequest& request,
                          const HttpResponder& responder,
                          const TrustedProxies& proxies);

struct RequestContext {
  // Borrows everything that is passed by reference.
  RequestContext(LoopServices& services, const HttpApi& api,
                 const HttpRequest& request, HttpResponder& responder);

  LoopServices& services;
  const HttpApi& api;
  // Its views end when a streamed answer begins.
  const HttpRequest& request;
  HttpResponder& responder;
  CallerFields fields;
  // The rules that the request is served by, whatever is put into use
  // meanwhile.
  std::shared_ptr<const RuntimeSnapshot> runtime;
  // Where it comes from, also after the client has gone: its `address:port`, or
  // what a proxy that is believed says.
  ShortText peer;
  // Who calls. Found out once: not looked up again if this snapshot was asked
  // at the head. Otherwise the fault of CallerAccess; and one for a request
  // that was not admitted at the head, though it would be now.
  absl::StatusOr<CallerRef> caller;
  ShortText id;
};

// Since the request arrived.
absl::Duration Elapsed(const RequestContext& context);

// One operation of an API, from a closed list; the texts are constants.
struct Operation {
  std::string_view name;  // As in CallRecord: `POST /v1/messages`.
  std::string_view method;
  std::string_view path;
};

// Makes the call that `context` asks for, with nothing set yet. Both must
// outlive it.
Call NewCall(const RequestContext& context, google::protobuf::Arena& arena);
// The same, ended by `cancel` and not by the client's going.
Call NewCall(const RequestContext& context, google::protobuf::Arena& arena,
             CancelSignal& cancel);

// Sets the facts of a call from `context`, without its request. They keep views
// of `context`.
void SetFacts(const RequestContext& context, const Operation& operation,
              IncomingCall* call);

// Has a call know its caller, or why it is refused, before the stages run,
// since nothing of the body may be read before that is known. Returns
// context.caller's fault.
absl::Status AuthorizeCaller(const RequestContext& context, IncomingCall* call);

Task<void> SendJson(RequestContext context, std::string body,
                    std::vector<v1::Warning> warnings = {},
                    int http_status = 200);
Task<void> Fail(RequestContext context, absl::Status status);

// Fails with an HTTP status that no fault has, and the field that belongs to
// it, such as 405 with `allow`, if one does. `field` is a constant.
Task<void> FailWith(RequestContext context, absl::Status status,
                    int http_status, std::string_view field, std::string value);

}  // namespace gateway

#endif  // SERVICE_HTTP_REQUEST_CONTEXT_H_
