#include "service/http/request_context.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/api/call_context.h"
#include "service/api/provider_credential.h"
#include "service/http/answer_fields.h"
#include "service/http/refusal_watch.h"
#include "service/overload/overload_control.h"
#include "service/pipeline/call.h"
#include "service/tracing/trace_context.h"

namespace gateway {
namespace {

void TakeFirst(std::string_view value, std::string_view* taken) {
  if (taken->empty()) *taken = value;
}

void TakeSole(std::string_view value, bool* seen, std::string_view* taken) {
  *taken = std::exchange(*seen, true) ? std::string_view() : value;
}

constexpr std::string_view kCacheControl = "cache-control";
constexpr std::string_view kContentEncoding = "content-encoding";

// Returns whether a field that begins so may be one of CallerFields.
bool MayBeRead(char first) {
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(first));
  return lower == 'a' || lower == 'x' || lower == 'h' || lower == 'o' ||
         lower == 'i';
}

absl::StatusOr<CallerRef> CallerOf(const HttpRequest& request,
                                   const HttpResponder& responder,
                                   std::string_view peer, CallerHead head,
                                   const RuntimeSnapshot& runtime) {
  if (request.caller.known_by.get() == &runtime) {
    return std::static_pointer_cast<const Caller>(request.caller.caller);
  }
  head.certificate = responder.peer_names();
  head.peer = peer;
  absl::StatusOr<CallerRef> caller = runtime.callers().Authorize(head);
  if (!caller.ok() || request.admitted) return caller;
  // There was no memory for its body.
  if (runtime.overload() != nullptr) {
    return runtime.overload()->RefuseForMemory((*caller)->priority);
  }
  return MakeFault(v1::ERROR_REASON_API_KEY_INVALID,
                   "the caller was not known when the request's head came");
}

// What the caller calls the request; empty if it does not.
std::string_view IdSaid(const HttpApi& api, const HttpRequest& request,
                        const CallerFields& fields) {
  if (api.request_ids_from.empty()) return fields.request_id;
  for (const std::string_view name : api.request_ids_from) {
    const std::string_view said = request.Find(name);
    if (!said.empty()) return said;
  }
  return {};
}

}  // namespace

std::string_view ClientOf(const HttpRequest& request,
                          const HttpResponder& responder,
                          const TrustedProxies& proxies) {
  if (proxies.empty()) return responder.peer();
  absl::InlinedVector<std::string_view, 4> forwarded_for;
  for (const HttpField& field : request.fields) {
    if (EqualsIgnoreCase(field.name, kForwardedForHeader)) {
      forwarded_for.push_back(field.value);
    }
  }
  return proxies.ClientOf(responder.peer(), forwarded_for);
}

absl::Duration Elapsed(const RequestContext& context) {
  return context.services.loop.Now() - context.request.arrival;
}

CallerFields::CallerFields(absl::Span<const HttpField> fields) {
  std::optional<std::string_view> authorization;
  std::optional<std::string_view> api_key;
  std::optional<std::string_view> google_api_key;
  std::optional<std::string_view> of_provider;
  bool has_parent = false;
  bool has_state = false;
  for (const HttpField& field : fields) {
    const char first = field.name.empty() ? ' ' : field.name[0];
    // The length is compared first, which settles most fields.
    if (field.name.size() == kContentEncoding.size() &&
        EqualsIgnoreCase(field.name, kContentEncoding)) {
      TakeFirst(field.value, &content_encoding);
    }
    if (field.name.size() == kCacheControl.size() &&
        EqualsIgnoreCase(field.name, kCacheControl)) {
      TakeFirst(field.value, &cache_control);
    }
    if (field.name.size() == kTraceParentHeader.size() &&
        EqualsIgnoreCase(field.name, kTraceParentHeader)) {
      TakeSole(field.value, &has_parent, &traceparent);
    }
    if (field.name.size() == kTraceStateHeader.size() &&
        EqualsIgnoreCase(field.name, kTraceStateHeader)) {
      TakeSole(field.value, &has_state, &tracestate);
    }
    if (!MayBeRead(first)) continue;
    const auto is = [&](std::string_view name) {
      return EqualsIgnoreCase(field.name, name);
    };
    if (is(kRequestIdHeader)) {
      TakeFirst(field.value, &request_id);
    } else if (is("authorization")) {
      TakeCredential("authorization", field.value, &authorization, &head);
    } else if (is("x-api-key")) {
      TakeCredential("x-api-key", field.value, &api_key, &head);
    } else if (is("x-goog-api-key")) {
      TakeCredential("x-goog-api-key", field.value, &google_api_key, &head);
    } else if (is(kProviderCredentialHeader)) {
      TakeCredential(kProviderCredentialHeader, field.value, &of_provider,
                     &head);
    } else if (is("host")) {
      TakeFirst(field.value, &head.authority);
    } else if (is("origin")) {
      TakeFirst(field.value, &head.origin);
    } else if (is("anthropic-version")) {
      if (anthropic_version.empty()) anthropic_fields.push_back(field);
      TakeFirst(field.value, &anthropic_version);
    } else if (is("anthropic-beta")) {
      anthropic_fields.push_back(field);
    } else {
      directives.Take(field.name, field.value);
    }
  }
  head.authorization = authorization.value_or("");
  head.api_key = api_key.value_or("");
  TakeFirst(google_api_key.value_or(""), &head.api_key);
  provider_credential = BareCredential(of_provider.value_or(""));
}

CallerFields::CallerFields(const HttpRequest& request)
    : CallerFields(request.fields) {
  if (!request.target_authority.empty()) {
    head.authority = request.target_authority;
  }
}

CallerFields::CallerFields(const HttpApi& api, const HttpRequest& request)
    : CallerFields(request) {
  head.api = api.scoped_api;
}

RequestContext::RequestContext(LoopServices& services, const HttpApi& api,
                               const HttpRequest& request,
                               HttpResponder& responder)
    : services(services),
      api(api),
      request(request),
      responder(responder),
      fields(api, request),
      runtime(services.runtime.Get()),
      peer(ClientOf(request, responder, runtime->proxies().http)),
      caller(CallerOf(request, responder, peer, fields.head, *runtime)),
      id(RequestIdFor(IdSaid(api, request, fields))) {}

Call NewCall(const RequestContext& context, google::protobuf::Arena& arena) {
  return NewCall(context, arena, context.responder.gone());
}

Call NewCall(const RequestContext& context, google::protobuf::Arena& arena,
             CancelSignal& cancel) {
  return Call(context.runtime, context.services.loop, context.services.http,
              cancel, arena, context.request.arrival);
}

void SetFacts(const RequestContext& context, const Operation& operation,
              IncomingCall* call) {
  call->SetPath("", context.request.path);
  CallFacts* const facts = &call->facts;
  facts->head = context.fields.head;
  facts->operation = operation.name;
  facts->method = operation.method;
  facts->request_id = context.id;
  facts->peer = context.peer;
  facts->provider_credential = ProviderCredentialOf(
      context.fields.provider_credential, context.fields.head,
      context.runtime->callers().asks_for_keys());
  facts->cache_control = context.fields.cache_control;
  facts->traceparent = context.fields.traceparent;
  facts->tracestate = context.fields.tracestate;
  if (context.fields.directives.any()) {
    facts->directives = &context.fields.directives;
    facts->strict_output = context.fields.directives.strict_output;
  }
  facts->request_bytes = context.request.body.size();
  facts->http_body = context.request.body;
}

absl::Status AuthorizeCaller(const RequestContext& context,
                             IncomingCall* call) {
  call->known_caller = context.caller;
  return context.caller.status();
}

Task<void> SendJson(RequestContext context, std::string body,
                    std::vector<v1::Warning> warnings, int http_status) {
  AnswerFields fields(context.api, "application/json", context.id,
                      Elapsed(context));
  fields.AddWarnings(warnings);
  const std::string_view pieces[] = {body};
  (co_await context.responder.Send({http_status, fields}, pieces))
      .IgnoreError();
}

Task<void> Fail(RequestContext context, absl::Status status) {
  const WireError error = context.api.dialect->WriteError(status, context.id);
  AnswerFields fields(context.api, "application/json", context.id,
                      Elapsed(context));
  fields.AddFailure(status);
  fields.AddLoad(*context.runtime);
  RecordRefusal(context.services.refusals, context.request, context.responder,
                error.http_status, context.id, ToStd(status.message()));
  const std::string_view pieces[] = {error.body};
  (co_await context.responder.Send({error.http_status, fields}, pieces))
      .IgnoreError();
}

Task<void> FailWith(RequestContext context, absl::Status status,
                    int http_status, std::string_view field,
                    std::string value) {
  const std::string body =
      ErrorBodyFor(context.api, status, http_status, context.id);
  AnswerFields fields(context.api, "application/json", context.id,
                      Elapsed(context));
  fields.AddFailure(status);
  if (!field.empty()) fields.Add(field, value);
  fields.AddLoad(*context.runtime);
  RecordRefusal(context.services.refusals, context.request, context.responder,
                http_status, context.id, ToStd(status.message()));
  const std::string_view pieces[] = {body};
  (co_await context.responder.Send({http_status, fields}, pieces))
      .IgnoreError();
}

}  // namespace gateway
