#include "service/limits/gcra.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/service/limits/test_times.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

TEST(GcraTest, ElevenCallsAtOnceAreTenAndARefusalOfOneSecond) {
  // The vector of the per-client bucket: 60 a minute, 10 at once.
  const Gcra gcra(60, absl::Minutes(1), 10);
  int64_t tat = 0;
  for (int i = 0; i < 10; ++i) {
    const Gcra::Decision decision = gcra.Take(tat, kNowNanos, 1);
    ASSERT_TRUE(decision.conforms) << i;
    EXPECT_EQ(gcra.Remaining(decision.tat, kNowNanos), 9 - i);
    tat = decision.tat;
  }
  const Gcra::Decision eleventh = gcra.Take(tat, kNowNanos, 1);
  EXPECT_FALSE(eleventh.conforms);
  EXPECT_EQ(eleventh.wait, kSecond);
  EXPECT_EQ(eleventh.tat, tat) << "a refusal costs nothing";
  EXPECT_FALSE(gcra.Take(tat, kNowNanos + kSecond - 1, 1).conforms);
  EXPECT_TRUE(gcra.Take(tat, kNowNanos + kSecond, 1).conforms);
  EXPECT_EQ(Gcra::Ahead(tat, kNowNanos), 10 * kSecond);
}

TEST(GcraTest, AFullBucketHoldsItsBurstAndNoMore) {
  const Gcra gcra(3, absl::Seconds(1), 1);
  EXPECT_EQ(gcra.Remaining(0, kNowNanos), 1);
  const Gcra::Decision first = gcra.Take(0, kNowNanos, 1);
  EXPECT_TRUE(first.conforms);
  const Gcra::Decision second = gcra.Take(first.tat, kNowNanos, 1);
  EXPECT_FALSE(second.conforms);
  // A third of a second, rounded up.
  EXPECT_EQ(second.wait, 333'333'334);
}

TEST(GcraTest, TheWholeBurstCanBeTakenInSingleUnits) {
  for (const int64_t limit : {1, 2, 3, 7, 9, 11, 59, 60, 61, 997, 10'007}) {
    const Gcra gcra(limit, absl::Minutes(1), std::min<int64_t>(limit, 1000));
    int64_t tat = 0;
    for (int64_t i = 0; i < gcra.burst(); ++i) {
      const Gcra::Decision decision = gcra.Take(tat, kNowNanos, 1);
      ASSERT_TRUE(decision.conforms) << limit << " " << i;
      tat = decision.tat;
      ASSERT_EQ(gcra.Remaining(tat, kNowNanos), gcra.burst() - i - 1) << limit;
    }
    ASSERT_FALSE(gcra.Take(tat, kNowNanos, 1).conforms) << limit;
  }
}

TEST(GcraTest, MoreThanTheBurstNeverConforms) {
  const Gcra gcra(1000, absl::Minutes(1), 100);
  EXPECT_TRUE(gcra.Take(0, kNowNanos, 100).conforms);
  const Gcra::Decision more = gcra.Take(0, kNowNanos, 101);
  EXPECT_FALSE(more.conforms);
  EXPECT_EQ(more.wait, Gcra::kNever);
}

TEST(GcraTest, NothingIsAskedOfOneBeyondItsBurst) {
  const Gcra gcra(60, absl::Minutes(1), 10);
  EXPECT_TRUE(gcra.Take(kNowNanos + 10 * kSecond, kNowNanos, 0).conforms);
  EXPECT_FALSE(gcra.Take(kNowNanos + 10 * kSecond + 1, kNowNanos, 0).conforms);
}

TEST(GcraTest, MoreThanEstimatedIsADebtThatComesBackBeforeAnythingConforms) {
  const Gcra gcra(60, absl::Minutes(1), 10);
  const int64_t taken = gcra.Take(0, kNowNanos, 2).tat;
  const int64_t tat = gcra.Correct(taken, kNowNanos, 2, 70);
  EXPECT_EQ(tat, kNowNanos + 70 * kSecond);
  EXPECT_EQ(gcra.Remaining(tat, kNowNanos), 0);
  EXPECT_EQ(gcra.Take(tat, kNowNanos, 1).wait, 61 * kSecond);
  EXPECT_FALSE(gcra.Take(tat, kNowNanos + 60 * kSecond, 1).conforms);
  EXPECT_TRUE(gcra.Take(tat, kNowNanos + 61 * kSecond, 1).conforms);
}

TEST(GcraTest, LessThanEstimatedNeverBringsMoreThanFull) {
  const Gcra gcra(60, absl::Minutes(1), 10);
  const int64_t taken = gcra.Take(0, kNowNanos, 10).tat;
  // All has come back by itself before it is given back.
  const int64_t later = kNowNanos + 30 * kSecond;
  const int64_t tat = gcra.Correct(taken, later, 10, 0);
  EXPECT_EQ(gcra.Remaining(tat, later), 10);
  EXPECT_FALSE(gcra.Take(tat, later, 11).conforms);
  const int64_t all = gcra.Take(tat, later, 10).tat;
  EXPECT_FALSE(gcra.Take(all, later, 1).conforms);
}

TEST(GcraTest, WhatIsGivenBackAtOnceLeavesNoTrace) {
  const Gcra gcra(7, absl::Seconds(3), 6);
  const int64_t before = kNowNanos + kSecond;
  const int64_t taken = gcra.Take(before, kNowNanos, 3).tat;
  EXPECT_EQ(gcra.Correct(taken, kNowNanos, 3, 0), before);
}

TEST(GcraTest, TheLargestNumbersDoNotOverflow) {
  const Gcra most(1'000'000'000'000, absl::Hours(744), 1'000'000'000'000);
  EXPECT_EQ(most.Remaining(0, kNowNanos), 1'000'000'000'000);
  EXPECT_TRUE(most.Take(0, kNowNanos, 1'000'000'000'000).conforms);
  // One a month, of which 31,000 years may be taken at once.
  const Gcra slow(1, absl::Hours(744), 1'000'000'000'000);
  const Gcra::Decision all = slow.Take(0, kNowNanos, 1'000'000'000'000);
  EXPECT_TRUE(all.conforms);
  EXPECT_LE(all.tat, Gcra::kLatest);
  EXPECT_FALSE(slow.Take(all.tat, kNowNanos, 1'000'000'000'000).conforms);
  // A debt stays one however often it grows.
  int64_t tat = all.tat;
  for (int i = 0; i < 10; ++i) {
    tat = slow.Correct(tat, kNowNanos, 0, 1'000'000'000'000);
    EXPECT_EQ(tat, Gcra::kLatest);
  }
  // Dollars in nano-dollars: less than a nanosecond each.
  const Gcra dollars(9'000'000'000'000'000'000, absl::Seconds(1),
                     9'000'000'000'000'000'000);
  EXPECT_TRUE(dollars.Take(0, kNowNanos, 9'000'000'000'000'000'000).conforms);
}

// A whole number in [0, bound).
int64_t Draw(FakeRandom& chance, int64_t bound) {
  return static_cast<int64_t>(chance.Below(static_cast<uint64_t>(bound)));
}

// A limit whose numbers are chosen, and a random history of it.
struct Shape {
  int64_t limit;
  absl::Duration window;
  int64_t burst;
};
const Shape kShapes[] = {
    {60, absl::Minutes(1), 10},
    {3, absl::Seconds(1), 3},
    {7, absl::Seconds(3), 2},
    {1'000'003, absl::Minutes(1), 100'000},
    {1, absl::Hours(24), 1},
    {999'999'937, absl::Seconds(1), 1'000'000},
    {1'000'000'000'000, absl::Minutes(1), 1'000'000'000},
};

// What an exact bucket owes, in units of `limit` nanoseconds.
using Exact = absl::int128;

TEST(GcraTest, NoHistoryTakesMoreThanALogOfItAllows) {
  FakeRandom chance(20260102);
  for (const Shape& shape : kShapes) {
    const Gcra gcra(shape.limit, shape.window, shape.burst);
    const int64_t window = absl::ToInt64Nanoseconds(shape.window);
    struct Entry {
      int64_t time;
      int64_t units;
    };
    std::vector<Entry> log;
    int64_t now = kNowNanos;
    int64_t tat = 0;
    int64_t refused = 0;
    for (int i = 0; i < 400; ++i) {
      // Now and then long enough that all comes back.
      const int64_t pause = gcra.tolerance() / 4 + 1;
      now += Draw(chance, pause) * (chance.Below(16) == 0 ? 8 : 1);
      const int64_t units = 1 + Draw(chance, shape.burst);
      const Gcra::Decision decision = gcra.Take(tat, now, units);
      if (!decision.conforms) {
        ++refused;
        // It is told how long to wait to the nanosecond.
        EXPECT_FALSE(gcra.Take(tat, now + decision.wait - 1, units).conforms);
        EXPECT_TRUE(gcra.Take(tat, now + decision.wait, units).conforms);
        continue;
      }
      tat = decision.tat;
      log.push_back({now, units});
    }
    EXPECT_GT(refused, 10);
    EXPECT_GT(log.size(), 10);
    for (size_t from = 0; from < log.size(); ++from) {
      absl::int128 taken = 0;
      for (size_t to = from; to < log.size(); ++to) {
        taken += log[to].units;
        const int64_t time = log[to].time - log[from].time;
        // A microsecond later at the latest, as is promised.
        ASSERT_LE(taken * window, absl::int128(shape.burst) * window +
                                      absl::int128(time + 1000) * shape.limit)
            << shape.limit << " from " << from << " to " << to;
      }
    }
  }
}

TEST(GcraTest, OwesWhatAnExactBucketOwesAndLessThanANanosecondMoreACharge) {
  FakeRandom chance(7);
  for (const Shape& shape : kShapes) {
    const Gcra gcra(shape.limit, shape.window, shape.burst);
    const int64_t window = absl::ToInt64Nanoseconds(shape.window);
    int64_t now = kNowNanos;
    int64_t tat = 0;
    Exact exact = 0;
    int64_t charges = 0;
    for (int i = 0; i < 2000; ++i) {
      now += Draw(chance, gcra.tolerance() / 3 + 2);
      if (tat <= now) charges = 0;
      const int64_t units = 1 + Draw(chance, shape.burst);
      const Exact begin = std::max(exact, Exact(now) * shape.limit);
      switch (chance.Below(3)) {
        case 0: {
          const Gcra::Decision decision = gcra.Take(tat, now, units);
          if (!decision.conforms) continue;
          tat = decision.tat;
          exact = begin + Exact(units) * window;
          break;
        }
        case 1:
          tat = gcra.Correct(tat, now, 0, units);
          exact = begin + Exact(units) * window;
          break;
        default:
          tat = gcra.Correct(tat, now, units, 0);
          exact = begin - Exact(units) * window;
          break;
      }
      ++charges;
      // What has passed is worth as much as now, and is not compared.
      if (tat <= now) {
        EXPECT_LE(exact, Exact(now + charges) * shape.limit);
        exact = 0;
        continue;
      }
      const Exact more = Exact(tat) * shape.limit - exact;
      ASSERT_GT(more, -Exact(charges) * shape.limit) << shape.limit;
      ASSERT_LT(more, Exact(charges) * shape.limit) << shape.limit;
    }
  }
}

TEST(GcraTest, SoManyRemainAndNotOneMore) {
  FakeRandom chance(99);
  for (const Shape& shape : kShapes) {
    const Gcra gcra(shape.limit, shape.window, shape.burst);
    for (int i = 0; i < 1000; ++i) {
      const int64_t tat = kNowNanos + Draw(chance, gcra.tolerance() + 2);
      const int64_t remaining = gcra.Remaining(tat, kNowNanos);
      ASSERT_TRUE(remaining == 0 ||
                  gcra.Take(tat, kNowNanos, remaining).conforms);
      ASSERT_FALSE(gcra.Take(tat, kNowNanos, remaining + 1).conforms);
    }
  }
}

TEST(GcraTest, AShareIsAnEqualPartOfLimitAndBurst) {
  const Gcra gcra(60, absl::Minutes(1), 10);
  int64_t tat = 0;
  int64_t taken = 0;
  for (int64_t now = kNowNanos; now <= kNowNanos + 60 * kSecond;
       now += kSecond / 4) {
    const Gcra::Decision decision = gcra.TakeShare(tat, now, 1, 5);
    if (!decision.conforms) continue;
    tat = decision.tat;
    ++taken;
  }
  // A fifth of 10 at once and of 60 within the minute.
  EXPECT_EQ(taken, 2 + 12);
}

TEST(GcraTest, MoreThanAShareIsTakenOfAFullOneAndIsADebt) {
  const Gcra gcra(60, absl::Minutes(1), 10);
  const Gcra::Decision large = gcra.TakeShare(0, kNowNanos, 6, 5);
  EXPECT_TRUE(large.conforms);
  EXPECT_EQ(Gcra::Ahead(large.tat, kNowNanos), 30 * kSecond);
  const Gcra::Decision next = gcra.TakeShare(large.tat, kNowNanos, 1, 5);
  EXPECT_FALSE(next.conforms);
  EXPECT_EQ(next.wait, 25 * kSecond);
  EXPECT_EQ(gcra.TakeShare(0, kNowNanos, 11, 5).wait, Gcra::kNever);
}

TEST(GcraTest, AgreesWithATokenBucketThatFillsByTheSecond) {
  // The bucket of the vector, in doubles as it is written down: tokens that
  // grow with time up to the burst.
  const Gcra gcra(60, absl::Minutes(1), 10);
  FakeRandom chance(1);
  double tokens = 10;
  int64_t filled = kNowNanos;
  int64_t tat = 0;
  int64_t now = kNowNanos;
  for (int i = 0; i < 5000; ++i) {
    // Multiples of a quarter of a second, which doubles have exactly.
    now += Draw(chance, 8) * (kSecond / 4);
    tokens = std::min(
        10.0, tokens + static_cast<double>(now - filled) / kSecond * 1.0);
    filled = now;
    const Gcra::Decision decision = gcra.Take(tat, now, 1);
    ASSERT_EQ(decision.conforms, tokens >= 1) << i;
    if (!decision.conforms) {
      ASSERT_EQ(decision.wait, static_cast<int64_t>((1 - tokens) * kSecond));
      continue;
    }
    tokens -= 1;
    tat = decision.tat;
    ASSERT_EQ(gcra.Remaining(tat, now), static_cast<int64_t>(tokens));
  }
}

}  // namespace
}  // namespace gateway
