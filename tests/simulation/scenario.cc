#include "tests/simulation/scenario.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

// Draws the parts of a scenario.
class Drawing {
 public:
  explicit Drawing(uint64_t seed) : random_(seed) {}

  // From `least` to `most`, both included.
  int Between(int least, int most) {
    return least + static_cast<int>(
                       random_.Below(static_cast<uint64_t>(most - least + 1)));
  }
  bool InPercent(int percent) { return Between(1, 100) <= percent; }
  absl::Duration MillisBetween(int least, int most) {
    return absl::Milliseconds(Between(least, most));
  }
  template <typename T, size_t kCount>
  T OneOf(const T (&choices)[kCount]) {
    return choices[random_.Below(kCount)];
  }

 private:
  FakeRandom random_;
};

// So that nothing of the bad time fails much later.
constexpr absl::Duration kHealedLatencyMax = absl::Seconds(4);
constexpr absl::Duration kHealedCoolingMax = absl::Seconds(10);

constexpr Conduct kFaulty[] = {Conduct::kRefusesConnections,
                               Conduct::kFails,
                               Conduct::kFails,
                               Conduct::kOverloaded,
                               Conduct::kSilent,
                               Conduct::kLimits,
                               Conduct::kRefusesCredential,
                               Conduct::kHasNoMoney,
                               Conduct::kBreaksBeforeContent,
                               Conduct::kBreaksAfterContent,
                               Conduct::kHadHungUp,
                               Conduct::kTooLong,
                               Conduct::kRefusesContent,
                               Conduct::kTalksNonsense};

constexpr Conduct kDead[] = {Conduct::kRefusesConnections, Conduct::kFails,
                             Conduct::kOverloaded};

constexpr std::string_view kBalancings[] = {
    "weighted", "round_robin", "least_requests", "lowest_latency", "sticky"};

// What is said to a credential, and not to everybody.
bool ConcernsCredential(Conduct conduct) {
  return conduct == Conduct::kLimits ||
         conduct == Conduct::kRefusesCredential ||
         conduct == Conduct::kHasNoMoney;
}

Phase DrawPhase(Drawing& draw, absl::Duration from, int credentials) {
  Phase phase{.from = from, .latency = draw.MillisBetween(1, 2000)};
  if (draw.InPercent(40)) return phase;
  phase.conduct = draw.OneOf(kFaulty);
  phase.percent = draw.OneOf({100, 100, 50, 20});
  if (phase.conduct == Conduct::kRefusesConnections) {
    phase.latency = draw.MillisBetween(0, 3);
  }
  if (phase.conduct == Conduct::kSilent) {
    phase.latency = draw.MillisBetween(1000, 60'000);
  }
  if (phase.conduct == Conduct::kLimits && draw.InPercent(70)) {
    phase.retry_after = draw.MillisBetween(0, 90'000);
  }
  if (ConcernsCredential(phase.conduct) && credentials > 1 &&
      draw.InPercent(60)) {
    phase.credential = draw.Between(0, credentials - 1);
  }
  return phase;
}

ProviderScript DrawProvider(Drawing& draw, int number, absl::Duration length) {
  ProviderScript script{.name = absl::StrCat("p", number),
                        .credentials = draw.OneOf({0, 1, 2, 3})};
  absl::Duration from;
  do {
    script.phases.push_back(DrawPhase(draw, from, script.credentials));
    from += length / draw.Between(1, 5);
  } while (from < length);
  return script;
}

ScenarioTarget DrawTarget(Drawing& draw, size_t provider) {
  return {.provider = absl::StrCat("p", provider),
          .model = absl::StrCat("m", draw.Between(0, 1)),
          .weight = draw.Between(1, 5),
          .priority = draw.InPercent(20) ? 1 : 0};
}

ScenarioRoute DrawRoute(Drawing& draw, size_t number, size_t providers) {
  ScenarioRoute route{.model = absl::StrCat("r", number),
                      .balancing = std::string(draw.OneOf(kBalancings))};
  // Each provider is a target or a fallback, or neither.
  for (size_t i = 0; i < providers; ++i) {
    const size_t provider = (i + number) % providers;
    if (i == 0 || draw.InPercent(50)) {
      route.targets.push_back(DrawTarget(draw, provider));
    } else if (draw.InPercent(50)) {
      route.fallbacks.push_back(DrawTarget(draw, provider));
    }
  }
  return route;
}

void DrawSettings(Drawing& draw, Scenario& scenario) {
  if (draw.InPercent(30)) return;  // The defaults.
  scenario.attempts_limit = draw.Between(1, 4);
  scenario.backoff_base = draw.MillisBetween(1, 1000);
  scenario.backoff_limit = scenario.backoff_base + draw.MillisBetween(0, 8000);
  scenario.call_timeout = draw.MillisBetween(500, 120'000);
  scenario.breaker_enforced = draw.InPercent(85);
  scenario.consecutive_failures = draw.Between(1, 8);
  scenario.failure_percent = draw.Between(10, 100);
  scenario.minimum_calls = draw.Between(2, 30);
  scenario.window = absl::Seconds(draw.Between(1, 60));
  scenario.open_duration = draw.MillisBetween(1, 40'000);
  scenario.half_open_probes = draw.Between(1, 3);
  scenario.budget_percent = draw.OneOf({0, 20, 20, 50, 100});
  scenario.budget_minimum = draw.OneOf({0, 1, 3, 3, 10});
  scenario.ejects = draw.InPercent(40);
  scenario.ejection_failures = draw.Between(1, 6);
  scenario.base_ejection = draw.MillisBetween(1, 30'000);
  scenario.ejected_percent_limit = draw.OneOf({0, 10, 50, 100, 100});
  if (draw.InPercent(40)) scenario.hedge_delay = draw.MillisBetween(1, 3000);
  scenario.default_cooling = draw.MillisBetween(0, 20'000);
  scenario.cooling_limit = draw.MillisBetween(1000, 120'000);
}

void DrawCalls(Drawing& draw, Scenario& scenario, int count,
               absl::Duration length) {
  const bool bursts = draw.InPercent(30);
  for (int i = 0; i < count; ++i) {
    ScenarioCall call;
    call.at = absl::Milliseconds(draw.Between(
        0, static_cast<int>(absl::ToInt64Milliseconds(length)) - 1));
    if (bursts) call.at = absl::Floor(call.at, absl::Seconds(5));
    call.route = static_cast<size_t>(
        draw.Between(0, static_cast<int>(scenario.routes.size()) - 1));
    call.stream = draw.InPercent(60);
    call.session = draw.InPercent(50) ? draw.Between(1, 5) : 0;
    scenario.calls.push_back(call);
  }
  std::stable_sort(
      scenario.calls.begin(), scenario.calls.end(),
      [](const ScenarioCall& a, const ScenarioCall& b) { return a.at < b.at; });
}

// Some have little time, some hang up, some read slowly.
void DrawCallers(Drawing& draw, Scenario& scenario) {
  for (ScenarioCall& call : scenario.calls) {
    if (draw.InPercent(20)) call.timeout = draw.MillisBetween(1, 20'000);
    if (draw.InPercent(10)) call.leaves_after = draw.MillisBetween(0, 5000);
    if (draw.InPercent(10)) call.reads_for = draw.MillisBetween(1, 1500);
  }
}

void DrawMixed(Drawing& draw, Scenario& scenario) {
  const auto length = absl::Seconds(draw.Between(20, 120));
  const int providers = draw.Between(1, 4);
  for (int i = 0; i < providers; ++i) {
    scenario.providers.push_back(DrawProvider(draw, i, length));
  }
  for (int i = 0; i < draw.Between(1, 3); ++i) {
    scenario.routes.push_back(
        DrawRoute(draw, static_cast<size_t>(i), scenario.providers.size()));
  }
  DrawSettings(draw, scenario);
  DrawCalls(draw, scenario, draw.Between(20, 120), length);
  DrawCallers(draw, scenario);
}

void DrawDeadProvider(Drawing& draw, Scenario& scenario) {
  scenario.kind = Scenario::Kind::kDeadProvider;
  const auto length = absl::Seconds(draw.Between(30, 120));
  scenario.providers.push_back(
      {.name = "p0",
       .phases = {{.conduct = draw.OneOf(kDead),
                   .latency = draw.MillisBetween(0, 1000)}}});
  ScenarioRoute route{.model = "r0",
                      .balancing = "weighted",
                      .targets = {{.provider = "p0", .model = "m0"}}};
  if (draw.InPercent(50)) {
    scenario.providers.push_back(
        {.name = "p1", .phases = {{.latency = draw.MillisBetween(1, 2000)}}});
    route.fallbacks.push_back({.provider = "p1", .model = "m0"});
  }
  scenario.routes.push_back(std::move(route));
  DrawCalls(draw, scenario, 200, length);
}

void DrawAllWell(Drawing& draw, Scenario& scenario) {
  scenario.kind = Scenario::Kind::kAllWell;
  const int providers = draw.Between(1, 5);
  ScenarioRoute route{
      .model = "r0",
      .balancing = std::string(draw.OneOf(
          {std::string_view("weighted"), std::string_view("round_robin"),
           std::string_view("least_requests")}))};
  const absl::Duration latency = draw.MillisBetween(1, 500);
  for (int i = 0; i < providers; ++i) {
    scenario.providers.push_back(
        {.name = absl::StrCat("p", i), .phases = {{.latency = latency}}});
    route.targets.push_back({.provider = absl::StrCat("p", i),
                             .model = "m0",
                             .weight = draw.Between(1, 9)});
  }
  scenario.routes.push_back(std::move(route));
  DrawCalls(draw, scenario, 200, absl::Seconds(60));
}

// All that is wrong happens in the first minute; from then on calls come often
// enough to find out.
void DrawHealed(Drawing& draw, Scenario& scenario) {
  scenario.kind = Scenario::Kind::kHealed;
  scenario.healed_at = absl::Minutes(1);
  ScenarioRoute route{
      .model = "r0",
      .balancing = std::string(draw.OneOf(
          {std::string_view("weighted"), std::string_view("round_robin")}))};
  const int providers = draw.Between(1, 3);
  for (int i = 0; i < providers; ++i) {
    ProviderScript script = DrawProvider(draw, i, scenario.healed_at);
    for (Phase& phase : script.phases) {
      phase.latency = std::min(phase.latency, kHealedLatencyMax);
      phase.retry_after = std::min(phase.retry_after, kHealedCoolingMax);
    }
    script.phases.push_back(
        {.from = scenario.healed_at, .latency = draw.MillisBetween(1, 200)});
    scenario.providers.push_back(std::move(script));
    route.targets.push_back({.provider = absl::StrCat("p", i),
                             .model = "m0",
                             .weight = draw.Between(1, 3)});
  }
  scenario.routes.push_back(std::move(route));
  DrawSettings(draw, scenario);
  scenario.call_timeout = std::max(scenario.call_timeout, absl::Seconds(10));
  scenario.base_ejection = std::min(scenario.base_ejection, absl::Seconds(5));
  scenario.default_cooling =
      std::min(scenario.default_cooling, kHealedCoolingMax);
  DrawCalls(draw, scenario, 240, absl::Minutes(4));
}

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

}  // namespace

std::string_view ConductName(Conduct conduct) {
  static constexpr std::string_view kNames[] = {"well",
                                                "refuses connections",
                                                "fails",
                                                "overloaded",
                                                "silent",
                                                "limits",
                                                "refuses key",
                                                "has no money",
                                                "breaks before content",
                                                "breaks after content",
                                                "had hung up",
                                                "too long",
                                                "refuses content",
                                                "talks nonsense"};
  return kNames[static_cast<size_t>(conduct)];
}

std::string_view KindName(Scenario::Kind kind) {
  static constexpr std::string_view kNames[] = {"mixed", "dead provider",
                                                "all well", "healed"};
  return kNames[static_cast<size_t>(kind)];
}

std::string Scenario::Yaml() const {
  std::string yaml = "providers:\n";
  for (const ProviderScript& provider : providers) {
    absl::StrAppend(&yaml, "  - name: ", provider.name,
                    "\n    openai_compatible: {base_url: "
                    "\"http://127.0.0.1:1/v1\"",
                    provider.credentials == 0
                        ? ""
                        : ", api_key: " + SecretOf(provider.name, 0),
                    "}\n");
    if (provider.credentials < 2) continue;
    absl::StrAppend(&yaml, "    credentials:\n");
    for (int i = 1; i < provider.credentials; ++i) {
      absl::StrAppend(&yaml, "      - {name: ", CredentialName(i),
                      ", api_key: ", SecretOf(provider.name, i), "}\n");
    }
  }
  absl::StrAppend(&yaml, "routing:\n  strict: true\n  model_rules:\n");
  for (const ScenarioRoute& route : routes) {
    absl::StrAppend(&yaml, "    - exact: ", route.model,
                    "\n      balancing: ", route.balancing,
                    "\n      targets: ", ListYaml(route.targets, TargetYaml),
                    "\n");
    if (route.fallbacks.empty()) continue;
    absl::StrAppend(&yaml, "      fallbacks: ",
                    ListYaml(route.fallbacks, FallbackYaml), "\n");
  }
  absl::StrAppend(
      &yaml, "resilience:\n  call_timeout: ", Millis(call_timeout),
      "\n  retry: {attempts_limit: ", attempts_limit,
      ", backoff_base: ", Millis(backoff_base),
      ", backoff_limit: ", Millis(backoff_limit),
      "}\n  circuit_breaker: {mode: ", breaker_enforced ? "enforce" : "\"off\"",
      ", consecutive_failures: ", consecutive_failures,
      ", failure_percent: ", failure_percent,
      ", minimum_calls: ", minimum_calls, ", window: ", Millis(window),
      ", open_duration: ", Millis(open_duration),
      ", half_open_probes: ", half_open_probes,
      "}\n  retry_budget: {percent: ", budget_percent,
      ", minimum: ", budget_minimum,
      "}\n  credential_cooling: {default_cooling: ", Millis(default_cooling),
      ", cooling_limit: ", Millis(cooling_limit), "}\n");
  if (ejects) {
    absl::StrAppend(
        &yaml, "  outlier_ejection: {enabled: true, consecutive_failures: ",
        ejection_failures,
        ", interval: 2s, base_ejection: ", Millis(base_ejection),
        ", ejection_limit: ", Millis(2 * base_ejection),
        ", ejected_percent_limit: ", ejected_percent_limit,
        ", slow_start: 3s}\n");
  }
  if (hedge_delay != absl::InfiniteDuration()) {
    absl::StrAppend(&yaml,
                    "  hedging: {enabled: true, delay: ", Millis(hedge_delay),
                    "}\n");
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

std::string CredentialName(int number) {
  return number == 0 ? "default" : absl::StrCat("key-", number);
}

Scenario MakeScenario(uint64_t seed) {
  Drawing draw(seed);
  Scenario scenario{.seed = seed};
  switch (seed % 8) {
    case 0:
      DrawDeadProvider(draw, scenario);
      break;
    case 1:
      DrawAllWell(draw, scenario);
      break;
    case 2:
      DrawHealed(draw, scenario);
      break;
    default:
      DrawMixed(draw, scenario);
      break;
  }
  return scenario;
}

}  // namespace gateway
