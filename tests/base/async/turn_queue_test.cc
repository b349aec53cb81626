#include "base/async/turn_queue.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;

class TurnQueueTest : public testing::Test {
 protected:
  Task<void> Enter(int number) {
    co_await queue_.Pass();
    order_.push_back(number);
    ++by_turn_[runner_.loop().turn()];
    done_.Set();
  }
  Task<void> AwaitAll(size_t count) {
    while (order_.size() < count) co_await done_.Wait();
  }
  Task<void> EnterMany(int count) {
    for (int i = 0; i < count; ++i) Spawn(Enter(i));
    co_await AwaitAll(count);
  }

  LoopRunner runner_;
  TurnQueue queue_{2};
  std::vector<int> order_;
  std::map<uint64_t, int> by_turn_;
  WakeUp done_;
};

TEST_F(TurnQueueTest, SoManyPassInATurnInTheOrderInWhichTheyCame) {
  runner_.Run(EnterMany(7));
  EXPECT_THAT(order_, ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_EQ(by_turn_.size(), 4u);
  for (const auto& [turn, passed] : by_turn_) EXPECT_LE(passed, 2) << turn;
}

TEST_F(TurnQueueTest, WhoComesLaterDoesNotOvertake) {
  const auto late = [this]() -> Task<void> {
    for (int i = 0; i < 5; ++i) Spawn(Enter(i));
    co_await YieldToLoop();
    EXPECT_FALSE(queue_.TryPass());
    Spawn(Enter(5));
    co_await AwaitAll(6);
  };
  runner_.Run(late());
  EXPECT_THAT(order_, ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST_F(TurnQueueTest, AloneNobodyWaits) {
  const auto alone = [this]() -> Task<void> {
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(queue_.TryPass());
      co_await YieldToLoop();
    }
  };
  runner_.Run(alone());
}

}  // namespace
}  // namespace gateway
