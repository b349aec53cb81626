#include "service/api/circuit_view.h"

#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/circuits.pb.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/target_board.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

TEST(CircuitViewTest, EachStateHasItsName) {
  const std::shared_ptr<const RuntimeSnapshot> runtime =
      MakeTestRuntime("providers: [{name: mock, mock: {}}]\n");
  TargetState& target = runtime->resilience().targets.Find("mock", "m");
  const absl::Duration now = runtime->clock().SteadyTime();
  for (const auto& [state, shown] :
       {std::pair(CircuitBreaker::State::kClosed, v1::Circuit::STATE_CLOSED),
        std::pair(CircuitBreaker::State::kOpen, v1::Circuit::STATE_OPEN),
        std::pair(CircuitBreaker::State::kHalfOpen,
                  v1::Circuit::STATE_HALF_OPEN),
        std::pair(CircuitBreaker::State::kForcedOpen,
                  v1::Circuit::STATE_FORCED_OPEN),
        std::pair(CircuitBreaker::State::kMetricsOnly,
                  v1::Circuit::STATE_METRICS_ONLY),
        std::pair(CircuitBreaker::State::kDisabled, v1::Circuit::STATE_OFF)}) {
    target.breaker.Force(state, now);
    v1::Circuit circuit;
    CircuitView(*runtime).Fill(target, &circuit);
    EXPECT_EQ(circuit.state(), shown);
    EXPECT_EQ(circuit.has_retry_time(), shown == v1::Circuit::STATE_OPEN);
    EXPECT_FALSE(circuit.has_latency());
  }
}

TEST(CircuitViewTest, OneThatNobodyAskedIsAsConfigured) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = MakeTestRuntime(
      "providers:\n"
      "- {name: mock, mock: {}}\n"
      "- {name: own, mock: {}, resilience: {circuit_breaker: {mode: "
      "metrics_only}}}\n");
  const CircuitView view(*runtime);
  v1::Circuit circuit;
  view.FillUnknown("mock", "m", &circuit);
  EXPECT_EQ(circuit.provider(), "mock");
  EXPECT_EQ(circuit.model(), "m");
  EXPECT_EQ(circuit.state(), v1::Circuit::STATE_CLOSED);
  view.FillUnknown("own", "m", &circuit);
  EXPECT_EQ(circuit.state(), v1::Circuit::STATE_METRICS_ONLY);
  EXPECT_TRUE(view.Targets("").empty());
}

}  // namespace
}  // namespace gateway
