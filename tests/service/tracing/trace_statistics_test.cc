#include "service/tracing/trace_statistics.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/service/tracing/traced_calls.h"

namespace gateway {
namespace {

constexpr absl::Duration kStart = absl::Hours(1000);

TEST(TraceStatisticsTest, CountsWhatWasCalledAndHowItEnded) {
  TraceStatistics counts;
  TestCall good;
  good.record.model_served = "gpt-x";
  good.usage.set_cost_known(true);
  good.usage.set_cost_usd_nanos(70);
  good.capabilities = {"streaming", "reasoning"};
  counts.Count(good.counted(kStart), /*sampled=*/true);
  TestCall bad;
  bad.node = "writer";
  bad.record.duration = absl::Milliseconds(40);
  bad.Fail(absl::StatusCode::kUnavailable,
           llmgateway::v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "away");
  bad.capabilities = {"streaming"};
  // Charged as the standard tier.
  bad.usage.set_cost_usd_nanos(5);
  counts.Count(bad.counted(kStart), /*sampled=*/false);

  TraceTotals totals;
  counts.AddTo(absl::Hours(24), kStart, &totals);
  EXPECT_EQ(totals.all.calls, 2);
  EXPECT_EQ(totals.all.failed, 1);
  EXPECT_EQ(totals.all.duration, absl::Milliseconds(160));
  EXPECT_EQ(totals.sampled, 1);
  EXPECT_EQ(totals.cost_usd_nanos, 75);
  ASSERT_EQ(totals.operations.size(), 2u);
  EXPECT_EQ(totals.operations["POST /v1/chat/completions"].failed, 0);
  EXPECT_EQ(totals.operations["llm_call_writer"].failed, 1);
  EXPECT_EQ(totals.operations["llm_call_writer"].duration,
            absl::Milliseconds(40));
  EXPECT_EQ(totals.models["gpt-x"], 1);
  EXPECT_EQ(totals.capabilities["streaming"], 2);
  EXPECT_EQ(totals.capabilities["reasoning"], 1);
}

TEST(TraceStatisticsTest, AWindowHasItsStepsOnly) {
  TraceStatistics counts;
  TestCall call;
  counts.Count(call.counted(kStart), true);
  const auto calls = [&](absl::Duration window, absl::Duration now) {
    TraceTotals totals;
    counts.AddTo(window, now, &totals);
    return totals.all.calls;
  };
  EXPECT_EQ(calls(absl::Minutes(5), kStart), 1);
  EXPECT_EQ(calls(absl::Minutes(5), kStart + absl::Minutes(4)), 1);
  // No less than the window: that of 24 hours has 289 steps.
  EXPECT_EQ(calls(absl::Minutes(5), kStart + absl::Minutes(9)), 1);
  EXPECT_EQ(calls(absl::Minutes(5), kStart + absl::Minutes(10)), 0);
  EXPECT_EQ(calls(absl::Minutes(7), kStart + absl::Minutes(10)), 1);
  EXPECT_EQ(calls(absl::Hours(24), kStart + absl::Minutes(24 * 60 + 4)), 1);
  EXPECT_EQ(calls(absl::Hours(24), kStart + absl::Minutes(24 * 60 + 5)), 0);
}

TEST(TraceStatisticsTest, ADayLaterTheStepBeginsAnew) {
  TraceStatistics counts;
  TestCall call;
  const absl::Duration round =
      TraceStatistics::kSteps * TraceStatistics::kStep;
  counts.Count(call.counted(kStart), true);
  counts.Count(call.counted(kStart + round), true);
  TraceTotals totals;
  counts.AddTo(absl::Hours(24), kStart + round, &totals);
  EXPECT_EQ(totals.all.calls, 1);
}

TEST(TraceStatisticsTest, WhatComesForwardKeepsItsCount) {
  TraceStatistics counts;
  // The later ones more often, each in its turn.
  constexpr int kNames = 5;
  for (int round = 0; round < kNames; ++round) {
    for (int i = kNames - 1 - round; i < kNames; ++i) {
      TestCall call;
      const std::string name = absl::StrCat("m", i);
      call.record.model_served = name;
      call.record.operation = name;
      counts.Count(call.counted(kStart), true);
    }
  }
  TraceTotals totals;
  counts.AddTo(absl::Hours(24), kStart, &totals);
  for (int i = 0; i < kNames; ++i) {
    const std::string name = absl::StrCat("m", i);
    EXPECT_EQ(totals.models[name], i + 1);
    EXPECT_EQ(totals.operations[name].calls, i + 1);
  }
}

TEST(TraceStatisticsTest, TellsSoManyNamesApart) {
  TraceStatistics counts;
  for (int i = 0; i < 300; ++i) {
    TestCall call;
    const std::string name = absl::StrCat("m", i);
    call.record.model_served = name;
    call.node = name;
    counts.Count(call.counted(kStart), true);
  }
  TraceTotals totals;
  counts.AddTo(absl::Hours(24), kStart, &totals);
  EXPECT_EQ(totals.models.size(), TraceStatistics::kNamesMax + 1);
  EXPECT_EQ(totals.models["other"], 300 - 256);
  EXPECT_EQ(totals.operations.size(), TraceStatistics::kNamesMax + 1);
  EXPECT_EQ(totals.operations["other"].calls, 300 - 256);
  EXPECT_EQ(totals.all.calls, 300);
}

}  // namespace
}  // namespace gateway
