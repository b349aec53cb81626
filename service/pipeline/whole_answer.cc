#include "service/pipeline/whole_answer.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "service/pipeline/answer_cache.h"
#include "service/pipeline/attempts.h"
#include "service/pipeline/call_budgets.h"
#include "service/pipeline/call_cost.h"
#include "service/pipeline/call_limits.h"
#include "service/pipeline/call_session.h"
#include "service/pipeline/conversation.h"
#include "service/pipeline/reused_answer.h"
#include "service/pipeline/shared_call.h"
#include "service/pipeline/shared_calls.h"
#include "service/pipeline/token_estimate.h"
#include "service/pipeline/told_failure.h"
#include "service/pipeline/usage_estimate.h"
#include "service/pipeline/work_deadline.h"

namespace gateway {
namespace {

// Returns what is yet to be kept.
std::optional<UnkeptResponse> RememberAnswer(Call& call, Attempt& attempt) {
  if (attempt.forwards) {
    return RememberForwarded(call, attempt, attempt.answer.facts.kept_id);
  }
  const std::unique_ptr<ConversationRecorder> conversation =
      ConversationRecorder::Begin(call, call.caller->id, attempt);
  if (conversation == nullptr) return std::nullopt;
  return conversation->Keep(attempt.answer.response);
}

// Keeps it, before the caller may ask for it. What cannot be, the answer tells.
Task<void> KeepAnswerOf(Call& call, Attempt& attempt, UnkeptResponse unkept) {
  const size_t told = attempt.warnings.size();
  co_await KeepRemembered(call, std::move(unkept), attempt);
  if (attempt.answer.response == nullptr) co_return;
  for (size_t i = told; i < attempt.warnings.size(); ++i) {
    *attempt.answer.response->add_warnings() = attempt.warnings[i];
  }
}

// Does what a whole generated answer needs before it is sent: its usage, its
// check against the schema, what the gateway knows of it, and its being kept.
Task<absl::Status> CompleteAnswer(Call& call, Attempt& attempt) {
  const bool is_begun = IsOnlyBegun(call, attempt);
  if (is_begun || !IsWhole(attempt.answer.facts.usage)) {
    const auto estimate = [&call, &attempt, is_begun] {
      if (is_begun) {
        EstimateBackgroundUsage(call, &attempt);
      } else {
        EstimateWholeUsage(call, &attempt);
      }
      return true;
    };
    co_await OffLoop(
        is_begun ? call.facts.request_bytes : BytesToEstimate(attempt),
        estimate);
  }
  SettleCost(call, &attempt);
  if (attempt.answer.response != nullptr) {
    call.output.Add(*attempt.answer.response);
    if (!call.output.ValidateBriefly()) co_await call.output.ValidateOffLoop();
    call.Describe(attempt.answer.response);
    GATEWAY_CO_RETURN_IF_ERROR(call.output.Result());
    if (call.session != nullptr) {
      GATEWAY_CO_RETURN_IF_ERROR(co_await call.session->Keep(
          *attempt.answer.response, call.work_cancel()));
    }
  }
  std::optional<UnkeptResponse> unkept =
      co_await OffLoop(attempt.forwards ? 0 : call.facts.request_bytes,
                       [&] { return RememberAnswer(call, attempt); });
  if (unkept.has_value()) {
    co_await KeepAnswerOf(call, attempt, *std::move(unkept));
  }
  if (call.cache != nullptr) call.runtime->answer_cache()->Keep(call, attempt);
  co_return absl::OkStatus();
}

// Completes vectors, with the usage where the provider tells none, as Google
// does.
void CompleteEmbeddings(Call& call, Attempt& attempt) {
  v1::EmbedResponse* const response = call.embeddings;
  if (response->usage().input_tokens() == 0) {
    v1::Usage& usage = *response->mutable_usage();
    usage.set_input_tokens(EstimateInputTokens(*call.embed));
    usage.set_estimated(true);
    attempt.answer.facts.usage = usage;
  }
  SettleCost(call, &attempt);
  *response->mutable_usage() = attempt.answer.facts.usage;
  call.Describe(response);
}

// Counts by estimate where the provider cannot. Its attempt is forgotten, since
// nothing was sent.
absl::Status EstimateCount(Call& call) {
  if (call.ledger != nullptr) call.ledger->Close(call);
  call.attempts.Clear();
  GATEWAY_ASSIGN_OR_RETURN(const v1::GenerateRequest* const request,
                           call.ParsedRequest());
  call.count = {.tokens = EstimateInputTokens(*request), .estimated = true};
  return absl::OkStatus();
}

// Completes what is asked for whole and is not generated: embeddings, and the
// deletion of a kept answer.
Task<absl::Status> CompleteOther(Call& call, Attempt& attempt) {
  if (call.embed != nullptr) CompleteEmbeddings(call, attempt);
  if (call.stored_query != nullptr &&
      call.stored_query->action == StoredResponseQuery::Action::kDelete) {
    co_return (co_await call.responses->Forget(
                   call.caller->id, call.stored_query->id, call.work_cancel()))
        .status();
  }
  co_return absl::OkStatus();
}

// Completes an answer that was made for another call: what it says of this one.
Task<absl::Status> CompleteReused(Call& call, Attempt& attempt) {
  if (call.shared != nullptr) call.shared->completing = true;
  if (attempt.answer.response != nullptr) {
    call.output.Add(*attempt.answer.response);
    if (!call.output.ValidateBriefly()) co_await call.output.ValidateOffLoop();
    call.Describe(attempt.answer.response);
    GATEWAY_CO_RETURN_IF_ERROR(call.output.Result());
  }
  std::optional<UnkeptResponse> unkept = RememberAnswer(call, attempt);
  if (unkept.has_value()) {
    co_await KeepAnswerOf(call, attempt, *std::move(unkept));
  }
  co_return absl::OkStatus();
}

// Asks for what is wanted whole, and completes it.
Task<absl::Status> MakeAnswer(Call& call) {
  absl::Status outcome =
      call.InCallersWords(co_await AskTargets(call, call.attempts, nullptr));
  if (call.shared != nullptr) call.shared->completing = true;
  // None was made if every target rests.
  Attempt* const attempt = call.DecidingAttempt();
  SettleUnanswered(call);
  co_await TellFailures(call, outcome);
  if (call.facts.counts) {
    if (attempt != nullptr) call.count.tokens = attempt->input_tokens;
    if (FaultReason(outcome) == v1::ERROR_REASON_UNIMPLEMENTED) {
      outcome = co_await OffLoop(call.facts.request_bytes,
                                 [&call] { return EstimateCount(call); });
    }
  } else if (outcome.ok()) {
    const bool generated =
        call.embed == nullptr && call.stored_query == nullptr;
    if (generated) {
      outcome = co_await CompleteAnswer(call, *attempt);
    } else {
      outcome = co_await CompleteOther(call, *attempt);
    }
  }
  co_return outcome;
}

// The work for an answer that several wait for.
struct SharedWork {
  absl::Status outcome;
  bool done = false;
  WakeUp ended;
};

Task<void> MakeForAll(Call& call, SharedWork* work) {
  if (call.reused != nullptr) {
    work->outcome = co_await CompleteReused(call, call.reused->attempt);
  } else {
    work->outcome = co_await MakeAnswer(call);
  }
  FinishLimits(call);
  FinishBudgets(call);
  LeaveSession(call);
  if (call.ledger != nullptr) {
    work->outcome =
        co_await call.ledger->Finish(call, std::move(work->outcome));
  }
  const absl::Status& outcome = work->outcome;
  KeptAnswerPtr answer;
  if (outcome.ok()) {
    const Attempt& made = *call.DecidingAttempt();
    const auto keep = [&] { return KeepAnswer(call, made); };
    answer = co_await OffLoop(BytesToKeep(made), keep);
  }
  co_await call.shared->AwaitRoom(answer, call.loop);
  call.shared->Finish(outcome, std::move(answer),
                      !outcome.ok() && HasDoneNothing(call));
  work->done = true;
  work->ended.Set();
}

// Says in the answer what became of the call's budgets, once it is charged.
void DescribeBudgets(Call& call) {
  const CallBudgets* const budgets = call.budgets.get();
  if (call.embeddings != nullptr) {
    FillLateWarnings(budgets, call.embeddings->mutable_warnings());
  }
  const Attempt* const attempt = call.DecidingAttempt();
  if (attempt == nullptr || attempt->answer.response == nullptr) return;
  FillRemainingBudgets(budgets, attempt->answer.response);
  FillLateWarnings(budgets, attempt->answer.response->mutable_warnings());
}

// Sends what the call has come to.
Task<absl::Status> SendWhole(Call& call, AnswerSink& sink,
                             absl::Status outcome) {
  if (outcome.ok()) {
    DescribeBudgets(call);
    const absl::Status sent = co_await sink.SendAnswer(call);
    co_return !sent.ok() && call.cancel.cancelled() ? call.cancel.status()
                                                    : sent;
  }
  // A caller who does not take the error either has left; the call's own
  // outcome is recorded.
  (co_await sink.SendEnd(call, outcome)).IgnoreError();
  co_return outcome;
}

// Makes an answer that others wait for, too. If the caller leaves before it is
// there, it is told so at once, and the work goes on for as long as somebody
// waits.
Task<absl::Status> RunForAll(Call& call, AnswerSink& sink) {
  SharedWork work;
  call.shared->Begin(call.loop);
  const WorkDeadline deadline(call);
  Spawn(MakeForAll(call, &work));
  const absl::StatusOr<SharedOutcome> made =
      co_await call.shared->share->Wait(call.loop, call.cancel);
  if (made.ok()) co_return co_await SendWhole(call, sink, work.outcome);
  call.shared->share.reset();
  // It takes no longer than a moment to complete.
  while (call.shared->completing && !work.done) co_await work.ended.Wait();
  if (!work.done) sink.GoOnAfterEnd();
  const absl::Status left = co_await SendWhole(call, sink, made.status());
  call.ended = true;
  while (!work.done) co_await work.ended.Wait();
  co_return left;
}

}  // namespace

Task<absl::Status> RunWhole(Call& call, AnswerSink& sink,
                            absl::Status outcome) {
  if (outcome.ok()) {
    if (call.shared != nullptr) {
      if (call.shared->leads()) co_return co_await RunForAll(call, sink);
      outcome = co_await AwaitOther(call);
      if (outcome.ok()) {
        outcome = co_await CompleteReused(call, call.reused->attempt);
      }
    } else if (call.reused != nullptr) {
      outcome = co_await CompleteReused(call, call.reused->attempt);
    } else {
      outcome = co_await MakeAnswer(call);
    }
  } else if (call.shared != nullptr && call.shared->leads()) {
    call.shared->Finish(outcome, nullptr, /*released=*/true);
  }
  FinishLimits(call);
  FinishBudgets(call);
  LeaveSession(call);
  if (call.ledger != nullptr) {
    outcome = co_await call.ledger->Finish(call, std::move(outcome));
  }
  co_return co_await SendWhole(call, sink, std::move(outcome));
}

}  // namespace gateway
