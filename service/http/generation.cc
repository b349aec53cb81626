#include "service/http/generation.h"

#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "google/protobuf/arena.h"
#include "providers/dialects/dialect.h"
#include "providers/provider.h"
#include "service/http/dialect_sink.h"
#include "service/pipeline/call.h"
#include "service/pipeline/pipeline.h"

namespace gateway {
namespace {

// What is alike for all operations. Views of both stay in the call.
void SetUp(const Visit& visit, const GenerationOptions& options, Call* call) {
  CallFacts& facts = call->facts;
  SetFacts(visit, options.operation, &facts);
  facts.dialect = visit.words.dialect->name();
  facts.forwarded_fields = visit.fields.anthropic_fields;
  facts.previous_response_id = options.previous_response_id;
  facts.remembered_unless_refused = options.remembered_unless_refused;
  facts.background = options.background;
  call->responses = visit.services.responses;
}

// What the body says as its dialect reads it, with what the path says beside
// it; of a stranger's, nothing. Sets the call's request, and what is wrong with
// it.
void Scan(const Visit& visit, const GenerationOptions& options, RawRequest* raw,
          Call* call) {
  raw->dialect = visit.words.dialect;
  raw->body = visit.request.body;
  absl::Status scanned = AdmitCaller(visit, call);
  if (scanned.ok()) {
    scanned = raw->dialect->ScanRequest(raw->body, &raw->scan);
  }
  if (!options.model.empty()) {
    raw->scan.model = options.model;
    raw->scan.stream = options.stream;
  }
  call->raw = raw;
  call->refusal = options.refusal.ok() ? std::move(scanned) : options.refusal;
  call->facts.model = raw->scan.model;
}

}  // namespace

Task<void> Generate(Visit visit, GenerationOptions options) {
  LoopServices& services = visit.services;
  google::protobuf::Arena arena;
  Call call(services.wiring.Get(), services.loop, services.http,
            visit.responder.gone(), arena, visit.request.arrival);
  SetUp(visit, options, &call);

  DialectSink sink(visit.words, visit.responder, visit.fields.details);
  RawRequest raw;
  Scan(visit, options, &raw, &call);
  call.facts.stream = raw.scan.stream && call.refusal.ok();
  call.facts.stream_usage = raw.scan.stream_usage;
  (co_await RunCall(call, sink, services.recorder)).IgnoreError();
}

Task<void> CountTokens(Visit visit, GenerationOptions options) {
  LoopServices& services = visit.services;
  google::protobuf::Arena arena;
  Call call(services.wiring.Get(), services.loop, services.http,
            visit.responder.gone(), arena, visit.request.arrival);
  SetUp(visit, options, &call);

  RawRequest raw;
  Scan(visit, options, &raw, &call);
  // They may stand in a whole request inside.
  raw.scan.needs_messages = false;
  call.facts.counts = true;
  const TellCount tell = [&](const absl::StatusOr<TokenCount>& count) {
    std::string body;
    absl::Status outcome = count.status();
    if (outcome.ok() && !count->raw.empty()) {
      body = count->raw;
    } else if (outcome.ok()) {
      outcome = raw.dialect->WriteCountResponse(count->tokens, &body);
    }
    return SendOutcome(visit, call, std::move(outcome), std::move(body));
  };
  (co_await RunCount(call, services.recorder, &tell)).IgnoreError();
}

}  // namespace gateway
