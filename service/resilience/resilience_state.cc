#include "service/resilience/resilience_state.h"

#include "google/protobuf/duration.pb.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::CircuitBreakerConfig;
using ::llmgateway::config::v1::ResilienceConfig;
using ::llmgateway::config::v1::RetryBudgetConfig;

CircuitBreaker::Options BreakerOptions(const CircuitBreakerConfig& config) {
  return {
      .enabled = config.mode() != CircuitBreakerConfig::MODE_OFF,
      .metrics_only = config.mode() == CircuitBreakerConfig::MODE_METRICS_ONLY,
      .consecutive_failures = config.consecutive_failures(),
      .failure_percent = config.failure_percent(),
      .minimum_calls = config.minimum_calls(),
      .window = ToAbsl(config.window()),
      .open_duration = ToAbsl(config.open_duration()),
      .half_open_probes = config.half_open_probes(),
  };
}

RetryBudget::Options BudgetOptions(const RetryBudgetConfig& config) {
  return {.min_concurrency = config.minimum(), .percent = config.percent()};
}

}  // namespace

ResilienceState::ResilienceState(const ResilienceConfig& config)
    : targets(BreakerOptions(config.circuit_breaker())),
      retry_budget(BudgetOptions(config.retry_budget())) {}

void ResilienceState::Apply(const ResilienceConfig& config,
                            absl::Duration now) {
  targets.SetOptions(BreakerOptions(config.circuit_breaker()), now);
  retry_budget.SetOptions(BudgetOptions(config.retry_budget()));
}

}  // namespace gateway
