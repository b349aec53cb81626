// Tests what BudgetTable has of replicas whose ledger this one can read
// (service/budgets/budget_table_recorded.cc).

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "service/budgets/budget_book.h"
#include "service/budgets/budget_table.h"
#include "service/budgets/budget_telling.h"
#include "tests/service/budgets/budget_config.h"

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

}  // namespace
}  // namespace gateway
