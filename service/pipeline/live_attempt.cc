#include "service/pipeline/live_attempt.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "errors/foreign_words.h"
#include "errors/time_limit.h"
#include "google/protobuf/arena.h"
#include "providers/models/model_facts.h"
#include "service/pipeline/batch_size.h"
#include "service/pipeline/call_cost.h"
#include "service/pipeline/call_log.h"
#include "service/pipeline/context_service.h"
#include "service/pipeline/conversation.h"
#include "service/pipeline/credential_outcome.h"
#include "service/pipeline/provider_policy.h"
#include "service/pipeline/token_estimate.h"
#include "service/pipeline/told_failure.h"
#include "service/resilience/deadline_split.h"
#include "service/tracing/call_trace.h"
#include "service/tracing/trace_context.h"

namespace gateway {
namespace {

size_t RequestBytes(const PlannedCall& call) {
  // A conversation that goes on is sent whole, and may be far larger than the
  // request that goes on with it.
  return call.admitted.continuation.continued ? call.request->ByteSizeLong()
                                              : call.facts.request_bytes;
}

// A stream may hold so many times its request's bytes before its first content:
// one of OpenAI's Responses repeats the request twice, and escapes may double
// that.
constexpr size_t kEchoesMax = 4;

// Who has not taken a connection for so long is not well, however little time
// callers have.
constexpr absl::Duration kUsualConnect = absl::Seconds(1);

// Fewer inputs of a list of embeddings are not worth a request of their own.
constexpr int kEmbeddingsAtOnceMin = 16;

// To multiply a Duration costs more than a few sums.
absl::Duration Times(int count, absl::Duration time) {
  absl::Duration sum = time;
  for (int i = 1; i < count; ++i) sum += time;
  return sum;
}

// Whether somebody but the caller says that there is such a model.
bool IsKnownModel(const PlannedCall& call, const Attempt& attempt,
                  const TargetState& target) {
  const bool has_served = target.model == attempt.model &&
                          target.proven.load(std::memory_order_relaxed);
  return has_served ||
         call.runtime->NamesModel(attempt.provider, attempt.upstream_model) ||
         call.FindPrice(attempt.priced_as, attempt.upstream_model) != nullptr;
}

}  // namespace

LiveAttempt::LiveAttempt(PlannedCall& call, const NextAttempt& next,
                         AskedTarget asked, Attempt& attempt)
    : call_(call),
      next_(next),
      target_(*asked.target),
      policy_(
          call.runtime->PolicyOf(*target_.provider).Of(target_.upstream_model)),
      attempt_(attempt),
      attempts_left_(asked.attempts_left) {
  TargetPermit& permit = asked.permit;
  attempt_.target = asked.target;
  attempt_.permit = std::move(permit.breaker);
  attempt_.use = TargetUse(*permit.state, target_.member);
  attempt_.place = std::move(permit.place);
  attempt_.model_place = std::move(permit.model_place);
  attempt_.limits = std::move(permit.limits);
  attempt_.budgets = std::move(permit.budgets);
  attempt_.credentials = permit.credentials;
  attempt_.credential_index = permit.credential;
  attempt_.last_resort = permit.last_resort;
  attempt_.credential_limit = permit.credential_limit;
  attempt_.credential_place = std::move(permit.credential_place);
  attempt_.kind = asked.kind;
  attempt_.cause = asked.cause;
  attempt_.began = call.loop.Now();
  attempt_.provider = target_.provider->name;
  attempt_.priced_as = PricedAs(*target_.provider);
  attempt_.output_tokens_limit = target_.facts.output_tokens_limit;
  attempt_.model = target_.recorded_model;
  attempt_.upstream_model = target_.upstream_model;
  attempt_.model_known = IsKnownModel(call, attempt_, *permit.state);
  attempt_.forwards = target_.forwards;
  attempt_.start_time = call.runtime->clock().WallTime();
  CancelSignal& work = call.work_cancel();
  attempt_.follows_call.emplace(work, [&work, attempt = &attempt_] {
    attempt->cancel.Cancel(work.status());
  });
  if (call.provider_health != nullptr) {
    attempt_.inflight = call.provider_health->StartAttempt(attempt_.provider);
  }
  FillRequest(asked.fresh_connection);
  if (call.context.has_value()) {
    const std::string warning = ContextWarning(*call.context);
    if (!warning.empty()) {
      v1::Warning& told = attempt_.warnings.emplace_back();
      told.set_field("messages");
      told.set_message(warning);
    }
  }
  LogAttempt(call, attempt_);
}

bool LiveAttempt::TakeRequest() {
  request_.embed = call_.embed;
  if (call_.embed != nullptr || call_.stored_query != nullptr) return true;
  if (!attempt_.forwards) return TakeParsed();
  request_.raw = call_.raw;
  if (call_.facts.counts) request_.raw_count = &attempt_.reply;
  return true;
}

Task<absl::Status> LiveAttempt::ReadRequest() {
  GATEWAY_CO_RETURN_IF_ERROR(co_await OffLoop(
      call_.facts.request_bytes,
      [this] { return call_.ParsedRequest().status(); },
      WorkerPool::Stage::kBegins));
  GATEWAY_CO_RETURN_IF_ERROR(co_await OffLoop(
      call_.bytes_to_expect(), [this] { return call_.ExpectOutput(); }));
  TakeParsed();
  co_return absl::OkStatus();
}

bool LiveAttempt::Generates() const {
  return call_.embed == nullptr && call_.stored_query == nullptr &&
         !call_.facts.counts;
}

Task<void> LiveAttempt::HashFirst() {
  const absl::Duration before = call_.loop.Now();
  co_await call_.ledger->HashFirst(call_);
  LeaveOut(before);
}

bool LiveAttempt::BeginDeparture(std::coroutine_handle<> handle) {
  // One that asks in several parts is one attempt.
  if (recorded_) return false;
  dispatching_since_ = call_.loop.Now();
  return dispatching_.emplace(*call_.ledger, call_, attempt_)
      .await_suspend(handle);
}

absl::Status LiveAttempt::EndDeparture() {
  if (recorded_) return absl::OkStatus();
  absl::Status committed = dispatching_->await_resume();
  dispatching_.reset();
  if (!committed.ok()) return committed;
  LeaveOut(dispatching_since_);
  recorded_ = true;
  if (Generates()) LimitTime();
  if (departed_ != nullptr) departed_->Set();
  // Who left while the ledger wrote it, or was out of time, asks nobody.
  return attempt_.cancel.cancelled() ? attempt_.cancel.status()
                                     : absl::OkStatus();
}

void LiveAttempt::LeaveOut(absl::Duration since) {
  const absl::Duration waited = call_.loop.Now() - since;
  attempt_.began += waited;
  attempt_.start_time += waited;
}

Task<absl::Status> LiveAttempt::Send(OpenStream* open) {
  if (call_.embed != nullptr) return Embed();
  if (call_.stored_query != nullptr) {
    return provider().AskStored(request_, *call_.stored_query, &attempt_.reply);
  }
  if (call_.facts.counts) return Count();
  // Otherwise once it departs.
  if (call_.ledger == nullptr) LimitTime();
  if (open != nullptr) return Open(open);
  if (!attempt_.forwards) {
    attempt_.answer.response =
        google::protobuf::Arena::CreateMessage<v1::GenerateResponse>(
            &call_.arena);
  }
  return provider().Generate(request_, &attempt_.answer);
}

absl::Status LiveAttempt::End(absl::Status outcome) {
  timer_.reset();
  // A cancelled attempt fails with what its closed socket says; why it was
  // cancelled is what the caller should hear.
  if (!outcome.ok() && attempt_.cancel.cancelled()) {
    outcome = attempt_.cancel.status();
  }
  const absl::Duration now = call_.loop.Now();
  attempt_.End(outcome, now - attempt_.began);
  attempt_.answered = outcome.ok();
  if (!outcome.ok() && BytesToCompare(call_) <= kInPlaceBytesMax) {
    attempt_.Tell(ToldFailure(call_, attempt_.model, outcome));
    attempt_.compared = true;
  }
  if (attempt_.credentials != nullptr) RecordCredential(call_, attempt_);
  if (attempt_.credential_limit != nullptr) {
    RecordCredentialLoad(attempt_, call_.facts.stream, now);
  }
  // A stream goes on; but who waits for a probe wants to know.
  const bool goes_on = outcome.ok() && call_.facts.stream;
  if (!goes_on || attempt_.permit->is_probe()) attempt_.TellBreaker(now);
  // An attempt that succeeded stays in flight until the call ends: its
  // stream goes on.
  if (!outcome.ok()) attempt_.Close(now);
  return outcome;
}

void LiveAttempt::FillRequest(bool fresh_connection) {
  request_.loop = &call_.loop;
  request_.http = &call_.http;
  request_.cancel = &attempt_.cancel;
  request_.clock = call_.runtime->ports().clock;
  request_.request_id = call_.facts.request_id;
  request_.request_bytes = RequestBytes(call_);
  request_.caller_credential = call_.facts.provider_credential;
  if (target_.speaks_dialect) {
    request_.forwarded_fields = call_.facts.forwarded_fields;
  }
  if (call_.context.has_value()) AddContextFields();
  if (call_.trace != nullptr) AddTraceFields();
  request_.model = attempt_.upstream_model;
  request_.fresh_connection = fresh_connection;
  request_.first_byte_timeout =
      call_.facts.stream ? policy_.stream_first_byte : policy_.first_byte;
  if (call_.planned.stored_at != nullptr) {
    request_.credential = call_.planned.stored_at->credential;
  } else if (attempt_.credentials != nullptr &&
             attempt_.credentials->size() > 1) {
    request_.credential =
        attempt_.credentials->NameOf(attempt_.credential_index);
  }
  if (call_.ledger != nullptr) request_.departure = this;
  request_.progress = &attempt_.progress;
  request_.warnings = &attempt_.warnings;
}

void LiveAttempt::AddContextFields() {
  const ContextService* const contexts = call_.runtime->contexts();
  if (contexts == nullptr || !contexts->Tells(attempt_.provider)) return;
  context_.emplace(*call_.context);
  fields_.assign(request_.forwarded_fields.begin(),
                 request_.forwarded_fields.end());
  fields_.push_back({kContextOriginHeader, kContextOrigin});
  fields_.push_back({kContextModeHeader, context_->action});
  fields_.push_back({kContextRoutedHeader, context_->routed});
  fields_.push_back({kContextTierHeader, context_->tier});
  fields_.push_back({kTokenCountHeader, context_->token_count});
  fields_.push_back({kTokenLimitHeader, context_->token_limit});
  fields_.push_back({kHeadroomHeader, context_->headroom_percent});
  request_.forwarded_fields = fields_;
}

void LiveAttempt::AddTraceFields() {
  const CallTrace& trace = *call_.trace;
  attempt_.span = trace.NewSpan(*call_.runtime->ports().random);
  if (fields_.empty()) {
    for (const HttpField& field : request_.forwarded_fields) {
      fields_.push_back(field);
    }
  }
  WriteTraceParent(trace.ParentOf(attempt_.span), traceparent_.data());
  fields_.push_back(
      {kTraceParentHeader, {traceparent_.data(), traceparent_.size()}});
  if (!trace.state().empty()) {
    fields_.push_back({kTraceStateHeader, trace.state()});
  }
  request_.forwarded_fields = fields_;
}

bool LiveAttempt::TakeParsed() {
  request_.request = call_.request;
  if (request_.request == nullptr) return false;
  request_.is_kept_here = IsKeptHere(call_);
  if (!request_.request->has_max_output_tokens()) {
    request_.output_tokens_limit = target_.facts.output_tokens_limit;
  }
  request_.lacks_schema =
      call_.output.asked() && target_.facts.Lacks(kAbilityStrictSchema);
  return true;
}

Task<absl::Status> LiveAttempt::Open(OpenStream* open) {
  *open = OpenStream();
  absl::StatusOr<std::unique_ptr<ProviderStream>> stream =
      co_await provider().Stream(request_);
  if (!stream.ok()) co_return stream.status();
  open->stream = *std::move(stream);
  const auto limit = static_cast<size_t>(
      call_.runtime->config().limits().hold_back_bytes_limit());
  const absl::Status begun =
      co_await HoldBack(open, limit + kEchoesMax * request_.request_bytes);
  if (begun.ok()) co_return begun;
  // What it has told of its usage by then was consumed; if it says itself that
  // it failed, what it tells with that, as a whole answer does.
  const ResponseFacts& facts = open->stream->facts();
  const bool tells_failure =
      FindForeignWords(begun, ForeignWords::kOfProvider).has_value();
  const bool was_given_up = facts.usage_is_final ||
                            facts.finish_reason == v1::FINISH_REASON_ERROR;
  if (!tells_failure || was_given_up) attempt_.answer.facts = facts;
  if (!tells_failure) {
    attempt_.unsent_output_tokens = DeliveredTokens().Estimate(*open->stream);
  }
  co_return begun;
}

Task<absl::Status> LiveAttempt::Count() {
  const absl::StatusOr<int64_t> tokens =
      co_await provider().CountTokens(request_);
  if (tokens.ok()) attempt_.input_tokens = *tokens;
  co_return tokens.status();
}

Task<absl::Status> LiveAttempt::Embed() {
  v1::EmbedResponse* const response = call_.embeddings;
  response->Clear();
  const int at_once = EmbeddingsAtOnce();
  if (at_once < call_.embed->inputs_size()) {
    co_return co_await EmbedInParts(at_once);
  }
  attempt_.embed_end = call_.embed->inputs_size();
  const absl::Status outcome = co_await EmbedPart(*call_.embed, response);
  AddUsage(outcome, response->usage());
  co_return outcome;
}

int LiveAttempt::EmbeddingsAtOnce() const {
  const int asked = call_.embed->inputs_size();
  // A limit of the target has been charged one request.
  if (attempt_.limits != nullptr && attempt_.limits->asks()) return asked;
  return std::max(kEmbeddingsAtOnceMin,
                  static_cast<int>(
                      BatchSizeOf(*call_.runtime, static_cast<size_t>(asked))));
}

Task<absl::Status> LiveAttempt::EmbedInParts(int at_once) {
  v1::EmbedResponse* const response = call_.embeddings;
  const int asked = call_.embed->inputs_size();
  for (int begin = 0; begin < asked; begin += at_once) {
    v1::EmbedRequest part;
    part.set_model(call_.embed->model());
    if (call_.embed->has_dimensions()) {
      part.set_dimensions(call_.embed->dimensions());
    }
    *part.mutable_scope() = call_.embed->scope();
    *part.mutable_extensions() = call_.embed->extensions();
    attempt_.embed_end = std::min(begin + at_once, asked);
    for (int i = begin; i < attempt_.embed_end; ++i) {
      *part.add_inputs() = call_.embed->inputs(i);
    }
    v1::EmbedResponse answered;
    const size_t warned = attempt_.warnings.size();
    request_.embed = &part;
    const absl::Status outcome = co_await EmbedPart(part, &answered);
    request_.embed = call_.embed;
    // What was told stands, also if another part fails.
    AddUsage(outcome, answered.usage());
    GATEWAY_CO_RETURN_IF_ERROR(outcome);
    // What cannot be said of one part cannot be of the others.
    if (begin > 0) attempt_.warnings.resize(warned);
    response->set_model(answered.model());
    for (v1::Embedding& each : *answered.mutable_embeddings()) {
      response->add_embeddings()->Swap(&each);
    }
    *response->mutable_usage() = attempt_.answer.facts.usage;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> LiveAttempt::EmbedPart(const v1::EmbedRequest& part,
                                          v1::EmbedResponse* response) {
  GATEWAY_CO_RETURN_IF_ERROR(co_await provider().Embed(request_, response));
  const int asked = part.inputs_size();
  if (response->embeddings_size() != asked) {
    co_return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                        absl::StrCat(ToAbsl(provider().name()), ": answered ",
                                     response->embeddings_size(),
                                     " vectors to ", asked, " inputs"));
  }
  co_return absl::OkStatus();
}

void LiveAttempt::AddUsage(const absl::Status& outcome,
                           const v1::Usage& usage) {
  const int64_t told = usage.input_tokens();
  // As of a stream: it was consumed, unless the provider says that it failed.
  if (!outcome.ok() &&
      (told == 0 ||
       FindForeignWords(outcome, ForeignWords::kOfProvider).has_value())) {
    return;
  }
  ResponseFacts& facts = attempt_.answer.facts;
  const int64_t told_before = facts.usage.input_tokens();
  facts.usage = usage;
  facts.usage.set_input_tokens(told_before + told);
  facts.has_usage = true;
  if (told > 0) attempt_.embed_begin = attempt_.embed_end;
}

void LiveAttempt::LimitTime() {
  const AttemptLimits& configured = policy_.limits;
  const bool streams = call_.facts.stream;
  const bool is_last = attempts_left_ == 1;
  // The client for HTTP and the deadline of the call see to all else.
  if (is_last &&
      (!streams || configured.first_content == absl::InfiniteDuration())) {
    return;
  }
  const absl::Duration remaining = call_.deadline - attempt_.began;
  // Nearly all have time enough for the connections of all attempts, and then
  // there is nothing to split.
  if (!streams && configured.connect <= configured.first_content &&
      remaining >= Times(attempts_left_, configured.connect)) {
    return;
  }
  const std::optional<AttemptLimits> limits =
      SplitDeadline(configured, {.remaining = remaining,
                                 .attempts_left = attempts_left_,
                                 .streams = streams});
  if (!limits.has_value()) return;
  // Where there is no connection, none is waited for.
  if (limits->connect < configured.connect &&
      configured.connect != absl::InfiniteDuration()) {
    connect_limit_ = limits->connect;
  }
  // If too little would be left for another, it may go on.
  const bool leaves_time = is_last || LeavesTimeAfter(limits->first_content,
                                                      {.remaining = remaining});
  if (streams && leaves_time && limits->first_content < remaining) {
    first_content_limit_ = limits->first_content;
    first_content_is_configured_ =
        limits->first_content == configured.first_content;
  }
  const absl::Duration first = std::min(connect_limit_, first_content_limit_);
  if (first == absl::InfiniteDuration()) return;
  timer_.emplace([this] { OnTimer(); });
  call_.loop.timers().Arm(*timer_, attempt_.began + first);
}

void LiveAttempt::OnTimer() {
  const absl::Duration took = call_.loop.Now() - attempt_.began;
  const bool too_long = took >= first_content_limit_;
  if (too_long && first_content_is_configured_) {
    return GiveUp(first_content_limit_, "content", "timeouts.first_content");
  }
  // What is configured, the client for HTTP keeps to.
  const bool connects = connect_limit_ != absl::InfiniteDuration() &&
                        !attempt_.progress.http.sent &&
                        !attempt_.progress.http.answered;
  if (too_long || connects) {
    if (!next_.HasOther()) return ShareNothing();
    if (!too_long) {
      return GiveUp(connect_limit_, "connection", kDeadlineShare,
                    kUsualConnect);
    }
    return GiveUp(first_content_limit_, "content", kDeadlineShare,
                  attempt_.use.UsualLatency(call_.loop.Now()));
  }
  if (first_content_limit_ == absl::InfiniteDuration()) return;
  call_.loop.timers().Arm(*timer_, attempt_.began + first_content_limit_);
}

void LiveAttempt::ShareNothing() {
  connect_limit_ = absl::InfiniteDuration();
  first_content_limit_ = absl::InfiniteDuration();
  const absl::Duration configured = policy_.limits.first_content;
  if (!call_.facts.stream || attempt_.began + configured >= call_.deadline) {
    return;
  }
  first_content_limit_ = configured;
  first_content_is_configured_ = true;
  call_.loop.timers().Arm(*timer_, attempt_.began + configured);
}

void LiveAttempt::GiveUp(absl::Duration after, std::string_view without,
                         std::string_view limit,
                         std::optional<absl::Duration> usual) {
  // Whether the provider may still be at work on it, `sent` tells.
  attempt_.progress.http.timed_out = true;
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_PROVIDER_TIMEOUT,
      absl::StrCat(ToAbsl(attempt_.provider), ": no ", ToAbsl(without),
                   " within ", absl::FormatDuration(after),
                   limit == kDeadlineShare
                       ? ", its share of the time that the call has"
                       : absl::StrCat(" (", ToAbsl(limit), ")")));
  AddFaultMetadata(fault, "provider", attempt_.provider);
  AddTimeLimit(fault, limit);
  if (usual.has_value() && after >= *usual) {
    AddFaultMetadata(fault, kUsualTimeKey, absl::FormatDuration(*usual));
  }
  attempt_.cancel.Cancel(std::move(fault));
}

}  // namespace gateway
