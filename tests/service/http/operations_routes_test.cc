#include "service/http/operations_routes.h"

#include <atomic>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/api/component_board.h"
#include "service/api/readiness.h"
#include "service/observability/metrics.h"
#include "service/observability/metrics_text.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
using ::testing::HasSubstr;

constexpr MetricDefinition kCalls = {.name = "calls_total", .help = "Calls."};
constexpr MetricDefinition kReads = {.name = "reads_total", .help = "Reads."};

class OperationsRoutesTest : public testing::Test {
 protected:
  RawAnswer Ask(std::string_view method, std::string_view target) {
    RawClient client = RawClient::Connect(server_.port());
    client.Send(absl::StrCat(ToAbsl(method), " ", ToAbsl(target),
                             " HTTP/1.1\r\nhost: localhost\r\n\r\n"));
    RawAnswer answer = client.ReceiveAnswer(method == "HEAD");
    EXPECT_TRUE(answer.complete);
    return answer;
  }

  FakeClock clock_;
  MetricRegistry registry_{clock_};
  Readiness readiness_{clock_};
  ComponentBoard components_;
  OperationsRoutes routes_{readiness_, registry_, nullptr, false, &components_};
  TestHttpServer server_{routes_};
};

TEST_F(OperationsRoutesTest, TheProcessLivesWhateverItDoes) {
  const auto expect_alive = [this] {
    const RawAnswer answer = Ask("GET", "/livez");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "alive\n");
    EXPECT_EQ(answer.Find("content-type"), "text/plain; charset=utf-8");
  };
  expect_alive();
  readiness_.SetReady();
  expect_alive();
  readiness_.SetDraining();
  expect_alive();
}

TEST_F(OperationsRoutesTest, ReadinessSaysWhyNot) {
  const RawAnswer starting = Ask("GET", "/readyz");
  EXPECT_EQ(starting.status, 503);
  EXPECT_EQ(starting.body, "not ready: the gateway is starting\n");
  readiness_.SetReady();
  const RawAnswer ready = Ask("GET", "/readyz?verbose");
  EXPECT_EQ(ready.status, 200);
  EXPECT_EQ(ready.body, "ready\n");
  EXPECT_EQ(ready.Find("cache-control"), "no-store");
  readiness_.SetDraining();
  const RawAnswer draining = Ask("GET", "/readyz");
  EXPECT_EQ(draining.status, 503);
  EXPECT_EQ(draining.body, "not ready: the gateway is shutting down\n");
}

TEST_F(OperationsRoutesTest, ItIsNotReadyWhileCallsAreRefusedForAComponent) {
  std::atomic<v1::ComponentHealth::State> state =
      v1::ComponentHealth::STATE_DEGRADED;
  components_.Add("ledger", [&state](v1::ComponentHealth* health) {
    health->set_state(state);
    health->set_problem("no room on the disk");
  });
  readiness_.SetReady();
  EXPECT_EQ(Ask("GET", "/readyz").status, 200);
  state = v1::ComponentHealth::STATE_FAILING;
  const RawAnswer refuses = Ask("GET", "/readyz");
  EXPECT_EQ(refuses.status, 503);
  EXPECT_EQ(refuses.body, "not ready: ledger: no room on the disk\n");
  EXPECT_EQ(Ask("GET", "/livez").status, 200);
  state = v1::ComponentHealth::STATE_HEALTHY;
  EXPECT_EQ(Ask("GET", "/readyz").status, 200);
}

TEST_F(OperationsRoutesTest, MetricsAreReadWhenAskedFor) {
  Counter& calls = registry_.AddShard().CounterOf(kCalls, {});
  calls.Add(1);
  EXPECT_THAT(Ask("GET", "/metrics").body, HasSubstr("calls_total 1\n"));
  calls.Add(1);
  const RawAnswer answer = Ask("GET", "/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, MetricsText(registry_.Read()));
  EXPECT_THAT(answer.body, HasSubstr("calls_total 2\n"));
  EXPECT_EQ(answer.Find("content-type"), kMetricsTextContentType);
}

TEST_F(OperationsRoutesTest, ManyScrapesShareAPage) {
  constexpr int kScrapes = 500;
  std::atomic<int> read = 0;
  registry_.AddSource(kReads, {}, [&read] { return ++read; });
  std::string scrapes;
  for (int i = 0; i < kScrapes; ++i) {
    scrapes += "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
  }
  RawClient client = RawClient::Connect(server_.port());
  client.Send(scrapes);
  for (int i = 0; i < kScrapes; ++i) {
    EXPECT_THAT(client.ReceiveAnswer().body, HasSubstr("reads_total "));
  }
  EXPECT_LT(read, kScrapes / 2);
}

TEST_F(OperationsRoutesTest, AHeadIsAGetWithoutItsBody) {
  EXPECT_EQ(Ask("HEAD", "/livez").status, 200);
  EXPECT_EQ(Ask("HEAD", "/readyz").status, 503);
  registry_.AddShard().CounterOf(kCalls, {}).Add(1);
  const RawAnswer answer = Ask("HEAD", "/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Find("content-length"),
            absl::StrCat(MetricsText(registry_.Read()).size()));
}

TEST_F(OperationsRoutesTest, AnUnknownPathIsToldTheKnownOnes) {
  for (const char* target : {"/", "/metrics/", "/LIVEZ", "/v1/models"}) {
    const RawAnswer answer = Ask("GET", target);
    EXPECT_EQ(answer.status, 404) << target;
    EXPECT_EQ(answer.Find("content-type"), "text/plain; charset=utf-8");
    for (const char* path : {"/livez", "/readyz", "/metrics"}) {
      EXPECT_THAT(answer.body, HasSubstr(path)) << target;
    }
  }
  EXPECT_EQ(Ask("POST", "/no/such/path").status, 404);
}

TEST_F(OperationsRoutesTest, NothingCanBeChangedHere) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    const RawAnswer answer = Ask(method, "/metrics");
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_EQ(answer.Find("allow"), "GET, HEAD") << method;
    EXPECT_THAT(answer.body, HasSubstr("/readyz")) << method;
  }
}

TEST_F(OperationsRoutesTest, AProbeKeepsItsConnection) {
  readiness_.SetReady();
  RawClient client = RawClient::Connect(server_.port());
  for (int i = 0; i < 3; ++i) {
    client.Send("GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    EXPECT_EQ(client.ReceiveAnswer().status, 200);
  }
}

}  // namespace
}  // namespace gateway
