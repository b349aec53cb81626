// What a scenario is as a configuration file.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/string_view.h"
#include "tests/simulation/scenario.h"

namespace gateway {
namespace {

std::string TargetYaml(const ScenarioTarget& target) {
  return absl::StrCat("{provider: ", target.provider, ", model: ", target.model,
                      ", weight: ", target.weight,
                      ", priority: ", target.priority, "}");
}

std::string FallbackYaml(const ScenarioTarget& target) {
  return absl::StrCat("{provider: ", target.provider, ", model: ", target.model,
                      "}");
}

std::string ListYaml(const std::vector<ScenarioTarget>& targets,
                     std::string (*yaml_of)(const ScenarioTarget&)) {
  std::string list;
  for (const ScenarioTarget& target : targets) {
    absl::StrAppend(&list, list.empty() ? "" : ", ", yaml_of(target));
  }
  return absl::StrCat("[", list, "]");
}

std::string VariableOf(std::string_view provider, int credential) {
  return absl::StrCat("KEY_", absl::AsciiStrToUpper(ToAbsl(provider)), "_",
                      credential);
}

std::string SecretOf(std::string_view provider, int credential) {
  return absl::StrCat("\"env:", VariableOf(provider, credential), "\"");
}

std::string Millis(absl::Duration duration) {
  return absl::StrCat(absl::ToInt64Milliseconds(duration), "ms");
}

std::string BreakerYaml(const BreakerSettings& breaker) {
  return absl::StrCat("{mode: ", breaker.enforced ? "enforce" : "\"off\"",
                      ", consecutive_failures: ", breaker.consecutive_failures,
                      ", failure_percent: ", breaker.failure_percent,
                      ", minimum_calls: ", breaker.minimum_calls,
                      ", window: ", Millis(breaker.window),
                      ", open_duration: ", Millis(breaker.open_duration),
                      ", half_open_probes: ", breaker.half_open_probes, "}");
}

std::string TimeoutsYaml(const ModelSettings& settings) {
  std::string list;
  const auto add = [&list](absl::string_view name, absl::Duration time) {
    if (time == absl::ZeroDuration()) return;
    absl::StrAppend(&list, list.empty() ? "" : ", ", name, ": ", Millis(time));
  };
  add("first_byte", settings.first_byte);
  add("stream_first_byte", settings.stream_first_byte);
  add("first_content", settings.first_content.value_or(absl::ZeroDuration()));
  return list.empty() ? "" : absl::StrCat(", timeouts: {", list, "}");
}

std::string ModelYaml(const std::string& model, const ModelSettings& settings) {
  std::string yaml = absl::StrCat("        - {model: ", model);
  if (settings.breaker.has_value()) {
    absl::StrAppend(&yaml,
                    ", circuit_breaker: ", BreakerYaml(*settings.breaker));
  }
  if (settings.attempts_limit.has_value()) {
    absl::StrAppend(
        &yaml, ", retry: {attempts_limit: ", *settings.attempts_limit, "}");
  }
  if (settings.concurrent_attempts_limit != 0) {
    absl::StrAppend(&yaml, ", concurrent_attempts_limit: ",
                    settings.concurrent_attempts_limit);
  }
  return absl::StrCat(yaml, TimeoutsYaml(settings), "}\n");
}

// Lines of `resilience` of one provider; none if it has nothing of its own.
std::string SettingsYaml(const ProviderSettings& settings) {
  std::string yaml;
  if (settings.breaker.has_value()) {
    absl::StrAppend(
        &yaml, "      circuit_breaker: ", BreakerYaml(*settings.breaker), "\n");
  }
  if (settings.attempts_limit.has_value()) {
    absl::StrAppend(&yaml,
                    "      retry: {attempts_limit: ", *settings.attempts_limit,
                    "}\n");
  }
  if (settings.concurrent_attempts_limit != 0) {
    absl::StrAppend(&yaml, "      concurrent_attempts_limit: ",
                    settings.concurrent_attempts_limit, "\n");
  }
  if (settings.is_probed()) {
    absl::StrAppend(&yaml, "      health_check: {enabled: true, interval: ",
                    Millis(settings.probe_interval),
                    ", timeout: ", Millis(settings.probe_timeout), "}\n");
  }
  if (!settings.models.empty()) absl::StrAppend(&yaml, "      models:\n");
  for (const auto& [model, own] : settings.models) {
    absl::StrAppend(&yaml, ModelYaml(model, own));
  }
  return yaml.empty() ? yaml : absl::StrCat("    resilience:\n", yaml);
}

std::string ProviderYaml(const ProviderScript& provider) {
  const ProviderSettings& settings = provider.settings;
  std::string yaml = absl::StrCat(
      "  - name: ", provider.name,
      "\n    openai_compatible: {base_url: \"http://127.0.0.1:1/v1\"");
  if (provider.credentials > 0) {
    absl::StrAppend(&yaml, ", api_key: ", SecretOf(provider.name, 0));
  }
  if (settings.first_content != absl::InfiniteDuration()) {
    absl::StrAppend(&yaml, ", http: {timeouts: {first_content: ",
                    Millis(settings.first_content), "}}");
  }
  absl::StrAppend(&yaml, "}\n", SettingsYaml(settings));
  if (provider.credentials < 2) return yaml;
  absl::StrAppend(&yaml, "    credentials:\n");
  for (int i = 1; i < provider.credentials; ++i) {
    absl::StrAppend(&yaml, "      - {name: ", CredentialName(i),
                    ", api_key: ", SecretOf(provider.name, i), "}\n");
  }
  return yaml;
}

std::string RouteYaml(const ScenarioRoute& route) {
  std::string yaml = absl::StrCat(
      "    - exact: ", route.model, "\n      balancing: ", route.balancing,
      "\n      targets: ", ListYaml(route.targets, TargetYaml), "\n");
  if (!route.fallbacks.empty()) {
    absl::StrAppend(&yaml, "      fallbacks: ",
                    ListYaml(route.fallbacks, FallbackYaml), "\n");
  }
  return yaml;
}

std::string WordsYaml(ScenarioCapabilities set) {
  std::string list;
  for (const std::string_view word : CapabilityWords(set)) {
    absl::StrAppend(&list, list.empty() ? "" : ", ", ToAbsl(word));
  }
  return absl::StrCat("[", list, "]");
}

std::string_view TierWord(int tier) {
  static constexpr std::string_view kWords[] = {"low", "medium", "high",
                                                "premium"};
  return kWords[tier - 1];
}

std::string SelectionYaml(const Scenario& scenario) {
  if (scenario.policies.empty()) return "";
  std::string yaml = "  selection:\n    policies:\n";
  for (const ScenarioPolicy& policy : scenario.policies) {
    const std::string price = absl::StrFormat("\"0.%03d\"", policy.price);
    absl::StrAppend(&yaml, "      - {id: ", policy.id,
                    ", target: ", FallbackYaml(policy.target),
                    ", capabilities: ", WordsYaml(policy.capabilities),
                    ", cost_tier: ", ToAbsl(TierWord(policy.cost_tier)),
                    ", context_window_tokens: ", policy.context_window,
                    ", input_cost_per_1k: ", price,
                    ", output_cost_per_1k: ", price, "}\n");
  }
  absl::StrAppend(&yaml, "    nodes:\n");
  for (const ScenarioNode& node : scenario.nodes) {
    absl::StrAppend(&yaml, "      - {name: ", node.name,
                    ", required_capabilities: ", WordsYaml(node.required),
                    ", cost_tier_max: ", ToAbsl(TierWord(node.cost_tier_max)),
                    ", context_window_tokens_min: ", node.context_window_min,
                    ", reasoning_required: ",
                    node.needs_reasoning ? "true" : "false", "}\n");
  }
  return yaml;
}

std::string RolloutYaml(const ScenarioRollout& rollout) {
  if (rollout.share == ScenarioRollout::kAll && rollout.changes.empty()) {
    return "";
  }
  return absl::StrFormat("  rollout: {percentage: %d.%02d%s}\n",
                         rollout.share / 100, rollout.share % 100,
                         rollout.baseline.has_value()
                             ? ", baseline: " + FallbackYaml(*rollout.baseline)
                             : "");
}

std::string LimitYaml(size_t number, const ScenarioLimit& limit) {
  std::string per;
  const auto add = [&per](bool tells_apart, absl::string_view name) {
    if (tells_apart) absl::StrAppend(&per, per.empty() ? "" : ", ", name);
  };
  add(limit.per_user, "user");
  add(limit.per_session, "session");
  add(limit.per_provider, "provider");
  const std::string how =
      limit.counts_calls
          ? "unit: concurrent_calls"
          : absl::StrCat("unit: requests, window: ", Millis(limit.window),
                         ", burst: ", limit.burst);
  return absl::StrCat(
      "  - {name: l", number, ", ", how, ", limit: ", limit.limit, ", per: [",
      per, "], mode: ", limit.observes ? "observe" : "enforce", "}\n");
}

std::string EjectionYaml(const Scenario& scenario) {
  if (!scenario.ejects) return "";
  return absl::StrCat(
      "  outlier_ejection: {enabled: true, consecutive_failures: ",
      scenario.ejection_failures,
      ", interval: ", Millis(scenario.ejection_interval),
      ", base_ejection: ", Millis(scenario.base_ejection),
      ", ejection_limit: ", Millis(scenario.ejection_limit),
      ", ejected_percent_limit: ", scenario.ejected_percent_limit,
      ", success_rate_deviation: ",
      absl::StrFormat("%d.%03d", scenario.success_deviation_thousandths / 1000,
                      scenario.success_deviation_thousandths % 1000),
      ", latency_percent: ", scenario.latency_percent,
      ", slow_start: ", Millis(scenario.slow_start), "}\n");
}

}  // namespace

std::string Scenario::Yaml() const {
  std::string yaml = "providers:\n";
  for (const ProviderScript& provider : providers) {
    absl::StrAppend(&yaml, ProviderYaml(provider));
  }
  absl::StrAppend(&yaml, "routing:\n  strict: true\n", RolloutYaml(rollout),
                  SelectionYaml(*this), "  model_rules:\n");
  for (const ScenarioRoute& route : routes) {
    absl::StrAppend(&yaml, RouteYaml(route));
  }
  absl::StrAppend(
      &yaml, "resilience:\n  call_timeout: ", Millis(call_timeout),
      "\n  retry: {attempts_limit: ", attempts_limit,
      ", backoff_base: ", Millis(backoff_base),
      ", backoff_limit: ", Millis(backoff_limit),
      "}\n  circuit_breaker: ", BreakerYaml(breaker),
      "\n  retry_budget: {percent: ", budget_percent,
      ", minimum: ", budget_minimum,
      "}\n  credential_cooling: {default_cooling: ", Millis(default_cooling),
      ", cooling_limit: ", Millis(cooling_limit), "}\n", EjectionYaml(*this));
  if (hedge_delay != absl::InfiniteDuration()) {
    absl::StrAppend(&yaml,
                    "  hedging: {enabled: true, delay: ", Millis(hedge_delay),
                    "}\n");
  }
  if (money.has_value()) absl::StrAppend(&yaml, money->Yaml());
  if (!limits.empty()) absl::StrAppend(&yaml, "rate_limits:\n");
  for (size_t i = 0; i < limits.size(); ++i) {
    absl::StrAppend(&yaml, LimitYaml(i, limits[i]));
  }
  return yaml;
}

std::map<std::string, std::string> Scenario::Environment() const {
  std::map<std::string, std::string> variables;
  for (const ProviderScript& provider : providers) {
    for (int i = 0; i < provider.credentials; ++i) {
      variables[VariableOf(provider.name, i)] =
          absl::StrCat("secret-of-", provider.name, "-", i);
    }
  }
  return variables;
}

}  // namespace gateway
