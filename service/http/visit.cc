#include "service/http/visit.h"

#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/api/call_context.h"
#include "service/api/provider_credential.h"
#include "service/http/answer_fields.h"
#include "service/http/refusal_watch.h"

namespace gateway {
namespace {

void TakeFirst(std::string_view value, std::string_view* taken) {
  if (taken->empty()) *taken = value;
}

constexpr std::string_view kContentEncoding = "content-encoding";

bool IsTrue(std::string_view value) {
  return absl::EqualsIgnoreCase(ToAbsl(value), "true");
}

// Whether a field that begins so may be one of CallerFields.
bool MayBeRead(char first) {
  constexpr std::string_view kFirsts = "axhoAXHO";
  return kFirsts.find(first) != std::string_view::npos;
}

absl::Duration Elapsed(const Visit& visit) {
  return visit.services.loop.Now() - visit.request.arrival;
}

}  // namespace

CallerFields::CallerFields(absl::Span<const HttpField> fields) {
  std::string_view google_api_key;
  for (const HttpField& field : fields) {
    const char first = field.name.empty() ? ' ' : field.name[0];
    // Spares most fields the comparisons below.
    if (field.name.size() == kContentEncoding.size() &&
        EqualsIgnoreCase(field.name, kContentEncoding)) {
      TakeFirst(field.value, &content_encoding);
    }
    if (!MayBeRead(first)) continue;
    const auto is = [&](std::string_view name) {
      return EqualsIgnoreCase(field.name, name);
    };
    if (is(kRequestIdHeader)) {
      TakeFirst(field.value, &request_id);
    } else if (is("authorization")) {
      TakeFirst(field.value, &head.authorization);
    } else if (is("x-api-key")) {
      TakeFirst(field.value, &head.api_key);
    } else if (is("x-goog-api-key")) {
      TakeFirst(field.value, &google_api_key);
    } else if (is(kProviderCredentialHeader)) {
      TakeFirst(BareCredential(field.value), &provider_credential);
    } else if (is("host")) {
      TakeFirst(field.value, &head.authority);
    } else if (is("origin")) {
      TakeFirst(field.value, &head.origin);
    } else if (is("anthropic-version")) {
      if (anthropic_version.empty()) anthropic_fields.push_back(field);
      TakeFirst(field.value, &anthropic_version);
    } else if (is("anthropic-beta")) {
      anthropic_fields.push_back(field);
    } else if (is("x-llmgateway-strict-output")) {
      strict_output = IsTrue(field.value);
    } else if (is("x-llmgateway-details")) {
      details = IsTrue(field.value);
    }
  }
  TakeFirst(google_api_key, &head.api_key);
}

Visit::Visit(LoopServices& services, const DoorWords& words,
             const HttpRequest& request, HttpResponder& responder)
    : services(services),
      words(words),
      request(request),
      responder(responder),
      fields(request.fields),
      id(RequestIdFor(fields.request_id)),
      peer(responder.peer()) {}

void SetFacts(const Visit& visit, const Operation& operation, Call* call) {
  call->NotePath("", visit.request.path);
  CallFacts* const facts = &call->facts;
  facts->head = visit.fields.head;
  facts->operation = operation.name;
  facts->method = operation.method;
  facts->request_id = visit.id;
  facts->peer = visit.peer;
  facts->provider_credential = visit.fields.provider_credential;
  facts->strict_output = visit.fields.strict_output;
  facts->request_bytes = visit.request.body.size();
}

absl::StatusOr<std::string_view> CheckCaller(const Visit& visit,
                                             const Wiring& wiring) {
  const HttpCaller& caller = visit.request.caller;
  if (caller.known_by.get() == &wiring) return caller.id;
  return wiring.callers().Admit(visit.fields.head);
}

absl::Status AdmitCaller(const Visit& visit, Call* call) {
  if (!visit.request.admitted) {
    return MakeFault(v1::ERROR_REASON_API_KEY_INVALID,
                     "the caller was not known when the request's head came");
  }
  GATEWAY_ASSIGN_OR_RETURN(call->caller, CheckCaller(visit, *call->wiring));
  call->caller_known = true;
  return absl::OkStatus();
}

Task<absl::Status> SendOutcome(Visit& visit, Call& call, absl::Status outcome,
                               std::string body) {
  call.http_status = 200;
  if (!outcome.ok()) {
    const WireError error = visit.words.dialect->WriteError(outcome, visit.id);
    call.http_status = error.http_status;
    body = error.body;
  }
  AnswerFields fields(visit.words, "application/json", visit.id,
                      Elapsed(visit));
  fields.AddOutcome(call, outcome);
  call.response_bytes = static_cast<int64_t>(body.size());
  const std::string_view pieces[] = {body};
  co_return co_await visit.responder.Send({call.http_status, fields}, pieces);
}

Task<void> SendJson(Visit visit, std::string body) {
  const AnswerFields fields(visit.words, "application/json", visit.id,
                            Elapsed(visit));
  const std::string_view pieces[] = {body};
  (co_await visit.responder.Send({200, fields}, pieces)).IgnoreError();
}

Task<void> Fail(Visit visit, absl::Status status) {
  const WireError error = visit.words.dialect->WriteError(status, visit.id);
  AnswerFields fields(visit.words, "application/json", visit.id,
                      Elapsed(visit));
  fields.AddFailure(status);
  NoteRefusal(visit.services.refusals, visit.request, visit.responder,
              error.http_status, visit.id, ToStd(status.message()));
  const std::string_view pieces[] = {error.body};
  (co_await visit.responder.Send({error.http_status, fields}, pieces))
      .IgnoreError();
}

Task<void> FailWith(Visit visit, absl::Status status, int http_status,
                  std::string_view field, std::string value) {
  const std::string body =
      ErrorBodyFor(visit.words, status, http_status, visit.id);
  AnswerFields fields(visit.words, "application/json", visit.id,
                      Elapsed(visit));
  fields.AddFailure(status);
  fields.Add(field, value);
  NoteRefusal(visit.services.refusals, visit.request, visit.responder,
              http_status, visit.id, ToStd(status.message()));
  const std::string_view pieces[] = {body};
  (co_await visit.responder.Send({http_status, fields}, pieces))
      .IgnoreError();
}

}  // namespace gateway
