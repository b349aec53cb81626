#include "service/tracing/trace_statistics.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "base/text/utf8.h"
#include "service/observability/charged_cost.h"
#include "service/observability/consumed_usage.h"
#include "service/observability/metrics.h"

namespace gateway {
namespace {

constexpr size_t kNameBytesMax = 256;
constexpr absl::string_view kNodePrefix = "llm_call_";

// The division of durations takes ten times as long.
int64_t StepOf(absl::Duration now) {
  constexpr int64_t kStepSeconds = 300;
  static_assert(TraceStatistics::kStep == absl::Seconds(kStepSeconds));
  return absl::ToInt64Seconds(now) / kStepSeconds;
}

void Add(const TraceTotals::Operation& from, TraceTotals::Operation* to) {
  to->calls += from.calls;
  to->failed += from.failed;
  to->duration += from.duration;
}

}  // namespace

TraceStatistics::OperationCount& TraceStatistics::OperationOf(
    Step& step, const CountedCall& call) {
  const bool is_node = !call.node.empty();
  std::string_view name = is_node ? call.node : call.record.operation;
  name = CutText(name, kNameBytesMax);
  for (size_t i = 0; i < step.operations.size(); ++i) {
    auto& each = step.operations[i];
    if (each.value.is_node != is_node || each.name != name) continue;
    if (i == 0 || i == kNamesMax) return each.value;
    auto& before = step.operations[i - 1];
    if (each.value.counts.calls <= before.value.counts.calls) return each.value;
    std::swap(each, before);
    return before.value;
  }
  if (step.operations.size() < kNamesMax) {
    return step.operations
        .emplace_back(std::string(name), OperationCount{.is_node = is_node})
        .value;
  }
  // One more, at the end.
  if (step.operations.size() == kNamesMax) {
    step.operations.emplace_back(std::string(kOtherLabel), OperationCount{});
  }
  return step.operations.back().value;
}

int64_t& TraceStatistics::CountOf(std::vector<Named<int64_t>>& counts,
                                  std::string_view name) {
  name = CutText(name, kNameBytesMax);
  for (size_t i = 0; i < counts.size(); ++i) {
    auto& each = counts[i];
    if (each.name != name) continue;
    if (i == 0 || i == kNamesMax || each.value <= counts[i - 1].value) {
      return each.value;
    }
    std::swap(each, counts[i - 1]);
    return counts[i - 1].value;
  }
  if (counts.size() >= kNamesMax) {
    if (counts.size() > kNamesMax) return counts.back().value;
    name = kOtherLabel;
  }
  return counts.emplace_back(std::string(name), 0).value;
}

void TraceStatistics::Count(const CountedCall& call, bool sampled) {
  const int64_t number = StepOf(call.now);
  const CallRecord& record = call.record;
  const bool failed = record.status_code != absl::StatusCode::kOk;
  const int64_t charged = ChargedNanos(ConsumedUsage(record)).value_or(0);
  const MutexLock lock(mu_);
  Step& step = steps_[static_cast<size_t>(number % kSteps)];
  if (step.number != number) {
    step = Step();
    step.number = number;
  }
  TraceTotals::Operation& counts = OperationOf(step, call).counts;
  ++counts.calls;
  counts.failed += failed ? 1 : 0;
  counts.duration += record.duration;
  if (sampled) ++step.sampled;
  step.cost_usd_nanos = AddCharges(step.cost_usd_nanos, charged);
  if (!record.model_served.empty()) ++CountOf(step.models, record.model_served);
  for (const std::string_view each : call.capabilities) {
    ++CountOf(step.capabilities, each);
  }
}

void TraceStatistics::AddTo(absl::Duration window, absl::Duration now,
                            TraceTotals* totals) const {
  const int64_t last = StepOf(now);
  const int64_t first = std::max(StepOf(now - window), last - kSteps + 1);
  const MutexLock lock(mu_);
  for (const Step& step : steps_) {
    if (step.number < first || step.number > last) continue;
    totals->sampled += step.sampled;
    totals->cost_usd_nanos =
        AddCharges(totals->cost_usd_nanos, step.cost_usd_nanos);
    for (const auto& each : step.operations) {
      const std::string name =
          each.value.is_node ? absl::StrCat(kNodePrefix, each.name) : each.name;
      Add(each.value.counts, &totals->operations[name]);
      Add(each.value.counts, &totals->all);
    }
    for (const auto& each : step.models) {
      totals->models[each.name] += each.value;
    }
    for (const auto& each : step.capabilities) {
      totals->capabilities[each.name] += each.value;
    }
  }
}

}  // namespace gateway
