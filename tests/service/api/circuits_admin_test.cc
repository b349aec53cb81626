#include "service/api/circuits_admin.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/circuits.pb.h"
#include "service/api/admin_service.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/api/readiness.h"
#include "service/observability/metrics.h"
#include "service/observability/provider_health.h"
#include "service/pipeline/current_runtime.h"
#include "service/resilience/target_board.h"
#include "service/state/state_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kCircuitsYaml[] =
    "providers:\n"
    "- {name: a, mock: {}}\n"
    "- {name: b, mock: {}}\n"
    "resilience: {circuit_breaker: {consecutive_failures: 1}}\n";

class CircuitsAdminTest : public testing::Test {
 protected:
  explicit CircuitsAdminTest(
      std::unique_ptr<StateStore> state = std::make_unique<StateStore>())
      : state_(std::move(state)) {
    admin_.AddTo(table_);
    EXPECT_TRUE(table_.status().ok()) << table_.status();
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const std::string& method,
                               const Request& request,
                               std::string_view api_key = "") {
    CallContext call(loop_.loop(), {.peer = "127.0.0.1:1"});
    if (!api_key.empty()) call.AddMetadata("x-api-key", api_key);
    Response response;
    absl::Status status;
    EXPECT_TRUE(loop_.RunTask([&]() -> Task<void> {
      HandlerArguments arguments;
      arguments.request = &request;
      arguments.response = &response;
      status = co_await table_.Find("/llmgateway.v1.AdminService/" + method)
                   ->Run(call, arguments);
    }));
    if (!status.ok()) return status;
    return response;
  }

  TargetState& Target(const char* provider, const char* model) {
    return runtime_.Get()->resilience().targets.Find(provider, model);
  }
  void Fail(const char* provider, const char* model) {
    const absl::Duration now = runtime_.Get()->clock().SteadyTime();
    Target(provider, model).breaker.TryAcquire(now)->Fail(now);
  }

  absl::StatusOr<std::vector<std::string>> Page(int size,
                                                const std::string& token,
                                                std::string* next = nullptr,
                                                const char* provider = "") {
    v1::ListCircuitsRequest request;
    request.set_page_size(size);
    request.set_page_token(token);
    request.set_provider(provider);
    const auto response =
        Ask<v1::ListCircuitsResponse>("ListCircuits", request);
    if (!response.ok()) return response.status();
    std::vector<std::string> names;
    for (const v1::Circuit& circuit : response->circuits()) {
      names.push_back(circuit.provider() + "/" + circuit.model());
    }
    if (next != nullptr) *next = response->next_page_token();
    return names;
  }

  v1::Circuit Listed(const char* provider, const char* model) {
    const auto response = Ask<v1::ListCircuitsResponse>(
        "ListCircuits", v1::ListCircuitsRequest());
    for (const v1::Circuit& circuit : response->circuits()) {
      if (circuit.provider() == provider && circuit.model() == model) {
        return circuit;
      }
    }
    return v1::Circuit();
  }

  static v1::SetModelEnabledRequest Switch(const char* model, bool enabled,
                                           const std::string& reason = "") {
    v1::SetModelEnabledRequest request;
    request.set_provider("a");
    request.set_model(model);
    request.set_enabled(enabled);
    request.set_reason(reason);
    return request;
  }
  absl::StatusOr<v1::SetModelEnabledResponse> Set(
      const v1::SetModelEnabledRequest& request,
      std::string_view api_key = "") {
    return Ask<v1::SetModelEnabledResponse>("SetModelEnabled", request,
                                            api_key);
  }

  static v1::ForceCircuitRequest Forced(
      const char* model, v1::ForceCircuitRequest::State state) {
    v1::ForceCircuitRequest request;
    request.set_provider("a");
    request.set_model(model);
    request.set_state(state);
    return request;
  }
  absl::StatusOr<v1::ForceCircuitResponse> Force(
      const char* model, v1::ForceCircuitRequest::State state) {
    return Ask<v1::ForceCircuitResponse>("ForceCircuit", Forced(model, state));
  }

  LoopThread loop_;
  FakeClock clock_;
  MetricRegistry registry_{clock_};
  ProviderHealthBoard board_;
  Readiness readiness_{clock_};
  BlockingWorker worker_{{.name = "config"}};
  std::unique_ptr<StateStore> state_;
  CurrentRuntime runtime_{MakeTestRuntime(kCircuitsYaml)};
  AdminService admin_{{.runtime = runtime_,
                       .health = board_,
                       .metrics = registry_,
                       .readiness = readiness_,
                       .worker = worker_,
                       .state = *state_,
                       .environment = {},
                       .version = "1"}};
  MethodTable table_;
};

TEST_F(CircuitsAdminTest, ListsThemByProviderAndModelPageByPage) {
  EXPECT_THAT(*Page(0, ""), IsEmpty());
  for (const char* model : {"m/2", "m/1"}) {
    Target("b", model);
    Target("a", model);
  }
  Target("gone", "m");
  std::string next;
  EXPECT_THAT(*Page(3, "", &next), ElementsAre("a/m/1", "a/m/2", "b/m/1"));
  EXPECT_NE(next, "");
  EXPECT_THAT(*Page(3, next, &next), ElementsAre("b/m/2"));
  EXPECT_EQ(next, "");
  EXPECT_THAT(*Page(4, "", &next), testing::SizeIs(4));
  EXPECT_EQ(next, "");
  EXPECT_THAT(*Page(5000, ""), testing::SizeIs(4));
  EXPECT_THAT(*Page(0, "", nullptr, "b"), ElementsAre("b/m/1", "b/m/2"));
}

TEST_F(CircuitsAdminTest, ABadPageIsRefused) {
  EXPECT_EQ(FieldViolations(Page(-1, "").status())[0].first, "page_size");
  for (const char* token : {"a/m", "circuit:a"}) {
    EXPECT_EQ(FieldViolations(Page(1, token).status())[0].first, "page_token");
  }
  EXPECT_EQ(FaultReason(Page(1, "", nullptr, "gone").status()),
            v1::ERROR_REASON_PROVIDER_NOT_FOUND);
}

TEST_F(CircuitsAdminTest, ATokenIsForTheSameQueryAlone) {
  for (const char* model : {"m/1", "m/2", "m/3"}) {
    Target("a", model);
    Target("b", model);
  }
  std::string of_all;
  EXPECT_THAT(*Page(1, "", &of_all), ElementsAre("a/m/1"));
  std::string of_b;
  EXPECT_THAT(*Page(1, "", &of_b, "b"), ElementsAre("b/m/1"));
  EXPECT_THAT(*Page(1, of_b, nullptr, "b"), ElementsAre("b/m/2"));
  for (const auto& [token, provider] :
       {std::pair(of_all, "b"), std::pair(of_b, ""), std::pair(of_b, "a")}) {
    const absl::Status status = Page(1, token, nullptr, provider).status();
    ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << token;
    EXPECT_EQ(FieldViolations(status)[0].first, "page_token");
  }
}

TEST_F(CircuitsAdminTest, ShowsWhatWasLearned) {
  Fail("a", "m");
  const TargetUse use(Target("a", "m"));
  Target("a", "m").latency.Record(runtime_.Get()->clock().SteadyTime(),
                                  absl::Milliseconds(250));
  const v1::Circuit circuit = Listed("a", "m");
  EXPECT_EQ(circuit.state(), v1::Circuit::STATE_OPEN);
  EXPECT_EQ(circuit.times_opened(), 1);
  EXPECT_TRUE(circuit.has_retry_time());
  EXPECT_EQ(circuit.attempts_in_flight(), 1);
  EXPECT_TRUE(circuit.has_latency());
  EXPECT_FALSE(circuit.disabled());
  EXPECT_FALSE(circuit.has_ejected_until());
}

TEST_F(CircuitsAdminTest, ShowsWhoIsEjected) {
  runtime_.Swap(MakeTestRuntime(
      "providers: [{name: a, mock: {}}, {name: b, mock: {}}]\n"
      "routing: {model_rules: [{prefix: m, targets: [a/m, b]}]}\n"
      "resilience: {outlier_ejection: {enabled: true, "
      "consecutive_failures: 1}}\n"));
  Target("a", "m");
  Target("b", "other");
  OutlierGroups& groups = runtime_.Get()->resilience().outliers;
  const absl::Duration now = runtime_.Get()->clock().SteadyTime();
  const auto members = groups.Find({{"a", "m"}, {"b", ""}}, now);
  ASSERT_EQ(members.size(), 2u);
  members[1]->RecordFault(now);
  EXPECT_FALSE(Listed("a", "m").has_ejected_until());
  EXPECT_TRUE(Listed("b", "other").has_ejected_until());
  v1::ResetCircuitRequest request;
  request.set_provider("b");
  EXPECT_TRUE(Ask<v1::ResetCircuitResponse>("ResetCircuit", request).ok());
  EXPECT_FALSE(Listed("b", "other").has_ejected_until());
}

TEST_F(CircuitsAdminTest, ResetsOneOrAllOfAProvider) {
  for (const char* model : {"m", "n", "o"}) Fail("a", model);
  Fail("b", "m");
  v1::ResetCircuitRequest request;
  EXPECT_EQ(
      FieldViolations(Ask<v1::ResetCircuitResponse>("ResetCircuit", request)
                          .status())[0]
          .first,
      "provider");
  request.set_provider("a");
  request.set_model("m");
  auto response = Ask<v1::ResetCircuitResponse>("ResetCircuit", request);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->circuits_size(), 1);
  EXPECT_EQ(response->circuits(0).state(), v1::Circuit::STATE_CLOSED);
  EXPECT_EQ(Listed("a", "n").state(), v1::Circuit::STATE_OPEN);
  request.clear_model();
  response = Ask<v1::ResetCircuitResponse>("ResetCircuit", request);
  EXPECT_EQ(response->circuits_size(), 3);
  EXPECT_EQ(Listed("a", "n").state(), v1::Circuit::STATE_CLOSED);
  EXPECT_EQ(Listed("b", "m").state(), v1::Circuit::STATE_OPEN);
  // What nobody has asked needs no closing.
  request.set_model("unheard-of");
  EXPECT_EQ(Ask<v1::ResetCircuitResponse>("ResetCircuit", request)
                ->circuits_size(),
            0);
}

TEST_F(CircuitsAdminTest, ForcesACircuitUntilToldOtherwise) {
  const absl::Duration now = runtime_.Get()->clock().SteadyTime();
  EXPECT_EQ(Force("m", v1::ForceCircuitRequest::STATE_FORCED_OPEN)
                ->circuit()
                .state(),
            v1::Circuit::STATE_FORCED_OPEN);
  EXPECT_FALSE(Target("a", "m").breaker.TryAcquire(now).has_value());
  EXPECT_EQ(Force("m", v1::ForceCircuitRequest::STATE_METRICS_ONLY)
                ->circuit()
                .state(),
            v1::Circuit::STATE_METRICS_ONLY);
  EXPECT_TRUE(Target("a", "m").breaker.TryAcquire(now).has_value());
  EXPECT_EQ(
      Force("m", v1::ForceCircuitRequest::STATE_CONFIGURED)->circuit().state(),
      v1::Circuit::STATE_CLOSED);
  EXPECT_EQ(FieldViolations(
                Force("m", v1::ForceCircuitRequest::STATE_UNSPECIFIED)
                    .status())[0]
                .first,
            "state");
  EXPECT_EQ(FieldViolations(
                Force("", v1::ForceCircuitRequest::STATE_CONFIGURED)
                    .status())[0]
                .first,
            "model");
}

TEST_F(CircuitsAdminTest, DisablesAModelAndEnablesIt) {
  const auto disabled = Set(Switch("m", false, "too dear"));
  ASSERT_TRUE(disabled.ok()) << disabled.status();
  EXPECT_TRUE(disabled->circuit().disabled());
  EXPECT_EQ(disabled->circuit().disabled_reason(),
            "by an operator: too dear");
  EXPECT_TRUE(Target("a", "m").availability.disabled());
  EXPECT_FALSE(Target("b", "m").availability.disabled());
  EXPECT_TRUE(Listed("a", "m").disabled());
  const auto enabled = Set(Switch("m", true));
  EXPECT_FALSE(enabled->circuit().disabled());
  EXPECT_FALSE(Target("a", "m").availability.disabled());
}

TEST_F(CircuitsAdminTest, WhatIsOnlyCheckedChangesNothing) {
  v1::SetModelEnabledRequest request = Switch("m", false, "too dear");
  request.set_validate_only(true);
  EXPECT_TRUE(Set(request)->circuit().disabled());
  EXPECT_EQ(Set(request)->circuit().state(), v1::Circuit::STATE_CLOSED);
  EXPECT_THAT(*Page(0, ""), IsEmpty());
  ASSERT_TRUE(Set(Switch("m", false)).ok());
  request.set_enabled(true);
  EXPECT_FALSE(Set(request)->circuit().disabled());
  EXPECT_TRUE(Target("a", "m").availability.disabled());
}

TEST_F(CircuitsAdminTest, AResetThatIsOnlyCheckedClosesNothing) {
  Fail("a", "m");
  Fail("a", "n");
  v1::ResetCircuitRequest request;
  request.set_provider("a");
  request.set_model("m");
  request.set_validate_only(true);
  const auto response = Ask<v1::ResetCircuitResponse>("ResetCircuit", request);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->circuits_size(), 1);
  EXPECT_EQ(response->circuits(0).model(), "m");
  EXPECT_EQ(Listed("a", "m").state(), v1::Circuit::STATE_OPEN);
  request.set_provider("gone");
  EXPECT_EQ(
      FaultReason(
          Ask<v1::ResetCircuitResponse>("ResetCircuit", request).status()),
      v1::ERROR_REASON_PROVIDER_NOT_FOUND);
}

TEST_F(CircuitsAdminTest, ACircuitThatWouldBeForcedIsNot) {
  Fail("a", "m");
  const auto would_be = [this](const char* model,
                               v1::ForceCircuitRequest::State state) {
    v1::ForceCircuitRequest request = Forced(model, state);
    request.set_validate_only(true);
    return Ask<v1::ForceCircuitResponse>("ForceCircuit", request)->circuit();
  };
  const v1::Circuit forced =
      would_be("m", v1::ForceCircuitRequest::STATE_FORCED_OPEN);
  EXPECT_EQ(forced.state(), v1::Circuit::STATE_FORCED_OPEN);
  EXPECT_EQ(forced.times_opened(), 1);
  EXPECT_FALSE(forced.has_retry_time());
  EXPECT_EQ(would_be("m", v1::ForceCircuitRequest::STATE_METRICS_ONLY).state(),
            v1::Circuit::STATE_METRICS_ONLY);
  const v1::Circuit configured =
      would_be("m", v1::ForceCircuitRequest::STATE_CONFIGURED);
  EXPECT_EQ(configured.state(), v1::Circuit::STATE_CLOSED);
  EXPECT_EQ(configured.window_failures(), 0);
  EXPECT_EQ(Listed("a", "m").state(), v1::Circuit::STATE_OPEN);
  // One that nobody has asked is not known from then on.
  EXPECT_EQ(would_be("unheard-of", v1::ForceCircuitRequest::STATE_FORCED_OPEN)
                .state(),
            v1::Circuit::STATE_FORCED_OPEN);
  EXPECT_THAT(*Page(0, ""), ElementsAre("a/m"));
}

TEST_F(CircuitsAdminTest, WhatIsMissingOrTooLongIsRefused) {
  v1::SetModelEnabledRequest request = Switch("m", false);
  request.clear_provider();
  EXPECT_EQ(FieldViolations(Set(request).status())[0].first, "provider");
  request.set_provider("gone");
  EXPECT_EQ(FaultReason(Set(request).status()),
            v1::ERROR_REASON_PROVIDER_NOT_FOUND);
  EXPECT_EQ(FieldViolations(Set(Switch("", false)).status())[0].first,
            "model");
  EXPECT_EQ(FieldViolations(Set(Switch("a b", false)).status())[0].first,
            "model");
  std::string reason;
  for (int i = 0; i < 512; ++i) reason += "ü";
  EXPECT_TRUE(Set(Switch("m", false, reason)).ok());
  EXPECT_EQ(FieldViolations(Set(Switch("m", false, reason + "!")).status())[0]
                .first,
            "reason");
}

TEST_F(CircuitsAdminTest, TheOperatorsKeySaysWhoDidIt) {
  runtime_.Swap(MakeTestRuntime(
      "providers: [{name: a, mock: {}}]\n"
      "auth: {operators: {api_keys: [{id: alice, key: 'env:KEY'}]}}\n",
      {{"KEY", "alice-0123456789"}}));
  EXPECT_EQ(Set(Switch("m", false)).status().code(),
            absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Ask<v1::ListCircuitsResponse>("ListCircuits",
                                          v1::ListCircuitsRequest())
                .status()
                .code(),
            absl::StatusCode::kUnauthenticated);
  const auto response = Set(Switch("m", false, "too dear"), "alice-0123456789");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->circuit().disabled_reason(), "by alice: too dear");
}

std::string NewFolder() {
  std::string folder = testing::TempDir() + "/circuits.XXXXXX";
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  return folder;
}

class KeptCircuitsTest : public CircuitsAdminTest {
 protected:
  KeptCircuitsTest() : KeptCircuitsTest(NewFolder()) {}
  explicit KeptCircuitsTest(const std::string& folder)
      : CircuitsAdminTest(*StateStore::Open(folder)), folder_(folder) {}

  // The board of a process that begins now.
  std::shared_ptr<const RuntimeSnapshot> Restarted() {
    std::shared_ptr<const RuntimeSnapshot> runtime =
        MakeTestRuntime(kCircuitsYaml);
    RestoreCircuits(*state_, *runtime);
    return runtime;
  }

  const std::string folder_;
};

TEST_F(KeptCircuitsTest, WhatOperatorsSaidOutlastsTheProcess) {
  EXPECT_THAT(Restarted()->resilience().targets.All(), IsEmpty());
  ASSERT_TRUE(Set(Switch("m", false, "too dear")).ok());
  ASSERT_TRUE(Force("n", v1::ForceCircuitRequest::STATE_FORCED_OPEN).ok());
  ASSERT_TRUE(Force("o", v1::ForceCircuitRequest::STATE_METRICS_ONLY).ok());
  Fail("a", "other");
  {
    const auto runtime = Restarted();
    TargetBoard& targets = runtime->resilience().targets;
    const absl::Duration now = runtime->clock().SteadyTime();
    EXPECT_EQ(targets.All().size(), 3u);
    EXPECT_EQ(targets.Find("a", "m").availability.Read().why,
              "by an operator: too dear");
    EXPECT_EQ(targets.Find("a", "n").breaker.Read(now).state,
              CircuitBreaker::State::kForcedOpen);
    EXPECT_EQ(targets.Find("a", "o").breaker.Read(now).state,
              CircuitBreaker::State::kMetricsOnly);
    EXPECT_FALSE(targets.Find("a", "n").availability.disabled());
  }
  ASSERT_TRUE(Set(Switch("m", true)).ok());
  ASSERT_TRUE(Force("n", v1::ForceCircuitRequest::STATE_CONFIGURED).ok());
  v1::ResetCircuitRequest request;
  request.set_provider("a");
  request.set_model("o");
  ASSERT_TRUE(Ask<v1::ResetCircuitResponse>("ResetCircuit", request).ok());
  EXPECT_THAT(Restarted()->resilience().targets.All(), IsEmpty());
}

TEST_F(KeptCircuitsTest, WhatCannotBeKeptIsNotInForce) {
  ASSERT_TRUE(Force("forced", v1::ForceCircuitRequest::STATE_FORCED_OPEN).ok());
  std::filesystem::remove_all(folder_);
  v1::ResetCircuitRequest reset;
  reset.set_provider("a");
  for (const absl::Status& status :
       {Set(Switch("m", false)).status(),
        Force("m", v1::ForceCircuitRequest::STATE_FORCED_OPEN).status(),
        Ask<v1::ResetCircuitResponse>("ResetCircuit", reset).status()}) {
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_STATE_NOT_KEPT);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("runtime.state_dir: " + folder_));
    EXPECT_THAT(std::string(status.message()), HasSubstr("No such file"));
  }
  EXPECT_FALSE(Target("a", "m").availability.disabled());
  EXPECT_EQ(Listed("a", "m").state(), v1::Circuit::STATE_CLOSED);
  EXPECT_EQ(Listed("a", "forced").state(), v1::Circuit::STATE_FORCED_OPEN);
}

TEST_F(KeptCircuitsTest, WhatCannotBeReadIsLeftAlone) {
  std::ofstream(folder_ + "/circuits.json") << "no JSON";
  EXPECT_THAT(Restarted()->resilience().targets.All(), IsEmpty());
}

}  // namespace
}  // namespace gateway
