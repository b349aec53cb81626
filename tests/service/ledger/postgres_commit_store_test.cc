#include "service/ledger/postgres_commit_store.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/ledger_check.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/ledger_recovery.h"
#include "service/ledger/ledger_writer.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/testing/postgres_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

// Each test has a schema of its own.
class PostgresCommitStoreTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new PostgresServer(); }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }

  void SetUp() override {
    static int tests = 0;
    options_.connection.conninfo = server_->conninfo();
    options_.schema = absl::StrCat("test_", ++tests);
    options_.timeout = absl::Seconds(20);
    ledger_.emplace(options_);
    const absl::Status prepared = ledger_->Prepare();
    ASSERT_TRUE(prepared.ok()) << prepared;
  }

  std::string Ask(const std::string& sql) {
    return server_->Ask(
        absl::StrCat("SET search_path TO ", options_.schema, "; ", sql));
  }

  // A replica's log, and the number of its chain.
  struct Replica {
    std::unique_ptr<LedgerLog> log;
    PostgresCommitStore* store = nullptr;
  };
  Replica Start(const PostgresLedger& ledger) {
    auto store =
        PostgresCommitStore::Claim(ledger, SystemClock(), SystemRandom());
    EXPECT_TRUE(store.ok()) << store.status();
    Replica replica{.store = store->get()};
    auto log = LedgerLog::Open(*std::move(store), {});
    EXPECT_TRUE(log.ok()) << log.status();
    replica.log = *std::move(log);
    return replica;
  }
  Replica Start() { return Start(*ledger_); }

  absl::Status Append(LedgerLog& log, int64_t calls) {
    const int64_t first = std::exchange(next_call_, next_call_ + calls);
    return AppendCalls(log, {.calls = calls, .first_call = first});
  }

  // How many entries a chain has, all of which are what was written.
  int64_t Verified(int64_t chain) {
    LedgerCheck check;
    const absl::Status read = PostgresCommitSource(*ledger_, chain)
                                  .Read(1, [&](const LedgerCommit& commit) {
                                    return check.Add(commit);
                                  });
    EXPECT_TRUE(read.ok()) << read;
    return check.checked_entries();
  }

  // A session in a transaction that has done this.
  std::unique_ptr<PostgresConnection> Holding(const std::string& sql) {
    auto holder =
        PostgresConnection::Connect(options_.connection, absl::Seconds(20));
    EXPECT_TRUE(holder.ok()) << holder.status();
    const absl::Status done = (*holder)->Execute(
        absl::StrCat("SET search_path TO ", options_.schema, "; BEGIN; ", sql),
        absl::Seconds(20));
    EXPECT_TRUE(done.ok()) << done;
    return *std::move(holder);
  }

  // From here on what changes a chain is done later than a log with a timeout
  // of 300 ms waits for.
  void DelayAnswers() {
    Ask("CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN PERFORM pg_sleep(1); RETURN NULL; END'; "
        "CREATE TRIGGER dawdle AFTER UPDATE ON chains "
        "FOR EACH STATEMENT EXECUTE FUNCTION dawdle()");
  }
  // No more, once the question is answered so.
  void EndDelayWhen(const std::string& sql, const std::string& answer) {
    server_->AskUntil(
        absl::StrCat("SET search_path TO ", options_.schema, "; ", sql),
        answer);
    Ask("DROP TRIGGER dawdle ON chains");
  }

  // Ends the server's side of all sessions that have a lock.
  void EndSessions() {
    server_->Ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'llm-gateway ledger'");
  }

  static PostgresServer* server_;
  PostgresLedger::Options options_;
  std::optional<PostgresLedger> ledger_;
  int64_t next_call_ = 0;
};

PostgresServer* PostgresCommitStoreTest::server_ = nullptr;

TEST_F(PostgresCommitStoreTest, ReplicasHaveChainsOfTheirOwn) {
  const Replica one = Start();
  const Replica two = Start();
  EXPECT_NE(one.store->chain(), two.store->chain());
  EXPECT_TRUE(Append(*one.log, 60).ok());
  EXPECT_TRUE(Append(*two.log, 30).ok());
  EXPECT_TRUE(Append(*one.log, 10).ok());
  EXPECT_EQ(Verified(one.store->chain()), 140);
  EXPECT_EQ(Verified(two.store->chain()), 60);
}

TEST_F(PostgresCommitStoreTest, OneThatEndedIsGoneOnFrom) {
  Replica first = Start();
  EXPECT_TRUE(Append(*first.log, 60).ok());
  EXPECT_TRUE(first.log->KeepCheckpoint().ok());
  const LedgerEnd end = first.log->end();
  const int64_t chain = first.store->chain();
  first.log.reset();
  const Replica next = Start();
  EXPECT_EQ(next.store->chain(), chain);
  EXPECT_EQ(next.log->end(), end);
  EXPECT_TRUE(Append(*next.log, 1).ok());
  EXPECT_EQ(Verified(chain), 122);
}

TEST_F(PostgresCommitStoreTest, ManyCommitsAreReadInTheirOrder) {
  const Replica replica = Start();
  for (int i = 0; i < 700; ++i) ASSERT_TRUE(Append(*replica.log, 1).ok());
  std::vector<int64_t> numbers;
  const absl::Status read =
      replica.log->Read(400, [&](const LedgerCommit& commit) {
        numbers.push_back(commit.number);
        EXPECT_EQ(commit.entries, 2);
        return absl::OkStatus();
      });
  EXPECT_TRUE(read.ok()) << read;
  ASSERT_EQ(numbers.size(), 301U);
  EXPECT_EQ(numbers.front(), 400);
  EXPECT_EQ(numbers.back(), 700);
  EXPECT_TRUE(replica.log
                  ->Read(701,
                         [](const LedgerCommit&) {
                           return absl::InternalError("there is none");
                         })
                  .ok());
}

TEST_F(PostgresCommitStoreTest, ASessionThatIsEndedIsReplacedUnnoticed) {
  const Replica replica = Start();
  EXPECT_TRUE(Append(*replica.log, 5).ok());
  for (int i = 0; i < 3; ++i) {
    EndSessions();
    const absl::Status status = Append(*replica.log, 5);
    EXPECT_TRUE(status.ok()) << status;
  }
  EXPECT_EQ(Verified(replica.store->chain()), 40);
}

TEST_F(PostgresCommitStoreTest, AServerThatIsRestartedIsWaitedFor) {
  const Replica replica = Start();
  EXPECT_TRUE(Append(*replica.log, 5).ok());
  server_->Kill();
  server_->Restart();
  const absl::Status status = Append(*replica.log, 5);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Verified(replica.store->chain()), 20);
}

TEST_F(PostgresCommitStoreTest, WhileTheServerIsAwayNothingIsWaitedFor) {
  options_.timeout = absl::Milliseconds(300);
  const PostgresLedger impatient(options_);
  const Replica replica = Start(impatient);
  EXPECT_TRUE(Append(*replica.log, 5).ok());
  server_->Kill();
  EXPECT_TRUE(absl::IsUnavailable(Append(*replica.log, 5)));
  EXPECT_FALSE(replica.log->Settle().ok());
  server_->Restart();
  absl::StatusOr<bool> there = false;
  do {
    there = replica.log->Settle();
  } while (!there.ok());
  EXPECT_FALSE(*there);
  EXPECT_TRUE(Append(*replica.log, 5).ok());
  EXPECT_EQ(Verified(replica.store->chain()), 20);
}

// A statement that nobody knows the outcome of is done by the time that it is
// settled, or never.
TEST_F(PostgresCommitStoreTest, ACommitBehindALockIsThereOnceOrNever) {
  options_.timeout = absl::Milliseconds(300);
  const PostgresLedger impatient(options_);
  const Replica replica = Start(impatient);
  EXPECT_TRUE(Append(*replica.log, 5).ok());
  std::unique_ptr<PostgresConnection> holder =
      Holding("LOCK TABLE commits IN EXCLUSIVE MODE");
  const absl::Status status = Append(*replica.log, 5);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  holder.reset();
  absl::StatusOr<bool> there = false;
  do {
    there = replica.log->Settle();
  } while (!there.ok());
  // It may have had the lock before its session was ended.
  const int64_t entries = *there ? 20 : 10;
  EXPECT_EQ(Verified(replica.store->chain()), entries);
  EXPECT_TRUE(Append(*replica.log, 1).ok());
  EXPECT_EQ(Verified(replica.store->chain()), entries + 2);
}

TEST_F(PostgresCommitStoreTest, ADatabaseThatCanOnlyBeReadIsAwayForAWhile) {
  options_.timeout = absl::Milliseconds(300);
  const PostgresLedger impatient(options_);
  const Replica replica = Start(impatient);
  EXPECT_TRUE(Append(*replica.log, 5).ok());
  server_->Ask("ALTER SYSTEM SET default_transaction_read_only = on");
  server_->Ask("SELECT pg_reload_conf()");
  server_->AskUntil("SHOW default_transaction_read_only", "on");
  absl::Status status;
  // Until the session has heard of it.
  do {
    status = Append(*replica.log, 1);
  } while (status.ok());
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  server_->Ask("ALTER SYSTEM RESET default_transaction_read_only");
  server_->Ask("SELECT pg_reload_conf()");
  absl::StatusOr<bool> there = false;
  do {
    there = replica.log->Settle();
  } while (!there.ok());
  const int64_t before = Verified(replica.store->chain());
  EXPECT_TRUE(Append(*replica.log, 1).ok());
  EXPECT_EQ(Verified(replica.store->chain()), before + 2);
}

TEST_F(PostgresCommitStoreTest, AQuietReplicaSeesThatItsServerCanOnlyBeRead) {
  options_.timeout = absl::Milliseconds(300);
  const PostgresLedger ledger(options_);
  const Replica replica = Start(ledger);
  EXPECT_TRUE(Append(*replica.log, 1).ok());
  EXPECT_TRUE(replica.log->KeepAlive().ok());
  server_->Ask("ALTER SYSTEM SET default_transaction_read_only = on");
  server_->Ask("SELECT pg_reload_conf()");
  server_->AskUntil("SHOW default_transaction_read_only", "on");
  absl::Status kept;
  while (kept.ok()) kept = replica.log->KeepAlive();
  EXPECT_EQ(kept.code(), absl::StatusCode::kUnavailable) << kept;
  server_->Ask("ALTER SYSTEM RESET default_transaction_read_only");
  server_->Ask("SELECT pg_reload_conf()");
  server_->AskUntil("SHOW default_transaction_read_only", "off");
  while (!kept.ok()) kept = replica.log->KeepAlive();
  EXPECT_TRUE(Append(*replica.log, 1).ok());
  EXPECT_EQ(Verified(replica.store->chain()), 4);
}

TEST_F(PostgresCommitStoreTest, OneThatIsHeldIsNotTakenOver) {
  const Replica replica = Start();
  const auto chains = ledger_->Chains();
  ASSERT_TRUE(chains.ok()) << chains.status();
  ASSERT_EQ(chains->size(), 1U);
  EXPECT_TRUE(chains->front().is_held);
  EXPECT_FALSE(chains->front().is_released);
  EXPECT_TRUE(
      absl::IsNotFound(PostgresCommitStore::TakeOver(
                           *ledger_, replica.store->chain(),
                           chains->front().epoch, SystemClock(), SystemRandom())
                           .status()));
}

// Whoever was cut off for so long that another took his chain appends nothing
// more to it, and goes on in another one.
TEST_F(PostgresCommitStoreTest, WhoHasLostItsChainGoesOnInAnother) {
  const Replica cut_off = Start();
  EXPECT_TRUE(Append(*cut_off.log, 5).ok());
  const int64_t lost = cut_off.store->chain();
  const auto chains = ledger_->Chains();
  ASSERT_TRUE(chains.ok());
  EndSessions();
  absl::StatusOr<std::unique_ptr<PostgresCommitStore>> taken =
      absl::UnknownError("");
  do {  // The server may take a moment.
    taken = PostgresCommitStore::TakeOver(*ledger_, lost, chains->front().epoch,
                                          SystemClock(), SystemRandom());
  } while (!taken.ok());
  auto log = LedgerLog::Open(*std::move(taken), {});
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_TRUE(Append(**log, 3).ok());
  const absl::Status status = Append(*cut_off.log, 5);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_NE(cut_off.store->chain(), lost);
  EXPECT_TRUE(Append(*cut_off.log, 5).ok());
  EXPECT_TRUE(Append(**log, 3).ok());
  EXPECT_EQ(Verified(lost), 22);
  EXPECT_EQ(Verified(cut_off.store->chain()), 20);
}

TEST_F(PostgresCommitStoreTest, AChainThatIsDamagedIsNotTheOneToGoOnIn) {
  const Replica cut_off = Start();
  EXPECT_TRUE(Append(*cut_off.log, 5).ok());
  Replica other = Start();
  EXPECT_TRUE(Append(*other.log, 60).ok());
  other.log.reset();
  Ask("UPDATE commits SET texts = set_byte(texts, 40, "
      "get_byte(texts, 40) # 1) WHERE chain = 2 AND number = 2");
  Ask("UPDATE chains SET epoch = epoch + 1 WHERE chain = 1");
  EXPECT_TRUE(absl::IsAborted(Append(*cut_off.log, 5)));
  const absl::StatusOr<bool> there = cut_off.log->Settle();
  ASSERT_TRUE(there.ok()) << there.status();
  EXPECT_FALSE(*there);
  EXPECT_EQ(cut_off.store->chain(), 3);
  EXPECT_TRUE(Append(*cut_off.log, 5).ok());
  EXPECT_EQ(Verified(3), 10);
}

// Whoever takes its chain again and is not told that he has finds himself
// there, and nobody else.
TEST_F(PostgresCommitStoreTest, AnAttemptToTakeTheChainThatNobodyWasToldOf) {
  options_.timeout = absl::Milliseconds(300);
  const PostgresLedger impatient(options_);
  const Replica replica = Start(impatient);
  EXPECT_TRUE(Append(*replica.log, 5).ok());
  const int64_t chain = replica.store->chain();
  const std::string epoch = Ask("SELECT epoch + 1 FROM chains");
  EndSessions();
  DelayAnswers();
  EXPECT_TRUE(absl::IsUnavailable(Append(*replica.log, 5)));
  EndDelayWhen("SELECT epoch FROM chains", epoch);
  absl::StatusOr<bool> there = true;
  do {
    there = replica.log->Settle();
  } while (!there.ok());
  EXPECT_FALSE(*there);
  EXPECT_EQ(replica.store->chain(), chain);
  EXPECT_TRUE(Append(*replica.log, 1).ok());
  EXPECT_EQ(Verified(chain), 12);
}

// What was committed and not told stays so, however often it is tried to go on
// in another chain.
TEST_F(PostgresCommitStoreTest, WhatIsInTheChainThatWasLeftIsNotWrittenAgain) {
  options_.timeout = absl::Milliseconds(300);
  const PostgresLedger impatient(options_);
  const Replica cut_off = Start(impatient);
  EXPECT_TRUE(Append(*cut_off.log, 5).ok());
  const int64_t lost = cut_off.store->chain();
  DelayAnswers();
  EXPECT_TRUE(absl::IsUnavailable(Append(*cut_off.log, 5)));
  EndDelayWhen("SELECT entries FROM chains", "20");
  const auto chains = ledger_->Chains();
  ASSERT_TRUE(chains.ok());
  EndSessions();
  absl::StatusOr<std::unique_ptr<PostgresCommitStore>> taken =
      absl::UnknownError("");
  do {
    taken = PostgresCommitStore::TakeOver(*ledger_, lost, chains->front().epoch,
                                          SystemClock(), SystemRandom());
  } while (!taken.ok());
  std::unique_ptr<PostgresConnection> holder = Holding(absl::StrCat(
      "SELECT pg_advisory_lock('chains'::regclass::oid::int, ", lost + 1, ")"));
  EXPECT_TRUE(absl::IsInternal(cut_off.log->Settle().status()));
  holder.reset();
  absl::StatusOr<bool> there = false;
  do {
    there = cut_off.log->Settle();
  } while (!there.ok());
  EXPECT_TRUE(*there);
  EXPECT_NE(cut_off.store->chain(), lost);
  EXPECT_EQ(Verified(lost), 20);
}

// Nobody calls, and so there is nothing to append: it has its chain again all
// the same, before others take it for gone.
TEST_F(PostgresCommitStoreTest, AQuietReplicaHasItsChainAgainAfterAPause) {
  options_.timeout = absl::Milliseconds(300);
  const PostgresLedger impatient(options_);
  Replica replica = Start(impatient);
  EXPECT_TRUE(Append(*replica.log, 5).ok());
  LedgerWriter writer(std::move(replica.log), {}, SystemClock(), [] {});
  const auto turn = [&writer] {
    writer.BeginTurn();
    writer.EndTurn();
    return writer.counts().failing;
  };
  EXPECT_FALSE(turn());
  server_->Kill();
  EXPECT_TRUE(turn());
  EXPECT_TRUE(turn());
  server_->Restart();
  while (turn()) {
  }
  const auto chains = ledger_->Chains();
  ASSERT_TRUE(chains.ok()) << chains.status();
  ASSERT_EQ(chains->size(), 1U);
  EXPECT_TRUE(chains->front().is_held);
}

TEST_F(PostgresCommitStoreTest, WhatALostReplicaLeftOpenIsClosed) {
  LedgerEntry dispatch;
  dispatch.event_type = "DISPATCH";
  dispatch.id = "LED-1";
  const UnchainedEntry entry(dispatch, OpeningNote("LED-1", "", "PRC-1", "{}"));
  const UnchainedEntry* const all = &entry;
  const Replica replica = Start();
  ASSERT_TRUE(replica.log->Append({&all, 1}, kFirstCallTime).ok());
  const int64_t chain = replica.store->chain();
  EndSessions();
  const auto chains = ledger_->Chains();
  ASSERT_TRUE(chains.ok());
  absl::StatusOr<std::unique_ptr<PostgresCommitStore>> taken =
      absl::UnknownError("");
  do {
    taken = PostgresCommitStore::TakeOver(
        *ledger_, chain, chains->front().epoch, SystemClock(), SystemRandom());
  } while (!taken.ok());
  auto log = LedgerLog::Open(*std::move(taken), {});
  ASSERT_TRUE(log.ok()) << log.status();
  const auto no_charge = [](const OpenDispatches::Left&, const std::string&,
                            absl::Time) -> absl::StatusOr<UnchainedEntry> {
    return absl::InternalError("nothing was reserved");
  };
  const auto closed =
      CloseOpenDispatches(**log, no_charge, SystemRandom(), SystemClock());
  ASSERT_TRUE(closed.ok()) << closed.status();
  EXPECT_EQ(*closed, 1);
  EXPECT_EQ(Verified(chain), 2);
}

TEST_F(PostgresCommitStoreTest, AnAlteredEntryIsFoundAtTheStart) {
  Replica replica = Start();
  EXPECT_TRUE(Append(*replica.log, 60).ok());
  replica.log.reset();
  Ask("UPDATE commits SET texts = set_byte(texts, 40, "
      "get_byte(texts, 40) # 1) WHERE number = 2");
  auto store =
      PostgresCommitStore::Claim(*ledger_, SystemClock(), SystemRandom());
  ASSERT_TRUE(store.ok()) << store.status();
  const auto log = LedgerLog::Open(*std::move(store), {});
  EXPECT_TRUE(absl::IsDataLoss(log.status())) << log.status();
  EXPECT_THAT(std::string(log.status().message()),
              HasSubstr("commit 2 of the ledger has the entry"));
  // It is not given back: who starts next begins another one.
  const Replica next = Start();
  EXPECT_EQ(next.store->chain(), 2);
}

TEST_F(PostgresCommitStoreTest, ACommitThatIsMissingIsFound) {
  Replica replica = Start();
  EXPECT_TRUE(Append(*replica.log, 100).ok());
  const auto read = [&] {
    return replica.log->Read(
        1, [](const LedgerCommit&) { return absl::OkStatus(); });
  };
  Ask("DELETE FROM commits WHERE number = 4");
  EXPECT_TRUE(absl::IsDataLoss(read())) << read();
  Ask("DELETE FROM commits WHERE number = 2");
  EXPECT_THAT(std::string(read().message()), HasSubstr("commit 2"));
}

TEST_F(PostgresCommitStoreTest, WhatWasCutOffIsTold) {
  const Replica replica = Start();
  ASSERT_TRUE(Append(*replica.log, 100).ok());
  const LedgerEnd end = replica.log->end();
  // As a standby has it to which the last two commits were not copied.
  const auto cut_off = [&] {
    Ask("DELETE FROM commits WHERE number > 2; "
        "UPDATE chains SET commits = 2, entries = 100, last_hash = "
        "(SELECT last_hash FROM commits WHERE number = 2)");
  };
  cut_off();
  const absl::Status kept = replica.log->KeepAlive();
  EXPECT_TRUE(absl::IsDataLoss(kept)) << kept;
  EXPECT_THAT(std::string(kept.message()), HasSubstr("ends with commit 2"));
  EXPECT_FALSE(*replica.log->Settle());
  const auto cut = replica.log->TakeCut();
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(cut->end, end);
  EXPECT_EQ(cut->entries, 100);
  EXPECT_FALSE(replica.log->TakeCut().has_value()) << "it is told once";
  EXPECT_TRUE(replica.log->KeepAlive().ok());

  // With the next entry, if that comes first.
  ASSERT_TRUE(Append(*replica.log, 50).ok());
  cut_off();
  EXPECT_TRUE(absl::IsDataLoss(Append(*replica.log, 1)));
  EXPECT_FALSE(*replica.log->Settle());
  EXPECT_EQ(replica.log->TakeCut()->entries, 100);
  EXPECT_TRUE(Append(*replica.log, 1).ok());
  EXPECT_EQ(Verified(replica.store->chain()), 102);
  EXPECT_FALSE(replica.log->TakeCut().has_value());
}

TEST_F(PostgresCommitStoreTest, CommitsOfEachMonthAreAPartition) {
  const Replica replica = Start();
  EXPECT_TRUE(AppendCalls(*replica.log, {.calls = 5}).ok());
  EXPECT_TRUE(
      AppendCalls(*replica.log, {.calls = 5, .first_call = 400'000'000}).ok());
  EXPECT_EQ(Ask("SELECT string_agg(c.relname, ' ' ORDER BY c.relname) "
                "FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
                "WHERE i.inhparent = 'commits'::regclass"),
            "commits_2026_01 commits_2026_02");
}

}  // namespace
}  // namespace gateway
