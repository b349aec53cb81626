#include "service/resilience/resilience_state.h"

#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "google/protobuf/duration.pb.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "llmgateway/config/v1/resilience.pb.h"
#include "proto/overlay.h"
#include "proto/proto_time.h"
#include "providers/provider_settings.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::CircuitBreakerConfig;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::ModelResilience;
using ::llmgateway::config::v1::OutlierEjectionConfig;
using ::llmgateway::config::v1::ProviderConfig;
using ::llmgateway::config::v1::ProviderResilience;
using ::llmgateway::config::v1::RetryBudgetConfig;

CircuitBreaker::Options OptionsOf(const CircuitBreakerConfig& config) {
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

BreakerOptions BreakerOptionsOf(const GatewayConfig& config) {
  const CircuitBreakerConfig& common = config.resilience().circuit_breaker();
  BreakerOptions options{.common = OptionsOf(common)};
  for (const ProviderConfig& provider : config.providers()) {
    const ProviderResilience& resilience = provider.resilience();
    CircuitBreakerConfig special = common;
    LayOver(resilience.circuit_breaker(), &special);
    BreakerOptions::OfProvider of_provider{.common = OptionsOf(special)};
    for (const ModelResilience& model : resilience.models()) {
      if (!model.has_circuit_breaker()) continue;
      CircuitBreakerConfig of_model = special;
      LayOver(model.circuit_breaker(), &of_model);
      of_provider.of_model[model.model()] = OptionsOf(of_model);
    }
    if (!resilience.has_circuit_breaker() && of_provider.of_model.empty()) {
      continue;
    }
    options.of_provider.emplace(provider.name(), std::move(of_provider));
  }
  return options;
}

RetryBudget::Options BudgetOptions(const RetryBudgetConfig& config) {
  return {.min_concurrency = config.minimum(), .percent = config.percent()};
}

// Nothing if targets are not compared.
std::optional<OutlierEjection::Options> EjectionOptions(
    const OutlierEjectionConfig& config) {
  if (!config.enabled()) return std::nullopt;
  OutlierEjection::Options options;
  options.consecutive_faults = config.consecutive_failures();
  options.interval = ToAbsl(config.interval());
  options.success_rate_deviation_thousandths =
      static_cast<int>(std::lround(config.success_rate_deviation() * 1000));
  options.latency_factor_percent = config.latency_percent();
  options.base_ejection = ToAbsl(config.base_ejection());
  options.max_ejection = ToAbsl(config.ejection_limit());
  options.max_ejected_percent = config.ejected_percent_limit();
  options.slow_start = ToAbsl(config.slow_start());
  return options;
}

}  // namespace

std::string DestinationOf(const ProviderConfig& provider) {
  const google::protobuf::Message* const settings = ProviderSettings(provider);
  return absl::StrCat(
      ToAbsl(ProviderKindName(provider)), " ",
      settings == nullptr ? "" : TextSetting(*settings, "base_url"));
}

ResilienceState::ResilienceState(const GatewayConfig& config)
    : targets(BreakerOptionsOf(config)),
      outliers(EjectionOptions(config.resilience().outlier_ejection())),
      retry_budget(BudgetOptions(config.resilience().retry_budget())),
      destinations_(DestinationsOf(config)) {
  targets.SetFailuresLimit(config.resilience().disable_model_after_failures());
}

ResilienceState::Destinations ResilienceState::DestinationsOf(
    const GatewayConfig& config) {
  Destinations destinations;
  for (const ProviderConfig& provider : config.providers()) {
    destinations.emplace(provider.name(), DestinationOf(provider));
  }
  return destinations;
}

std::shared_ptr<const void> ResilienceState::Apply(const GatewayConfig& config,
                                                   absl::Duration now) {
  const MutexLock lock(mu_);
  // First, so that whoever keeps what failures have disabled is told of those
  // that are forgotten, too.
  targets.SetFailuresLimit(config.resilience().disable_model_after_failures());
  Forget(DestinationsOf(config), now);
  targets.SetOptions(BreakerOptionsOf(config), now);
  outliers.SetOptions(EjectionOptions(config.resilience().outlier_ejection()),
                      now);
  retry_budget.SetOptions(BudgetOptions(config.resilience().retry_budget()));
  return epochs_.Enter();
}

void ResilienceState::Forget(Destinations next, absl::Duration now) {
  const Destinations before = std::exchange(destinations_, std::move(next));
  const Destinations& after = destinations_;
  const auto is_same = [&](std::string_view provider) {
    const auto was = before.find(provider);
    const auto is = after.find(provider);
    return was != before.end() && is != after.end() &&
           was->second == is->second;
  };
  epochs_.Retire(targets.Sweep(is_same, now));
  for (const auto& [provider, destination] : before) {
    if (!is_same(provider)) outliers.Reset(provider, "", now);
  }
  providers.Keep([&](std::string_view provider) {
    return after.find(provider) != after.end();
  });
}

}  // namespace gateway
