#include "service/limits/call_counters.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"
#include "service/limits/counter_key.h"
#include "tests/service/limits/test_times.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

CallPlace Enter(CallCounters& counters, int64_t key, int64_t limit) {
  return counters.Enter(TestKey(key), limit,
                        [&] { return absl::StrCat("key-", key); });
}

TEST(CallCountersTest, AsManyCallsAsTheLimitAreUnderWay) {
  CallCounters counters(100);
  CallPlace first = Enter(counters, 1, 2);
  CallPlace second = Enter(counters, 1, 2);
  EXPECT_TRUE(first.taken());
  EXPECT_TRUE(second.taken());
  EXPECT_EQ(second.count(), 2);
  EXPECT_FALSE(Enter(counters, 1, 2).taken());
  EXPECT_TRUE(Enter(counters, 2, 2).taken()) << "another key has its own";
  first.GiveBack();
  EXPECT_TRUE(Enter(counters, 1, 2).taken());
  EXPECT_EQ(counters.Read(TestKey(1)), 1);
}

TEST(CallCountersTest, APlaceIsGivenBackOnceHoweverItIsMoved) {
  CallCounters counters(8);
  {
    CallPlace place = Enter(counters, 1, 5);
    CallPlace moved = std::move(place);
    EXPECT_FALSE(place.taken());  // NOLINT(bugprone-use-after-move)
    CallPlace other = Enter(counters, 1, 5);
    EXPECT_EQ(counters.Read(TestKey(1)), 2);
    other = std::move(moved);
    EXPECT_EQ(counters.Read(TestKey(1)), 1);
  }
  EXPECT_EQ(counters.Read(TestKey(1)), 0);
}

TEST(CallCountersTest, AKeyWithoutCallsGivesWay) {
  CallCounters counters(8);
  for (int key = 0; key < 1000; ++key) {
    EXPECT_TRUE(Enter(counters, key, 1).taken());
  }
  EXPECT_LT(counters.memory_bytes(), 700);
}

TEST(CallCountersTest, AKeyWithCallsNeverGivesWay) {
  CallCounters counters(8);
  std::vector<CallPlace> places;
  for (int key = 0; key < 8; ++key) {
    places.push_back(Enter(counters, key, 2));
  }
  // Others find no place, and share one count.
  CallPlace ninth = Enter(counters, 100, 2);
  CallPlace tenth = Enter(counters, 101, 2);
  EXPECT_TRUE(ninth.taken());
  EXPECT_TRUE(tenth.taken());
  EXPECT_FALSE(Enter(counters, 102, 2).taken());
  EXPECT_FALSE(Enter(counters, 100, 2).taken());
  for (int key = 0; key < 8; ++key) EXPECT_EQ(counters.Read(TestKey(key)), 1);
  // A place is free, but they share until all of them have ended: else one
  // would have both.
  places[0].GiveBack();
  EXPECT_FALSE(Enter(counters, 100, 2).taken());
  ninth.GiveBack();
  CallPlace again = Enter(counters, 100, 2);
  EXPECT_TRUE(again.taken());
  EXPECT_FALSE(Enter(counters, 100, 2).taken());
  again.GiveBack();
  tenth.GiveBack();
  again = Enter(counters, 100, 2);
  tenth = Enter(counters, 100, 2);
  EXPECT_TRUE(tenth.taken());
  EXPECT_EQ(counters.Read(TestKey(100)), 2);
  EXPECT_EQ(counters.Read(TestKey(200)), 0) << "nobody shares any more";
}

TEST(CallCountersTest, OperatorsSeeWhoHasCallsUnderWay) {
  CallCounters counters(64);
  CallPlace a = Enter(counters, 1, 5);
  CallPlace b = Enter(counters, 1, 5);
  CallPlace c = Enter(counters, 2, 5);
  c.GiveBack();
  std::vector<std::pair<std::string, int64_t>> seen;
  counters.ForEach([&](const std::string& subject, int64_t calls) {
    seen.emplace_back(subject, calls);
  });
  EXPECT_EQ(seen, (std::vector<std::pair<std::string, int64_t>>{{"key-1", 2}}));
}

TEST(CallCountersTest, ManyThreadsAreNeverMoreThanTheLimit) {
  // 40 keys in eight places, so that places are given away all the time.
  constexpr int64_t kLimit = 3;
  CallCounters counters(8);
  std::vector<std::atomic<int64_t>> under_way(40);
  std::atomic<int64_t> entered = 0;
  std::atomic<int64_t> most = 0;
  {
    std::vector<Thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back("caller", [&, t] {
        FakeRandom chance(t);
        for (int i = 0; i < 5000; ++i) {
          const auto key = static_cast<int64_t>(chance.Below(40));
          const CallPlace place = Enter(counters, key, kLimit);
          if (!place.taken()) continue;
          const int64_t now = ++under_way[key];
          int64_t seen = most;
          while (seen < now && !most.compare_exchange_weak(seen, now)) {
          }
          ++entered;
          --under_way[key];
        }
      });
    }
  }
  EXPECT_LE(most, kLimit);
  EXPECT_GT(entered, 1000);
  for (int64_t key = 0; key < 40; ++key)
    EXPECT_EQ(counters.Read(TestKey(key)), 0);
}

}  // namespace
}  // namespace gateway
