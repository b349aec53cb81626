#include "base/memory/byte_budget.h"

#include <cstddef>
#include <deque>

#include "gtest/gtest.h"

namespace gateway {
namespace {

// A connection with one call.
struct Connection {
  explicit Connection(ByteBudget& budget) : share(budget), charge(share) {}

  // Takes one byte after the other while it can.
  size_t TakeAll() {
    while (charge.Resize(bytes + 1)) ++bytes;
    return bytes;
  }

  ByteBudget::Share share;
  ByteBudget::Charge charge;
  size_t bytes = 0;
};

TEST(ByteBudgetTest, OneConnectionGetsHalf) {
  ByteBudget budget(1000);
  Connection greedy(budget);
  EXPECT_TRUE(greedy.charge.Resize(500));
  EXPECT_FALSE(greedy.charge.Resize(501));
  EXPECT_EQ(budget.used_bytes(), 500u);

  // Not by several calls either.
  ByteBudget::Charge other(greedy.share);
  EXPECT_FALSE(other.Resize(1));
  EXPECT_TRUE(greedy.charge.Resize(499));
  EXPECT_TRUE(other.Resize(1));
}

TEST(ByteBudgetTest, ManyConnectionsLeaveAsMuchAsTheyHave) {
  ByteBudget budget(1100);
  std::deque<Connection> greedy;
  for (int i = 0; i < 10; ++i) greedy.emplace_back(budget);
  for (int round = 0; round < 1100; ++round) {
    for (Connection& one : greedy) {
      if (one.charge.Resize(one.bytes + 1)) ++one.bytes;
    }
  }
  for (Connection& one : greedy) EXPECT_EQ(one.bytes, 100u);
  Connection late(budget);
  EXPECT_EQ(late.TakeAll(), 50u);
}

TEST(ByteBudgetTest, WhateverIsTriedTheLimitHolds) {
  ByteBudget budget(1000);
  std::deque<Connection> greedy;
  for (int i = 0; i < 100; ++i) greedy.emplace_back(budget).TakeAll();
  EXPECT_LE(budget.used_bytes(), 1000u);
  EXPECT_GE(budget.used_bytes(), 990u);
  EXPECT_FALSE(greedy[99].charge.Resize(static_cast<size_t>(-1)));
}

TEST(ByteBudgetTest, WhatIsGivenBackServesOthers) {
  ByteBudget budget(1000);
  Connection second(budget);
  {
    Connection first(budget);
    EXPECT_TRUE(first.charge.Resize(400));
    EXPECT_FALSE(second.charge.Resize(400));
    EXPECT_TRUE(first.charge.Resize(100));
    EXPECT_TRUE(second.charge.Resize(400));
  }
  EXPECT_EQ(budget.used_bytes(), 400u);
  EXPECT_TRUE(second.charge.Resize(0));
  EXPECT_EQ(budget.used_bytes(), 0u);
}

TEST(ByteBudgetTest, OneWithinAnotherTakesOfBoth) {
  ByteBudget loop(1000);
  ByteBudget listener(600, &loop);
  EXPECT_EQ(loop.share_bytes_max(), 500u);
  EXPECT_EQ(listener.share_bytes_max(), 300u);
  Connection here(listener);
  EXPECT_EQ(here.TakeAll(), 300u);
  EXPECT_EQ(loop.used_bytes(), 300u);
  // Of another listener: this one's limit is not its.
  Connection there(loop);
  EXPECT_EQ(there.TakeAll(), 350u);
  // Both have to have room.
  Connection late(listener);
  EXPECT_EQ(late.TakeAll(), 150u);
  EXPECT_EQ(loop.used_bytes(), 800u);
  EXPECT_TRUE(here.charge.Resize(0));
  EXPECT_EQ(loop.used_bytes(), 500u);
  EXPECT_EQ(listener.used_bytes(), 150u);
  loop.SetLimit(500);
  Connection none(listener);
  EXPECT_EQ(none.TakeAll(), 0u);
  loop.SetLimit(400);
  EXPECT_EQ(listener.share_bytes_max(), 200u);
}

}  // namespace
}  // namespace gateway
