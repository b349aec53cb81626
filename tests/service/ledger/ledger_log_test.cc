#include "service/ledger/ledger_log.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/chain_check.h"
#include "service/ledger/dispatch_note.h"
#include "service/ledger/entry.h"
#include "service/ledger/hash_text.h"
#include "service/ledger/ledger_state.h"
#include "service/ledger/sqlite_commit_store.h"
#include "service/store/sqlite_connection.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr absl::Time kTime = absl::FromUnixMillis(1767225600'500);

UnchainedEntry Entry(std::string_view id) {
  LedgerEntry entry;
  entry.event_type = "EXCHANGE";
  entry.id = id;
  entry.reason = "Exchange completed";
  entry.time = kTime;
  return UnchainedEntry(entry);
}

std::vector<UnchainedEntry> Entries(int count) {
  std::vector<UnchainedEntry> entries;
  for (int i = 0; i < count; ++i)
    entries.push_back(Entry(absl::StrCat("LED-", i)));
  return entries;
}

class LedgerLogTest : public testing::Test {
 protected:
  void Open() {
    log_.reset();
    auto log = LedgerLog::Open({.path = path_, .file_bytes_limit = limit_});
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }
  absl::Status Append(int count) {
    const std::vector<UnchainedEntry> entries = Entries(count);
    std::vector<const UnchainedEntry*> all;
    for (const UnchainedEntry& entry : entries) all.push_back(&entry);
    return log_->Append(all, kTime);
  }
  // What ChainCheck has against it; empty if nothing.
  std::string Verify() {
    ChainCheck check;
    std::string found;
    const absl::Status read = log_->Read(1, [&](const LedgerCommit& commit) {
      EXPECT_EQ(commit.first_entry, check.entries() + 1);
      const std::vector<std::string> texts =
          absl::StrSplit(ToAbsl(commit.texts), '\n', absl::SkipEmpty());
      EXPECT_EQ(texts.size(), commit.entries);
      for (const std::string& text : texts) {
        absl::StrAppend(&found, check.Add(text).what);
      }
      return absl::OkStatus();
    });
    EXPECT_TRUE(read.ok()) << read;
    EXPECT_EQ(check.entries(), log_->end().entries);
    EXPECT_EQ(check.last_hash(), log_->end().hash);
    return found;
  }
  // Changes the file behind its back.
  void Change(SqlText sql) {
    log_.reset();
    auto db = SqliteConnection::Open(
        path_, SqliteConnection::Access::kReadWrite, absl::Seconds(5));
    ASSERT_TRUE(db.ok()) << db.status();
    ASSERT_TRUE((*db)->Execute(sql).ok());
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.Path("ledger.db");
  int64_t limit_ = 0;
  std::unique_ptr<LedgerLog> log_;
};

TEST_F(LedgerLogTest, EntriesOfAllCommitsAreOneChain) {
  Open();
  EXPECT_EQ(log_->end().hash, "");
  for (const int entries : {1, 3, 2}) EXPECT_TRUE(Append(entries).ok());
  EXPECT_EQ(log_->end().commits, 3);
  EXPECT_EQ(log_->end().entries, 6);
  EXPECT_EQ(Verify(), "");
}

TEST_F(LedgerLogTest, GoesOnWhereItEnded) {
  Open();
  EXPECT_TRUE(Append(2).ok());
  const std::string hash = log_->end().hash;
  Open();
  EXPECT_EQ(log_->end().hash, hash);
  EXPECT_TRUE(Append(1).ok());
  EXPECT_EQ(log_->end().commits, 2);
  EXPECT_EQ(Verify(), "");
}

TEST_F(LedgerLogTest, IsReadFromAnyCommitOn) {
  Open();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Append(2).ok());
  std::vector<int64_t> firsts;
  EXPECT_TRUE(log_->Read(4,
                         [&](const LedgerCommit& commit) {
                           firsts.push_back(commit.first_entry);
                           EXPECT_EQ(commit.time, kTime);
                           return absl::OkStatus();
                         })
                  .ok());
  EXPECT_EQ(firsts, (std::vector<int64_t>{7, 9}));
  const absl::Status stopped = log_->Read(
      1, [](const LedgerCommit&) { return absl::CancelledError("enough"); });
  EXPECT_EQ(stopped.message(), "enough");
}

TEST_F(LedgerLogTest, ACommitThatFailsLeavesNothing) {
  limit_ = 128 * 1024;
  Open();
  absl::Status status;
  int committed = 0;
  while ((status = Append(20)).ok()) ++committed;
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_GT(committed, 0);
  const absl::StatusOr<bool> there = log_->Settle();
  ASSERT_TRUE(there.ok()) << there.status();
  EXPECT_FALSE(*there);
  EXPECT_EQ(log_->end().commits, committed);
  EXPECT_EQ(Verify(), "");
  limit_ = 0;
  Open();
  EXPECT_TRUE(Append(20).ok());
  EXPECT_EQ(log_->end().commits, committed + 1);
  EXPECT_EQ(Verify(), "");
}

TEST_F(LedgerLogTest, AnAlteredEntryIsFound) {
  Open();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Append(2).ok());
  EXPECT_TRUE(log_->KeepCheckpoint().ok());
  Change(
      "UPDATE commits SET texts = CAST(replace(CAST(texts AS TEXT), "
      "'completed', 'Completed') AS BLOB) WHERE number = 2");
  Open();
  EXPECT_THAT(Verify(), HasSubstr("it was altered"));
}

TEST_F(LedgerLogTest, OneBehindTheLastCheckpointIsFoundAtTheStart) {
  Open();
  EXPECT_TRUE(Append(2).ok());
  EXPECT_TRUE(log_->KeepCheckpoint().ok());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(Append(2).ok());
  Change(
      "UPDATE commits SET texts = CAST(replace(CAST(texts AS TEXT), "
      "'completed', 'Completed') AS BLOB) WHERE number = 2");
  const auto log = LedgerLog::Open({.path = path_});
  EXPECT_EQ(log.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(log.status().message()),
              testing::AllOf(HasSubstr("commit 2 of the ledger has the entry"),
                             HasSubstr("was altered")));
}

TEST_F(LedgerLogTest, OneThatWasCutShorterThanItsCheckpointIsNotGoneOnFrom) {
  Open();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Append(2).ok());
  EXPECT_TRUE(log_->KeepCheckpoint().ok());
  Change("DELETE FROM commits WHERE number = 3");
  EXPECT_EQ(LedgerLog::Open({.path = path_}).status().code(),
            absl::StatusCode::kDataLoss);
  std::filesystem::remove(path_ + ".end");
  const auto log = LedgerLog::Open({.path = path_});
  EXPECT_EQ(log.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(log.status().message()),
              HasSubstr("ends with commit 2 and had 3 of them"));
}

// Takes what it is told of, one behind the other.
class ToldState final : public LedgerState {
 public:
  absl::Status Apply(std::string_view entry) override {
    ++told;
    sum.append(entry.substr(0, 24));
    return absl::OkStatus();
  }
  void Apply(const BudgetChanges& /*changes*/) override { ++told; }
  std::string Checkpoint() const override { return sum; }
  absl::Status Restore(std::string_view checkpoint) override {
    sum = checkpoint;
    return absl::OkStatus();
  }
  std::string sum;
  int told = 0;
};

TEST_F(LedgerLogTest, WhatItKnowsIsKnownAgainAfterAStart) {
  const auto append = [&](std::string_view type, std::string_view decision,
                          std::string note, std::string_view id = "LED-0") {
    LedgerEntry entry;
    entry.event_type = type;
    entry.id = id;
    entry.decision = decision;
    entry.time = kTime;
    const UnchainedEntry unchained(entry, std::move(note));
    const UnchainedEntry* const all = &unchained;
    EXPECT_TRUE(log_->Append({&all, 1}, kTime).ok());
  };
  ToldState before;
  const auto open = [&](ToldState& state) {
    log_.reset();
    auto log = LedgerLog::Open(
        {.path = path_, .state = &state, .checkpoint_entries = 3});
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  };
  open(before);
  append("DISPATCH", "D", OpeningNote("LED-1", "", "a", "{}"), "LED-1");
  append("BUDGET_ALLOCATE", "first", "");
  append("DISPATCH", "D", OpeningNote("LED-2", "", "b", "{}"), "LED-2");
  // Here is a checkpoint.
  append("BUDGET_DEBIT", "second", "");
  append("EXCHANGE", "E", ClosingNote("LED-1"));
  EXPECT_EQ(before.told, 2);
  ToldState after;
  open(after);
  EXPECT_EQ(after.told, 1);
  EXPECT_EQ(after.sum, before.sum);
  ASSERT_EQ(log_->open_dispatches().all().size(), 1U);
  EXPECT_EQ(log_->open_dispatches().all().begin()->first, "LED-2");
}

TEST_F(LedgerLogTest, ALastCommitThatIsNotWholeIsNotGoneOnFrom) {
  Open();
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(Append(3).ok());
  struct Damage {
    SqlText sql;
    const char* what;
  };
  for (const auto& [sql, what] : std::vector<Damage>{
           {"UPDATE commits SET texts = CAST(replace(CAST(texts AS TEXT), "
            "'completed', 'Completed') AS BLOB) WHERE number = 2",
            "was altered"},
           {"UPDATE commits SET texts = (SELECT texts FROM commits WHERE "
            "number = 1) WHERE number = 2",
            "does not end in the hash it says"},
           {"UPDATE commits SET entries = 4 WHERE number = 2",
            "has 3 entries and says 4"}}) {
    Change(sql);
    const auto log = LedgerLog::Open({.path = path_});
    EXPECT_EQ(log.status().code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(log.status().message()), HasSubstr(what));
    EXPECT_THAT(std::string(log.status().message()), HasSubstr(path_));
  }
}

// A dispatch that names its note.
UnchainedEntry NotedDispatch(const std::string& id) {
  LedgerEntry entry;
  entry.event_type = "DISPATCH";
  entry.id = id;
  entry.time = kTime;
  std::string note = OpeningNote(id, "LED-x", "P", "{\"cost\": 2018000000}");
  entry.metadata =
      absl::StrCat("{\"gateway\": {\"note_hash\": \"", HashText(note), "\"}}");
  return UnchainedEntry(entry, std::move(note));
}

TEST_F(LedgerLogTest, ItIsNotGoneOnFromAnotherNoteThanWasWritten) {
  Open();
  const UnchainedEntry dispatch = NotedDispatch("LED-1");
  const UnchainedEntry* const all = &dispatch;
  ASSERT_TRUE(log_->Append({&all, 1}, kTime).ok());
  EXPECT_TRUE(Append(1).ok());
  for (const SqlText sql :
       {SqlText("UPDATE commits SET notes = CAST(replace(CAST(notes AS TEXT), "
                "'2018000000', '0000000001') AS BLOB) WHERE number = 1"),
        SqlText("UPDATE commits SET notes = x'' WHERE number = 1"),
        SqlText("UPDATE commits SET notes = CAST('T0:' AS BLOB) "
                "WHERE number = 1")}) {
    Change(sql);
    const auto log = LedgerLog::Open({.path = path_});
    EXPECT_EQ(log.status().code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(log.status().message()), HasSubstr("LED-1"));
    EXPECT_THAT(std::string(log.status().message()), HasSubstr("note"));
  }
}

TEST_F(LedgerLogTest, WhatACheckpointSaysIsOpenIsAsItWasWritten) {
  Open();
  for (const char* const id : {"LED-1", "LED-2"}) {
    const UnchainedEntry dispatch = NotedDispatch(id);
    const UnchainedEntry* const all = &dispatch;
    ASSERT_TRUE(log_->Append({&all, 1}, kTime).ok());
  }
  ASSERT_TRUE(log_->KeepCheckpoint().ok());
  Open();
  EXPECT_EQ(log_->open_dispatches().ids().size(), 2U);
  const LedgerEnd end = log_->end();
  log_.reset();
  const auto reopened = [&](const std::string& open) {
    auto store = SqliteCommitStore::Open({.path = path_});
    EXPECT_TRUE(store.ok()) << store.status();
    EXPECT_TRUE(
        (*store)->KeepCheckpoint({.end = end, .open_dispatches = open}).ok());
    return LedgerLog::Open(*std::move(store), {}).status();
  };
  EXPECT_TRUE(reopened(NotedDispatch("LED-2").note()).ok());
  EXPECT_THAT(reopened(OpeningNote("LED-2", "LED-x", "P", "{}")).ToString(),
              HasSubstr("has another note of the dispatch LED-2"));
  EXPECT_THAT(reopened(OpeningNote("LED-9", "LED-x", "P", "{}")).ToString(),
              HasSubstr("has the dispatch LED-9, which the ledger has not"));
}

}  // namespace
}  // namespace gateway
