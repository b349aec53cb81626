#include "service/routing/selection/model_policy.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr std::pair<CostTier, std::string_view> kCostTiers[] = {
    {CostTier::kLow, "LOW"},
    {CostTier::kMedium, "MEDIUM"},
    {CostTier::kHigh, "HIGH"},
    {CostTier::kPremium, "PREMIUM"},
};

int64_t UsablePrice(int64_t price) {
  return std::clamp<int64_t>(price, 0, kPriceUsdNanosMax);
}

}  // namespace

std::string_view CostTierName(CostTier tier) {
  for (const auto& [value, name] : kCostTiers) {
    if (value == tier) return name;
  }
  return "";
}

absl::StatusOr<CostTier> ParseCostTier(std::string_view name) {
  for (const auto& [tier, upper] : kCostTiers) {
    if (name == upper || name == absl::AsciiStrToLower(ToAbsl(upper))) {
      return tier;
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", ToAbsl(name),
                   "' is no cost tier; there are LOW, MEDIUM, HIGH, PREMIUM"));
}

int64_t ModelPrice::sum() const {
  return UsablePrice(input_usd_nanos_per_million) +
         UsablePrice(output_usd_nanos_per_million);
}

int64_t EstimateCost(const ModelPrice& price, CapabilitySet capabilities) {
  int64_t input_tokens = 1000;
  if (capabilities & kCapabilityLongContext) input_tokens *= 2;
  if (capabilities & kCapabilityReasoning) input_tokens += input_tokens / 2;
  const int64_t output_tokens = input_tokens / 2;
  constexpr int64_t kMillion = 1'000'000;
  // At most 4.5e18, which an int64_t holds.
  const int64_t millionths =
      input_tokens * UsablePrice(price.input_usd_nanos_per_million) +
      output_tokens * UsablePrice(price.output_usd_nanos_per_million);
  return (millionths + kMillion / 2) / kMillion;
}

PolicyTable::PolicyTable(std::vector<ModelPolicy> policies,
                         std::vector<NodeRequirement> nodes)
    : policies_(std::move(policies)), nodes_(std::move(nodes)) {
  for (size_t i = 0; i < policies_.size(); ++i) {
    policy_index_.emplace_back(policies_[i].id, i);
  }
  for (size_t i = 0; i < nodes_.size(); ++i) {
    node_index_.emplace_back(nodes_[i].name, i);
  }
  std::sort(policy_index_.begin(), policy_index_.end());
  std::sort(node_index_.begin(), node_index_.end());
}

const size_t* PolicyTable::Find(const Index& index, std::string_view name) {
  const auto found =
      std::lower_bound(index.begin(), index.end(), name,
                       [](const auto& entry, std::string_view key) {
                         return entry.first < key;
                       });
  if (found == index.end() || found->first != name) return nullptr;
  return &found->second;
}

const ModelPolicy* PolicyTable::FindPolicy(std::string_view id) const {
  const size_t* place = Find(policy_index_, id);
  return place == nullptr ? nullptr : &policies_[*place];
}

const NodeRequirement* PolicyTable::FindNode(std::string_view name) const {
  const size_t* place = Find(node_index_, name);
  return place == nullptr ? nullptr : &nodes_[*place];
}

const NodeRequirement& PolicyTable::RequirementOf(std::string_view node) const {
  const NodeRequirement* found = FindNode(node);
  return found == nullptr ? default_requirement_ : *found;
}

}  // namespace gateway
