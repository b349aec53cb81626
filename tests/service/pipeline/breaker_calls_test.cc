// The two breaker cases of the systems that the gateway replaces, call by call,
// on simulated time.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/sleep.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/registry/registry.h"
#include "service/pipeline/attempts.h"
#include "service/pipeline/call.h"
#include "service/resilience/circuit_breaker.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/no_http_client.h"
#include "tests/testing/scripted_provider.h"
#include "tests/testing/simulated_time.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

class BreakerCallsTest : public testing::Test {
 protected:
  void Start(const std::string& breaker) {
    std::vector<ProviderRegistry::Entry> entries;
    auto provider = std::make_unique<ScriptedProvider>("p");
    provider_ = provider.get();
    entries.push_back({.name = "p", .provider = std::move(provider)});
    runtime_ = MakeTestRuntimeWith(
        "providers: [{name: mock, mock: {}}]\n"
        "resilience: {retry: {attempts_limit: 1}, circuit_breaker: {" +
            breaker + "}}\n",
        std::make_unique<const ProviderRegistry>(std::move(entries)),
        {.clock = &time_, .random = &random_});
  }

  absl::Status Ask() {
    google::protobuf::Arena arena;
    CancelSignal cancel;
    Call call(runtime_, runner_.loop(), client_, cancel, arena,
              runner_.loop().Now());
    call.request = &request_;
    call.planned.first.provider = runtime_->providers().Find("p");
    call.planned.first.model = "m";
    call.planned.first.upstream_model = "m";
    call.planned.first.recorded_model = "m";
    return runner_.Run(AskTargets(call, call.attempts, nullptr));
  }

  CircuitBreaker::Snapshot Breaker() {
    return runtime_->resilience().targets.Find("p", "m").breaker.Read(
        time_.SteadyTime());
  }

  void Wait(absl::Duration time) {
    CancelSignal cancel;
    EXPECT_TRUE(runner_.Run(Sleep(runner_.loop(), time, cancel)).ok());
  }

  static absl::Status ServerError() {
    absl::Status fault =
        MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "500");
    AddFaultMetadata(fault, kHttpStatusKey, "500");
    return fault;
  }

  SimulatedTime time_;
  FakeRandom random_{7};
  LoopRunner runner_{time_};
  NoHttpClient client_;
  v1::GenerateRequest request_;
  ScriptedProvider* provider_ = nullptr;
  std::shared_ptr<const RuntimeSnapshot> runtime_;
};

TEST_F(BreakerCallsTest, AfterThreeServerErrorsTheFourthCallIsRefused) {
  Start("consecutive_failures: 3");
  provider_->Fail(ServerError());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(FaultReason(Ask()), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  }
  EXPECT_EQ(Breaker().state, CircuitBreaker::State::kOpen);
  EXPECT_EQ(FaultReason(Ask()), v1::ERROR_REASON_CIRCUIT_OPEN);
  EXPECT_EQ(provider_->asked(), 3u);
}

TEST_F(BreakerCallsTest, AfterItsRestOneCallIsAdmittedAndItsSuccessCloses) {
  Start("consecutive_failures: 2, open_duration: 50ms");
  provider_->Fail(ServerError());
  provider_->Fail(ServerError());
  provider_->Answer("well again");
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(Ask().ok());
  EXPECT_EQ(FaultReason(Ask()), v1::ERROR_REASON_CIRCUIT_OPEN);
  Wait(absl::Milliseconds(60));
  EXPECT_EQ(Breaker().state, CircuitBreaker::State::kHalfOpen);
  {
    // While one is under way no other is admitted.
    const auto probe =
        runtime_->resilience().targets.Find("p", "m").breaker.TryAcquire(
            time_.SteadyTime());
    EXPECT_TRUE(probe.has_value());
    EXPECT_EQ(FaultReason(Ask()), v1::ERROR_REASON_CIRCUIT_OPEN);
    EXPECT_EQ(provider_->asked(), 2u);
  }
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(provider_->asked(), 3u);
  EXPECT_EQ(Breaker().state, CircuitBreaker::State::kClosed);
  EXPECT_TRUE(Ask().ok());
}

}  // namespace
}  // namespace gateway
