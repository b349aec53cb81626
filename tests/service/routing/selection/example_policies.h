// The two models and three nodes of the example that this kind of configuration
// was first published with (model_policies.yaml, node_requirements.yaml), and
// models made up for a test.
//
//   const PolicyTable table(ExamplePolicies(), ExampleNodes());
//   const PolicyTable other({Model("a", kCapabilityVision)}, {});
//
// Thread contract: pure functions.

#ifndef TESTS_SERVICE_ROUTING_SELECTION_EXAMPLE_POLICIES_H_
#define TESTS_SERVICE_ROUTING_SELECTION_EXAMPLE_POLICIES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "service/routing/selection/model_capability.h"
#include "service/routing/selection/model_policy.h"
#include "service/routing/selection/model_selection.h"
#include "tests/testing/fake_random.h"

namespace gateway {

inline std::vector<ModelPolicy> ExamplePolicies() {
  return {
      {.id = "gemini-2.5-pro",
       .provider = "openrouter",
       .model = "google/gemini-2.0-flash-exp",
       .capabilities = kCapabilityStreaming | kCapabilityFunctionCalling |
                       kCapabilityLongContext | kCapabilityCreativeWriting,
       .cost_tier = CostTier::kMedium,
       .context_window_tokens = 32000,
       .price = {150'000'000, 600'000'000},
       .fallback_models = {"claude-sonnet", "gpt-4o"}},
      {.id = "claude-sonnet",
       .provider = "openrouter",
       .model = "anthropic/claude-3.5-sonnet-20241022",
       .capabilities = kCapabilityStreaming | kCapabilityReasoning |
                       kCapabilityFunctionCalling,
       .cost_tier = CostTier::kHigh,
       .context_window_tokens = 200000,
       .price = {3'000'000'000, 15'000'000'000},
       .fallback_models = {"gpt-4o", "gemini-2.5-pro"}},
  };
}

inline std::vector<NodeRequirement> ExampleNodes() {
  return {
      {.name = "writer",
       .required = kCapabilityStreaming | kCapabilityCreativeWriting,
       .preferred = kCapabilityLongContext | kCapabilityFunctionCalling,
       .context_window_tokens_min = 8000,
       .cost_tier_max = CostTier::kHigh},
      {.name = "evaluator",
       .required = kCapabilityReasoning,
       .preferred = kCapabilityFunctionCalling,
       .context_window_tokens_min = 8000,
       .cost_tier_max = CostTier::kPremium,
       .reasoning_required = true},
      {.name = "search_perplexity",
       .required = kCapabilityWebSearch,
       .preferred = kCapabilityStreaming,
       .context_window_tokens_min = 16000,
       .cost_tier_max = CostTier::kHigh},
  };
}

inline ModelPolicy Model(const std::string& id, CapabilitySet capabilities,
                         CostTier tier = CostTier::kMedium) {
  return {.id = id,
          .provider = "p",
          .model = id,
          .capabilities = capabilities,
          .cost_tier = tier};
}

// Says of each model of a table, in its order, why it cannot be asked now; of
// those with an empty text, nothing.
inline std::function<SelectionObstacle(size_t)> Unavailable(
    std::vector<std::string> reasons) {
  return [reasons = std::move(reasons)](size_t place) {
    return SelectionObstacle{.why = reasons[place]};
  };
}

// Returns one of the four tiers.
inline CostTier DrawTier(FakeRandom& random) {
  return static_cast<CostTier>(1 + random.Below(4));
}

// Returns up to `max` models of few different properties, so that many are
// equal in some; their fallbacks are each other, and `nobody`.
inline std::vector<ModelPolicy> DrawPolicies(FakeRandom& random, int max) {
  const int count = static_cast<int>(random.Below(max + 1));
  std::vector<ModelPolicy> policies;
  for (int i = 0; i < count; ++i) {
    ModelPolicy policy =
        Model("m" + std::to_string(i), random.Below(16), DrawTier(random));
    policy.context_window_tokens = 2000 << random.Below(4);
    policy.price.input_usd_nanos_per_million =
        static_cast<int64_t>(1 + random.Below(3)) * 1'000'000'000;
    policy.price.output_usd_nanos_per_million =
        static_cast<int64_t>(1 + random.Below(3)) * 1'000'000'000;
    for (uint64_t n = random.Below(4); n > 0; --n) {
      const uint64_t other = random.Below(count + 1);
      policy.fallback_models.push_back(other == static_cast<uint64_t>(count)
                                           ? "nobody"
                                           : "m" + std::to_string(other));
    }
    policies.push_back(policy);
  }
  return policies;
}

}  // namespace gateway

#endif  // TESTS_SERVICE_ROUTING_SELECTION_EXAMPLE_POLICIES_H_
