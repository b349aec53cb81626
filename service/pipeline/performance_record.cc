#include "service/pipeline/performance_record.h"

#include <optional>

#include "errors/verdict.h"
#include "service/observability/charged_cost.h"
#include "service/routing/selection/model_performance.h"

namespace gateway {
namespace {

// Returns the last attempt at the model; null if there was none.
const Attempt* LastAttemptAt(const Call& call, const ModelPolicy& policy) {
  const ProviderRegistry::Entry* const provider =
      call.runtime->providers().Find(policy.provider);
  if (provider == nullptr) return nullptr;
  const std::string_view model = provider->UpstreamModel(policy.model);
  const Attempt* last = nullptr;
  for (const Attempt& one : call.attempts) {
    // The provider never saw one on a connection that it had given up.
    if (one.replaced) continue;
    if (one.provider == policy.provider && one.model == model) last = &one;
  }
  return last;
}

// Returns nothing for an attempt that says nothing of its model.
std::optional<CallOutcome> ModelOutcomeOf(const Attempt& attempt) {
  if (attempt.status.ok()) {
    const v1::Usage& usage = attempt.answer.facts.usage;
    CallOutcome outcome = {.succeeded = true, .latency = attempt.duration};
    if (const auto charged = ChargedNanos(usage); charged.has_value()) {
      outcome.tokens = usage.input_tokens() + usage.output_tokens();
      outcome.cost_usd_nanos = *charged;
    }
    return outcome;
  }
  if (!BlamesTarget(
          ClassifyFailure(attempt.status, attempt.progress.http.abandoned()))) {
    return std::nullopt;
  }
  return CallOutcome{.succeeded = false};
}

void RecordModel(const Call& call, const ModelPolicy& policy, int loop) {
  const Attempt* const attempt = LastAttemptAt(call, policy);
  if (attempt == nullptr) return;
  const std::optional<CallOutcome> outcome = ModelOutcomeOf(*attempt);
  if (!outcome.has_value()) return;
  PerformanceHistory* const history =
      call.runtime->selection().performance.HistoryOf(policy.id);
  if (history == nullptr) return;
  history->Record(loop, *outcome, attempt->start_time + attempt->duration);
}

}  // namespace

void RecordPerformance(const Call& call, int loop) {
  const SelectionResult& selected = call.planned.selection->result;
  RecordModel(call, *selected.model, loop);
  for (const ModelPolicy* fallback : selected.fallback_chain) {
    RecordModel(call, *fallback, loop);
  }
}

}  // namespace gateway
