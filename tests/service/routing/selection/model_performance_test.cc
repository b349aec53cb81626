#include "service/routing/selection/model_performance.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"
#include "tests/service/routing/selection/example_policies.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

// The beginning of an hour.
const absl::Time kHourZero = absl::FromUnixSeconds(3600 * 500'000);

constexpr CallOutcome Success(absl::Duration latency = absl::Seconds(1)) {
  return {.succeeded = true, .latency = latency};
}

// Calls whose average latency, success rate and failures are as given.
PerformanceRecord Record(int successes, int failures, absl::Duration latency,
                         int recent_failures) {
  return {.successes = successes,
          .failures = failures,
          .latency_sum = latency * successes,
          .recent_failures = recent_failures};
}

TEST(PerformanceScoreTest, ThePublishedExamples) {
  EXPECT_DOUBLE_EQ(PerformanceScore({}), 50);
  EXPECT_DOUBLE_EQ(PerformanceScore(Record(9, 0, absl::Seconds(1), 0)), 90);
  EXPECT_DOUBLE_EQ(PerformanceScore(Record(9, 1, absl::Milliseconds(3500), 2)),
                   56);
  EXPECT_DOUBLE_EQ(PerformanceScore(Record(5, 5, absl::Milliseconds(500), 7)),
                   45);
}

TEST(PerformanceScoreTest, LatencyCountsUpToThreeSeconds) {
  const auto score = [](absl::Duration latency) {
    return PerformanceScore(Record(1, 0, latency, 0));
  };
  EXPECT_DOUBLE_EQ(score(absl::ZeroDuration()), 100);
  EXPECT_DOUBLE_EQ(score(absl::Milliseconds(2999)), 70.01);
  EXPECT_DOUBLE_EQ(score(absl::Milliseconds(3000)), 70);
  EXPECT_DOUBLE_EQ(score(absl::Milliseconds(3001)), 70);
}

TEST(PerformanceScoreTest, LatencyThatIsNotKnownCountsAsMiddling) {
  EXPECT_DOUBLE_EQ(PerformanceScore(Record(0, 1, {}, 1)), 15 + 25);
}

TEST(PerformanceScoreTest, RecentFailuresCountUpToSix) {
  const auto score = [](int failures) {
    return PerformanceScore(Record(1, 0, absl::Seconds(3), failures));
  };
  EXPECT_DOUBLE_EQ(score(0), 70);
  EXPECT_DOUBLE_EQ(score(5), 45);
  EXPECT_DOUBLE_EQ(score(6), 40);
  EXPECT_DOUBLE_EQ(score(7), 40);
}

TEST(PerformanceHistoryTest, SumsUpTheCallsOfEachLoop) {
  PerformanceHistory history(3);
  history.Record(0,
                 {.succeeded = true,
                  .latency = absl::Seconds(1),
                  .tokens = 1000,
                  .cost_usd_nanos = 5000},
                 kHourZero);
  history.Record(2,
                 {.succeeded = true,
                  .latency = absl::Seconds(3),
                  .tokens = 500,
                  .cost_usd_nanos = 1000},
                 kHourZero + absl::Seconds(1));
  history.Record(1, {.latency = absl::Hours(1)}, kHourZero + absl::Seconds(2));
  const PerformanceRecord record = history.Read(kHourZero + absl::Minutes(1));
  EXPECT_EQ(record.calls(), 3);
  EXPECT_EQ(record.successes, 2);
  EXPECT_EQ(record.failures, 1);
  EXPECT_DOUBLE_EQ(record.success_rate(), 2.0 / 3);
  // Of the failure neither the latency nor a sample counts.
  EXPECT_EQ(record.average_latency(), absl::Seconds(2));
  EXPECT_EQ(record.cost_usd_nanos_per_million_tokens(), 4'000'000);
  EXPECT_EQ(record.last_success, kHourZero + absl::Seconds(1));
  EXPECT_EQ(record.last_failure, kHourZero + absl::Seconds(2));
}

TEST(PerformanceHistoryTest, ANewOneKnowsNothing) {
  const PerformanceRecord record = PerformanceHistory(2).Read(kHourZero);
  EXPECT_EQ(record.calls(), 0);
  EXPECT_EQ(record.success_rate(), 0);
  EXPECT_FALSE(record.average_latency().has_value());
  EXPECT_FALSE(record.cost_usd_nanos_per_million_tokens().has_value());
  EXPECT_EQ(record.recent_failures, 0);
  EXPECT_EQ(record.last_success, absl::InfinitePast());
  EXPECT_EQ(record.last_failure, absl::InfinitePast());
}

TEST(PerformanceHistoryTest, RecentFailuresEndWithASuccessOfAnyLoop) {
  PerformanceHistory history(2);
  for (int i = 1; i <= 12; ++i) {
    history.Record(i % 2, {}, kHourZero);
    EXPECT_EQ(history.Read(kHourZero).recent_failures, std::min(i, 10));
  }
  history.Record(1, Success(), kHourZero);
  EXPECT_EQ(history.Read(kHourZero).recent_failures, 0);
  EXPECT_EQ(history.Read(kHourZero).failures, 12);
  history.Record(0, {}, kHourZero);
  EXPECT_EQ(history.Read(kHourZero).recent_failures, 1);
}

TEST(PerformanceHistoryTest, AnHourIsForgottenAfterAHundredAndSixtyEight) {
  PerformanceHistory history(1);
  history.Record(0, {}, kHourZero + absl::Hours(1) - absl::Nanoseconds(1));
  history.Record(0, Success(), kHourZero + absl::Hours(1));
  history.Record(0, {}, kHourZero + absl::Hours(2));
  const auto calls_at = [&](absl::Duration later) {
    return history.Read(kHourZero + later).calls();
  };
  EXPECT_EQ(calls_at(absl::Hours(168) - absl::Nanoseconds(1)), 3);
  EXPECT_EQ(calls_at(absl::Hours(168)), 2);
  EXPECT_EQ(calls_at(absl::Hours(169) - absl::Nanoseconds(1)), 2);
  EXPECT_EQ(calls_at(absl::Hours(169)), 1);
  EXPECT_EQ(calls_at(absl::Hours(170)), 0);
  EXPECT_DOUBLE_EQ(PerformanceScore(history.Read(kHourZero + absl::Hours(170))),
                   50);
}

TEST(PerformanceHistoryTest, FailuresInARowAreForgottenWithTheLastOfThem) {
  PerformanceHistory history(1);
  history.Record(0, {}, kHourZero);
  EXPECT_EQ(history.Read(kHourZero + absl::Hours(168) - absl::Nanoseconds(1))
                .recent_failures,
            1);
  EXPECT_EQ(history.Read(kHourZero + absl::Hours(168)).recent_failures, 0);
  // When it was, is still known.
  EXPECT_EQ(history.Read(kHourZero + absl::Hours(168)).last_failure, kHourZero);
}

TEST(PerformanceHistoryTest, AnHourTakesThePlaceOfTheOneAWeekBefore) {
  PerformanceHistory history(1);
  const CallOutcome expensive = {.succeeded = true,
                                 .latency = absl::Seconds(9),
                                 .tokens = 9,
                                 .cost_usd_nanos = 9};
  history.Record(0, expensive, kHourZero);
  history.Record(0, {}, kHourZero);
  const absl::Time later = kHourZero + absl::Hours(168);
  history.Record(0, Success(absl::Seconds(1)), later);
  const PerformanceRecord record = history.Read(later);
  EXPECT_EQ(record.successes, 1);
  EXPECT_EQ(record.failures, 0);
  EXPECT_EQ(record.average_latency(), absl::Seconds(1));
  EXPECT_EQ(record.tokens, 0);
  EXPECT_EQ(record.cost_usd_nanos, 0);
}

TEST(PerformanceHistoryTest, AClockThatGoesBackSpoilsNothingForLong) {
  PerformanceHistory history(1);
  history.Record(0, Success(), kHourZero + absl::Hours(168));
  history.Record(0, {}, kHourZero);  // The same place.
  EXPECT_EQ(history.Read(kHourZero).failures, 1);
  EXPECT_EQ(history.Read(kHourZero).successes, 0);
  history.Record(0, Success(-absl::Seconds(5)), kHourZero);
  EXPECT_EQ(history.Read(kHourZero).average_latency(), absl::ZeroDuration());
  history.Record(0, {}, absl::InfinitePast());
  EXPECT_EQ(history.Read(absl::UnixEpoch()).failures, 1);
}

// The definition: every call, with the hour that it was in.
struct KeptCall {
  int64_t hour;
  bool succeeded;
  int64_t latency_ms;
};

TEST(PerformanceHistoryTest, AgreesWithAListOfAllCalls) {
  FakeRandom random{20260104};
  for (int round = 0; round < 20; ++round) {
    const PolicyTable table({Model("m", 0)}, {});
    ModelPerformance performance(3);
    PerformanceHistory& history = *performance.HistoryOf("m");
    PerformanceView view(table, performance);
    std::vector<KeptCall> calls;
    int recent_failures = 0;
    absl::Time now = kHourZero + absl::Seconds(random.Below(3600));
    for (int step = 0; step < 2000; ++step) {
      // Some minutes as a rule, seldom days.
      now += absl::Seconds(random.Below(random.Below(50) == 0 ? 300'000 : 900));
      const KeptCall call = {
          .hour = absl::ToUnixSeconds(now) / 3600,
          .succeeded = random.Below(3) != 0,
          .latency_ms = static_cast<int64_t>(random.Below(5000))};
      calls.push_back(call);
      recent_failures = call.succeeded ? 0 : std::min(recent_failures + 1, 10);
      history.Record(static_cast<int>(random.Below(3)),
                     {.succeeded = call.succeeded,
                      .latency = absl::Milliseconds(call.latency_ms)},
                     now);
      if (random.Below(10) != 0) continue;
      PerformanceRecord expected;
      for (const KeptCall& kept : calls) {
        if (kept.hour <= call.hour - 168) continue;
        expected.successes += kept.succeeded;
        expected.failures += !kept.succeeded;
        if (kept.succeeded) {
          expected.latency_sum += absl::Milliseconds(kept.latency_ms);
        }
      }
      for (const PerformanceRecord& record :
           {history.Read(now), (*view.At(now + absl::Seconds(1)))[0]}) {
        ASSERT_EQ(record.successes, expected.successes);
        ASSERT_EQ(record.failures, expected.failures);
        ASSERT_EQ(record.latency_sum, expected.latency_sum);
        ASSERT_EQ(record.recent_failures, recent_failures);
      }
      now += absl::Seconds(1);
    }
  }
}

TEST(PerformanceHistoryTest, LoopsRecordWhileOthersRead) {
  constexpr int kCalls = 1'000'000;
  PerformanceHistory history(2);
  // Each call is in an hour of its own, so that in each walk over the hours the
  // reader meets the writers where they take a place anew.
  const auto time_of = [](int call) { return kHourZero + absl::Hours(call); };
  std::atomic<int> at = 0;
  {
    std::deque<Thread> threads;
    for (int shard = 0; shard < 2; ++shard) {
      threads.emplace_back("loop", [&, shard] {
        for (int i = 0; i < kCalls; ++i) {
          at.store(i, std::memory_order_relaxed);
          history.Record(
              shard,
              {.succeeded = true, .latency = absl::Seconds(1), .tokens = 1},
              time_of(i));
        }
      });
    }
    while (at.load(std::memory_order_relaxed) < kCalls - 1) {
      const PerformanceRecord record =
          history.Read(time_of(at.load(std::memory_order_relaxed)));
      // Never more than a week of both, and of no call, whose tokens are
      // counted first and read last, another hour's tokens.
      ASSERT_LE(record.calls(), 2 * 168);
      ASSERT_GE(record.tokens, record.calls());
    }
  }
  const PerformanceRecord record = history.Read(time_of(kCalls - 1));
  EXPECT_EQ(record.calls(), 2 * 168);
  EXPECT_EQ(record.tokens, 2 * 168);
  EXPECT_EQ(record.average_latency(), absl::Seconds(1));
}

TEST(ModelPerformanceTest, AModelKeepsItsHistory) {
  ModelPerformance performance(1);
  PerformanceHistory* a = performance.HistoryOf("a");
  EXPECT_EQ(performance.HistoryOf("a"), a);
  EXPECT_NE(performance.HistoryOf("b"), a);
  EXPECT_EQ(performance.HistoryOf("a"), a);
}

TEST(ModelPerformanceTest, SoManyModelsHaveOneAndNoMore) {
  ModelPerformance performance(1);
  for (int i = 0; i < kPerformanceModelsMax; ++i) {
    ASSERT_NE(performance.HistoryOf(absl::StrCat(i)), nullptr);
  }
  EXPECT_EQ(performance.HistoryOf("late"), nullptr);
  EXPECT_NE(performance.HistoryOf("7"), nullptr);
  // A model without a history is as one that was never called.
  const PolicyTable table({Model("late", 0)}, {});
  PerformanceView view(table, performance);
  EXPECT_EQ((*view.At(kHourZero))[0].calls(), 0);
}

TEST(PerformanceViewTest, ShowsEachModelInTheTablesOrder) {
  const PolicyTable table(ExamplePolicies(), ExampleNodes());
  ModelPerformance performance(1);
  PerformanceView view(table, performance);
  performance.HistoryOf("claude-sonnet")->Record(0, Success(), kHourZero);
  const std::shared_ptr<const PerformanceView::Records> kept =
      view.At(kHourZero);
  const PerformanceView::Records& records = *kept;
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].calls(), 0);
  EXPECT_EQ(records[1].calls(), 1);
}

TEST(PerformanceViewTest, IsMadeAnewAfterASecond) {
  const PolicyTable table({Model("m", 0)}, {});
  ModelPerformance performance(1);
  PerformanceHistory& history = *performance.HistoryOf("m");
  PerformanceView view(table, performance);
  EXPECT_EQ((*view.At(kHourZero))[0].calls(), 0);
  history.Record(0, Success(), kHourZero);
  EXPECT_EQ((*view.At(kHourZero + absl::Milliseconds(999)))[0].calls(), 0);
  EXPECT_EQ((*view.At(kHourZero + absl::Seconds(1)))[0].calls(), 1);
  // A clock that goes back does not stop it.
  history.Record(0, Success(), kHourZero);
  EXPECT_EQ((*view.At(kHourZero))[0].calls(), 2);
}

TEST(PerformanceViewTest, AnHoursEndIsSpreadOverSeconds) {
  constexpr int kModels = 2 * kPerformanceSumsMax + 1;
  std::vector<ModelPolicy> policies;
  for (int i = 0; i < kModels; ++i) {
    policies.push_back(Model(absl::StrCat(i), 0));
  }
  const PolicyTable table(policies, {});
  ModelPerformance performance(1);
  PerformanceView view(table, performance);
  const absl::Time end = kHourZero + absl::Hours(168);
  for (const ModelPolicy& policy : table.policies()) {
    PerformanceHistory& history = *performance.HistoryOf(policy.id);
    history.Record(0, Success(), kHourZero);
    history.Record(0, Success(), end - absl::Hours(1) - absl::Seconds(1));
    history.Record(0, Success(), end - absl::Seconds(1));
  }
  // How many models still show the call of the first hour.
  const auto late_at = [&](absl::Time now) {
    int late = 0;
    for (const PerformanceRecord& record : *view.At(now)) {
      EXPECT_GE(record.calls(), 2);
      late += record.calls() == 3;
    }
    return late;
  };
  EXPECT_EQ(late_at(end - absl::Seconds(1)), kModels);
  EXPECT_EQ(late_at(end), kModels - kPerformanceSumsMax);
  EXPECT_EQ(late_at(end + absl::Seconds(1)), 1);
  EXPECT_EQ(late_at(end + absl::Seconds(2)), 0);
  // After more than an hour without a call nothing waits.
  for (const PerformanceRecord& record :
       *view.At(end + absl::Hours(167) + absl::Seconds(2))) {
    EXPECT_EQ(record.calls(), 0);
  }
}

TEST(PerformanceViewTest, ACallThatEndsBehindTheHourIsSeen) {
  const PolicyTable table({Model("m", 0)}, {});
  ModelPerformance performance(2);
  PerformanceHistory& history = *performance.HistoryOf("m");
  PerformanceView view(table, performance);
  history.Record(0, Success(), kHourZero - absl::Hours(5));
  EXPECT_EQ((*view.At(kHourZero))[0].calls(), 1);
  // A loop whose turn began in the hour before.
  history.Record(1, Success(), kHourZero - absl::Nanoseconds(1));
  EXPECT_EQ((*view.At(kHourZero + absl::Seconds(1)))[0].calls(), 2);
}

TEST(KeptPerformanceTest, ComesBackAsItWas) {
  ModelPerformance before(2);
  PerformanceHistory& history = *before.HistoryOf("m");
  history.Record(0,
                 {.succeeded = true,
                  .latency = absl::Milliseconds(1500),
                  .tokens = 30,
                  .cost_usd_nanos = 7},
                 kHourZero);
  history.Record(1, {}, kHourZero + absl::Hours(2));
  history.Record(0, {}, kHourZero + absl::Hours(2));
  before.HistoryOf("idle");
  const absl::Time now = kHourZero + absl::Hours(3);
  const std::vector<KeptPerformance> kept = before.Keep(now);
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].model, "m");
  ASSERT_EQ(kept[0].hours.size(), 2u);
  EXPECT_EQ(kept[0].hours[1].failures, 2);

  ModelPerformance after(1);
  after.Restore(kept, now);
  const PerformanceRecord was = history.Read(now);
  PerformanceHistory& restored = *after.HistoryOf("m");
  const PerformanceRecord is = restored.Read(now);
  EXPECT_EQ(is.successes, 1);
  EXPECT_EQ(is.failures, 2);
  EXPECT_EQ(is.latency_sum, absl::Milliseconds(1500));
  EXPECT_EQ(is.tokens, 30);
  EXPECT_EQ(is.cost_usd_nanos, 7);
  EXPECT_EQ(is.recent_failures, 2);
  EXPECT_EQ(is.last_success, was.last_success);
  EXPECT_EQ(is.last_failure, was.last_failure);
  // And counts on.
  restored.Record(0, Success(), kHourZero + absl::Hours(2));
  EXPECT_EQ(restored.Read(now).successes, 2);
  // For as long as it would have.
  EXPECT_EQ(restored.Read(kHourZero + absl::Hours(167)).calls(), 4);
  EXPECT_EQ(restored.Read(kHourZero + absl::Hours(168)).calls(), 3);
}

TEST(KeptPerformanceTest, WhatIsTooOldOrCannotHaveBeenIsLeftOut) {
  const absl::Time now = kHourZero + absl::Minutes(1);
  const int64_t hour = 500'000;
  KeptPerformance kept = {.model = "m"};
  for (const int64_t each :
       {hour - 168, hour - 167, hour, hour + 1, int64_t{-1}}) {
    kept.hours.push_back({.hour = each, .successes = 1});
  }
  kept.hours.push_back({.hour = hour - 1, .successes = -1});
  kept.hours.push_back({.hour = hour - 2, .tokens = int64_t{1} << 60});
  kept.recent_failures = 1000;
  kept.last_failure_ns = absl::ToUnixNanos(now + absl::Hours(5));
  kept.last_success_ns = -1;
  ModelPerformance performance(1);
  performance.Restore({kept}, now);
  const PerformanceRecord record = performance.HistoryOf("m")->Read(now);
  EXPECT_EQ(record.successes, 2);
  EXPECT_EQ(record.tokens, 0);
  EXPECT_EQ(record.recent_failures, kRecentFailuresMax);
  EXPECT_EQ(record.last_failure, now);
  EXPECT_EQ(record.last_success, absl::InfinitePast());
}

}  // namespace
}  // namespace gateway
