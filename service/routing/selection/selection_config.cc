#include "service/routing/selection/selection_config.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

// A dollar for a thousand tokens is so many nano-dollars for a million.
constexpr int64_t kNanosPerMillion = 1'000'000'000'000;
constexpr size_t kDecimalsMax = 12;
constexpr int64_t kDollarsMax = kPriceUsdNanosMax / kNanosPerMillion;

// The numbers of both enums are the same.
CostTier TierOf(configv1::CostTier tier) { return static_cast<CostTier>(tier); }

}  // namespace

std::optional<int64_t> ParseCostPer1k(std::string_view text) {
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view decimals =
      point == std::string_view::npos ? "0" : text.substr(point + 1);
  const auto is_number = [](std::string_view digits, size_t most) {
    return !digits.empty() && digits.size() <= most &&
           std::all_of(digits.begin(), digits.end(),
                       [](unsigned char c) { return absl::ascii_isdigit(c); });
  };
  if (!is_number(whole, 9) || !is_number(decimals, kDecimalsMax)) {
    return std::nullopt;
  }
  int64_t dollars = 0;
  for (const char digit : whole) dollars = 10 * dollars + (digit - '0');
  if (dollars > kDollarsMax) return std::nullopt;
  int64_t nanos = dollars * kNanosPerMillion;
  int64_t place = kNanosPerMillion;
  for (const char digit : decimals) {
    place /= 10;
    nanos += place * (digit - '0');
  }
  if (nanos > kPriceUsdNanosMax) return std::nullopt;
  return nanos;
}

CapabilitySet CapabilitiesOf(
    const google::protobuf::RepeatedPtrField<std::string>& names) {
  CapabilitySet set = 0;
  for (const std::string& name : names) {
    const absl::StatusOr<Capability> capability = ParseCapability(name);
    if (capability.ok()) set |= *capability;
  }
  return set;
}

std::vector<ModelPolicy> PoliciesOf(const configv1::SelectionConfig& config) {
  std::vector<ModelPolicy> policies;
  for (const configv1::ModelPolicy& from : config.policies()) {
    policies.push_back(
        {.id = from.id(),
         .provider = from.target().provider(),
         .model = from.target().model(),
         .capabilities = CapabilitiesOf(from.capabilities()),
         .cost_tier = TierOf(from.cost_tier()),
         .context_window_tokens = from.context_window_tokens(),
         .price = {ParseCostPer1k(from.input_cost_per_1k()).value_or(0),
                   ParseCostPer1k(from.output_cost_per_1k()).value_or(0)},
         .fallback_models = {from.fallback_models().begin(),
                             from.fallback_models().end()},
         .admin_overridable = from.admin_overridable()});
  }
  return policies;
}

std::vector<NodeRequirement> NodesOf(const configv1::SelectionConfig& config) {
  std::vector<NodeRequirement> nodes;
  for (const configv1::NodeRequirement& from : config.nodes()) {
    nodes.push_back(
        {.name = from.name(),
         .required = CapabilitiesOf(from.required_capabilities()),
         .preferred = CapabilitiesOf(from.preferred_capabilities()),
         .context_window_tokens_min = from.context_window_tokens_min(),
         .cost_tier_max = TierOf(from.cost_tier_max()),
         .reasoning_required = from.reasoning_required()});
  }
  return nodes;
}

SelectionStrategy DefaultStrategyOf(const configv1::SelectionConfig& config) {
  return config.default_strategy() == configv1::SELECTION_STRATEGY_UNSPECIFIED
             ? SelectionStrategy::kBalanced
             : static_cast<SelectionStrategy>(config.default_strategy());
}

bool HasFallbacks(const configv1::SelectionConfig& config) {
  return !config.has_fallback_enabled() || config.fallback_enabled();
}

}  // namespace gateway
