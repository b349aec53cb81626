#include "service/pipeline/streamed_answer.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "errors/foreign_words.h"
#include "errors/time_limit.h"
#include "errors/verdict.h"
#include "service/pipeline/answer_cache.h"
#include "service/pipeline/attempts.h"
#include "service/pipeline/call_audit.h"
#include "service/pipeline/call_budgets.h"
#include "service/pipeline/call_cost.h"
#include "service/pipeline/call_limits.h"
#include "service/pipeline/call_session.h"
#include "service/pipeline/conversation.h"
#include "service/pipeline/credential_outcome.h"
#include "service/pipeline/kept_stream.h"
#include "service/pipeline/leavable_sink.h"
#include "service/pipeline/open_stream.h"
#include "service/pipeline/reused_answer.h"
#include "service/pipeline/shared_call.h"
#include "service/pipeline/shared_calls.h"
#include "service/pipeline/stream_recording.h"
#include "service/pipeline/told_failure.h"
#include "service/pipeline/usage_estimate.h"
#include "service/pipeline/work_deadline.h"

namespace gateway {
namespace {

// So long a caller holds a stream up before its provider is not blamed for what
// all of it has taken.
constexpr absl::Duration kHeldUpMin = absl::Seconds(1);

// The fault of a stream that failed after its caller had seen output: an
// interruption, with what the provider's failure was as its cause; but for what
// the provider has nothing to do with: the gateway's own want of room, and that
// of time of a caller who did not take what had come.
absl::Status Interrupted(const Call& call, const Attempt& attempt,
                         const absl::Status& failure) {
  const CancelSignal& work = call.work_cancel();
  if (work.cancelled()) return work.status();
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
        kProviderParamKey, kProviderErrorFormKey, kOutputFaultKey}) {
    const std::string said = FaultMetadata(failure, key);
    if (!said.empty()) AddFaultMetadata(fault, key, said);
  }
  KeepForeignWords(failure, fault);
  AddFaultMetadata(fault, "events_delivered",
                   absl::StrCat(attempt.content_events));
  return fault;
}

// Those who watch are told what a stream has consumed so far this often.
constexpr absl::Duration kUsageInterval = absl::Seconds(1);

// Tells those who watch what the stream has consumed so far, now and then.
void TellUsage(const Call& call, const ProviderStream& stream,
               Recorder& recorder, absl::Duration* told) {
  if (!recorder.usage_watched()) return;
  const absl::Duration now = call.loop.Now();
  if (now - *told < kUsageInterval) return;
  *told = now;
  recorder.TellUsage(call, stream.facts().usage);
}

// What a stream is gathered in on its way. Each is null if it is not to be
// remembered, not to be said again, or not to be added to a session.
struct Gathering {
  std::unique_ptr<ConversationRecorder> conversation;
  std::unique_ptr<StreamRecording> recording;
  CallSession* session = nullptr;
};

// Counts what is gathered. A recording, and the text that the ledger would
// have, are given up sooner than the stream.
absl::Status CountGathered(Call& call, Gathering& gathering) {
  constexpr HeldAnswer::Kind kKind = HeldAnswer::Kind::kGathered;
  size_t bytes = call.output.held_bytes();
  if (gathering.conversation != nullptr) {
    bytes += gathering.conversation->held_bytes();
  }
  if (gathering.session != nullptr) {
    bytes += gathering.session->gathered_bytes();
  }
  const size_t text =
      call.ledger == nullptr ? 0 : call.ledger->held_text_bytes();
  if (text > 0 && !call.held.Count(kKind, bytes + text).ok()) {
    call.ledger->GiveUpText();
  } else {
    bytes += text;
  }
  if (gathering.recording != nullptr) {
    const size_t recorded = gathering.recording->held_bytes();
    if (call.held.Count(kKind, bytes + recorded).ok()) return absl::OkStatus();
    gathering.recording->GiveUp();
  }
  return call.held.Count(kKind, bytes);
}

// Takes the end of a stream whose bytes are forwarded off the batch: its caller
// is to have it once the ledger knows how the call went.
void HoldEnd(Call& call, StreamBatch* batch) {
  if (call.ledger == nullptr || call.reused != nullptr) return;
  const size_t from = call.ledger->held_end.empty() ? batch->end_at : 0;
  for (size_t i = from; i < batch->raw.size(); ++i) {
    call.ledger->held_end.append(batch->raw[i]);
  }
  if (from < batch->raw.size()) batch->raw.resize(from);
}

// Ends what the ledger has of the call, and sends what has waited for that.
Task<absl::Status> FinishStream(Call& call, AnswerSink& sink,
                                absl::Status outcome) {
  if (call.ledger == nullptr) co_return outcome;
  const bool was_ok = outcome.ok();
  outcome = co_await call.ledger->Finish(call, std::move(outcome));
  if (call.ledger->held_end.empty() || outcome.ok() != was_ok) {
    co_return outcome;
  }
  StreamBatch batch;
  batch.raw.push_back(call.ledger->held_end);
  const absl::Status sent = co_await sink.SendBatch(call, batch);
  co_return outcome.ok() ? sent : outcome;
}

// Passes on what an open stream says.
Task<absl::Status> PumpStream(Call& call, Attempt& attempt, AnswerSink& sink,
                              Recorder& recorder, OpenStream& open,
                              Gathering& gathering,
                              DeliveredTokens* delivered) {
  absl::Duration usage_told = call.loop.Now();
  ConversationRecorder* const conversation = gathering.conversation.get();
  StreamBatch batch = std::move(open.first);
  // What is said again was written down when it was said.
  CallLedger* const ledger =
      call.reused == nullptr ? call.ledger.get() : nullptr;
  const auto gather = [&] {
    delivered->Add(batch);
    if (ledger != nullptr) ledger->Add(call, batch);
    if (gathering.recording != nullptr) gathering.recording->Add(batch);
    if (call.audit != nullptr) call.audit->AddBatch(batch);
    for (v1::GenerateEvent& event : batch.events) {
      call.output.Add(event);
      if (conversation != nullptr) conversation->Add(&event);
      if (gathering.session != nullptr) gathering.session->Add(event);
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
    const size_t read_bytes =
        ledger == nullptr ? 0 : ledger->BytesToRead(batch);
    if (large_bytes > 0 || read_bytes > 0) {
      co_await OffLoop(std::max(large_bytes, read_bytes), gather);
    } else {
      gather();
    }
    if (call.reused == nullptr) {
      ChargeOutput(call, attempt, *delivered, *open.stream);
      GrowBudgets(call, attempt, *delivered, *open.stream);
    }
    GATEWAY_CO_RETURN_IF_ERROR(CountGathered(call, gathering));
    HoldEnd(call, &batch);
    const absl::Duration handed_over = call.loop.Now();
    GATEWAY_CO_RETURN_IF_ERROR(co_await sink.SendBatch(call, batch));
    if (call.loop.Now() != handed_over) {
      attempt.held_up += call.loop.Now() - handed_over;
    }
    if (large_bytes > 0) {
      co_await OffLoop(large_bytes, drop);
      call.held.Release(HeldAnswer::Kind::kEvents);
    }
    TellUsage(call, *open.stream, recorder, &usage_told);
    if (open.ended) co_return absl::OkStatus();
    // Meanwhile a caller who leaves is told so at once.
    if (call.shared != nullptr) call.shared->completing = false;
    absl::StatusOr<bool> more = co_await open.stream->Next(&batch);
    if (call.shared != nullptr) co_await call.shared->BeginCompleting();
    if (!more.ok()) co_return Interrupted(call, attempt, more.status());
    if (!*more) co_return absl::OkStatus();
  }
}

// What follows from how the stream of `attempt`, which was asked for, has
// ended.
void EndAttempt(Call& call, const absl::Status& outcome, absl::Duration opened,
                Attempt* attempt) {
  SettleCost(call, attempt);
  attempt->End(outcome, opened + (call.loop.Now() - attempt->first_content));
  if (!outcome.ok() && attempt->credential_limit != nullptr) {
    RecordCredentialLoad(*attempt, /*streams=*/true, call.loop.Now());
  }
  attempt->Close(call.loop.Now());
}

// Takes the open stream of `attempt` to its end. `recording` may be null.
Task<absl::Status> DeliverStream(Call& call, Attempt& attempt, AnswerSink& sink,
                                 Recorder& recorder, OpenStream& open,
                                 std::unique_ptr<StreamRecording>* recording) {
  attempt.first_content = call.loop.Now();
  if (call.reused == nullptr) {
    attempt.use.RecordLatency(attempt.first_content,
                              attempt.first_content - attempt.began);
  }
  recorder.TellFirstToken(call);
  const absl::Duration opened = attempt.duration;
  // Both read the request, which the sink lets go of with the first batch.
  Gathering gathering = {.conversation = ConversationRecorder::Begin(
                             call, call.caller->id, attempt),
                         .recording = std::move(*recording)};
  // What is said again was added when it was said.
  if (call.reused == nullptr) gathering.session = call.session.get();
  std::optional<UnkeptResponse> unkept =
      RememberForwarded(call, attempt, open.stream->facts().kept_id);
  if (unkept.has_value()) {
    co_await KeepRemembered(call, *std::exchange(unkept, std::nullopt),
                            attempt);
  }
  const InputMeasure input(call);
  DeliveredTokens delivered;
  absl::Status outcome = co_await PumpStream(call, attempt, sink, recorder,
                                             open, gathering, &delivered);
  *recording = std::move(gathering.recording);
  ResponseFacts& facts = attempt.answer.facts;
  facts = open.stream->facts();
  if (call.reused == nullptr) {
    CompleteUsage(outcome, call, input, delivered, *open.stream, &facts);
  }
  // Frees the provider's connection now, and not when a slow caller has taken
  // the end.
  open.stream.reset();
  const CancelSignal& work = call.work_cancel();
  if (!outcome.ok() && work.cancelled()) outcome = work.status();
  if (call.reused == nullptr) EndAttempt(call, outcome, opened, &attempt);
  // An answer that is not the JSON that was asked for fails the call, not the
  // attempt: the provider is not blamed.
  if (outcome.ok() && !attempt.forwards) {
    if (!call.output.ValidateBriefly()) co_await call.output.ValidateOffLoop();
    outcome = call.output.Result();
  }
  // Kept before the caller is told the end, since its next request may refer
  // to this answer.
  if (outcome.ok() && gathering.session != nullptr) {
    outcome = co_await gathering.session->KeepGathered(call.work_cancel());
  }
  if (outcome.ok() && gathering.conversation != nullptr) {
    unkept = gathering.conversation->Finish();
    if (unkept.has_value()) {
      co_await KeepRemembered(call, *std::move(unkept), attempt);
    }
  }
  co_return outcome;
}

// Says again what was made for another call.
Task<absl::Status> ReplayStream(Call& call, AnswerSink& sink,
                                Recorder& recorder) {
  Attempt& attempt = call.reused->attempt;
  OpenStream open;
  open.stream =
      std::make_unique<KeptStream>(call.reused->kept, attempt.answer.facts);
  GATEWAY_CO_ASSIGN_OR_RETURN(const bool begun,
                              co_await open.stream->Next(&open.first));
  open.ended = !begun;
  std::unique_ptr<StreamRecording> none;
  co_return co_await DeliverStream(call, attempt, sink, recorder, open, &none);
}

// Null if nobody is to be told again what the call's stream says.
std::unique_ptr<StreamRecording> BeginRecording(const Call& call) {
  size_t bytes_max = 0;
  if (call.cache != nullptr) {
    bytes_max = call.runtime->answer_cache()->BytesToRecord(call);
  }
  if (call.shared != nullptr) {
    bytes_max =
        std::max(bytes_max, call.runtime->shared_calls().answer_bytes_max());
  }
  return bytes_max == 0 ? nullptr
                        : std::make_unique<StreamRecording>(bytes_max);
}

// Asks for the stream, unless it was made before, and passes it on. Sets `kept`
// to what can be said again; null if that cannot be.
Task<absl::Status> MakeStream(Call& call, AnswerSink& sink, Recorder& recorder,
                              KeptAnswerPtr* kept) {
  if (call.reused != nullptr) {
    if (call.shared != nullptr) co_await call.shared->BeginCompleting();
    *kept = call.reused->kept;
    co_return co_await ReplayStream(call, sink, recorder);
  }
  OpenStream open;
  const absl::Status opened = co_await AskTargets(call, call.attempts, &open);
  if (call.shared != nullptr) co_await call.shared->BeginCompleting();
  SettleUnanswered(call);
  co_await TellFailures(call, opened);
  GATEWAY_CO_RETURN_IF_ERROR(opened);
  Attempt& attempt = *call.DecidingAttempt();
  std::unique_ptr<StreamRecording> recording = BeginRecording(call);
  GATEWAY_CO_RETURN_IF_ERROR(
      co_await DeliverStream(call, attempt, sink, recorder, open, &recording));
  if (recording == nullptr) co_return absl::OkStatus();
  attempt.answer.facts.other_choice_cut |= recording->other_choice_cut();
  *kept = recording->Keep(call, attempt);
  if (call.cache != nullptr) {
    call.runtime->answer_cache()->KeepStream(call, attempt, *kept);
  }
  co_return absl::OkStatus();
}

// Makes a stream that others wait for, too. If the caller leaves, it is told so
// at once, or when what is being sent has been, and the work goes on.
Task<absl::Status> StreamForAll(Call& call, AnswerSink& sink,
                                Recorder& recorder) {
  call.shared->Begin(call.loop);
  const WorkDeadline deadline(call);
  LeavableSink leavable(sink);
  const CancelListener on_left(call.cancel, [&] {
    leavable.LeaveIfIdle(call);
    call.shared->share.reset();
  });
  KeptAnswerPtr kept;
  absl::Status outcome = co_await MakeStream(call, leavable, recorder, &kept);
  FinishLimits(call);
  FinishBudgets(call);
  LeaveSession(call);
  outcome = co_await FinishStream(call, leavable, std::move(outcome));
  if (outcome.ok()) co_await call.shared->AwaitRoom(kept, call.loop);
  call.shared->Finish(outcome, std::move(kept),
                      !outcome.ok() && HasDoneNothing(call));
  const absl::Status sent = co_await leavable.SendEnd(call, outcome);
  if (!leavable.left().ok()) co_return leavable.left();
  co_return outcome.ok() ? sent : outcome;
}

}  // namespace

Task<absl::Status> RunStream(Call& call, AnswerSink& sink, Recorder& recorder,
                             absl::Status outcome) {
  const bool leads = call.shared != nullptr && call.shared->leads();
  if (outcome.ok()) {
    if (leads) co_return co_await StreamForAll(call, sink, recorder);
    if (call.shared != nullptr) outcome = co_await AwaitOther(call);
  } else if (leads) {
    call.shared->Finish(outcome, nullptr, /*released=*/true);
  }
  if (outcome.ok()) {
    KeptAnswerPtr kept;
    outcome = co_await MakeStream(call, sink, recorder, &kept);
  }
  FinishLimits(call);
  FinishBudgets(call);
  LeaveSession(call);
  if (call.ledger != nullptr) {
    outcome = co_await FinishStream(call, sink, std::move(outcome));
  }
  const absl::Status sent = co_await sink.SendEnd(call, outcome);
  co_return outcome.ok() ? sent : outcome;
}

}  // namespace gateway
