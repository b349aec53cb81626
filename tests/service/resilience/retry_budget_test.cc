#include "service/resilience/retry_budget.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/os/thread.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

std::vector<RetryBudget::ActiveCall> Start(RetryBudget& budget, int calls) {
  std::vector<RetryBudget::ActiveCall> active;
  for (int i = 0; i < calls; ++i) active.push_back(budget.StartCall(i));
  return active;
}

// How many retries there may be now, by taking as many as there are.
int TakeAll(RetryBudget& budget) {
  std::vector<RetryBudget::Permit> permits;
  while (std::optional<RetryBudget::Permit> permit = budget.TryAcquire()) {
    permits.push_back(*std::move(permit));
  }
  return static_cast<int>(permits.size());
}

TEST(RetryBudgetTest, ThreeMayAlwaysBe) {
  RetryBudget budget({});
  EXPECT_EQ(TakeAll(budget), 3);
  const auto active = Start(budget, 1);
  EXPECT_EQ(TakeAll(budget), 3);
}

TEST(RetryBudgetTest, AFifthOfTheCallsWithoutARetryRoundedDown) {
  RetryBudget budget({});
  auto active = Start(budget, 22);
  EXPECT_EQ(TakeAll(budget), 3);
  active.push_back(budget.StartCall(0));
  EXPECT_EQ(TakeAll(budget), 4) << "the fourth beside twenty others";
  for (int i = 23; i < 28; ++i) active.push_back(budget.StartCall(i));
  EXPECT_EQ(TakeAll(budget), 4);
  active.push_back(budget.StartCall(0));
  EXPECT_EQ(TakeAll(budget), 5);
  active.pop_back();
  EXPECT_EQ(TakeAll(budget), 4);
}

TEST(RetryBudgetTest, APermitComesBackWhenItIsDestroyedAndOnce) {
  RetryBudget budget({.min_concurrency = 1, .percent = 0});
  std::optional<RetryBudget::Permit> permit = budget.TryAcquire();
  ASSERT_TRUE(permit.has_value());
  EXPECT_FALSE(budget.TryAcquire().has_value());
  RetryBudget::Permit moved = std::move(*permit);
  permit.reset();
  EXPECT_FALSE(budget.TryAcquire().has_value());
  {
    const RetryBudget::Permit last = std::move(moved);
  }
  EXPECT_TRUE(budget.TryAcquire().has_value());
  EXPECT_EQ(budget.Read().in_flight, 0);
  EXPECT_EQ(budget.Read().refused, 2);
}

TEST(RetryBudgetTest, NoneWhereNoneIsConfigured) {
  RetryBudget budget({.min_concurrency = 0, .percent = 0});
  const auto active = Start(budget, 100);
  EXPECT_FALSE(budget.TryAcquire().has_value());
}

TEST(RetryBudgetTest, WhatIsRefusedIsCountedByWhatItWasFor) {
  RetryBudget budget({.min_concurrency = 1, .percent = 0});
  using Purpose = RetryBudget::Purpose;
  const auto taken = budget.TryAcquire(Purpose::kHedge);
  EXPECT_TRUE(taken.has_value());
  for (const Purpose purpose :
       {Purpose::kRetry, Purpose::kFallback, Purpose::kFallback}) {
    EXPECT_FALSE(budget.TryAcquire(purpose).has_value());
  }
  const RetryBudget::Snapshot read = budget.Read();
  EXPECT_EQ(read.refused, 3);
  EXPECT_EQ(read.refused_by_purpose,
            (std::array<int64_t, RetryBudget::kPurposes>{1, 2, 0}));
  EXPECT_EQ(RetryPurposeName(Purpose::kFallback), "fallback");
}

TEST(RetryBudgetTest, PermitsAreNotTakenBackWhenCallsEnd) {
  RetryBudget budget({});
  auto active = Start(budget, 60);
  std::vector<RetryBudget::Permit> permits;
  for (int i = 0; i < 10; ++i) permits.push_back(*budget.TryAcquire());
  active.clear();
  EXPECT_EQ(budget.Read().in_flight, 10);
  EXPECT_EQ(budget.Read().limit, 3);
  permits.erase(permits.begin() + 3, permits.end());
  EXPECT_FALSE(budget.TryAcquire().has_value());
  permits.pop_back();
  EXPECT_TRUE(budget.TryAcquire().has_value());
}

TEST(RetryBudgetTest, NewOptionsHoldForTheNextRetry) {
  RetryBudget budget({});
  const auto active = Start(budget, 100);
  EXPECT_EQ(budget.Read().limit, 20);
  budget.SetOptions({.min_concurrency = 3, .percent = 8});
  EXPECT_EQ(TakeAll(budget), 7) << "the seventh beside 94 others";
  budget.SetOptions({.min_concurrency = 9, .percent = 8});
  EXPECT_EQ(TakeAll(budget), 9);
}

TEST(RetryBudgetTest, DoesAsCountingDoes) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    FakeRandom random{seed};
    const int least = static_cast<int>(random.Below(5));
    const int percent = static_cast<int>(random.Below(101));
    RetryBudget budget({.min_concurrency = least, .percent = percent});
    std::vector<RetryBudget::ActiveCall> active;
    std::vector<RetryBudget::Permit> permits;
    for (int step = 0; step < 500; ++step) {
      const uint64_t what = random.Below(6);
      if (what < 2) {
        active.push_back(budget.StartCall(random.Below(100)));
      } else if (what == 2 && !active.empty()) {
        active.pop_back();
      } else if (what == 3 && !permits.empty()) {
        permits.pop_back();
      } else if (what > 3) {
        const int64_t limit =
            std::max<int64_t>(least, (static_cast<int64_t>(active.size()) -
                                      static_cast<int64_t>(permits.size())) *
                                         percent / 100);
        std::optional<RetryBudget::Permit> permit = budget.TryAcquire();
        ASSERT_EQ(permit.has_value(),
                  static_cast<int64_t>(permits.size()) < limit)
            << "seed " << seed << ", step " << step;
        if (permit.has_value()) permits.push_back(*std::move(permit));
      }
      ASSERT_EQ(budget.Read().active_calls,
                static_cast<int64_t>(active.size()));
      ASSERT_EQ(budget.Read().in_flight, static_cast<int64_t>(permits.size()));
    }
  }
}

TEST(RetryBudgetTest, ThreadsTakeNoMoreThanThereIs) {
  RetryBudget budget({.min_concurrency = 5, .percent = 0});
  std::atomic<int> held = 0;
  std::atomic<int> most = 0;
  {
    std::vector<Thread> threads;
    for (size_t t = 0; t < 8; ++t) {
      threads.emplace_back("caller", [&, t] {
        for (int i = 0; i < 5'000; ++i) {
          const RetryBudget::ActiveCall active = budget.StartCall(t);
          const std::optional<RetryBudget::Permit> permit = budget.TryAcquire();
          if (!permit.has_value()) continue;
          const int now_held = ++held;
          int known = most;
          while (now_held > known &&
                 !most.compare_exchange_weak(known, now_held)) {
          }
          --held;
        }
      });
    }
  }
  EXPECT_LE(most, 5);
  EXPECT_EQ(budget.Read().in_flight, 0);
  EXPECT_EQ(budget.Read().active_calls, 0);
}

}  // namespace
}  // namespace gateway
