// What it costs to find a model's rule and to choose among targets, with few
// and with many of them, in nanoseconds and allocations.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "service/routing/agent_inference.h"
#include "service/routing/balancing.h"
#include "service/routing/fallback_plan.h"
#include "service/routing/model_rule_index.h"
#include "service/routing/model_tier.h"

namespace {
size_t allocations = 0;
}  // namespace

void* operator new(size_t bytes) {
  ++allocations;
  if (void* memory = malloc(bytes); memory != nullptr) return memory;
  abort();
}
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }

namespace gateway {
namespace {

// Keeps what is measured from being left out.
size_t sum = 0;

// Prints the best of many short rounds, since others share the machine.
void Measure(const std::string& name, int runs,
             const std::function<void()>& run) {
  constexpr int kRounds = 300;
  double best = 1e18;
  run();
  const size_t before = allocations;
  for (int round = 0; round < kRounds; ++round) {
    const absl::Duration start = SystemClock().SteadyTime();
    for (int i = 0; i < runs; ++i) run();
    const absl::Duration taken = SystemClock().SteadyTime() - start;
    best = std::min(best, absl::ToDoubleNanoseconds(taken) / runs);
  }
  printf("%-52s %10.1f ns %8.2f allocations\n", name.c_str(), best,
         static_cast<double>(allocations - before) / (kRounds * runs));
}

// Names that are looked up: of every kind of rule, and of none.
constexpr std::string_view kModels[] = {
    "gpt-5-mini-2025-08-07",    "claude-sonnet-4-5-20250929",
    "team-7/claude-sonnet-7-x", "model-12-large",
    "some-unknown-model",       "alias-5",
};

void MeasureRules(int count) {
  std::vector<std::string> texts;
  std::vector<ModelRuleIndex::Rule> rules;
  texts.reserve(count);
  for (int i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    using Match = ModelRuleIndex::Match;
    static constexpr Match kKinds[] = {Match::kExact, Match::kPrefix,
                                       Match::kGlob, Match::kGlob,
                                       Match::kGlob};
    const std::string forms[] = {"alias-" + n, "team-" + n + "/",
                                 "model-" + n + "*-large",
                                 "*-" + n + "-20250929", "claude-?-" + n};
    texts.push_back(forms[i % 5]);
    rules.push_back({kKinds[i % 5], texts.back()});
  }
  texts[count - 2] = "gpt-";
  rules[count - 2] = {ModelRuleIndex::Match::kPrefix, texts[count - 2]};
  texts[count - 1] = "claude-";
  rules[count - 1] = {ModelRuleIndex::Match::kPrefix, texts[count - 1]};
  const absl::Duration start = SystemClock().SteadyTime();
  const ModelRuleIndex index(rules);
  const absl::Duration taken = SystemClock().SteadyTime() - start;
  Measure(std::to_string(count) + " rules: six names", 1'000, [&] {
    for (const std::string_view model : kModels) {
      sum += index.Find(model).value_or(0);
    }
  });
  printf("  (built in %s)\n", absl::FormatDuration(taken).c_str());
}

struct Targets {
  explicit Targets(int count) {
    names.reserve(count);
    for (int i = 0; i < count; ++i) {
      names.push_back("provider-" + std::to_string(i) + "/model");
      targets.push_back({.name = names.back(),
                         .weight = static_cast<uint32_t>(1 + i % 7),
                         .price_usd_nanos = i % 5});
      loads.push_back({.in_flight = static_cast<uint32_t>(i % 11),
                       .latency = absl::Milliseconds(50 + i % 100)});
    }
  }

  std::vector<std::string> names;
  std::vector<BalancedTarget> targets;
  std::vector<TargetLoad> loads;
};

void MeasureStrategies(int count) {
  static constexpr std::pair<BalancingStrategy, const char*> kStrategies[] = {
      {BalancingStrategy::kWeighted, "weighted"},
      {BalancingStrategy::kRoundRobin, "round robin"},
      {BalancingStrategy::kLeastRequests, "least requests"},
      {BalancingStrategy::kLowestLatency, "lowest latency"},
      {BalancingStrategy::kCheapest, "cheapest"},
      {BalancingStrategy::kSticky, "sticky"},
  };
  const Targets of(count);
  for (const auto& [strategy, name] : kStrategies) {
    const absl::Duration start = SystemClock().SteadyTime();
    const Balancer balancer(strategy, of.targets);
    const absl::Duration taken = SystemClock().SteadyTime() - start;
    const auto load_of = [&](size_t target) { return of.loads[target]; };
    const std::string title =
        std::to_string(count) + " targets, " + std::string(name) + ": ";
    Measure(title + "choose", 1'000, [&] {
      sum +=
          balancer
              .Choose({.random = SystemRandom(), .sticky_hash = sum}, load_of)
              ->target;
    });
    Measure(title + "order of 8", 200, [&] {
      sum +=
          balancer
              .Order({.random = SystemRandom(), .sticky_hash = sum}, load_of, 8)
              .size();
    });
    printf("  (built in %s)\n", absl::FormatDuration(taken).c_str());
  }
}

void MeasureTheRest() {
  const std::vector<ModelTierRule> rules = {
      {.tier = "opus", .contains = "opus"},
      {.tier = "sonnet", .contains = "sonnet"},
      {.tier = "haiku", .contains = "haiku"},
      {.tier = "gpt4", .contains = "gpt-4"},
      {.tier = "gpt35", .contains = "gpt-3.5"},
      {.tier = "deepseek", .contains = "deepseek"}};
  const ModelTiers tiers(rules);
  Measure("tier of a name", 1'000, [&] {
    sum += tiers.TierOf("claude-haiku-4-5-20251001").has_value();
  });
  const AgentInference inference(CommonAgentPhrases(),
                                 [](std::string_view) { return true; });
  std::string text;
  while (text.size() < AgentInference::kTextBytesMax) {
    text += "You are a kind and patient person who answers questions. ";
  }
  Measure("agent of 8 KiB of system text and 8 KiB of user's", 5,
          [&] { sum += inference.Infer({text}, {text}).has_value(); });
  const std::string prompt(2000, 'x');
  Measure("sticky hash of a prompt", 5'000,
          [&] { sum += StickyHash(StickyBy::kPromptPrefix, prompt); });
  const std::vector<RouteTarget> group = {{"a", "m"}, {"b", "m"}};
  const std::vector<RouteTarget> common = {{"c", "m"}, {"d", "m"}};
  Measure("fallback plan: four targets", 1'000, [&] {
    const auto lacks = [](const RouteTarget&) { return ""; };
    GroupOrder order(group);
    FallbackPlan plan(order, {}, {.any = common}, "m");
    sum += plan.First(lacks).has_value();
    for (int i = 0; i < 3; ++i) {
      sum += plan.Next(FailureKind::kOther, lacks).has_value();
    }
  });
}

}  // namespace
}  // namespace gateway

int main() {
  for (const int count : {10, 1'000, 10'000}) gateway::MeasureRules(count);
  for (const int count : {4, 8, 1'000}) gateway::MeasureStrategies(count);
  gateway::MeasureTheRest();
  return gateway::sum == 0;
}
