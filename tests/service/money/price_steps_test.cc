#include "service/money/price_steps.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TokenRates InputRates(std::string_view input) {
  ListedRates listed;
  listed[TokenKind::kInput] = *TokenPrice::Parse(input);
  return CompleteRates(listed);
}

class PriceStepsTest : public testing::Test {
 protected:
  void Add(std::string_view tier, int64_t above, std::string_view input) {
    reader_.Add(tier, above, InputRates(input),
                [this](std::string_view field, std::string_view problem) {
                  problems_.push_back(
                      absl::StrCat(ToAbsl(field), ": ", ToAbsl(problem)));
                });
  }

  ModelRates Take() {
    return std::move(reader_).Take(
        [this](size_t step, std::string_view field, std::string_view problem) {
          problems_.push_back(absl::StrCat("[", step, "].", ToAbsl(field), ": ",
                                           ToAbsl(problem)));
        });
  }

  PriceStepsReader reader_;
  std::vector<std::string> problems_;
};

TEST_F(PriceStepsTest, StepsMayComeInAnyOrder) {
  Add("priority", 100, "4");
  Add("", 100, "2");
  Add("priority", 0, "3");
  Add("", 0, "1");
  const ModelRates price = Take();
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_EQ(price.steps().size(), 4u);
  EXPECT_EQ(
      price.RatesFor(101, ServiceTier::kPriority)[TokenKind::kInput].Text(),
      "4");
}

TEST_F(PriceStepsTest, WhatIsWrongIsLeftOutAndNamedByItsPlace) {
  Add("", 0, "1");
  Add("silver", 0, "1");
  Add("", kAboveInputTokensMax + 1, "1");
  Add("", 0, "2");
  Add("batch", 5, "2");
  const ModelRates price = Take();
  EXPECT_THAT(problems_,
              ElementsAre("service_tier: must be batch, flex, priority, "
                          "fast_mode, us_inference, fast_mode_us_inference, "
                          "or empty",
                          "above_input_tokens: must be 0 to 1000000000",
                          HasSubstr("above_input_tokens: is that of another"),
                          HasSubstr("[4].above_input_tokens: begins above 0")));
  EXPECT_EQ(price.steps().size(), 1u);
  EXPECT_EQ(price.steps()[0].rates[TokenKind::kInput].Text(), "1");
}

TEST_F(PriceStepsTest, WithoutAStepAllIsFree) {
  EXPECT_EQ(Take().steps()[0].rates, TokenRates());
}

}  // namespace
}  // namespace gateway
