#include "service/pipeline/pipeline.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"
#include "base/async/worker_pool.h"
#include "base/http/http_handler.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "errors/time_limit.h"
#include "proto/proto_time.h"
#include "service/overload/overload_control.h"
#include "service/pipeline/admission.h"
#include "service/pipeline/answer_cache.h"
#include "service/pipeline/attempts.h"
#include "service/pipeline/call_cost.h"
#include "service/pipeline/call_limits.h"
#include "service/pipeline/context_report.h"
#include "service/pipeline/context_service.h"
#include "service/pipeline/conversation.h"
#include "service/pipeline/plan.h"
#include "service/pipeline/shared_call.h"
#include "service/pipeline/shared_calls.h"
#include "service/pipeline/usage_estimate.h"
#include "service/pipeline/whole_answer.h"

namespace gateway {
namespace {

// Cancels a call that takes longer than calls may, whatever its caller allows,
// and breaks off what is being sent to a caller who does not take it even then.
class CallDeadline {
 public:
  CallDeadline(Call& call, AnswerSink& sink)
      : call_(call), sink_(sink), timer_([this] { OnExpiry(); }) {
    const absl::Duration timeout = Timeout();
    call.loop.ArmTimer(timer_, timeout);
    call.deadline = std::min(call.facts.deadline, call.loop.Now() + timeout);
  }

 private:
  absl::Duration Configured() const {
    return ToAbsl(call_.runtime->config().resilience().call_timeout());
  }

  // What ends the call first: the configuration, or what its caller says.
  absl::Duration Timeout() const {
    const CallDirectives* const said = call_.facts.directives;
    return said == nullptr ? Configured()
                           : std::min(Configured(), said->timeout);
  }

  void OnExpiry() {
    if (call_.cancel.cancelled()) return sink_.Abort();
    call_.loop.ArmTimer(timer_, kLastWordTimeout);
    const bool is_configured = Timeout() == Configured();
    const std::string_view limit =
        is_configured ? "resilience.call_timeout" : "x-llmgateway-timeout";
    absl::Status fault =
        MakeFault(v1::ERROR_REASON_DEADLINE_EXCEEDED,
                  absl::StrCat("the call took longer than ",
                               absl::FormatDuration(Timeout()), ", as long as ",
                               is_configured ? "" : "its caller lets it by ",
                               ToAbsl(limit), is_configured ? " lets it" : ""));
    AddTimeLimit(fault, limit);
    call_.cancel.Cancel(std::move(fault));
  }

  Call& call_;
  AnswerSink& sink_;
  Timer timer_;
};

// The same number for all calls of a caller: of one without a name, of its
// address.
uint64_t CallerNumber(const Call& call) {
  if (!call.caller->id.empty()) {
    return absl::Hash<std::string_view>()(call.caller->id);
  }
  const std::string_view peer = call.facts.peer;
  return absl::Hash<std::string_view>()(peer.substr(0, peer.rfind(':')));
}

// How much the call matters: as its caller does, or less where that says so.
CallerPriority PriorityOf(const Call& call) {
  const CallDirectives* const said = call.facts.directives;
  return said == nullptr
             ? call.caller->priority
             : std::max(call.caller->priority,
                        said->priority.value_or(CallerPriority::kCritical));
}

// Lets the call begin, before anything of it is read; where there is no room
// yet, it waits. Who calls is found out first: some matter more.
Task<absl::Status> EnterOverload(
    Call& call, std::optional<OverloadControl::Permit>* permit) {
  OverloadControl& overload = *call.runtime->overload();
  GATEWAY_CO_ASSIGN_OR_RETURN(call.caller, Authenticate(call));
  call.known_caller = call.caller;
  const CallerPriority priority = PriorityOf(call);
  *permit = overload.TryEnter(priority);
  if (permit->has_value()) co_return absl::OkStatus();
  absl::StatusOr<OverloadControl::Permit> entered = co_await overload.Enter(
      call.loop, call.cancel,
      OverloadControl::Asker{.priority = priority,
                             .caller = CallerNumber(call),
                             .deadline = call.deadline});
  if (!entered.ok()) co_return entered.status();
  permit->emplace(*std::move(entered));
  co_return absl::OkStatus();
}

// A prompt that fills much of its model's context is served only while the
// service is there that manages it, unless its caller wants it left alone.
Task<absl::Status> AwaitContextService(Call& call) {
  ContextService* const contexts = call.runtime->contexts();
  if (contexts == nullptr || !call.context->plan.needs_service) {
    co_return absl::OkStatus();
  }
  const bool is_there =
      co_await contexts->IsThere(call.loop, call.http, call.cancel);
  if (is_there || call.cancel.cancelled()) co_return call.cancel.status();
  co_return ContextServiceIsAway(*call.context);
}

// May run off the loop, since nobody asked here belongs to it: the runtime
// snapshot is immutable and the store of answers has a lock.
absl::Status AdmitAndPlan(Call& call) {
  GATEWAY_ASSIGN_OR_RETURN(call.caller, Authenticate(call));
  GATEWAY_ASSIGN_OR_RETURN(call.admitted, Admit(call, *call.caller));
  GATEWAY_ASSIGN_OR_RETURN(call.planned,
                           Plan(call, *call.caller, call.admitted));
  call.context = ReportContext(call, call.planned);
  return absl::OkStatus();
}

// How much work that is, for OffLoop: at most, a raw request is read.
size_t BytesToAdmit(const Call& call) {
  return call.api_error.ok() ? call.facts.request_bytes : 0;
}
WorkerPool::Stage StageOf(const Call& call) {
  return call.request == nullptr && call.embed == nullptr
             ? WorkerPool::Stage::kBegins
             : WorkerPool::Stage::kGoesOn;
}

// So long a caller holds a stream up before its provider is not blamed for what
// all of it has taken.
constexpr absl::Duration kHeldUpMin = absl::Seconds(1);

// The fault of a stream that failed after its caller had seen output: an
// interruption, with what the provider's failure was as its cause; but for what
// the provider has nothing to do with: the gateway's own want of room, and that
// of time of a caller who did not take what had come.
absl::Status Interrupted(const Call& call, const Attempt& attempt,
                         const absl::Status& failure) {
  if (call.cancel.cancelled()) return call.cancel.status();
  if (FaultReason(failure) == v1::ERROR_REASON_OVERLOADED) return failure;
  const bool held_up = attempt.held_up >= kHeldUpMin &&
                       FaultMetadata(failure, kTimeLimitKey) == kTotalTimeout;
  absl::Status fault = MakeFault(
      held_up ? v1::ERROR_REASON_DEADLINE_EXCEEDED
              : v1::ERROR_REASON_STREAM_INTERRUPTED,
      absl::StrCat(
          "the stream broke off: ", failure.message(),
          held_up
              ? absl::StrCat("; its caller had not taken what had come for ",
                             absl::FormatDuration(attempt.held_up))
              : ""));
  AddFaultMetadata(fault, "provider", attempt.provider);
  AddFaultMetadata(fault, "cause", ReasonName(FaultReason(failure)));
  // Callers who know the vendor's own errors find them here.
  for (const std::string_view key :
       {kTimeLimitKey, kHttpStatusKey, kProviderCodeKey, kProviderErrorTypeKey,
        kProviderParamKey, kProviderErrorFormKey}) {
    const std::string said = FaultMetadata(failure, key);
    if (!said.empty()) AddFaultMetadata(fault, key, said);
  }
  AddFaultMetadata(fault, "events_delivered",
                   absl::StrCat(attempt.content_events));
  return fault;
}

// Passes on what an open stream says. `conversation` is null if the answer is
// not to be remembered.
Task<absl::Status> PumpStream(Call& call, Attempt& attempt, AnswerSink& sink,
                              OpenStream& open,
                              ConversationRecorder* conversation,
                              DeliveredTokens* delivered) {
  StreamBatch batch = std::move(open.first);
  const auto gather = [&] {
    delivered->Add(batch);
    for (v1::GenerateEvent& event : batch.events) {
      call.output.Add(event);
      if (conversation != nullptr) conversation->Add(&event);
    }
    return true;
  };
  const auto drop = [&batch] {
    batch.Clear();
    return true;
  };
  for (;;) {
    attempt.content_events += batch.content_events;
    GATEWAY_CO_RETURN_IF_ERROR(call.held.Count(
        HeldAnswer::Kind::kEvents,
        std::max(batch.held_bytes, batch.events.memory_bytes())));
    const size_t large_bytes = batch.held_bytes;
    if (large_bytes > 0) {
      co_await OffLoop(large_bytes, gather);
    } else {
      gather();
    }
    ChargeOutput(call, attempt, *delivered, *open.stream);
    GATEWAY_CO_RETURN_IF_ERROR(call.held.Count(
        HeldAnswer::Kind::kGathered,
        call.output.held_bytes() +
            (conversation == nullptr ? 0 : conversation->held_bytes())));
    const absl::Duration handed_over = call.loop.Now();
    GATEWAY_CO_RETURN_IF_ERROR(co_await sink.SendBatch(call, batch));
    if (call.loop.Now() != handed_over) {
      attempt.held_up += call.loop.Now() - handed_over;
    }
    if (large_bytes > 0) {
      co_await OffLoop(large_bytes, drop);
      call.held.Release(HeldAnswer::Kind::kEvents);
    }
    if (open.ended) co_return absl::OkStatus();
    absl::StatusOr<bool> more = co_await open.stream->Next(&batch);
    if (!more.ok()) co_return Interrupted(call, attempt, more.status());
    if (!*more) co_return absl::OkStatus();
  }
}

// Takes the open stream of `attempt` to its end.
Task<absl::Status> DeliverStream(Call& call, Attempt& attempt, AnswerSink& sink,
                                 Recorder& recorder, OpenStream& open) {
  attempt.first_content = call.loop.Now();
  attempt.use.RecordLatency(attempt.first_content,
                            attempt.first_content - attempt.began);
  recorder.TellFirstToken(call);
  const absl::Duration opened = attempt.duration;
  // Both read the request, which the sink lets go of with the first batch.
  const std::unique_ptr<ConversationRecorder> conversation =
      ConversationRecorder::Begin(call, call.caller->id, attempt);
  RememberForwarded(call, call.caller->id, attempt,
                    open.stream->facts().kept_id);
  const InputMeasure input(call);
  DeliveredTokens delivered;
  absl::Status outcome = co_await PumpStream(call, attempt, sink, open,
                                             conversation.get(), &delivered);
  ResponseFacts& facts = attempt.answer.facts;
  facts = open.stream->facts();
  CompleteUsage(outcome.ok(), call, input, delivered, *open.stream, &facts);
  SettleCost(call, &attempt);
  // Frees the provider's connection now, and not when a slow caller has taken
  // the end.
  open.stream.reset();
  if (!outcome.ok() && call.cancel.cancelled()) outcome = call.cancel.status();
  attempt.End(outcome, opened + (call.loop.Now() - attempt.first_content));
  attempt.Close(call.loop.Now());
  // An answer that is not the JSON that was asked for fails the call, not the
  // attempt: the provider is not blamed.
  if (outcome.ok() && !attempt.forwards) {
    if (!call.output.ValidateBriefly()) co_await call.output.ValidateOffLoop();
    outcome = call.output.Result();
  }
  // Kept before the caller is told the end, since its next request may refer
  // to this answer.
  if (outcome.ok() && conversation != nullptr) conversation->Finish();
  co_return outcome;
}

// `outcome` is that of the stages before the first attempt, here.
Task<absl::Status> RunStream(Call& call, AnswerSink& sink, Recorder& recorder,
                             absl::Status outcome) {
  OpenStream open;
  if (outcome.ok()) {
    outcome = co_await AskTargets(call, call.attempts, &open);
    SettleUnanswered(call);
    if (outcome.ok()) {
      outcome = co_await DeliverStream(call, *call.DecidingAttempt(), sink,
                                       recorder, open);
    }
  }
  FinishLimits(call);
  const absl::Status sent = co_await sink.SendEnd(call, outcome);
  co_return outcome.ok() ? sent : outcome;
}

// What was found is not given, nor told of.
void DropReused(Call& call) {
  call.reused = nullptr;
  if (call.cache != nullptr) call.cache->hit = false;
}

bool MayFindAnswer(const Call& call) {
  return call.runtime->answer_cache() != nullptr ||
         call.runtime->shared_calls().MayJoin(call);
}

// Looks for an answer that is there or on its way, so that nobody need be
// asked.
Task<absl::Status> FindAnswer(Call& call) {
  const SharedCalls& shared = call.runtime->shared_calls();
  const AnswerCache* const cache = call.runtime->answer_cache();
  const auto find = [&]() -> absl::Status {
    GATEWAY_RETURN_IF_ERROR(shared.JoinByKey(call));
    // Who waits for another call looks for nothing.
    if (call.shared != nullptr && !call.shared->leads()) {
      return absl::OkStatus();
    }
    if (cache != nullptr) GATEWAY_RETURN_IF_ERROR(cache->Find(call));
    if (call.shared == nullptr && call.reused == nullptr) {
      shared.JoinTheSame(call);
    }
    return absl::OkStatus();
  };
  co_return co_await OffLoop(shared.BytesToJoin(call), find);
}

}  // namespace

Task<absl::Status> RunCall(Call& call, AnswerSink& sink, Recorder& recorder) {
  const InflightCall inflight = recorder.Begin(call);
  // By the loop's address, so that loops do not share a counter; it decides
  // nothing.
  const RetryBudget::ActiveCall active =
      call.runtime->resilience().retry_budget.StartCall(
          reinterpret_cast<uintptr_t>(&call.loop) / sizeof(EventLoop));
  const CallDeadline deadline(call, sink);
  absl::Status outcome = call.cancel.status();
  // Its place among those that run, until it has ended.
  std::optional<OverloadControl::Permit> permit;
  if (outcome.ok() && call.runtime->overload() != nullptr) {
    outcome = co_await EnterOverload(call, &permit);
  }
  if (outcome.ok()) {
    outcome = co_await OffLoop(
        BytesToAdmit(call), [&call] { return AdmitAndPlan(call); },
        StageOf(call));
  }
  if (outcome.ok() && call.context.has_value()) {
    outcome = co_await AwaitContextService(call);
  }
  if (outcome.ok()) {
    outcome = co_await OffLoop(call.bytes_to_expect(),
                               [&call] { return call.ExpectOutput(); });
  }
  if (outcome.ok() && MayFindAnswer(call)) {
    outcome = co_await FindAnswer(call);
  }
  // Cancelled while work was done off the loop: nobody is asked, unless others
  // may wait for the answer.
  const bool leads = call.shared != nullptr && call.shared->leads();
  if (outcome.ok() && !leads) outcome = call.cancel.status();
  if (outcome.ok()) call.limits = CallLimits::Of(call);
  if (call.limits != nullptr) {
    const bool taken = co_await call.limits->Take(call.loop.Now());
    if (!taken) {
      outcome = call.limits->Refusal();
      DropReused(call);
    }
  }
  if (outcome.ok()) recorder.TellStarted(call);
  // Awaited after the choice and not within it: GCC 12 would destroy the status
  // that is moved in twice.
  Task<absl::Status> run =
      call.facts.stream ? RunStream(call, sink, recorder, std::move(outcome))
                        : RunWhole(call, sink, std::move(outcome));
  outcome = co_await std::move(run);
  recorder.Record(call, outcome);
  co_return outcome;
}

}  // namespace gateway
