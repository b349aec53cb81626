#include "service/money/price_steps.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// Says of a name what it should be.
std::string TierProblem() {
  std::string problem = "must be ";
  for (const NamedServiceTier& each : kPricedTiers) {
    absl::StrAppend(&problem, ToAbsl(each.name), ", ");
  }
  return problem + "or empty";
}

}  // namespace

void PriceStepsReader::Add(std::string_view service_tier,
                           int64_t above_input_tokens, const TokenRates& rates,
                           PriceReport report) {
  const size_t place = added_++;
  const std::optional<ServiceTier> tier = PricedTierOf(service_tier);
  if (!tier.has_value()) {
    report("service_tier", TierProblem());
    return;
  }
  if (above_input_tokens < 0 || above_input_tokens > kAboveInputTokensMax) {
    report("above_input_tokens",
           absl::StrCat("must be 0 to ", kAboveInputTokensMax));
    return;
  }
  const bool is_known =
      std::any_of(steps_.begin(), steps_.end(), [&](const Placed& each) {
        return each.step.tier == *tier &&
               each.step.above_input_tokens == above_input_tokens;
      });
  if (is_known) {
    report("above_input_tokens",
           "is that of another price of the same service tier; keep one");
    return;
  }
  steps_.push_back({place,
                    {.tier = *tier,
                     .above_input_tokens = above_input_tokens,
                     .rates = rates}});
}

ModelRates PriceStepsReader::Take(
    absl::FunctionRef<void(size_t, std::string_view, std::string_view)>
        report) && {
  const auto has_begin = [this](ServiceTier tier) {
    return std::any_of(steps_.begin(), steps_.end(), [&](const Placed& each) {
      return each.step.tier == tier && each.step.above_input_tokens == 0;
    });
  };
  std::vector<ModelRates::Step> steps;
  for (const Placed& each : steps_) {
    if (has_begin(each.step.tier)) {
      steps.push_back(each.step);
      continue;
    }
    report(each.place, "above_input_tokens",
           "begins above 0, and the tier has no price below it; add a step of "
           "the tier without above_input_tokens");
  }
  absl::StatusOr<ModelRates> price = ModelRates::Make(std::move(steps));
  return price.ok() ? *std::move(price) : ModelRates(TokenRates());
}

}  // namespace gateway
