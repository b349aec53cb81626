#include "service/budgets/budget_ledger_state.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/budgets/budget_entries.h"
#include "service/ledger/entry.h"
#include "service/ledger/followed_state.h"
#include "service/ledger/ledger_log.h"
#include "tests/service/budgets/budget_config.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

// What a call of the user's is charged that took one token in this second.
BudgetDebit OneToken(const std::string& user, int64_t second) {
  return {.changes =
              {{.scope = {.budget = "b",
                          .window = "hour",
                          .subject =
                              {{::llmgateway::config::v1::LIMIT_DIMENSION_USER,
                                user}}},
                .start = second - second % 3600,
                .time = second,
                .amounts = {.input_tokens = 1, .turns = 1}}},
          .scope_key = "b"};
}

std::string DebitOf(const std::string& user, int64_t second) {
  const BudgetDebit debit = OneToken(user, second);
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

// An entry that says this, of which what `handed` says is handed on.
UnchainedEntry EntryOf(const BudgetDebit& debit,
                       std::shared_ptr<const BudgetChanges> handed) {
  LedgerEntry entry = BudgetDebitEntry(debit, {});
  entry.id = "LED-1";
  return UnchainedEntry(entry, {}, std::move(handed));
}

TEST(BudgetLedgerStateTest, WhatAnEntryHandsOnIsNotReadOutOfIt) {
  BudgetLedgerState state(absl::Hours(1));
  FollowedState followed(&state);
  const auto handed =
      std::make_shared<BudgetChanges>(OneToken("ann", kNoon).changes);
  handed->front().amounts.input_tokens = 7;
  const UnchainedEntry entry = EntryOf(OneToken("ann", kNoon), handed);
  ASSERT_TRUE(followed.Follow({&entry}).ok());
  state.book().ForEach([](const BudgetScope&, const BudgetAccount& account) {
    EXPECT_EQ(account.spend.sum().input_tokens, 7);
  });
  EXPECT_EQ(state.book().size(), 1);
}

TEST(BudgetLedgerStateTest, ALogThatIsOpenedAgainReadsWhatWasHandedOn) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/ledger.db";
  const auto open = [&](BudgetLedgerState& state) {
    // No checkpoint: all of it is read at the start.
    auto log = LedgerLog::Open(
        {.path = path, .state = &state, .checkpoint_entries = 1'000'000});
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  };
  BudgetLedgerState written(absl::Hours(1));
  {
    const std::unique_ptr<LedgerLog> log = open(written);
    for (int i = 0; i < 200; ++i) {
      const std::string user = absl::StrCat("ann \"", i % 7, "\" \u00e9\n");
      BudgetDebit debit = OneToken(user, kNoon + 60 * i);
      debit.changes.push_back(
          {.scope = {.budget = "all",
                     .others = i % 3 == 0,
                     .others_of = i % 3 == 0 ? user : ""},
           .time = kNoon + 60 * i,
           .amounts = {.output_tokens = i, .cost_usd_nanos = 3 * i},
           .binding = BudgetBinding{user, kNoon - i}});
      // Of every fifth nothing is handed on.
      const UnchainedEntry entry = EntryOf(
          debit, i % 5 == 0
                     ? nullptr
                     : std::make_shared<const BudgetChanges>(debit.changes));
      const UnchainedEntry* const all = &entry;
      ASSERT_TRUE(log->Append({&all, 1}, At(kNoon)).ok());
    }
  }
  BudgetLedgerState read(absl::Hours(1));
  open(read);
  EXPECT_EQ(read.book().size(), written.book().size());
  EXPECT_EQ(read.book(), written.book());
  EXPECT_EQ(read.Checkpoint(), written.Checkpoint());
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
