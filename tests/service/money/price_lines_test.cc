#include "service/money/price_lines.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/string_view.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using Entries = absl::StatusOr<std::vector<PriceEntry>>;

std::string WhyTextIsRefused(std::string_view text) {
  const Entries entries = ReadPriceLines(text);
  return entries.ok() ? "" : std::string(ToStd(entries.status().message()));
}

TEST(ReadPriceLinesTest, ReadsModelsWithTheirSteps) {
  const Entries entries = ReadPriceLines(
      "# A comment.\n"
      "\n"
      "openai gpt-5.4 in 2.5 out 15 cached 0.25\n"
      "openai gpt-5.4 >272000 in 5 out 22.5\n"
      "openai gpt-5.4 batch in 1.25 out 7.5\n"
      "openai gpt-5.4 priority >272000 in 10 out 45\n"
      "openai gpt-5.4 priority in 5 out 30\n"
      "openai gpt-5.4 fast_mode_us_inference in 6 out 33\n"
      "openai gpt-5.4 fast_mode in 7 out 30\n"
      "openai gpt-5.4 us_inference in 8 out 31\n"
      "  * \t x-*   in  1   out 2 write 3 write_1h 4 \r\n"
      "ollama * out 0 in 0 reasoning 5 audio_in 6 audio_out 7");
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 3u);

  const PriceEntry& first = entries->at(0);
  EXPECT_EQ(first.vendor, "openai");
  EXPECT_EQ(first.model, "gpt-5.4");
  ASSERT_EQ(first.price.steps().size(), 8u);
  EXPECT_EQ(first.price.steps()[0].rates[TokenKind::kCacheRead].Text(), "0.25");
  EXPECT_EQ(first.price.steps()[1].above_input_tokens, 272'000);
  EXPECT_EQ(first.price.steps()[2].tier, ServiceTier::kBatch);
  EXPECT_EQ(first.price.steps()[3].tier, ServiceTier::kPriority);
  EXPECT_EQ(first.price.steps()[3].above_input_tokens, 0);
  EXPECT_EQ(first.price.steps()[4].rates[TokenKind::kOutput].Text(), "45");
  const auto input_of = [&first](ServiceTier tier) {
    return first.price.RatesFor(1, tier)[TokenKind::kInput].Text();
  };
  EXPECT_EQ(input_of(ServiceTier::kFastModeUsInference), "6");
  EXPECT_EQ(input_of(ServiceTier::kFastMode), "7");
  EXPECT_EQ(input_of(ServiceTier::kUsInference), "8");

  const PriceEntry& any_vendor = entries->at(1);
  EXPECT_EQ(any_vendor.vendor, "");
  EXPECT_EQ(any_vendor.model, "x-*");
  const TokenRates& rates = any_vendor.price.steps()[0].rates;
  EXPECT_EQ(rates[TokenKind::kCacheWrite].Text(), "3");
  EXPECT_EQ(rates[TokenKind::kCacheWrite1h].Text(), "4");
  EXPECT_EQ(rates[TokenKind::kCacheRead].Text(), "1");

  EXPECT_EQ(entries->at(2).model, "*");
  EXPECT_EQ(
      entries->at(2).price.steps()[0].rates[TokenKind::kAudioOutput].Text(),
      "7");
}

TEST(ReadPriceLinesTest, ATextWithoutModelsHasNone) {
  for (const char* text : {"", "\n", "# a b in 1 out 1", "\n \n#\n"}) {
    const Entries entries = ReadPriceLines(text);
    ASSERT_TRUE(entries.ok()) << entries.status();
    EXPECT_TRUE(entries->empty());
  }
}

TEST(ReadPriceLinesTest, SaysWhichLineIsWrongAndHow) {
  EXPECT_EQ(WhyTextIsRefused("a"), "line 1: names no model");
  EXPECT_EQ(WhyTextIsRefused("\na b"),
            "line 2: needs the prices `in` and `out`");
  EXPECT_EQ(WhyTextIsRefused("a b in 1\n"),
            "line 1: needs the prices `in` and `out`");
  EXPECT_EQ(WhyTextIsRefused("a b in 1 out"),
            "line 1: \"\" is no decimal number such as 2.50");
  EXPECT_EQ(WhyTextIsRefused("a b in 1 out -2"), "line 1: \"-2\" is negative");
  EXPECT_EQ(WhyTextIsRefused("a b in 1 out 2 in 3"),
            "line 1: has two prices `in`");
  EXPECT_EQ(WhyTextIsRefused("a b turbo in 1 out 2"),
            "line 1: \"turbo\" names no price");
  EXPECT_EQ(WhyTextIsRefused("a b flex batch in 1 out 2"),
            "line 1: \"batch\" names no price");
  EXPECT_EQ(WhyTextIsRefused("a b >0 in 1 out 2"),
            "line 1: \"0\" is no number of tokens above 0");
  EXPECT_EQ(WhyTextIsRefused("a b >200k in 1 out 2"),
            "line 1: \"200k\" is no number of tokens above 0");
}

TEST(ReadPriceLinesTest, AModelWithoutAllItsStepsIsNamedBehindItsLastLine) {
  EXPECT_EQ(WhyTextIsRefused("a b flex in 1 out 2\na c in 1 out 1"),
            "line 2: b, which is above it, has no price of the standard tier");
  EXPECT_EQ(WhyTextIsRefused("a b in 1 out 2\na b in 1 out 2\n"),
            "line 3: b, which is above it, has two prices of one tier");
}

}  // namespace
}  // namespace gateway
