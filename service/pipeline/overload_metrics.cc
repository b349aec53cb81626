#include "service/pipeline/overload_metrics.h"

#include <cstddef>
#include <memory>
#include <string_view>

#include "service/identity/caller.h"
#include "service/overload/overload_control.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

constexpr std::string_view kPriorityLabels[] = {"priority"};
constexpr std::string_view kShedLabels[] = {"priority", "reason"};

constexpr MetricDefinition kActiveCalls = {
    .name = "llmgw_overload_active_calls",
    .help = "Calls that have a place among those that run.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kCallsLimit = {
    .name = "llmgw_overload_calls_limit",
    .help = "How many calls may run at once.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kWaitingCalls = {
    .name = "llmgw_overload_waiting_calls",
    .help = "Calls that wait for a place, by their priority.",
    .kind = MetricKind::kGauge,
    .label_names = kPriorityLabels};
constexpr MetricDefinition kWaitedCalls = {
    .name = "llmgw_overload_waited_calls_total",
    .help = "Calls that got a place after a wait, by their priority.",
    .kind = MetricKind::kCounter,
    .label_names = kPriorityLabels};
constexpr MetricDefinition kShedCalls = {
    .name = "llmgw_overload_shed_calls_total",
    .help = "Calls that were refused a place, by their priority and why.",
    .kind = MetricKind::kCounter,
    .label_names = kShedLabels};
constexpr MetricDefinition kMemoryPressure = {
    .name = "llmgw_memory_pressure",
    .help = "How short memory is: 0 normal, 1 elevated, 2 critical.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kMemoryFill = {
    .name = "llmgw_memory_fill_ratio",
    .help = "The share of the hard limit of memory that is in use.",
    .kind = MetricKind::kGauge};

void CollectCalls(const OverloadControl& overload,
                  MetricRegistry::Values& values) {
  const ConcurrencyLimit::Snapshot calls = overload.calls().Read();
  values.Add(kActiveCalls, {}, static_cast<double>(calls.active));
  if (calls.limit != ConcurrencyLimit::kUnlimited) {
    values.Add(kCallsLimit, {}, static_cast<double>(calls.limit));
  }
  for (size_t i = 0; i < kCallerPriorities; ++i) {
    const auto priority = static_cast<CallerPriority>(i);
    const std::string_view name = CallerPriorityName(priority);
    const auto& shed = calls.shed[i];
    using Shed = ConcurrencyLimit::Shed;
    const auto count = [&](Shed why) {
      return static_cast<double>(shed[static_cast<size_t>(why)]);
    };
    values.Add(kWaitingCalls, {name}, static_cast<double>(calls.waiting[i]));
    values.Add(kWaitedCalls, {name}, static_cast<double>(calls.waited[i]));
    values.Add(kShedCalls, {name, "too_many_wait"}, count(Shed::kTooManyWait));
    values.Add(kShedCalls, {name, "waited_too_long"},
               count(Shed::kWaitedTooLong));
    values.Add(kShedCalls, {name, "memory"},
               count(Shed::kHeldBack) + count(Shed::kTurnedAway) +
                   static_cast<double>(overload.refused_by_memory(priority)));
  }
}

}  // namespace

void AddOverloadMetrics(const CurrentRuntime& current,
                        MetricRegistry& registry) {
  registry.AddCollector([&current](MetricRegistry::Values& values) {
    const std::shared_ptr<const RuntimeSnapshot> runtime = current.Get();
    const OverloadControl* const overload = runtime->overload();
    if (overload == nullptr) return;
    CollectCalls(*overload, values);
    values.Add(kMemoryPressure, {},
               static_cast<double>(overload->memory().pressure()));
    values.Add(kMemoryFill, {}, overload->memory().fill());
  });
}

}  // namespace gateway
