#include "service/pipeline/summary_record.h"

#include <optional>

#include "absl/time/time.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/observability/consumed_usage.h"

namespace gateway {
namespace {

constexpr MetricDefinition kFailedWrites = {
    .name = "llmgw_summary_failed_writes_total",
    .help = "How often the sums of calls could not be written to their file.",
    .kind = MetricKind::kCounter};

CallGroup GroupOf(const CallRecord& record) {
  if (!record.caller_known) return {};
  return {.agent_type = record.scope.agent_type,
          .provider = record.provider,
          .model = record.model_served,
          .project_id = record.scope.project_id,
          .caller = record.caller,
          .caller_has_key = record.caller_has_key};
}

void AddUsage(const v1::Usage& usage, CallTotals* totals) {
  if (!ConsumedAnything(usage)) return;
  totals->Add(Figure::kInputTokens, usage.input_tokens());
  totals->Add(Figure::kOutputTokens, usage.output_tokens());
  totals->Add(Figure::kCachedInputTokens, usage.cached_input_tokens());
  totals->Add(Figure::kCacheWriteTokens, usage.cache_write_tokens());
  totals->Add(Figure::kReasoningTokens, usage.reasoning_tokens());
  // Not nothing where a price is known, but not of the tier.
  totals->Add(Figure::kCostUsdNanos, usage.cost_usd_nanos());
  if (!usage.cost_known()) totals->Add(Figure::kUnpriced, 1);
  if (usage.estimated()) totals->Add(Figure::kEstimated, 1);
}

// Without what attempts consumed that are not the call's.
CallTotals TotalsOf(const CallRecord& record) {
  CallTotals totals;
  const bool succeeded = record.status_code == absl::StatusCode::kOk;
  const bool reused = !record.answer_of.empty();
  totals.Add(succeeded ? Figure::kSucceeded : Figure::kFailed, 1);
  if (record.status_code == absl::StatusCode::kCancelled) {
    totals.Add(Figure::kCancelled, 1);
  }
  if (succeeded && reused) totals.Add(Figure::kReused, 1);
  totals.Add(Figure::kDurationMicros,
             absl::ToInt64Microseconds(record.duration));
  // What was made for another call consumes nothing again.
  if (!reused) AddUsage(*record.usage, &totals);
  return totals;
}

void CountOtherAttempts(const CallRecord& record, absl::Time end_time,
                        SummaryShard& sums) {
  CallGroup group = GroupOf(record);
  for (const CallAttempt* const attempt : record.attempts) {
    const v1::Usage* const usage = UsageBeyondAnswer(record, *attempt);
    if (usage == nullptr) continue;
    CallTotals totals;
    AddUsage(*usage, &totals);
    group.provider = attempt->provider;
    group.model = attempt->model;
    sums.Count(group, totals, end_time);
  }
}

int64_t MicrosOf(const std::optional<absl::Duration>& time) {
  return time.has_value() ? absl::ToInt64Microseconds(*time)
                          : RecentCall::kUnset;
}

RecentCall RecentCallOf(const CallRecord& record) {
  RecentCall call;
  const v1::Usage& usage = ConsumedUsage(record);
  call.numbers = {
      .start_us = absl::ToUnixMicros(record.start_time),
      .duration_us = absl::ToInt64Microseconds(record.duration),
      .overhead_us = MicrosOf(record.overhead),
      .upstream_first_byte_us = MicrosOf(record.upstream_first_byte),
      .time_to_first_token_us = MicrosOf(record.time_to_first_token),
      .input_tokens = usage.input_tokens(),
      .output_tokens = usage.output_tokens(),
      .cached_input_tokens = usage.cached_input_tokens(),
      .cache_write_tokens = usage.cache_write_tokens(),
      .reasoning_tokens = usage.reasoning_tokens(),
      .cost_usd_nanos = usage.cost_usd_nanos(),
      .request_bytes = record.request_bytes,
      .response_bytes = record.response_bytes,
      .status_code = static_cast<int32_t>(record.status_code),
      .error_reason = record.error_reason,
      .finish_reason = record.finish_reason,
      .http_status = record.http_status,
      .stream = record.stream,
      .cost_known = usage.cost_known(),
      .estimated = usage.estimated(),
      .caller_has_key = record.caller_has_key};
  call.SetText(RecentText::kRequestId, record.request_id);
  call.SetText(RecentText::kProvider, record.provider);
  call.SetText(RecentText::kModelServed, record.model_served);
  call.SetText(RecentText::kCaller, record.caller);
  call.SetText(RecentText::kOperation, record.operation);
  call.SetText(RecentText::kRouteReason, record.route_reason);
  call.SetText(RecentText::kModelAsked, record.model_asked);
  call.SetText(RecentText::kAgentType, record.scope.agent_type);
  call.SetText(RecentText::kProjectId, record.scope.project_id);
  call.SetText(RecentText::kAgentId, record.scope.agent_id);
  call.SetText(RecentText::kUserId, record.scope.user_id);
  call.SetText(RecentText::kSessionId, record.scope.session_id);
  return call;
}

}  // namespace

void RecordInSummary(const CallRecord& record, CapabilitySet capabilities,
                     const CallSummary::Shard& shard) {
  const absl::Time end_time = record.start_time + record.duration;
  if (IsRefusal(record)) {
    shard.sums.CountRefused(GroupOf(record), TotalsOf(record), end_time);
  } else {
    shard.sums.Count(GroupOf(record), TotalsOf(record), end_time);
  }
  CountOtherAttempts(record, end_time, shard.sums);
  shard.sums.CountCapabilities(capabilities, end_time);
  if (shard.recent.enabled()) shard.recent.Remember(RecentCallOf(record));
}

void AddSummaryMetrics(const CallSummary& summary, MetricRegistry& registry) {
  if (!summary.has_file()) return;
  registry.AddSource(kFailedWrites, {}, [&summary] {
    return static_cast<double>(summary.failed_writes());
  });
}

}  // namespace gateway
