#include "service/resilience/latency_window.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

constexpr absl::Duration kWindowStart = absl::Hours(1);
constexpr LatencyWindow::Options kAnySample = {.minimum_samples = 1};

// The histogram's error bound.
absl::Duration AtMost(absl::Duration exact) {
  return exact + exact / 8 + absl::Microseconds(100);
}

TEST(LatencyWindowTest, KnowsNothingBeforeTheFirstSample) {
  const LatencyWindow window(kAnySample);
  EXPECT_EQ(window.Average(kWindowStart), std::nullopt);
  EXPECT_EQ(window.Percentile(kWindowStart), std::nullopt);
  EXPECT_EQ(window.Percentile(kWindowStart, 50), std::nullopt);
}

TEST(LatencyWindowTest, TheFirstSampleIsTheAverage) {
  LatencyWindow window(kAnySample);
  window.Record(kWindowStart, absl::Milliseconds(800));
  EXPECT_EQ(window.Average(kWindowStart), absl::Milliseconds(800));
}

TEST(LatencyWindowTest, ASampleMovesTheAverageByAnEighth) {
  LatencyWindow window(kAnySample);
  window.Record(kWindowStart, absl::Milliseconds(800));
  window.Record(kWindowStart, absl::Milliseconds(1600));
  EXPECT_EQ(window.Average(kWindowStart), absl::Milliseconds(900));
  window.Record(kWindowStart, absl::Milliseconds(100));
  EXPECT_EQ(window.Average(kWindowStart), absl::Milliseconds(800));
}

TEST(LatencyWindowTest, AfterAPauseItMovesTheAverageFarther) {
  LatencyWindow window(kAnySample);
  window.Record(kWindowStart, absl::Milliseconds(800));
  window.Record(kWindowStart + absl::Seconds(30), absl::Milliseconds(1600));
  EXPECT_EQ(window.Average(kWindowStart + absl::Seconds(30)),
            absl::Milliseconds(1200));
  // 4 s of 34 s is less than an eighth, 5 s of 35 s is more.
  LatencyWindow brief(kAnySample);
  brief.Record(kWindowStart, absl::Milliseconds(800));
  brief.Record(kWindowStart + absl::Seconds(4), absl::Milliseconds(1600));
  EXPECT_EQ(brief.Average(kWindowStart + absl::Seconds(4)),
            absl::Milliseconds(900));
  brief.Record(kWindowStart + absl::Seconds(9), absl::Milliseconds(1700));
  EXPECT_GT(brief.Average(kWindowStart + absl::Seconds(9)),
            absl::Milliseconds(1010));
}

TEST(LatencyWindowTest, TheAverageFadesWhileNothingIsRecorded) {
  LatencyWindow window(kAnySample);
  window.Record(kWindowStart, absl::Milliseconds(1200));
  EXPECT_EQ(window.Average(kWindowStart + absl::Seconds(30)),
            absl::Milliseconds(600));
  EXPECT_EQ(window.Average(kWindowStart + absl::Seconds(60)),
            absl::Milliseconds(400));
  EXPECT_EQ(window.Average(kWindowStart - absl::Seconds(1)),
            absl::Milliseconds(1200))
      << "for a loop whose time is behind";
}

TEST(LatencyWindowTest, ASampleOfNothingIsASample) {
  LatencyWindow window(kAnySample);
  window.Record(kWindowStart, absl::ZeroDuration());
  EXPECT_EQ(window.Average(kWindowStart), absl::Microseconds(1));
  EXPECT_EQ(window.Percentile(kWindowStart), absl::ZeroDuration());
  LatencyWindow negative(kAnySample);
  negative.Record(kWindowStart, -absl::Seconds(1));
  EXPECT_EQ(negative.Percentile(kWindowStart), absl::ZeroDuration());
}

TEST(LatencyWindowTest, EachPercentileIsWithinItsErrorBound) {
  for (int64_t micros : {1, 99, 100, 101, 750, 800, 801, 1599, 1600, 1601, 9999,
                         12'345, 987'654, 60'000'000, 1'199'999'999}) {
    LatencyWindow window(kAnySample);
    const absl::Duration exact = absl::Microseconds(micros);
    window.Record(kWindowStart, exact);
    const absl::Duration told = *window.Percentile(kWindowStart, 100);
    EXPECT_GE(told, exact) << micros;
    EXPECT_LE(told, AtMost(exact)) << micros;
  }
}

TEST(LatencyWindowTest, LongerThanTheLimitCountsAsTheLimit) {
  LatencyWindow window(kAnySample);
  window.Record(kWindowStart, absl::Hours(100));
  EXPECT_GE(window.Percentile(kWindowStart), LatencyWindow::kLatencyLimit);
  EXPECT_LE(window.Percentile(kWindowStart),
            AtMost(LatencyWindow::kLatencyLimit));
  EXPECT_EQ(window.Average(kWindowStart), LatencyWindow::kLatencyLimit);
}

TEST(LatencyWindowTest, RanksAreCountedFromTheLeast) {
  LatencyWindow window(kAnySample);
  // 0.1 ms to 0.7 ms are exact.
  for (int i = 0; i < 95; ++i) {
    window.Record(kWindowStart, absl::Microseconds(200));
  }
  for (int i = 0; i < 5; ++i) {
    window.Record(kWindowStart, absl::Microseconds(700));
  }
  EXPECT_EQ(window.Percentile(kWindowStart, 95), absl::Microseconds(200));
  EXPECT_EQ(window.Percentile(kWindowStart, 96), absl::Microseconds(700));
  window.Record(kWindowStart, absl::Microseconds(700));
  EXPECT_EQ(window.Percentile(kWindowStart, 95), absl::Microseconds(700))
      << "of 101 samples, the 96th";
  EXPECT_EQ(window.Percentile(kWindowStart, 1), absl::Microseconds(200));
}

TEST(LatencyWindowTest, FewSamplesTellNothing) {
  LatencyWindow window({});
  for (int i = 0; i < 19; ++i) {
    window.Record(kWindowStart, absl::Milliseconds(1));
  }
  EXPECT_EQ(window.Percentile(kWindowStart), std::nullopt);
  EXPECT_EQ(window.Percentile(kWindowStart, 50), std::nullopt);
  window.Record(kWindowStart, absl::Milliseconds(1));
  EXPECT_NE(window.Percentile(kWindowStart, 50), std::nullopt);
}

TEST(LatencyWindowTest, OldSamplesLeaveTheWindow) {
  LatencyWindow window(kAnySample);
  window.Record(kWindowStart, absl::Milliseconds(1));
  EXPECT_NE(window.Percentile(kWindowStart + absl::Milliseconds(59'999)),
            std::nullopt);
  EXPECT_EQ(window.Percentile(kWindowStart + absl::Seconds(60)), std::nullopt);
  // And their place is taken by others.
  window.Record(kWindowStart + absl::Seconds(60), absl::Microseconds(500));
  EXPECT_EQ(window.Percentile(kWindowStart + absl::Seconds(60), 1),
            absl::Microseconds(500));
}

TEST(LatencyWindowTest, ThePercentileIsComputedOnceASecond) {
  LatencyWindow window(kAnySample);
  window.Record(kWindowStart, absl::Microseconds(200));
  EXPECT_EQ(window.Percentile(kWindowStart), absl::Microseconds(200));
  window.Record(kWindowStart, absl::Microseconds(700));
  EXPECT_EQ(window.Percentile(kWindowStart + absl::Milliseconds(999)),
            absl::Microseconds(200));
  EXPECT_EQ(window.Percentile(kWindowStart + absl::Seconds(1)),
            absl::Microseconds(700));
}

TEST(LatencyWindowTest, NewOptionsHoldAtOnce) {
  LatencyWindow window({.percent = 50, .minimum_samples = 1});
  window.Record(kWindowStart, absl::Microseconds(200));
  window.Record(kWindowStart, absl::Microseconds(700));
  EXPECT_EQ(window.Percentile(kWindowStart), absl::Microseconds(200));
  window.SetOptions({.percent = 51, .minimum_samples = 1});
  EXPECT_EQ(window.Percentile(kWindowStart), absl::Microseconds(700));
  window.SetOptions({.percent = 51, .minimum_samples = 3});
  EXPECT_EQ(window.Percentile(kWindowStart), std::nullopt);
  window.SetOptions({.window = absl::Seconds(6), .minimum_samples = 1});
  EXPECT_EQ(window.Percentile(kWindowStart), std::nullopt)
      << "another window begins empty";
  window.Record(kWindowStart, absl::Microseconds(300));
  EXPECT_EQ(window.Percentile(kWindowStart, 50), absl::Microseconds(300));
  EXPECT_EQ(window.Percentile(kWindowStart + absl::Seconds(6), 50),
            std::nullopt);
}

TEST(LatencyWindowTest, IsNeverBelowTheSamplesNorFarAbove) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    FakeRandom random{seed};
    LatencyWindow window(kAnySample);
    std::vector<std::pair<int64_t, absl::Duration>> samples;  // By slot.
    absl::Duration now = kWindowStart;
    for (int i = 0; i < 2'000; ++i) {
      now += absl::Milliseconds(random.Below(300));
      const absl::Duration latency =
          absl::Microseconds(random.Below(1 << (4 + random.Below(24))));
      window.Record(now, latency);
      const int64_t slot = absl::ToInt64Seconds(now) / 10;
      samples.emplace_back(slot, latency);
      if (i % 50 != 0) continue;
      std::vector<absl::Duration> kept;
      for (const auto& [at, each] : samples) {
        if (at > slot - 6) kept.push_back(each);
      }
      std::sort(kept.begin(), kept.end());
      for (const int percent : {1, 50, 90, 95, 99, 100}) {
        const size_t rank = (kept.size() * percent + 99) / 100;
        const absl::Duration exact = kept[rank - 1];
        const absl::Duration told = *window.Percentile(now, percent);
        ASSERT_GE(told, exact) << "seed " << seed << ", " << i;
        ASSERT_LE(told, AtMost(exact)) << "seed " << seed << ", " << i;
      }
    }
  }
}

TEST(LatencyWindowTest, ThreadsRecordWhileOthersRead) {
  LatencyWindow window(kAnySample);
  {
    std::vector<Thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back("recorder", [&window] {
        for (int i = 0; i < 10'000; ++i) {
          const absl::Duration now = kWindowStart + absl::Milliseconds(i * 10);
          window.Record(now, absl::Microseconds(300));
          if (i % 100 == 0) window.Percentile(now);
        }
      });
    }
  }
  const absl::Duration end = kWindowStart + absl::Milliseconds(99'990);
  EXPECT_EQ(window.Average(end), absl::Microseconds(300));
  EXPECT_EQ(window.Percentile(end, 100), absl::Microseconds(300));
}

}  // namespace
}  // namespace gateway
