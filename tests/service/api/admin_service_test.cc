#include "service/api/admin_service.h"

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/admin.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/api/readiness.h"
#include "service/config/loader.h"
#include "service/config/snapshot.h"
#include "service/observability/call_metrics.h"
#include "service/observability/call_record.h"
#include "service/observability/metrics.h"
#include "service/observability/provider_health.h"
#include "service/pipeline/current_runtime.h"
#include "service/state/state_store.h"
#include "tests/testing/event.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kAdminYaml[] =
    "providers:\n"
    "- {name: openai, openai: {api_key: 'env:OPENAI_KEY'}}\n"
    "- {name: mock, mock: {}}\n"
    "- {name: local, openai: {base_url: 'http://127.0.0.1:1'}}\n"
    "routing:\n"
    "  default_target: mock\n";
constexpr char kSecret[] = "sk-0123456789abcdef";

class AdminServiceTest : public testing::Test {
 protected:
  AdminServiceTest() {
    admin_.AddTo(table_);
    EXPECT_TRUE(table_.status().ok()) << table_.status();
  }

  // One call from its beginning to its end.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const std::string& method,
                               const Request& request,
                               std::string_view api_key = "") {
    CallContext call(loop_.loop(), {.peer = "127.0.0.1:1"});
    if (!api_key.empty()) call.AddMetadata("x-api-key", api_key);
    return AskAs<Response>(call, method, request);
  }
  template <typename Response, typename Request>
  absl::StatusOr<Response> AskAs(CallContext& call, const std::string& method,
                                 const Request& request) {
    Response response;
    absl::Status status;
    EXPECT_TRUE(loop_.RunTask([&]() -> Task<void> {
      HandlerArguments arguments;
      arguments.request = &request;
      arguments.response = &response;
      status = co_await Find(method).Run(call, arguments);
    }));
    if (!status.ok()) return status;
    return response;
  }

  const Method& Find(const std::string& method) {
    return *table_.Find("/llmgateway.v1.AdminService/" + method);
  }

  v1::GetHealthResponse GetHealth() {
    return *Ask<v1::GetHealthResponse>("GetHealth", v1::GetHealthRequest());
  }

  absl::StatusOr<v1::ValidateConfigResponse> Validate(const std::string& text) {
    v1::ValidateConfigRequest request;
    request.set_text(text);
    return Ask<v1::ValidateConfigResponse>("ValidateConfig", request);
  }

  // The names on one page, with `next` set to the token of the one after it.
  absl::StatusOr<std::vector<std::string>> Page(int size,
                                                const std::string& token,
                                                std::string* next = nullptr) {
    v1::ListProvidersRequest request;
    request.set_page_size(size);
    request.set_page_token(token);
    const absl::StatusOr<v1::ListProvidersResponse> response =
        Ask<v1::ListProvidersResponse>("ListProviders", request);
    if (!response.ok()) return response.status();
    std::vector<std::string> names;
    for (const v1::Provider& provider : response->providers()) {
      names.push_back(provider.name());
    }
    if (next != nullptr) *next = response->next_page_token();
    return names;
  }

  void Fail(const std::string& provider) {
    shard_.Count(provider,
                 MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "503"),
                 clock_.WallTime());
  }

  LoopThread loop_;
  FakeClock clock_;
  MetricRegistry registry_{clock_};
  CallMetrics call_metrics_{registry_, {}};
  ProviderHealthBoard board_;
  ProviderHealthShard& shard_ = board_.AddShard();
  Readiness readiness_{clock_};
  ComponentBoard components_;
  BlockingWorker worker_{{.name = "config", .waiting_limit = 1}};
  StateStore state_;
  CurrentRuntime runtime_{
      MakeTestRuntime(kAdminYaml, {{"OPENAI_KEY", kSecret}})};
  AdminService admin_{{.runtime = runtime_,
                       .health = board_,
                       .metrics = registry_,
                       .readiness = readiness_,
                       .worker = worker_,
                       .state = state_,
                       .components = &components_,
                       .environment = {{"OPENAI_KEY", kSecret}},
                       .version = "1.2.3"}};
  MethodTable table_;
};

TEST_F(AdminServiceTest, ListsProvidersByNamePageByPage) {
  std::string next;
  EXPECT_THAT(*Page(2, "", &next), ElementsAre("local", "mock"));
  EXPECT_NE(next, "");
  EXPECT_THAT(*Page(2, next, &next), ElementsAre("openai"));
  EXPECT_EQ(next, "");
  EXPECT_THAT(*Page(3, "", &next), ElementsAre("local", "mock", "openai"));
  EXPECT_EQ(next, "");
  EXPECT_THAT(*Page(0, ""), ElementsAre("local", "mock", "openai"));
  EXPECT_THAT(*Page(5000, ""), ElementsAre("local", "mock", "openai"));
}

TEST_F(AdminServiceTest, APageGoesOnWhereTheLastEndedAfterAReload) {
  std::string next;
  EXPECT_THAT(*Page(1, "", &next), ElementsAre("local"));
  runtime_.Swap(
      MakeTestRuntime("providers:\n"
                      "- {name: mock, mock: {}}\n"
                      "- {name: another, mock: {}}\n"));
  EXPECT_THAT(*Page(1, next, &next), ElementsAre("mock"));
  EXPECT_EQ(next, "");
}

TEST_F(AdminServiceTest, RefusesABadPage) {
  EXPECT_EQ(Page(-1, "").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldViolations(Page(1, "mock").status())[0].first, "page_token");
}

TEST_F(AdminServiceTest, DescribesOneProvider) {
  Fail("openai");
  v1::GetProviderRequest request;
  request.set_name("openai");
  const absl::StatusOr<v1::Provider> provider =
      Ask<v1::Provider>("GetProvider", request);
  ASSERT_TRUE(provider.ok()) << provider.status();
  EXPECT_EQ(provider->credential(), v1::Provider::CREDENTIAL_PRESENT);
  EXPECT_EQ(provider->health().consecutive_failures(), 1);

  request.set_name("nobody");
  const absl::Status unknown =
      Ask<v1::Provider>("GetProvider", request).status();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(FaultReason(unknown), v1::ERROR_REASON_PROVIDER_NOT_FOUND);
}

TEST_F(AdminServiceTest, HealthFollowsTheLifeOfTheGateway) {
  EXPECT_EQ(GetHealth().status(), v1::GetHealthResponse::STATUS_NOT_SERVING);
  EXPECT_THAT(GetHealth().problems(), ElementsAre("the gateway is starting"));
  EXPECT_FALSE(GetHealth().has_start_time());

  readiness_.SetReady();
  const v1::GetHealthResponse serving = GetHealth();
  EXPECT_EQ(serving.status(), v1::GetHealthResponse::STATUS_SERVING);
  EXPECT_THAT(serving.problems(), IsEmpty());
  EXPECT_EQ(serving.version(), "1.2.3");
  EXPECT_EQ(serving.start_time().seconds(),
            absl::ToUnixSeconds(clock_.WallTime()));
  ASSERT_EQ(serving.providers_size(), 3);
  EXPECT_EQ(serving.providers(1).name(), "mock");
  EXPECT_EQ(serving.providers(1).models_size(), 0);

  readiness_.SetDraining();
  EXPECT_EQ(GetHealth().status(), v1::GetHealthResponse::STATUS_DRAINING);
  EXPECT_THAT(GetHealth().problems(),
              ElementsAre("the gateway is shutting down"));
}

TEST_F(AdminServiceTest, AFailingProviderDegradesTheGatewayUntilItAnswers) {
  readiness_.SetReady();
  Fail("openai");
  EXPECT_EQ(GetHealth().status(), v1::GetHealthResponse::STATUS_DEGRADED);
  EXPECT_THAT(GetHealth().problems(),
              ElementsAre(HasSubstr("'openai' failed 1 times")));
  shard_.Count("openai", absl::OkStatus(), clock_.WallTime());
  EXPECT_EQ(GetHealth().status(), v1::GetHealthResponse::STATUS_SERVING);
}

TEST_F(AdminServiceTest, AMissingCredentialDegradesTheGateway) {
  readiness_.SetReady();
  runtime_.Swap(MakeTestRuntime(kAdminYaml, {}));
  EXPECT_EQ(GetHealth().status(), v1::GetHealthResponse::STATUS_DEGRADED);
  EXPECT_THAT(GetHealth().problems(),
              ElementsAre(HasSubstr("'openai' has no credential")));
}

TEST_F(AdminServiceTest, HealthCountsTheCallsInFlightOfAllLoops) {
  EXPECT_EQ(GetHealth().calls_in_flight(), 0);
  {
    const InflightCall grpc =
        call_metrics_.AddShard().StartCall(Protocol::kGrpc);
    CallMetricsShard& shard = call_metrics_.AddShard();
    const InflightCall first = shard.StartCall(Protocol::kHttp);
    const InflightCall second = shard.StartCall(Protocol::kHttp);
    EXPECT_EQ(GetHealth().calls_in_flight(), 3);
  }
  EXPECT_EQ(GetHealth().calls_in_flight(), 0);
}

TEST_F(AdminServiceTest, ShowsTheConfigurationInUseWithoutSecrets) {
  const auto response =
      Ask<v1::GetConfigResponse>("GetConfig", v1::GetConfigRequest());
  ASSERT_TRUE(response.ok()) << response.status();
  const ConfigSnapshot& snapshot = runtime_.Get()->snapshot();
  EXPECT_EQ(response->yaml(), snapshot.masked_yaml());
  EXPECT_EQ(response->checksum(), snapshot.checksum());
  EXPECT_EQ(response->etag(), snapshot.etag());
  EXPECT_EQ(response->source(), snapshot.source());
  EXPECT_EQ(response->load_time().seconds(),
            absl::ToUnixSeconds(snapshot.load_time()));
  EXPECT_EQ(response->config().providers(0).openai().api_key(),
            "env:OPENAI_KEY");
  EXPECT_EQ(response->config().listeners().admin().address(),
            "127.0.0.1:50052");
  EXPECT_THAT(response->DebugString(), Not(HasSubstr("sk-0123")));
}

TEST_F(AdminServiceTest, ExplainsARoute) {
  v1::ExplainRouteRequest request;
  const auto ask = [&] {
    return Ask<v1::ExplainRouteResponse>("ExplainRoute", request);
  };
  EXPECT_EQ(FieldViolations(ask().status())[0].first, "request.model");
  request.mutable_request()->set_model("anything");
  EXPECT_EQ(ask()->route().provider(), "mock");
  request.mutable_request()->set_provider_id("nobody");
  EXPECT_EQ(ask()->failure(), v1::ERROR_REASON_PROVIDER_NOT_FOUND);
  // One that asks for a selection need not name a model.
  request.mutable_request()->clear_provider_id();
  request.mutable_request()->clear_model();
  request.mutable_request()->mutable_selection()->set_node_name("writer");
  EXPECT_EQ(ask()->failure(), v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
}

TEST_F(AdminServiceTest, ARouteIsExplainedForAKeyThatThereIs) {
  v1::ExplainRouteRequest request;
  request.mutable_request()->set_model("anything");
  const auto ask = [&](std::vector<std::string_view> callers) {
    CallContext call(loop_.loop(),
                     {.method = "/llmgateway.v1.AdminService/ExplainRoute",
                      .peer = "127.0.0.1:1"});
    for (const std::string_view caller : callers) {
      call.AddMetadata("x-llmgateway-caller", caller);
    }
    const absl::Status status =
        AskAs<v1::ExplainRouteResponse>(call, "ExplainRoute", request).status();
    return status.ok() ? std::string("ok") : std::string(status.message());
  };
  EXPECT_EQ(ask({}), "ok");
  EXPECT_THAT(ask({"team-a"}), HasSubstr("where callers have no keys"));
  runtime_.Swap(
      MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"
                      "auth:\n"
                      "  callers: {api_keys: [{id: team-a, key: 'env:KEY'}]}\n"
                      "routing: {default_target: mock}\n",
                      {{"KEY", "0123456789abcdef"}}));
  EXPECT_EQ(ask({"team-a"}), "ok");
  EXPECT_EQ(ask({}), "ok");
  EXPECT_THAT(ask({"team-z"}), HasSubstr("x-llmgateway-caller: names no key"));
  EXPECT_THAT(ask({""}), HasSubstr("names no key"));
  EXPECT_THAT(ask({"team-a", "team-a"}), HasSubstr("given twice"));
}

TEST_F(AdminServiceTest, WhatIsSaidBesideAnRpcAndNobodyReadsIsRefused) {
  const auto ask = [&](auto request, auto response, const char* method,
                       const char* name) {
    const std::string path =
        std::string("/llmgateway.v1.AdminService/") + method;
    CallContext call(loop_.loop(), {.method = path, .peer = "127.0.0.1:1"});
    call.AddMetadata(name, "x");
    return AskAs<decltype(response)>(call, method, request).status();
  };
  const v1::GetHealthRequest health;
  EXPECT_TRUE(
      ask(health, v1::GetHealthResponse(), "GetHealth", "x-request-id").ok());
  for (const char* name : {"x-llmgateway-caller", "x-llmgateway-whatever"}) {
    const absl::Status status =
        ask(health, v1::GetHealthResponse(), "GetHealth", name);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(FieldViolations(status)[0].first, name);
  }
  v1::ExplainRouteRequest route;
  route.mutable_request()->set_model("m");
  const absl::Status status = ask(route, v1::ExplainRouteResponse(),
                                  "ExplainRoute", "x-llmgateway-node");
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("Only x-llmgateway-caller is known"));
}

TEST_F(AdminServiceTest, ChecksAConfigurationWithItsOwnEnvironment) {
  const absl::StatusOr<v1::ValidateConfigResponse> good =
      Validate("providers: [{name: o, openai: {api_key: 'env:OPENAI_KEY'}}]\n");
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_TRUE(good->valid());
  EXPECT_EQ(good->config().providers(0).name(), "o");
  const absl::StatusOr<v1::ValidateConfigResponse> bad = Validate("x: 1\ny: 2");
  ASSERT_TRUE(bad.ok()) << bad.status();
  EXPECT_FALSE(bad->valid());
  EXPECT_GE(bad->problems_size(), 2);
}

TEST_F(AdminServiceTest, RefusesAConfigurationThatIsEmptyOrTooLarge) {
  EXPECT_EQ(FieldViolations(Validate("").status())[0].first, "text");
  EXPECT_EQ(Validate(std::string(kConfigBytesLimit + 1, ' ')).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Validate(std::string(kConfigBytesLimit, ' ')).ok());
}

TEST_F(AdminServiceTest, ChecksNeitherBlockTheLoopNorPileUp) {
  Event begun;
  Event release;
  CancelSignal nobody;
  Event ended;
  ASSERT_TRUE(loop_.Run([&] {
    Spawn([](BlockingWorker& worker, CancelSignal& nobody, Event& begun,
             Event& release, Event& ended) -> Task<void> {
      co_await worker.Run(
          [&] {
            begun.Set();
            return release.Wait();
          },
          nobody);
      ended.Set();
    }(worker_, nobody, begun, release, ended));
  }));
  ASSERT_TRUE(begun.Wait());

  // One check waits behind it until its caller hangs up.
  CallContext waiting(loop_.loop(), {.peer = "127.0.0.1:1"});
  absl::Status waited;
  Event told;
  v1::ValidateConfigRequest request;
  request.set_text("providers: []");
  v1::ValidateConfigResponse response;
  HandlerArguments arguments;
  arguments.request = &request;
  arguments.response = &response;
  ASSERT_TRUE(loop_.Run([&] {
    Spawn([](const Method& method, CallContext& call,
             const HandlerArguments& arguments, absl::Status& status,
             Event& told) -> Task<void> {
      status = co_await method.Run(call, arguments);
      told.Set();
    }(Find("ValidateConfig"), waiting, arguments, waited, told));
  }));
  // The loop answers others meanwhile, and there is no room for one more.
  EXPECT_EQ(GetHealth().version(), "1.2.3");
  const absl::Status refused = Validate("providers: []").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_OVERLOADED);

  ASSERT_TRUE(loop_.Run(
      [&] { waiting.cancel().Cancel(absl::CancelledError("hung up")); }));
  ASSERT_TRUE(told.Wait());
  EXPECT_EQ(waited, absl::CancelledError("hung up"));
  release.Set();
  ASSERT_TRUE(ended.Wait());
}

TEST_F(AdminServiceTest, AsksForAKeyWhereKeysAreAskedFor) {
  runtime_.Swap(
      MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"
                      "auth:\n"
                      "  operators: {api_keys: [{id: ops, key: 'env:KEY'}]}\n",
                      {{"KEY", "0123456789abcdef"}}));
  v1::ExplainRouteRequest route;
  route.mutable_request()->set_model("m");
  v1::GetProviderRequest provider;
  provider.set_name("mock");
  v1::ValidateConfigRequest config;
  config.set_text("providers: [{name: mock, mock: {}}]");
  const auto check = [&](std::string_view key) {
    return std::vector<absl::Status>{
        Ask<v1::ListProvidersResponse>("ListProviders",
                                       v1::ListProvidersRequest(), key)
            .status(),
        Ask<v1::Provider>("GetProvider", provider, key).status(),
        Ask<v1::GetHealthResponse>("GetHealth", v1::GetHealthRequest(), key)
            .status(),
        Ask<v1::GetConfigResponse>("GetConfig", v1::GetConfigRequest(), key)
            .status(),
        Ask<v1::ExplainRouteResponse>("ExplainRoute", route, key).status(),
        Ask<v1::ValidateConfigResponse>("ValidateConfig", config, key)
            .status()};
  };
  for (const absl::Status& status : check("0123456789abcdef")) {
    EXPECT_TRUE(status.ok()) << status;
  }
  for (const std::string_view key : {"", "wrong"}) {
    for (const absl::Status& status : check(key)) {
      EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
      EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_API_KEY_INVALID);
    }
  }
}

TEST_F(AdminServiceTest, AnswersWhileTheServerDrains) {
  for (const char* method : {"GetHealth", "ListProviders", "ValidateConfig"}) {
    EXPECT_TRUE(Find(method).kept_while_draining()) << method;
  }
}

TEST_F(AdminServiceTest, HealthTellsOfWhatTheGatewayKeepsThingsIn) {
  std::atomic<v1::ComponentHealth::State> state =
      v1::ComponentHealth::STATE_HEALTHY;
  components_.Add("ledger", [&state](v1::ComponentHealth* health) {
    health->set_state(state);
    if (state != v1::ComponentHealth::STATE_HEALTHY) {
      health->set_problem("no room");
    }
  });
  readiness_.SetReady();
  v1::GetHealthResponse health = GetHealth();
  EXPECT_EQ(health.status(), v1::GetHealthResponse::STATUS_SERVING);
  ASSERT_EQ(health.components_size(), 1);
  EXPECT_EQ(health.components(0).name(), "ledger");
  state = v1::ComponentHealth::STATE_DEGRADED;
  health = GetHealth();
  EXPECT_EQ(health.status(), v1::GetHealthResponse::STATUS_DEGRADED);
  EXPECT_THAT(health.problems(), ElementsAre("ledger: no room"));
  state = v1::ComponentHealth::STATE_FAILING;
  health = GetHealth();
  EXPECT_EQ(health.status(), v1::GetHealthResponse::STATUS_NOT_SERVING);
  EXPECT_EQ(health.components(0).state(), v1::ComponentHealth::STATE_FAILING);
  readiness_.SetDraining();
  EXPECT_EQ(GetHealth().status(), v1::GetHealthResponse::STATUS_DRAINING);
}

}  // namespace
}  // namespace gateway
