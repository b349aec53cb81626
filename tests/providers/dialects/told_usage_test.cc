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

}  // namespace
}  // namespace gateway
