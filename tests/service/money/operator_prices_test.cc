#include "service/money/operator_prices.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "gtest/gtest.h"
#include "service/money/price_lines.h"

namespace gateway {
namespace {

const absl::Time kTime = absl::FromUnixSeconds(1'800'000'000);

PriceEntry Entry(std::string_view line) { return ReadPriceLines(line)->at(0); }

std::string InputOf(const PriceList* list, std::string_view model) {
  if (list == nullptr) return "none";
  const ModelRates* const price = list->Find("v", model, kTime);
  if (price == nullptr) return "";
  return price->steps()[0].rates[TokenKind::kInput].Text();
}

TEST(OperatorPricesTest, NothingIsSaidAtFirst) {
  EXPECT_EQ(OperatorPrices().Get(), nullptr);
}

TEST(OperatorPricesTest, AnEntryComesInThePlaceOfTheOneBefore) {
  OperatorPrices prices;
  ASSERT_TRUE(prices.Set(Entry("v m in 1 out 1")).ok());
  ASSERT_TRUE(prices.Set(Entry("v n in 2 out 2")).ok());
  ASSERT_TRUE(prices.Set(Entry("v m in 3 out 3")).ok());
  EXPECT_EQ(InputOf(prices.Get().get(), "m"), "3");
  EXPECT_EQ(InputOf(prices.Get().get(), "n"), "2");
  EXPECT_EQ(prices.Get()->entries().size(), 2u);
  // One of another time stands beside it.
  PriceEntry later = Entry("v m in 4 out 4");
  later.effective_time = kTime + absl::Hours(1);
  ASSERT_TRUE(prices.Set(later).ok());
  EXPECT_EQ(InputOf(prices.Get().get(), "m"), "3");
  EXPECT_EQ(prices.Get()->entries().size(), 3u);
}

TEST(OperatorPricesTest, WhoHasAListKeepsIt) {
  OperatorPrices prices;
  ASSERT_TRUE(prices.Set(Entry("v m in 1 out 1")).ok());
  const std::shared_ptr<const PriceList> of_call = prices.Get();
  ASSERT_TRUE(prices.Set(Entry("v m in 2 out 2")).ok());
  EXPECT_EQ(InputOf(of_call.get(), "m"), "1");
  EXPECT_EQ(InputOf(prices.Get().get(), "m"), "2");
}

TEST(OperatorPricesTest, WhatWasSaidIsTakenBack) {
  OperatorPrices prices;
  const PriceEntry entry = Entry("v m in 1 out 1");
  EXPECT_TRUE(absl::IsNotFound(prices.Remove(entry)));
  ASSERT_TRUE(prices.Set(entry).ok());
  PriceEntry other = entry;
  other.effective_time = kTime;
  EXPECT_TRUE(absl::IsNotFound(prices.Remove(other)));
  ASSERT_TRUE(prices.Remove(entry).ok());
  EXPECT_EQ(prices.Get(), nullptr);
}

TEST(OperatorPricesTest, ThereIsALimit) {
  OperatorPrices prices;
  std::string lines;
  for (size_t i = 0; i < kOperatorPricesMax; ++i) {
    absl::StrAppend(&lines, "v m", i, " in 1 out 1\n");
  }
  prices.Replace(*PriceList::Make(*ReadPriceLines(lines)));
  EXPECT_TRUE(
      absl::IsResourceExhausted(prices.Set(Entry("v one-more in 1 out 1"))));
  EXPECT_TRUE(prices.Set(Entry("v m7 in 2 out 2")).ok());
}

}  // namespace
}  // namespace gateway
