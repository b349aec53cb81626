#include "service/money/price_table.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr std::string_view kList =
    "openai gpt-4o in 2.5 out 10\n"
    "openai gpt-4o-mini in 0.15 out 0.6\n"
    "gemini gemini-2.5-pro in 1.25 out 10\n";

const absl::Time kPricedAt = absl::FromUnixSeconds(1'800'000'000);

PriceTable With(std::string_view overrides) {
  return *PriceTable::Make(kList, *ReadPriceLines(overrides));
}

std::string InputPriceIn(const PriceTable& table, std::string_view vendor,
                         std::string_view model) {
  const ModelRates* const price = table.Find(vendor, model, kPricedAt);
  if (price == nullptr) return "";
  return price->steps()[0].rates[TokenKind::kInput].Text();
}

TEST(PriceTableTest, KnowsWhatIsListedAndNothingElse) {
  const PriceTable table = With("");
  EXPECT_EQ(InputPriceIn(table, "openai", "gpt-4o"), "2.5");
  EXPECT_EQ(InputPriceIn(table, "openai", "gpt-9"), "");
  EXPECT_EQ(InputPriceIn(table, "anthropic", "gpt-4o"), "");
}

TEST(PriceTableTest, GeminisPrefixCountsForNothing) {
  const PriceTable table = With("");
  EXPECT_EQ(InputPriceIn(table, "gemini", "models/gemini-2.5-pro"), "1.25");
  EXPECT_EQ(InputPriceIn(table, "gemini", "models/models/gemini-2.5-pro"), "");
}

TEST(PriceTableTest, AnOverrideWinsWhateverItIsFoundBy) {
  const PriceTable table = With("* gpt-4o in 9 out 9\n");
  EXPECT_EQ(InputPriceIn(table, "openai", "gpt-4o"), "9");
  EXPECT_EQ(InputPriceIn(table, "openai", "gpt-4o-2024-08-06"), "9");
  EXPECT_EQ(InputPriceIn(table, "anyone", "gpt-4o"), "9");
  EXPECT_EQ(InputPriceIn(table, "openai", "gpt-4o-mini"), "0.15");

  const PriceTable wide = With("openai gpt-4o* in 8 out 8\n");
  EXPECT_EQ(InputPriceIn(wide, "openai", "gpt-4o"), "8");
  EXPECT_EQ(InputPriceIn(wide, "openai", "gpt-4o-mini"), "8");
}

TEST(PriceTableTest, WhatOperatorsSayComesBeforeAllElse) {
  const PriceTable table = With("* gpt-4o in 9 out 9\n");
  const PriceList said = *PriceList::Make(*ReadPriceLines(
      "* gpt-4o in 5 out 5\ngemini gemini-2.5-pro in 6 out 6\n"));
  const auto input_of = [&](std::string_view vendor, std::string_view model) {
    return table.Find(vendor, model, kPricedAt, &said)
        ->steps()[0]
        .rates[TokenKind::kInput]
        .Text();
  };
  EXPECT_EQ(input_of("openai", "gpt-4o"), "5");
  EXPECT_EQ(input_of("gemini", "models/gemini-2.5-pro"), "6");
  EXPECT_EQ(input_of("openai", "gpt-4o-mini"), "0.15");
}

TEST(PriceTableTest, SaysWhichOfTheTwoListsIsWrong) {
  EXPECT_EQ(PriceTable::Make("v m", {}).status().message(),
            "prices: line 1: needs the prices `in` and `out`");
  EXPECT_EQ(
      PriceTable::Make("v m* in 1 out 1\nv n in 1 out 1\nv m* in 1 out 1", {})
          .status()
          .message(),
      "prices: v m* is in the list twice");
  const PriceEntry entry = {
      .vendor = "", .model = "m", .price = ModelRates(TokenRates())};
  EXPECT_EQ(PriceTable::Make("", {entry, entry}).status().message(),
            "price overrides: m is in the list twice");
}

}  // namespace
}  // namespace gateway
