#include "service/resilience/windowed_count.h"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/os/thread.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

TEST(WindowedCountTest, AnEventIsInTheWindowUntilItsSecondIsTooOld) {
  WindowedCount count;
  count.Add(1, 1000);
  EXPECT_EQ(count.Sum(1, 999, 30), 0);
  EXPECT_EQ(count.Sum(1, 1000, 30), 1);
  EXPECT_EQ(count.Sum(1, 1029, 30), 1);
  EXPECT_EQ(count.Sum(1, 1030, 30), 0);
  EXPECT_EQ(count.Sum(1, 1000, 1), 1);
  EXPECT_EQ(count.Sum(1, 1001, 1), 0);
}

TEST(WindowedCountTest, TheLongestWindowIsWholeAndNotLonger) {
  WindowedCount count;
  constexpr int kAll = WindowedCount::kSecondsLimit;
  for (int second = 500; second < 500 + 2 * kAll; ++second) {
    count.Add(0, second);
  }
  EXPECT_EQ(count.Sum(0, 500 + 2 * kAll - 1, kAll), kAll);
  EXPECT_EQ(count.Sum(0, 500 + 2 * kAll, kAll), kAll - 1);
}

TEST(WindowedCountTest, AWindowThatBeginsBeforeTimeDidIsAsLongAsTimeIs) {
  WindowedCount count;
  count.Add(0, 0);
  count.Add(0, 3);
  EXPECT_EQ(count.Sum(0, 3, 30), 2);
}

TEST(WindowedCountTest, AnotherGenerationSeesNothingOfIt) {
  WindowedCount count;
  count.Add(7, 1000);
  EXPECT_EQ(count.Sum(8, 1000, 30), 0);
  count.Add(8, 1000);
  EXPECT_EQ(count.Sum(8, 1000, 30), 1);
  EXPECT_EQ(count.Sum(7, 1000, 30), 0);
}

TEST(WindowedCountTest, NewsOfAnOlderTimeDoNotTakeTheBucketOfANewer) {
  WindowedCount count;
  count.Add(8, 1000);
  count.Add(7, 1000);
  count.Add(7, 1000 + WindowedCount::kSecondsLimit);
  count.Add(8, 1000 - WindowedCount::kSecondsLimit);
  EXPECT_EQ(count.Sum(8, 1000, 1), 1);
  // Generations are compared as numbers that wrap.
  WindowedCount wrapped;
  wrapped.Add(0x10000, 1000);
  wrapped.Add(0xffff, 1000);
  EXPECT_EQ(wrapped.Sum(0x10000, 1000, 1), 1);
}

TEST(WindowedCountTest, CountsAsAMapOfSecondsDoes) {
  FakeRandom random{11};
  WindowedCount count;
  std::map<int64_t, int64_t> events;
  int64_t second = 100;
  for (int i = 0; i < 20'000; ++i) {
    second += static_cast<int64_t>(random.Below(20) / 10 * random.Below(40));
    count.Add(3, second);
    ++events[second];
    const int window =
        static_cast<int>(1 + random.Below(WindowedCount::kSecondsLimit));
    int64_t sum = 0;
    for (auto it = events.upper_bound(second - window); it != events.end();
         ++it) {
      sum += it->second;
    }
    ASSERT_EQ(count.Sum(3, second, window), sum) << "at step " << i;
  }
}

TEST(WindowedCountTest, ThreadsLoseNoEvent) {
  WindowedCount count;
  constexpr int kThreads = 4;
  constexpr int kEvents = 20'000;
  {
    std::vector<Thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back("counter", [&count] {
        for (int i = 0; i < kEvents; ++i) count.Add(1, 1000 + i / 1000);
      });
    }
  }
  EXPECT_EQ(count.Sum(1, 1019, 20), kThreads * kEvents);
}

}  // namespace
}  // namespace gateway
