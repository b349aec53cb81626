#include "service/api/metrics_service.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/api/caller_check.h"
#include "service/api/feed_stream.h"
#include "service/api/metrics_view.h"
#include "service/api/request_record.h"
#include "service/api/summary_view.h"
#include "service/observability/metrics_text.h"

namespace gateway {
namespace {

// Of one that there is not.
constexpr size_t kMetricNameBytesShown = 128;
constexpr std::string_view kMetricsService = "llmgateway.v1.MetricsService";

// That there is a metric of each name: no answer says nothing of one that is
// misspelt.
absl::Status CheckThereAre(const MetricNames& names,
                           const MetricsSnapshot& all) {
  for (const std::string& name : names) {
    const bool is_there = std::any_of(
        all.families.begin(), all.families.end(),
        [&name](const MetricFamilyValue& each) { return each.name == name; });
    if (is_there) continue;
    return InvalidField(
        "names", absl::StrCat("there is no metric '",
                              name.substr(0, kMetricNameBytesShown),
                              "'; without names all that there are are told"));
  }
  return absl::OkStatus();
}

void FillEvent(const FeedEvent& from, v1::RequestEvent* to) {
  const CallRecord& record = from.call->record();
  to->set_dropped_events(from.dropped_events);
  switch (from.kind) {
    case FeedEvent::Kind::kStarted:
      return ToRequestStarted(record, to->mutable_started());
    case FeedEvent::Kind::kFirstToken:
      return ToRequestFirstToken(record, to->mutable_first_token());
    case FeedEvent::Kind::kUsage:
      return ToUsageProgress(record, to->mutable_progress());
    case FeedEvent::Kind::kEnded:
      return ToRequestRecord(record, to->mutable_ended());
  }
}

}  // namespace

void MetricsService::AddTo(MethodTable& table) {
  table.AddUnary(kMetricsService, "GetMetrics", *this,
                 &MetricsService::GetMetrics);
  table.AddUnary<v1::ScrapeRequest, v1::ScrapeResponse>(
      kMetricsService, "Scrape",
      [this](CallContext& call, const v1::ScrapeRequest&,
             v1::ScrapeResponse* response) { return Scrape(call, response); });
  table.AddServerStream<v1::WatchRequestsRequest, v1::RequestEvent>(
      kMetricsService, "WatchRequests",
      [this](CallContext& call, const v1::WatchRequestsRequest& request,
             MessageWriter& writer) {
        return WatchRequests(call, request, writer);
      });
  table.AuthorizeBy(kMetricsService,
                    OperatorsOnly(sources_.runtime, sources_.refusals));
  table.KeepWhileDraining(kMetricsService);
}

Task<absl::Status> MetricsService::GetMetrics(
    CallContext& call, const v1::GetMetricsRequest& request,
    v1::GetMetricsResponse* response) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckMetricNames(request.names()));
  GATEWAY_CO_RETURN_IF_ERROR(CheckMetricWindow(request));
  if (!request.has_window() || !request.names().empty()) {
    const MetricsSnapshot all = sources_.metrics.Read();
    GATEWAY_CO_RETURN_IF_ERROR(CheckThereAre(request.names(), all));
    if (!request.has_window()) {
      FillMetrics(all, request.names(), response);
      co_return absl::OkStatus();
    }
  }
  auto read = [history = &sources_.history, window = ToAbsl(request.window())] {
    return history->Read(window);
  };
  const absl::StatusOr<MetricHistory::Addition> added =
      co_await sources_.worker.Run(std::move(read), call.cancel());
  if (!added.ok()) co_return SumsNotRead(added.status());
  FillMetrics(added->metrics, request.names(), response);
  *response->mutable_window_start_time() = ToProto(added->since);
  co_return absl::OkStatus();
}

Task<absl::Status> MetricsService::Scrape(CallContext& /*call*/,
                                          v1::ScrapeResponse* response) {
  response->set_text(MetricsText(sources_.metrics.Read()));
  response->set_content_type(std::string(kMetricsTextContentType));
  co_return absl::OkStatus();
}

Task<absl::Status> MetricsService::WatchRequests(
    CallContext& call, const v1::WatchRequestsRequest& request,
    MessageWriter& writer) {
  FeedFilter filter;
  filter.provider = request.provider();
  filter.model = request.model();
  filter.failures_only = request.failures_only();
  filter.progress = request.include_progress();
  filter.usage_progress = request.include_progress();
  co_return co_await StreamFeed(sources_.feed, std::move(filter), FillEvent,
                                call, writer);
}

}  // namespace gateway
