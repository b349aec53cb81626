#include "service/money/price_fields.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/pricing.pb.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using ::llmgateway::v1::PriceStep;

TEST(PriceFieldsTest, WhatOthersAreTheDefaultOfIsLeftOut) {
  ListedRates listed;
  listed[TokenKind::kInput] = *TokenPrice::Parse("3");
  listed[TokenKind::kOutput] = *TokenPrice::Parse("15");
  listed[TokenKind::kCacheRead] = *TokenPrice::Parse("0.3");
  PriceStep step;
  FillListedRates(CompleteRates(listed), &step);
  EXPECT_EQ(step.ShortDebugString(),
            R"(input: "3" output: "15" cached_input: "0.3")");
}

TEST(PriceFieldsTest, WhatIsWrittenIsRead) {
  FakeRandom random{7};
  for (int round = 0; round < 1000; ++round) {
    TokenRates rates;
    for (const NamedTokenKind& each : kTokenKinds) {
      // Few prices, so that many are each other's default.
      rates[each.kind] = TokenPrice::FromNanosPerMillion(
          static_cast<int64_t>(random.Below(3)) * 1'250'000'001);
    }
    PriceStep step;
    FillListedRates(rates, &step);
    const auto fail = [](std::string_view field, std::string_view problem) {
      ADD_FAILURE() << field << " " << problem;
    };
    ASSERT_EQ(CompleteRates(ReadListedRates(step, fail)), rates)
        << step.ShortDebugString();
  }
}

TEST(PriceFieldsTest, EachWrongFieldIsNamed) {
  PriceStep step;
  step.set_output("-1");
  step.set_audio_output("two");
  std::vector<std::string> problems;
  const ListedRates listed = ReadListedRates(
      step, [&](std::string_view field, std::string_view problem) {
        problems.push_back(absl::StrCat(ToAbsl(field), ": ", ToAbsl(problem)));
      });
  EXPECT_THAT(problems,
              testing::ElementsAre(
                  "input: is required; free is 0",
                  testing::HasSubstr("output: must be dollars"),
                  testing::HasSubstr("audio_output: must be dollars")));
  EXPECT_FALSE(listed[TokenKind::kOutput].has_value());
}

}  // namespace
}  // namespace gateway
