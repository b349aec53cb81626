#include "tests/simulation/scenario.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "tests/simulation/call_drawing.h"
#include "tests/simulation/drawing.h"
#include "tests/simulation/operator_deed.h"
#include "tests/simulation/own_settings.h"

namespace gateway {
namespace {

constexpr size_t kCapabilities = 4;

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
  if (draw.InPercent(10)) {
    phase.limit_resets_in = draw.MillisBetween(0, 20'000);
  }
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
  scenario.breaker = DrawBreaker(draw);
  scenario.budget_percent = draw.OneOf({0, 20, 20, 50, 100});
  scenario.budget_minimum = draw.OneOf({0, 1, 3, 3, 10});
  scenario.ejects = draw.InPercent(40);
  scenario.ejection_failures = draw.Between(1, 6);
  scenario.base_ejection = draw.MillisBetween(1, 30'000);
  scenario.ejection_limit = scenario.base_ejection * draw.Between(1, 4);
  scenario.ejection_interval = draw.MillisBetween(1000, 10'000);
  scenario.slow_start = draw.MillisBetween(0, 20'000);
  scenario.ejected_percent_limit = draw.OneOf({0, 10, 50, 100, 100});
  if (draw.InPercent(40)) scenario.hedge_delay = draw.MillisBetween(1, 3000);
  scenario.default_cooling = draw.MillisBetween(0, 20'000);
  scenario.cooling_limit = draw.MillisBetween(1000, 120'000);
}

std::string DrawProviderName(Drawing& draw, const Scenario& scenario) {
  return absl::StrCat(
      "p", draw.Between(0, static_cast<int>(scenario.providers.size()) - 1));
}

ScenarioCapabilities DrawCapabilities(Drawing& draw, int percent) {
  ScenarioCapabilities set = 0;
  for (size_t i = 0; i < kCapabilities; ++i) {
    if (draw.InPercent(percent)) set |= 1U << i;
  }
  return set;
}

// Models that differ in what they can do, and calls that need some of it.
void DrawSelection(Drawing& draw, Scenario& scenario) {
  const int policies = draw.Between(1, 6);
  for (int i = 0; i < policies; ++i) {
    scenario.policies.push_back(
        {.id = absl::StrCat("s", i),
         .target = {.provider = DrawProviderName(draw, scenario),
                    .model = absl::StrCat("s", i)},
         .capabilities = DrawCapabilities(draw, 60),
         .cost_tier = draw.Between(1, 4),
         .price = draw.Between(1, 3),
         .context_window = 1000 * draw.Between(4, 64)});
  }
  for (int i = 0; i < draw.Between(1, 3); ++i) {
    scenario.nodes.push_back({.name = absl::StrCat("n", i),
                              .required = DrawCapabilities(draw, 25),
                              .cost_tier_max = draw.Between(1, 4),
                              .context_window_min = 1000 * draw.Between(1, 32),
                              .needs_reasoning = draw.InPercent(20)});
  }
  constexpr ScenarioStrategy kStrategies[] = {
      ScenarioStrategy::kCostOptimized,
      ScenarioStrategy::kCostOptimized,
      ScenarioStrategy::kCapabilityStrict,
      ScenarioStrategy::kCapabilityStrict,
      ScenarioStrategy::kBalanced,
      ScenarioStrategy::kAdminPreferred,
      ScenarioStrategy::kPerformanceOptimized};
  for (ScenarioCall& call : scenario.calls) {
    if (draw.InPercent(50)) continue;
    call.need = ScenarioNeed{.node = draw.Below(scenario.nodes.size()),
                             .capabilities = DrawCapabilities(draw, 15),
                             .strategy = draw.OneOf(kStrategies)};
  }
}

// An operator changes whom the rules are for while calls run.
void DrawRollout(Drawing& draw, Scenario& scenario, absl::Duration length) {
  const auto share = [&draw] {
    return draw.OneOf({0, 100 * draw.Between(0, 100), ScenarioRollout::kAll});
  };
  scenario.rollout.share = share();
  if (draw.InPercent(60)) {
    scenario.rollout.baseline =
        ScenarioTarget{.provider = DrawProviderName(draw, scenario),
                       .model = absl::StrCat("m", draw.Between(0, 2))};
  }
  absl::Duration at;
  for (int i = 0; i < draw.Between(0, 5); ++i) {
    at += length / draw.Between(2, 8);
    scenario.rollout.changes.push_back({.at = at, .share = share()});
  }
}

void DrawMixed(Drawing& draw, Scenario& scenario) {
  const auto length = absl::Seconds(draw.Between(20, 120));
  const int providers = draw.Between(1, 4);
  const bool have_settings = draw.InPercent(50);
  for (int i = 0; i < providers; ++i) {
    scenario.providers.push_back(DrawProvider(draw, i, length));
    if (have_settings) {
      scenario.providers.back().settings = DrawProviderSettings(draw);
    }
  }
  for (int i = 0; i < draw.Between(1, 3); ++i) {
    scenario.routes.push_back(
        DrawRoute(draw, static_cast<size_t>(i), scenario.providers.size()));
  }
  DrawSettings(draw, scenario);
  DrawCalls(draw, scenario, draw.Between(20, 120), length);
  DrawCallers(draw, scenario);
  if (draw.InPercent(30)) DrawSelection(draw, scenario);
  if (draw.InPercent(25)) DrawRollout(draw, scenario, length);
  if (draw.InPercent(35)) DrawModelSettings(draw, scenario);
  if (draw.InPercent(35)) DrawDeeds(draw, length, scenario);
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
  if (draw.InPercent(50)) {
    DrawCalls(draw, scenario, 200, length);
    return;
  }
  // So many at once that nothing but the budget and the back-offs hold their
  // retries back.
  scenario.breaker.enforced = false;
  Phase& dead = scenario.providers.front().phases.front();
  dead.latency = std::min(dead.latency, absl::Milliseconds(100));
  DrawCalls(draw, scenario, 400, absl::Seconds(1));
}

void DrawAllWell(Drawing& draw, Scenario& scenario) {
  scenario.kind = Scenario::Kind::kAllWell;
  const int providers = draw.Between(1, 5);
  ScenarioRoute route{
      .model = "r0",
      .balancing = std::string(draw.OneOf(
          {std::string_view("weighted"), std::string_view("round_robin"),
           std::string_view("least_requests"),
           std::string_view("lowest_latency")}))};
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
      phase.limit_resets_in =
          std::min(phase.limit_resets_in, kHealedCoolingMax);
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
  scenario.ejection_limit = 2 * scenario.base_ejection;
  scenario.slow_start = std::min(scenario.slow_start, absl::Seconds(5));
  scenario.default_cooling =
      std::min(scenario.default_cooling, kHealedCoolingMax);
  DrawCalls(draw, scenario, 240, absl::Minutes(4));
}

// One of several that share calls by weight fails until it is ejected, and then
// grows from a tenth of its weight to the whole while most calls come.
void DrawComesBack(Drawing& draw, Scenario& scenario) {
  scenario.kind = Scenario::Kind::kComesBack;
  ScenarioRoute route{.model = "r0", .balancing = "weighted"};
  const int providers = draw.Between(2, 4);
  for (int i = 0; i < providers; ++i) {
    ProviderScript script{.name = absl::StrCat("p", i),
                          .phases = {{.latency = draw.MillisBetween(1, 100)}}};
    if (i == 0) {
      script.phases.front().conduct = Conduct::kFails;
      script.phases.push_back(
          {.from = absl::Seconds(5), .latency = draw.MillisBetween(1, 100)});
    }
    scenario.providers.push_back(std::move(script));
    route.targets.push_back({.provider = absl::StrCat("p", i),
                             .model = "m0",
                             .weight = draw.Between(1, 3)});
  }
  scenario.routes.push_back(std::move(route));
  scenario.breaker.enforced = false;
  scenario.ejects = true;
  scenario.ejection_failures = draw.Between(1, 3);
  scenario.base_ejection = absl::Seconds(draw.Between(5, 10));
  scenario.slow_start = absl::Seconds(draw.Between(40, 80));
  DrawCalls(draw, scenario, 500, absl::Seconds(90));
}

// One or two of several with equal parts fail some of their calls, though not
// many in a row, and another may be slow: within an interval all have enough
// calls to be compared.
void DrawStraggler(Drawing& draw, Scenario& scenario) {
  scenario.kind = Scenario::Kind::kStraggler;
  ScenarioRoute route{
      .model = "r0",
      .balancing = std::string(draw.OneOf(
          {std::string_view("weighted"), std::string_view("round_robin")}))};
  const int providers = draw.Between(5, 6);
  for (int i = 0; i < providers; ++i) {
    scenario.providers.push_back(
        {.name = absl::StrCat("p", i),
         .phases = {{.latency = draw.MillisBetween(1, 150)}}});
    route.targets.push_back({.provider = absl::StrCat("p", i), .model = "m0"});
  }
  scenario.routes.push_back(std::move(route));
  const auto fails_often = [&](size_t provider) {
    Phase& fails = scenario.providers[provider].phases.front();
    fails.conduct = Conduct::kFails;
    fails.percent = draw.Between(1, 40);
  };
  fails_often(draw.Below(2));
  if (draw.InPercent(50)) fails_often(3);
  if (draw.InPercent(60)) {
    scenario.providers[2].phases.front().latency =
        draw.MillisBetween(200, 3000);
  }
  scenario.breaker.enforced = false;
  scenario.ejects = true;
  scenario.ejection_failures = draw.OneOf({0, 0, 6});
  scenario.base_ejection = absl::Seconds(draw.Between(1, 15));
  scenario.ejection_interval = draw.MillisBetween(36'000, 50'000);
  scenario.ejected_percent_limit = draw.OneOf({10, 20, 50, 100});
  scenario.success_deviation_thousandths = draw.OneOf({0, 1000, 1500, 1900});
  scenario.latency_percent = draw.OneOf({0, 150, 300});
  scenario.slow_start = draw.MillisBetween(0, 10'000);
  DrawCalls(draw, scenario, 1200, absl::Minutes(1));
}

ScenarioLimit DrawLimit(Drawing& draw) {
  ScenarioLimit limit{.counts_calls = draw.InPercent(30),
                      .limit = draw.OneOf({1, 2, 3, 5, 10, 30}),
                      .window = absl::Seconds(draw.OneOf({1, 3, 7, 10, 60})),
                      .per_user = draw.InPercent(40),
                      .per_session = draw.InPercent(30),
                      .observes = draw.InPercent(15)};
  limit.burst = draw.Between(1, 2 * limit.limit);
  // What is under way with a provider is no limit's affair but its own.
  if (!limit.counts_calls) limit.per_provider = draw.InPercent(30);
  return limit;
}

// Who is asked is as it should be whatever a limit of providers leaves out: of
// calls that chance sends by weights that is not so.
void DrawLimited(Drawing& draw, Scenario& scenario) {
  scenario.kind = Scenario::Kind::kLimited;
  ScenarioRoute route{
      .model = "r0",
      .balancing = std::string(draw.OneOf(
          {std::string_view("round_robin"), std::string_view("least_requests"),
           std::string_view("lowest_latency"), std::string_view("sticky")}))};
  const int providers = draw.Between(1, 3);
  for (int i = 0; i < providers; ++i) {
    scenario.providers.push_back(
        {.name = absl::StrCat("p", i),
         .phases = {{.latency = draw.MillisBetween(1, 2000)}}});
    route.targets.push_back({.provider = absl::StrCat("p", i), .model = "m0"});
  }
  scenario.routes.push_back(std::move(route));
  for (int i = 0; i < draw.Between(1, 5); ++i) {
    scenario.limits.push_back(DrawLimit(draw));
  }
  DrawCalls(draw, scenario, 300, absl::Seconds(30));
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
  static constexpr std::string_view kNames[] = {
      "mixed",      "dead provider", "all well", "healed",
      "comes back", "straggler",     "limited",  "money"};
  return kNames[static_cast<size_t>(kind)];
}

std::vector<std::string_view> CapabilityWords(ScenarioCapabilities set) {
  static constexpr std::string_view kWords[] = {
      "reasoning", "vision", "web_search", "function_calling"};
  static_assert(std::size(kWords) == kCapabilities);
  std::vector<std::string_view> words;
  for (size_t i = 0; i < std::size(kWords); ++i) {
    if ((set >> i & 1) != 0) words.push_back(kWords[i]);
  }
  return words;
}

std::string_view StrategyWord(ScenarioStrategy strategy) {
  static constexpr std::string_view kWords[] = {
      "cost_optimized", "performance_optimized", "balanced",
      "capability_strict", "admin_preferred"};
  return kWords[static_cast<size_t>(strategy)];
}

std::string PromptOf(const ScenarioCall& call) {
  return "What is six times seven?" +
         std::string(static_cast<size_t>(call.prompt_bytes), '.');
}

std::string CredentialName(int number) {
  return number == 0 ? "default" : absl::StrCat("key-", number);
}

Scenario MakeScenario(uint64_t seed) {
  Drawing draw(seed);
  Scenario scenario{.seed = seed};
  if (seed % 20 == 4) {
    DrawStraggler(draw, scenario);
    return scenario;
  }
  if (seed % 20 == 5) {
    DrawLimited(draw, scenario);
    return scenario;
  }
  if (seed % 20 == 15) {
    DrawTakenOut(draw, scenario);
    return scenario;
  }
  if (seed % 10 == 6) {
    DrawMoney(draw, scenario);
    return scenario;
  }
  switch (seed % 10) {
    case 0:
      DrawDeadProvider(draw, scenario);
      break;
    case 1:
      DrawAllWell(draw, scenario);
      break;
    case 2:
      DrawHealed(draw, scenario);
      break;
    case 3:
      DrawComesBack(draw, scenario);
      break;
    default:
      DrawMixed(draw, scenario);
      break;
  }
  return scenario;
}

}  // namespace gateway
