#include "service/ledger/postgres_keeper.h"

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/os/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/dispatch_note.h"
#include "service/ledger/entry.h"
#include "service/ledger/hash_text.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/ledger_walk.h"
#include "service/ledger/postgres_commit_store.h"
#include "service/ledger/postgres_tables.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/testing/postgres_server.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr absl::Duration kKeeperTimeout = absl::Seconds(20);

class PostgresKeeperTest : public testing::Test {
 protected:
  PostgresKeeperTest()
      : ledger_({.connection = {.conninfo = server_.conninfo()},
                 .schema = "a",
                 .timeout = kKeeperTimeout}) {
    EXPECT_TRUE(ledger_.Prepare().ok());
  }

  std::unique_ptr<LedgerLog> Start() {
    auto store =
        PostgresCommitStore::Claim(ledger_, SystemClock(), SystemRandom());
    EXPECT_TRUE(store.ok()) << store.status();
    auto log = LedgerLog::Open(*std::move(store), {});
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }
  void Append(LedgerLog& log, int64_t calls) {
    const int64_t first = std::exchange(next_call_, next_call_ + calls);
    EXPECT_TRUE(AppendCalls(log, {.calls = calls, .first_call = first}).ok());
  }
  bool Join() {
    const auto db = ledger_.Connect(kKeeperTimeout);
    EXPECT_TRUE(db.ok()) << db.status();
    const auto joined = JoinChains(**db, absl::ZeroDuration(), kKeeperTimeout);
    EXPECT_TRUE(joined.ok()) << joined.status();
    return joined.ok() && *joined;
  }
  // What is wrong with all of it; empty if nothing is.
  std::string Verify() {
    std::deque<PostgresCommitSource> sources;
    LedgerWalk::Options options{.joins = &ledger_};
    const auto chains = ledger_.Chains();
    EXPECT_TRUE(chains.ok()) << chains.status();
    for (const PostgresChain& chain : *chains) {
      options.chains.push_back({absl::StrCat(chain.number),
                                &sources.emplace_back(ledger_, chain.number)});
    }
    LedgerWalk walk(std::move(options));
    EXPECT_TRUE(walk.Begin().ok());
    while (!walk.is_done()) EXPECT_TRUE(walk.Step().ok());
    return walk.DescribeProblem();
  }

  PostgresServer server_;
  PostgresLedger ledger_;
  int64_t next_call_ = 0;
};

TEST_F(PostgresKeeperTest, TheEndsOfAllChainsAreJoined) {
  const auto one = Start();
  const auto two = Start();
  EXPECT_FALSE(Join()) << "there is nothing yet";
  for (int i = 0; i < 5; ++i) {
    Append(*one, 30);
    Append(*two, 2);
    EXPECT_TRUE(Join());
    EXPECT_FALSE(Join()) << "nothing was appended";
  }
  EXPECT_EQ(*ledger_.LastJoin(), 5);
  EXPECT_EQ(Verify(), "");
}

TEST_F(PostgresKeeperTest, ThePartitionOfTheNextMonthIsThereAWeekAhead) {
  const PostgresKeeper keeper(
      ledger_, {.join_interval = absl::Milliseconds(10)}, [](int64_t) {},
      SystemClock(), SystemRandom());
  const absl::Time ahead = SystemClock().WallTime() + absl::Hours(7 * 24);
  server_.AskUntil(absl::StrCat("SELECT to_regclass('a.", PartitionOf(ahead),
                                "') IS NOT NULL"),
                   "t");
}

TEST_F(PostgresKeeperTest, WhatWasChangedBehindItIsFound) {
  const auto one = Start();
  const auto two = Start();
  Append(*one, 60);
  Append(*two, 60);
  Join();
  server_.Ask("CREATE TABLE whole AS SELECT * FROM a.commits");
  const auto restore = [&] {
    server_.Ask(
        "DELETE FROM a.commits; INSERT INTO a.commits SELECT * FROM whole");
  };
  server_.Ask(
      "UPDATE a.commits SET texts = set_byte(texts, 100, "
      "get_byte(texts, 100) # 1) WHERE chain = 2 AND number = 2");
  EXPECT_THAT(Verify(), HasSubstr("chain 2: the entry 51"));
  restore();
  EXPECT_EQ(Verify(), "");
  // All of what is there fits, and its end was cut off.
  server_.Ask(
      "DELETE FROM a.commits WHERE chain = 1 AND number = 3; "
      "UPDATE a.chains SET commits = 2, entries = 100, last_hash = "
      "(SELECT last_hash FROM a.commits WHERE chain = 1 AND number = 2) "
      "WHERE chain = 1");
  EXPECT_THAT(Verify(), HasSubstr("chain 1: the entry 101 is not there"));
}

TEST_F(PostgresKeeperTest, CommitsOfAChainThatIsNotThereAreFound) {
  const auto one = Start();
  Append(*one, 60);
  Join();
  EXPECT_EQ(Verify(), "");
  server_.Ask(
      "INSERT INTO a.commits SELECT 7, number, first_entry, entries, time, "
      "last_hash, texts, notes FROM a.commits WHERE chain = 1");
  EXPECT_THAT(Verify(), HasSubstr("chain 7: has commits, and is not among"));
  // Nor is a chain forgotten that no join has seen yet.
  server_.Ask("DELETE FROM a.commits WHERE chain = 7");
  EXPECT_EQ(Verify(), "");
  const auto two = Start();
  Append(*two, 1);
  EXPECT_EQ(Verify(), "");
  server_.Ask(
      "DELETE FROM a.checkpoints WHERE chain = 2; "
      "DELETE FROM a.chains WHERE chain = 2");
  EXPECT_THAT(Verify(), HasSubstr("chain 2: has commits, and is not among"));
}

TEST_F(PostgresKeeperTest, WhatIsSaidOfACommitIsWhatItIs) {
  const auto one = Start();
  Append(*one, 60);
  server_.Ask(
      "UPDATE a.commits SET last_hash = repeat('a', 64) "
      "WHERE chain = 1 AND number = 2");
  EXPECT_THAT(Verify(), HasSubstr("says that it ends with aaaa"));
  server_.Ask(
      "UPDATE a.commits SET last_hash = '' WHERE chain = 1 AND number = 2");
  EXPECT_THAT(Verify(), HasSubstr("chain 1: the entry 100"));
}

TEST_F(PostgresKeeperTest, WhatIsSaidOfAChainAndOfAJoinIsWhatTheyAre) {
  const auto one = Start();
  Append(*one, 60);
  Join();
  EXPECT_EQ(Verify(), "");
  server_.Ask("UPDATE a.chains SET entries = entries + 1");
  EXPECT_THAT(Verify(), HasSubstr("chain 1: the entry 120 is the last of the "
                                  "chain, and the chain says to end with the "
                                  "entry 121"));
  server_.Ask(
      "UPDATE a.chains SET entries = entries - 1, last_hash = 'altered'");
  EXPECT_THAT(Verify(), HasSubstr("and the hash altered"));
  server_.Ask(
      "UPDATE a.chains SET last_hash = (SELECT last_hash FROM a.commits "
      "WHERE number = 3)");
  EXPECT_EQ(Verify(), "");
  server_.Ask("UPDATE a.joins SET time = time + interval '1 microsecond'");
  EXPECT_THAT(Verify(), HasSubstr("the join 1 is kept with another time"));
}

TEST_F(PostgresKeeperTest, NotesAreThoseOfTheirEntries) {
  const auto one = Start();
  Append(*one, 60);
  server_.Ask("UPDATE a.commits SET notes = 'O1:x1:y2:{}' WHERE number = 2");
  EXPECT_EQ(Verify(), "") << "of gateways of before";
  server_.Ask("UPDATE a.commits SET notes = 'C1:x' WHERE number = 2");
  EXPECT_THAT(Verify(), HasSubstr("chain 1: the entry 52, "));
  EXPECT_THAT(Verify(), HasSubstr("note"));
}

// A dispatch that names its note, of which budgets are charged something.
UnchainedEntry DispatchLeft(const std::string& id) {
  LedgerEntry dispatch;
  dispatch.event_type = "DISPATCH";
  dispatch.id = id;
  std::string note =
      OpeningNote(id, "", "PRC-1",
                  absl::StrCat("{\"dispatch_entry_id\": \"", id, "\"}")) +
      ReservationNote(id, "2 dollars");
  dispatch.metadata =
      absl::StrCat("{\"gateway\": {\"note_hash\": \"", HashText(note), "\"}}");
  return UnchainedEntry(dispatch, std::move(note));
}

TEST_F(PostgresKeeperTest, AnAlteredChainStaysToldAndTheOthersAreClosed) {
  constexpr char kReleasedOf[] =
      "SELECT released FROM a.chains WHERE chain = ";
  const auto one = Start();
  const auto two = Start();
  for (const auto& [log, id] :
       {std::pair(one.get(), "LED-1"), std::pair(two.get(), "LED-2")}) {
    const UnchainedEntry entry = DispatchLeft(id);
    const UnchainedEntry* const all = &entry;
    ASSERT_TRUE(log->Append({&all, 1}, kFirstCallTime).ok());
  }
  server_.Ask(
      "CREATE TABLE whole AS SELECT * FROM a.commits; "
      "UPDATE a.commits SET notes = '' WHERE chain = 1");
  server_.Ask(
      "SELECT pg_terminate_backend(pid) FROM pg_locks "
      "WHERE locktype = 'advisory' AND objid IN (1, 2)");
  PostgresKeeper keeper(ledger_,
                        {.grace = absl::Milliseconds(20),
                         .turn = absl::Milliseconds(5),
                         .charge = [](const OpenDispatches::Left& left,
                                      std::string id, absl::Time time)
                             -> absl::StatusOr<UnchainedEntry> {
                           LedgerEntry debit;
                           debit.event_type = "BUDGET_DEBIT";
                           debit.reason = left.reservation;
                           debit.id = id;
                           debit.time = time;
                           return UnchainedEntry(debit);
                         }},
                        [](int64_t) {}, SystemClock(), SystemRandom());
  server_.AskUntil(absl::StrCat(kReleasedOf, 2), "t");
  // It is tried again and again, and told all the while.
  server_.AskUntil("SELECT epoch > 3 FROM a.chains WHERE chain = 1", "t");
  for (const int epoch : {4, 5, 6, 7, 8}) {
    server_.AskUntil(absl::StrCat("SELECT epoch > ", epoch,
                                  " FROM a.chains WHERE chain = 1"),
                     "t");
    EXPECT_TRUE(keeper.has_altered());
    EXPECT_FALSE(keeper.fails());
  }
  EXPECT_EQ(server_.Ask(absl::StrCat(kReleasedOf, 1)), "f");
  // Put back it is closed and charged as any other.
  server_.Ask(
      "UPDATE a.commits c SET notes = w.notes FROM whole w "
      "WHERE c.chain = w.chain AND c.number = w.number");
  server_.AskUntil(absl::StrCat(kReleasedOf, 1), "t");
  EXPECT_THAT(server_.Ask("SELECT convert_from(texts, 'UTF8') FROM a.commits "
                          "WHERE chain = 1 AND number = 2"),
              AllOf(HasSubstr("\"decision\": \"UNKNOWN\""),
                    HasSubstr("\"reason\": \"2 dollars\"")));
  const absl::Time deadline = SystemClock().WallTime() + absl::Seconds(60);
  while (keeper.has_altered() && SystemClock().WallTime() < deadline) {
    server_.Ask("SELECT 1");
  }
  EXPECT_FALSE(keeper.has_altered());
  EXPECT_EQ(Verify(), "");
}

TEST_F(PostgresKeeperTest, OneThatCannotBeClosedFailsBetweenTwoAttemptsToo) {
  const auto gone = Start();
  const UnchainedEntry entry = DispatchLeft("LED-1");
  const UnchainedEntry* const all = &entry;
  ASSERT_TRUE(gone->Append({&all, 1}, kFirstCallTime).ok());
  server_.Ask(
      "SELECT pg_terminate_backend(pid) FROM pg_locks "
      "WHERE locktype = 'advisory' AND objid = 1");
  std::atomic<int> tried = 0;
  // Of the turns behind the first attempt, how many found that it does not.
  std::atomic<int> turns = 0;
  std::atomic<int> well = 0;
  std::atomic<const PostgresKeeper*> told = nullptr;
  PostgresKeeper keeper(
      ledger_,
      {.grace = absl::Milliseconds(50),
       .turn = absl::Milliseconds(1),
       .charge =
           [&](const OpenDispatches::Left&, const std::string&,
               absl::Time) -> absl::StatusOr<UnchainedEntry> {
         ++tried;
         return absl::InternalError("it cannot be charged");
       },
       .on_turn =
           [&](const auto&) {
             if (tried == 0 || told == nullptr) return;
             ++turns;
             well += told.load()->fails() ? 0 : 1;
           }},
      [](int64_t) {}, SystemClock(), SystemRandom());
  told = &keeper;
  server_.AskUntil("SELECT epoch > 4 FROM a.chains WHERE chain = 1", "t");
  EXPECT_GT(turns, 0);
  EXPECT_EQ(well, 0);
  EXPECT_FALSE(keeper.has_altered());
}

TEST_F(PostgresKeeperTest, AChainThatIsBegunIsNoticed) {
  Mutex mu;
  CondVar changed;
  std::vector<int64_t> noticed;
  PostgresKeeper keeper(
      ledger_, {.turn = absl::Milliseconds(1)},
      [&](int64_t chain) {
        MutexLock lock(mu);
        noticed.push_back(chain);
        changed.NotifyAll();
      },
      SystemClock(), SystemRandom());
  const auto one = Start();
  EXPECT_TRUE(keeper.Refresh().ok());
  {
    MutexLock lock(mu);
    EXPECT_EQ(noticed, std::vector<int64_t>{1});
  }
  const auto two = Start();
  MutexLock lock(mu);
  while (noticed.size() < 2) {
    ASSERT_TRUE(changed.WaitFor(lock, absl::Seconds(60)));
  }
  EXPECT_EQ(noticed, (std::vector<int64_t>{1, 2}));
}

TEST_F(PostgresKeeperTest, WhatAReplicaHasLeftIsClosedAndGivenBack) {
  LedgerEntry dispatch;
  dispatch.event_type = "DISPATCH";
  dispatch.id = "LED-1";
  const UnchainedEntry entry(dispatch, OpeningNote("LED-1", "", "PRC-1", "{}"));
  const UnchainedEntry* const all = &entry;
  const auto gone = Start();
  const auto there = Start();
  ASSERT_TRUE(gone->Append({&all, 1}, kFirstCallTime).ok());
  server_.Ask(
      "SELECT pg_terminate_backend(pid) FROM pg_locks "
      "WHERE locktype = 'advisory' AND objid = 1");
  PostgresKeeper keeper(
      ledger_,
      {.grace = absl::Milliseconds(20),
       .turn = absl::Milliseconds(5),
       .charge = [](const OpenDispatches::Left&, const std::string&,
                    absl::Time) -> absl::StatusOr<UnchainedEntry> {
         return absl::InternalError("nothing was reserved");
       }},
      [](int64_t) {}, SystemClock(), SystemRandom());
  server_.AskUntil("SELECT released, entries FROM a.chains ORDER BY chain",
                   "t|2\nf|0");
  EXPECT_THAT(server_.Ask("SELECT convert_from(texts, 'UTF8') FROM a.commits "
                          "WHERE number = 2"),
              HasSubstr("\"decision\": \"UNKNOWN\""));
  EXPECT_EQ(Verify(), "");
}

}  // namespace
}  // namespace gateway
