#include "service/money/model_price.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace gateway {

TokenRates CompleteRates(const ListedRates& listed) {
  TokenRates rates;
  const auto set = [&](TokenKind kind, TokenPrice otherwise) {
    rates[kind] = listed[kind].value_or(otherwise);
  };
  set(TokenKind::kInput, TokenPrice());
  set(TokenKind::kOutput, TokenPrice());
  set(TokenKind::kCacheRead, rates[TokenKind::kInput]);
  set(TokenKind::kCacheWrite, rates[TokenKind::kInput]);
  set(TokenKind::kCacheWrite1h, rates[TokenKind::kCacheWrite]);
  set(TokenKind::kReasoning, rates[TokenKind::kOutput]);
  set(TokenKind::kAudioInput, rates[TokenKind::kInput]);
  set(TokenKind::kAudioOutput, rates[TokenKind::kOutput]);
  set(TokenKind::kImageInput, rates[TokenKind::kInput]);
  set(TokenKind::kImageOutput, rates[TokenKind::kOutput]);
  return rates;
}

ServiceTier ServiceTierOf(std::string_view name) {
  for (const NamedServiceTier& each : kPricedTiers) {
    if (each.name == name) return each.tier;
  }
  if (name == "fast") return ServiceTier::kPriority;
  const bool is_standard = name.empty() || name == "default" ||
                           name == "standard" || name == "standard_only" ||
                           name == "auto" || name == "on_demand";
  return is_standard ? ServiceTier::kStandard : ServiceTier::kOther;
}

std::optional<ServiceTier> PricedTierOf(std::string_view name) {
  if (name.empty()) return ServiceTier::kStandard;
  for (const NamedServiceTier& each : kPricedTiers) {
    if (each.name == name) return each.tier;
  }
  return std::nullopt;
}

std::string_view PricedTierName(ServiceTier tier) {
  for (const NamedServiceTier& each : kPricedTiers) {
    if (each.tier == tier) return each.name;
  }
  return "";
}

ModelRates::ModelRates(const TokenRates& rates)
    : steps_{Step{.rates = rates}} {}

ModelRates::ModelRates(std::vector<Step> steps) : steps_(std::move(steps)) {}

absl::StatusOr<ModelRates> ModelRates::Make(std::vector<Step> steps) {
  std::sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
    return std::pair(a.tier, a.above_input_tokens) <
           std::pair(b.tier, b.above_input_tokens);
  });
  if (steps.empty() || steps[0].tier != ServiceTier::kStandard) {
    return absl::InvalidArgumentError("has no price of the standard tier");
  }
  for (size_t i = 0; i < steps.size(); ++i) {
    const int64_t above = steps[i].above_input_tokens;
    const bool first = i == 0 || steps[i - 1].tier != steps[i].tier;
    if (above < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("has a price above ", above, " tokens"));
    }
    if (first && above != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("has a price above ", above, " tokens and none below"));
    }
    if (!first && steps[i - 1].above_input_tokens == above) {
      return absl::InvalidArgumentError(
          above == 0 ? "has two prices of one tier"
                     : absl::StrCat("has two prices above ", above, " tokens"));
    }
  }
  steps.shrink_to_fit();
  return ModelRates(std::move(steps));
}

bool ModelRates::HasTier(ServiceTier tier) const {
  return std::any_of(steps_.begin(), steps_.end(),
                     [tier](const Step& step) { return step.tier == tier; });
}

const TokenRates& ModelRates::RatesFor(int64_t input_tokens,
                                       ServiceTier tier) const {
  const Step* of_standard = &steps_.front();
  const Step* of_tier = nullptr;
  for (const Step& step : steps_) {
    if (step.above_input_tokens > 0 &&
        step.above_input_tokens >= input_tokens) {
      continue;
    }
    if (step.tier == ServiceTier::kStandard) of_standard = &step;
    if (step.tier == tier) of_tier = &step;
  }
  return (of_tier == nullptr ? of_standard : of_tier)->rates;
}

}  // namespace gateway
