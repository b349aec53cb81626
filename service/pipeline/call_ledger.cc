#include "service/pipeline/call_ledger.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/async/worker_pool.h"
#include "base/os/clock.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "llmgateway/config/v1/ledger.pb.h"
#include "service/budgets/budget_entries.h"
#include "service/identity/caller.h"
#include "service/ledger/dispatch_note.h"
#include "service/ledger/hash_text.h"
#include "service/money/cost.h"
#include "service/pipeline/call.h"
#include "service/pipeline/call_budgets.h"
#include "service/pipeline/ledger_metadata.h"
#include "service/pipeline/prompt_text.h"
#include "service/pipeline/refusal_count.h"
#include "service/pipeline/told_failure.h"
#include "service/pipeline/usage_estimate.h"
#include "service/tracing/call_trace.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::LedgerConfig;

using IfNotCommitted = LedgerWriter::IfNotCommitted;

constexpr std::string_view kDispatchType = "DISPATCH";
constexpr std::string_view kExchangeType = "EXCHANGE";
constexpr std::string_view kRejectionType = "PROMPT_REJECTED";
constexpr std::string_view kReuseType = "ANSWER_REUSED";

absl::Status Unavailable(const absl::Status& why) {
  return MakeFault(
      v1::ERROR_REASON_LEDGER_UNAVAILABLE,
      absl::StrCat("the ledger cannot be written, and calls without one are "
                   "refused: ",
                   absl::StatusCodeToString(why.code())));
}

// The same of a call that was answered.
absl::Status AnsweredInVain(const absl::Status& why) {
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_LEDGER_UNAVAILABLE,
      absl::StrCat("a provider has answered the call, and the ledger cannot be "
                   "written: an answer without an entry is not given; to make "
                   "the call again would be billed again: ",
                   absl::StatusCodeToString(why.code())));
  AddFaultMetadata(fault, kAnsweredKey, "true");
  return fault;
}

// What an attempt is taken to have consumed if nobody will know.
v1::Usage EstimateUnknown(const PlannedCall& call, const Attempt& attempt) {
  v1::Usage usage;
  if (call.facts.counts || call.stored_query != nullptr) return usage;
  usage.set_estimated(true);
  usage.set_input_tokens(GuessedInputTokens(call));
  if (call.embed == nullptr) {
    usage.set_output_tokens(
        call.ExpectedOutputTokens(kOutputTokensNobodyTells));
  }
  SetCost(call.FindPrice(attempt.priced_as, attempt.upstream_model),
          ServiceTier::kStandard, &usage);
  return usage;
}

LedgerEntry BeginEntry(const PlannedCall& call, std::string_view event_type,
                       std::string_view id, absl::Time time) {
  LedgerEntry entry;
  entry.event_type = event_type;
  entry.submission_id = call.admitted.scope.contract_id;
  entry.id = id;
  entry.time = time;
  return entry;
}

absl::Time Now(const IncomingCall& call) {
  return call.runtime->clock().WallTime();
}

ShortText NewId(const IncomingCall& call) {
  return NewShortEntryId(*call.runtime->ports().random);
}

// Whether the prompt's hash can be left to the ledger's thread, which has it as
// soon as it writes the first dispatch: it is quickly read, and off what nobody
// changes.
bool IsHashedLate(const PlannedCall& call) {
  constexpr size_t kBytesMax = 4096;
  const size_t bytes =
      call.raw != nullptr ? call.raw->body.size() : call.facts.request_bytes;
  return call.stored_query == nullptr && bytes <= kBytesMax &&
         call.session == nullptr && call.facts.previous_response_id.empty();
}

// About what an entry has beside texts of the call.
constexpr size_t kEntryBytes = 1536;

// Null unless the call may be kept as a trace.
CallTrace* TraceOf(const IncomingCall& call) {
  return call.trace != nullptr && call.trace->records() ? call.trace.get()
                                                        : nullptr;
}

// What a call's budgets are charged: charges them, unless that is done.
class DebitSource : public EntrySource {
 public:
  DebitSource(const Call& call, absl::Time time) : call_(call), time_(time) {}

  size_t bytes() const override { return kEntryBytes; }

  UnchainedEntry Write() const override {
    call_.budgets->Settle(call_);
    BudgetDebit debit = DebitOf(call_.budgets->TakeSettled());
    LedgerEntry entry = BudgetDebitEntry(debit, FactsOfBudgets(call_));
    entry.id = std::string_view(NewId(call_));
    entry.time = time_;
    return UnchainedEntry(
        entry, /*note=*/{},
        std::make_shared<const BudgetChanges>(std::move(debit.changes)));
  }

 private:
  const Call& call_;
  const absl::Time time_;
};

// Of a dispatch that may be in the ledger although its commit failed; one that
// is not has no id.
void AppendWithdrawal(const CallLedger::RoundTrip& trip, std::string* note) {
  if (trip.dispatch_id.empty()) return;
  note->append(WithdrawingNote(trip.dispatch_id));
}

}  // namespace

CommitSpan::CommitSpan(const IncomingCall& call, std::string_view event_type,
                       size_t entries)
    : trace_(TraceOf(call)), loop_(call.loop) {
  if (trace_ == nullptr) return;
  traced_ = {.part = {.begin = loop_.Now()},
             .event_type = event_type,
             .entries = static_cast<int>(entries)};
}

void CommitSpan::End(const absl::Status& committed) {
  if (trace_ == nullptr) return;
  traced_.part.end = loop_.Now();
  traced_.status = committed.code();
  trace_->commits.push_back(traced_);
}

CallLedger::Dispatching::Source::Source(const PlannedCall& call,
                                        RoundTrip& trip,
                                        std::string_view context_hash,
                                        int64_t turns)
    : call_(call), trip_(trip), context_hash_(context_hash), turns_(turns) {}

size_t CallLedger::Dispatching::Source::bytes() const {
  return 2 * kEntryBytes;
}

UnchainedEntry CallLedger::Dispatching::Source::Write() const {
  if (context_hash_.empty() && IsHashedLate(call_)) {
    context_hash_ = HashText(PromptText(call_));
  }
  trip_.dispatch_id = NewId(call_);
  trip_.exchange_id = NewId(call_);
  LedgerEntry entry = BeginEntry(call_, kDispatchType, trip_.dispatch_id,
                                 trip_.dispatch_time);
  entry.decision = "DISPATCHED";
  entry.reason =
      absl::StrCat("Dispatching to ", ToAbsl(trip_.attempt->provider), "/",
                   ToAbsl(trip_.attempt->model));
  const v1::Usage estimate = EstimateUnknown(call_, *trip_.attempt);
  std::string note = OpeningNote(
      trip_.dispatch_id, trip_.exchange_id, entry.submission_id,
      UnknownExchangeMetadata(
          call_, *trip_.attempt,
          {.dispatch_id = trip_.dispatch_id, .context_hash = context_hash_},
          estimate));
  if (call_.budgets != nullptr) AddReservation(estimate, &note);
  entry.metadata = DispatchMetadata(call_, HashText(note));
  return UnchainedEntry(entry, std::move(note));
}

void CallLedger::Dispatching::Source::AddReservation(const v1::Usage& estimate,
                                                     std::string* note) const {
  const std::vector<BudgetChange> lost = call_.budgets->IfBilled(
      call_, *trip_.attempt, estimate, turns_, trip_.dispatch_time);
  if (lost.empty()) return;
  note->append(ReservationNote(trip_.dispatch_id, BudgetReservationForm(lost)));
}

bool WasAnswered(const absl::Status& failure) {
  return FaultReason(failure) == v1::ERROR_REASON_LEDGER_UNAVAILABLE &&
         !FaultMetadata(failure, kAnsweredKey).empty();
}

CallLedger::Dispatching::Dispatching(CallLedger& ledger,
                                     const PlannedCall& call,
                                     const Attempt& attempt)
    : ledger_(ledger),
      trip_(ledger.trips_.Add()),
      source_(call, trip_, ledger.context_hash_,
              /*turns=*/ledger.trips_.size() == 1 ? 1 : 0),
      sources_{&source_},
      span_(call, kDispatchType, /*entries=*/1),
      committing_(ledger.writer_.Commit(
          sources_, {},
          ledger.degrades_ ? IfNotCommitted::kKeepAndGoOn
                           : IfNotCommitted::kForget)) {
  trip_.attempt = &attempt;
  trip_.dispatch_time = Now(call);
}

absl::Status CallLedger::Dispatching::await_resume() {
  absl::Status committed = committing_.await_resume();
  span_.End(committed);
  if (ledger_.context_hash_.empty()) {
    ledger_.context_hash_ = source_.TakeContextHash();
  }
  if (committed.ok()) return committed;
  trip_.withdrawn = true;
  if (!committing_.may_be_there()) trip_.dispatch_id = ShortText();
  return Unavailable(committed);
}

class CallLedger::ExchangeSource : public EntrySource {
 public:
  ExchangeSource(CallLedger& ledger, const Call& call, const RoundTrip& trip,
                 absl::Time time)
      : ledger_(ledger),
        call_(call),
        trip_(trip),
        time_(time),
        response_(ledger.ResponseText(*trip.attempt)) {
    for (const RoundTrip& other : ledger.trips_) {
      if (other.withdrawn) AppendWithdrawal(other, &withdrawals_);
    }
  }

  size_t bytes() const override {
    return kEntryBytes + ledger_.prompt_.size() + response_.size() +
           trip_.attempt->error_message.size();
  }

  UnchainedEntry Write() const override {
    const Attempt& attempt = *trip_.attempt;
    LedgerEntry entry =
        BeginEntry(call_, kExchangeType, trip_.exchange_id, time_);
    if (attempt.status.ok()) {
      entry.decision = "SUCCESS";
      entry.reason = "Exchange completed";
    } else {
      entry.decision = "ERROR";
      entry.reason = absl::StrCat(
          ToAbsl(LedgerCode(attempt.error_reason, /*refused=*/false)), ": ",
          ToAbsl(attempt.error_message));
    }
    std::string note = ClosingNote(trip_.dispatch_id) + withdrawals_;
    const std::string note_hash = withdrawals_.empty() ? "" : HashText(note);
    entry.metadata = ExchangeMetadata(call_, attempt,
                                      {.dispatch_id = trip_.dispatch_id,
                                       .context_hash = ledger_.context_hash_,
                                       .prompt = ledger_.prompt_,
                                       .response = response_,
                                       .note_hash = note_hash});
    return UnchainedEntry(entry, std::move(note));
  }

 private:
  const CallLedger& ledger_;
  const Call& call_;
  const RoundTrip& trip_;
  const absl::Time time_;
  const std::string response_;
  std::string withdrawals_;  // Of retries that could not be written down.
};

std::unique_ptr<CallLedger> CallLedger::Of(IncomingCall& call) {
  if (call.runtime->ports().ledger == nullptr) return nullptr;
  return std::make_unique<CallLedger>(call);
}

CallLedger::RoundTrip::RoundTrip() = default;

CallLedger::CallLedger(IncomingCall& call)
    : writer_(*call.runtime->ports().ledger),
      degrades_(call.runtime->config().ledger().on_failure() ==
                LedgerConfig::ON_FAILURE_DEGRADE) {
  if (call.runtime->config().ledger().record_texts()) {
    texts_ = std::make_unique<Texts>();
  }
}

bool CallLedger::HashesFirst(const PlannedCall& call) const {
  const bool is_hashed_here = texts_ != nullptr || !IsHashedLate(call);
  return is_hashed_here && context_hash_.empty() &&
         call.stored_query == nullptr;
}

Task<void> CallLedger::HashFirst(const PlannedCall& call) {
  const auto hash = [&] {
    HashPrompt(call);
    return true;
  };
  co_await OffLoop(call.facts.request_bytes, hash);
}

void CallLedger::Add(const IncomingCall& call, const StreamBatch& batch) {
  if (texts_ == nullptr || texts_->gave_up) return;
  for (const v1::GenerateEvent& event : batch.events) {
    if (event.has_delta()) texts_->streamed.Add(event);
  }
  if (batch.raw.empty() || call.raw == nullptr) return;
  if (!texts_->forwarded_stream.has_value()) {
    texts_->forwarded_stream.emplace(*call.raw->dialect);
  }
  texts_->forwarded_stream->Add(batch, &texts_->streamed);
}

size_t CallLedger::BytesToRead(const StreamBatch& batch) const {
  if (texts_ == nullptr || texts_->gave_up) return 0;
  size_t bytes = 0;
  for (const std::string_view piece : batch.raw) bytes += piece.size();
  return bytes > kInPlaceBytesMax ? bytes : 0;
}

void CallLedger::GiveUpText() {
  texts_->gave_up = true;
  texts_->forwarded_stream.reset();
  texts_->streamed = AnswerFolding();
}

Task<void> CallLedger::ReadForwarded(const Call& call) {
  const Attempt* const attempt = call.DecidingAttempt();
  if (call.raw == nullptr || attempt == nullptr || !attempt->answered ||
      Find(attempt) == nullptr) {
    co_return;
  }
  const std::string_view answer = attempt->answer.raw;
  if (answer.empty()) co_return;
  const auto read = [&] {
    texts_->forwarded = TextOfForwarded(*call.raw->dialect, answer);
    return true;
  };
  co_await OffLoop(answer.size(), read);
}

void CallLedger::Close(const Call& call) {
  for (RoundTrip& trip : trips_) {
    if (trip.closed || trip.withdrawn) continue;
    trip.closed = true;
    closed_.push_back(ExchangeSource(*this, call, trip, Now(call)).Write());
  }
}

void CallLedger::AddBudgetEntries(const Call& call) {
  const BudgetEntryFacts facts = FactsOfBudgets(call);
  const auto add = [&](LedgerEntry entry) {
    entry.id = std::string_view(NewId(call));
    entry.time = Now(call);
    closed_.emplace_back(entry);
  };
  for (const BudgetExceeded& exceeded : call.budgets->exceeded()) {
    add(BudgetWarningEntry(facts, exceeded));
  }
  const BudgetSettlement& settled = call.budgets->settled();
  if (settled.empty()) return;
  const BudgetDebit debit = DebitOf(settled);
  add(BudgetDebitEntry(debit, facts));
}

bool CallLedger::EndsWithDebit(const Call& call, bool was_asked) {
  CallBudgets& budgets = *call.budgets;
  const bool goes_alone = closed_.empty() && budgets.exceeded().empty();
  if (was_asked && goes_alone && budgets.owes()) return true;
  budgets.Settle(call);
  // Of a call that is refused nothing was charged, and nothing let pass.
  if (!was_asked) return false;
  if (goes_alone) return !budgets.settled().empty();
  AddBudgetEntries(call);
  return false;
}

Task<absl::Status> CallLedger::Finish(Call& call, absl::Status outcome) {
  if (texts_ != nullptr) co_await ReadForwarded(call);
  StableList<ExchangeSource> exchanges;
  absl::InlinedVector<const EntrySource*, 2> sources;
  const absl::Time now = Now(call);
  bool was_asked = false;
  for (RoundTrip& trip : trips_) {
    if (trip.withdrawn) continue;
    was_asked = true;
    if (!std::exchange(trip.closed, true)) {
      sources.push_back(&exchanges.Add(*this, call, trip, now));
    }
  }
  std::optional<DebitSource> debit;
  if (call.budgets != nullptr && EndsWithDebit(call, was_asked)) {
    sources.push_back(&debit.emplace(call, now));
  }
  int64_t others = 0;
  IfNotCommitted otherwise =
      degrades_ ? IfNotCommitted::kKeepAndGoOn : IfNotCommitted::kKeep;
  std::string_view event_type = kExchangeType;
  if (call.reused != nullptr && outcome.ok()) {
    closed_.push_back(ReuseEntry(call));
    event_type = kReuseType;
    otherwise =
        degrades_ ? IfNotCommitted::kKeepAndGoOn : IfNotCommitted::kKeepIfRoom;
  } else if (!outcome.ok() && !was_asked && IsRecorded(call, &others)) {
    const std::string& id = OwnEntryId(call);
    closed_.push_back(RejectionEntry(call, outcome, id, others));
    event_type = kRejectionType;
    AddFaultMetadata(outcome, kLedgerEntryKey, id);
    // A withdrawal that is lost has its dispatch charged at the next start.
    otherwise = HasDoubtfulDispatch() ? IfNotCommitted::kKeepAllInPassing
                                      : IfNotCommitted::kKeepInPassing;
  }
  if (sources.empty() && closed_.empty()) co_return outcome;
  CommitSpan span(call, event_type, sources.size() + closed_.size());
  const absl::Status committed = co_await writer_.Commit(
      sources, absl::MakeSpan(closed_), otherwise);
  span.End(committed);
  // What has happened is written down, or kept, whatever becomes of a commit.
  assert(!debit.has_value() || !call.budgets->owes());
  // Who hears of a failure anyhow hears of that one.
  if (!committed.ok() && outcome.ok()) {
    outcome = was_asked ? AnsweredInVain(committed) : Unavailable(committed);
  }
  if (!outcome.ok()) NameRoundTrip(call, outcome);
  co_return outcome;
}

void CallLedger::NameRoundTrip(const Call& call, absl::Status& failure) const {
  const RoundTrip* const trip = FindTold(call);
  if (trip == nullptr) return;
  AddFaultMetadata(failure, kDispatchEntryKey, trip->dispatch_id);
  AddFaultMetadata(failure, kExchangeEntryKey, trip->exchange_id);
}

const std::string& CallLedger::OwnEntryId(const IncomingCall& call) {
  if (own_entry_id_.empty()) own_entry_id_ = std::string_view(NewId(call));
  return own_entry_id_;
}

const CallLedger::RoundTrip* CallLedger::Find(const Attempt* attempt) const {
  for (const RoundTrip& trip : trips_) {
    if (trip.attempt == attempt && !trip.withdrawn) return &trip;
  }
  return nullptr;
}

const CallLedger::RoundTrip* CallLedger::FindTold(const Call& call) const {
  if (!call.count.estimated) return Find(call.DecidingAttempt());
  // Its attempts are forgotten.
  const RoundTrip* last = nullptr;
  for (const RoundTrip& trip : trips_) {
    if (!trip.withdrawn) last = &trip;
  }
  return last;
}

void CallLedger::HashPrompt(const IncomingCall& call) {
  std::string prompt = PromptText(call);
  context_hash_ = HashText(prompt);
  if (texts_ != nullptr) prompt_ = std::move(prompt);
}

bool CallLedger::HasDoubtfulDispatch() const {
  for (const RoundTrip& trip : trips_) {
    if (trip.withdrawn && !trip.dispatch_id.empty()) return true;
  }
  return false;
}

bool CallLedger::IsRecorded(const Call& call, int64_t* others) const {
  if (HasDoubtfulDispatch() || call.ledger_refusals == nullptr) return true;
  const LedgerConfig& config = call.runtime->config().ledger();
  if (call.ledger_refusals->Take(
          call,
          {.of_caller = config.refusals_per_second(),
           .of_unknown = config.unknown_callers_per_second()},
          others)) {
    return true;
  }
  writer_.LeaveOut();
  return false;
}

UnchainedEntry CallLedger::RejectionEntry(const Call& call,
                                          const absl::Status& refusal,
                                          std::string_view id,
                                          int64_t others) {
  LedgerEntry entry = BeginEntry(call, kRejectionType, id, Now(call));
  entry.decision = "REJECTED";
  const std::string told = ToldOutcome(call, refusal);
  entry.reason = absl::StrCat(ToAbsl(RefusalCode(refusal)), ": ", told);
  if (others > 0) {
    absl::StrAppend(&entry.reason, " (and ", others, " before it ",
                    IsKnown(*call.caller) ? "that cost their caller nothing"
                                          : "of callers who are not known",
                    ", without an entry)");
  }
  std::string note;
  for (const RoundTrip& trip : trips_) AppendWithdrawal(trip, &note);
  entry.metadata = RejectionMetadata(
      call, refusal, told, note.empty() ? "" : HashText(note), others);
  return UnchainedEntry(entry, std::move(note));
}

UnchainedEntry CallLedger::ReuseEntry(const Call& call) {
  LedgerEntry entry = BeginEntry(call, kReuseType, OwnEntryId(call), Now(call));
  entry.decision = "REUSED";
  entry.reason = absl::StrCat("Answered with what was made for ",
                              call.reused->kept->request_id);
  entry.metadata = ReuseMetadata(call, *call.reused);
  return UnchainedEntry(entry);
}

std::string CallLedger::ResponseText(const Attempt& attempt) {
  if (texts_ == nullptr || !attempt.answered) return {};
  const v1::GenerateResponse* const whole = attempt.answer.response;
  if (whole == nullptr) {
    if (!attempt.answer.raw.empty()) return std::move(texts_->forwarded);
    // Of one that broke off it is what came.
    const bool lacks_some = texts_->forwarded_stream.has_value() &&
                            texts_->forwarded_stream->failed();
    if (lacks_some && attempt.status.ok()) return {};
    return AnswerText(texts_->streamed.Finish());
  }
  return AnswerText(*whole);
}

}  // namespace gateway
