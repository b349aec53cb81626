#include "service/money/configured_price.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/prices.pb.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::ModelPriceConfig;
using ::llmgateway::config::v1::PricesConfig;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> ProblemsOf(const char* text) {
  ModelPriceConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config));
  std::vector<std::string> problems;
  ReadConfiguredPrice(config, [&](std::string_view field,
                                  std::string_view problem) {
    problems.push_back(absl::StrCat(ToAbsl(field), ": ", ToAbsl(problem)));
  });
  return problems;
}

TEST(ConfiguredPriceTest, EachKindOfTokenMayHaveItsPrice) {
  ModelPriceConfig config;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(model: "m" kind: "k" input: "1" output: "2" cached_input: "0.1"
         cache_write: "1.25" cache_write_1h: "1.5" reasoning: "3"
         audio_input: "4" audio_output: "5")",
      &config));
  const PriceEntry entry =
      ReadConfiguredPrice(config, [](std::string_view, std::string_view) {
        ADD_FAILURE();
      });
  EXPECT_EQ(entry.vendor, "k");
  EXPECT_EQ(entry.model, "m");
  std::vector<std::string> prices;
  for (const NamedTokenKind& each : kTokenKinds) {
    prices.push_back(entry.price.steps()[0].rates[each.kind].Text());
  }
  EXPECT_THAT(prices, ElementsAre("1", "2", "0.1", "1.25", "1.5", "3", "4",
                                  "5"));
}

TEST(ConfiguredPriceTest, InputAndOutputAreRequiredAndTextsAreDecimal) {
  EXPECT_THAT(ProblemsOf(R"(model: "m" input: "0" output: "0")"), IsEmpty());
  EXPECT_THAT(ProblemsOf(R"(model: "m")"),
              ElementsAre("input: is required; free is 0",
                          "output: is required; free is 0"));
  EXPECT_THAT(
      ProblemsOf(R"(model: "m" input: "1000000" output: "1000000.1"
                    reasoning: "-1" audio_input: "1.0000000001")"),
      ElementsAre(HasSubstr("output: must be dollars"),
                  HasSubstr("reasoning: must be dollars"),
                  HasSubstr("audio_input: must be dollars")));
}

TEST(ConfiguredPriceTest, AConfiguredPriceComesBeforeTheShippedOne) {
  PricesConfig config;
  ModelPriceConfig* const price = config.add_models();
  price->set_model("gpt-4o*");
  price->set_input("7");
  price->set_output("8");
  const PriceTable prices = PricesOf(config);
  const auto input_of = [&prices](std::string_view vendor,
                                  std::string_view model) {
    const ModelRates* const found = prices.Find(vendor, model);
    return found == nullptr
               ? std::string()
               : found->steps()[0].rates[TokenKind::kInput].Text();
  };
  EXPECT_EQ(input_of("openai", "gpt-4o-mini"), "7");
  EXPECT_EQ(input_of("openai", "gpt-4.1"), "2");
  EXPECT_EQ(input_of("local_cli", "anything"), "0");
  EXPECT_EQ(input_of("openai", "no-such-model"), "");
}

}  // namespace
}  // namespace gateway
