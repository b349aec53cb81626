#include "service/resilience/outlier_ejection.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using Reason = OutlierEjection::Reason;

// Only faults in a row eject, the third one.
constexpr OutlierEjection::Options kByRow = {
    .consecutive_faults = 3,
    .success_rate_deviation_thousandths = 0,
    .latency_factor_percent = 0};

std::vector<std::string> GroupNames(size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back("t" + std::to_string(i));
  return names;
}

class OutlierEjectionTest : public testing::Test {
 protected:
  void Begin(const OutlierEjection::Options& options, size_t count) {
    group_.emplace(options);
    targets_ = group_->SetTargets(GroupNames(count), now_);
    group_->Sweep(now_);
  }
  bool Fault(size_t i, int times = 1) {
    bool ejected = false;
    for (int k = 0; k < times; ++k) {
      ejected = group_->RecordFault(*targets_[i], now_);
    }
    return ejected;
  }
  void Success(size_t i, int times = 1,
               std::optional<absl::Duration> latency = std::nullopt) {
    for (int k = 0; k < times; ++k) {
      group_->RecordSuccess(*targets_[i], now_, latency);
    }
  }
  // A whole interval of calls to one target.
  void Calls(size_t i, int successes, int faults) {
    Success(i, successes);
    for (int k = 0; k < faults; ++k) group_->RecordFault(*targets_[i], now_);
  }
  bool IsOut(size_t i) {
    return OutlierEjection::IsEjected(*targets_[i], now_);
  }
  int Weight(size_t i) { return group_->Weight(*targets_[i], now_); }
  OutlierEjection::Snapshot Read(size_t i) { return group_->Read(now_)[i]; }

  absl::Duration now_ = absl::Hours(1);
  std::optional<OutlierEjection> group_;
  OutlierEjection::Targets targets_;
};

TEST_F(OutlierEjectionTest, TheLastFaultOfARowEjects) {
  Begin(kByRow, 3);
  EXPECT_FALSE(Fault(0, 2));
  EXPECT_EQ(Weight(0), 1000);
  EXPECT_TRUE(Fault(0));
  EXPECT_EQ(Weight(0), 0);
  EXPECT_EQ(Read(0).reason, Reason::kConsecutiveFaults);
  EXPECT_EQ(Read(0).ejected_for, absl::Seconds(30));
}

TEST_F(OutlierEjectionTest, ASuccessEndsTheRow) {
  Begin(kByRow, 3);
  Fault(0, 2);
  Success(0);
  EXPECT_EQ(Read(0).consecutive_faults, 0);
  EXPECT_FALSE(Fault(0, 2));
  EXPECT_TRUE(Fault(0));
}

TEST_F(OutlierEjectionTest, ItIsBackWhenItsTimeIsOverToTheNanosecond) {
  Begin(kByRow, 3);
  Fault(0, 3);
  now_ += absl::Seconds(30) - absl::Nanoseconds(1);
  EXPECT_TRUE(IsOut(0));
  EXPECT_EQ(Weight(0), 0);
  now_ += absl::Nanoseconds(1);
  EXPECT_FALSE(IsOut(0));
  EXPECT_EQ(Weight(0), OutlierEjection::kFirstWeight);
  EXPECT_EQ(Read(0).consecutive_faults, 0);
}

TEST_F(OutlierEjectionTest, OnceBackItsWeightGrows) {
  Begin(kByRow, 3);
  Fault(0, 3);
  now_ += absl::Seconds(30);
  EXPECT_EQ(Weight(0), 100);
  now_ += absl::Seconds(10);
  EXPECT_EQ(Weight(0), 400);
  now_ += absl::Seconds(10);
  EXPECT_EQ(Weight(0), 700);
  now_ += absl::Seconds(10) - absl::Milliseconds(1);
  EXPECT_EQ(Weight(0), 999);
  now_ += absl::Milliseconds(1);
  EXPECT_EQ(Weight(0), 1000);
}

TEST_F(OutlierEjectionTest, WithoutASlowStartItHasItsWholeWeight) {
  OutlierEjection::Options options = kByRow;
  options.slow_start = absl::ZeroDuration();
  Begin(options, 3);
  Fault(0, 3);
  now_ += absl::Seconds(30);
  EXPECT_EQ(Weight(0), 1000);
}

TEST_F(OutlierEjectionTest, EachEjectionIsLongerUpToTheLimit) {
  OutlierEjection::Options options = kByRow;
  options.max_ejection = absl::Seconds(100);
  Begin(options, 3);
  for (const int seconds : {30, 60, 90, 100, 100}) {
    Fault(0, 3);
    EXPECT_EQ(Read(0).ejected_for, absl::Seconds(seconds));
    now_ += absl::Seconds(seconds);
  }
  EXPECT_EQ(Read(0).ejections[1], 5);
}

TEST_F(OutlierEjectionTest, AWholeIntervalInForgetsOneEjection) {
  Begin(kByRow, 3);
  for (int i = 0; i < 2; ++i) {
    Fault(0, 3);
    now_ += Read(0).ejected_for;
  }
  EXPECT_EQ(Read(0).times_ejected, 2);
  now_ += absl::Seconds(10) - absl::Milliseconds(1);
  group_->Sweep(now_);
  EXPECT_EQ(Read(0).times_ejected, 2) << "not yet a whole interval";
  now_ += absl::Seconds(10);
  group_->Sweep(now_);
  EXPECT_EQ(Read(0).times_ejected, 1);
  now_ += absl::Seconds(9);
  group_->Sweep(now_);
  EXPECT_EQ(Read(0).times_ejected, 1);
  now_ += absl::Seconds(1);
  group_->Sweep(now_);
  EXPECT_EQ(Read(0).times_ejected, 0);
  Fault(0, 3);
  EXPECT_EQ(Read(0).ejected_for, absl::Seconds(30));
  now_ += absl::Seconds(30) + absl::Seconds(10);
  group_->Sweep(now_);
  EXPECT_EQ(Read(0).times_ejected, 0) << "exactly an interval";
}

TEST_F(OutlierEjectionTest, TheLastOneStays) {
  OutlierEjection::Options options = kByRow;
  options.max_ejected_percent = 100;
  Begin(options, 3);
  EXPECT_TRUE(Fault(0, 3));
  EXPECT_TRUE(Fault(1, 3));
  EXPECT_FALSE(Fault(2, 50));
  EXPECT_EQ(Weight(2), 1000);
  Begin(options, 1);
  EXPECT_FALSE(Fault(0, 50));
}

TEST_F(OutlierEjectionTest, NoMoreThanTheShareIsOut) {
  Begin(kByRow, 5);
  EXPECT_TRUE(Fault(0, 3));
  EXPECT_TRUE(Fault(1, 3));
  EXPECT_FALSE(Fault(2, 3)) << "half of five are two";
  now_ += absl::Seconds(30);
  EXPECT_TRUE(Fault(2)) << "as soon as there is room";
  OutlierEjection::Options none = kByRow;
  none.max_ejected_percent = 0;
  Begin(none, 5);
  EXPECT_FALSE(Fault(0, 3));
  // A share of less than one is none.
  none.max_ejected_percent = 19;
  Begin(none, 5);
  EXPECT_FALSE(Fault(0, 3));
  none.max_ejected_percent = 20;
  Begin(none, 5);
  EXPECT_TRUE(Fault(0, 3));
}

TEST_F(OutlierEjectionTest, WhatIsAnsweredWhileItIsOutDoesNotCount) {
  Begin(kByRow, 3);
  Fault(0, 3);
  Fault(0, 10);
  EXPECT_EQ(Read(0).ejected_for, absl::Seconds(30));
  EXPECT_EQ(Read(0).ejections[1], 1);
  now_ += absl::Seconds(30);
  EXPECT_EQ(Read(0).consecutive_faults, 0);
}

TEST_F(OutlierEjectionTest, NorDoesItOnceItIsBack) {
  Begin({.consecutive_faults = 3, .base_ejection = absl::Seconds(5)}, 3);
  Fault(2, 3);
  Success(0, 20, absl::Milliseconds(10));
  Success(1, 20, absl::Milliseconds(10));
  Success(2, 20, absl::Seconds(50));
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 0);
}

// Only the success rate ejects: the default, of five targets with 100 calls.
constexpr OutlierEjection::Options kByRate = {.consecutive_faults = 0,
                                              .latency_factor_percent = 0};

TEST_F(OutlierEjectionTest, ASuccessRateFarBelowTheOthersEjects) {
  // One that differs from n - 1 equal ones is sqrt(n - 1) deviations away: with
  // five targets that is 2, and more than 1.9.
  Begin(kByRate, 5);
  for (size_t i = 0; i < 4; ++i) Calls(i, 100, 0);
  Calls(4, 50, 50);
  EXPECT_EQ(group_->Sweep(now_), 0) << "the interval is not over";
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 1);
  EXPECT_TRUE(IsOut(4));
  EXPECT_EQ(Read(4).reason, Reason::kSuccessRate);
}

TEST_F(OutlierEjectionTest, TheFactorIsTheEdge) {
  for (const auto& [thousandths, ejected] :
       {std::pair(1999, 1), std::pair(2000, 0), std::pair(2001, 0)}) {
    OutlierEjection::Options options = kByRate;
    options.success_rate_deviation_thousandths = thousandths;
    Begin(options, 5);
    for (size_t i = 0; i < 4; ++i) Calls(i, 100, 0);
    Calls(4, 50, 50);
    now_ += absl::Seconds(10);
    EXPECT_EQ(group_->Sweep(now_), ejected) << thousandths;
  }
}

TEST_F(OutlierEjectionTest, TooFewTargetsOrCallsAreNotCompared) {
  Begin(kByRate, 5);
  for (size_t i = 0; i < 4; ++i) Calls(i, 100, 0);
  Calls(4, 49, 50);
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 0) << "99 calls";
  Begin(kByRate, 4);
  for (size_t i = 0; i < 3; ++i) Calls(i, 100, 0);
  Calls(3, 0, 100);
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 0) << "four targets";
}

TEST_F(OutlierEjectionTest, EqualTargetsAreNoOutliers) {
  Begin(kByRate, 10);
  for (size_t i = 0; i < 10; ++i) Calls(i, 0, 100);
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 0);
}

TEST_F(OutlierEjectionTest, AnIntervalIsComparedByItself) {
  Begin(kByRate, 5);
  for (size_t i = 0; i < 4; ++i) Calls(i, 60, 0);
  Calls(4, 0, 60);
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 0);
  for (size_t i = 0; i < 4; ++i) Calls(i, 60, 0);
  Calls(4, 0, 60);
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 0) << "the calls before do not add up";
  Fault(4, 99);
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 0);
  for (size_t i = 0; i < 5; ++i) Calls(i, 100, 0);
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 0) << "nor do the faults";
}

TEST_F(OutlierEjectionTest, TheWorstGoesFirstWhereThereIsRoomForOne) {
  OutlierEjection::Options options = kByRate;
  options.success_rate_deviation_thousandths = 1000;
  options.max_ejected_percent = 10;
  Begin(options, 10);
  for (size_t i = 0; i < 8; ++i) Calls(i, 100, 0);
  Calls(8, 40, 60);
  Calls(9, 30, 70);
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 1);
  EXPECT_FALSE(IsOut(8));
  EXPECT_TRUE(IsOut(9));
  // Of equal ones the first by name, in whatever order they were named.
  group_.emplace(options);
  std::vector<std::string> names = GroupNames(10);
  std::reverse(names.begin(), names.end());
  targets_ = group_->SetTargets(names, now_);
  group_->Sweep(now_);
  for (size_t i = 2; i < 10; ++i) Calls(i, 100, 0);
  Calls(0, 30, 70);
  Calls(1, 30, 70);
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 1);
  EXPECT_EQ(targets_[1]->name(), "t8");
  EXPECT_TRUE(IsOut(1));
}

// Only latency ejects: the default, three times the median and 500 ms more.
constexpr OutlierEjection::Options kByLatency = {
    .consecutive_faults = 0, .success_rate_deviation_thousandths = 0};

TEST_F(OutlierEjectionTest, ThreeTimesTheMedianIsTheEdge) {
  for (const auto& [slow, ejected] : {std::pair(3000, 0), std::pair(3001, 1)}) {
    Begin(kByLatency, 3);
    Success(0, 20, absl::Milliseconds(900));
    Success(1, 20, absl::Milliseconds(1000));
    Success(2, 20, absl::Milliseconds(slow));
    now_ += absl::Seconds(10);
    EXPECT_EQ(group_->Sweep(now_), ejected) << slow;
    EXPECT_EQ(IsOut(2), ejected == 1);
  }
  EXPECT_EQ(Read(2).reason, Reason::kLatency);
}

TEST_F(OutlierEjectionTest, FastTargetsMayDifferByMuch) {
  for (const auto& [slow, ejected] : {std::pair(510, 0), std::pair(511, 1)}) {
    Begin(kByLatency, 3);
    Success(0, 20, absl::Milliseconds(10));
    Success(1, 20, absl::Milliseconds(10));
    Success(2, 20, absl::Milliseconds(slow));
    now_ += absl::Seconds(10);
    EXPECT_EQ(group_->Sweep(now_), ejected) << slow;
  }
}

TEST_F(OutlierEjectionTest, TheMedianOfFourIsTheLesserOfTheTwoInTheMiddle) {
  Begin(kByLatency, 4);
  Success(0, 20, absl::Milliseconds(1000));
  Success(1, 20, absl::Milliseconds(1000));
  Success(2, 20, absl::Milliseconds(2000));
  Success(3, 20, absl::Milliseconds(4000));
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 1);
  EXPECT_TRUE(IsOut(3));
}

TEST_F(OutlierEjectionTest, LatencyNeedsEnoughTargetsAndCalls) {
  Begin(kByLatency, 3);
  Success(0, 20, absl::Milliseconds(10));
  Success(1, 20, absl::Milliseconds(10));
  Success(2, 19, absl::Seconds(50));
  Success(2, 100);
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 0) << "19 with a latency";
  Success(0, 20, absl::Milliseconds(10));
  Success(2, 20, absl::Seconds(50));
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 0) << "two targets";
}

TEST_F(OutlierEjectionTest, LatenciesAreCountedUpToAMinute) {
  Begin(kByLatency, 3);
  Success(0, 20, absl::Seconds(20));
  Success(1, 20, absl::Seconds(20));
  Success(2, 20, absl::Hours(100));
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 0) << "60 s is not above 3 x 20 s";
}

TEST_F(OutlierEjectionTest, ATimedCallCountsForTheSuccessRate) {
  Begin(kByRate, 5);
  for (size_t i = 0; i < 4; ++i) {
    Success(i, 50);
    Success(i, 50, absl::Milliseconds(10));
  }
  Success(4, 50, absl::Milliseconds(10));
  Fault(4, 50);
  now_ += absl::Seconds(10);
  EXPECT_EQ(group_->Sweep(now_), 1);
}

TEST_F(OutlierEjectionTest, ThoseWhoStayAreTheSameInTheNextConfiguration) {
  Begin(kByRow, 3);
  Fault(1, 3);
  Fault(2, 2);
  OutlierEjection::Targets next =
      group_->SetTargets({"new", "t2", "t1", "t0"}, now_);
  EXPECT_EQ(next[1], targets_[2]);
  EXPECT_EQ(next[2], targets_[1]);
  EXPECT_EQ(group_->Weight(*next[2], now_), 0);
  EXPECT_TRUE(group_->RecordFault(*next[1], now_));
  EXPECT_EQ(group_->Weight(*next[0], now_), 1000);
  // One that has left is not counted.
  group_->SetTargets({"t3", "new"}, now_);
  EXPECT_FALSE(Fault(0, 20));
  EXPECT_FALSE(IsOut(0));
  EXPECT_EQ(group_->Read(now_).size(), 2u);
  EXPECT_EQ(group_->Read(now_)[0].name, "new");
}

TEST_F(OutlierEjectionTest, ASmallerGroupTakesBackWhoIsOneTooMany) {
  Begin(kByRow, 4);
  Fault(3, 3);
  now_ += absl::Seconds(1);
  Fault(1, 3);
  group_->SetTargets({"t0", "t1", "t3"}, now_);
  EXPECT_TRUE(IsOut(1));
  EXPECT_FALSE(IsOut(3)) << "its time would have ended first";
  EXPECT_EQ(Weight(3), OutlierEjection::kFirstWeight);
  group_->SetTargets({"t1"}, now_);
  EXPECT_FALSE(IsOut(1));
}

TEST_F(OutlierEjectionTest, NewOptionsTakeBackWhoIsOneTooMany) {
  Begin(kByRow, 4);
  Fault(0, 3);
  Fault(1, 3);
  OutlierEjection::Options options = kByRow;
  options.max_ejected_percent = 25;
  group_->SetOptions(options, now_);
  EXPECT_FALSE(IsOut(0)) << "of the same time, the first by name";
  EXPECT_TRUE(IsOut(1));
}

TEST_F(OutlierEjectionTest, AResetTakesBackAndForgets) {
  Begin(kByRow, 3);
  Fault(0, 3);
  group_->Reset(*targets_[0], now_);
  EXPECT_EQ(Weight(0), 1000) << "without a slow start";
  EXPECT_EQ(Read(0).times_ejected, 0);
  Fault(0, 2);
  group_->Reset(*targets_[0], now_);
  EXPECT_FALSE(Fault(0, 2));
}

TEST(EjectionReasonNameTest, NamesAreThoseOfTheMetrics) {
  EXPECT_EQ(EjectionReasonName(Reason::kNone), "none");
  EXPECT_EQ(EjectionReasonName(Reason::kConsecutiveFaults),
            "consecutive_faults");
  EXPECT_EQ(EjectionReasonName(Reason::kSuccessRate), "success_rate");
  EXPECT_EQ(EjectionReasonName(Reason::kLatency), "latency");
}

// One target, as the rules tell it.
struct ModelTarget {
  int row = 0;
  int64_t times = 0;
  int64_t until_ms = 0;
};

TEST(OutlierEjectionModelTest, DoesAsTheModelDoesWithFaultsInARow) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    FakeRandom random{seed};
    OutlierEjection::Options options = kByRow;
    options.consecutive_faults = static_cast<int>(1 + random.Below(4));
    options.max_ejected_percent = static_cast<int>(random.Below(101));
    options.base_ejection = absl::Milliseconds(1 + random.Below(3000));
    options.max_ejection = options.base_ejection * 3;
    OutlierEjection group(options);
    const size_t size = 1 + random.Below(6);
    int64_t now_ms = 1'000'000;
    const OutlierEjection::Targets targets =
        group.SetTargets(GroupNames(size), absl::Milliseconds(now_ms));
    const int64_t base_ms = absl::ToInt64Milliseconds(options.base_ejection);
    const auto room =
        std::min(static_cast<int64_t>(size) * options.max_ejected_percent / 100,
                 static_cast<int64_t>(size) - 1);
    std::vector<ModelTarget> model(size);
    for (int step = 0; step < 500; ++step) {
      now_ms += static_cast<int64_t>(random.Below(3) * random.Below(300));
      const absl::Duration now = absl::Milliseconds(now_ms);
      const size_t i = random.Below(size);
      const bool is_out = now_ms < model[i].until_ms;
      if (random.Below(3) == 0) {
        group.RecordSuccess(*targets[i], now);
        if (!is_out) model[i].row = 0;
      } else {
        bool ejects = false;
        if (!is_out && ++model[i].row >= options.consecutive_faults) {
          const auto out = std::count_if(
              model.begin(), model.end(),
              [&](const ModelTarget& t) { return now_ms < t.until_ms; });
          ejects = out < room;
        }
        if (ejects) {
          model[i].times += 1;
          model[i].until_ms =
              now_ms + base_ms * std::min<int64_t>(model[i].times, 3);
          model[i].row = 0;
        }
        ASSERT_EQ(group.RecordFault(*targets[i], now), ejects)
            << "seed " << seed << ", step " << step;
      }
      size_t in = 0;
      for (size_t k = 0; k < size; ++k) {
        const bool out = now_ms < model[k].until_ms;
        in += out ? 0 : 1;
        ASSERT_EQ(OutlierEjection::IsEjected(*targets[k], now), out)
            << "seed " << seed << ", step " << step;
        ASSERT_EQ(group.Weight(*targets[k], now) == 0, out);
      }
      ASSERT_GE(in, 1u);
    }
  }
}

TEST(OutlierEjectionModelTest, SuccessRatesAreComparedAsEnvoyDoes) {
  int outliers = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    FakeRandom random{seed};
    OutlierEjection::Options options = kByRate;
    options.max_ejected_percent = 100;
    OutlierEjection group(options);
    const size_t size = 5 + random.Below(20);
    const absl::Duration start = absl::Hours(1);
    const OutlierEjection::Targets targets =
        group.SetTargets(GroupNames(size), start);
    group.Sweep(start);
    std::vector<double> rates(size);
    for (size_t i = 0; i < size; ++i) {
      const uint64_t bad = random.Below(8) == 0 ? 60 : 5;
      int ok = 0;
      for (int call = 0; call < 100; ++call) {
        if (random.Below(100) < bad) {
          group.RecordFault(*targets[i], start);
        } else {
          group.RecordSuccess(*targets[i], start);
          ++ok;
        }
      }
      rates[i] = ok;
    }
    double mean = 0;
    for (const double rate : rates) mean += rate / static_cast<double>(size);
    double variance = 0;
    for (const double rate : rates) {
      variance += (rate - mean) * (rate - mean) / static_cast<double>(size);
    }
    const double threshold = mean - 1.9 * std::sqrt(variance);
    const absl::Duration now = start + absl::Seconds(10);
    group.Sweep(now);
    for (size_t i = 0; i < size; ++i) {
      if (std::abs(rates[i] - threshold) < 1e-6) continue;
      const bool is_outlier = rates[i] < threshold;
      outliers += is_outlier ? 1 : 0;
      EXPECT_EQ(OutlierEjection::IsEjected(*targets[i], now), is_outlier)
          << "seed " << seed << ", target " << i;
    }
  }
  EXPECT_GT(outliers, 100);
}

TEST(OutlierEjectionThreadsTest, NeverAreAllOut) {
  OutlierEjection::Options options = kByRow;
  options.consecutive_faults = 1;
  options.max_ejected_percent = 100;
  options.base_ejection = absl::Milliseconds(1);
  options.max_ejection = absl::Milliseconds(1);
  OutlierEjection group(options);
  const absl::Duration now = absl::Hours(1);
  const OutlierEjection::Targets targets = group.SetTargets(GroupNames(3), now);
  std::atomic<int> ejected = 0;
  {
    std::vector<Thread> threads;
    for (size_t t = 0; t < 4; ++t) {
      threads.emplace_back("caller", [&, t] {
        FakeRandom random{t};
        for (int i = 0; i < 5'000; ++i) {
          const size_t k = random.Below(3);
          group.Sweep(now + absl::Seconds(i));
          if (random.Below(2) == 0) {
            group.RecordSuccess(*targets[k], now, absl::Milliseconds(i));
          } else if (group.RecordFault(*targets[k], now)) {
            ++ejected;
          }
        }
      });
    }
  }
  // Time does not pass for the calls, so that who is out stays out.
  EXPECT_EQ(ejected, 2);
}

}  // namespace
}  // namespace gateway
