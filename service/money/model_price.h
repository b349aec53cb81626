// ModelRates is what the tokens of one model cost: a price for each kind of
// token, others for long prompts and for other service tiers where the vendor
// has them.
//
//   ListedRates listed;
//   listed[TokenKind::kInput] = *TokenPrice::Parse("3");
//   listed[TokenKind::kOutput] = *TokenPrice::Parse("15");
//   const ModelRates price(CompleteRates(listed));
//   price.RatesFor(input_tokens, ServiceTier::kStandard)[TokenKind::kInput];
//
// What a vendor bills by a multiplier of all prices - Anthropic's fast mode and
// its inference in the US alone - is a service tier here, and so are both
// together.
//
// Not told apart: searches, sessions and other things that are no tokens, and
// cached sound and images.
//
// Thread contract: immutable.

#ifndef SERVICE_MONEY_MODEL_PRICE_H_
#define SERVICE_MONEY_MODEL_PRICE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "service/money/token_kind.h"
#include "service/money/token_price.h"

namespace gateway {

using TokenRates = PerTokenKind<TokenPrice>;

// Prices as a list or a configuration tells them: some.
using ListedRates = PerTokenKind<std::optional<TokenPrice>>;

// Returns all prices. One that is not listed is that of what it is a special
// case of: reads and writes of the cache, sound and images cost what input
// does, writes for an hour what other writes do, reasoning, spoken and drawn
// output what output does. Input or output that is not listed is free.
TokenRates CompleteRates(const ListedRates& listed);

// How a provider is asked to serve a call.
enum class ServiceTier : uint8_t {
  kStandard,
  kBatch,
  kFlex,
  kPriority,
  kFastMode,
  kUsInference,
  kFastModeUsInference,
  kOther,  // No price is of it.
};

// The tiers that prices are of beside the standard one, with their names.
struct NamedServiceTier {
  ServiceTier tier;
  std::string_view name;
};
inline constexpr std::array<NamedServiceTier, 6> kPricedTiers = {{
    {ServiceTier::kBatch, "batch"},
    {ServiceTier::kFlex, "flex"},
    {ServiceTier::kPriority, "priority"},
    {ServiceTier::kFastMode, "fast_mode"},
    {ServiceTier::kUsInference, "us_inference"},
    {ServiceTier::kFastModeUsInference, "fast_mode_us_inference"},
}};

// Returns the tier that an answer calls `name`: one of kPricedTiers, of which
// OpenAI calls `priority` also `fast`; standard for what vendors call that, and
// where nothing is said (`default`, `standard`, `standard_only`, `auto`, and
// `on_demand` of Groq).
ServiceTier ServiceTierOf(std::string_view name);

// Returns the tier of a price: one of kPricedTiers, or standard if the name is
// empty; nothing for any other name.
std::optional<ServiceTier> PricedTierOf(std::string_view name);

// Returns the name by which PricedTierOf() knows the tier; empty of kOther.
std::string_view PricedTierName(ServiceTier tier);

class ModelRates {
 public:
  // Prices that hold for calls of one tier with a prompt of more than so many
  // tokens, cached ones included. They hold for the whole call, not only for
  // the tokens above the mark.
  struct Step {
    ServiceTier tier = ServiceTier::kStandard;
    int64_t above_input_tokens = 0;  // 0: for all calls of the tier.
    TokenRates rates;
  };

  // The same for all calls.
  explicit ModelRates(const TokenRates& rates);

  // Returns the price made of `steps`, in any order. Returns INVALID_ARGUMENT
  // if two are of one tier and mark, if a mark is negative, or if there are
  // none for all calls of the standard tier, or of another tier that has steps.
  static absl::StatusOr<ModelRates> Make(std::vector<Step> steps);

  // Whether the model has prices of its own in the tier.
  bool HasTier(ServiceTier tier) const;

  // Returns the prices of a call with a prompt of `input_tokens`: those of the
  // highest mark that it is above. Of a tier that the model has no prices for
  // they are the standard tier's. Valid while this object is.
  const TokenRates& RatesFor(int64_t input_tokens, ServiceTier tier) const;

  // Ordered by tier and mark; the first is the standard one for all calls.
  const std::vector<Step>& steps() const { return steps_; }

 private:
  explicit ModelRates(std::vector<Step> steps);

  std::vector<Step> steps_;
};

}  // namespace gateway

#endif  // SERVICE_MONEY_MODEL_PRICE_H_
