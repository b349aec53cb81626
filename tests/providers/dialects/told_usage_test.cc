#include "providers/dialects/told_usage.h"

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ToldUsageTest, WhatIsToldWithTheLastContentCountsAllOfIt) {
  ToldOutput told;
  EXPECT_FALSE(told.counts_all());
  told.Take({.has_output = true, .is_told = true});
  EXPECT_TRUE(told.counts_all());
  told.Take({.has_ended = true});
  EXPECT_TRUE(told.counts_all());
  told.Take({.has_output = true});
  EXPECT_FALSE(told.counts_all());
  told.Take({.is_told = true});
  EXPECT_TRUE(told.counts_all());
}

TEST(ToldUsageTest, WhatTrailsTheEndIsNoOutput) {
  ToldOutput told;
  told.Take({.has_output = true});
  told.Take({.is_told = true, .has_ended = true});
  told.Take({.has_output = true, .has_ended = true});
  EXPECT_TRUE(told.counts_all());
}

TEST(ToldUsageTest, OutputThatIsNotToldAgainStays) {
  llmgateway::v1::Usage usage;
  llmgateway::v1::Usage told;
  told.set_input_tokens(3);
  EXPECT_TRUE(ReplaceUsage(told, &usage));
  told.set_output_tokens(5);
  EXPECT_TRUE(ReplaceUsage(told, &usage));
  told.set_input_tokens(4);
  told.clear_output_tokens();
  EXPECT_FALSE(ReplaceUsage(told, &usage));
  EXPECT_EQ(usage.input_tokens(), 4);
  EXPECT_EQ(usage.output_tokens(), 5);
}

TEST(ToldUsageTest, InputThatIsToldAsNothingStays) {
  llmgateway::v1::Usage usage;
  llmgateway::v1::Usage told;
  told.set_input_tokens(70);
  told.set_cached_input_tokens(20);
  told.set_audio_input_tokens(5);
  EXPECT_TRUE(ReplaceUsage(told, &usage));
  llmgateway::v1::Usage end;
  end.set_output_tokens(300);
  EXPECT_TRUE(ReplaceUsage(end, &usage));
  told.set_output_tokens(300);
  EXPECT_EQ(usage.SerializeAsString(), told.SerializeAsString());
  // What is told again is told whole.
  end.set_input_tokens(60);
  EXPECT_TRUE(ReplaceUsage(end, &usage));
  EXPECT_EQ(usage.SerializeAsString(), end.SerializeAsString());
}

TEST(ToldUsageTest, OutputStaysWithItsParts) {
  llmgateway::v1::Usage usage;
  llmgateway::v1::Usage told;
  told.set_output_tokens(50);
  told.set_reasoning_tokens(30);
  told.set_provider_cost_usd_nanos(7);
  EXPECT_TRUE(ReplaceUsage(told, &usage));
  EXPECT_FALSE(ReplaceUsage(llmgateway::v1::Usage(), &usage));
  EXPECT_EQ(usage.SerializeAsString(), told.SerializeAsString());
}

}  // namespace
}  // namespace gateway
