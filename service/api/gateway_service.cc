#include "service/api/gateway_service.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/answer_texts.h"
#include "service/api/call_report.h"
#include "service/api/caller_check.h"
#include "service/api/duration_text.h"
#include "service/api/limit_report.h"
#include "service/api/provider_credential.h"
#include "service/api/ring_writer.h"
#include "service/api/stream_resumption.h"
#include "service/pipeline/batch_size.h"
#include "service/pipeline/call.h"
#include "service/pipeline/call_audit.h"
#include "service/pipeline/held_answer.h"
#include "service/pipeline/model_catalog.h"
#include "service/pipeline/model_discovery.h"
#include "service/pipeline/pipeline.h"
#include "service/pipeline/resumable_call.h"
#include "service/tracing/trace_context.h"

namespace gateway {
namespace {

constexpr std::string_view kGatewayService = "llmgateway.v1.GatewayService";
constexpr std::string_view kOldService = "llmgateway.v1.PromptRouter";

// Sends the caller, in the headers, what the provider told besides its answer.
void TellUpstream(const Call& call, CallContext& context) {
  const Attempt* const attempt = call.DecidingAttempt();
  if (attempt == nullptr) return;
  context.AddInitialMetadata(attempt->progress.upstream.block());
}

void AddFirstToken(const Call& call, const Attempt& attempt,
                   CallFields* fields) {
  if (attempt.first_content == kNotCome) return;
  const int64_t took = std::max<int64_t>(
      absl::ToInt64Microseconds(attempt.first_content - call.arrival), 0);
  char* const out = fields->Room(kDurationBytesMax);
  fields->AddWritten(kFirstTokenHeader, WriteDuration(1000 * took, out));
}

// Tells the caller, in the trailers, who served the call and what it consumed;
// of one that failed also how the gateway fares, which by HTTP is told of each:
// a trailer of which the value is new each time costs more than a limit does.
// So it is with what is left of its budgets, which answers say themselves, but
// for vectors. Nor is the client of one that failed to try on top of what was
// tried here.
void TellCall(const Call& call, const absl::Status& outcome,
              CallContext& context) {
  CallFields fields;
  ReportCall(call, LimitWords::kStructured, &fields);
  if (!outcome.ok() || call.embeddings != nullptr) {
    ReportBudgets(call, &fields);
  }
  if (!outcome.ok()) {
    ReportLoad(*call.runtime, &fields);
    if (!call.attempts.empty()) context.ForbidRetry();
  }
  // Other answers and refusals name their entries in what they say.
  if (call.ledger != nullptr && call.reused != nullptr && outcome.ok()) {
    fields.AddBorrowed(kLedgerEntryHeader, call.ledger->OwnEntryId(call));
  }
  if (const Attempt* const attempt = call.DecidingAttempt()) {
    if (attempt->usage != nullptr) ReportUsage(*attempt->usage, &fields);
    AddFirstToken(call, *attempt, &fields);
  }
  context.AddTrailers(fields);
}

// A larger answer of one message is sent before its call ends, which waits for
// the client to take it: until then the call counts as under way, and so does
// what it holds.
constexpr size_t kUnawaitedAnswerBytesMax = 64 * 1024;

// Returns why an answer could not be sent.
absl::Status NotSent(const CallContext& context) {
  return context.cancel().cancelled()
             ? context.cancel().status()
             : absl::CancelledError("the client is gone");
}

// Answers with one message, which `fill` completes. Once the engine has it,
// `release` gives back what nobody reads any more.
class UnarySink final : public AnswerSink {
 public:
  using Fill = absl::FunctionRef<void(Call& call)>;
  using Release = absl::FunctionRef<void()>;

  // All must outlive this.
  UnarySink(CallContext& context, const google::protobuf::Message& response,
            Fill fill, Release release)
      : context_(context),
        response_(response),
        fill_(fill),
        release_(release) {}

  Task<absl::Status> SendAnswer(Call& call) override {
    fill_(call);
    const size_t bytes = response_.ByteSizeLong();
    const absl::Status room = CountHeld(call, bytes);
    TellUpstream(call, context_);
    TellCall(call, room, context_);
    GATEWAY_CO_RETURN_IF_ERROR(room);
    if (call.audit != nullptr) {
      const auto keep = [&] {
        call.audit->TakeAnswer(response_);
        return true;
      };
      co_await OffLoop(call.audit->BytesToTake(bytes), keep);
    }
    context_.set_answer_bytes(bytes);
    call.response_bytes = static_cast<int64_t>(bytes);
    MessageWriter* const writer = context_.answer_writer();
    if (bytes <= kUnawaitedAnswerBytesMax || writer == nullptr) {
      co_return absl::OkStatus();
    }
    auto sent = writer->Write(response_, bytes);
    release_();
    const bool all_sent = co_await sent;
    co_return all_sent ? absl::OkStatus() : NotSent(context_);
  }
  Task<absl::Status> SendEnd(Call& call, const absl::Status& outcome) override {
    TellUpstream(call, context_);
    TellCall(call, outcome, context_);
    co_return absl::OkStatus();  // The status tells the failure.
  }

 private:
  // Counts an answer that no exchange with a provider does: one that has not
  // just come, or is no generation.
  static absl::Status CountHeld(Call& call, size_t bytes) {
    if (bytes <= HeldAnswer::kUncountedBytesMax) return absl::OkStatus();
    const Attempt* const attempt = call.DecidingAttempt();
    const bool counted =
        attempt != nullptr && attempt->answer.exchange != nullptr;
    return counted ? absl::OkStatus()
                   : call.held.Count(HeldAnswer::Kind::kWritten, bytes);
  }

  CallContext& context_;
  const google::protobuf::Message& response_;
  const Fill fill_;
  const Release release_;
};

// The release of a message that is kept as it is.
constexpr auto kKeepAll = [] {};

// `cancel` ends it.
Call NewCall(LoopServices& services, CallContext& context,
             CancelSignal& cancel) {
  return Call(services.runtime.Get(), services.loop, services.http, cancel,
              *context.arena(), context.arrival_time());
}
Call NewCall(LoopServices& services, CallContext& context) {
  return NewCall(services, context, context.cancel());
}

// Numbers the events and writes them one by one: a caller who does not read
// holds the provider back. With the first event the request is released, since
// no other provider will be asked.
class EventSink final : public AnswerSink {
 public:
  EventSink(CallContext& context, MessageWriter& writer)
      : context_(context), writer_(writer) {}

  Task<absl::Status> SendAnswer(Call&) override {
    co_return absl::InternalError("a stream was answered whole");
  }
  Task<absl::Status> SendBatch(Call& call, StreamBatch& batch) override {
    if (call.request != nullptr) {
      call.request = nullptr;
      context_.ReleaseRequest();
    }
    if (last_seq_ == 0 && !batch.events.empty()) TellUpstream(call, context_);
    for (v1::GenerateEvent& event : batch.events) {
      if (event.has_started()) call.Describe(event.mutable_started());
      const size_t bytes = Number(call, event);
      GATEWAY_CO_RETURN_IF_ERROR(
          call.held.Count(HeldAnswer::Kind::kWritten, bytes));
      auto taken = writer_.Write(event, bytes);
      if (batch.held_bytes > 0 && bytes >= kLongTextBytes) {
        Release(call, event, bytes, &batch);
      }
      const bool written = co_await taken;
      if (!written) co_return ClientGone();
    }
    call.held.Release(HeldAnswer::Kind::kWritten);
    co_return absl::OkStatus();
  }
  Task<absl::Status> SendEnd(Call& call,
                             const absl::Status& outcome) override {
    if (last_seq_ == 0) TellUpstream(call, context_);
    TellCall(call, outcome, context_);
    if (outcome.ok()) {
      const std::string warnings = WarningsTextOf(call);
      if (!warnings.empty()) context_.AddTrailer(kWarningsHeader, warnings);
    }
    // A call that failed before its first event is told by its status alone.
    if (last_seq_ == 0 && !outcome.ok()) co_return absl::OkStatus();
    v1::GenerateEvent end = call.MakeEnd(outcome);
    Number(call, end);
    co_return writer_.WriteLast(end) ? absl::OkStatus() : ClientGone();
  }

 private:
  // Frees the texts of an event of `bytes` that the engine has.
  static void Release(Call& call, v1::GenerateEvent& event, size_t bytes,
                      StreamBatch* batch) {
    ReleaseTexts(&event);
    const size_t freed = bytes - event.ByteSizeLong();
    batch->held_bytes -= std::min(batch->held_bytes, freed);
    // Less than before: there is room.
    call.held.Count(HeldAnswer::Kind::kEvents, batch->held_bytes).IgnoreError();
  }

  // Returns the event's size.
  size_t Number(Call& call, v1::GenerateEvent& event) {
    event.set_seq(++last_seq_);
    const size_t bytes = event.ByteSizeLong();
    call.response_bytes += static_cast<int64_t>(bytes);
    return bytes;
  }

  static absl::Status ClientGone() {
    return absl::CancelledError("the client is gone");
  }

  CallContext& context_;
  MessageWriter& writer_;
  int64_t last_seq_ = 0;
};

// Returns what the caller's metadata says of the call; null if nothing.
const CallDirectives* DirectivesOf(const CallContext& context,
                                   google::protobuf::Arena& arena) {
  CallDirectives* directives = nullptr;
  for (const MetadataEntry& entry : context.metadata()) {
    if (!entry.name.starts_with(CallDirectives::kPrefix) &&
        entry.name != CallDirectives::kIdempotencyKey &&
        entry.name != CallDirectives::kContextMode) {
      continue;
    }
    if (directives == nullptr) {
      directives = google::protobuf::Arena::Create<CallDirectives>(&arena);
    }
    directives->Take(entry.name, entry.value);
  }
  return directives;
}

// Refuses what is said beside a question about models, as beside a call.
absl::Status CheckListDirectives(const CallContext& context) {
  CallDirectives directives;
  for (const MetadataEntry& entry : context.metadata()) {
    directives.Take(entry.name, entry.value);
  }
  return directives.status();
}

// Sets what the call itself says.
void SetCallFacts(const CallContext& context, Call* call) {
  CallFacts& facts = call->facts;
  facts.head = CallerHeadOf(context, call->runtime->proxies().grpc);
  facts.operation = context.method();
  facts.method = "POST";
  call->SetPath("/", context.method());
  facts.request_id = context.request_id();
  facts.traceparent = context.FindSoleMetadata(kTraceParentHeader).value_or("");
  facts.tracestate = context.FindSoleMetadata(kTraceStateHeader).value_or("");
  facts.peer = facts.head.peer;
  facts.provider_credential = ProviderCredentialOf(
      context.FindSoleMetadata(kProviderCredentialHeader).value_or(""),
      facts.head, call->runtime->callers().asks_for_keys());
  facts.request_bytes = context.request_bytes();
  facts.deadline = context.deadline();
}

// Sets what every request for an answer has in common.
template <typename Request>
void SetCallerFacts(const CallContext& context, const Request& request,
                    Call* call) {
  SetCallFacts(context, call);
  CallFacts& facts = call->facts;
  facts.model = request.model();
  facts.provider = request.provider_id();
  facts.directives = DirectivesOf(context, call->arena);
  if (facts.directives != nullptr) {
    facts.strict_output = facts.directives->strict_output;
  }
}

void SetFacts(const CallContext& context, const v1::GenerateRequest& request,
              Call* call) {
  SetCallerFacts(context, request, call);
  call->facts.previous_response_id = request.previous_response_id();
  call->facts.session = request.session();
  call->request = &request;
}

void SetStreamFacts(CallContext& context, const v1::GenerateRequest& request,
                    LoopServices& services, Call* call) {
  SetFacts(context, request, call);
  call->responses = services.responses;
  CallFacts& facts = call->facts;
  facts.stream = true;
  // Copied, since they are used after the sink has released the request.
  facts.model = context.Keep(facts.model);
  facts.provider = context.Keep(facts.provider);
  facts.previous_response_id = context.Keep(facts.previous_response_id);
}

// Answers with what follows an event of a stream that another call began.
Task<absl::Status> Resume(CallContext& context,
                          const v1::ResumeStreamRequest& request,
                          MessageWriter& writer, Call& call) {
  GATEWAY_CO_ASSIGN_OR_RETURN(const CallerRef caller,
                              CheckCaller(*call.runtime, context));
  call.caller = caller;
  GATEWAY_CO_RETURN_IF_ERROR(CheckListDirectives(context));
  GATEWAY_CO_RETURN_IF_ERROR(caller->scopes.CheckRpc("ResumeStream"));
  GATEWAY_CO_ASSIGN_OR_RETURN(const std::shared_ptr<StreamRing> ring,
                              FindStream(call.runtime->resumable_streams(),
                                         OwnerOf(*caller, kGrpcForm), request));
  call.facts.resumes = request.request_id();
  call.audit = CallAudit::BeginResumed(call, ring->route(), &request);
  co_return co_await ResumeStream(*ring, request, context, writer,
                                  call.audit.get(), &call.response_bytes);
}

}  // namespace

GatewayService::GatewayService(
    std::function<LoopServices&(EventLoop&)> services_of)
    : services_of_(std::move(services_of)),
      sessions_(services_of_),
      tools_(services_of_) {}

void GatewayService::AddTo(MethodTable& table) {
  const auto generate = [this](CallContext& context,
                               const v1::GenerateRequest& request,
                               v1::GenerateResponse* response) {
    return Generate(context, request, response);
  };
  table.AddUnary<v1::GenerateRequest, v1::GenerateResponse>(
      kGatewayService, "Generate", generate);
  table.AddUnary<v1::GenerateRequest, v1::GenerateResponse>(
      kOldService, "Route", generate);
  table.AddServerStream<v1::GenerateRequest, v1::GenerateEvent>(
      kGatewayService, "StreamGenerate",
      [this](CallContext& context, const v1::GenerateRequest& request,
             MessageWriter& writer) {
        return StreamGenerate(context, request, writer);
      });
  table.AddServerStream<v1::ResumeStreamRequest, v1::GenerateEvent>(
      kGatewayService, "ResumeStream",
      [this](CallContext& context, const v1::ResumeStreamRequest& request,
             MessageWriter& writer) {
        return ResumeStream(context, request, writer);
      });
  table.AddUnary(kGatewayService, "CountTokens", *this,
                 &GatewayService::CountTokens);
  table.AddUnary(kGatewayService, "Embed", *this, &GatewayService::Embed);
  table.AddUnary(kGatewayService, "ListModels", *this,
                 &GatewayService::ListModels);
  table.AddUnary(kGatewayService, "GetModel", *this, &GatewayService::GetModel);
  sessions_.AddTo(table);
  tools_.AddTo(table);
  const auto check = [this](const CallContext& context) {
    const std::shared_ptr<const RuntimeSnapshot> runtime =
        services_of_(context.loop()).runtime.Get();
    return CheckCaller(*runtime, context).status();
  };
  table.AuthorizeBy(
      kGatewayService,
      {.check = check,
       .run_calls = {"Generate", "StreamGenerate", "CountTokens", "Embed"}});
  table.AuthorizeBy(kOldService, {.check = check, .run_calls = {"Route"}});
}

Task<absl::Status> GatewayService::Generate(CallContext& context,
                                            const v1::GenerateRequest& request,
                                            v1::GenerateResponse* response) {
  LoopServices& services = services_of_(context.loop());
  Call call = NewCall(services, context);
  SetFacts(context, request, &call);
  call.responses = services.responses;
  const auto fill = [response](Call& done) {
    // Swaps pointers only, since both live on the call's arena. From here on
    // the answer is read in the caller's message.
    ProviderAnswer& answer = done.DecidingAttempt()->answer;
    response->Swap(answer.response);
    answer.response = response;
  };
  const auto release = [response] { ReleaseTexts(response); };
  UnarySink sink(context, *response, fill, release);
  co_return co_await RunCall(call, sink, services.recorder);
}

Task<absl::Status> GatewayService::StreamGenerate(
    CallContext& context, const v1::GenerateRequest& request,
    MessageWriter& writer) {
  LoopServices& services = services_of_(context.loop());
  if (services.runtime.Get()->resumable_streams() != nullptr) {
    co_return co_await StreamResumably(context, request, writer);
  }
  Call call = NewCall(services, context);
  SetStreamFacts(context, request, services, &call);
  EventSink sink(context, writer);
  co_return co_await RunCall(call, sink, services.recorder);
}

Task<absl::Status> GatewayService::StreamResumably(
    CallContext& context, const v1::GenerateRequest& request,
    MessageWriter& writer) {
  LoopServices& services = services_of_(context.loop());
  ResumableCall resumable(services.loop, context.cancel());
  Call call = NewCall(services, context, resumable.cancel());
  SetStreamFacts(context, request, services, &call);
  ResumableStreams* const streams = call.runtime->resumable_streams();
  // Who may not call is told so by the call.
  call.known_caller = CheckCaller(*call.runtime, context);
  if (streams != nullptr && call.known_caller.ok()) {
    resumable.Open(*streams, OwnerOf(**call.known_caller, kGrpcForm),
                   context.request_id(), call.planned.reason);
  }
  if (!resumable.is_open()) {
    EventSink sink(context, writer);
    co_return co_await RunCall(call, sink, services.recorder);
  }
  // Whose time has run out may come back.
  call.facts.deadline = absl::InfiniteDuration();
  RingWriter ring_writer(writer, resumable);
  EventSink sink(context, ring_writer);
  absl::Status outcome = co_await RunCall(call, sink, services.recorder);
  resumable.End(outcome);
  co_return outcome;
}

Task<absl::Status> GatewayService::ResumeStream(
    CallContext& context, const v1::ResumeStreamRequest& request,
    MessageWriter& writer) {
  LoopServices& services = services_of_(context.loop());
  Call call = NewCall(services, context);
  SetCallFacts(context, &call);
  call.facts.stream = true;
  const InflightCall inflight = services.recorder.Begin(call);
  const absl::Status outcome = co_await Resume(context, request, writer, call);
  services.recorder.Record(call, outcome);
  co_return outcome;
}

Task<absl::Status> GatewayService::CountTokens(
    CallContext& context, const v1::CountTokensRequest& request,
    v1::CountTokensResponse* response) {
  LoopServices& services = services_of_(context.loop());
  Call call = NewCall(services, context);
  SetFacts(context, request.request(), &call);
  call.responses = services.responses;
  call.facts.counts = true;
  const auto fill = [response](Call& done) { done.Describe(response); };
  UnarySink sink(context, *response, fill, kKeepAll);
  co_return co_await RunCall(call, sink, services.recorder);
}

Task<absl::Status> GatewayService::Embed(CallContext& context,
                                         const v1::EmbedRequest& request,
                                         v1::EmbedResponse* response) {
  LoopServices& services = services_of_(context.loop());
  Call call = NewCall(services, context);
  SetCallerFacts(context, request, &call);
  call.embed = &request;
  call.embeddings = response;
  const auto fill = [](Call&) {};
  UnarySink sink(context, *response, fill, kKeepAll);
  co_return co_await RunCall(call, sink, services.recorder);
}

Task<absl::Status> GatewayService::ListModels(
    CallContext& context, const v1::ListModelsRequest& request,
    v1::ListModelsResponse* response) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckListDirectives(context));
  LoopServices& services = services_of_(context.loop());
  const std::shared_ptr<const RuntimeSnapshot> runtime = services.runtime.Get();
  GATEWAY_CO_ASSIGN_OR_RETURN(const CallerRef caller,
                              CheckCaller(*runtime, context));
  GATEWAY_CO_RETURN_IF_ERROR(caller->scopes.CheckRpc("ListModels"));
  GATEWAY_CO_ASSIGN_OR_RETURN(const int page_size,
                              PageSizeOf(*runtime, request.page_size()));
  ModelDiscovery::Catalog all = co_await runtime->discovery().Ask(
      services.loop, services.http, context.cancel(), context.request_id());
  co_return ModelCatalog::AllowedOf(std::move(all), caller->scopes)
      ->List(request, page_size, response);
}

Task<absl::Status> GatewayService::GetModel(CallContext& context,
                                            const v1::GetModelRequest& request,
                                            v1::Model* response) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckListDirectives(context));
  LoopServices& services = services_of_(context.loop());
  const std::shared_ptr<const RuntimeSnapshot> runtime = services.runtime.Get();
  GATEWAY_CO_ASSIGN_OR_RETURN(const CallerRef caller,
                              CheckCaller(*runtime, context));
  GATEWAY_CO_RETURN_IF_ERROR(caller->scopes.CheckRpc("GetModel"));
  if (request.name().empty()) co_return InvalidField("name", "is required");
  ModelDiscovery::Catalog all = co_await runtime->discovery().Ask(
      services.loop, services.http, context.cancel(), context.request_id());
  const ModelDiscovery::Catalog catalog =
      ModelCatalog::AllowedOf(std::move(all), caller->scopes);
  const v1::Model* const model =
      catalog->Find(request.name(), request.provider_id());
  if (model == nullptr) {
    const std::string who =
        request.provider_id().empty()
            ? "no provider"
            : absl::StrCat("no provider called '", request.provider_id(), "'");
    absl::Status missing =
        MakeFault(v1::ERROR_REASON_MODEL_NOT_FOUND,
                  absl::StrCat(who, " offers a model called '", request.name(),
                               "'"));
    AddFaultMetadata(missing, "model", request.name());
    co_return missing;
  }
  *response = *model;
  co_return absl::OkStatus();
}

}  // namespace gateway
