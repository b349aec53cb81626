#include "service/money/cost.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/money/price_lines.h"
#include "service/money/price_table.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using ::llmgateway::v1::Usage;

constexpr int64_t kTokensMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMillion = 1'000'000;

// The price that a line of a list tells.
ModelRates PriceOf(std::string_view rates) {
  return ReadPriceLines(absl::StrCat("v m ", ToAbsl(rates)))->at(0).price;
}

Usage Used(int64_t input, int64_t output) {
  Usage usage;
  usage.set_input_tokens(input);
  usage.set_output_tokens(output);
  return usage;
}

PerTokenKind<int64_t> Tokens(
    std::vector<std::pair<TokenKind, int64_t>> counts) {
  PerTokenKind<int64_t> tokens;
  for (const auto& [kind, count] : counts) tokens[kind] = count;
  return tokens;
}

Money SumOfParts(const CostBreakdown& cost) {
  Money sum;
  for (const NamedTokenKind& each : kTokenKinds) sum += cost.parts[each.kind];
  return sum;
}

TEST(BilledTokensTest, EachTokenIsOfOneKind) {
  Usage usage = Used(1000, 500);
  usage.set_cached_input_tokens(100);
  usage.set_cache_write_tokens(200);
  usage.set_cache_write_1h_tokens(50);
  usage.set_audio_input_tokens(300);
  usage.set_reasoning_tokens(150);
  usage.set_audio_output_tokens(40);
  usage.set_accepted_prediction_tokens(20);
  usage.set_rejected_prediction_tokens(30);
  usage.set_image_input_tokens(110);
  usage.set_image_output_tokens(60);
  EXPECT_EQ(BilledTokens(usage), Tokens({{TokenKind::kInput, 290},
                                         {TokenKind::kCacheRead, 100},
                                         {TokenKind::kCacheWrite, 150},
                                         {TokenKind::kCacheWrite1h, 50},
                                         {TokenKind::kAudioInput, 300},
                                         {TokenKind::kOutput, 250},
                                         {TokenKind::kReasoning, 150},
                                         {TokenKind::kAudioOutput, 40},
                                         {TokenKind::kImageInput, 110},
                                         {TokenKind::kImageOutput, 60}}));
}

TEST(BilledTokensTest, SoundIsCutWhereTheCacheLeavesNoRoomForIt) {
  Usage usage = Used(100, 0);
  usage.set_cached_input_tokens(80);
  usage.set_audio_input_tokens(30);
  EXPECT_EQ(BilledTokens(usage), Tokens({{TokenKind::kCacheRead, 80},
                                         {TokenKind::kAudioInput, 20}}));
}

TEST(BilledTokensTest, ImagesAreCutWhereCacheAndSoundLeaveNoRoomForThem) {
  Usage usage = Used(100, 10);
  usage.set_cached_input_tokens(80);
  usage.set_audio_input_tokens(15);
  usage.set_image_input_tokens(30);
  usage.set_audio_output_tokens(2);
  usage.set_image_output_tokens(30);
  usage.set_reasoning_tokens(3);
  EXPECT_EQ(BilledTokens(usage), Tokens({{TokenKind::kCacheRead, 80},
                                         {TokenKind::kAudioInput, 15},
                                         {TokenKind::kImageInput, 5},
                                         {TokenKind::kAudioOutput, 2},
                                         {TokenKind::kImageOutput, 8}}));
}

TEST(BilledTokensTest, APartIsNeverMoreThanItsWhole) {
  Usage usage = Used(10, 10);
  usage.set_cached_input_tokens(kTokensMax);
  usage.set_cache_write_tokens(kTokensMax);
  usage.set_cache_write_1h_tokens(kTokensMax);
  usage.set_audio_input_tokens(kTokensMax);
  usage.set_image_input_tokens(kTokensMax);
  usage.set_image_output_tokens(kTokensMax);
  usage.set_reasoning_tokens(kTokensMax);
  usage.set_audio_output_tokens(kTokensMax);
  EXPECT_EQ(BilledTokens(usage), Tokens({{TokenKind::kCacheWrite1h, 10},
                                         {TokenKind::kAudioOutput, 10}}));
}

TEST(BilledTokensTest, ANegativeCountIsNone) {
  Usage usage = Used(-5, -5);
  usage.set_cached_input_tokens(3);
  usage.set_reasoning_tokens(3);
  EXPECT_EQ(BilledTokens(usage), PerTokenKind<int64_t>());
  usage = Used(5, 5);
  usage.set_cached_input_tokens(-1);
  usage.set_cache_write_tokens(std::numeric_limits<int64_t>::min());
  usage.set_cache_write_1h_tokens(-1);
  usage.set_audio_input_tokens(-1);
  usage.set_reasoning_tokens(-1);
  usage.set_audio_output_tokens(-1);
  usage.set_image_input_tokens(-1);
  usage.set_image_output_tokens(-1);
  EXPECT_EQ(BilledTokens(usage),
            Tokens({{TokenKind::kInput, 5}, {TokenKind::kOutput, 5}}));
}

TEST(CostTest, EachKindHasItsPrice) {
  const ModelRates price = PriceOf(
      "in 1 out 2 cached 3 write 4 write_1h 5 reasoning 6 audio_in 7 "
      "audio_out 8 image_in 9 image_out 10");
  Usage usage = Used(6 * kMillion, 4 * kMillion);
  usage.set_cached_input_tokens(kMillion);
  usage.set_cache_write_tokens(2 * kMillion);
  usage.set_cache_write_1h_tokens(kMillion);
  usage.set_audio_input_tokens(kMillion);
  usage.set_reasoning_tokens(kMillion);
  usage.set_audio_output_tokens(kMillion);
  usage.set_image_input_tokens(kMillion);
  usage.set_image_output_tokens(kMillion);
  const CostBreakdown cost = Cost(price, usage);
  for (const NamedTokenKind& each : kTokenKinds) {
    EXPECT_EQ(cost.parts[each.kind].Text(),
              absl::StrCat(static_cast<int>(each.kind) + 1));
  }
  EXPECT_EQ(cost.total.Text(), "55");
  EXPECT_FALSE(cost.saturated);
}

// The vectors of the systems that this one replaces.
TEST(CostTest, OfGpt4o) {
  const PriceTable table =
      *PriceTable::Make("openai gpt-4o in 2.5 out 10\n", {});
  const ModelRates* const price =
      table.Find("openai", "gpt-4o", absl::UnixEpoch());
  const CostBreakdown cost = Cost(*price, Used(kMillion, kMillion));
  EXPECT_EQ(cost.parts[TokenKind::kInput].Text(), "2.5");
  EXPECT_EQ(cost.parts[TokenKind::kOutput].Text(), "10");

  Usage usage = Used(kMillion, kMillion);
  SetCost(price, ServiceTier::kStandard, &usage);
  EXPECT_EQ(usage.cost_usd_nanos(), 12'500'000'000);
  EXPECT_TRUE(usage.cost_known());

  SetCost(table.Find("openai", "unknown", absl::UnixEpoch()),
          ServiceTier::kStandard, &usage);
  EXPECT_EQ(usage.cost_usd_nanos(), 0);
  EXPECT_FALSE(usage.cost_known());
}

TEST(SetCostTest, ATierWithoutAPriceCostsTheStandardOneAndIsNotKnown) {
  const PriceTable table =
      *PriceTable::Make("v m in 2 out 8\nv m flex in 1 out 4\n", {});
  const ModelRates* const price = table.Find("v", "m", absl::UnixEpoch());
  Usage usage = Used(kMillion, kMillion);
  SetCost(price, ServiceTier::kFlex, &usage);
  EXPECT_EQ(usage.cost_usd_nanos(), 5'000'000'000);
  EXPECT_TRUE(usage.cost_known());
  SetCost(price, ServiceTier::kPriority, &usage);
  EXPECT_EQ(usage.cost_usd_nanos(), 10'000'000'000);
  EXPECT_EQ(usage.cost_breakdown().output_nanos(), 8'000'000'000);
  EXPECT_FALSE(usage.cost_known());
  // One that no list has heard of is not the standard one.
  SetCost(price, ServiceTierOf("scale"), &usage);
  EXPECT_EQ(usage.cost_usd_nanos(), 10'000'000'000);
  EXPECT_FALSE(usage.cost_known());
}

TEST(CostTest, OfSonnetWithItsCache) {
  const ModelRates sonnet = PriceOf("in 3 out 15 cached 0.30 write 3.75");
  EXPECT_EQ(Cost(sonnet, Used(kMillion, 100'000)).total.Text(), "4.5");
  // A million beside what is read and written.
  Usage usage = Used(2 * kMillion, 0);
  usage.set_cache_write_tokens(500'000);
  usage.set_cached_input_tokens(500'000);
  EXPECT_EQ(Cost(sonnet, usage).total.Text(), "5.025");
}

int64_t SumOf(const llmgateway::v1::CostBreakdown& parts) {
  return parts.input_nanos() + parts.output_nanos() +
         parts.cached_input_nanos() + parts.cache_write_nanos() +
         parts.cache_write_1h_nanos() + parts.reasoning_nanos() +
         parts.audio_input_nanos() + parts.audio_output_nanos() +
         parts.image_input_nanos() + parts.image_output_nanos();
}

TEST(SetCostTest, TellsWhatACostIsMadeOf) {
  const ModelRates price = PriceOf(
      "in 1 out 2 cached 3 write 4 write_1h 5 reasoning 6 audio_in 7 "
      "audio_out 8 image_in 9 image_out 10");
  Usage usage = Used(1550, 670);
  usage.set_cached_input_tokens(300);
  usage.set_cache_write_tokens(900);
  usage.set_cache_write_1h_tokens(500);
  usage.set_reasoning_tokens(100);
  usage.set_audio_input_tokens(100);
  usage.set_audio_output_tokens(300);
  usage.set_image_input_tokens(50);
  usage.set_image_output_tokens(70);
  SetCost(&price, ServiceTier::kStandard, &usage);
  EXPECT_EQ(usage.cost_breakdown().ShortDebugString(),
            "input_nanos: 200000 output_nanos: 400000 "
            "cached_input_nanos: 900000 cache_write_nanos: 1600000 "
            "cache_write_1h_nanos: 2500000 reasoning_nanos: 600000 "
            "audio_input_nanos: 700000 audio_output_nanos: 2400000 "
            "image_input_nanos: 450000 image_output_nanos: 700000");
  EXPECT_EQ(SumOf(usage.cost_breakdown()), usage.cost_usd_nanos());
  SetCost(nullptr, ServiceTier::kStandard, &usage);
  EXPECT_FALSE(usage.has_cost_breakdown());
}

// Whoever adds up what calls have cost has the same sum in whatever order they
// were settled, as a whole and part by part.
TEST(SetCostTest, SumsDoNotDependOnTheOrderOfSettlement) {
  const ModelRates price = PriceOf("in 0.0007 out 0.0011 cached 0.0003");
  FakeRandom random{11};
  std::vector<Usage> calls;
  for (int i = 0; i < 500; ++i) {
    Usage& usage =
        calls.emplace_back(Used(static_cast<int64_t>(random.Below(5000)),
                                static_cast<int64_t>(random.Below(5000))));
    usage.set_cached_input_tokens(static_cast<int64_t>(random.Below(5000)));
    SetCost(&price, ServiceTier::kStandard, &usage);
    ASSERT_EQ(SumOf(usage.cost_breakdown()), usage.cost_usd_nanos());
  }
  Money forward;
  for (const Usage& each : calls) {
    forward += Money::FromNanos(each.cost_usd_nanos());
  }
  for (int round = 0; round < 20; ++round) {
    for (size_t i = calls.size() - 1; i > 0; --i) {
      std::swap(calls[i], calls[random.Below(i + 1)]);
    }
    Money sum;
    int64_t parts = 0;
    // As replicas do: some here, some there, then all together.
    Money elsewhere;
    for (size_t i = 0; i < calls.size(); ++i) {
      (i % 3 == 0 ? sum : elsewhere) +=
          Money::FromNanos(calls[i].cost_usd_nanos());
      parts += SumOf(calls[i].cost_breakdown());
    }
    ASSERT_EQ(sum + elsewhere, forward);
    ASSERT_EQ(parts, forward.nanos());
  }
}

TEST(CostTest, IsRoundedHalfUpOnce) {
  const ModelRates price = PriceOf("in 0.0005 out 0.0005");  // Half a nano.
  EXPECT_EQ(Cost(price, Used(0, 0)).total.nanos(), 0);
  EXPECT_EQ(Cost(price, Used(1, 0)).total.nanos(), 1);
  EXPECT_EQ(Cost(price, Used(1, 1)).total.nanos(), 1);
  EXPECT_EQ(Cost(price, Used(2, 1)).total.nanos(), 2);
  const ModelRates less = PriceOf("in 0.000499999 out 0");
  EXPECT_EQ(Cost(less, Used(1, 0)).total.nanos(), 0);
  EXPECT_EQ(Cost(less, Used(2, 0)).total.nanos(), 1);
}

TEST(CostTest, WhatRoundingTookGoesToThoseThatLostMost) {
  const ModelRates price =
      PriceOf("in 0.0006 out 0.0007 reasoning 0.0002 audio_out 0.0007");
  Usage usage = Used(1, 3);
  usage.set_reasoning_tokens(1);
  usage.set_audio_output_tokens(1);
  // 0.6 + 0.7 + 0.2 + 0.7 = 2.2
  const CostBreakdown cost = Cost(price, usage);
  EXPECT_EQ(cost.total.nanos(), 2);
  EXPECT_EQ(cost.parts[TokenKind::kOutput].nanos(), 1);
  EXPECT_EQ(cost.parts[TokenKind::kAudioOutput].nanos(), 1);
  EXPECT_EQ(cost.parts[TokenKind::kInput].nanos(), 0);
  EXPECT_EQ(cost.parts[TokenKind::kReasoning].nanos(), 0);
}

TEST(CostTest, AmongEqualsTheEarlierKindGetsIt) {
  const ModelRates price = PriceOf("in 0.0005 out 0.0005");
  const CostBreakdown cost = Cost(price, Used(1, 1));
  EXPECT_EQ(cost.parts[TokenKind::kInput].nanos(), 1);
  EXPECT_EQ(cost.parts[TokenKind::kOutput].nanos(), 0);
}

TEST(CostTest, LongPromptsAndTiersHaveTheirPrices) {
  const ModelRates price = *ModelRates::Make(
      {{.rates = PriceOf("in 1 out 1").steps()[0].rates},
       {.above_input_tokens = 200'000,
        .rates = PriceOf("in 2 out 2").steps()[0].rates},
       {.tier = ServiceTier::kFlex,
        .rates = PriceOf("in 0.5 out 0.5").steps()[0].rates}});
  EXPECT_EQ(Cost(price, Used(200'000, 0)).total.Text(), "0.2");
  // For all of the prompt, and what is cached counts.
  Usage usage = Used(200'001, 100'000);
  usage.set_cached_input_tokens(200'000);
  EXPECT_EQ(Cost(price, usage).total.Text(), "0.600002");
  EXPECT_EQ(Cost(price, usage, ServiceTier::kFlex).total.Text(), "0.1500005");
  EXPECT_EQ(Cost(price, usage, ServiceTier::kBatch).total.Text(), "0.600002");
}

TEST(CostTest, WhatIsTooMuchIsTheMostAndSaysSo) {
  const ModelRates dear = PriceOf("in 1000000 out 1000000");  // $1 a token.
  // The most whole dollars that there are.
  CostBreakdown cost = Cost(dear, Used(9'223'372'036, 0));
  EXPECT_EQ(cost.total.Text(), "9223372036");
  EXPECT_FALSE(cost.saturated);
  cost = Cost(dear, Used(9'223'372'036, 1));
  EXPECT_EQ(cost.total, Money::Max());
  EXPECT_EQ(cost.parts[TokenKind::kInput].Text(), "9223372036");
  EXPECT_EQ(SumOfParts(cost), Money::Max());
  EXPECT_TRUE(cost.saturated);
  cost = Cost(dear, Used(kTokensMax, kTokensMax));
  EXPECT_EQ(cost.total, Money::Max());
  EXPECT_EQ(SumOfParts(cost), Money::Max());
  EXPECT_TRUE(cost.saturated);

  Usage usage = Used(kTokensMax, kTokensMax);
  SetCost(&dear, ServiceTier::kStandard, &usage);
  EXPECT_EQ(usage.cost_usd_nanos(), kTokensMax);
  EXPECT_TRUE(usage.cost_known());
}

TEST(CostTest, TheLastNanoDollarFits) {
  // A nano-dollar a token, and half of one for output.
  const ModelRates price = PriceOf("in 0.001 out 0.0005");
  CostBreakdown cost = Cost(price, Used(kTokensMax, 0));
  EXPECT_EQ(cost.total, Money::Max());
  EXPECT_FALSE(cost.saturated);
  cost = Cost(price, Used(kTokensMax - 1, 1));
  EXPECT_EQ(cost.total, Money::Max());
  EXPECT_FALSE(cost.saturated);
  cost = Cost(price, Used(kTokensMax, 1));
  EXPECT_EQ(cost.total, Money::Max());
  EXPECT_EQ(SumOfParts(cost), Money::Max());
  EXPECT_TRUE(cost.saturated);
}

TEST(CostTest, IsSaturatedByRoundingAloneAndStillAddsUp) {
  // Floors that lack two nano-dollars of the most; three are missing.
  ListedRates listed;
  listed[TokenKind::kInput] = TokenPrice::FromNanosPerMillion(1'000'000);
  listed[TokenKind::kOutput] = TokenPrice::FromNanosPerMillion(900'000);
  const TokenRates rates = CompleteRates(listed);
  const CostBreakdown cost =
      Cost(rates, Tokens({{TokenKind::kInput, kTokensMax - 1},
                          {TokenKind::kOutput, 1},
                          {TokenKind::kReasoning, 1},
                          {TokenKind::kAudioOutput, 1}}));
  EXPECT_TRUE(cost.saturated);
  EXPECT_EQ(cost.total, Money::Max());
  EXPECT_EQ(SumOfParts(cost), Money::Max());
  EXPECT_EQ(cost.parts[TokenKind::kOutput].nanos(), 1);
}

// Numbers as a child writes them, digit by digit, least first: another way to
// the same sums.
class Digits {
 public:
  explicit Digits(uint64_t number) {
    for (; number > 0; number /= 10) digits_.push_back(number % 10);
  }

  void Add(const Digits& other) {
    digits_.resize(std::max(digits_.size(), other.digits_.size()) + 1);
    for (size_t i = 0; i < other.digits_.size(); ++i) {
      digits_[i] += other.digits_[i];
    }
    Carry();
  }

  void Multiply(const Digits& other) {
    std::vector<uint64_t> product(digits_.size() + other.digits_.size() + 1);
    for (size_t i = 0; i < digits_.size(); ++i) {
      for (size_t j = 0; j < other.digits_.size(); ++j) {
        product[i + j] += digits_[i] * other.digits_[j];
      }
    }
    digits_ = std::move(product);
    Carry();
  }

  // Without its last six digits, rounded half up.
  std::string Millionth() const {
    Digits rounded = *this;
    rounded.Add(Digits(500'000));
    std::string text;
    for (size_t i = rounded.digits_.size(); i-- > 6;) {
      if (!text.empty() || rounded.digits_[i] != 0) {
        text += static_cast<char>('0' + rounded.digits_[i]);
      }
    }
    return text.empty() ? "0" : text;
  }

 private:
  void Carry() {
    uint64_t carried = 0;
    for (uint64_t& digit : digits_) {
      digit += carried;
      carried = digit / 10;
      digit %= 10;
    }
    for (; carried > 0; carried /= 10) digits_.push_back(carried % 10);
  }

  std::vector<uint64_t> digits_;
};

// Of any length up to so many bits.
int64_t AnyNumber(FakeRandom& random, int bits) {
  return static_cast<int64_t>(random.Bits() >>
                              (64 - bits + random.Below(bits)));
}

TEST(CostTest, IsWhatArithmeticByHandSays) {
  FakeRandom random{3};
  int saturated = 0;
  for (int round = 0; round < 20'000; ++round) {
    TokenRates rates;
    PerTokenKind<int64_t> tokens;
    Digits sum(0);
    for (const NamedTokenKind& each : kTokenKinds) {
      rates[each.kind] = TokenPrice::FromNanosPerMillion(AnyNumber(random, 49));
      tokens[each.kind] = AnyNumber(random, round % 2 == 0 ? 30 : 62);
      Digits product(static_cast<uint64_t>(tokens[each.kind]));
      product.Multiply(
          Digits(static_cast<uint64_t>(rates[each.kind].nanos_per_million())));
      sum.Add(product);
    }
    const CostBreakdown cost = Cost(rates, tokens);
    ASSERT_EQ(SumOfParts(cost), cost.total) << round;
    const std::string expected = sum.Millionth();
    if (cost.saturated) {
      ++saturated;
      ASSERT_EQ(cost.total, Money::Max());
      ASSERT_GE(expected.size(), 19u) << round;
      continue;
    }
    ASSERT_EQ(absl::StrCat(cost.total.nanos()), expected) << round;
    // No part is off by a nano-dollar.
    for (const NamedTokenKind& each : kTokenKinds) {
      const absl::uint128 exact =
          absl::uint128(static_cast<uint64_t>(tokens[each.kind])) *
          static_cast<uint64_t>(rates[each.kind].nanos_per_million());
      const absl::uint128 told =
          absl::uint128(static_cast<uint64_t>(cost.parts[each.kind].nanos())) *
          1'000'000;
      ASSERT_LT(told > exact ? told - exact : exact - told, 1'000'000u);
    }
  }
  EXPECT_GT(saturated, 1000);
  EXPECT_LT(saturated, 15'000);
}

TEST(CostTest, OfAnyUsageBillsEachTokenOnce) {
  const ModelRates price = PriceOf("in 3 out 3");
  FakeRandom random{4};
  for (int round = 0; round < 20'000; ++round) {
    Usage usage = Used(AnyNumber(random, 20), AnyNumber(random, 20));
    usage.set_cached_input_tokens(AnyNumber(random, 20));
    usage.set_cache_write_tokens(AnyNumber(random, 20));
    usage.set_cache_write_1h_tokens(AnyNumber(random, 20));
    usage.set_audio_input_tokens(AnyNumber(random, 20));
    usage.set_reasoning_tokens(AnyNumber(random, 20));
    usage.set_audio_output_tokens(AnyNumber(random, 20));
    usage.set_image_input_tokens(AnyNumber(random, 20));
    usage.set_image_output_tokens(AnyNumber(random, 20));
    const PerTokenKind<int64_t> tokens = BilledTokens(usage);
    int64_t sum = 0;
    for (const NamedTokenKind& each : kTokenKinds) {
      ASSERT_GE(tokens[each.kind], 0);
      sum += tokens[each.kind];
    }
    ASSERT_EQ(sum, usage.input_tokens() + usage.output_tokens());
    // So with one price for all, the parts make no difference.
    ASSERT_EQ(Cost(price, usage).total.nanos(), 3000 * sum);
  }
}

TEST(EstimateCostTest, IsForTheStandardTierWithNothingCached) {
  const ModelRates price = PriceOf("in 2.5 out 10 cached 1.25");
  EXPECT_EQ(EstimateCost(price, 1000, 200).Text(), "0.0045");
  EXPECT_EQ(EstimateCost(price, -1, -1).Text(), "0");
  EXPECT_EQ(EstimateCost(price, kTokensMax, kTokensMax), Money::Max());
}

TEST(EstimateCostTest, KnowsLongPrompts) {
  const ModelRates price =
      *ModelRates::Make({{.rates = PriceOf("in 1 out 1").steps()[0].rates},
                         {.above_input_tokens = 1000,
                          .rates = PriceOf("in 2 out 2").steps()[0].rates}});
  EXPECT_EQ(EstimateCost(price, 1000, 1000).nanos(), 2'000'000);
  EXPECT_EQ(EstimateCost(price, 1001, 999).nanos(), 4'000'000);
}

TEST(EstimateSelectionCostTest, IsAsItAlwaysWas) {
  ListedRates listed;
  const auto per_thousand = [](std::string_view text) {
    return *TokenPrice::Parse(text, PricedPer::kThousandTokens);
  };
  listed[TokenKind::kInput] = per_thousand("0.00015");
  listed[TokenKind::kOutput] = per_thousand("0.0006");
  const ModelRates gemini(CompleteRates(listed));
  EXPECT_EQ(EstimateSelectionCost(gemini, false, false).Text(), "0.00045");
  listed[TokenKind::kInput] = per_thousand("0.003");
  listed[TokenKind::kOutput] = per_thousand("0.015");
  const ModelRates sonnet(CompleteRates(listed));
  EXPECT_EQ(EstimateSelectionCost(sonnet, true, true).Text(), "0.0315");
  EXPECT_EQ(EstimateSelectionCost(sonnet, true, false).Text(), "0.021");
  EXPECT_EQ(EstimateSelectionCost(sonnet, false, true).Text(), "0.01575");
}

}  // namespace
}  // namespace gateway
