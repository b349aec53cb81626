#include "service/budgets/budget_ledger_state.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/budgets/budget_entries.h"
#include "service/ledger/entry.h"
#include "tests/service/budgets/budget_config.h"

namespace gateway {
namespace {

// The entry of a call of the user's, which took one token in this second.
std::string DebitOf(const std::string& user, int64_t second) {
  BudgetDebit debit = {
      .changes =
          {{.scope =
                {.budget = "b",
                 .window = "hour",
                 .subject = {{::llmgateway::config::v1::LIMIT_DIMENSION_USER,
                              user}}},
            .start = second - second % 3600,
            .time = second,
            .amounts = {.input_tokens = 1, .turns = 1}}},
      .scope_key = "b"};
  LedgerEntry entry = BudgetDebitEntry(debit, {});
  entry.id = "LED-1";
  std::string hash;
  std::string text;
  UnchainedEntry(entry).AppendChained(&hash, &text);
  return text;
}

TEST(BudgetLedgerStateTest, GoesOnFromACheckpoint) {
  BudgetLedgerState first(absl::Hours(1));
  ASSERT_TRUE(first.Restore("").ok());
  ASSERT_TRUE(first.Apply(DebitOf("ann", kNoon)).ok());
  ASSERT_TRUE(first.Apply(DebitOf("ann", kNoon)).ok());
  BudgetLedgerState second(absl::Hours(1));
  ASSERT_TRUE(second.Restore(first.Checkpoint()).ok());
  ASSERT_TRUE(second.Apply(DebitOf("ann", kNoon + 1)).ok());
  second.book().ForEach([](const BudgetScope&, const BudgetAccount& account) {
    EXPECT_EQ(account.spend.sum().input_tokens, 3);
  });
  EXPECT_EQ(second.book().size(), 1);
  EXPECT_FALSE(second.Restore("no checkpoint \xff").ok());
}

TEST(BudgetLedgerStateTest, WhatIsLeftIsTold) {
  BudgetLedgerState other(absl::Hours(1));
  ASSERT_TRUE(other.Apply(DebitOf("bob", kNoon)).ok());
  std::vector<BudgetBook> left;
  BudgetLedgerState state(absl::Hours(1), [&](const BudgetBook& book) {
    left.push_back(book);
  });
  ASSERT_TRUE(state.Restore("").ok());
  ASSERT_TRUE(state.Apply(DebitOf("ann", kNoon)).ok());
  const BudgetBook before = state.book();
  EXPECT_TRUE(left.empty());
  ASSERT_TRUE(state.Restore(other.Checkpoint()).ok());
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0], before);
  EXPECT_EQ(state.book(), other.book());
}

TEST(BudgetLedgerStateTest, WhatIsOverGoesInTime) {
  BudgetLedgerState state(absl::Hours(1));
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(state.Apply(DebitOf(absl::StrCat("user-", i), kNoon)).ok());
  }
  EXPECT_EQ(state.book().size(), 1000);
  for (int i = 0; i < 20'001; ++i) {
    ASSERT_TRUE(state.Apply(DebitOf("ann", kNoon + 7200)).ok());
  }
  EXPECT_EQ(state.book().size(), 1);
}

TEST(BudgetLedgerStateTest, AClockThatWasAheadMakesNothingBeOver) {
  constexpr int64_t kMonth = 31 * 24 * 3600;
  BudgetLedgerState state(absl::Hours(1));
  ASSERT_TRUE(state.Apply(DebitOf("ann", kNoon)).ok());
  for (int i = 0; i < 9'998; ++i) {
    ASSERT_TRUE(state.Apply(DebitOf("bob", kNoon)).ok());
  }
  // With these something is looked for that is over.
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(state.Apply(DebitOf("bob", kNoon + kMonth)).ok());
  }
  ASSERT_TRUE(state.Apply(DebitOf("bob", kNoon + 1)).ok());
  EXPECT_EQ(state.book().size(), 2);
  EXPECT_EQ(state.book().last_time(), kNoon + 1);
}

}  // namespace
}  // namespace gateway
