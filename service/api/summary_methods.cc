#include "service/api/summary_methods.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/api/caller_check.h"
#include "service/api/feed_stream.h"
#include "service/api/metrics_view.h"
#include "service/api/state_fault.h"
#include "service/api/summary_view.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/routing/selection/model_capability.h"

namespace gateway {
namespace {

constexpr std::string_view kSummaryService = "llmgateway.v1.MetricsService";
constexpr int kRecentDefault = 100;
constexpr int kRecentMax = 1000;
constexpr int kHoursDefault = 1;
constexpr size_t kModelsShown = 1000;

constexpr absl::Duration kReadingDefault = absl::Seconds(10);
constexpr absl::Duration kReadingLeast = absl::Seconds(1);
constexpr absl::Duration kReadingMost = absl::Hours(1);
constexpr int kReadersMax = 64;

FeedFilter FeedFilterOf(CallFilter from) {
  FeedFilter filter;
  filter.provider = std::move(from.provider);
  filter.model_served = std::move(from.model);
  filter.agent_type = std::move(from.agent_type);
  filter.project_id = std::move(from.project_id);
  filter.caller = std::move(from.caller);
  filter.key = std::move(from.key);
  return filter;
}

CallGroup GroupOfRecent(const RecentCall& call) {
  return {.agent_type = call.Text(RecentText::kAgentType),
          .provider = call.Text(RecentText::kProvider),
          .model = call.Text(RecentText::kModelServed),
          .project_id = call.Text(RecentText::kProjectId),
          .caller = call.Text(RecentText::kCaller),
          .caller_has_key = call.numbers.caller_has_key};
}

void FillUsageEvent(const FeedEvent& from, v1::UsageEvent* to) {
  to->set_dropped_events(from.dropped_events);
  const CallRecord& record = from.call->record();
  if (from.kind == FeedEvent::Kind::kUsage) {
    ToUsageProgress(record, to->mutable_progress());
  } else {
    ToCallUsage(record, to->mutable_ended());
  }
}

// Rounded half up.
int64_t PerCall(int64_t sum, int64_t calls) {
  if (calls == 0) return 0;
  return sum / calls + (sum % calls * 2 >= calls ? 1 : 0);
}

// What GetCallStatistics is made of.
struct Statistics {
  SummaryAnswer by_model;
  SummaryHistory::Capabilities capabilities;
};

void FillStatistics(const Statistics& from, v1::GetCallStatisticsResponse* to) {
  const CallTotals& totals = from.by_model.totals;
  const int64_t calls = totals.calls();
  to->set_request_count(calls);
  if (calls > 0) {
    to->set_error_rate(static_cast<double>(totals[Figure::kFailed]) /
                       static_cast<double>(calls));
    *to->mutable_average_latency() =
        ToProto(absl::Microseconds(totals[Figure::kDurationMicros]) / calls);
  }
  to->set_cost_usd_nanos_per_request(
      PerCall(totals[Figure::kCostUsdNanos], calls));
  for (const SummaryAnswer::Group& group : from.by_model.groups) {
    const int64_t of_model = group.totals.calls();
    if (group.model.empty() || of_model == 0) continue;
    (*to->mutable_model_distribution())[group.model] = of_model;
  }
  for (size_t i = 0; i < kCountedCapabilities; ++i) {
    if (from.capabilities[i] == 0) continue;
    const auto capability = static_cast<Capability>(uint32_t{1} << i);
    (*to->mutable_capability_usage())[std::string(CapabilityName(capability))] =
        from.capabilities[i];
  }
  FillTotals(totals, to->mutable_totals());
}

}  // namespace

void SummaryMethods::AddTo(MethodTable& table) {
  table.AddUnary(kSummaryService, "GetCostSummary", *this,
                 &SummaryMethods::GetCostSummary);
  table.AddUnary(kSummaryService, "GetCallStatistics", *this,
                 &SummaryMethods::GetCallStatistics);
  table.AddUnary(kSummaryService, "ListRecentRequests", *this,
                 &SummaryMethods::ListRecentRequests);
  table.AddUnary(kSummaryService, "ResetMetrics", *this,
                 &SummaryMethods::ResetMetrics);
  table.AddServerStream<v1::StreamMetricsRequest, v1::StreamMetricsResponse>(
      kSummaryService, "StreamMetrics",
      [this](CallContext& call, const v1::StreamMetricsRequest& request,
             MessageWriter& writer) {
        return StreamMetrics(call, request, writer);
      });
  table.AddServerStream<v1::WatchUsageRequest, v1::UsageEvent>(
      kSummaryService, "WatchUsage",
      [this](CallContext& call, const v1::WatchUsageRequest& request,
             MessageWriter& writer) {
        return WatchUsage(call, request, writer);
      });
}

absl::Time SummaryMethods::Now() const {
  return sources_.runtime.Get()->clock().WallTime();
}

Task<absl::Status> SummaryMethods::GetCostSummary(
    CallContext& call, const v1::GetCostSummaryRequest& request,
    v1::GetCostSummaryResponse* response) {
  GATEWAY_CO_ASSIGN_OR_RETURN(SummaryQuery query,
                              ReadSummaryQuery(request, Now()));
  auto sum = [summary = &sources_.summary, query] {
    return std::make_pair(summary->Sum(query), summary->since());
  };
  const auto summed =
      co_await sources_.worker.Run(std::move(sum), call.cancel());
  if (!summed.ok()) co_return SumsNotRead(summed.status());
  FillCostSummary(query, summed->first, response);
  *response->mutable_since_time() = ToProto(summed->second);
  co_return absl::OkStatus();
}

Task<absl::Status> SummaryMethods::GetCallStatistics(
    CallContext& call, const v1::GetCallStatisticsRequest& request,
    v1::GetCallStatisticsResponse* response) {
  const int64_t hours = request.has_hours() ? request.hours() : kHoursDefault;
  const int64_t hours_max = sources_.summary.history_hours();
  if (hours < 0 || hours > hours_max) {
    co_return InvalidField(
        "hours", absl::StrCat("must be 0 to ", hours_max,
                              " (metrics.history_hours), not ", hours));
  }
  const absl::Time now = Now();
  const int64_t begin = HourOf(now) - hours;
  auto sum = [summary = &sources_.summary, begin, end = HourOf(now) + 1] {
    Statistics statistics;
    statistics.by_model = summary->Sum({.begin = begin,
                                        .end = end,
                                        .group_by = {CallDimension::kModel},
                                        .groups_limit = kModelsShown});
    statistics.capabilities = summary->CapabilitiesUsed(begin, end);
    return statistics;
  };
  const absl::StatusOr<Statistics> summed =
      co_await sources_.worker.Run(std::move(sum), call.cancel());
  if (!summed.ok()) co_return SumsNotRead(summed.status());
  *response->mutable_start_time() = ToProto(BeginOfHour(begin));
  *response->mutable_end_time() = ToProto(now);
  FillStatistics(*summed, response);
  co_return absl::OkStatus();
}

Task<absl::Status> SummaryMethods::ListRecentRequests(
    CallContext& call, const v1::ListRecentRequestsRequest& request,
    v1::ListRecentRequestsResponse* response) {
  if (request.limit() < 0) {
    co_return InvalidField("limit", "must not be negative");
  }
  GATEWAY_CO_ASSIGN_OR_RETURN(const CallFilter filter,
                              ReadCallFilter(request.filter()));
  const int limit = request.limit() == 0
                        ? kRecentDefault
                        : std::min(request.limit(), kRecentMax);
  const int64_t start_us =
      request.has_start_time()
          ? absl::ToUnixMicros(ToAbsl(request.start_time()))
          : 0;
  auto list = [recent = &sources_.summary.recent(), limit, filter, start_us,
               failures_only = request.failures_only()] {
    return recent->List(static_cast<size_t>(limit), [&](const RecentCall& one) {
      return one.end_us() >= start_us &&
             !(failures_only && one.numbers.status_code == 0) &&
             filter.Matches(GroupOfRecent(one));
    });
  };
  const absl::StatusOr<RecentCalls::Found> found =
      co_await sources_.worker.Run(std::move(list), call.cancel());
  if (!found.ok()) co_return SumsNotRead(found.status());
  for (const RecentCall& one : found->calls) {
    ToRequestRecord(one, response->add_requests());
  }
  response->set_matched_count(static_cast<int>(found->matched));
  co_return absl::OkStatus();
}

Task<absl::Status> SummaryMethods::ResetMetrics(
    CallContext& call, const v1::ResetMetricsRequest& /*request*/,
    v1::ResetMetricsResponse* response) {
  // It is logged even if the caller leaves meanwhile.
  auto reset = [summary = &sources_.summary,
                who = OperatorName(*sources_.runtime.Get(), call)] {
    absl::StatusOr<CallSummary::Forgotten> forgotten = summary->Reset();
    if (forgotten.ok()) {
      Log(LogLevel::kInfo, "main", "An operator has reset the metrics",
          {{"calls", forgotten->totals.calls()}, {"operator", who}});
    }
    return forgotten;
  };
  const auto run =
      co_await sources_.worker.Run(std::move(reset), call.cancel());
  if (!run.ok()) co_return ChangeNotBegun(run.status());
  if (!run->ok()) co_return StateNotKept(run->status());
  const CallSummary::Forgotten& forgotten = **run;
  *response->mutable_reset_time() = ToProto(forgotten.time);
  FillTotals(forgotten.totals, response->mutable_forgotten());
  co_return absl::OkStatus();
}

Task<absl::Status> SummaryMethods::StreamMetrics(
    CallContext& call, const v1::StreamMetricsRequest& request,
    MessageWriter& writer) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckMetricNames(request.names()));
  const absl::Duration interval =
      request.has_interval() ? ToAbsl(request.interval()) : kReadingDefault;
  if (interval < kReadingLeast || interval > kReadingMost) {
    co_return InvalidField("interval", "must be 1s to 1h");
  }
  const absl::Cleanup leave = [this] { readers_.fetch_sub(1); };
  if (readers_.fetch_add(1) >= kReadersMax) {
    co_return MakeFault(
        v1::ERROR_REASON_RATE_LIMITED,
        absl::StrCat("all ", kReadersMax, " readers of metrics are taken"));
  }
  v1::StreamMetricsResponse message;
  absl::Duration due = call.loop().Now();
  while (!call.cancel().cancelled()) {
    message.mutable_metrics()->Clear();
    FillMetrics(sources_.metrics.Read(), request.names(),
                message.mutable_metrics());
    const bool written = co_await writer.Write(message);
    if (!written) break;
    due += interval;
    const absl::Duration late = call.loop().Now() - due;
    // Those that would have come while the reader took the last one.
    const int64_t missed = late <= absl::ZeroDuration() ? 0 : late / interval;
    message.set_dropped_readings(missed);
    due += missed * interval;
    const absl::Status waited =
        co_await Sleep(call.loop(), due - call.loop().Now(), call.cancel());
    if (!waited.ok()) break;
  }
  co_return call.cancel().status();
}

Task<absl::Status> SummaryMethods::WatchUsage(
    CallContext& call, const v1::WatchUsageRequest& request,
    MessageWriter& writer) {
  GATEWAY_CO_ASSIGN_OR_RETURN(CallFilter asked,
                              ReadCallFilter(request.filter()));
  FeedFilter filter = FeedFilterOf(std::move(asked));
  filter.usage_progress = request.include_progress();
  co_return co_await StreamFeed(sources_.feed, std::move(filter),
                                FillUsageEvent, call, writer);
}

}  // namespace gateway
