#include "service/pipeline/call.h"

#include <string>
#include <utility>

#include "base/string_view.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/observability/record_messages.h"
#include "service/pipeline/selection_messages.h"

namespace gateway {
namespace {

bool HasCome(absl::Duration moment) { return moment != kNotCome; }

// `id` goes without a string in between, which a setter would move.
template <typename Message>
void FillIdentity(std::string_view id, absl::Time created, Message* message) {
  message->mutable_request_id()->assign(id.data(), id.size());
  if (message->create_time().seconds() == 0) {
    SetProto(created, message->mutable_create_time());
  }
}

v1::StreamEnd::Outcome OutcomeOf(const absl::Status& status) {
  if (status.ok()) return v1::StreamEnd::OUTCOME_FINISHED;
  switch (FaultReason(status)) {
    case v1::ERROR_REASON_STREAM_INTERRUPTED:
      return v1::StreamEnd::OUTCOME_TRUNCATED;
    case v1::ERROR_REASON_CANCELLED:
    case v1::ERROR_REASON_DEADLINE_EXCEEDED:
      return v1::StreamEnd::OUTCOME_CANCELLED;
    default:
      return v1::StreamEnd::OUTCOME_ERROR;
  }
}

}  // namespace

const Attempt* Call::DecidingAttempt() const {
  if (reused != nullptr) return &reused->attempt;
  if (attempts.size() == 1) return &attempts.front();
  for (const Attempt& one : attempts) {
    if (one.answered) return &one;
  }
  return attempts.empty() ? nullptr : &attempts.back();
}

Attempt* Call::DecidingAttempt() {
  return const_cast<Attempt*>(std::as_const(*this).DecidingAttempt());
}

std::string_view Call::SelectedPolicy() const {
  const ModelPolicy* const policy = ServedPolicy();
  return policy == nullptr ? std::string_view() : policy->id;
}

const ModelPolicy* Call::ServedPolicy() const {
  const Attempt* const served = DecidingAttempt();
  if (planned.selection == nullptr || served == nullptr) return nullptr;
  return PolicyThatLedTo(*runtime, planned.selection->result, served->provider,
                         served->model);
}

absl::Status PlannedCall::ExpectOutput() {
  if (request == nullptr) return absl::OkStatus();
  return output.Expect(*request, runtime->schemas(), facts.strict_output);
}

size_t PlannedCall::bytes_to_expect() const {
  return request == nullptr
             ? 0
             : OutputCheck::BytesToExpect(*request, runtime->schemas());
}

v1::GenerateEvent Call::MakeEnd(const absl::Status& outcome) const {
  v1::GenerateEvent event;
  v1::StreamEnd* const end = event.mutable_end();
  end->set_outcome(OutcomeOf(outcome));
  if (const Attempt* const deciding = DecidingAttempt()) {
    *end->mutable_usage() = deciding->answer.facts.usage;
  }
  FillRoute(end->mutable_route());
  FillAttempts(end->mutable_attempts());
  FillTimings(TimesByNow(), end->mutable_timings());
  if (context.has_value() && context->in_answer) {
    FillContextBudget(*context, end->mutable_context_budget());
  }
  FillRemainingBudgets(budgets.get(), end);
  output.Describe(end);
  FillCacheHit(end);
  FillLedger(end);
  if (!outcome.ok()) {
    end->mutable_error()->set_reason(FaultReason(outcome));
    end->mutable_error()->set_message(std::string(outcome.message()));
  }
  return event;
}

template <typename Answer>
void Call::FillModel(Answer* answer) const {
  const Attempt* const deciding = DecidingAttempt();
  if (!answer->model().empty() || deciding == nullptr) return;
  answer->set_model(std::string(deciding->model));
}

template <typename Answer>
void Call::FillCacheHit(Answer* answer) const {
  if (cache == nullptr || !cache->hit) return;
  v1::CacheHit& hit = *answer->mutable_cache_hit();
  hit.set_request_id(reused->kept->request_id);
  hit.set_key(cache->key_told);
  SetProto(cache->age, hit.mutable_age());
}

template <typename Answer>
void Call::FillLedger(Answer* answer) const {
  if (ledger == nullptr) return;
  if (reused != nullptr) {
    answer->set_exchange_entry_id(reused->kept->exchange_entry_id);
    return;
  }
  const CallLedger::RoundTrip* const trip = ledger->FindTold(*this);
  if (trip == nullptr) return;
  answer->set_context_hash(ledger->context_hash());
  answer->set_dispatch_entry_id(std::string(trip->dispatch_id));
  answer->set_exchange_entry_id(std::string(trip->exchange_id));
}

void Call::Describe(v1::GenerateResponse* response) const {
  FillIdentity(facts.request_id, start_time, response);
  FillModel(response);
  FillRoute(response->mutable_route());
  FillAttempts(response->mutable_attempts());
  FillTimings(TimesByNow(), response->mutable_timings());
  if (context.has_value() && context->in_answer) {
    FillContextBudget(*context, response->mutable_context_budget());
  }
  output.Describe(response);
  FillCacheHit(response);
  FillLedger(response);
  FillWarnings(response->mutable_warnings());
}

void Call::Describe(v1::StreamStarted* started) const {
  FillIdentity(facts.request_id, start_time, started);
  FillModel(started);
  FillRoute(started->mutable_route());
  FillWarnings(started->mutable_warnings());
}

void Call::Describe(v1::EmbedResponse* response) const {
  response->set_request_id(std::string(facts.request_id));
  FillModel(response);
  FillRoute(response->mutable_route());
  FillLedger(response);
  FillWarnings(response->mutable_warnings());
}

void Call::Describe(v1::CountTokensResponse* response) const {
  response->set_input_tokens(count.tokens);
  response->set_source(count.estimated
                           ? v1::CountTokensResponse::SOURCE_ESTIMATE
                           : v1::CountTokensResponse::SOURCE_PROVIDER);
  FillRoute(response->mutable_route());
  FillLedger(response);
}

void Call::FillRoute(v1::Route* route) const {
  const PlannedTarget& first = planned.first;
  if (first.provider == nullptr) return;
  const Attempt* const served = DecidingAttempt();
  gateway::FillRoute(served == nullptr ? std::string_view(first.provider->name)
                                       : served->provider,
                     served == nullptr ? first.model : served->model,
                     planned.reason, route);
  if (planned.selection != nullptr) {
    FillServedSelection(planned.selection->result, ServedPolicy(),
                        route->mutable_selection());
  }
}

void Call::FillWarnings(
    google::protobuf::RepeatedPtrField<v1::Warning>* out) const {
  if (budgets != nullptr) {
    out->Add(budgets->warnings().begin(), budgets->warnings().end());
    FillLateWarnings(budgets.get(), out);
  }
  const Attempt* const deciding = DecidingAttempt();
  if (deciding == nullptr) return;
  out->Add(deciding->warnings.begin(), deciding->warnings.end());
}

void Call::FillAttempts(
    google::protobuf::RepeatedPtrField<v1::Attempt>* out) const {
  for (const Attempt& one : attempts) {
    v1::Attempt* const told = out->Add();
    FillAttempt(one, one.answer.facts.usage, told);
    // The caller is told all of it.
    if (one.status.ok()) continue;
    const absl::string_view message = one.status.message();
    told->mutable_failure_message()->assign(message.data(), message.size());
  }
}

CallTimes Call::TimesByNow() const {
  CallTimes times;
  // The loop's own time stands still within a turn.
  times.duration = runtime->clock().SteadyTime() - arrival;
  const Attempt* const deciding = DecidingAttempt();
  if (deciding == nullptr) return times;
  if (HasCome(deciding->first_content)) {
    times.time_to_first_token = deciding->first_content - arrival;
  }
  if (attempts.empty()) return times;
  // What failed attempts and the waits between them took is no overhead of
  // ours.
  const AttemptProgress& first = attempts.front().progress;
  if (!HasCome(first.dispatched)) return times;
  times.overhead = first.dispatched - arrival;
  times.upstream_first_byte = deciding->first_byte;
  return times;
}

}  // namespace gateway
