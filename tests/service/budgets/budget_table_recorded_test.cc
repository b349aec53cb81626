// Tests what BudgetTable has of replicas whose ledger this one can read
// (service/budgets/budget_table_recorded.cc).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/budgets/budget_book.h"
#include "service/budgets/budget_share.h"
#include "service/budgets/budget_table.h"
#include "service/budgets/budget_telling.h"
#include "tests/service/budgets/budget_config.h"
#include "tests/service/budgets/budget_redis_model.h"
#include "tests/service/budgets/sharing_replica.h"

namespace gateway {
namespace {

constexpr char kRecordedBudget[] = R"(rules {
  name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 period: PERIOD_HOUR })";
constexpr int64_t kRecordedHour = kNoon - 1800;
const BudgetScope kRecordedScope = {.budget = "b", .window = "hour"};

class BudgetTableRecordedTest : public testing::Test {
 protected:
  BudgetTableRecordedTest() {
    budgets_.table.SetShared(true);
    budgets_.table.SetSharing({.joined = true, .replicas = 2});
    budgets_.table.SetReplica("me");
  }

  // What another replica has told.
  void Tell(int64_t spent, bool lives, int64_t reset_version = 0) {
    BudgetTelling told;
    told.spend =
        BudgetSpend::From(kRecordedHour, kNoon, {.input_tokens = spent}, {});
    told.reset_version = reset_version;
    ASSERT_TRUE(budgets_.table.Learn(
        {.scope = kRecordedScope,
         .start = kRecordedHour,
         .lines = {{.replica = "other", .telling = told}}},
        "me", /*adopts=*/false, [=](const std::string&) { return lives; },
        kNoon, &resets_));
  }
  // What its ledger has.
  static BudgetBook BookOf(int64_t spent, int64_t reset_version = 0) {
    BudgetBook book;
    book.Apply({.scope = kRecordedScope,
                .start = kRecordedHour,
                .time = kNoon,
                .amounts = {.input_tokens = spent},
                .reset_version = reset_version});
    return book;
  }
  bool Record(int64_t spent, bool is_closed = false,
              const std::string& replica = "other") {
    return budgets_.table.LearnRecorded(replica, BookOf(spent), is_closed,
                                        kNoon, &resets_);
  }
  bool Spend(int64_t tokens) {
    TestCall call(budgets_, {});
    if (!call.Reserve({.input_tokens = tokens})) return false;
    call.Settle({.input_tokens = tokens});
    return true;
  }
  BudgetStanding Standing() {
    return budgets_.table.Find(kRecordedScope, kNoon)
        .value_or(BudgetStanding());
  }
  int64_t Spent() { return Standing().account.spend.sum().input_tokens; }
  int64_t Own() { return Standing().own->sum().input_tokens; }

  TestBudgets budgets_{kRecordedBudget};
  std::vector<BudgetChange> resets_;
};

TEST_F(BudgetTableRecordedTest, WhatNobodyTellsCounts) {
  ASSERT_TRUE(Spend(100));
  EXPECT_TRUE(Record(300));
  EXPECT_EQ(Spent(), 400);
  EXPECT_EQ(Own(), 100);
  EXPECT_FALSE(Spend(601));
  // It is the same as what is told.
  Tell(250, /*lives=*/true);
  EXPECT_EQ(Spent(), 400);
  Tell(350, /*lives=*/true);
  EXPECT_EQ(Spent(), 450);
  EXPECT_TRUE(Record(360));
  EXPECT_EQ(Spent(), 460);
  // Another one's is besides.
  EXPECT_TRUE(Record(40, /*is_closed=*/false, "third"));
  EXPECT_EQ(Spent(), 500);
}

TEST_F(BudgetTableRecordedTest, WhatIsClosedSaysAll) {
  Tell(500, /*lives=*/false);
  EXPECT_TRUE(Record(450));
  EXPECT_EQ(Spent(), 500);
  EXPECT_TRUE(Record(480, /*is_closed=*/true));
  EXPECT_EQ(Spent(), 480);
  // Somebody goes on with it.
  Tell(490, /*lives=*/true);
  EXPECT_EQ(Spent(), 490);
  Tell(490, /*lives=*/false);
  EXPECT_EQ(Spent(), 480);
  budgets_.table.SetNoneClosed(kNoon);
  EXPECT_EQ(Spent(), 490);
  // What was told of a scope that the ledger says nothing of, was not spent.
  EXPECT_TRUE(budgets_.table.LearnRecorded("fourth", {}, /*is_closed=*/true,
                                           kNoon, &resets_));
  EXPECT_EQ(Spent(), 490);
}

TEST_F(BudgetTableRecordedTest, OfItsOwnChainItKnowsMore) {
  ASSERT_TRUE(Spend(100));
  EXPECT_FALSE(Record(90, /*is_closed=*/false, "me"));
  EXPECT_EQ(Spent(), 100);
}

TEST_F(BudgetTableRecordedTest, WhatIsOverIsNotRemembered) {
  BudgetBook book;
  book.Apply({.scope = kRecordedScope,
              .start = kRecordedHour - 3600,
              .time = kNoon - 3600,
              .amounts = {.input_tokens = 300}});
  EXPECT_TRUE(budgets_.table.LearnRecorded("other", book, /*is_closed=*/true,
                                           kNoon, &resets_));
  EXPECT_EQ(budgets_.table.size(), 0u);
  EXPECT_TRUE(Record(300));
  const auto later = budgets_.table.Find(kRecordedScope, kNoon + 3600);
  EXPECT_EQ(later->account.spend.sum(), BudgetAmounts());
}

TEST_F(BudgetTableRecordedTest, WhatOperatorsHaveSaidThereHoldsHere) {
  ASSERT_TRUE(Spend(100));
  BudgetBook book = BookOf(40, /*reset_version=*/7);
  book.Apply({.scope = kRecordedScope,
              .time = kNoon,
              .allocation = BudgetAllocation{.limit = 200, .version = 5}});
  EXPECT_TRUE(budgets_.table.LearnRecorded("other", book, /*is_closed=*/false,
                                           kNoon, &resets_));
  EXPECT_EQ(Spent(), 40);
  ASSERT_EQ(resets_.size(), 1u);
  EXPECT_EQ(resets_[0].amounts.input_tokens, -100);
  EXPECT_EQ(resets_[0].reset_version, 7);
  EXPECT_EQ(*Standing().account.allocation->limit, 200);
  // Of one that had not heard of it nothing counts.
  EXPECT_TRUE(Record(500, /*is_closed=*/true, "third"));
  EXPECT_EQ(Spent(), 40);
}

TEST_F(BudgetTableRecordedTest, UnsharedItIsNothing) {
  budgets_.table.SetShared(false);
  EXPECT_TRUE(Record(300));
  EXPECT_EQ(Spent(), 0);
}

TEST_F(BudgetTableRecordedTest, UnderAnotherNameNothingCountsTwice) {
  // 70 of it are not in the ledger yet.
  ASSERT_TRUE(Spend(100));
  ASSERT_TRUE(Record(300, /*is_closed=*/true, "next"));
  EXPECT_EQ(Spent(), 400);
  budgets_.table.GoOnAs("next", BookOf(30), kNoon);
  EXPECT_EQ(Spent(), 400);
  EXPECT_EQ(Own(), 370);
  // What is told under that name is its own.
  EXPECT_FALSE(Record(300, /*is_closed=*/false, "next"));
  // The chain that it has left is another's, who has closed it.
  EXPECT_TRUE(Record(35, /*is_closed=*/true, "me"));
  EXPECT_EQ(Spent(), 405);
  EXPECT_EQ(Own(), 370);
}

// Replicas with a ledger that all can read.
class CommonLedgerTest : public testing::Test {
 protected:
  CommonLedgerTest() {
    for (const char* const name : {"r0", "r1"}) {
      replicas_.push_back(
          std::make_unique<SharingReplica>(redis_, name, kSharedHour, 2));
      ledger_.chains[name].is_held = true;
    }
    ExchangeAll();
  }
  SharingReplica& Of(size_t index) { return *replicas_[index]; }
  void ExchangeAll() {
    for (int i = 0; i < 3; ++i) {
      for (auto& each : replicas_) each->Exchange();
    }
  }
  void FollowAll() {
    for (auto& each : replicas_) each->Follow(ledger_);
    ExchangeAll();
  }
  void ExpectSpent(int64_t tokens) {
    for (auto& each : replicas_) {
      EXPECT_EQ(each->Standing().account.spend.sum().total_tokens(), tokens);
    }
  }

  BudgetRedisModel redis_;
  std::vector<std::unique_ptr<SharingReplica>> replicas_;
  SharingLedger ledger_;
};

TEST_F(CommonLedgerTest, WhenAllAreKilledAnEmptiedRedisForgetsNothing) {
  EXPECT_TRUE(Of(0).Spend(300));
  EXPECT_TRUE(Of(1).Spend(200));
  ExchangeAll();
  redis_.Flush();
  Of(0).MoveTo(ledger_, "r2", /*in_order=*/false);
  Of(1).MoveTo(ledger_, "r3", /*in_order=*/false);
  FollowAll();
  ExpectSpent(500);
  EXPECT_FALSE(Of(0).Begin(501));
  EXPECT_TRUE(Of(1).Spend(100));
  ExchangeAll();
  ExpectSpent(600);
}

TEST_F(CommonLedgerTest, WhatAKilledOneHasNotToldCounts) {
  EXPECT_TRUE(Of(0).Spend(300));
  ExchangeAll();
  EXPECT_TRUE(Of(0).Spend(40));
  EXPECT_TRUE(Of(0).Begin(7));
  Of(0).MoveTo(ledger_, "r2", /*in_order=*/false);
  FollowAll();
  ExpectSpent(340);
  ledger_.CloseAll();
  FollowAll();
  ExpectSpent(347);
  EXPECT_EQ(ledger_.Spent(), 347);
  // Whoever goes on with the chain tells the same.
  Of(1).MoveTo(ledger_, "r0", /*in_order=*/true);
  FollowAll();
  ExpectSpent(347);
  EXPECT_TRUE(Of(1).Spend(3));
  ExchangeAll();
  ExpectSpent(350);
}

TEST_F(CommonLedgerTest, WhatWasToldAndNeverWrittenIsNotSpent) {
  EXPECT_TRUE(Of(0).Spend(300));
  EXPECT_TRUE(Of(1).Spend(50));
  ExchangeAll();
  Of(0).ForgetLedger();
  Of(0).MoveTo(ledger_, "r2", /*in_order=*/false);
  FollowAll();
  ExpectSpent(350);
  ledger_.chains["r0"].left_open = 9;
  ledger_.CloseAll();
  redis_.Pass(BudgetShare::kSilence);
  FollowAll();
  FollowAll();
  ExpectSpent(59);
  Of(0).MoveTo(ledger_, "r0", /*in_order=*/true);
  FollowAll();
  ExpectSpent(59);
}

TEST_F(CommonLedgerTest, WhoLosesItsChainGoesOnUnderAnotherName) {
  EXPECT_TRUE(Of(0).Spend(300));
  EXPECT_TRUE(Of(1).Spend(50));
  ExchangeAll();
  // 20 of it come into the chain that it takes, where there are none.
  Of(0).LoseChain(ledger_, "r2", 20);
  ledger_.chains["r0"].left_open = 9;
  ledger_.CloseAll();
  ExchangeAll();
  redis_.Pass(BudgetShare::kSilence);
  FollowAll();
  FollowAll();
  ExpectSpent(359);
  EXPECT_TRUE(Of(0).Spend(1));
  EXPECT_TRUE(Of(1).Spend(1));
  ExchangeAll();
  ExpectSpent(361);
  redis_.Flush();
  ExchangeAll();
  ExpectSpent(361);
}

// Kills, ends and beginnings, a Redis that is emptied, and calls that are left
// open, drawn from a seed.
class ChangingReplicas {
 public:
  explicit ChangingReplicas(uint64_t seed) : generator_(seed) {
    for (names_ = 0; names_ < kReplicas; ++names_) {
      const std::string name = absl::StrCat("r", names_);
      replicas_.push_back(std::make_unique<SharingReplica>(
          redis_, name, kSharedHour, kReplicas));
      all_.chains[name].is_held = true;
    }
  }

  void Step() {
    SharingReplica& one = *replicas_[static_cast<size_t>(Draw(kReplicas))];
    switch (Draw(10)) {
      case 0:
        one.MoveTo(all_, NameForNext(), /*in_order=*/Draw(2) == 0);
        break;
      case 1:
        all_.CloseAll();
        break;
      case 2:
        if (Draw(4) == 0) redis_.Flush();
        break;
      case 3:
        redis_.Pass(absl::Seconds(Draw(10)));
        break;
      case 4:
        one.Follow(all_);
        break;
      case 5:
      case 6:
        one.Exchange();
        break;
      case 7:
        one.Begin(1 + Draw(3));
        break;
      default:
        one.Spend(1 + Draw(3));
    }
  }

  // Once all have been told, all count what the ledger has.
  void CheckSums() {
    all_.CloseAll();
    redis_.Pass(BudgetShare::kSilence);
    for (int i = 0; i < 3; ++i) {
      for (auto& each : replicas_) each->Follow(all_);
      for (auto& each : replicas_) each->Exchange();
    }
    // What the chains of those have that run is with them.
    for (auto& each : replicas_) all_.chains[each->name()].book = {};
    int64_t spent = all_.Spent();
    for (auto& each : replicas_) {
      while (each->open() > 0) each->Cancel(0);
      spent += each->Taken();
    }
    for (auto& each : replicas_) {
      EXPECT_EQ(each->Standing().account.spend.sum().total_tokens(), spent);
    }
  }

 private:
  static constexpr int64_t kReplicas = 3;

  int64_t Draw(int64_t below) {
    return static_cast<int64_t>(generator_() % static_cast<uint64_t>(below));
  }
  // One that was given back, or another.
  std::string NameForNext() {
    for (const auto& [name, chain] : all_.chains) {
      if (chain.is_closed && Draw(2) == 0) return name;
    }
    return absl::StrCat("r", names_++);
  }

  std::mt19937_64 generator_;
  BudgetRedisModel redis_;
  SharingLedger all_;
  std::vector<std::unique_ptr<SharingReplica>> replicas_;
  int64_t names_ = 0;
};

TEST(CommonLedgerPropertyTest, ItIsWhatTheLedgerHas) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    ChangingReplicas replicas(seed);
    for (int step = 0; step < 300; ++step) replicas.Step();
    replicas.CheckSums();
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

}  // namespace
}  // namespace gateway
