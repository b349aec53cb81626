#include "service/money/configured_price.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
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
         audio_input: "4" audio_output: "5" image_input: "6"
         image_output: "7")",
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
  EXPECT_THAT(prices, ElementsAre("1", "2", "0.1", "1.25", "1.5", "3", "4", "5",
                                  "6", "7"));
}

TEST(ConfiguredPriceTest, InputAndOutputAreRequiredAndTextsAreDecimal) {
  EXPECT_THAT(ProblemsOf(R"(model: "m" input: "0" output: "0")"), IsEmpty());
  EXPECT_THAT(ProblemsOf(R"(model: "m")"),
              ElementsAre("input: is required; free is 0",
                          "output: is required; free is 0"));
  EXPECT_THAT(ProblemsOf(R"(model: "m" input: "1000000" output: "1000000.1"
                    reasoning: "-1" audio_input: "1.0000000001"
                    image_output: "dear")"),
              ElementsAre(HasSubstr("output: must be dollars"),
                          HasSubstr("reasoning: must be dollars"),
                          HasSubstr("audio_input: must be dollars"),
                          HasSubstr("image_output: must be dollars")));
}

TEST(ConfiguredPriceTest, AStepIsForItsTierAndLongPrompts) {
  ModelPriceConfig config;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(model: "m" input: "1" output: "2"
         effective_time: {seconds: 1800000000 nanos: 5}
         steps: {above_input_tokens: 1000 input: "3" output: "4"}
         steps: {service_tier: "batch" input: "0.5" output: "1"}
         steps: {service_tier: "fast_mode" input: "6" output: "12"}
         steps: {service_tier: "us_inference" input: "1.1" output: "2.2"}
         steps: {service_tier: "fast_mode_us_inference"
                 input: "6.6" output: "13.2"}
         steps: {service_tier: "batch" above_input_tokens: 1000
                 input: "1.5" output: "2" cached_input: "0.1"})",
      &config));
  const PriceEntry entry = ReadConfiguredPrice(
      config, [](std::string_view, std::string_view) { ADD_FAILURE(); });
  EXPECT_EQ(entry.effective_time,
            absl::FromUnixSeconds(1'800'000'000) + absl::Nanoseconds(5));
  const auto input_of = [&](int64_t tokens, ServiceTier tier) {
    return entry.price.RatesFor(tokens, tier)[TokenKind::kInput].Text();
  };
  EXPECT_EQ(input_of(1000, ServiceTier::kStandard), "1");
  EXPECT_EQ(input_of(1001, ServiceTier::kStandard), "3");
  EXPECT_EQ(input_of(1000, ServiceTier::kBatch), "0.5");
  EXPECT_EQ(input_of(1001, ServiceTier::kBatch), "1.5");
  EXPECT_EQ(input_of(1001, ServiceTier::kFlex), "3");
  EXPECT_EQ(input_of(1001, ServiceTier::kFastMode), "6");
  EXPECT_EQ(input_of(1001, ServiceTier::kUsInference), "1.1");
  EXPECT_EQ(input_of(1001, ServiceTier::kFastModeUsInference), "6.6");
  EXPECT_EQ(
      entry.price.RatesFor(1001, ServiceTier::kBatch)[TokenKind::kCacheRead]
          .Text(),
      "0.1");
}

TEST(ConfiguredPriceTest, StepsThatContradictAreNamed) {
  EXPECT_THAT(
      ProblemsOf(R"(model: "m" input: "1" output: "2"
                    steps: {input: "3" output: "4"})"),
      ElementsAre("steps[0].above_input_tokens: is that of another price of "
                  "the same service tier; keep one"));
  EXPECT_THAT(
      ProblemsOf(R"(model: "m" input: "1" output: "2"
                    steps: {above_input_tokens: 5 input: "3" output: "4"}
                    steps: {above_input_tokens: 5 input: "3" output: "4"})"),
      ElementsAre(HasSubstr("steps[1].above_input_tokens: is that of")));
  EXPECT_THAT(
      ProblemsOf(R"(model: "m" input: "1" output: "2"
                    steps: {service_tier: "flex" above_input_tokens: 5
                            input: "3" output: "4"})"),
      ElementsAre(HasSubstr("steps[0].above_input_tokens: begins above 0")));
  EXPECT_THAT(ProblemsOf(R"(model: "m" input: "1" output: "2"
                    steps: {service_tier: "fast" input: "3" output: "4"}
                    steps: {service_tier: "batch" input: "x"}
                    steps: {above_input_tokens: -1 input: "3" output: "4"})"),
              ElementsAre(HasSubstr("steps[0].service_tier: must be batch"),
                          HasSubstr("steps[1].input: must be dollars"),
                          "steps[1].output: is required; free is 0",
                          HasSubstr("steps[2].above_input_tokens: must be 0")));
  std::string many = R"(model: "m" input: "1" output: "2")";
  for (int i = 1; i <= 17; ++i) {
    absl::StrAppend(&many, "steps: {above_input_tokens: ", i,
                    " input: '1' output: '2'}");
  }
  EXPECT_THAT(ProblemsOf(many.c_str()),
              ElementsAre("steps: has more than 16 entries"));
}

TEST(ConfiguredPriceTest, APriceHoldsFromItsTimeOn) {
  PricesConfig config;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(models: {model: "gpt-4o" input: "7" output: "8"
                  effective_time: {seconds: 1800000000}})",
      &config));
  const PriceTable prices = PricesOf(config);
  const absl::Time begin = absl::FromUnixSeconds(1'800'000'000);
  const auto input_at = [&](absl::Time at) {
    return prices.Find("openai", "gpt-4o", at)
        ->steps()[0]
        .rates[TokenKind::kInput]
        .Text();
  };
  EXPECT_EQ(input_at(begin - absl::Nanoseconds(1)), "2.5");  // As shipped.
  EXPECT_EQ(input_at(begin), "7");
}

TEST(ConfiguredPriceTest, AConfiguredPriceComesBeforeTheShippedOne) {
  PricesConfig config;
  ModelPriceConfig* const price = config.add_models();
  price->set_model("gpt-4o*");
  price->set_input("7");
  price->set_output("8");
  const PriceTable prices = PricesOf(config);
  const absl::Time at = absl::UnixEpoch();
  const auto input_of = [&](std::string_view vendor, std::string_view model) {
    const ModelRates* const found = prices.Find(vendor, model, at);
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
