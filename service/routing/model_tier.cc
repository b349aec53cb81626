#include "service/routing/model_tier.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr std::string_view kNamedTierPrefix = "tier:";

PhraseSet PhrasesOf(absl::Span<const ModelTierRule> rules) {
  std::vector<std::string_view> phrases;
  for (const ModelTierRule& rule : rules) phrases.push_back(rule.contains);
  return PhraseSet(phrases);
}

}  // namespace

ModelTiers::ModelTiers(absl::Span<const ModelTierRule> rules)
    : contained_(PhrasesOf(rules)) {
  for (const ModelTierRule& rule : rules) {
    tiers_.push_back(absl::AsciiStrToLower(rule.tier));
  }
}

std::optional<std::string_view> ModelTiers::TierOf(
    std::string_view model) const {
  if (const auto named = NamedTier(model); named.has_value()) {
    for (const std::string& tier : tiers_) {
      if (absl::EqualsIgnoreCase(tier, ToAbsl(*named))) return tier;
    }
    return std::nullopt;
  }
  const std::optional<size_t> rule = contained_.FindFirst(model);
  if (!rule.has_value()) return std::nullopt;
  return tiers_[*rule];
}

std::optional<std::string_view> ModelTiers::NamedTier(std::string_view model) {
  if (!model.starts_with(kNamedTierPrefix)) return std::nullopt;
  return model.substr(kNamedTierPrefix.size());
}

}  // namespace gateway
