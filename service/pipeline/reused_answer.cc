#include "service/pipeline/reused_answer.h"

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "service/cache/shared_answer.h"
#include "service/pipeline/call.h"

namespace gateway {
namespace {

// Takes out of a message what it says of the call that brought it.
void ForgetItsCall(v1::GenerateResponse* response) {
  response->clear_attempts();
  response->clear_cache_hit();
  response->clear_context_hash();
  response->clear_dispatch_entry_id();
  response->clear_exchange_entry_id();
  response->clear_route();
  response->clear_timings();
  response->clear_warnings();
}

void FillFacts(const KeptAnswer& kept, ResponseFacts* facts) {
  facts->usage = kept.usage;
  facts->usage.set_cost_usd_nanos(0);
  facts->usage.set_cost_known(true);
  facts->usage.mutable_cost_breakdown()->Clear();
  facts->usage.clear_provider_cost_usd_nanos();
  facts->has_usage = true;
  facts->usage_is_final = true;
  facts->finish_reason = kept.finish_reason;
  facts->kept_id = kept.kept_id;
}

}  // namespace

absl::Status ReuseAnswer(KeptAnswerPtr kept, Call* call) {
  call->reused = std::make_unique<ReusedAnswer>();
  call->reused->kept = std::move(kept);
  const KeptAnswer& from = *call->reused->kept;
  Attempt& attempt = call->reused->attempt;
  const PlannedTarget& target = call->planned.first;
  attempt.provider = target.provider->name;
  attempt.model = target.recorded_model;
  attempt.upstream_model = target.upstream_model;
  attempt.answered = true;
  attempt.start_time = call->start_time;
  attempt.forwards = !from.is_message;
  ProviderAnswer& answer = attempt.answer;
  FillFacts(from, &answer.facts);
  attempt.usage = &answer.facts.usage;
  attempt.warnings = from.warnings;
  if (from.is_stream()) return absl::OkStatus();
  if (attempt.forwards) {
    answer.raw = from.body;
    return absl::OkStatus();
  }
  auto* const response =
      google::protobuf::Arena::CreateMessage<v1::GenerateResponse>(
          &call->arena);
  if (!response->ParseFromString(from.body)) {
    return MakeFault(v1::ERROR_REASON_INTERNAL,
                     "a kept answer could not be read");
  }
  ForgetItsCall(response);
  if (response->has_usage()) *response->mutable_usage() = answer.facts.usage;
  answer.response = response;
  return absl::OkStatus();
}

Task<absl::Status> AwaitOther(Call& call) {
  const absl::StatusOr<SharedOutcome> made =
      co_await call.shared->share->Wait(call.loop, call.cancel);
  call.shared->share.reset();
  if (!made.ok()) co_return made.status();
  GATEWAY_CO_RETURN_IF_ERROR(made->status);
  const auto reuse = [&] { return ReuseAnswer(made->answer, &call); };
  co_return co_await OffLoop(BytesToReuse(*made->answer), reuse);
}

v1::FinishReason FinishReasonOfAll(const Attempt& attempt, bool* stopped) {
  const v1::GenerateResponse* const response = attempt.answer.response;
  if (response == nullptr) {
    const ResponseFacts& facts = attempt.answer.facts;
    *stopped = IsEndOfModel(facts.finish_reason) && !facts.other_choice_cut;
    return facts.finish_reason;
  }
  v1::FinishReason reason = v1::FINISH_REASON_UNSPECIFIED;
  *stopped = !response->choices().empty();
  for (const v1::Choice& choice : response->choices()) {
    reason = choice.finish_reason();
    *stopped = *stopped && IsEndOfModel(reason);
  }
  return reason;
}

size_t BytesToKeep(const Attempt& attempt) {
  const v1::GenerateResponse* const response = attempt.answer.response;
  return response == nullptr ? attempt.answer.raw.size()
                             : response->ByteSizeLong();
}

size_t BytesToReuse(const KeptAnswer& kept) {
  return kept.is_message && !kept.is_stream() ? kept.body.size() : 0;
}

KeptAnswerPtr KeepAnswer(const Call& call, const Attempt& attempt) {
  auto kept = std::make_shared<KeptAnswer>();
  const v1::GenerateResponse* const response = attempt.answer.response;
  kept->is_message = response != nullptr;
  if (response == nullptr) {
    kept->body = attempt.answer.raw;
  } else {
    response->SerializeToString(&kept->body);
  }
  FillOrigin(call, attempt, kept.get());
  return kept;
}

AnswerMaker MakerOf(const Call& call, const Attempt& attempt) {
  if (call.reused == nullptr) {
    return {.caller = call.caller->id,
            .provider = attempt.provider,
            .credential = attempt.progress.credential};
  }
  const KeptAnswer& made = *call.reused->kept;
  return {.caller = made.caller,
          .provider = made.provider,
          .credential = made.credential};
}

void FillOrigin(const Call& call, const Attempt& attempt, KeptAnswer* kept) {
  kept->request_id = call.facts.request_id;
  kept->kept_id = attempt.answer.facts.kept_id;
  if (call.ledger != nullptr) {
    const CallLedger::RoundTrip* const trip = call.ledger->Find(&attempt);
    if (trip != nullptr) {
      kept->exchange_entry_id = std::string_view(trip->exchange_id);
    }
  }
  const AnswerMaker maker = MakerOf(call, attempt);
  kept->caller = maker.caller;
  kept->provider = maker.provider;
  kept->credential = maker.credential;
  kept->model = attempt.model;
  kept->created = call.runtime->clock().WallTime();
  kept->usage = attempt.answer.facts.usage;
  bool stopped = false;
  kept->finish_reason = FinishReasonOfAll(attempt, &stopped);
  kept->warnings = attempt.warnings;
}

}  // namespace gateway
