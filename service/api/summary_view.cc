#include "service/api/summary_view.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/api/request_record.h"
#include "service/observability/consumed_usage.h"
#include "service/observability/record_messages.h"
#include "service/summary/summary_shard.h"

namespace gateway {
namespace {

constexpr size_t kFilterBytesMax = 1024;
constexpr size_t kGroupsDefault = 100;
constexpr size_t kGroupsMax = 1000;
// 9999-12-31T23:59:59Z, the last second of google.protobuf.Timestamp.
constexpr absl::Time kTimestampMax = absl::FromUnixSeconds(253'402'300'799);

// By the contract's numbers.
constexpr CallDimension kDimensionOf[] = {
    {},  // Not to be used.
    CallDimension::kAgent,
    CallDimension::kProvider,
    CallDimension::kModel,
    CallDimension::kProject,
    CallDimension::kKey,
    CallDimension::kCaller,
};

absl::Status ReadFilterText(std::string_view name, const std::string& text,
                            std::string* to) {
  if (text.size() > kFilterBytesMax) {
    return InvalidField(absl::StrCat("filter.", ToAbsl(name)),
                        absl::StrCat("must be at most ", kFilterBytesMax,
                                     " bytes, not ", text.size()));
  }
  *to = text;
  return absl::OkStatus();
}

absl::Status ReadGroupBy(const v1::GetCostSummaryRequest& request,
                         SummaryQuery* query) {
  for (const int number : request.group_by()) {
    const bool is_known = v1::CallDimension_IsValid(number) &&
                          number != v1::CALL_DIMENSION_UNSPECIFIED;
    if (!is_known) {
      return InvalidField("group_by", "has a dimension that there is not");
    }
    const CallDimension dimension = kDimensionOf[number];
    const auto& known = query->group_by;
    if (std::find(known.begin(), known.end(), dimension) != known.end()) {
      return InvalidField(
          "group_by", absl::StrCat("names ",
                                   v1::CallDimension_Name(
                                       static_cast<v1::CallDimension>(number)),
                                   " twice"));
    }
    query->group_by.push_back(dimension);
  }
  return absl::OkStatus();
}

absl::Status ReadTimes(const v1::GetCostSummaryRequest& request, absl::Time now,
                       SummaryQuery* query) {
  const absl::Time end =
      request.has_end_time() ? ToAbsl(request.end_time()) : now;
  // That of its last moment, and the one behind, which a Timestamp can tell.
  query->end = std::min(HourOf(end - absl::Nanoseconds(1)) + 1,
                        HourOf(kTimestampMax));
  if (!request.has_start_time()) return absl::OkStatus();
  const absl::Time start = ToAbsl(request.start_time());
  if (end <= start) {
    return InvalidField(request.has_end_time() ? "end_time" : "start_time",
                        request.has_end_time()
                            ? "must be after start_time"
                            : "must be before now, unless end_time is set");
  }
  query->begin = HourOf(start);
  return absl::OkStatus();
}

void FillGroup(const SummaryAnswer::Group& from, v1::CallGroup* to) {
  to->set_agent_type(from.agent_type);
  to->set_provider(from.provider);
  to->set_model(from.model);
  to->set_project_id(from.project_id);
  to->set_key(from.key);
  to->set_caller(from.caller);
}

void FillBucket(const SummaryAnswer& answer,
                const SummaryAnswer::Bucket& bucket, v1::CostBucket* to) {
  if (bucket.begin != kEarlierHours) {
    *to->mutable_start_time() = ToProto(BeginOfHour(bucket.begin));
    *to->mutable_end_time() = ToProto(BeginOfHour(bucket.end));
  }
  FillTotals(bucket.totals, to->mutable_totals());
  for (const auto& [place, totals] : bucket.groups) {
    v1::CostGroup& group = *to->add_groups();
    FillGroup(answer.groups[place], group.mutable_group());
    FillTotals(totals, group.mutable_totals());
  }
}

std::string TextOf(const RecentCall& call, RecentText which) {
  return std::string(call.Text(which));
}

void FillRecentScope(const RecentCall& call, v1::RequestRecord* out) {
  for (const RecentText text :
       {RecentText::kUserId, RecentText::kSessionId, RecentText::kAgentId,
        RecentText::kAgentType, RecentText::kProjectId}) {
    if (call.Text(text).empty()) continue;
    v1::CallerScope& scope = *out->mutable_scope();
    scope.set_user_id(TextOf(call, RecentText::kUserId));
    scope.set_session_id(TextOf(call, RecentText::kSessionId));
    scope.set_agent_id(TextOf(call, RecentText::kAgentId));
    scope.set_agent_type(TextOf(call, RecentText::kAgentType));
    scope.set_project_id(TextOf(call, RecentText::kProjectId));
    return;
  }
}

void FillRecentTimings(const RecentCall::Numbers& call, v1::Timings* out) {
  *out->mutable_total() = ToProto(absl::Microseconds(call.duration_us));
  if (call.overhead_us != RecentCall::kUnset) {
    *out->mutable_overhead() = ToProto(absl::Microseconds(call.overhead_us));
  }
  if (call.upstream_first_byte_us != RecentCall::kUnset) {
    *out->mutable_upstream_first_byte() =
        ToProto(absl::Microseconds(call.upstream_first_byte_us));
  }
  if (call.time_to_first_token_us != RecentCall::kUnset) {
    *out->mutable_time_to_first_token() =
        ToProto(absl::Microseconds(call.time_to_first_token_us));
  }
}

void FillRecentUsage(const RecentCall::Numbers& call, v1::Usage* out) {
  out->set_input_tokens(call.input_tokens);
  out->set_output_tokens(call.output_tokens);
  out->set_cached_input_tokens(call.cached_input_tokens);
  out->set_cache_write_tokens(call.cache_write_tokens);
  out->set_reasoning_tokens(call.reasoning_tokens);
  out->set_cost_usd_nanos(call.cost_usd_nanos);
  out->set_cost_known(call.cost_known);
  out->set_estimated(call.estimated);
}

}  // namespace

absl::StatusOr<CallFilter> ReadCallFilter(const v1::CallGroup& filter) {
  CallFilter read;
  GATEWAY_RETURN_IF_ERROR(
      ReadFilterText("agent_type", filter.agent_type(), &read.agent_type));
  GATEWAY_RETURN_IF_ERROR(
      ReadFilterText("provider", filter.provider(), &read.provider));
  GATEWAY_RETURN_IF_ERROR(ReadFilterText("model", filter.model(), &read.model));
  GATEWAY_RETURN_IF_ERROR(
      ReadFilterText("project_id", filter.project_id(), &read.project_id));
  GATEWAY_RETURN_IF_ERROR(ReadFilterText("key", filter.key(), &read.key));
  GATEWAY_RETURN_IF_ERROR(
      ReadFilterText("caller", filter.caller(), &read.caller));
  return read;
}

absl::StatusOr<SummaryQuery> ReadSummaryQuery(
    const v1::GetCostSummaryRequest& request, absl::Time now) {
  SummaryQuery query;
  GATEWAY_RETURN_IF_ERROR(ReadTimes(request, now, &query));
  GATEWAY_RETURN_IF_ERROR(ReadGroupBy(request, &query));
  GATEWAY_ASSIGN_OR_RETURN(query.filter, ReadCallFilter(request.filter()));
  switch (request.bucket()) {
    case v1::GetCostSummaryRequest::BUCKET_UNSPECIFIED:
      break;
    case v1::GetCostSummaryRequest::BUCKET_HOUR:
      query.bucket = SummaryQuery::Bucket::kHour;
      break;
    case v1::GetCostSummaryRequest::BUCKET_DAY:
      query.bucket = SummaryQuery::Bucket::kDay;
      break;
    default:
      return InvalidField("bucket", "is none that there is");
  }
  if (request.groups_limit() < 0) {
    return InvalidField("groups_limit", "must not be negative");
  }
  query.groups_limit =
      request.groups_limit() == 0
          ? kGroupsDefault
          : std::min(static_cast<size_t>(request.groups_limit()), kGroupsMax);
  return query;
}

void FillTotals(const CallTotals& totals, v1::CallTotals* out) {
  out->set_succeeded_count(totals[Figure::kSucceeded]);
  out->set_failed_count(totals[Figure::kFailed]);
  out->set_cancelled_count(totals[Figure::kCancelled]);
  out->set_reused_count(totals[Figure::kReused]);
  out->set_input_tokens(totals[Figure::kInputTokens]);
  out->set_output_tokens(totals[Figure::kOutputTokens]);
  out->set_cached_input_tokens(totals[Figure::kCachedInputTokens]);
  out->set_cache_write_tokens(totals[Figure::kCacheWriteTokens]);
  out->set_reasoning_tokens(totals[Figure::kReasoningTokens]);
  out->set_cost_usd_nanos(totals[Figure::kCostUsdNanos]);
  out->set_unpriced_count(totals[Figure::kUnpriced]);
  out->set_estimated_count(totals[Figure::kEstimated]);
  *out->mutable_duration_sum() =
      ToProto(absl::Microseconds(totals[Figure::kDurationMicros]));
}

void FillCostSummary(const SummaryQuery& query, const SummaryAnswer& answer,
                     v1::GetCostSummaryResponse* out) {
  if (query.begin != kEarlierHours) {
    *out->mutable_start_time() = ToProto(BeginOfHour(query.begin));
  }
  *out->mutable_end_time() = ToProto(BeginOfHour(query.end));
  FillTotals(answer.totals, out->mutable_totals());
  for (const SummaryAnswer::Group& group : answer.groups) {
    v1::CostGroup& to = *out->add_groups();
    FillGroup(group, to.mutable_group());
    FillTotals(group.totals, to.mutable_totals());
  }
  if (!answer.rest.IsZero()) FillTotals(answer.rest, out->mutable_rest());
  for (const SummaryAnswer::Bucket& bucket : answer.buckets) {
    FillBucket(answer, bucket, out->add_buckets());
  }
}

void ToRequestRecord(const RecentCall& call, v1::RequestRecord* out) {
  const RecentCall::Numbers& numbers = call.numbers;
  out->set_request_id(TextOf(call, RecentText::kRequestId));
  *out->mutable_start_time() = ToProto(absl::FromUnixMicros(numbers.start_us));
  out->set_operation(TextOf(call, RecentText::kOperation));
  out->set_caller(TextOf(call, RecentText::kCaller));
  out->set_model(TextOf(call, RecentText::kModelAsked));
  out->set_stream(numbers.stream);
  if (!call.Text(RecentText::kProvider).empty()) {
    FillRoute(call.Text(RecentText::kProvider),
              call.Text(RecentText::kModelServed),
              call.Text(RecentText::kRouteReason), out->mutable_route());
  }
  FillRecentUsage(numbers, out->mutable_usage());
  FillRecentTimings(numbers, out->mutable_timings());
  FillRecentScope(call, out);
  out->set_failure(static_cast<v1::ErrorReason>(numbers.error_reason));
  out->set_status_code(numbers.status_code);
  out->set_http_status(numbers.http_status);
  out->set_finish_reason(static_cast<v1::FinishReason>(numbers.finish_reason));
  out->set_request_bytes(numbers.request_bytes);
  out->set_response_bytes(numbers.response_bytes);
}

void ToUsageProgress(const CallRecord& call, v1::UsageProgress* out) {
  out->set_request_id(std::string(call.request_id));
  FillRoute(call.provider, call.model_served, call.route_reason,
            out->mutable_route());
  out->set_caller(std::string(call.caller));
  if (SaysAnything(call.scope)) FillScope(call.scope, out->mutable_scope());
  if (ConsumedAnything(*call.usage)) *out->mutable_usage() = *call.usage;
  out->set_response_bytes(call.response_bytes);
  *out->mutable_elapsed() = ToProto(call.duration);
}

void ToCallUsage(const CallRecord& call, v1::CallUsage* out) {
  out->set_request_id(std::string(call.request_id));
  *out->mutable_start_time() = ToProto(call.start_time);
  *out->mutable_end_time() = ToProto(call.start_time + call.duration);
  out->set_operation(std::string(call.operation));
  out->set_caller(std::string(call.caller));
  if (SaysAnything(call.scope)) FillScope(call.scope, out->mutable_scope());
  if (!call.provider.empty()) {
    FillRoute(call.provider, call.model_served, call.route_reason,
              out->mutable_route());
  }
  *out->mutable_usage() = ConsumedUsage(call);
  out->set_stream(call.stream);
  out->set_failure(call.error_reason);
  out->set_status_code(static_cast<int>(call.status_code));
  out->set_answer_of(std::string(call.answer_of));
}

}  // namespace gateway
