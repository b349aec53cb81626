#include "service/pipeline/call_cost.h"

#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/money/price_lines.h"
#include "service/pipeline/incoming_call.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

constexpr int64_t kMillion = 1'000'000;

class CallCostTest : public testing::Test {
 protected:
  // An attempt that has consumed so much.
  void Consume(std::string_view vendor, std::string_view model, int64_t input,
               int64_t output) {
    attempt_.priced_as = vendor;
    attempt_.model = attempt_.upstream_model = model;
    usage().set_input_tokens(input);
    usage().set_output_tokens(output);
  }
  v1::Usage& usage() { return attempt_.answer.facts.usage; }

  LoopClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  IncomingCall call_{
      MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"
                      "prices: {models: [{model: opus*, input: '15', "
                      "output: '75', cached_input: '1.5'}]}\n"),
      client_.loop(),
      client_.http(),
      cancel_,
      arena_,
      client_.loop().Now()};
  Attempt attempt_;
};

TEST_F(CallCostTest, TokensCostWhatTheirModelDoes) {
  Consume("openai", "gpt-4o", kMillion, kMillion);
  SettleCost(call_, &attempt_);
  EXPECT_TRUE(usage().cost_known());
  EXPECT_EQ(usage().cost_usd_nanos(), 12'500'000'000);
  EXPECT_EQ(attempt_.usage, &usage());
}

TEST_F(CallCostTest, AConfiguredPriceCounts) {
  Consume("anthropic", "opus-9", kMillion, 0);
  usage().set_cached_input_tokens(kMillion);
  SettleCost(call_, &attempt_);
  EXPECT_EQ(usage().cost_usd_nanos(), 1'500'000'000);
}

TEST_F(CallCostTest, ACallKeepsThePricesThatItBeganWith) {
  const PriceEntry entry = ReadPriceLines("* opus-9 in 1 out 2")->at(0);
  ASSERT_TRUE(call_.runtime->operator_prices().Set(entry).ok());
  Consume("anthropic", "opus-9", kMillion, 0);
  SettleCost(call_, &attempt_);
  EXPECT_EQ(usage().cost_usd_nanos(), 15'000'000'000);
  const IncomingCall next(call_.runtime, client_.loop(), client_.http(),
                          cancel_, arena_, client_.loop().Now());
  SettleCost(next, &attempt_);
  EXPECT_EQ(usage().cost_usd_nanos(), 1'000'000'000);
  EXPECT_EQ(usage().cost_breakdown().input_nanos(), 1'000'000'000);
}

TEST_F(CallCostTest, ThePriceIsThatOfWhenTheCallBegan) {
  PriceEntry entry = ReadPriceLines("* opus-9 in 1 out 2")->at(0);
  const absl::Time now = call_.runtime->clock().WallTime();
  // Of a call that has waited an hour before it was answered.
  entry.effective_time = now - absl::Minutes(30);
  ASSERT_TRUE(call_.runtime->operator_prices().Set(entry).ok());
  const IncomingCall waited(call_.runtime, client_.loop(), client_.http(),
                            cancel_, arena_,
                            client_.loop().Now() - absl::Hours(1));
  Consume("anthropic", "opus-9", kMillion, 0);
  SettleCost(waited, &attempt_);
  EXPECT_EQ(usage().cost_usd_nanos(), 15'000'000'000);
}

TEST_F(CallCostTest, AnUnknownPriceIsNoneAndSaysSo) {
  Consume("openai", "nobody-knows-it", kMillion, kMillion);
  SettleCost(call_, &attempt_);
  EXPECT_FALSE(usage().cost_known());
  EXPECT_EQ(usage().cost_usd_nanos(), 0);
}

TEST_F(CallCostTest, ALocalProgramIsFreeAndKnownToBe) {
  Consume("local_cli", "claude-opus-4-8", kMillion, kMillion);
  SettleCost(call_, &attempt_);
  EXPECT_TRUE(usage().cost_known());
  EXPECT_EQ(usage().cost_usd_nanos(), 0);
}

TEST_F(CallCostTest, MoreReasoningThanOutputIsNotCounted) {
  Consume("openai", "gpt-4o", 0, kMillion);
  usage().set_reasoning_tokens(7 * kMillion);
  v1::GenerateResponse response;
  *response.mutable_usage() = usage();
  attempt_.answer.response = &response;
  SettleCost(call_, &attempt_);
  EXPECT_EQ(usage().reasoning_tokens(), kMillion);
  EXPECT_EQ(response.usage().reasoning_tokens(), kMillion);
  EXPECT_EQ(usage().cost_usd_nanos(), 10'000'000'000);
  ASSERT_EQ(attempt_.warnings.size(), 1u);
  EXPECT_EQ(attempt_.warnings[0].field(), "usage.reasoning_tokens");
}

TEST_F(CallCostTest, TheTierThatServedCounts) {
  Consume("openai", "gpt-5.4", kMillion / 10, 0);
  SettleCost(call_, &attempt_);
  const int64_t standard = usage().cost_usd_nanos();
  attempt_.answer.facts.service_tier = "flex";
  SettleCost(call_, &attempt_);
  EXPECT_LT(usage().cost_usd_nanos(), standard);
  v1::GenerateResponse response;
  response.set_service_tier("default");
  *response.mutable_usage() = usage();
  attempt_.answer.response = &response;
  SettleCost(call_, &attempt_);
  EXPECT_EQ(usage().cost_usd_nanos(), standard);
  EXPECT_EQ(response.usage().cost_usd_nanos(), standard);
  EXPECT_TRUE(response.usage().cost_known());
}

TEST_F(CallCostTest, ATierWithoutAPriceIsChargedTheStandardOneAndSaysSo) {
  Consume("anthropic", "claude-sonnet-4-5", kMillion / 10, 0);
  SettleCost(call_, &attempt_);
  EXPECT_TRUE(usage().cost_known());
  const int64_t standard = usage().cost_usd_nanos();
  attempt_.answer.facts.service_tier = "batch";
  SettleCost(call_, &attempt_);
  EXPECT_EQ(usage().cost_usd_nanos(), standard);
  EXPECT_FALSE(usage().cost_known());
}

TEST_F(CallCostTest, FastModeAndInferenceInTheUsMultiplyAllPrices) {
  Consume("anthropic", "claude-opus-4-8", kMillion, kMillion);
  usage().set_cached_input_tokens(300'000);
  usage().set_cache_write_tokens(200'000);
  usage().set_cache_write_1h_tokens(100'000);
  // 2.5 + 0.15 + 0.625 + 1 + 25 dollars.
  constexpr int64_t kStandard = 29'275'000'000;
  for (const auto& [tier, cost] :
       {std::pair("default", kStandard), std::pair("fast_mode", 2 * kStandard),
        std::pair("us_inference", kStandard / 10 * 11),
        std::pair("fast_mode_us_inference", kStandard / 10 * 22)}) {
    attempt_.answer.facts.service_tier = tier;
    SettleCost(call_, &attempt_);
    EXPECT_EQ(usage().cost_usd_nanos(), cost) << tier;
    EXPECT_TRUE(usage().cost_known()) << tier;
  }
  attempt_.answer.facts.service_tier = "advisor";
  SettleCost(call_, &attempt_);
  EXPECT_EQ(usage().cost_usd_nanos(), kStandard);
  EXPECT_FALSE(usage().cost_known());
}

TEST_F(CallCostTest, WhatConsumedNothingHasNoCost) {
  Consume("openai", "gpt-4o", 0, 0);
  SettleCost(call_, &attempt_);
  EXPECT_FALSE(usage().cost_known());
  EXPECT_EQ(attempt_.usage, nullptr);
}

TEST_F(CallCostTest, AProviderWithoutAVendorOfItsOwnIsPricedAsItsKind) {
  ProviderRegistry::Entry entry;
  entry.kind = "openai_compatible";
  EXPECT_EQ(PricedAs(entry), "openai_compatible");
  entry.vendor = "groq";
  EXPECT_EQ(PricedAs(entry), "groq");
}

}  // namespace
}  // namespace gateway
