#include "tests/simulation/own_settings.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace gateway {

BreakerSettings DrawBreaker(Drawing& draw) {
  BreakerSettings breaker;
  breaker.enforced = draw.InPercent(85);
  breaker.consecutive_failures = draw.Between(1, 8);
  breaker.failure_percent = draw.Between(10, 100);
  breaker.minimum_calls = draw.Between(2, 30);
  breaker.window = absl::Seconds(draw.Between(1, 60));
  breaker.open_duration = draw.MillisBetween(1, 40'000);
  breaker.half_open_probes = draw.Between(1, 3);
  return breaker;
}

ProviderSettings DrawProviderSettings(Drawing& draw) {
  ProviderSettings settings;
  if (draw.InPercent(25)) settings.breaker = DrawBreaker(draw);
  if (draw.InPercent(25)) settings.attempts_limit = draw.Between(1, 4);
  if (draw.InPercent(20)) {
    settings.concurrent_attempts_limit = draw.Between(1, 4);
  }
  if (draw.InPercent(25)) settings.first_content = draw.MillisBetween(1, 8000);
  if (draw.InPercent(35)) {
    settings.probe_interval = draw.MillisBetween(1000, 20'000);
    settings.probe_timeout =
        absl::Floor(settings.probe_interval * draw.Between(10, 80) / 100,
                    absl::Milliseconds(1));
  }
  return settings;
}

namespace {

ModelSettings DrawModel(Drawing& draw) {
  ModelSettings settings;
  if (draw.InPercent(40)) settings.breaker = DrawBreaker(draw);
  if (draw.InPercent(40)) settings.attempts_limit = draw.Between(1, 4);
  if (draw.InPercent(30)) {
    settings.concurrent_attempts_limit = draw.Between(1, 4);
  }
  if (draw.InPercent(30)) settings.first_content = draw.MillisBetween(1, 8000);
  if (draw.InPercent(20)) settings.first_byte = draw.MillisBetween(1, 8000);
  if (draw.InPercent(20)) {
    settings.stream_first_byte = draw.MillisBetween(1, 8000);
  }
  return settings;
}

}  // namespace

void DrawModelSettings(Drawing& draw, Scenario& scenario) {
  std::set<std::pair<std::string, std::string>> targets;
  for (const ScenarioRoute& route : scenario.routes) {
    for (const auto* list : {&route.targets, &route.fallbacks}) {
      for (const ScenarioTarget& target : *list) {
        targets.emplace(target.provider, target.model);
      }
    }
  }
  for (const ScenarioPolicy& policy : scenario.policies) {
    targets.emplace(policy.target.provider, policy.target.model);
  }
  for (const auto& [provider, model] : targets) {
    if (draw.InPercent(40)) continue;
    for (ProviderScript& script : scenario.providers) {
      if (script.name != provider) continue;
      script.settings.models.emplace(model, DrawModel(draw));
    }
  }
}

const ProviderSettings& Scenario::SettingsOf(std::string_view provider) const {
  return std::find_if(
             providers.begin(), providers.end(),
             [&](const ProviderScript& each) { return each.name == provider; })
      ->settings;
}

const ModelSettings& Scenario::OwnOf(std::string_view provider,
                                     std::string_view model) const {
  static const ModelSettings* const kNothing = new ModelSettings();
  const ProviderSettings& settings = SettingsOf(provider);
  const auto own = settings.models.find(model);
  return own == settings.models.end() ? *kNothing : own->second;
}

const BreakerSettings& Scenario::BreakerOf(std::string_view provider,
                                           std::string_view model) const {
  const ModelSettings& own = OwnOf(provider, model);
  if (own.breaker.has_value()) return *own.breaker;
  const ProviderSettings& settings = SettingsOf(provider);
  return settings.breaker.has_value() ? *settings.breaker : breaker;
}

int Scenario::AttemptsLimitOf(std::string_view provider,
                              std::string_view model) const {
  return OwnOf(provider, model)
      .attempts_limit.value_or(
          SettingsOf(provider).attempts_limit.value_or(attempts_limit));
}

absl::Duration Scenario::FirstContentOf(std::string_view provider,
                                        std::string_view model) const {
  return OwnOf(provider, model)
      .first_content.value_or(SettingsOf(provider).first_content);
}

absl::Duration Scenario::FirstByteOf(std::string_view provider,
                                     std::string_view model,
                                     bool streams) const {
  const ModelSettings& own = OwnOf(provider, model);
  return streams ? own.stream_first_byte : own.first_byte;
}

}  // namespace gateway
