#include "service/routing/balancing.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using Strategy = BalancingStrategy;

constexpr Strategy kStrategies[] = {
    Strategy::kWeighted,      Strategy::kRoundRobin, Strategy::kLeastRequests,
    Strategy::kLowestLatency, Strategy::kCheapest,   Strategy::kSticky,
};

// Targets t0, t1, ... and what is known of them.
class BalancerTest : public testing::Test {
 protected:
  void AddTarget(uint32_t weight, int priority = 0,
                 std::optional<int64_t> price = std::nullopt) {
    names_.push_back(
        std::make_unique<std::string>("t" + std::to_string(names_.size())));
    targets_.push_back({.name = *names_.back(),
                        .weight = weight,
                        .priority = priority,
                        .price_usd_nanos = price});
    loads_.push_back({});
  }

  void AddTargets(const std::vector<uint32_t>& weights) {
    for (const uint32_t weight : weights) AddTarget(weight);
  }

  void Clear() {
    targets_.clear();
    names_.clear();
    loads_.clear();
    asked_.clear();
  }

  void Balance(Strategy strategy) {
    balancer_ = std::make_unique<Balancer>(strategy, targets_);
  }

  BalancingQuery Query() {
    return {.random = random_, .sticky_hash = key_, .asked = asked_};
  }

  TargetLoad LoadOf(size_t target) {
    ++looks_;
    return loads_[target];
  }

  // The number of the target; -1 for none.
  int Choose() {
    const std::optional<BalancingChoice> choice = balancer_->Choose(
        Query(), [this](size_t target) { return LoadOf(target); });
    reason_ = choice.has_value() ? choice->reason : "";
    return choice.has_value() ? static_cast<int>(choice->target) : -1;
  }

  std::vector<int> ChooseOften(int count) {
    std::vector<int> chosen(targets_.size());
    for (int i = 0; i < count; ++i) ++chosen.at(Choose());
    return chosen;
  }

  std::vector<int> Order(size_t count_max = 100) {
    std::vector<int> order;
    for (const BalancingChoice& choice : balancer_->Order(
             Query(), [this](size_t target) { return LoadOf(target); },
             count_max)) {
      order.push_back(static_cast<int>(choice.target));
    }
    return order;
  }

  // Expects shares in proportion to these, to within five standard deviations.
  void ExpectShares(const std::vector<int>& chosen,
                    const std::vector<double>& shares) {
    double sum = 0;
    int count = 0;
    for (size_t i = 0; i < shares.size(); ++i) {
      sum += shares[i];
      count += chosen[i];
    }
    for (size_t i = 0; i < shares.size(); ++i) {
      const double p = shares[i] / sum;
      EXPECT_NEAR(chosen[i], count * p, 5 * std::sqrt(count * p * (1 - p)))
          << "target " << i;
    }
  }

  std::vector<std::unique_ptr<std::string>> names_;
  std::vector<BalancedTarget> targets_;
  std::vector<TargetLoad> loads_;
  std::vector<size_t> asked_;
  std::optional<uint64_t> key_;
  std::unique_ptr<Balancer> balancer_;
  FakeRandom random_{20261121};
  int looks_ = 0;
  std::string_view reason_;
};

TEST_F(BalancerTest, WeightedGoesByWeight) {
  AddTargets({1, 2, 3, 10});
  Balance(Strategy::kWeighted);
  ExpectShares(ChooseOften(40'000), {1, 2, 3, 10});
  EXPECT_EQ(reason_, "by weight");
}

TEST_F(BalancerTest, WeightedGoesByWeightAmongThoseThatCanBeAsked) {
  AddTargets({1, 2, 3, 10});
  loads_[3].usable = false;
  asked_ = {0};
  Balance(Strategy::kWeighted);
  ExpectShares(ChooseOften(40'000), {0, 2, 3, 0});
}

TEST_F(BalancerTest, WhereNearlyNoneCanBeAskedWeightsHoldAllTheSame) {
  for (int i = 0; i < 300; ++i) AddTarget(1000);
  AddTargets({1, 3});
  for (int i = 0; i < 300; ++i) loads_[i].usable = false;
  Balance(Strategy::kWeighted);
  std::vector<double> shares(302);
  shares[300] = 1;
  shares[301] = 3;
  ExpectShares(ChooseOften(5'000), shares);
}

TEST_F(BalancerTest, SlowStartCountsAPartOfTheWeight) {
  for (const Strategy strategy :
       {Strategy::kWeighted, Strategy::kCheapest, Strategy::kSticky}) {
    Clear();
    AddTargets({4, 2});
    loads_[0].weight_permille = 250;
    Balance(strategy);
    ExpectShares(ChooseOften(20'000), {1, 2});
  }
}

TEST_F(BalancerTest, InSlowStartATurnIsTakenOnlyAtTimes) {
  AddTargets({1, 1});
  loads_[0].weight_permille = 100;
  Balance(Strategy::kRoundRobin);
  ExpectShares(ChooseOften(20'000), {1, 10});
}

TEST_F(BalancerTest, NobodyIsWithoutAnyWeight) {
  for (const Strategy strategy : kStrategies) {
    Clear();
    AddTargets({5, 5});
    loads_[0].weight_permille = 0;
    Balance(strategy);
    asked_ = {1};
    for (int i = 0; i < 100; ++i) EXPECT_EQ(Choose(), 0);
  }
  asked_ = {};
  Balance(Strategy::kWeighted);
  ExpectShares(ChooseOften(100'000), {1, 1000});
}

TEST_F(BalancerTest, RoundRobinTakesTurnsAsNginxDoes) {
  AddTargets({5, 1, 1});
  Balance(Strategy::kRoundRobin);
  std::string order;
  for (int i = 0; i < 14; ++i) order += static_cast<char>('a' + Choose());
  EXPECT_EQ(order, "aabacaaaabacaa");
  EXPECT_EQ(reason_, "its turn");
}

TEST_F(BalancerTest, WhoIsPassedOverLeavesHisTurnsToAllOthers) {
  AddTargets({1, 1, 1, 1});
  loads_[1].usable = false;
  Balance(Strategy::kRoundRobin);
  const std::vector<int> chosen = ChooseOften(3'000);
  EXPECT_EQ(chosen, std::vector<int>({1000, 0, 1000, 1000}));
}

TEST_F(BalancerTest, RoundRobinFindsALightTargetBehindAHeavyOne) {
  AddTargets({1000, 1, 3});
  loads_[0].usable = false;
  Balance(Strategy::kRoundRobin);
  ExpectShares(ChooseOften(20'000), {0, 1, 3});
}

TEST_F(BalancerTest, ATurnIsTakenByAChoiceOnly) {
  AddTargets({1, 1, 1});
  Balance(Strategy::kRoundRobin);
  EXPECT_EQ(Order(), std::vector<int>({0, 1, 2}));
  EXPECT_EQ(Order(), std::vector<int>({0, 1, 2}));
  EXPECT_EQ(
      balancer_
          ->Preview(Query(), [this](size_t target) { return LoadOf(target); })
          ->target,
      0u);
  EXPECT_EQ(Choose(), 0);
  EXPECT_EQ(Order(), std::vector<int>({1, 2, 0}));
  EXPECT_EQ(Choose(), 1);
}

TEST_F(BalancerTest, OfTwoTheOneWithFewerInFlightForItsWeightIsTaken) {
  AddTargets({1, 3});
  Balance(Strategy::kLeastRequests);
  for (int i = 0; i < 2'000; ++i) {
    loads_[0].in_flight = static_cast<uint32_t>(random_.Below(20));
    loads_[1].in_flight = static_cast<uint32_t>(random_.Below(60));
    const uint32_t zero = (loads_[0].in_flight + 1) * 3;
    const uint32_t one = loads_[1].in_flight + 1;
    const int chosen = Choose();
    if (zero == one) continue;
    ASSERT_EQ(chosen, zero < one ? 0 : 1)
        << loads_[0].in_flight << " and " << loads_[1].in_flight;
  }
  EXPECT_EQ(reason_, "fewer in flight, of two");
  loads_[0].usable = false;
  EXPECT_EQ(Choose(), 1);
  EXPECT_EQ(reason_, "the only one that can be asked");
}

TEST_F(BalancerTest, RequestsInFlightSettleAtTheWeights) {
  AddTargets({1, 1, 2, 4, 8});
  Balance(Strategy::kLeastRequests);
  // Four hundred calls are in flight; each step, one at random ends and another
  // begins.
  std::vector<int> calls;
  for (int step = 0; step < 20'000; ++step) {
    if (calls.size() == 400) {
      const size_t over = random_.Below(calls.size());
      --loads_[calls[over]].in_flight;
      calls.erase(calls.begin() + static_cast<ptrdiff_t>(over));
    }
    calls.push_back(Choose());
    ++loads_[calls.back()].in_flight;
  }
  for (size_t i = 0; i < targets_.size(); ++i) {
    EXPECT_NEAR(loads_[i].in_flight, 400.0 * targets_[i].weight / 16,
                400.0 * targets_[i].weight / 16 * 0.2 + 2)
        << "target " << i;
  }
}

TEST_F(BalancerTest, TheLowestLatencyIsTaken) {
  AddTargets({1, 1, 1});
  loads_[0].latency = absl::Milliseconds(300);
  loads_[1].latency = absl::Milliseconds(100);
  loads_[2].latency = absl::Milliseconds(111);
  Balance(Strategy::kLowestLatency);
  EXPECT_EQ(ChooseOften(500), std::vector<int>({0, 500, 0}));
  EXPECT_EQ(reason_, "lowest latency");
}

TEST_F(BalancerTest, ThoseWithinATenthOfTheLowestShareByWeight) {
  AddTargets({1, 3, 1});
  loads_[0].latency = absl::Milliseconds(100);
  loads_[1].latency = absl::Milliseconds(110);
  loads_[2].latency = absl::Milliseconds(110) + absl::Nanoseconds(1);
  Balance(Strategy::kLowestLatency);
  ExpectShares(ChooseOften(20'000), {1, 3, 0});
}

TEST_F(BalancerTest, WhatIsNotMeasuredIsAskedByOneCallAtATime) {
  AddTargets({1, 1, 1});
  loads_[0].latency = absl::Milliseconds(1);
  Balance(Strategy::kLowestLatency);
  EXPECT_EQ(Choose(), 1);
  EXPECT_EQ(reason_, "not measured yet");
  loads_[1].in_flight = 1;
  EXPECT_EQ(Choose(), 2);
  loads_[2].in_flight = 1;
  EXPECT_EQ(Choose(), 0);
  EXPECT_EQ(reason_, "lowest latency");
  // While none is measured, weights decide.
  loads_[0] = {.in_flight = 3};
  ExpectShares(ChooseOften(5'000), {1, 1, 1});
}

TEST_F(BalancerTest, AFastTargetInSlowStartIsNotSentEverything) {
  AddTargets({1, 1});
  loads_[0].latency = absl::Milliseconds(10);
  loads_[0].weight_permille = 100;
  loads_[1].latency = absl::Milliseconds(50);
  Balance(Strategy::kLowestLatency);
  ExpectShares(ChooseOften(20'000), {100, 900});
}

TEST_F(BalancerTest, TheCheapestThatCanBeAskedIsTaken) {
  AddTarget(1, 0);  // Nobody knows what it costs.
  AddTarget(1, 0, 500);
  AddTarget(1, 0, 200);
  AddTarget(3, 0, 200);
  AddTarget(1, 1, 1);
  Balance(Strategy::kCheapest);
  ExpectShares(ChooseOften(10'000), {0, 0, 1, 3, 0});
  loads_[2].usable = loads_[3].usable = false;
  EXPECT_EQ(Choose(), 1);
  loads_[1].usable = false;
  EXPECT_EQ(Choose(), 0);
  loads_[0].usable = false;
  EXPECT_EQ(Choose(), 4);
}

TEST_F(BalancerTest, AKeyKeepsItsTarget) {
  AddTargets({1, 1, 1, 1});
  Balance(Strategy::kSticky);
  std::vector<int> chosen(4);
  for (int i = 0; i < 4'000; ++i) {
    key_ = StickyHash(StickyBy::kSession, std::to_string(i));
    const int own = Choose();
    EXPECT_EQ(reason_, "sticky");
    EXPECT_EQ(Choose(), own);
    ++chosen[own];
    // Who is down or asked already is passed over; the order stays.
    const std::vector<int> order = Order();
    ASSERT_EQ(order.size(), 4u);
    EXPECT_EQ(order[0], own);
    loads_[own].usable = false;
    EXPECT_EQ(Choose(), order[1]);
    loads_[own].usable = true;
    asked_ = {static_cast<size_t>(own), static_cast<size_t>(order[1])};
    EXPECT_EQ(Choose(), order[2]);
    asked_ = {};
  }
  for (const int keys : chosen) EXPECT_NEAR(keys, 1'000, 200);
}

TEST_F(BalancerTest, KeysOfOthersStayWhenATargetCannotBeAsked) {
  AddTargets({1, 1, 1, 1, 1});
  Balance(Strategy::kSticky);
  for (int i = 0; i < 2'000; ++i) {
    key_ = StickyHash(StickyBy::kUser, std::to_string(i));
    loads_[2].usable = true;
    const int before = Choose();
    loads_[2].usable = false;
    const int after = Choose();
    if (before != 2) {
      ASSERT_EQ(after, before);
    }
  }
}

TEST_F(BalancerTest, AStickyTargetTakesAQuarterMoreThanItsShareAtMost) {
  AddTargets({1, 1, 1, 1});
  Balance(Strategy::kSticky);
  key_ = StickyHash(StickyBy::kCaller, "the only one");
  const std::vector<int> order = Order();
  for (int calls = 0; calls < 1'000; ++calls) {
    const uint32_t before = loads_[order[0]].in_flight;
    ++loads_[Choose()].in_flight;
    if (loads_[order[0]].in_flight > before &&
        before >= Balancer::kStickyInFlightMin) {
      ASSERT_LT(before, std::ceil(1.25 * (calls + 1) / 4));
    }
  }
  EXPECT_EQ(loads_[order[0]].in_flight, 313u);
  EXPECT_EQ(loads_[order[1]].in_flight, 313u);
  EXPECT_EQ(loads_[order[2]].in_flight, 312u);
  EXPECT_EQ(loads_[order[3]].in_flight, 62u);
  EXPECT_EQ(reason_, "sticky, but the first is busy");
}

TEST_F(BalancerTest, AFewCallsOfOneKeyStayTogether) {
  AddTargets({1, 1, 1, 1});
  Balance(Strategy::kSticky);
  key_ = StickyHash(StickyBy::kSession, "s");
  const int own = Choose();
  loads_[own].in_flight = Balancer::kStickyInFlightMin - 1;
  EXPECT_EQ(Choose(), own);
  loads_[own].in_flight = Balancer::kStickyInFlightMin;
  EXPECT_NE(Choose(), own);
}

TEST_F(BalancerTest, WithoutAKeyStickyIsWeighted) {
  AddTargets({1, 3});
  Balance(Strategy::kSticky);
  ExpectShares(ChooseOften(10'000), {1, 3});
  EXPECT_EQ(reason_, "by weight");
}

TEST_F(BalancerTest, StickyHashesDifferByKindAndByTheBeginningOfAPrompt) {
  EXPECT_EQ(StickyHash(StickyBy::kCaller, "a"),
            StickyHash(StickyBy::kCaller, "a"));
  EXPECT_NE(StickyHash(StickyBy::kCaller, "a"),
            StickyHash(StickyBy::kUser, "a"));
  EXPECT_NE(StickyHash(StickyBy::kUser, "a"),
            StickyHash(StickyBy::kSession, "a"));
  const std::string same(kStickyPromptBytesMax, 'x');
  EXPECT_EQ(StickyHash(StickyBy::kPromptPrefix, same + "1"),
            StickyHash(StickyBy::kPromptPrefix, same + "2"));
  EXPECT_NE(StickyHash(StickyBy::kPromptPrefix, same.substr(1) + "1"),
            StickyHash(StickyBy::kPromptPrefix, same.substr(1) + "2"));
  EXPECT_NE(StickyHash(StickyBy::kUser, same + "1"),
            StickyHash(StickyBy::kUser, same + "2"));
}

TEST_F(BalancerTest, TheNextPriorityIsForWhenNoneOfTheFirstCanBeAsked) {
  for (const Strategy strategy : kStrategies) {
    Clear();
    key_ = 1;
    AddTarget(1, /*priority=*/7);
    AddTarget(1, /*priority=*/0);
    AddTarget(1000, /*priority=*/3);
    AddTarget(1, /*priority=*/0);
    Balance(strategy);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(Choose() % 2, 1);
    const std::vector<int> order = Order();
    ASSERT_EQ(order.size(), 4u);
    EXPECT_EQ(order[2], 2);
    EXPECT_EQ(order[3], 0);
    loads_[1].usable = false;
    EXPECT_EQ(Choose(), 3);
    asked_ = {3};
    EXPECT_EQ(Choose(), 2);
    asked_ = {3, 2, 0};
    EXPECT_EQ(Choose(), -1);
  }
}

TEST_F(BalancerTest, OfNoTargetsNoneIsChosen) {
  for (const Strategy strategy : kStrategies) {
    Balance(strategy);
    EXPECT_EQ(Choose(), -1);
    EXPECT_EQ(Order(), std::vector<int>());
  }
}

// Whatever the strategy: who can be asked is in the order, once, and nobody
// else.
TEST_F(BalancerTest, AnOrderHasEachThatCanBeAskedOnceAndByPriority) {
  for (int round = 0; round < 600; ++round) {
    Clear();
    for (uint64_t i = random_.Below(40); i > 0; --i) {
      AddTarget(static_cast<uint32_t>(1 + random_.Below(1000)),
                static_cast<int>(random_.Below(3)),
                static_cast<int64_t>(random_.Below(3)));
      loads_.back() = {
          .usable = random_.Below(3) > 0,
          .weight_permille = static_cast<uint32_t>(random_.Below(1200)),
          .in_flight = static_cast<uint32_t>(random_.Below(50)),
          .latency = absl::Milliseconds(random_.Below(4))};
      if (random_.Below(8) == 0) asked_.push_back(targets_.size() - 1);
    }
    key_ = random_.Bits();
    Balance(kStrategies[round % std::size(kStrategies)]);
    std::vector<int> expected;
    for (size_t i = 0; i < targets_.size(); ++i) {
      if (loads_[i].usable &&
          std::find(asked_.begin(), asked_.end(), i) == asked_.end()) {
        expected.push_back(static_cast<int>(i));
      }
    }
    std::vector<int> order = Order();
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end(), [&](int a, int b) {
      return targets_[a].priority < targets_[b].priority;
    }));
    std::sort(order.begin(), order.end());
    ASSERT_EQ(order, expected) << "round " << round;
    EXPECT_EQ(Order(2).size(), std::min<size_t>(2, expected.size()));
  }
}

TEST_F(BalancerTest, OfAThousandTargetsFewAreLookedAt) {
  for (const Strategy strategy : kStrategies) {
    Clear();
    for (int i = 0; i < 1000; ++i) {
      AddTarget(1 + i % 3);
      loads_[i].latency = absl::Milliseconds(100 + i);
      loads_[i].usable = i % 4 != 0;
    }
    Balance(strategy);
    for (int i = 0; i < 200; ++i) {
      key_ = random_.Bits();
      looks_ = 0;
      ASSERT_GE(Choose(), 0);
      // Sixteen are compared, and a draw of one has some misses.
      EXPECT_LE(looks_, 16 * 4) << static_cast<int>(strategy);
    }
  }
}

TEST_F(BalancerTest, OneToAvoidIsChosenOnlyIfNoOtherCanBe) {
  for (const Strategy strategy : kStrategies) {
    Clear();
    AddTarget(1, /*priority=*/0);
    AddTarget(1, /*priority=*/0);
    AddTarget(1, /*priority=*/1);
    Balance(strategy);
    loads_[0].avoided = true;
    for (int i = 0; i < 20; ++i) EXPECT_EQ(Choose(), 1);
    loads_[1].avoided = true;
    // Not even for its priority.
    for (int i = 0; i < 20; ++i) EXPECT_EQ(Choose(), 2);
    loads_[2].usable = false;
    const int chosen = Choose();
    EXPECT_TRUE(chosen == 0 || chosen == 1);
    loads_[2].usable = true;
    loads_[2].avoided = true;
    EXPECT_LT(Choose(), 2);
  }
}

TEST_F(BalancerTest, ThoseToAvoidAreAskedLast) {
  AddTargets({1, 1, 1});
  Balance(Strategy::kWeighted);
  loads_[0].avoided = true;
  loads_[2].usable = false;
  EXPECT_EQ(Order(), (std::vector<int>{1, 0}));
}

}  // namespace
}  // namespace gateway
