#include "service/pipeline/pipeline.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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
#include "service/identity/caller.h"
#include "service/overload/overload_control.h"
#include "service/pipeline/admission.h"
#include "service/pipeline/answer_cache.h"
#include "service/pipeline/call_audit.h"
#include "service/pipeline/call_budgets.h"
#include "service/pipeline/call_limits.h"
#include "service/pipeline/call_session.h"
#include "service/pipeline/context_report.h"
#include "service/pipeline/context_service.h"
#include "service/pipeline/plan.h"
#include "service/pipeline/recorded_model.h"
#include "service/pipeline/refusal_count.h"
#include "service/pipeline/shared_call.h"
#include "service/pipeline/shared_calls.h"
#include "service/pipeline/streamed_answer.h"
#include "service/pipeline/told_failure.h"
#include "service/pipeline/whole_answer.h"
#include "service/tracing/call_trace.h"

namespace gateway {
namespace {

// Tells the call's trace how long a part of it took.
class TracedSpan {
 public:
  using Part = std::optional<TracedPart> CallTrace::*;

  TracedSpan(Call& call, Part part) : call_(call), part_(part) {
    if (call.trace != nullptr) begin_ = call.runtime->clock().SteadyTime();
  }
  ~TracedSpan() {
    if (call_.trace == nullptr) return;
    (*call_.trace).*part_ = {begin_, call_.runtime->clock().SteadyTime()};
  }
  TracedSpan(const TracedSpan&) = delete;
  TracedSpan& operator=(const TracedSpan&) = delete;

 private:
  Call& call_;
  const Part part_;
  absl::Duration begin_;
};

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
    if (call_.cancel.cancelled()) {
      if (!call_.ended) sink_.Abort();
      return;
    }
    call_.loop.ArmTimer(timer_, kLastWordTimeout);
    const bool is_configured = Timeout() == Configured();
    const std::string_view limit =
        is_configured ? kCallTimeout : "x-llmgateway-timeout";
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
  const TracedSpan waited(call, &CallTrace::queue);
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
absl::Status AdmitAndPlan(Call& call, bool* is_admitted) {
  GATEWAY_ASSIGN_OR_RETURN(call.caller, Authenticate(call));
  GATEWAY_ASSIGN_OR_RETURN(call.admitted, Admit(call, *call.caller));
  *is_admitted = true;
  if (call.trace != nullptr && call.admitted.selection != nullptr) {
    call.trace->node =
        RecordedName(call, call.admitted.selection->query().node);
  }
  GATEWAY_ASSIGN_OR_RETURN(call.planned,
                           Plan(call, *call.caller, call.admitted));
  call.context = ReportContext(call, call.planned);
  KeepGuessedInput(call);
  return absl::OkStatus();
}

// How much work that is, for OffLoop: at most, a raw request is read.
size_t BytesToAdmit(const Call& call) {
  if (!call.api_error.ok()) return 0;
  return call.facts.request_bytes +
         (call.session == nullptr ? 0 : call.session->bytes());
}
WorkerPool::Stage StageOf(const Call& call) {
  return call.request == nullptr && call.embed == nullptr
             ? WorkerPool::Stage::kBegins
             : WorkerPool::Stage::kGoesOn;
}

// What was found is not given, nor told of.
void DropReused(Call& call) {
  call.reused = nullptr;
  if (call.cache != nullptr) call.cache->hit = false;
}

// Whether the caller may want none but a kept answer.
bool SaysCacheControl(const Call& call) {
  return !call.facts.cache_control.empty() ||
         (call.request != nullptr && call.request->has_cache_control());
}

bool MayFindAnswer(const Call& call) {
  return call.runtime->answer_cache() != nullptr ||
         call.runtime->shared_calls().MayJoin(call) || SaysCacheControl(call);
}

// Finds out who calls, where the call has ended before that: what is shown may
// be right, and this not be allowed to it, or not be wanted any more.
void FindRefusedCaller(Call& call, const absl::Status& outcome) {
  if (call.known_caller.ok() && *call.known_caller != nullptr) {
    call.caller = *call.known_caller;
    return;
  }
  if (!absl::IsPermissionDenied(outcome) && !call.cancel.cancelled()) return;
  CallerHead head = call.facts.head;
  head.counts = false;
  absl::StatusOr<CallerRef> caller = call.runtime->callers().Identify(head);
  if (caller.ok()) call.caller = *std::move(caller);
}

// Finds out what is recorded of a call that was not admitted: who calls, and,
// if that is somebody who may, for whom.
void DescribeRefused(Call& call, const absl::Status& outcome) {
  if (!IsKnown(*call.caller)) FindRefusedCaller(call, outcome);
  if (IsKnown(*call.caller)) call.admitted = RefusedAsSaid(call, *call.caller);
}

// Looks for an answer that is there or on its way, so that nobody need be
// asked.
Task<absl::Status> FindAnswer(Call& call) {
  const SharedCalls& shared = call.runtime->shared_calls();
  const AnswerCache* const cache = call.runtime->answer_cache();
  const auto join = [&] {
    if (call.shared == nullptr && call.reused == nullptr) {
      shared.JoinTheSame(call);
    }
    return absl::OkStatus();
  };
  const bool asks_for_key = shared.AsksReplicas(call);
  if (asks_for_key) {
    GATEWAY_CO_RETURN_IF_ERROR(co_await shared.JoinReplicasByKey(call));
  }
  bool asks_replicas = false;
  const auto find = [&]() -> absl::Status {
    if (!asks_for_key) GATEWAY_RETURN_IF_ERROR(shared.JoinByKey(call));
    // Who waits for another call looks for nothing.
    if (call.shared != nullptr && !call.shared->leads()) {
      return absl::OkStatus();
    }
    GATEWAY_RETURN_IF_ERROR(cache == nullptr ? FindInNoCache(call)
                                             : cache->Find(call));
    asks_replicas = cache != nullptr && cache->AsksReplicas(call);
    return asks_replicas ? absl::OkStatus() : join();
  };
  const size_t bytes = shared.BytesToJoin(call);
  GATEWAY_CO_RETURN_IF_ERROR(co_await OffLoop(bytes, find));
  if (!asks_replicas) co_return absl::OkStatus();
  GATEWAY_CO_RETURN_IF_ERROR(co_await cache->FindOfReplicas(call));
  co_return co_await OffLoop(bytes, join);
}

// Once it is known whether there is an answer already.
absl::Status MayGoOn(const Call& call, Recorder& recorder) {
  // Cancelled while work was done off the loop: nobody is asked, unless others
  // may wait for the answer.
  const bool leads = call.shared != nullptr && call.shared->leads();
  if (!leads) GATEWAY_RETURN_IF_ERROR(call.cancel.status());
  const bool asks_nobody = call.reused != nullptr || TakesAnothers(call);
  return asks_nobody ? absl::OkStatus() : recorder.CheckAbandoned(call);
}

Task<void> BeginAudit(Call& call) {
  const auto begin = [&call] {
    call.audit = CallAudit::Begin(call);
    return true;
  };
  co_await OffLoop(call.facts.request_bytes, begin);
}

// Returns what the caller is told of it, if the call is refused.
Task<absl::Status> TellRefusal(Call& call, absl::Status outcome) {
  outcome = call.InCallersWords(std::move(outcome));
  if (!outcome.ok()) co_await TellFailures(call, outcome);
  co_return outcome;
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
  call.ledger = CallLedger::Of(call);
  bool is_admitted = false;
  absl::Status outcome = call.cancel.status();
  // Its place among those that run, until it has ended.
  std::optional<OverloadControl::Permit> permit;
  if (outcome.ok() && call.runtime->overload() != nullptr) {
    outcome = co_await EnterOverload(call, &permit);
  }
  if (outcome.ok() && !call.facts.session.empty()) {
    outcome = co_await BeginSession(call);
  }
  if (outcome.ok() && LooksUpPrevious(call)) {
    outcome = co_await LookUpPrevious(call);
  }
  if (outcome.ok()) {
    outcome = co_await OffLoop(
        BytesToAdmit(call), [&] { return AdmitAndPlan(call, &is_admitted); },
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
    const TracedSpan looked_up(call, &CallTrace::cache);
    outcome = co_await FindAnswer(call);
  }
  if (outcome.ok()) outcome = MayGoOn(call, recorder);
  if (outcome.ok()) call.limits = CallLimits::Of(call);
  if (call.limits != nullptr) {
    const bool taken = co_await call.limits->Take(call.loop.Now());
    if (!taken) {
      outcome = call.limits->Refusal();
      DropReused(call);
    }
  }
  if (outcome.ok() && call.runtime->budgets() != nullptr) {
    outcome = ReserveBudgets(call);
    if (!outcome.ok() && WaitsForReplicas(call)) {
      const TracedSpan asked(call, &CallTrace::budgets);
      outcome = co_await ReserveAgain(call);
    }
  }
  if (outcome.ok()) recorder.TellStarted(call);
  if (!is_admitted) DescribeRefused(call, outcome);
  // While its request is there.
  if (AsksForBodies(call)) co_await BeginAudit(call);
  outcome = co_await TellRefusal(call, std::move(outcome));
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
