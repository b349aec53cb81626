// What holds of every selection, whatever is configured and asked for.

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/routing/selection/model_selection.h"
#include "service/routing/selection/node_policy.h"
#include "tests/service/routing/selection/example_policies.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

// A drawn table with a drawn query about it.
struct Drawn {
  explicit Drawn(FakeRandom& random)
      : policies(DrawPolicies(random, 8)), table(policies, DrawNodes(random)) {
    for (const ModelPolicy& policy : table.policies()) {
      performance.push_back(DrawRecord(random));
      unavailable.push_back(random.Below(6) == 0 ? "circuit open" : "");
      if (random.Below(4) == 0) failures.push_back(policy.id);
    }
    query.node = random.Below(3) == 0 ? "other" : "node";
    query.capabilities = random.Below(16) & random.Below(16);
    query.strategy = kSelectionStrategies[random.Below(5)];
    if (random.Below(3) == 0) query.cost_tier_max = DrawTier(random);
    if (random.Below(2) == 0) {
      query.budget_remaining_usd_nanos =
          static_cast<int64_t>(random.Below(10'000'000));
    }
    if (random.Below(2) == 0) query.performance = performance;
    if (random.Below(2) == 0) query.obstacle_of = Unavailable(unavailable);
    if (random.Below(2) == 0) query.previous_failures = failures;
  }

  static std::vector<NodeRequirement> DrawNodes(FakeRandom& random) {
    return {{.name = "node",
             .required = static_cast<CapabilitySet>(random.Below(16) &
                                                    random.Below(16)),
             .preferred = static_cast<CapabilitySet>(random.Below(16)),
             .context_window_tokens_min =
                 static_cast<int64_t>(2000 * random.Below(4)),
             .cost_tier_max = DrawTier(random)}};
  }

  static PerformanceRecord DrawRecord(FakeRandom& random) {
    const auto successes = static_cast<int64_t>(random.Below(3));
    return {.successes = successes,
            .failures = static_cast<int64_t>(random.Below(3)),
            .latency_sum =
                successes * absl::Seconds(static_cast<int>(random.Below(4))),
            .recent_failures = static_cast<int>(random.Below(3))};
  }

  const std::vector<ModelPolicy> policies;
  const PolicyTable table;
  std::vector<PerformanceRecord> performance;
  std::vector<std::string> unavailable;
  std::vector<std::string_view> failures;
  SelectionQuery query;
};

// The definition, model by model.
class Definition {
 public:
  explicit Definition(const Drawn& drawn)
      : drawn_(drawn), query_(drawn.query) {}

  bool Serves(const ModelPolicy& policy) const {
    const bool strict = query_.strategy == SelectionStrategy::kCapabilityStrict;
    const NodeRequirement& node = drawn_.table.RequirementOf(query_.node);
    CapabilitySet needed = query_.capabilities;
    CostTier highest = strict ? CostTier::kPremium : node.cost_tier_max;
    if (!strict) needed |= node.required;
    if (query_.cost_tier_max.has_value()) highest = *query_.cost_tier_max;
    return (needed & ~policy.capabilities) == 0 &&
           policy.cost_tier <= highest &&
           (strict ||
            policy.context_window_tokens >= node.context_window_tokens_min) &&
           (query_.obstacle_of == nullptr ||
            query_.obstacle_of(PlaceOf(policy)).why.empty());
  }

  bool HasFailed(const ModelPolicy& policy) const {
    return std::count(query_.previous_failures.begin(),
                      query_.previous_failures.end(), policy.id) > 0;
  }

  int64_t CostOf(const ModelPolicy& policy) const {
    return EstimateCost(policy.price, query_.capabilities);
  }

  bool IsWithinBudget(const ModelPolicy& policy) const {
    return !query_.budget_remaining_usd_nanos.has_value() ||
           CostOf(policy) <= *query_.budget_remaining_usd_nanos;
  }

  // The less, the better, by the strategy alone.
  std::tuple<double, int64_t, size_t> Rank(const ModelPolicy& policy) const {
    const size_t place = PlaceOf(policy);
    const double performance = PerformanceScore(
        query_.performance.empty() ? PerformanceRecord()
                                   : query_.performance[place]);
    const int tier = static_cast<int>(policy.cost_tier);
    switch (query_.strategy) {
      case SelectionStrategy::kPerformanceOptimized:
        return {-(performance + (tier == 4   ? 10
                                 : tier == 3 ? 5
                                             : 0)),
                0, place};
      case SelectionStrategy::kBalanced:
        return {-(.6 * performance + .4 * (125 - 25 * tier)), 0, place};
      case SelectionStrategy::kAdminPreferred:
        return {-NodeScore(policy, drawn_.table.RequirementOf(query_.node)), 0,
                place};
      default:
        return {tier, policy.price.sum(), place};
    }
  }

  size_t PlaceOf(const ModelPolicy& policy) const {
    return &policy - drawn_.table.policies().data();
  }

 private:
  const Drawn& drawn_;
  const SelectionQuery& query_;
};

// Returns the models that may be chosen: those that serve and have not failed,
// or, if all have failed, all that serve.
std::vector<const ModelPolicy*> Choosable(const Drawn& drawn) {
  const Definition definition(drawn);
  std::vector<const ModelPolicy*> fresh;
  std::vector<const ModelPolicy*> all;
  for (const ModelPolicy& policy : drawn.table.policies()) {
    if (!definition.Serves(policy)) continue;
    all.push_back(&policy);
    if (drawn.query.strategy == SelectionStrategy::kAdminPreferred ||
        !definition.HasFailed(policy)) {
      fresh.push_back(&policy);
    }
  }
  return fresh.empty() ? all : fresh;
}

const ModelPolicy* Expected(const Drawn& drawn) {
  const Definition definition(drawn);
  const ModelPolicy* best = nullptr;
  const ModelPolicy* within = nullptr;
  const ModelPolicy* lowest = nullptr;
  const auto by_cost = [&](const ModelPolicy& policy) {
    return std::tuple(definition.CostOf(policy), definition.PlaceOf(policy));
  };
  const auto by_tier = [&](const ModelPolicy& policy) {
    return std::tuple(policy.cost_tier, by_cost(policy));
  };
  for (const ModelPolicy* policy : Choosable(drawn)) {
    if (best == nullptr || definition.Rank(*policy) < definition.Rank(*best)) {
      best = policy;
    }
    if (definition.IsWithinBudget(*policy) &&
        (within == nullptr || by_cost(*policy) < by_cost(*within))) {
      within = policy;
    }
    if (lowest == nullptr || by_tier(*policy) < by_tier(*lowest)) {
      lowest = policy;
    }
  }
  if (best == nullptr || definition.IsWithinBudget(*best)) return best;
  return within != nullptr ? within : lowest;
}

TEST(SelectionPropertyTest, AgreesWithTheDefinition) {
  FakeRandom random{20260105};
  int chosen = 0;
  int refused = 0;
  std::set<SelectionBasis> bases;
  for (int round = 0; round < 50'000; ++round) {
    const Drawn drawn(random);
    const ModelPolicy* expected = Expected(drawn);
    const absl::StatusOr<SelectionResult> result =
        SelectModel(drawn.table, drawn.query);
    ASSERT_EQ(result.ok(), expected != nullptr) << round;
    if (!result.ok()) {
      ++refused;
      continue;
    }
    ++chosen;
    bases.insert(result->basis);
    ASSERT_EQ(result->model, expected) << round;
    ASSERT_GE(result->confidence, 0);
    ASSERT_LE(result->confidence, 1);
  }
  // Both sides were seen, and every way to a choice but the override.
  EXPECT_GT(chosen, 10'000);
  EXPECT_GT(refused, 10'000);
  EXPECT_EQ(bases.size(), 4u);
}

TEST(SelectionPropertyTest, WhateverIsOfferedCanServe) {
  FakeRandom random{20260106};
  for (int round = 0; round < 50'000; ++round) {
    const Drawn drawn(random);
    const absl::StatusOr<SelectionResult> result =
        SelectModel(drawn.table, drawn.query);
    if (!result.ok()) {
      // Waiting helps only where somebody has all that is needed.
      const bool all_lack = FaultReason(result.status()) ==
                            v1::ERROR_REASON_CAPABILITY_UNSUPPORTED;
      SelectionQuery later = drawn.query;
      later.obstacle_of = nullptr;
      ASSERT_EQ(SelectModel(drawn.table, later).ok(), !all_lack);
      continue;
    }
    const Definition definition(drawn);
    const std::vector<const ModelPolicy*> choosable = Choosable(drawn);
    std::set<const ModelPolicy*> offered = {result->model};
    for (const ModelPolicy* other : result->alternatives) {
      ASSERT_TRUE(std::count(choosable.begin(), choosable.end(), other));
      ASSERT_TRUE(offered.insert(other).second) << "offered twice";
    }
    offered = {result->model};
    for (const ModelPolicy* other : result->fallback_chain) {
      ASSERT_TRUE(definition.Serves(*other));
      ASSERT_TRUE(offered.insert(other).second) << "in the chain twice";
    }
    if (result->basis == SelectionBasis::kWithinBudget) {
      for (const ModelPolicy* other : result->alternatives) {
        ASSERT_TRUE(definition.IsWithinBudget(*other));
      }
    }
  }
}

TEST(SelectionPropertyTest, AddressesDecideNothing) {
  FakeRandom random{20260107};
  for (int round = 0; round < 10'000; ++round) {
    const Drawn drawn(random);
    const PolicyTable copy(drawn.table.policies(), drawn.table.nodes());
    const absl::StatusOr<SelectionResult> a =
        SelectModel(drawn.table, drawn.query);
    const absl::StatusOr<SelectionResult> b = SelectModel(copy, drawn.query);
    ASSERT_EQ(FaultReason(a.status()), FaultReason(b.status()));
    ASSERT_EQ(a.status().message(), b.status().message());
    if (!a.ok()) continue;
    ASSERT_EQ(a->model->id, b->model->id);
    ASSERT_EQ(a->Reasoning(), b->Reasoning());
    ASSERT_EQ(a->alternatives.size(), b->alternatives.size());
    for (size_t i = 0; i < a->alternatives.size(); ++i) {
      ASSERT_EQ(a->alternatives[i]->id, b->alternatives[i]->id);
    }
  }
}

}  // namespace
}  // namespace gateway
