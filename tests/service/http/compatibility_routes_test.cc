#include "service/http/compatibility_routes.h"

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/errors.pb.h"
#include "service/api/component_board.h"
#include "service/api/readiness.h"
#include "service/observability/call_metrics.h"
#include "service/observability/call_record.h"
#include "service/observability/metrics.h"
#include "service/observability/provider_health.h"
#include "service/pipeline/current_runtime.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_http_server.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr char kYaml[] =
    "providers:\n"
    "- name: openai\n"
    "  models: [gpt-5, gpt-5-mini]\n"
    "  openai: {api_key: 'env:OPENAI_KEY'}\n"
    "- {name: anthropic, anthropic: {api_key: 'env:ANTHROPIC_KEY'}}\n"
    "- {name: mock, mock: {}}\n"
    "routing: {default_target: mock}\n";
constexpr char kKeys[] =
    "auth: {callers: {api_keys: [{id: a, key: 'env:ALICE'}]}}\n";
constexpr char kAlice[] = "alice-0123456789";
constexpr char kOps[] = "operator-0123456789";

// What stands behind.
class ApiRouter final : public HttpHandler {
 public:
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    const std::string_view body[] = {"the apis: ", request.path};
    (co_await responder.Send({200, {}}, body)).IgnoreError();
  }
  Refusal Refuse(int, std::string_view, std::string_view) override {
    return {"text/x-api", "refused by the apis"};
  }
};

class CompatibilityRoutesTest : public testing::Test {
 protected:
  CompatibilityRoutesTest() { Open(kYaml); }

  void Open(const std::string& yaml) {
    server_.reset();
    current_ = std::make_unique<CurrentRuntime>(
        MakeTestRuntime(yaml, {{"OPENAI_KEY", "sk-0123456789abcdef"},
                               {"ALICE", kAlice},
                               {"OPS", kOps}}));
    runtime_ = std::make_unique<CachedRuntime>(*current_);
    routes_ = std::make_unique<CompatibilityRoutes>(
        CompatibilityRoutes::Sources{*runtime_, board_, readiness_, registry_,
                                     clock_, "1.2.3", nullptr, &components_},
        std::make_unique<ApiRouter>());
    server_ = std::make_unique<TestHttpServer>(
        *routes_, HttpServerLimits{.body_bytes = 10});
  }

  RawAnswer Ask(std::string_view path, std::string_view key = "",
                std::string_view method = "GET") {
    RawClient client = RawClient::Connect(server_->port());
    const std::string shown =
        key.empty()
            ? ""
            : absl::StrCat("authorization: Bearer ", ToAbsl(key), "\r\n");
    client.Send(absl::StrCat(ToAbsl(method), " ", ToAbsl(path),
                             " HTTP/1.1\r\nhost: localhost\r\n", shown,
                             "\r\n"));
    const RawAnswer answer = client.ReceiveAnswer(method == "HEAD");
    EXPECT_TRUE(answer.complete);
    return answer;
  }

  void Fails(std::string_view provider) {
    shard_.Count(provider,
                 MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"),
                 clock_.WallTime());
  }
  void Succeeds(std::string_view provider) {
    shard_.Count(provider, absl::OkStatus(), clock_.WallTime());
  }

  FakeClock clock_;
  MetricRegistry registry_{clock_};
  Readiness readiness_{clock_};
  ComponentBoard components_;
  ProviderHealthBoard board_;
  ProviderHealthShard& shard_ = board_.AddShard();
  std::unique_ptr<CurrentRuntime> current_;
  std::unique_ptr<CachedRuntime> runtime_;
  std::unique_ptr<CompatibilityRoutes> routes_;
  std::unique_ptr<TestHttpServer> server_;
};

TEST_F(CompatibilityRoutesTest, ThePathsAreAClosedList) {
  for (const std::string_view path :
       {"/health", "/health/ready", "/health/detailed", "/v1/providers",
        "/gateway/health", "/gateway/providers"}) {
    EXPECT_TRUE(CompatibilityRoutes::Owns(path)) << path;
  }
  for (const std::string_view path : {"/", "/healthy", "/health/", "/v1/models",
                                      "/gateway", "/v1/providers/openai"}) {
    EXPECT_FALSE(CompatibilityRoutes::Owns(path)) << path;
    EXPECT_EQ(Ask(path).body, absl::StrCat("the apis: ", ToAbsl(path)));
  }
}

TEST_F(CompatibilityRoutesTest, WhatTheServerRefusesIsSaidInTheApisWords) {
  RawClient client = RawClient::Connect(server_->port());
  client.Send(
      "POST /v1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 11\r\n\r\n");
  EXPECT_EQ(client.ReceiveAnswer().body, "refused by the apis");
}

TEST_F(CompatibilityRoutesTest, HealthIsThatTheProcessAnswers) {
  const std::string healthy =
      "{\"status\":\"healthy\",\"version\":\"1.2.3\",\"models_available\":3,"
      "\"inference_service\":null}\n";
  const RawAnswer answer = Ask("/health");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, healthy);
  EXPECT_EQ(answer.Find("content-type"), "application/json");
  EXPECT_EQ(answer.Find("cache-control"), "no-store");
  EXPECT_NE(answer.Find("x-request-id"), "");
  readiness_.SetReady();
  Fails("mock");
  readiness_.SetDraining();
  EXPECT_EQ(Ask("/health").status, 200);
  EXPECT_EQ(Ask("/health").body, healthy);
}

TEST_F(CompatibilityRoutesTest, ReadyIsWhoServesAndHasAProvider) {
  EXPECT_EQ(Ask("/health/ready").status, 503);
  EXPECT_EQ(Ask("/health/ready").body,
            "{\"status\":\"not_ready\",\"checks\":{\"gateway\":false,"
            "\"cloud_providers\":true},\"models_available\":3}\n");
  readiness_.SetReady();
  EXPECT_EQ(Ask("/health/ready").status, 200);
  EXPECT_EQ(Ask("/health/ready").body,
            "{\"status\":\"ready\",\"checks\":{\"gateway\":true,"
            "\"cloud_providers\":true},\"models_available\":3}\n");
  readiness_.SetDraining();
  EXPECT_EQ(Ask("/health/ready").status, 503);
}

TEST_F(CompatibilityRoutesTest, AProviderThatFailsDegradesAndStopsNothing) {
  readiness_.SetReady();
  Fails("openai");
  const RawAnswer ready = Ask("/health/ready");
  EXPECT_EQ(ready.status, 200);
  EXPECT_THAT(ready.body, HasSubstr("\"status\":\"degraded\""));
  EXPECT_EQ(Ask("/health/detailed").status, 200);
  EXPECT_THAT(Ask("/health/detailed").body,
              HasSubstr("\"status\":\"degraded\""));
  EXPECT_THAT(Ask("/gateway/health").body,
              HasSubstr("\"status\":\"degraded\""));
  Succeeds("openai");
  EXPECT_THAT(Ask("/health/ready").body, HasSubstr("\"status\":\"ready\""));
}

TEST_F(CompatibilityRoutesTest, WithoutAProviderThatCanBeUsedItIsNotReady) {
  Open(
      "providers: [{name: openai, openai: {api_key: 'env:MISSING'}}]\n"
      "routing: {default_target: openai}\n");
  readiness_.SetReady();
  const RawAnswer ready = Ask("/health/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("\"cloud_providers\":false"));
  const RawAnswer detailed = Ask("/health/detailed");
  EXPECT_EQ(detailed.status, 503);
  EXPECT_THAT(detailed.body, HasSubstr("\"status\":\"unhealthy\""));
  EXPECT_THAT(Ask("/gateway/health").body,
              HasSubstr("\"status\":\"degraded\""));
  EXPECT_EQ(Ask("/health").status, 200);
}

TEST_F(CompatibilityRoutesTest, DetailsAreMemoryAndCallsInFlightAndProviders) {
  readiness_.SetReady();
  clock_.Advance(absl::Seconds(90));
  CallMetrics metrics(registry_, {});
  const InflightCall call = metrics.AddShard().StartCall(Protocol::kHttp);
  const RawAnswer answer = Ask("/health/detailed");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(
      answer.body,
      MatchesRegex("\\{\"status\":\"healthy\",\"version\":\"1.2.3\","
                   "\"models_available\":3,\"inference_service\":null,"
                   "\"uptime_seconds\":90,\"memory\":\\{\"rss_mb\":[1-9][0-9]*"
                   "\\},\"backpressure\":\\{\"active_requests\":1\\},"
                   "\"providers\":\\{\"anthropic\":false,\"mock\":true,"
                   "\"openai\":true\\}\\}\n"));
}

TEST_F(CompatibilityRoutesTest, ProvidersAreThoseThatCanBeUsedWithTheirModels) {
  EXPECT_EQ(
      Ask("/v1/providers").body,
      "{\"object\":\"provider_list\",\"providers\":{\"mock\":[\"mock-model\"],"
      "\"openai\":[\"gpt-5\",\"gpt-5-mini\"]},"
      "\"provider_names\":[\"mock\",\"openai\"]}\n");
}

TEST_F(CompatibilityRoutesTest, TheGatewaysHealthNamesItsProviders) {
  readiness_.SetReady();
  const RawAnswer answer = Ask("/gateway/health");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body,
            "{\"status\":\"healthy\",\"providers\":{\"anthropic\":false,"
            "\"mock\":true,\"openai\":true},"
            "\"routing\":{\"default_provider\":\"mock\","
            "\"fallback_chain\":[]},"
            "\"audit\":{\"enabled\":false,\"log_request_bodies\":false,"
            "\"log_response_bodies\":false}}\n");
  Open("providers: [{name: mock, mock: {}}]\n");
  EXPECT_THAT(Ask("/gateway/health").body,
              HasSubstr("\"default_provider\":null"));
}

TEST_F(CompatibilityRoutesTest, TheGatewaysHealthTellsWhoIsAskedInstead) {
  Open(
      "providers: [{name: one, mock: {}}, {name: two, mock: {}}]\n"
      "routing:\n"
      "  default_target: one\n"
      "  fallbacks: [two/small, one, two/large]\n");
  readiness_.SetReady();
  EXPECT_THAT(Ask("/gateway/health").body,
              HasSubstr("\"routing\":{\"default_provider\":\"one\","
                        "\"fallback_chain\":[\"two\",\"one\"]}"));
}

TEST_F(CompatibilityRoutesTest, TheGatewaysProvidersAreAllWithTheirHealth) {
  Fails("mock");
  EXPECT_EQ(Ask("/gateway/providers").body,
            "{\"providers\":[{\"name\":\"anthropic\",\"healthy\":false},"
            "{\"name\":\"mock\",\"healthy\":false},"
            "{\"name\":\"openai\",\"healthy\":true}]}\n");
}

TEST_F(CompatibilityRoutesTest, WhereKeysAreAskedForListsNeedOne) {
  Open(absl::StrCat(kYaml, kKeys));
  readiness_.SetReady();
  for (const std::string_view path : {"/v1/providers", "/gateway/providers"}) {
    for (const std::string_view key : {"", "wrong-0123456789"}) {
      const RawAnswer refused = Ask(path, key);
      EXPECT_EQ(refused.status, 401) << path;
      EXPECT_THAT(refused.body,
                  HasSubstr("{\"error\":{\"type\":\"authentication_error\","));
      EXPECT_THAT(refused.body, Not(HasSubstr("openai")));
    }
    EXPECT_EQ(Ask(path, kAlice).status, 200) << path;
    const std::string twice = absl::StrCat(kAlice, "\r\nauthorization: Bearer ",
                                           kAlice);
    const RawAnswer refused = Ask(path, twice);
    EXPECT_EQ(refused.status, 400) << path;
    EXPECT_THAT(refused.body, HasSubstr("authorization: is given twice"));
  }
}

TEST_F(CompatibilityRoutesTest, HealthNeedsNoKeyAndNamesNobodyWithoutOne) {
  Open(absl::StrCat(kYaml, kKeys));
  readiness_.SetReady();
  for (const std::string_view path :
       {"/health", "/health/ready", "/health/detailed", "/gateway/health"}) {
    const RawAnswer answer = Ask(path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_THAT(answer.body, Not(HasSubstr("openai"))) << path;
    EXPECT_THAT(answer.body, Not(HasSubstr("mock"))) << path;
  }
  EXPECT_EQ(Ask("/gateway/health").body, "{\"status\":\"healthy\"}\n");
  // Nor which release there is to attack, nor how busy it is.
  EXPECT_EQ(Ask("/health").body, "{\"status\":\"healthy\"}\n");
  EXPECT_EQ(Ask("/health/detailed").body, "{\"status\":\"healthy\"}\n");
  EXPECT_EQ(Ask("/health/ready").body,
            "{\"status\":\"ready\",\"checks\":{\"gateway\":true,"
            "\"cloud_providers\":true}}\n");
  EXPECT_THAT(Ask("/gateway/health", kAlice).body,
              HasSubstr("\"openai\":true"));
  EXPECT_THAT(Ask("/health/detailed", kAlice).body,
              HasSubstr("\"openai\":true"));
}

TEST_F(CompatibilityRoutesTest, DetailsAreForOperatorsWhereTheyHaveKeys) {
  Open(absl::StrCat(
      kYaml,
      "auth:\n"
      "  callers: {api_keys: [{id: a, key: 'env:ALICE'}]}\n"
      "  operators: {api_keys: [{id: ops, key: 'env:OPS'}]}\n"));
  readiness_.SetReady();
  for (const char* path : {"/health/detailed", "/gateway/health"}) {
    EXPECT_EQ(Ask(path, kAlice).body, "{\"status\":\"healthy\"}\n") << path;
    EXPECT_THAT(Ask(path, kOps).body, HasSubstr("\"openai\":true")) << path;
  }
  EXPECT_THAT(Ask("/health/detailed", kOps).body, HasSubstr("rss_mb"));
  // What callers may see is none of the operators' business.
  EXPECT_EQ(Ask("/v1/providers", kAlice).status, 200);
  EXPECT_EQ(Ask("/v1/providers", kOps).status, 401);
  EXPECT_THAT(Ask("/health", kAlice).body, HasSubstr("1.2.3"));
  EXPECT_THAT(Ask("/health", kOps).body, HasSubstr("1.2.3"));
}

TEST_F(CompatibilityRoutesTest, WhoStartsIsNotReadyAndNotDegraded) {
  EXPECT_EQ(Ask("/health/ready").status, 503);
  for (const char* path : {"/health/detailed", "/gateway/health"}) {
    EXPECT_THAT(Ask(path).body, HasSubstr("\"status\":\"healthy\"")) << path;
  }
  readiness_.SetReady();
  readiness_.SetDraining();
  for (const char* path : {"/health/detailed", "/gateway/health"}) {
    EXPECT_THAT(Ask(path).body, HasSubstr("\"status\":\"degraded\"")) << path;
  }
}

TEST_F(CompatibilityRoutesTest, ProbesMayCallByAnyNameAndLearnLittleByIt) {
  readiness_.SetReady();
  const auto ask = [&](std::string_view path) {
    RawClient client = RawClient::Connect(server_->port());
    client.Send(absl::StrCat("GET ", ToAbsl(path),
                             " HTTP/1.1\r\nhost: 10.0.0.7:8080\r\n\r\n"));
    return client.ReceiveAnswer();
  };
  EXPECT_EQ(ask("/health").body, "{\"status\":\"healthy\"}\n");
  EXPECT_EQ(ask("/health/ready").status, 200);
  EXPECT_EQ(ask("/health/detailed").body, "{\"status\":\"healthy\"}\n");
  const RawAnswer refused = ask("/v1/providers");
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("auth.anonymous_hosts"));
}

TEST_F(CompatibilityRoutesTest, TheyAreForReading) {
  const RawAnswer head = Ask("/health", "", "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  const RawAnswer post = Ask("/gateway/providers", "", "POST");
  EXPECT_EQ(post.status, 405);
  EXPECT_EQ(post.Find("allow"), "GET, HEAD");
  EXPECT_THAT(post.body, HasSubstr("there is GET /gateway/providers, no POST"));
}

TEST_F(CompatibilityRoutesTest, WhatIsKeptIsATroubleOfItsOwn) {
  std::atomic<v1::ComponentHealth::State> state =
      v1::ComponentHealth::STATE_HEALTHY;
  components_.Add("ledger", [&state](v1::ComponentHealth* health) {
    health->set_state(state);
  });
  readiness_.SetReady();
  EXPECT_THAT(Ask("/gateway/health").body,
              HasSubstr("\"components\":{\"ledger\":\"healthy\"}"));
  state = v1::ComponentHealth::STATE_DEGRADED;
  EXPECT_EQ(Ask("/health/ready").status, 200);
  for (const char* path :
       {"/health/ready", "/health/detailed", "/gateway/health"}) {
    EXPECT_THAT(Ask(path).body, HasSubstr("\"status\":\"degraded\"")) << path;
  }
  EXPECT_THAT(Ask("/gateway/health").body,
              HasSubstr("\"components\":{\"ledger\":\"degraded\"}"));
  state = v1::ComponentHealth::STATE_FAILING;
  const RawAnswer ready = Ask("/health/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("\"gateway\":false"));
  const RawAnswer detailed = Ask("/health/detailed");
  EXPECT_EQ(detailed.status, 503);
  EXPECT_THAT(detailed.body,
              HasSubstr("\"components\":{\"ledger\":\"failing\"}"));
  EXPECT_EQ(Ask("/health").status, 200);
}

}  // namespace
}  // namespace gateway
