#include "service/limits/rate_counters.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"
#include "service/limits/counter_key.h"
#include "service/limits/gcra.h"
#include "tests/service/limits/test_times.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

std::string NoSubject() { return ""; }

bool Takes(RateCounters& counters, const Gcra& gcra, int64_t key, int64_t now,
           int64_t units = 1) {
  return counters.Take(gcra, TestKey(key), now, units, NoSubject).conforms;
}

TEST(RateCountersTest, EachKeyHasTheLimitForItself) {
  RateCounters counters(1000);
  const Gcra gcra(60, absl::Minutes(1), 2);
  for (int key = 0; key < 3; ++key) {
    EXPECT_TRUE(Takes(counters, gcra, key, kNowNanos));
    EXPECT_TRUE(Takes(counters, gcra, key, kNowNanos));
    EXPECT_FALSE(Takes(counters, gcra, key, kNowNanos));
  }
  EXPECT_TRUE(Takes(counters, gcra, 1, kNowNanos + kSecond));
  EXPECT_FALSE(Takes(counters, gcra, 1, kNowNanos + kSecond));
}

TEST(RateCountersTest, AShareGoesOnFromWhatSomebodyElseHasCounted) {
  RateCounters counters(8);
  const Gcra gcra(60, absl::Minutes(1), 10);
  const auto share = [&] {
    return counters.TakeShare(gcra, TestKey(1), kNowNanos, 1, 2, NoSubject)
        .conforms;
  };
  counters.Set(TestKey(1), kNowNanos, kNowNanos + 6 * kSecond, NoSubject);
  EXPECT_TRUE(share());
  EXPECT_TRUE(share());
  EXPECT_FALSE(share());
  counters.Set(TestKey(1), kNowNanos, kNowNanos, NoSubject);
  EXPECT_TRUE(share());
  // Of what owes nothing no counter is made.
  counters.Set(TestKey(2), kNowNanos, kNowNanos, NoSubject);
  int found = 0;
  counters.ForEach(0, [&](const std::string&, int64_t) { ++found; });
  EXPECT_EQ(found, 1);
}

TEST(RateCountersTest, ARefusalSaysWhatTheCounterOwes) {
  RateCounters counters(8);
  const Gcra gcra(60, absl::Minutes(1), 1);
  EXPECT_TRUE(Takes(counters, gcra, 1, kNowNanos));
  const Gcra::Decision refused =
      counters.Take(gcra, TestKey(1), kNowNanos, 1, NoSubject);
  EXPECT_EQ(refused.wait, kSecond);
  EXPECT_EQ(counters.Read(TestKey(1)), kNowNanos + kSecond);
}

TEST(RateCountersTest, WhatWasEstimatedIsCorrected) {
  RateCounters counters(8);
  const Gcra gcra(60, absl::Minutes(1), 60);
  counters.Take(gcra, TestKey(1), kNowNanos, 10, NoSubject);
  EXPECT_EQ(counters.Correct(gcra, TestKey(1), kNowNanos, 10, 25, NoSubject),
            kNowNanos + 25 * kSecond);
  EXPECT_EQ(counters.Correct(gcra, TestKey(1), kNowNanos, 25, 5, NoSubject),
            kNowNanos + 5 * kSecond);
  EXPECT_EQ(counters.Read(TestKey(1)), kNowNanos + 5 * kSecond);
}

TEST(RateCountersTest, AnIdleCounterGivesWayAndLeavesNothing) {
  RateCounters counters(8);
  const Gcra gcra(60, absl::Minutes(1), 1);
  for (int key = 0; key < 1000; ++key) {
    // All that the one before has taken is back.
    EXPECT_TRUE(Takes(counters, gcra, key, kNowNanos + key * kSecond));
  }
  EXPECT_EQ(counters.indebted_evictions(), 0);
  EXPECT_LT(counters.memory_bytes(), 700);
}

TEST(RateCountersTest, WhoeverGivesWayComesBackWithAtLeastWhatItOwed) {
  RateCounters counters(8);
  const Gcra gcra(60, absl::Minutes(1), 60);
  // Eight owe from 10 to 17 seconds.
  for (int key = 0; key < 8; ++key) {
    EXPECT_TRUE(Takes(counters, gcra, key, kNowNanos, 10 + key));
  }
  // A ninth crowds out the one that owes least, and begins with as much.
  EXPECT_TRUE(Takes(counters, gcra, 100, kNowNanos, 1));
  EXPECT_EQ(counters.indebted_evictions(), 1);
  EXPECT_EQ(counters.Read(TestKey(100)), kNowNanos + 11 * kSecond);
  EXPECT_EQ(counters.Read(TestKey(0)), kNowNanos + 10 * kSecond);
  EXPECT_TRUE(Takes(counters, gcra, 0, kNowNanos, 1));
  EXPECT_GE(counters.Read(TestKey(0)), kNowNanos + 11 * kSecond);
  EXPECT_EQ(counters.Read(TestKey(7)), kNowNanos + 17 * kSecond)
      << "nobody else pays";
}

TEST(RateCountersTest, NoHistoryOfEvictionsForgivesADebt) {
  // Eighty keys that share eight places, against a counter of each without a
  // bound: a key never owes less.
  RateCounters counters(8);
  const Gcra gcra(60, absl::Minutes(1), 20);
  std::unordered_map<int64_t, int64_t> owed;
  FakeRandom chance(3);
  int64_t now = kNowNanos;
  int admitted = 0;
  for (int i = 0; i < 20'000; ++i) {
    now += static_cast<int64_t>(chance.Below(kSecond));
    const auto key = static_cast<int64_t>(chance.Below(80));
    const int64_t units = 1 + static_cast<int64_t>(chance.Below(5));
    switch (chance.Below(4)) {
      case 0: {
        const int64_t from = owed[key] > now ? 1 : 0;
        counters.Correct(gcra, TestKey(key), now, from, from + units,
                         NoSubject);
        owed[key] = gcra.Correct(owed[key], now, from, from + units);
        break;
      }
      default: {
        const bool takes = Takes(counters, gcra, key, now, units);
        const Gcra::Decision alone = gcra.Take(owed[key], now, units);
        ASSERT_TRUE(!takes || alone.conforms) << i;
        if (takes) owed[key] = alone.tat;
        admitted += takes;
      }
    }
    ASSERT_GE(std::max(counters.Read(TestKey(key)), now), owed[key]) << i;
  }
  EXPECT_GT(counters.indebted_evictions(), 1000);
  EXPECT_GT(admitted, 1000);
}

TEST(RateCountersTest, ADebtOfAKeyThatGaveWayIsCountedAllTheSame) {
  RateCounters counters(8);
  const Gcra gcra(60, absl::Minutes(1), 60);
  counters.Take(gcra, TestKey(0), kNowNanos, 1, NoSubject);
  for (int key = 1; key <= 8; ++key) Takes(counters, gcra, key, kNowNanos, 30);
  // More is a debt; less of what gave way is not given back.
  EXPECT_EQ(counters.Correct(gcra, TestKey(0), kNowNanos, 1, 0, NoSubject),
            kNowNanos + 1 * kSecond);
  EXPECT_GE(counters.Correct(gcra, TestKey(0), kNowNanos, 1, 50, NoSubject),
            kNowNanos + 50 * kSecond);
}

TEST(RateCountersTest, APlaceThatIsAnothersByNowIsLeftAlone) {
  RateCounters counters(8);
  const Gcra gcra(60, absl::Minutes(1), 60);
  CounterCell* place = nullptr;
  counters.Take(gcra, TestKey(0), kNowNanos, 1, NoSubject, &place);
  EXPECT_EQ(
      counters.Correct(gcra, TestKey(0), kNowNanos, 1, 2, NoSubject, place),
      kNowNanos + 2 * kSecond);
  for (int key = 1; key <= 8; ++key) Takes(counters, gcra, key, kNowNanos, 30);
  ASSERT_EQ(counters.Peek(TestKey(0)), 0) << "gave way";
  // The last of them began with what it had owed.
  const int64_t came = counters.Peek(TestKey(8));
  EXPECT_EQ(
      counters.Correct(gcra, TestKey(0), kNowNanos, 2, 0, NoSubject, place),
      kNowNanos + 2 * kSecond);
  EXPECT_EQ(counters.Peek(TestKey(8)), came);
}

TEST(RateCountersTest, OperatorsSeeWhoOwesAndForgive) {
  RateCounters counters(64);
  const Gcra gcra(60, absl::Minutes(1), 60);
  for (const std::string name : {"a", "b", "c"}) {
    counters.Take(gcra, KeyOfText(name, {1, 2}), kNowNanos, 10,
                  [&] { return name; });
  }
  counters.Correct(gcra, KeyOfText("c", {1, 2}), kNowNanos, 10, 0, NoSubject);
  std::vector<std::string> seen;
  const auto list = [&] {
    seen.clear();
    counters.ForEach(kNowNanos, [&](const std::string& subject, int64_t tat) {
      EXPECT_EQ(tat, kNowNanos + 10 * kSecond);
      seen.push_back(subject);
    });
    std::sort(seen.begin(), seen.end());
    return seen;
  };
  EXPECT_EQ(list(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(
      counters.Reset(kNowNanos, [](const auto& name) { return name == "a"; }),
      1);
  EXPECT_EQ(list(), std::vector<std::string>{"b"});
  EXPECT_EQ(counters.Read(KeyOfText("a", {1, 2})), 0);
}

TEST(RateCountersTest, ManyThreadsTakeNoMoreThanTheLimit) {
  RateCounters counters(64);
  const Gcra gcra(60, absl::Minutes(1), 5000);
  std::atomic<int64_t> taken = 0;
  {
    std::vector<Thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back("taker", [&] {
        for (int i = 0; i < 2000; ++i) {
          if (Takes(counters, gcra, 1, kNowNanos)) ++taken;
        }
      });
    }
  }
  EXPECT_EQ(taken, 5000);
}

TEST(RateCountersTest, ManyThreadsThatCrowdEachOtherOutTakeNoMoreEither) {
  // 64 keys in eight places: each charge evicts. Races may charge twice, so
  // less may be taken, but never more.
  RateCounters counters(8);
  const Gcra gcra(60, absl::Minutes(1), 200);
  std::vector<std::atomic<int64_t>> taken(64);
  {
    std::vector<Thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back("taker", [&, t] {
        FakeRandom chance(t);
        for (int i = 0; i < 5000; ++i) {
          const auto key = static_cast<int64_t>(chance.Below(64));
          if (Takes(counters, gcra, key, kNowNanos)) ++taken[key];
        }
      });
    }
  }
  int64_t sum = 0;
  for (const auto& each : taken) {
    EXPECT_LE(each, 200);
    sum += each;
  }
  EXPECT_GT(sum, 200);
  EXPECT_GT(counters.indebted_evictions(), 0);
}

}  // namespace
}  // namespace gateway
