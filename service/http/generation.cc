#include "service/http/generation.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "providers/dialects/dialect.h"
#include "providers/provider.h"
#include "service/http/answer_details.h"
#include "service/http/dialect_sink.h"
#include "service/http/json_sink.h"
#include "service/http/ring_responder.h"
#include "service/http/stream_resumption.h"
#include "service/pipeline/call.h"
#include "service/pipeline/pipeline.h"
#include "service/pipeline/resumable_call.h"

namespace gateway {
namespace {

// Takes the bytes, if the caller is admitted. Returns how many bytes OffLoop is
// to count for scanning them.
size_t Take(const RequestContext& context, RawRequest* raw,
            IncomingCall* call) {
  raw->dialect = context.api.dialect;
  raw->body = context.request.body;
  call->raw = raw;
  call->api_error = AuthorizeCaller(context, call);
  return call->api_error.ok() ? raw->body.size() / kScansPerReading : 0;
}

// Scans the body, as the dialect and the API do. Returns what is wrong with the
// request.
absl::Status Scan(const absl::Status& api_error, GenerationOptions* options,
                  RawRequest* raw) {
  GATEWAY_RETURN_IF_ERROR(api_error);
  absl::Status scanned = raw->dialect->ScanRequest(raw->body, &raw->scan);
  if (options->read_more != nullptr) options->read_more(raw->body, options);
  return options->api_error.ok() ? std::move(scanned) : options->api_error;
}

// Takes the session that the body names, where the gateway keeps any.
void TakeSession(const RequestScan& scan, IncomingCall* call) {
  if (call->runtime->sessions() == nullptr) return;
  call->facts.session = scan.session_id;
  if (scan.session_field.empty() || !scan.session_id.empty()) return;
  // A caller that means a session would lose the turn.
  call->api_error.Update(InvalidField(
      scan.session_field,
      "must be the id of a session, a text, as POST /v1/sessions returns it; "
      "leave it out, or give null, if there is none"));
}

// Sets what all operations need. What the path says goes before what the body
// says. Views of all of it are kept in the call.
void SetUp(const RequestContext& context, const GenerationOptions& options,
           RawRequest* raw, IncomingCall* call) {
  if (!options.model.empty()) {
    raw->scan.model = options.model;
    raw->scan.stream = options.stream;
  }
  SetFacts(context, options.operation, call);
  CallFacts& facts = call->facts;
  facts.dialect = raw->dialect->name();
  // At another vendor's API they mean nothing, whoever is asked.
  if (context.api.vendor == "Anthropic") {
    facts.forwarded_fields = context.fields.anthropic_fields;
  }
  facts.previous_response_id = options.previous_response_id;
  facts.remembered_unless_refused = options.remembered_unless_refused;
  facts.background = options.background;
  facts.stored_reference = options.stored_reference;
  facts.model = raw->scan.model;
  TakeSession(raw->scan, call);
  call->responses = context.services.responses;
}

// The provider's own answer where that was forwarded.
class CountSink final : public JsonSink {
 public:
  using JsonSink::JsonSink;

 private:
  absl::Status WriteBody(Call& call, std::string* body) override {
    Attempt* const attempt = call.DecidingAttempt();
    if (attempt != nullptr && !attempt->reply.empty()) {
      *body = std::move(attempt->reply);
      return absl::OkStatus();
    }
    return call.raw->dialect->WriteCountResponse(call.count.tokens, body);
  }
};

// What the answer tells beside what the vendor's does.
DetailForm DetailsOf(const RequestContext& context) {
  if (context.fields.directives.details) return DetailForm::kFull;
  const bool is_brief =
      context.api.scoped_api == ScopedApi::kAnthropic &&
      context.runtime->config().listeners().http().messages_details();
  return is_brief ? DetailForm::kBrief : DetailForm::kNone;
}

// Runs a stream that its caller may come back to.
Task<void> RunResumable(const RequestContext& context, Call& call,
                        ResumableCall& resumable) {
  RingResponder responder(context.responder, resumable, context.id);
  DialectSink sink(context.api, responder, DetailsOf(context));
  absl::Status outcome =
      co_await RunCall(call, sink, context.services.recorder);
  resumable.End(std::move(outcome));
}

// Lets the caller of a stream come back to it, if there is room.
void OpenStreamOf(const RequestContext& context, const Call& call,
                  ResumableCall* resumable) {
  if (!call.facts.stream || !context.caller.ok()) return;
  resumable->Open(*context.runtime->resumable_streams(),
                  OwnerOf(**context.caller, HttpFormOf(context.api)),
                  context.id, call.planned.reason);
}

// Runs a call to generate or, if it `counts`, to count.
Task<void> Run(RequestContext context, GenerationOptions options, bool counts) {
  LoopServices& services = context.services;
  std::optional<ResumableCall> resumable;
  if (!counts && context.runtime->resumable_streams() != nullptr) {
    if (!context.request.Find(kLastEventId).empty()) {
      co_return co_await ResumeStream(std::move(context), options.operation);
    }
    resumable.emplace(services.loop, context.responder.gone());
  }
  google::protobuf::Arena arena;
  Call call =
      NewCall(context, arena,
              resumable ? resumable->cancel() : context.responder.gone());
  RawRequest raw;
  const size_t bytes = Take(context, &raw, &call);
  call.api_error = co_await OffLoop(
      bytes, [&] { return Scan(call.api_error, &options, &raw); },
      WorkerPool::Stage::kBegins);
  SetUp(context, options, &raw, &call);
  if (counts) {
    call.facts.counts = true;
    CountSink sink(context);
    (co_await RunCall(call, sink, services.recorder)).IgnoreError();
    co_return;
  }
  call.facts.stream = raw.scan.stream && call.api_error.ok();
  call.facts.stream_usage = raw.scan.stream_usage;
  if (resumable) OpenStreamOf(context, call, &*resumable);
  if (resumable && resumable->is_open()) {
    co_return co_await RunResumable(context, call, *resumable);
  }
  DialectSink sink(context.api, context.responder, DetailsOf(context));
  (co_await RunCall(call, sink, services.recorder)).IgnoreError();
}

}  // namespace

Task<void> Generate(RequestContext&& context, GenerationOptions&& options) {
  return Run(std::move(context), std::move(options), /*counts=*/false);
}

Task<void> CountTokens(RequestContext&& context, GenerationOptions&& options) {
  return Run(std::move(context), std::move(options), /*counts=*/true);
}

}  // namespace gateway
