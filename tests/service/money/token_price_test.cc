#include "service/money/token_price.h"

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(TokenPriceTest, IsReadPerMillionTokens) {
  EXPECT_EQ(TokenPrice::Parse("3.75")->nanos_per_million(), 3'750'000'000);
  EXPECT_EQ(TokenPrice::Parse("0.003625")->nanos_per_million(), 3'625'000);
  EXPECT_EQ(TokenPrice::Parse("3.75")->Text(), "3.75");
  EXPECT_EQ(*TokenPrice::Parse("0"), TokenPrice());
}

TEST(TokenPriceTest, IsTheSameHoweverManyTokensItIsToldFor) {
  const TokenPrice price = *TokenPrice::Parse("0.15");
  EXPECT_EQ(*TokenPrice::Parse("0.00015", PricedPer::kThousandTokens), price);
  EXPECT_EQ(*TokenPrice::Parse("0.00000015", PricedPer::kToken), price);
}

TEST(TokenPriceTest, KeepsTheFinestPriceAndRefusesAFinerOne) {
  EXPECT_EQ(TokenPrice::Parse("0.000000001")->nanos_per_million(), 1);
  EXPECT_FALSE(TokenPrice::Parse("0.0000000001").ok());
  EXPECT_EQ(TokenPrice::Parse("0.000000000001", PricedPer::kThousandTokens)
                ->nanos_per_million(),
            1);
  EXPECT_FALSE(
      TokenPrice::Parse("0.0000000000001", PricedPer::kThousandTokens).ok());
  EXPECT_EQ(TokenPrice::Parse("0.000000000000001", PricedPer::kToken)
                ->nanos_per_million(),
            1);
  EXPECT_FALSE(TokenPrice::Parse("0.0000000000000001", PricedPer::kToken).ok());
}

TEST(TokenPriceTest, IsAtMostADollarPerToken) {
  EXPECT_EQ(TokenPrice::Parse("1000000")->nanos_per_million(),
            TokenPrice::kNanosPerMillionMax);
  EXPECT_EQ(*TokenPrice::Parse("1", PricedPer::kToken),
            *TokenPrice::Parse("1000000"));
  EXPECT_FALSE(TokenPrice::Parse("1000000.000000001").ok());
  EXPECT_FALSE(TokenPrice::Parse("1.1", PricedPer::kToken).ok());
  EXPECT_EQ(TokenPrice::Parse("2000000").status().message(),
            "\"2000000\" is more than 1000000");
}

}  // namespace
}  // namespace gateway
