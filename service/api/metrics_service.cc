#include "service/api/metrics_service.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/status_macros.h"
#include "service/api/caller_check.h"
#include "service/api/metrics_view.h"
#include "service/api/request_record.h"
#include "service/api/watcher.h"
#include "service/observability/metrics_text.h"

namespace gateway {
namespace {

constexpr std::string_view kMetricsService = "llmgateway.v1.MetricsService";
// The most events that one watcher is sent in one turn of the loop.
constexpr int kEventsPerTurn = 64;

void FillEvent(const FeedEvent& from, v1::RequestEvent* to) {
  const CallRecord& record = from.call->record();
  to->set_dropped_events(from.dropped_events);
  switch (from.kind) {
    case FeedEvent::Kind::kStarted:
      return ToRequestStarted(record, to->mutable_started());
    case FeedEvent::Kind::kFirstToken:
      return ToRequestFirstToken(record, to->mutable_first_token());
    case FeedEvent::Kind::kUsage:  // Not asked for here.
      return;
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
  GATEWAY_CO_RETURN_IF_ERROR(CheckMetricNames(request.names()));
  FillMetrics(sources_.metrics.Read(), request.names(), response);
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
  if (!subscription.ok()) co_return FeedRefusal(subscription.status());

  CancelListener end(call.cancel(), [&] { watcher->wake_up().Set(); });
  v1::RequestEvent message;
  int sent_this_turn = 0;
  while (!call.cancel().cancelled()) {
    // Read before Take, so that what was published before the closing is still
    // sent.
    const bool closed = (*subscription)->closed();
    const std::optional<FeedEvent> event = (*subscription)->Take();
    if (!event.has_value()) {
      if (closed) co_return FeedClosed();
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
