#include "clients/cli/prices_request.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/pricing.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;

// What a gateway answers is asked of one in prices_test.py.
TEST(PricesRequestTest, OnlyWhatIsMeantIsAskedFor) {
  const RpcPlace nobody = {.address = "127.0.0.1:1"};
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{},
                                                {"raise"},
                                                {"set"},
                                                {"set", "a", "b"},
                                                {"remove"},
                                                {"list", "m"}}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(AskPrices(nobody, {.words = wrong}).status()));
  }
  EXPECT_THAT(AskPrices(nobody, {.words = {"list"}}).status().ToString(),
              HasSubstr("127.0.0.1:1"));
}

TEST(PricesRequestTest, AListMayBeOfOneModelKindAndSource) {
  const auto request =
      ListPricingRequestOf({.words = {"list"},
                            .flags = {{"--model", "gpt-4o"},
                                      {"--kind", "openai"},
                                      {"--source", "operator"}}});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->ShortDebugString(),
            "model: \"gpt-4o\" kind: \"openai\" source: SOURCE_OPERATOR");
  EXPECT_FALSE(ListPricingRequestOf(
                   {.words = {"list"}, .flags = {{"--source", "rumour"}}})
                   .ok());
}

TEST(PricesRequestTest, APriceHasItsStepsAndItsTime) {
  const auto request = SetPricingRequestOf(
      {.words = {"set", "gpt-4o*"},
       .flags = {{"--kind", "openai"},
                 {"--from", "2027-01-15T09:00:00.5+01:00"},
                 {"--input_usd", "2.5"},
                 {"--output_usd", "10"},
                 {"--cached_input_usd", "1.25"},
                 {"--image_input_usd", "3"},
                 {"--image_output_usd", "40"},
                 {"--step", "above=200000,input=5,output=20,image_output=80"},
                 {"--step", "tier=batch,input=1.25,output=5"}}});
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->ShortDebugString(),
            "price { model: \"gpt-4o*\" kind: \"openai\" "
            "steps { input: \"2.5\" output: \"10\" cached_input: \"1.25\" "
            "image_input: \"3\" image_output: \"40\" } "
            "steps { above_input_tokens: 200000 input: \"5\" output: \"20\" "
            "image_output: \"80\" } "
            "steps { service_tier: \"batch\" input: \"1.25\" output: \"5\" } "
            "effective_time { seconds: 1800000000 nanos: 500000000 } }");
  for (const char* wrong : {"input", "above=x", "silver=1"}) {
    EXPECT_THAT(SetPricingRequestOf(
                    {.words = {"set", "m"}, .flags = {{"--step", wrong}}})
                    .status()
                    .ToString(),
                HasSubstr("--step must be as tier=batch"));
  }
  EXPECT_FALSE(SetPricingRequestOf(
                   {.words = {"set", "m"}, .flags = {{"--from", "soon"}}})
                   .ok());
}

TEST(PricesRequestTest, WhatIsTakenBackHasNoPrice) {
  const auto request = SetPricingRequestOf(
      {.words = {"remove", "m"}, .flags = {{"--kind", "openai"}}});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->ShortDebugString(),
            "price { model: \"m\" kind: \"openai\" } remove: true");
}

TEST(PricesRequestTest, TheTableHasALineForEachStep) {
  v1::ListPricingResponse response;
  v1::ModelPrice& price = *response.add_prices();
  price.set_model("m");
  price.set_source(v1::ModelPrice::SOURCE_OPERATOR);
  price.mutable_effective_time()->set_seconds(1'800'000'000);
  price.add_steps()->set_input("1");
  v1::PriceStep& step = *price.add_steps();
  step.set_service_tier("flex");
  step.set_above_input_tokens(9);
  step.set_cached_input("0.5");
  step.set_image_output("70");
  const std::string table = PriceTableText(response);
  EXPECT_THAT(table, HasSubstr("any   m      standard  0      1 "));
  EXPECT_THAT(table, HasSubstr("any   m      flex      9      -      -       "
                               "0.5"));
  EXPECT_THAT(table, HasSubstr("IMAGE IN  IMAGE OUT  FROM"));
  EXPECT_THAT(table, HasSubstr("-         70         2027-01-15T08:00:00Z"));
  EXPECT_THAT(table, HasSubstr("2027-01-15T08:00:00Z  operator"));
}

}  // namespace
}  // namespace gateway
