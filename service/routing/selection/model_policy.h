// ModelPolicy is what an operator says of one model: who serves it, what it can
// do, what it costs. NodeRequirement is what one kind of work asks of a model;
// a node is a step of the caller's pipeline, such as `writer`. PolicyTable
// holds those that are configured.
//
//   const PolicyTable table(policies, nodes);
//   const ModelPolicy* sonnet = table.FindPolicy("claude-sonnet");
//   table.RequirementOf("writer").cost_tier_max;  // CostTier::kHigh
//   EstimateCost(sonnet->price, kCapabilityReasoning);  // In nano-dollars.
//
// The order in which policies were configured decides wherever nothing else
// does.
//
// Thread contract: plain data; a PolicyTable is immutable.

#ifndef SERVICE_ROUTING_SELECTION_MODEL_POLICY_H_
#define SERVICE_ROUTING_SELECTION_MODEL_POLICY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "service/routing/selection/model_capability.h"

namespace gateway {

// What models cost, in four steps. They are compared as numbers, which are
// those of llmgateway.v1.Selection.CostTier.
enum class CostTier : uint8_t {
  kLow = 1,
  kMedium = 2,
  kHigh = 3,
  kPremium = 4,
};

// Returns `LOW`, `MEDIUM`, `HIGH` or `PREMIUM`. Valid forever.
std::string_view CostTierName(CostTier tier);

// The inverse, in upper or lower case. kInvalidArgument for any other text.
absl::StatusOr<CostTier> ParseCostTier(std::string_view name);

// A price above this, a million dollars for a million tokens, is counted as
// this.
inline constexpr int64_t kPriceUsdNanosMax = 1'000'000'000'000'000;

// In nano-US-dollars per million tokens: 0.003 $ per thousand tokens is
// 3'000'000'000. Negative counts as 0.
struct ModelPrice {
  int64_t input_usd_nanos_per_million = 1'000'000'000;
  int64_t output_usd_nanos_per_million = 3'000'000'000;

  // What models are compared by: a token of each kind.
  int64_t sum() const;
};

// Returns what a call is estimated to cost, in nano-US-dollars, rounded half
// up: 1000 tokens in, twice as many for `long_context`, and half more again for
// `reasoning`; half as many out.
int64_t EstimateCost(const ModelPrice& price, CapabilitySet capabilities);

struct ModelPolicy {
  std::string id;        // By which nodes and callers know the model.
  std::string provider;  // A configured provider's name.
  std::string model;     // The provider's name of it.
  CapabilitySet capabilities = 0;
  CostTier cost_tier = CostTier::kMedium;
  int64_t context_window_tokens = 8000;
  ModelPrice price;
  // Ids of policies, to be asked in this order if the model fails.
  std::vector<std::string> fallback_models;
  // Whether an operator may give the model to a node by an override.
  bool admin_overridable = true;
};

struct NodeRequirement {
  std::string name;
  CapabilitySet required = 0;
  CapabilitySet preferred = 0;
  int64_t context_window_tokens_min = 4000;
  CostTier cost_tier_max = CostTier::kHigh;
  bool reasoning_required = false;

  // What a model must be able to do.
  CapabilitySet needed() const {
    return reasoning_required ? required | kCapabilityReasoning : required;
  }
};

class PolicyTable {
 public:
  PolicyTable() : PolicyTable({}, {}) {}
  // Of several policies or nodes with the same name the first is found.
  PolicyTable(std::vector<ModelPolicy> policies,
              std::vector<NodeRequirement> nodes);

  PolicyTable(const PolicyTable&) = delete;
  PolicyTable& operator=(const PolicyTable&) = delete;

  // In configured order. Valid as long as this object, as is what the others
  // return.
  const std::vector<ModelPolicy>& policies() const { return policies_; }
  const std::vector<NodeRequirement>& nodes() const { return nodes_; }

  // Each returns null if there is none of this name.
  const ModelPolicy* FindPolicy(std::string_view id) const;
  const NodeRequirement* FindNode(std::string_view name) const;

  // Returns what the node asks for; if it is not configured, the defaults of
  // NodeRequirement, without a name.
  const NodeRequirement& RequirementOf(std::string_view node) const;

 private:
  // Names with their places, sorted.
  using Index = std::vector<std::pair<std::string_view, size_t>>;

  static const size_t* Find(const Index& index, std::string_view name);

  const std::vector<ModelPolicy> policies_;
  const std::vector<NodeRequirement> nodes_;
  const NodeRequirement default_requirement_{};
  Index policy_index_;
  Index node_index_;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_SELECTION_MODEL_POLICY_H_
