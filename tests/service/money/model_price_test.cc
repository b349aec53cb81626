#include "service/money/model_price.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using Step = ModelRates::Step;

TokenRates Rates(int64_t input) {
  ListedRates listed;
  listed[TokenKind::kInput] = TokenPrice::FromNanosPerMillion(input);
  return CompleteRates(listed);
}

Step Of(ServiceTier tier, int64_t above, int64_t input) {
  return {.tier = tier, .above_input_tokens = above, .rates = Rates(input)};
}

int64_t InputPrice(const ModelRates& price, int64_t tokens, ServiceTier tier) {
  return price.RatesFor(tokens, tier)[TokenKind::kInput].nanos_per_million();
}

std::string WhyStepsAreRefused(std::vector<Step> steps) {
  const absl::StatusOr<ModelRates> price = ModelRates::Make(std::move(steps));
  return price.ok() ? "" : std::string(ToStd(price.status().message()));
}

TEST(CompleteRatesTest, WhatIsNotListedCostsWhatItIsASpecialCaseOf) {
  ListedRates listed;
  listed[TokenKind::kInput] = TokenPrice::FromNanosPerMillion(3);
  listed[TokenKind::kOutput] = TokenPrice::FromNanosPerMillion(15);
  TokenRates rates = CompleteRates(listed);
  for (const TokenKind kind :
       {TokenKind::kInput, TokenKind::kCacheRead, TokenKind::kCacheWrite,
        TokenKind::kCacheWrite1h, TokenKind::kAudioInput,
        TokenKind::kImageInput}) {
    EXPECT_EQ(rates[kind].nanos_per_million(), 3);
  }
  for (const TokenKind kind :
       {TokenKind::kOutput, TokenKind::kReasoning, TokenKind::kAudioOutput,
        TokenKind::kImageOutput}) {
    EXPECT_EQ(rates[kind].nanos_per_million(), 15);
  }
  listed[TokenKind::kCacheWrite] = TokenPrice::FromNanosPerMillion(4);
  rates = CompleteRates(listed);
  EXPECT_EQ(rates[TokenKind::kCacheWrite1h].nanos_per_million(), 4);
  EXPECT_EQ(rates[TokenKind::kCacheRead].nanos_per_million(), 3);
}

TEST(CompleteRatesTest, WhatIsListedIsKept) {
  ListedRates listed;
  for (const NamedTokenKind& each : kTokenKinds) {
    listed[each.kind] =
        TokenPrice::FromNanosPerMillion(static_cast<int64_t>(each.kind) + 1);
  }
  const TokenRates rates = CompleteRates(listed);
  for (const NamedTokenKind& each : kTokenKinds) {
    EXPECT_EQ(rates[each.kind], *listed[each.kind]);
  }
}

TEST(ServiceTierTest, IsCalledAsVendorsDo) {
  EXPECT_EQ(ServiceTierOf("batch"), ServiceTier::kBatch);
  EXPECT_EQ(ServiceTierOf("flex"), ServiceTier::kFlex);
  EXPECT_EQ(ServiceTierOf("priority"), ServiceTier::kPriority);
  EXPECT_EQ(ServiceTierOf("fast"), ServiceTier::kPriority);
  EXPECT_EQ(ServiceTierOf("fast_mode"), ServiceTier::kFastMode);
  EXPECT_EQ(ServiceTierOf("us_inference"), ServiceTier::kUsInference);
  EXPECT_EQ(ServiceTierOf("fast_mode_us_inference"),
            ServiceTier::kFastModeUsInference);
  for (const char* name :
       {"", "default", "auto", "standard", "standard_only", "on_demand"}) {
    EXPECT_EQ(ServiceTierOf(name), ServiceTier::kStandard) << name;
  }
  for (const char* name : {"scale", "FLEX", "performance", "?", "advisor",
                           "priority_us_inference"}) {
    EXPECT_EQ(ServiceTierOf(name), ServiceTier::kOther) << name;
  }
}

TEST(ServiceTierTest, PricesAreOfTheTiersThatAreNamedAndTheStandardOne) {
  EXPECT_EQ(PricedTierOf(""), ServiceTier::kStandard);
  EXPECT_EQ(PricedTierOf("batch"), ServiceTier::kBatch);
  EXPECT_EQ(PricedTierOf("flex"), ServiceTier::kFlex);
  EXPECT_EQ(PricedTierOf("priority"), ServiceTier::kPriority);
  EXPECT_EQ(PricedTierOf("fast_mode"), ServiceTier::kFastMode);
  EXPECT_EQ(PricedTierOf("us_inference"), ServiceTier::kUsInference);
  EXPECT_EQ(PricedTierOf("fast_mode_us_inference"),
            ServiceTier::kFastModeUsInference);
  for (const char* name :
       {"fast", "standard", "scale", "in", "advisor", "us_inference_fast_mode",
        "priority_us_inference"}) {
    EXPECT_EQ(PricedTierOf(name), std::nullopt) << name;
  }
}

TEST(ServiceTierTest, ATierIsFoundByItsNameAgain) {
  for (int i = 0; i < static_cast<int>(ServiceTier::kOther); ++i) {
    const auto tier = static_cast<ServiceTier>(i);
    EXPECT_EQ(PricedTierOf(PricedTierName(tier)), tier) << i;
    EXPECT_EQ(ServiceTierOf(PricedTierName(tier)), tier) << i;
  }
  EXPECT_EQ(PricedTierName(ServiceTier::kOther), "");
}

TEST(ModelPriceTest, OneStepHoldsForAllCalls) {
  const ModelRates price(Rates(7));
  for (const int64_t tokens :
       {int64_t{-1}, int64_t{0}, std::numeric_limits<int64_t>::max()}) {
    EXPECT_EQ(InputPrice(price, tokens, ServiceTier::kStandard), 7);
    EXPECT_EQ(InputPrice(price, tokens, ServiceTier::kFlex), 7);
  }
}

TEST(ModelPriceTest, AStepBeginsAboveItsMark) {
  const ModelRates price =
      *ModelRates::Make({Of(ServiceTier::kStandard, 200'000, 20),
                         Of(ServiceTier::kStandard, 0, 10),
                         Of(ServiceTier::kStandard, 500'000, 50)});
  EXPECT_EQ(InputPrice(price, 0, ServiceTier::kStandard), 10);
  EXPECT_EQ(InputPrice(price, 200'000, ServiceTier::kStandard), 10);
  EXPECT_EQ(InputPrice(price, 200'001, ServiceTier::kStandard), 20);
  EXPECT_EQ(InputPrice(price, 500'000, ServiceTier::kStandard), 20);
  EXPECT_EQ(InputPrice(price, 500'001, ServiceTier::kStandard), 50);
}

TEST(ModelPriceTest, ATierHasItsOwnStepsOrTheStandardOnes) {
  const ModelRates price = *ModelRates::Make(
      {Of(ServiceTier::kStandard, 0, 10), Of(ServiceTier::kStandard, 100, 20),
       Of(ServiceTier::kFlex, 0, 5), Of(ServiceTier::kPriority, 0, 30),
       Of(ServiceTier::kPriority, 200, 60)});
  EXPECT_EQ(InputPrice(price, 101, ServiceTier::kFlex), 5);
  EXPECT_EQ(InputPrice(price, 200, ServiceTier::kPriority), 30);
  EXPECT_EQ(InputPrice(price, 201, ServiceTier::kPriority), 60);
  EXPECT_EQ(InputPrice(price, 100, ServiceTier::kBatch), 10);
  EXPECT_EQ(InputPrice(price, 101, ServiceTier::kBatch), 20);
}

TEST(ModelPriceTest, RefusesStepsThatLeaveSomethingOpen) {
  EXPECT_THAT(WhyStepsAreRefused({}),
              HasSubstr("no price of the standard tier"));
  EXPECT_THAT(WhyStepsAreRefused({Of(ServiceTier::kFlex, 0, 1)}),
              HasSubstr("no price of the standard tier"));
  EXPECT_THAT(WhyStepsAreRefused({Of(ServiceTier::kStandard, 9, 1)}),
              HasSubstr("above 9 tokens and none below"));
  EXPECT_THAT(WhyStepsAreRefused({Of(ServiceTier::kStandard, 0, 1),
                                  Of(ServiceTier::kFlex, 9, 1)}),
              HasSubstr("above 9 tokens and none below"));
  EXPECT_THAT(WhyStepsAreRefused({Of(ServiceTier::kStandard, 0, 1),
                                  Of(ServiceTier::kStandard, 0, 2)}),
              HasSubstr("two prices of one tier"));
  EXPECT_THAT(WhyStepsAreRefused({Of(ServiceTier::kStandard, 0, 1),
                                  Of(ServiceTier::kStandard, 9, 2),
                                  Of(ServiceTier::kStandard, 9, 3)}),
              HasSubstr("two prices above 9 tokens"));
  EXPECT_THAT(WhyStepsAreRefused({Of(ServiceTier::kStandard, -1, 1)}),
              HasSubstr("above -1 tokens"));
}

}  // namespace
}  // namespace gateway
