#include "service/observability/upstream_metrics.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/http/http1_client.h"
#include "base/http/http_client.h"
#include "base/http/http_client_stats.h"
#include "base/net/resolver.h"
#include "base/os/thread.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/metrics.h"
#include "tests/testing/event.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/raw_client.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

using ByState = std::map<std::string, double>;

ByState Connections(const MetricRegistry& registry) {
  ByState values;
  for (const MetricFamilyValue& family : registry.Read().families) {
    if (family.name != "llmgw_upstream_connections") continue;
    EXPECT_EQ(family.kind, MetricKind::kGauge);
    for (const MetricValue& metric : family.metrics) {
      EXPECT_EQ(metric.labels[0].first, "state");
      values[metric.labels[0].second] = metric.number;
    }
  }
  return values;
}

TEST(UpstreamMetricsTest, ShowsConnectionsAsTheyWorkRestAndGo) {
  Event asked_for_more;
  RawListener listener;
  Thread server("server", [&] {
    RawClient client = listener.Accept();
    client.ReceiveUntil("\r\n\r\n");
    client.Send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha");
    EXPECT_TRUE(asked_for_more.Wait());
    client.Send("lf");
    EXPECT_TRUE(client.AtEnd());
  });
  FakeClock clock;
  MetricRegistry registry(clock);
  LoopRunner runner;
  Resolver resolver;
  auto to = std::make_shared<HttpDestination>();
  to->host = "127.0.0.1";
  to->port = listener.port();
  const HttpRequestHead head(to, "GET", "/", {});
  runner.Run([](Resolver& resolver, const HttpRequestHead& head,
                MetricRegistry& registry, Event& more) -> Task<void> {
    Http1Client client(resolver);
    AddUpstreamMetrics(client.shared_stats(), registry);
    EXPECT_THAT(Connections(registry),
                ElementsAre(Pair("active", 0), Pair("idle", 0)));
    CancelSignal cancel;
    HttpProgress progress;
    HttpCall call;
    call.head = &head;
    call.cancel = &cancel;
    call.progress = &progress;
    {
      absl::StatusOr<std::unique_ptr<HttpExchange>> exchange =
          co_await client.Send(call);
      EXPECT_TRUE(exchange.ok()) << exchange.status();
      if (!exchange.ok()) co_return;
      EXPECT_THAT(Connections(registry),
                  ElementsAre(Pair("active", 1), Pair("idle", 0)));
      more.Set();
      const absl::StatusOr<std::string_view> body =
          co_await (*exchange)->ReadAll();
      EXPECT_EQ(*body, "half");
    }
    EXPECT_THAT(Connections(registry),
                ElementsAre(Pair("active", 0), Pair("idle", 1)));
  }(resolver, head, registry, asked_for_more));
  // The client is gone, and its connection with it.
  EXPECT_THAT(Connections(registry),
              ElementsAre(Pair("active", 0), Pair("idle", 0)));
}

TEST(UpstreamMetricsTest, AddsUpTheLoops) {
  FakeClock clock;
  MetricRegistry registry(clock);
  LoopRunner runner;
  Resolver resolver;
  runner.Run([](Resolver& resolver, MetricRegistry& registry) -> Task<void> {
    Http1Client first(resolver);
    Http1Client second(resolver);
    AddUpstreamMetrics(first.shared_stats(), registry);
    AddUpstreamMetrics(second.shared_stats(), registry);
    EXPECT_EQ(Connections(registry).size(), 2u);
    co_return;
  }(resolver, registry));
}

TEST(UpstreamMetricsTest, CountsCallsThatShareConnections) {
  FakeClock clock;
  MetricRegistry registry(clock);
  const auto stats = std::make_shared<HttpClientStats>();
  AddUpstreamMetrics(stats, registry);
  ++stats->active;
  for (int i = 0; i < 3; ++i) ++stats->streams;
  EXPECT_THAT(Connections(registry),
              ElementsAre(Pair("active", 1), Pair("idle", 0)));
  double streams = 0;
  for (const MetricFamilyValue& family : registry.Read().families) {
    if (family.name != "llmgw_upstream_http2_streams") continue;
    streams = family.metrics[0].number;
  }
  EXPECT_EQ(streams, 3);
}

}  // namespace
}  // namespace gateway
