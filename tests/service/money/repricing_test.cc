#include "service/money/repricing.h"

#include <string>
#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/money/cost.h"
#include "service/money/price_lines.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

const absl::Time kRecorded = absl::FromUnixSeconds(1'800'000'000);

PriceTable RepricingTable() {
  return *PriceTable::Make(
      "v m in 3 out 15 cached 0.3\nv m batch in 1.5 out 7.5\n"
      "v m >1000 in 6 out 22.5\n",
      {});
}

RecordedCost Recorded(const PriceTable& table, int64_t input, int64_t output,
                      const std::string& tier = "") {
  RecordedCost call = {
      .vendor = "v", .model = "m", .service_tier = tier, .time = kRecorded};
  call.usage.set_input_tokens(input);
  call.usage.set_output_tokens(output);
  SetCost(table.Find(call.vendor, call.model, call.time), ServiceTierOf(tier),
          &call.usage);
  return call;
}

TEST(RepricingTest, WhatWasRecordedIsWhatItIs) {
  const PriceTable table = RepricingTable();
  Repricing repricing(table);
  FakeRandom random{13};
  Money sum;
  for (int i = 0; i < 1000; ++i) {
    const RecordedCost call =
        Recorded(table, static_cast<int64_t>(random.Below(2000)),
                 static_cast<int64_t>(random.Below(2000)),
                 random.Below(2) == 0 ? "batch" : "");
    sum += Money::FromNanos(call.usage.cost_usd_nanos());
    ASSERT_FALSE(repricing.Add(call).differs());
  }
  EXPECT_EQ(repricing.total().calls, 1000);
  EXPECT_EQ(repricing.total().different_calls, 0);
  EXPECT_EQ(repricing.total().recorded, sum);
  EXPECT_EQ(repricing.total().repriced, sum);
}

TEST(RepricingTest, ATierIsKnownByItsName) {
  const PriceTable table = *PriceTable::Make(
      "v m in 5 out 25\nv m fast_mode in 10 out 50\n"
      "v m us_inference in 5.5 out 27.5\n"
      "v m fast_mode_us_inference in 11 out 55\n",
      {});
  for (const auto& [tier, cost] :
       {std::pair("", "0.015"), std::pair("fast_mode", "0.03"),
        std::pair("us_inference", "0.0165"),
        std::pair("fast_mode_us_inference", "0.033")}) {
    Repricing repricing(table);
    const RecordedCost call = Recorded(table, 500, 500, tier);
    EXPECT_TRUE(call.usage.cost_known()) << tier;
    EXPECT_FALSE(repricing.Add(call).differs()) << tier;
    EXPECT_EQ(repricing.total().repriced.Text(), cost) << tier;
  }
  // Recorded before there was a price of the tier.
  Repricing repricing(table);
  RecordedCost before = Recorded(table, 500, 500, "advisor");
  EXPECT_FALSE(before.usage.cost_known());
  before.service_tier = "us_inference";
  EXPECT_TRUE(repricing.Add(before).differs());
}

TEST(RepricingTest, ACallThatDiffersIsFoundByANanoDollar) {
  const PriceTable table = RepricingTable();
  Repricing repricing(table);
  RecordedCost call = Recorded(table, 10, 20);
  call.usage.set_cost_usd_nanos(call.usage.cost_usd_nanos() + 1);
  const Repricing::Result result = repricing.Add(call);
  EXPECT_TRUE(result.differs());
  EXPECT_EQ(result.recorded - result.repriced, Money::FromNanos(1));
  EXPECT_EQ(repricing.sums().at({"v", "m"}).different_calls, 1);
}

TEST(RepricingTest, APriceThatIsKnownByNowIsADifference) {
  const PriceTable table = RepricingTable();
  Repricing repricing(table);
  RecordedCost call = Recorded(table, 10, 0);
  call.usage.set_cost_known(false);
  call.usage.set_cost_usd_nanos(0);
  EXPECT_TRUE(repricing.Add(call).differs());
  call.model = "unknown";
  EXPECT_FALSE(repricing.Add(call).differs());
  EXPECT_EQ(repricing.total().unpriced_calls, 1);
}

TEST(RepricingTest, WhatConsumedNothingHasNoCostToBeKnown) {
  const PriceTable table = RepricingTable();
  Repricing repricing(table);
  RecordedCost call = Recorded(table, 0, 0);
  call.usage.set_cost_known(false);
  EXPECT_FALSE(repricing.Add(call).differs());
  EXPECT_EQ(repricing.total().unpriced_calls, 0);
}

TEST(RepricingTest, ThePriceIsThatOfTheTime) {
  const PriceTable table = RepricingTable();
  PriceEntry dearer = ReadPriceLines("v m in 4 out 15")->at(0);
  dearer.effective_time = kRecorded + absl::Seconds(1);
  const PriceList said = *PriceList::Make({dearer});
  Repricing repricing(table, &said);
  RecordedCost call = Recorded(table, 1000, 0);
  EXPECT_FALSE(repricing.Add(call).differs());
  call.time = kRecorded + absl::Seconds(1);
  EXPECT_EQ(repricing.Add(call).repriced.Text(), "0.004");
}

}  // namespace
}  // namespace gateway
