#include "service/pipeline/circuit_metrics.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/time/time.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/resilience/outlier_ejection.h"
#include "service/resilience/provider_probes.h"
#include "service/resilience/retry_budget.h"
#include "service/resilience/target_board.h"

namespace gateway {
namespace {

using Values = MetricRegistry::Values;

// Longer names get no label of their own.
constexpr size_t kCircuitLabelBytesMax = 128;

constexpr std::string_view kTargetNames[] = {"provider", "model"};
constexpr std::string_view kByNames[] = {"by"};
constexpr std::string_view kReasonNames[] = {"reason"};
constexpr std::string_view kPurposeNames[] = {"purpose"};
constexpr std::string_view kProbeNames[] = {"provider", "outcome"};
constexpr std::string_view kProviderNames[] = {"provider"};
constexpr std::string_view kCredentialNames[] = {"provider", "credential"};
constexpr std::string_view kKeylessName = "none";

constexpr MetricDefinition kState = {
    .name = "circuit_breaker_state",
    .help = "What a target's breaker does: 0 closed, 1 half-open, 2 open, 3 "
            "forced open, 4 metrics only, 5 off.",
    .kind = MetricKind::kGauge,
    .label_names = kTargetNames};
constexpr MetricDefinition kFailures = {
    .name = "circuit_breaker_failures",
    .help = "Attempts that failed by the target's own fault.",
    .kind = MetricKind::kCounter,
    .label_names = kTargetNames};
constexpr MetricDefinition kDisabledModels = {
    .name = "llmgw_disabled_models",
    .help = "Models of providers that are disabled, by who did it.",
    .kind = MetricKind::kGauge,
    .label_names = kByNames};
constexpr MetricDefinition kDisabledByFailures = {
    .name = "llmgw_models_disabled_by_failures_total",
    .help = "Times that failures in a row have disabled a model.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kEjectedTargets = {
    .name = "llmgw_ejected_targets",
    .help = "Targets that are left alone since they do worse than the others "
            "of their rule.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kEjections = {
    .name = "llmgw_ejections_total",
    .help = "Times that targets were ejected, by why.",
    .kind = MetricKind::kCounter,
    .label_names = kReasonNames};
constexpr MetricDefinition kProbes = {
    .name = "llmgw_health_probes_total",
    .help = "Health probes of providers, by how they went.",
    .kind = MetricKind::kCounter,
    .label_names = kProbeNames};
constexpr MetricDefinition kProbesFailing = {
    .name = "llmgw_provider_probes_failing",
    .help = "1 while a provider fails its probes and others are preferred.",
    .kind = MetricKind::kGauge,
    .label_names = kProviderNames};

constexpr MetricDefinition kBudgetRefusals = {
    .name = "llmgw_retry_budget_refusals_total",
    .help =
        "Attempts that were not made since the budget of retries was used "
        "up, by what they were for.",
    .kind = MetricKind::kCounter,
    .label_names = kPurposeNames};
constexpr MetricDefinition kBudgetInFlight = {
    .name = "llmgw_retry_budget_in_flight",
    .help = "Attempts under way that hold a place in the budget of retries.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kBudgetLimit = {
    .name = "llmgw_retry_budget_limit",
    .help =
        "How many places the budget of retries has, by the calls under "
        "way now.",
    .kind = MetricKind::kGauge};

constexpr MetricDefinition kCredentialLimit = {
    .name = "llmgw_credential_attempts_limit",
    .help =
        "How many attempts a provider's credential takes at once, as found "
        "out by adaptive_concurrency.",
    .kind = MetricKind::kGauge,
    .label_names = kCredentialNames};
constexpr MetricDefinition kCredentialInFlight = {
    .name = "llmgw_credential_attempts_in_flight",
    .help = "Attempts under way with a credential that has such a limit.",
    .kind = MetricKind::kGauge,
    .label_names = kCredentialNames};

int NumberOf(CircuitBreaker::State state) {
  switch (state) {
    case CircuitBreaker::State::kClosed:
      return 0;
    case CircuitBreaker::State::kHalfOpen:
      return 1;
    case CircuitBreaker::State::kOpen:
      return 2;
    case CircuitBreaker::State::kForcedOpen:
      return 3;
    case CircuitBreaker::State::kMetricsOnly:
      return 4;
    case CircuitBreaker::State::kDisabled:
      break;
  }
  return 5;
}

bool IsShown(const RuntimeSnapshot& runtime, const TargetState& target,
             const CircuitBreaker::Snapshot& breaker) {
  // Calls may still run under a configuration that had others, and what
  // operators have said of those that are gone is kept.
  if (!target.provider.empty() &&
      runtime.providers().Find(target.provider) == nullptr) {
    return false;
  }
  return target.proven.load(std::memory_order_relaxed) ||
         target.availability.disabled() || breaker.is_forced;
}

bool FitsLabels(const TargetState& target) {
  return target.provider.size() <= kCircuitLabelBytesMax &&
         target.model.size() <= kCircuitLabelBytesMax;
}

void CollectTargets(const RuntimeSnapshot& runtime, size_t labels_limit,
                    Values& values) {
  const absl::Duration now = runtime.clock().SteadyTime();
  size_t labels = 0;
  int other_state = -1;
  int64_t other_failures = 0;
  int64_t by_operator = 0;
  int64_t by_failures = 0;
  for (const TargetState* target : runtime.resilience().targets.All()) {
    const CircuitBreaker::Snapshot breaker = target->breaker.Read(now);
    if (!IsShown(runtime, *target, breaker)) continue;
    switch (target->availability.Read().by) {
      case TargetAvailability::By::kOperator:
        ++by_operator;
        break;
      case TargetAvailability::By::kFailures:
        ++by_failures;
        break;
      case TargetAvailability::By::kNobody:
        break;
    }
    const int state = NumberOf(breaker.state);
    if (labels < labels_limit && FitsLabels(*target)) {
      ++labels;
      const std::string_view model =
          target->model.empty() ? kOtherLabel : target->model;
      values.Add(kState, {target->provider, model}, state);
      values.Add(kFailures, {target->provider, model},
                 static_cast<double>(breaker.failures));
      continue;
    }
    other_state = std::max(other_state, state);
    other_failures += breaker.failures;
  }
  if (other_state >= 0) {
    values.Add(kState, {kOtherLabel, kOtherLabel}, other_state);
    values.Add(kFailures, {kOtherLabel, kOtherLabel},
               static_cast<double>(other_failures));
  }
  values.Add(kDisabledModels, {"operator"}, static_cast<double>(by_operator));
  values.Add(kDisabledModels, {"failures"}, static_cast<double>(by_failures));
  values.Add(kDisabledByFailures, {},
             static_cast<double>(
                 runtime.resilience().targets.rules().disabled_by_failures));
}

void CollectEjections(const RuntimeSnapshot& runtime, Values& values) {
  int64_t ejected = 0;
  std::array<int64_t, OutlierEjection::kReasons> ejections = {};
  for (const OutlierGroups::Standing& standing :
       runtime.resilience().outliers.Read(runtime.clock().SteadyTime())) {
    if (standing.state.ejected_for > absl::ZeroDuration()) ++ejected;
    for (size_t i = 0; i < ejections.size(); ++i) {
      ejections[i] += standing.state.ejections[i];
    }
  }
  values.Add(kEjectedTargets, {}, static_cast<double>(ejected));
  for (size_t i = 0; i < ejections.size(); ++i) {
    const auto reason = static_cast<OutlierEjection::Reason>(i);
    if (reason == OutlierEjection::Reason::kNone) continue;
    values.Add(kEjections, {EjectionReasonName(reason)},
               static_cast<double>(ejections[i]));
  }
}

void CollectProbes(const RuntimeSnapshot& runtime, Values& values) {
  for (const auto& provider : runtime.config().providers()) {
    if (!provider.resilience().health_check().enabled()) continue;
    const ProviderProbes::Snapshot probes =
        runtime.resilience().targets.ProbesOf(provider.name()).Read();
    values.Add(kProbes, {provider.name(), "OK"},
               static_cast<double>(probes.probes - probes.failures));
    values.Add(kProbes, {provider.name(), "failed"},
               static_cast<double>(probes.failures));
    values.Add(kProbesFailing, {provider.name()},
               probes.failures_in_a_row >= ProviderProbes::kFailuresToAvoid);
  }
}

void CollectBudget(const RuntimeSnapshot& runtime, Values& values) {
  const RetryBudget::Snapshot budget = runtime.resilience().retry_budget.Read();
  for (size_t i = 0; i < RetryBudget::kPurposes; ++i) {
    values.Add(kBudgetRefusals,
               {RetryPurposeName(static_cast<RetryBudget::Purpose>(i))},
               static_cast<double>(budget.refused_by_purpose[i]));
  }
  values.Add(kBudgetInFlight, {}, static_cast<double>(budget.in_flight));
  values.Add(kBudgetLimit, {}, static_cast<double>(budget.limit));
}

void CollectCredentials(const RuntimeSnapshot& runtime, size_t labels_limit,
                        Values& values) {
  size_t labels = 0;
  double other_limit = 0;
  double other_in_flight = 0;
  for (const ProviderRegistry::Entry& entry : runtime.providers().entries()) {
    const CredentialLimits* const limits =
        runtime.PolicyOf(entry).credential_limits.get();
    for (size_t i = 0; limits != nullptr && i < limits->size(); ++i) {
      const std::string_view name =
          limits->NameOf(i).empty() ? kKeylessName : limits->NameOf(i);
      const double limit = limits->Of(i).limit();
      const double in_flight = limits->Of(i).in_flight();
      if (++labels > labels_limit) {
        other_limit += limit;
        other_in_flight += in_flight;
        continue;
      }
      values.Add(kCredentialLimit, {entry.name, name}, limit);
      values.Add(kCredentialInFlight, {entry.name, name}, in_flight);
    }
  }
  if (labels <= labels_limit) return;
  values.Add(kCredentialLimit, {kOtherLabel, kOtherLabel}, other_limit);
  values.Add(kCredentialInFlight, {kOtherLabel, kOtherLabel}, other_in_flight);
}

}  // namespace

void AddCircuitMetrics(const CurrentRuntime& current, size_t labels_limit,
                       MetricRegistry& registry) {
  registry.AddCollector([&current, labels_limit](Values& values) {
    const std::shared_ptr<const RuntimeSnapshot> runtime = current.Get();
    CollectTargets(*runtime, labels_limit, values);
    CollectEjections(*runtime, values);
    CollectProbes(*runtime, values);
    CollectBudget(*runtime, values);
    CollectCredentials(*runtime, labels_limit, values);
  });
}

}  // namespace gateway
