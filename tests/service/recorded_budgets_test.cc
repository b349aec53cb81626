#include "service/recorded_budgets.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "gtest/gtest.h"
#include "service/budgets/budget_entries.h"
#include "service/budgets/budget_table.h"
#include "service/ledger/entry.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/postgres_commit_store.h"
#include "tests/testing/postgres_server.h"

namespace gateway {
namespace {

constexpr absl::Duration kRecordedTimeout = absl::Seconds(20);
const BudgetScope kEndlessScope = {.budget = "b"};

class RecordedBudgetsTest : public testing::Test {
 protected:
  RecordedBudgetsTest()
      : ledger_({.connection = {.conninfo = server_.conninfo()},
                 .schema = "a",
                 .timeout = kRecordedTimeout}),
        recorded_(
            ledger_, absl::InfiniteDuration(), [this] { return own_chain_; },
            SystemClock()) {
    EXPECT_TRUE(ledger_.Prepare().ok());
    table_.SetShared(true);
  }

  std::unique_ptr<LedgerLog> Opened(
      absl::StatusOr<std::unique_ptr<PostgresCommitStore>> store) {
    EXPECT_TRUE(store.ok()) << store.status();
    auto log = LedgerLog::Open(*std::move(store), {});
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }
  std::unique_ptr<LedgerLog> Start() {
    return Opened(
        PostgresCommitStore::Claim(ledger_, SystemClock(), SystemRandom()));
  }
  std::unique_ptr<LedgerLog> TakeOver(int64_t chain) {
    const auto chains = ledger_.Chains();
    EXPECT_TRUE(chains.ok()) << chains.status();
    for (const PostgresChain& each : *chains) {
      if (each.number != chain) continue;
      return Opened(PostgresCommitStore::TakeOver(
          ledger_, chain, each.epoch, SystemClock(), SystemRandom()));
    }
    return nullptr;
  }
  void Append(LedgerLog& log, LedgerEntry entry) {
    entry.id = absl::StrCat("LED-", ++entries_);
    const UnchainedEntry unchained(entry);
    const UnchainedEntry* const all = &unchained;
    EXPECT_TRUE(log.Append({&all, 1}, SystemClock().WallTime()).ok());
  }
  void Spend(LedgerLog& log, int64_t tokens) {
    const BudgetDebit debit = {
        .changes = {{.scope = kEndlessScope,
                     .time = absl::ToUnixSeconds(SystemClock().WallTime()),
                     .amounts = {.input_tokens = tokens}}},
        .scope_key = "b"};
    Append(log, BudgetDebitEntry(debit, {}));
  }
  // As when whoever has it was killed.
  void EndSessions() {
    server_.Ask(
        "SELECT pg_terminate_backend(pid) FROM pg_locks "
        "WHERE locktype = 'advisory'");
    AwaitNoSessions();
  }
  // A server notices a moment later that a session is gone.
  void AwaitNoSessions() {
    server_.AskUntil(
        "SELECT count(*) FROM pg_locks "
        "WHERE locktype = 'advisory'",
        "0");
  }
  int64_t Spent() {
    const auto found = table_.Find(
        kEndlessScope, absl::ToUnixSeconds(SystemClock().WallTime()));
    return found.has_value() ? found->account.spend.sum().input_tokens : 0;
  }
  void Follow() { recorded_.Follow(ledger_.Chains()); }

  PostgresServer server_;
  PostgresLedger ledger_;
  BudgetTable table_{KeySecret{17, 4}};
  int64_t own_chain_ = 0;
  RecordedBudgets recorded_;
  int64_t entries_ = 0;
};

TEST_F(RecordedBudgetsTest, WhatThoseHaveSpentWhoDoNotTellItIsRead) {
  std::unique_ptr<LedgerLog> killed = Start();
  Spend(*killed, 30);
  // Nobody has asked for it yet.
  Follow();
  EXPECT_EQ(Spent(), 0);
  ASSERT_TRUE(recorded_.Begin(table_).ok());
  EXPECT_EQ(Spent(), 30);
  // Who is there tells it.
  Spend(*killed, 5);
  Follow();
  EXPECT_EQ(Spent(), 30);
  EndSessions();
  Follow();
  EXPECT_EQ(Spent(), 35);
  {
    const std::unique_ptr<LedgerLog> closer = TakeOver(1);
    ASSERT_NE(closer, nullptr);
    Spend(*closer, 7);
  }
  AwaitNoSessions();
  Follow();
  EXPECT_EQ(Spent(), 42);
  // Somebody goes on with the chain.
  const std::unique_ptr<LedgerLog> next = Start();
  Spend(*next, 1);
  Follow();
  EXPECT_EQ(Spent(), 43);
  recorded_.Follow(absl::UnavailableError("away"));
  EXPECT_EQ(Spent(), 43);
}

TEST_F(RecordedBudgetsTest, ItsOwnChainIsLeftOut) {
  const std::unique_ptr<LedgerLog> own = Start();
  Spend(*own, 30);
  own_chain_ = 1;
  table_.SetReplica(ReplicaNameOfChain(1));
  ASSERT_TRUE(recorded_.Begin(table_).ok());
  Follow();
  EXPECT_EQ(Spent(), 0);
  // It goes on in another one, and is known by that name later.
  own_chain_ = 2;
  EndSessions();
  Follow();
  EXPECT_EQ(Spent(), 0);
  table_.SetReplica(ReplicaNameOfChain(2));
  Follow();
  EXPECT_EQ(Spent(), 30);
}

TEST_F(RecordedBudgetsTest, WhatOperatorsHaveGivenBackIsGivenBack) {
  std::unique_ptr<LedgerLog> other = Start();
  Spend(*other, 30);
  const BudgetChange reset = {
      .scope = kEndlessScope,
      .time = absl::ToUnixSeconds(SystemClock().WallTime()),
      .amounts = {.input_tokens = -30},
      .reset_version = 9};
  Append(*other, BudgetResetEntry({&reset, 1}, "b"));
  Spend(*other, 4);
  other.reset();
  AwaitNoSessions();
  ASSERT_TRUE(recorded_.Begin(table_).ok());
  EXPECT_EQ(Spent(), 4);
  const std::vector<BudgetChange> resets = recorded_.TakeResets();
  ASSERT_EQ(resets.size(), 1u);
  EXPECT_EQ(resets[0].reset_version, 9);
  EXPECT_TRUE(recorded_.TakeResets().empty());
}

TEST_F(RecordedBudgetsTest, WhileBudgetsAreNotSharedNothingIsKnown) {
  std::unique_ptr<LedgerLog> other = Start();
  Spend(*other, 30);
  ASSERT_TRUE(recorded_.Begin(table_).ok());
  table_.SetShared(false);
  Follow();
  EXPECT_EQ(Spent(), 0);
  table_.SetShared(true);
  Follow();
  EXPECT_EQ(Spent(), 30);
}

}  // namespace
}  // namespace gateway
