#include "service/observability/caller_paces.h"

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr absl::Duration kNow = absl::Hours(1);
constexpr uint64_t kAnn = 1;
constexpr uint64_t kBob = 2;

class CallerPacesTest : public testing::Test {
 protected:
  // How many of so many are let happen.
  int Take(uint64_t caller, absl::Duration now, int times, int per_second) {
    int taken = 0;
    for (int i = 0; i < times; ++i) {
      int64_t beyond = 0;
      if (!paces_.Take(caller, now, per_second, &beyond)) continue;
      ++taken;
      told_ += beyond;
    }
    return taken;
  }

  CallerPaces paces_;
  int64_t told_ = 0;  // Of how many it was said that they were beyond.
};

TEST_F(CallerPacesTest, LetTenSecondsWorthHappenAtOnceAndThenSoManyASecond) {
  EXPECT_EQ(Take(kAnn, kNow, 500, 10), 100);
  EXPECT_EQ(Take(kAnn, kNow + absl::Milliseconds(99), 1, 10), 0);
  EXPECT_EQ(told_, 0);
  EXPECT_EQ(Take(kAnn, kNow + absl::Milliseconds(100), 1, 10), 1);
  EXPECT_EQ(told_, 401);
  EXPECT_EQ(Take(kAnn, kNow + absl::Seconds(1), 50, 10), 9);
  EXPECT_EQ(told_, 401);
  EXPECT_EQ(Take(kAnn, kNow + absl::Minutes(1), 500, 10), 100);
  EXPECT_EQ(told_, 442);
}

TEST_F(CallerPacesTest, OneCallerTakesNothingOfAnothers) {
  EXPECT_EQ(Take(kAnn, kNow, 500, 1), 10);
  EXPECT_EQ(Take(kBob, kNow, 500, 1), 10);
  EXPECT_EQ(told_, 0);
}

TEST_F(CallerPacesTest, OfNoneNothingHappens) {
  EXPECT_EQ(Take(kAnn, kNow, 3, 0), 0);
  EXPECT_EQ(Take(kAnn, kNow, 1, 1), 1);
  EXPECT_EQ(told_, 3);
}

TEST_F(CallerPacesTest, CallersBeyondThoseToldApartHaveOnePaceTogether) {
  for (size_t i = 0; i < CallerPaces::kCallersMax; ++i) {
    ASSERT_EQ(Take(i, kNow, 1, 1), 1);
  }
  int taken = 0;
  for (uint64_t i = 10'000; i < 20'000; ++i) taken += Take(i, kNow, 1, 1);
  EXPECT_EQ(taken, 10);
  // Who had a place keeps it.
  EXPECT_EQ(Take(kAnn, kNow, 100, 1), 9);
}

TEST_F(CallerPacesTest, WhatAPlaceThatIsGivenUpHadBeyondIsTold) {
  int all = 0;
  int taken = 0;
  for (size_t i = 0; i < CallerPaces::kCallersMax; ++i) {
    all += 13;
    taken += Take(i, kNow, 13, 1);
  }
  // Once all are still: the others' pace tells of theirs.
  const absl::Duration later = kNow + CallerPaces::kSaved;
  for (uint64_t i = 10'000; i < 10'000 + CallerPaces::kCallersMax; ++i) {
    ++all;
    taken += Take(i, later, 1, 1);
  }
  EXPECT_EQ(told_, 0);
  ++all;
  taken += Take(20'000, later, 1, 1);
  EXPECT_EQ(taken + told_, all);
}

}  // namespace
}  // namespace gateway
