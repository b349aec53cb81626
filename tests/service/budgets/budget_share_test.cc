#include "service/budgets/budget_share.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/service/budgets/budget_config.h"
#include "tests/service/budgets/budget_redis_model.h"
#include "tests/service/budgets/sharing_replica.h"

namespace gateway {
namespace {

constexpr int64_t kSharedLimit = 1000;

class BudgetShareTest : public testing::Test {
 protected:
  void Make(int count, const std::string& budgets = kSharedHour) {
    for (int i = 0; i < count; ++i) {
      replicas_.push_back(std::make_unique<SharingReplica>(
          redis_, absl::StrCat("r", i), budgets, count));
    }
  }
  SharingReplica& Of(size_t index) { return *replicas_[index]; }
  void ExchangeAll() {
    for (int i = 0; i < 3; ++i) {
      for (auto& each : replicas_) each->Exchange();
    }
  }
  void PassTo(int64_t now) {
    for (auto& each : replicas_) each->PassTo(now);
  }
  int64_t Taken() {
    int64_t sum = 0;
    for (auto& each : replicas_) sum += each->Taken();
    return sum;
  }

  void CutOff(size_t index) {
    Of(index).Send();
    Of(index).Lose(/*comes_later=*/false);
  }
  // By calls of ten, until one is refused.
  int64_t TakeAll(size_t index, bool asks = true) {
    int64_t sum = 0;
    while (Of(index).Begin(10, asks)) sum += 10;
    return sum;
  }

  BudgetRedisModel redis_;
  std::vector<std::unique_ptr<SharingReplica>> replicas_;
};

TEST_F(BudgetShareTest, WhatOneSpendsIsGoneForTheOther) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(700));
  ExchangeAll();
  EXPECT_FALSE(Of(1).Begin(301));
  EXPECT_TRUE(Of(1).Begin(300));
  EXPECT_EQ(Of(0).Standing().account.spend.sum().total_tokens(), 700);
  ExchangeAll();
  EXPECT_EQ(Of(0).Standing().reserved.total_tokens(), 300);
  EXPECT_EQ(Of(1).Standing().account.spend.sum().total_tokens(), 700);
}

TEST_F(BudgetShareTest, ManyCallsAtOnceAreNotRefusedWhileThereIsSomethingLeft) {
  Make(2);
  ExchangeAll();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Of(0).Begin(100)) << i;
  EXPECT_FALSE(Of(0).Begin(1));
  EXPECT_LE(Of(0).asked(), 5);
}

TEST_F(BudgetShareTest, WhatIsNotUsedComesBack) {
  Make(2);
  ExchangeAll();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Of(0).Spend(10));
  ExchangeAll();
  // Nothing is promised to the first any more.
  for (int i = 0; i < 97; ++i) EXPECT_TRUE(Of(1).Begin(10)) << i;
  EXPECT_FALSE(Of(1).Begin(10));
}

TEST_F(BudgetShareTest, AReplicaThatBeginsAsksBeforeItTakes) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(1000));
  ExchangeAll();
  Of(1).Kill();
  EXPECT_FALSE(Of(1).Begin(1, /*asks=*/false));
  EXPECT_FALSE(Of(1).Begin(1));
}

TEST_F(BudgetShareTest, WhatAReplicaThatEndedHasSpentCounts) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Begin(400));
  EXPECT_TRUE(Of(0).Spend(300));
  ExchangeAll();
  redis_.Pass(absl::Seconds(14));
  Of(1).Exchange();
  EXPECT_EQ(Of(1).Standing().reserved.total_tokens(), 400);
  redis_.Pass(absl::Seconds(1));
  Of(1).Exchange();
  Of(1).Exchange();
  EXPECT_EQ(Of(1).Standing().reserved.total_tokens(), 0);
  EXPECT_EQ(Of(1).Standing().account.spend.sum().total_tokens(), 300);
}

TEST_F(BudgetShareTest, ARestartCountsNothingTwiceAndForgetsNothing) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(600));
  ExchangeAll();
  Of(0).Kill();
  ExchangeAll();
  EXPECT_EQ(Of(1).Standing().account.spend.sum().total_tokens(), 600);
  EXPECT_EQ(Of(0).Standing().account.spend.sum().total_tokens(), 600);
  // Also where the ledger has lost it.
  Of(0).ForgetLedger();
  Of(0).Kill();
  ExchangeAll();
  EXPECT_EQ(Of(0).Standing().account.spend.sum().total_tokens(), 600);
  EXPECT_EQ(Of(1).Standing().account.spend.sum().total_tokens(), 600);
}

TEST_F(BudgetShareTest, WhatRedisHasLostIsToldAgain) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(300));
  EXPECT_TRUE(Of(1).Spend(400));
  ExchangeAll();
  redis_.Flush();
  ExchangeAll();
  Of(1).Kill();
  ExchangeAll();
  for (size_t i : {0u, 1u}) {
    EXPECT_EQ(Of(i).Standing().account.spend.sum().total_tokens(), 700);
  }
}

// The one who is back first knows what the other had told.
TEST_F(BudgetShareTest, WhatAnotherHadToldCountsAlsoWhileRedisLacksIt) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(300));
  EXPECT_TRUE(Of(1).Spend(400));
  ExchangeAll();
  redis_.Flush();
  for (int i = 0; i < 3; ++i) Of(0).Exchange();
  EXPECT_EQ(Of(0).Standing().account.spend.sum().total_tokens(), 700);
  EXPECT_FALSE(Of(0).Spend(400)) << "of 1000";
  Of(1).Reset();
  ExchangeAll();
  for (size_t i : {0u, 1u}) {
    EXPECT_EQ(Of(i).Standing().account.spend.sum().total_tokens(), 0);
  }
}

TEST_F(BudgetShareTest, WithoutAnAnswerEachHasItsShareOfWhatWasLeft) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(400));
  ExchangeAll();
  for (auto& each : replicas_) {
    each->Send();
    each->Lose(/*comes_later=*/false);
  }
  for (size_t i : {0u, 1u}) {
    int64_t more = 0;
    while (Of(i).Begin(10, /*asks=*/false)) more += 10;
    EXPECT_EQ(more, 300) << i;
  }
  EXPECT_EQ(Taken(), kSharedLimit);
}

// Both have taken their part of a scope that is new, when Redis comes back with
// nothing to one of them.
TEST_F(BudgetShareTest, WhoIsBackFirstKeepsToItsPartUntilTheOthersHaveTold) {
  Make(2);
  ExchangeAll();
  CutOff(0);
  CutOff(1);
  EXPECT_EQ(TakeAll(0, /*asks=*/false), 500);
  redis_.Flush();
  redis_.Pass(absl::Milliseconds(100));
  Of(1).Exchange();
  EXPECT_EQ(TakeAll(1), 500);
  for (int i = 0; i < 3; ++i) {
    redis_.Pass(absl::Milliseconds(100));
    Of(1).Exchange();
    EXPECT_FALSE(Of(1).Begin(10));
  }
  ExchangeAll();
  EXPECT_FALSE(Of(0).Begin(10) || Of(1).Begin(10));
  EXPECT_EQ(Taken(), kSharedLimit);
}

TEST_F(BudgetShareTest, WhenAllHaveToldAgainWhatIsLeftIsAllsAgain) {
  Make(3);
  ExchangeAll();
  for (const bool empties : {false, true}) {
    for (size_t i : {0u, 1u, 2u}) CutOff(i);
    if (empties) redis_.Flush();
    EXPECT_TRUE(Of(0).Begin(10, /*asks=*/false));
    for (int i = 0; i < 3; ++i) {
      redis_.Pass(absl::Milliseconds(100));
      for (auto& each : replicas_) each->Exchange();
    }
    EXPECT_TRUE(Of(1).Begin(900));
    Of(1).Cancel(0);
    for (auto& each : replicas_) each->Exchange();
  }
}

TEST_F(BudgetShareTest, WhoDoesNotComeBackIsWaitedForNoLongerThanHeIsThere) {
  Make(2);
  ExchangeAll();
  CutOff(1);
  redis_.Flush();
  Of(1).Exchange();
  redis_.Pass(BudgetShare::kSilence - absl::Milliseconds(1));
  Of(1).Exchange();
  EXPECT_EQ(TakeAll(1), 500);
  redis_.Pass(absl::Milliseconds(1));
  Of(1).Exchange();
  EXPECT_EQ(TakeAll(1), 500);
}

TEST_F(BudgetShareTest, APartIsSpentOnceHoweverOftenRedisComesAndGoes) {
  Make(2);
  ExchangeAll();
  int64_t taken = 0;
  for (int i = 0; i < 10; ++i) {
    CutOff(0);
    taken += TakeAll(0, /*asks=*/false);
    redis_.Flush();
    redis_.Pass(absl::Milliseconds(100));
    Of(0).Exchange();
    taken += TakeAll(0);
  }
  EXPECT_EQ(taken, 500);
}

TEST_F(BudgetShareTest, AResetHoldsAtAll) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(500));
  EXPECT_TRUE(Of(1).Spend(500));
  ExchangeAll();
  Of(0).Reset();
  EXPECT_EQ(Of(0).Standing().account.spend.sum().total_tokens(), 0);
  ExchangeAll();
  EXPECT_EQ(Of(1).Standing().account.spend.sum().total_tokens(), 0);
  EXPECT_TRUE(Of(1).Spend(700));
  ExchangeAll();
  EXPECT_EQ(Of(0).Standing().account.spend.sum().total_tokens(), 700);
  // It is given back once: the ledger knows.
  Of(1).Kill();
  ExchangeAll();
  EXPECT_EQ(Of(0).Standing().account.spend.sum().total_tokens(), 700);
  EXPECT_EQ(Of(1).Standing().account.spend.sum().total_tokens(), 700);
}

TEST_F(BudgetShareTest, AResetHoldsForAReplicaThatWasNotThere) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(1).Spend(900));
  ExchangeAll();
  Of(0).Reset();
  Of(0).Exchange();
  Of(1).Kill();
  ExchangeAll();
  for (size_t i : {0u, 1u}) {
    EXPECT_EQ(Of(i).Standing().account.spend.sum().total_tokens(), 0);
  }
}

TEST_F(BudgetShareTest, OfAllocationsTheLatestHoldsAtAll) {
  Make(2);
  ExchangeAll();
  Of(0).Allocate(50, 2);
  Of(1).Allocate(5000, 1);
  ExchangeAll();
  for (size_t i : {0u, 1u}) {
    ASSERT_TRUE(Of(i).Standing().account.is_allocated());
    EXPECT_EQ(*Of(i).Standing().account.allocation->limit, 50);
    EXPECT_FALSE(Of(i).Begin(51));
  }
}

TEST_F(BudgetShareTest, TurnsCountAtAll) {
  Make(2, R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS turn_limit: 5 })");
  ExchangeAll();
  int let_in = 0;
  for (int i = 0; i < 10; ++i) {
    let_in += Of(static_cast<size_t>(i % 2)).Spend(10) ? 1 : 0;
    ExchangeAll();
  }
  EXPECT_EQ(let_in, 5);
}

TEST_F(BudgetShareTest, AWindowThatIsOverIsOverAtAll) {
  Make(2);
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(1000));
  ExchangeAll();
  EXPECT_FALSE(Of(1).Begin(1));
  PassTo(kNoon + 3600);
  EXPECT_TRUE(Of(1).Spend(600));
  EXPECT_FALSE(Of(0).Spend(401) && Of(1).Spend(401));
  ExchangeAll();
  EXPECT_LE(Taken(), 1001);
}

TEST_F(BudgetShareTest, AWindowThatRollsComesBackAtAll) {
  Make(2, R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000
                     rolling_window { seconds: 600 } })");
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(600));
  PassTo(kNoon + 300);
  ExchangeAll();
  EXPECT_TRUE(Of(1).Spend(400));
  ExchangeAll();
  EXPECT_FALSE(Of(1).Begin(1));
  EXPECT_FALSE(Of(0).Begin(1));
  PassTo(kNoon + 620);
  EXPECT_FALSE(Of(1).Begin(601));
  EXPECT_TRUE(Of(1).Begin(600));
}

TEST_F(BudgetShareTest, AnotherProcessOfTheSameNameIsNoticed) {
  Make(1);
  Of(0).Exchange();
  SharingReplica twin(redis_, "r0", kSharedHour);
  for (int i = 0; i < BudgetShare::kLateJoinsMax; ++i) {
    twin.Exchange();
    Of(0).Send();
    Of(0).Deliver();
    Of(0).Hear();
    EXPECT_FALSE(Of(0).share().is_superseded());
    Of(0).Exchange();
  }
  twin.Exchange();
  Of(0).Send();
  Of(0).Deliver();
  Of(0).Hear();
  EXPECT_TRUE(Of(0).share().is_superseded());
}

// What may happen to replicas, drawn from a seed.
struct Weather {
  int calls_max = 40;
  bool loses = false;  // Messages, answers, and what Redis knows.
  bool rolls = false;
  // Redis goes, comes back empty or not, and is back for each at another time;
  // and single ones are cut off.
  bool storms = false;
};

// Replicas to which it happens.
class LivingReplicas {
 public:
  LivingReplicas(uint64_t seed, const Weather& weather)
      : weather_(weather),
        generator_(seed),
        count_(2 + Draw(3)),
        largest_(1 + Draw(weather.calls_max)) {
    for (int64_t i = 0; i < count_; ++i) {
      replicas_.push_back(std::make_unique<SharingReplica>(
          redis_, absl::StrCat("r", i), weather.rolls ? kRolls : kSharedHour,
          count_));
    }
  }

  void Step() {
    if (weather_.storms) Blow();
    const int64_t which = Draw(count_);
    SharingReplica& one = *replicas_[static_cast<size_t>(which)];
    const bool is_cut_off = cut_off_.contains(which);
    const auto index = static_cast<size_t>(Draw(1000));
    switch (Draw(12)) {
      case 0:
      case 1:
      case 2:
        one.Begin(1 + Draw(largest_), /*asks=*/Draw(4) != 0 && !is_cut_off);
        break;
      case 3:
        if (one.open() > 0) one.End(index, 1 + Draw(largest_));
        break;
      case 4:
        if (one.open() > 0 && Draw(3) == 0) one.Cancel(index);
        break;
      case 5:
      case 6:
        if (!one.is_asking()) one.Send();
        break;
      case 7:
      case 8:
      case 9:
        if (one.is_asking()) Answer(one, is_cut_off);
        break;
      case 10:
        one.DeliverLate();
        if (!weather_.storms && Draw(20) == 0) one.Kill();
        break;
      default:
        Pass();
    }
  }

  // How much is taken beyond the limit, and how much may be.
  int64_t Excess() {
    int64_t taken = 0;
    for (auto& each : replicas_) taken += each->Taken();
    return taken - kSharedLimit;
  }
  int64_t ExcessMax() const {
    const int64_t of_shares =
        weather_.loses || weather_.storms ? kSharedLimit / count_ : 0;
    return (count_ - 1) * (largest_ + of_shares);
  }

  void OutageOfAll() {
    for (int64_t i = 0; i < 3 * count_; ++i) {
      SharingReplica& one = *replicas_[static_cast<size_t>(i % count_)];
      if (Draw(2) == 0) one.Begin(1 + Draw(largest_));
      one.Exchange();
    }
    for (int i = 0; i < 2; ++i) {
      for (auto& each : replicas_) each->Exchange();
    }
    std::vector<bool> is_back(replicas_.size());
    for (auto& each : replicas_) {
      each->Send();
      each->Lose(/*comes_later=*/false);
    }
    if (Draw(2) == 0) redis_.Flush();
    for (int step = 0; step < 400; ++step) {
      redis_.Pass(absl::Milliseconds(1 + Draw(10)));
      const auto index = static_cast<size_t>(Draw(count_));
      SharingReplica& one = *replicas_[index];
      is_back[index] = is_back[index] || Draw(40) == 0;
      if (is_back[index] && Draw(2) == 0) one.Exchange();
      one.Begin(1 + Draw(largest_), /*asks=*/is_back[index]);
      ASSERT_LE(Excess(), (count_ - 1) * largest_) << "step " << step;
    }
  }

  // In the end all know the same, and all that was spent.
  void CheckSums() {
    for (int i = 0; i < 3; ++i) {
      for (auto& each : replicas_) each->Exchange();
    }
    int64_t spent = 0;
    for (auto& each : replicas_) {
      while (each->open() > 0) each->Cancel(0);
      spent += each->Taken();
    }
    for (auto& each : replicas_) {
      EXPECT_EQ(each->Standing().account.spend.sum().total_tokens(), spent);
    }
  }

 private:
  static constexpr char kRolls[] =
      R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000
                 rolling_window { seconds: 600 } })";

  int64_t Draw(int64_t below) {
    return static_cast<int64_t>(generator_() % static_cast<uint64_t>(below));
  }
  void Blow() {
    switch (Draw(60)) {
      case 0:
        for (int64_t i = 0; i < count_; ++i) cut_off_.insert(i);
        if (Draw(2) == 0) redis_.Flush();
        break;
      case 1:
        cut_off_.insert(Draw(count_));
        break;
      case 2:
      case 3:
      case 4:
        cut_off_.erase(Draw(count_));
        break;
      default:
        break;
    }
  }
  void Answer(SharingReplica& one, bool is_cut_off) {
    if (is_cut_off || (weather_.loses && Draw(6) == 0)) {
      one.Lose(/*comes_later=*/Draw(2) == 0);
    } else {
      one.Exchange();
    }
  }
  void Pass() {
    // Where nothing is lost, nobody is silent for as long as what is reserved
    // counts: that is to be cut off.
    redis_.Pass(absl::Milliseconds(Draw(weather_.loses ? 2000 : 10)));
    if (weather_.loses && Draw(50) == 0) redis_.Flush();
    if (weather_.rolls) now_ += Draw(10);
    for (auto& each : replicas_) each->PassTo(now_);
  }

  const Weather weather_;
  std::mt19937_64 generator_;
  const int64_t count_;
  const int64_t largest_;
  BudgetRedisModel redis_;
  std::vector<std::unique_ptr<SharingReplica>> replicas_;
  std::set<int64_t> cut_off_;
  int64_t now_ = kNoon;
};

void Live(uint64_t seed, const Weather& weather) {
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  LivingReplicas replicas(seed, weather);
  for (int step = 0; step < 1500; ++step) {
    replicas.Step();
    ASSERT_LE(replicas.Excess(), replicas.ExcessMax()) << "step " << step;
  }
  replicas.CheckSums();
  ASSERT_FALSE(testing::Test::HasFailure());
}

TEST(BudgetSharePropertyTest, AtMostACallOfEachOtherReplicaIsTooMuch) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Live(seed, {});
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(BudgetSharePropertyTest, SoItIsOfLargeCalls) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Live(seed, {.calls_max = 900});
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(BudgetSharePropertyTest, SoItIsWhereTheWindowRolls) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Live(seed, {.rolls = true});
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(BudgetSharePropertyTest, WhereRedisComesAndGoesSharesComeToItOnce) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Live(seed, {.storms = true});
    if (testing::Test::HasFatalFailure()) return;
  }
}

// All had told what they had when it went, and each is back at another time.
TEST(BudgetSharePropertyTest, AnOutageOfAllAddsNothing) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    LivingReplicas replicas(seed, {});
    replicas.OutageOfAll();
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(BudgetSharePropertyTest, WhereRedisLosesThingsSharesComeToIt) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Live(seed, {.loses = true});
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace gateway
