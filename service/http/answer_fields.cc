#include "service/http/answer_fields.h"

#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "errors/verdict.h"
#include "service/api/call_context.h"
#include "service/api/call_report.h"
#include "service/pipeline/call_ledger.h"

namespace gateway {
namespace {

std::string WholeSeconds(absl::Duration delay) {
  return absl::StrCat(
      absl::ToInt64Seconds(absl::Ceil(delay, absl::Seconds(1))));
}

// Returns whether the provider was asked just once for what another attempt may
// mend: the configuration allows no more, or a longer wait was asked for than
// it allows. A time-out does not count: the provider may still be at work.
bool WasNotRetried(const absl::Status& outcome, int attempts) {
  return attempts == 1 && MayAskAgain(outcome, /*abandoned=*/true);
}

// Returns whether the client should try again. Not after a provider's failure
// that we have retried: official clients would multiply that by their own
// attempts. Not if only the caller can mend it, whatever the status: 501 is one
// that official clients try again.
bool MayHelpToTryAgain(const absl::Status& outcome, int attempts) {
  if (WasNotRetried(outcome, attempts)) return true;
  switch (FaultReason(outcome)) {
    case v1::ERROR_REASON_OVERLOADED:
    case v1::ERROR_REASON_IDENTITY_UNAVAILABLE:
    case v1::ERROR_REASON_CONTEXT_SERVICE_UNAVAILABLE:
    case v1::ERROR_REASON_STORE_UNAVAILABLE:
    case v1::ERROR_REASON_DRAINING:
    case v1::ERROR_REASON_PROVIDER_CONFLICT:
    case v1::ERROR_REASON_CONCURRENCY_LIMITED:
    case v1::ERROR_REASON_CANCELLED:
    case v1::ERROR_REASON_INTERNAL:
      return true;
    case v1::ERROR_REASON_RATE_LIMITED:
      // Without a time to come back, more is asked for than ever will be let
      // pass at once.
      return RetryDelay(outcome).has_value();
    case v1::ERROR_REASON_LEDGER_UNAVAILABLE:
      // Nor is what a provider was asked for to be made, and billed, again.
      return attempts == 0 && !WasAnswered(outcome);
    case v1::ERROR_REASON_DEADLINE_EXCEEDED:
      // As after any time-out.
    case v1::ERROR_REASON_PROVIDER_RATE_LIMITED:
      // Nobody was asked, since all credentials cool: whoever waits may.
      return attempts == 0;
    case v1::ERROR_REASON_CIRCUIT_OPEN:
      // Nor then; unless it was forced open, and nobody knows until when.
      return attempts == 0 && RetryDelay(outcome).has_value();
    default:
      return false;
  }
}

}  // namespace

AnswerFields::AnswerFields(const HttpApi& api, std::string_view content_type,
                           std::string_view request_id, absl::Duration elapsed)
    : limit_words_(api.limit_words), request_id_field_(api.request_id_field) {
  if (!content_type.empty()) Add("content-type", content_type);
  Add(kRequestIdHeader, request_id);
  if (!api.request_id_field.empty()) Add(api.request_id_field, request_id);
  if (api.processing_ms_field.empty()) return;
  elapsed_ms_ = absl::StrCat(absl::ToInt64Milliseconds(elapsed));
  Add(api.processing_ms_field, elapsed_ms_);
}

void AnswerFields::Add(std::string_view name, std::string_view value) {
  fields_.push_back({name, value});
}

void AnswerFields::AddWarnings(absl::Span<const v1::Warning> warnings) {
  if (warnings.empty()) return;
  warnings_ = WarningsText(warnings);
  Add(kWarningsHeader, warnings_);
}

void AnswerFields::AddWarningsOf(const Call& call) {
  warnings_ = WarningsTextOf(call);
  if (!warnings_.empty()) Add(kWarningsHeader, warnings_);
}

void AnswerFields::AddUpstream(const UpstreamFields& fields) {
  FieldViews views;
  for (const HttpField& field : fields.View(views)) fields_.push_back(field);
}

void AnswerFields::AddOutcome(const Call& call, const absl::Status& outcome) {
  // Without connections that were replaced, and without what the ledger has not
  // let be sent: there the provider was not asked.
  int asked = 0;
  for (const Attempt& each : call.attempts) {
    asked += each.kind != v1::Attempt::KIND_RECONNECT &&
             each.error_reason != v1::ERROR_REASON_LEDGER_UNAVAILABLE;
  }
  AddFailure(outcome, asked);
  AddReport(call);
  AddLedger(call, outcome);
  const Attempt* const attempt = call.DecidingAttempt();
  if (attempt == nullptr) return;
  AddUpstream(attempt->progress.upstream);
  if (!outcome.ok()) return;
  const v1::Usage& usage = attempt->answer.facts.usage;
  if (usage.cost_known()) {
    ReportCost(usage, &report_);
    Add(kCostHeader, report_[report_.size() - 1].value);
  }
  AddWarningsOf(call);
}

void AnswerFields::AddLedger(const Call& call, const absl::Status& outcome) {
  if (call.ledger == nullptr) return;
  if (const CallLedger::RoundTrip* const trip = call.ledger->FindTold(call)) {
    Add(kDispatchEntryHeader, trip->dispatch_id);
    Add(kExchangeEntryHeader, trip->exchange_id);
    Add(kContextHashHeader, call.ledger->context_hash());
  } else if (call.reused != nullptr && outcome.ok()) {
    const std::string& exchange = call.reused->kept->exchange_entry_id;
    if (!exchange.empty()) Add(kExchangeEntryHeader, exchange);
    Add(kLedgerEntryHeader, call.ledger->OwnEntryId(call));
  } else if (!outcome.ok()) {
    ledger_entry_ = FaultMetadata(outcome, kLedgerEntryKey);
    if (!ledger_entry_.empty()) Add(kLedgerEntryHeader, ledger_entry_);
  }
}

void AnswerFields::AddReport(const Call& call) {
  ReportCall(call, limit_words_, &report_);
  ReportBudgets(call, &report_);
  ReportLoad(*call.runtime, &report_);
  for (const CallField& field : report_) {
    // An API may call the request's id so.
    if (field.name == request_id_field_) continue;
    Add(field.name, field.value);
  }
  if (call.cache == nullptr || !call.cache->hit) return;
  age_ = absl::StrCat(absl::ToInt64Seconds(call.cache->age));
  Add("age", age_);
}

void AnswerFields::AddLoad(const RuntimeSnapshot& runtime) {
  ReportLoad(runtime, &report_);
  for (const CallField& field : report_) Add(field.name, field.value);
}

void AnswerFields::AddFailure(const absl::Status& outcome, int attempts) {
  if (outcome.ok()) return;
  if (const auto delay = RetryDelay(outcome); delay.has_value()) {
    retry_after_ = WholeSeconds(*delay);
    Add("retry-after", retry_after_);
  }
  const std::string told = FaultMetadata(outcome, kProviderShouldRetryKey);
  if (told == "true") return;
  if (told == "false" || !MayHelpToTryAgain(outcome, attempts)) {
    Add("x-should-retry", "false");
  }
}

}  // namespace gateway
