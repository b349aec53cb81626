#include "service/pipeline/call_ledger.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "llmgateway/config/v1/ledger.pb.h"
#include "service/budgets/budget_entries.h"
#include "service/ledger/dispatch_note.h"
#include "service/ledger/hash_text.h"
#include "service/money/cost.h"
#include "service/pipeline/call.h"
#include "service/pipeline/call_budgets.h"
#include "service/pipeline/ledger_metadata.h"
#include "service/pipeline/prompt_text.h"
#include "service/pipeline/usage_estimate.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::LedgerConfig;

using IfNotCommitted = LedgerWriter::IfNotCommitted;

// The output that an attempt is taken to have had if nobody will know, where
// its caller sets no limit.
constexpr int64_t kUnknownOutputTokens = 1000;

absl::Status Unavailable(const absl::Status& why) {
  return MakeFault(
      v1::ERROR_REASON_LEDGER_UNAVAILABLE,
      absl::StrCat("the ledger cannot be written, and calls without one are "
                   "refused: ",
                   absl::StatusCodeToString(why.code())));
}

// What an attempt is taken to have consumed if nobody will know.
v1::Usage EstimateUnknown(const PlannedCall& call, const Attempt& attempt) {
  v1::Usage usage;
  if (call.facts.counts || call.stored_query != nullptr) return usage;
  usage.set_estimated(true);
  usage.set_input_tokens(GuessedInputTokens(call));
  if (call.embed == nullptr) {
    usage.set_output_tokens(
        std::min(call.OutputTokensLimit().value_or(kUnknownOutputTokens),
                 kUnknownOutputTokens));
  }
  SetCost(call.FindPrice(attempt.priced_as, attempt.model),
          ServiceTier::kStandard, &usage);
  return usage;
}

LedgerEntry BeginEntry(const PlannedCall& call, std::string_view event_type,
                       std::string id) {
  LedgerEntry entry;
  entry.event_type = event_type;
  entry.submission_id = call.admitted.scope.contract_id;
  entry.id = std::move(id);
  entry.time = call.runtime->clock().WallTime();
  return entry;
}

std::string NewId(const IncomingCall& call) {
  return NewEntryId(*call.runtime->ports().random);
}

}  // namespace

std::unique_ptr<CallLedger> CallLedger::Of(IncomingCall& call) {
  if (call.runtime->ports().ledger == nullptr) return nullptr;
  return std::make_unique<CallLedger>(call);
}

CallLedger::CallLedger(IncomingCall& call)
    : writer_(*call.runtime->ports().ledger),
      degrades_(call.runtime->config().ledger().on_failure() ==
                LedgerConfig::ON_FAILURE_DEGRADE),
      records_texts_(call.runtime->config().ledger().record_texts()) {
  // Their texts are read off messages.
  if (records_texts_) call.facts.parsed_only = true;
}

Task<absl::Status> CallLedger::Dispatch(const PlannedCall& call,
                                        const Attempt& attempt) {
  if (context_hash_.empty() && call.stored_query == nullptr) {
    const auto hash = [&] {
      HashPrompt(call);
      return true;
    };
    co_await OffLoop(call.facts.request_bytes, hash);
  }
  trips_.push_back({.attempt = &attempt,
                    .dispatch_id = NewId(call),
                    .exchange_id = NewId(call)});
  const absl::Status committed = co_await writer_.Commit(
      DispatchEntry(call, trips_.back()),
      degrades_ ? IfNotCommitted::kKeepAndGoOn : IfNotCommitted::kForget);
  if (committed.ok()) co_return committed;
  FindTrip(&attempt)->withdrawn = true;
  co_return Unavailable(committed);
}

void CallLedger::Add(const StreamBatch& batch) {
  if (!records_texts_) return;
  for (const v1::GenerateEvent& event : batch.events) {
    if (event.has_delta() && event.delta().choice_index() == 0) {
      streamed_text_.append(event.delta().text());
    }
  }
}

void CallLedger::Close(const Call& call) {
  for (RoundTrip& trip : trips_) {
    if (trip.closed || trip.withdrawn) continue;
    trip.closed = true;
    closed_.push_back(ExchangeEntry(call, trip));
  }
}

void CallLedger::AddBudgetEntries(const Call& call) {
  const BudgetEntryFacts facts = FactsOfBudgets(call);
  const auto add = [&](LedgerEntry entry) {
    entry.id = NewId(call);
    entry.time = call.runtime->clock().WallTime();
    closed_.emplace_back(entry);
  };
  for (const CallBudgets::Exceeded& exceeded : call.budgets->exceeded()) {
    add(BudgetWarningEntry(facts, exceeded.mode, exceeded.requested,
                           exceeded.remaining));
  }
  const BudgetDebit& debit = call.budgets->debit();
  if (!debit.empty()) add(BudgetDebitEntry(debit, facts));
}

Task<absl::Status> CallLedger::Finish(Call& call, absl::Status outcome) {
  Close(call);
  const bool was_asked =
      std::any_of(trips_.begin(), trips_.end(),
                  [](const RoundTrip& trip) { return !trip.withdrawn; });
  if (call.budgets != nullptr) AddBudgetEntries(call);
  IfNotCommitted otherwise = IfNotCommitted::kKeep;
  if (call.reused != nullptr && outcome.ok()) {
    closed_.push_back(ReuseEntry(call));
    otherwise = IfNotCommitted::kKeepIfRoom;
  } else if (!outcome.ok() && !was_asked) {
    const std::string id = NewId(call);
    closed_.push_back(RejectionEntry(call, outcome, id));
    AddFaultMetadata(outcome, kLedgerEntryKey, id);
    otherwise = IfNotCommitted::kKeepIfRoom;
  }
  if (closed_.empty()) co_return outcome;
  if (degrades_) otherwise = IfNotCommitted::kKeepAndGoOn;
  const absl::Status committed =
      co_await writer_.Commit(std::exchange(closed_, {}), otherwise);
  // Who hears of a failure anyhow hears of that one.
  if (committed.ok() || !outcome.ok()) co_return outcome;
  co_return Unavailable(committed);
}

const CallLedger::RoundTrip* CallLedger::Find(const Attempt* attempt) const {
  for (const RoundTrip& trip : trips_) {
    if (trip.attempt == attempt && !trip.withdrawn) return &trip;
  }
  return nullptr;
}

CallLedger::RoundTrip* CallLedger::FindTrip(const Attempt* attempt) {
  return &*std::find_if(
      trips_.begin(), trips_.end(),
      [&](const RoundTrip& trip) { return trip.attempt == attempt; });
}

void CallLedger::HashPrompt(const IncomingCall& call) {
  std::string prompt = PromptText(call);
  context_hash_ = HashText(prompt);
  if (records_texts_) prompt_ = std::move(prompt);
}

UnchainedEntry CallLedger::DispatchEntry(const PlannedCall& call,
                                         const RoundTrip& trip) {
  LedgerEntry entry = BeginEntry(call, "DISPATCH", trip.dispatch_id);
  entry.decision = "DISPATCHED";
  entry.reason = absl::StrCat("Dispatching to ", ToAbsl(trip.attempt->provider),
                              "/", ToAbsl(trip.attempt->model));
  entry.metadata = DispatchMetadata(call);
  const std::string unknown = UnknownExchangeMetadata(
      call, *trip.attempt,
      {.dispatch_id = trip.dispatch_id, .context_hash = context_hash_},
      EstimateUnknown(call, *trip.attempt));
  return UnchainedEntry(
      entry, OpeningNote(trip.dispatch_id, entry.submission_id, unknown));
}

UnchainedEntry CallLedger::ExchangeEntry(const Call& call,
                                         const RoundTrip& trip) {
  const Attempt& attempt = *trip.attempt;
  LedgerEntry entry = BeginEntry(call, "EXCHANGE", trip.exchange_id);
  if (attempt.status.ok()) {
    entry.decision = "SUCCESS";
    entry.reason = "Exchange completed";
  } else {
    entry.decision = "ERROR";
    entry.reason = absl::StrCat(
        ToAbsl(LedgerCode(attempt.error_reason, /*refused=*/false)), ": ",
        ToAbsl(attempt.error_message));
  }
  const std::string response = ResponseText(attempt);
  entry.metadata = ExchangeMetadata(call, attempt,
                                    {.dispatch_id = trip.dispatch_id,
                                     .context_hash = context_hash_,
                                     .prompt = prompt_,
                                     .response = response});
  return UnchainedEntry(entry, ClosingNote(trip.dispatch_id));
}

UnchainedEntry CallLedger::RejectionEntry(const Call& call,
                                          const absl::Status& refusal,
                                          std::string_view id) {
  LedgerEntry entry = BeginEntry(call, "PROMPT_REJECTED", std::string(id));
  entry.decision = "REJECTED";
  entry.reason =
      absl::StrCat(ToAbsl(LedgerCode(FaultReason(refusal), /*refused=*/true)),
                   ": ", refusal.message());
  if (unrecorded_ > 0) {
    absl::StrAppend(&entry.reason, " (and ", unrecorded_,
                    " before it of callers who are not known, without an "
                    "entry)");
  }
  entry.metadata = RejectionMetadata(call, refusal);
  std::string note;
  for (const RoundTrip& trip : trips_) {
    note.append(WithdrawingNote(trip.dispatch_id));
  }
  return UnchainedEntry(entry, std::move(note));
}

UnchainedEntry CallLedger::ReuseEntry(const Call& call) {
  LedgerEntry entry = BeginEntry(call, "ANSWER_REUSED", NewId(call));
  entry.decision = "REUSED";
  entry.reason = absl::StrCat("Answered with what was made for ",
                              call.reused->kept->request_id);
  entry.metadata = ReuseMetadata(call, *call.reused);
  return UnchainedEntry(entry);
}

std::string CallLedger::ResponseText(const Attempt& attempt) const {
  if (!records_texts_ || !attempt.answered) return {};
  const v1::GenerateResponse* const whole = attempt.answer.response;
  if (whole == nullptr) return streamed_text_;
  std::string text;
  if (whole->choices().empty()) return text;
  for (const v1::Part& part : whole->choices(0).message().parts()) {
    text.append(part.text());
  }
  return text;
}

}  // namespace gateway
