#include "service/money/price_message.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/pricing.pb.h"
#include "service/money/shipped_prices.h"

namespace gateway {
namespace {

using ::llmgateway::v1::ModelPrice;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> MessageProblems(const char* text) {
  ModelPrice price;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &price));
  std::vector<std::string> problems;
  ReadPriceMessage(
      price, [&](std::string_view field, std::string_view problem) {
        problems.push_back(absl::StrCat(ToAbsl(field), ": ", ToAbsl(problem)));
      });
  return problems;
}

TEST(PriceMessageTest, EveryShippedPriceIsReadAsItIsTold) {
  const std::vector<PriceEntry> entries = *ReadPriceLines(ShippedPrices());
  ASSERT_GT(entries.size(), 100u);
  for (PriceEntry entry : entries) {
    entry.effective_time =
        absl::FromUnixSeconds(1'800'000'000) + absl::Nanoseconds(7);
    ModelPrice price;
    FillPriceMessage(entry, &price);
    const PriceEntry read = ReadPriceMessage(
        price, [&](std::string_view field, std::string_view problem) {
          ADD_FAILURE() << entry.model << " " << field << " " << problem;
        });
    ASSERT_EQ(read.vendor, entry.vendor);
    ASSERT_EQ(read.model, entry.model);
    ASSERT_EQ(read.effective_time, entry.effective_time);
    ASSERT_EQ(read.price.steps().size(), entry.price.steps().size());
    for (size_t i = 0; i < read.price.steps().size(); ++i) {
      ASSERT_EQ(read.price.steps()[i].tier, entry.price.steps()[i].tier);
      ASSERT_EQ(read.price.steps()[i].above_input_tokens,
                entry.price.steps()[i].above_input_tokens);
      ASSERT_EQ(read.price.steps()[i].rates, entry.price.steps()[i].rates);
    }
  }
}

TEST(PriceMessageTest, WhatIsWrongIsNamed) {
  EXPECT_THAT(MessageProblems("model: 'm'"),
              ElementsAre(HasSubstr("steps: is required")));
  EXPECT_THAT(
      MessageProblems("model: 'm' effective_time: {seconds: -1}"
                      "steps: {service_tier: 'batch' input: '1' output: '-2'}"),
      ElementsAre("effective_time: must be of the years 1970 to 2260",
                  HasSubstr("steps[0].output: must be dollars"),
                  HasSubstr("steps: has no price of the standard tier")));
  EXPECT_THAT(
      MessageProblems("steps: {input: '1' output: '2'}"
                      "steps: {input: '1' output: '2'}"),
      ElementsAre(HasSubstr("steps[1].above_input_tokens: is that of")));
}

}  // namespace
}  // namespace gateway
