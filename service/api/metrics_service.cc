#include "service/api/metrics_service.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/api/caller_check.h"
#include "service/api/request_record.h"
#include "service/api/watcher.h"
#include "service/observability/metrics_text.h"

namespace gateway {
namespace {

constexpr std::string_view kMetricsService = "llmgateway.v1.MetricsService";
constexpr int kNamesLimit = 100;

// The most events that one watcher is sent in one turn of the loop.
constexpr int kEventsPerTurn = 64;

v1::MetricFamily::Kind KindOf(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return v1::MetricFamily::KIND_COUNTER;
    case MetricKind::kGauge:
      return v1::MetricFamily::KIND_GAUGE;
    case MetricKind::kHistogram:
      break;
  }
  return v1::MetricFamily::KIND_HISTOGRAM;
}

void FillMetric(const MetricValue& from, MetricKind kind, v1::Metric* to) {
  for (const auto& [name, value] : from.labels) {
    (*to->mutable_labels())[name] = value;
  }
  if (kind != MetricKind::kHistogram) {
    to->set_number(from.number);
    return;
  }
  v1::Histogram& histogram = *to->mutable_histogram();
  histogram.set_count(from.histogram.count);
  histogram.set_sum(from.histogram.sum);
  for (const HistogramValue::Bucket& bucket : from.histogram.buckets) {
    v1::HistogramBucket& added = *histogram.add_buckets();
    added.set_upper_bound(bucket.upper_bound);
    added.set_count(bucket.count);
  }
}

void FillFamily(const MetricFamilyValue& from, v1::MetricFamily* to) {
  to->set_name(from.name);
  to->set_help(from.help);
  to->set_kind(KindOf(from.kind));
  for (const MetricValue& metric : from.metrics) {
    FillMetric(metric, from.kind, to->add_metrics());
  }
}

bool IsAskedFor(const v1::GetMetricsRequest& request, const std::string& name) {
  return request.names().empty() ||
         std::find(request.names().begin(), request.names().end(), name) !=
             request.names().end();
}

// Returns the fault for what the feed refuses.
absl::Status Refusal(const absl::Status& status) {
  const v1::ErrorReason reason = absl::IsResourceExhausted(status)
                                     ? v1::ERROR_REASON_RATE_LIMITED
                                     : v1::ERROR_REASON_DRAINING;
  return MakeFault(reason, ToStd(status.message()));
}

void FillEvent(const FeedEvent& from, v1::RequestEvent* to) {
  const CallRecord& record = from.call->record();
  to->set_dropped_events(from.dropped_events);
  switch (from.kind) {
    case FeedEvent::Kind::kStarted:
      return ToRequestStarted(record, to->mutable_started());
    case FeedEvent::Kind::kFirstToken:
      return ToRequestFirstToken(record, to->mutable_first_token());
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
    CallContext& /*call*/, const v1::GetMetricsRequest& request,
    v1::GetMetricsResponse* response) {
  if (request.names_size() > kNamesLimit) {
    co_return InvalidField(
        "names", absl::StrCat("must be at most ", kNamesLimit, ", not ",
                              request.names_size()));
  }
  const MetricsSnapshot snapshot = sources_.metrics.Read();
  for (const MetricFamilyValue& family : snapshot.families) {
    if (!IsAskedFor(request, family.name)) continue;
    FillFamily(family, response->add_families());
  }
  *response->mutable_read_time() = ToProto(snapshot.read_time);
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
  const auto watcher = std::make_shared<Watcher>(call.loop());
  FeedFilter filter;
  filter.provider = request.provider();
  filter.model = request.model();
  filter.failures_only = request.failures_only();
  filter.progress = request.include_progress();
  absl::StatusOr<std::unique_ptr<RequestFeed::Subscription>> subscription =
      sources_.feed.Subscribe(std::move(filter),
                              [watcher] { watcher->Tell(); });
  if (!subscription.ok()) co_return Refusal(subscription.status());

  CancelListener end(call.cancel(), [&] { watcher->wake_up().Set(); });
  v1::RequestEvent message;
  int sent_this_turn = 0;
  while (!call.cancel().cancelled()) {
    // Read before Take, so that what was published before the closing is still
    // sent.
    const bool closed = (*subscription)->closed();
    const std::optional<FeedEvent> event = (*subscription)->Take();
    if (!event.has_value()) {
      if (closed) {
        co_return MakeFault(v1::ERROR_REASON_DRAINING,
                            "the gateway is shutting down");
      }
      co_await watcher->wake_up().Wait();
      sent_this_turn = 0;
      continue;
    }
    message.Clear();
    FillEvent(*event, &message);
    const bool written = co_await writer.Write(message);
    if (!written) break;
    if (++sent_this_turn == kEventsPerTurn) {
      sent_this_turn = 0;
      co_await YieldToLoop();
    }
  }
  co_return call.cancel().status();
}

}  // namespace gateway
