#include "service/ledger/ledger_check.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/sqlite_commit_store.h"
#include "service/store/sqlite_connection.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

// A ledger of 100,000 entries, in commits of fifty.
class LedgerCheckTest : public testing::Test {
 protected:
  LedgerCheckTest() {
    log_ = *LedgerLog::Open({.path = path_, .sync = SqliteSync::kNormal});
  }
  void Append(int64_t calls) {
    ASSERT_TRUE(AppendCalls(*log_, {.calls = calls}).ok());
  }
  // Changes the file behind its back.
  void Change(std::vector<SqlText> script) {
    log_.reset();
    {
      auto db = SqliteConnection::Open(
          path_, SqliteConnection::Access::kReadWrite, absl::Seconds(5));
      ASSERT_TRUE(db.ok()) << db.status();
      for (const SqlText& sql : script) {
        const absl::Status done = (*db)->Execute(sql);
        ASSERT_TRUE(done.ok()) << done;
      }
    }
    // As if that were meant.
    std::filesystem::remove(path_ + ".end");
    // Who goes on with it would find it, too.
    auto store = SqliteCommitStore::Open({.path = path_});
    ASSERT_TRUE(store.ok()) << store.status();
    changed_ = *std::move(store);
  }
  LedgerCheck Check(LedgerCheck check = {}, int64_t first_commit = 1) {
    const CommitSource& source = changed_ == nullptr
                                     ? static_cast<const CommitSource&>(*log_)
                                     : *changed_;
    const absl::Status read = source.Read(
        first_commit,
        [&](const LedgerCommit& commit) { return check.Add(commit); });
    const bool is_told =
        read.ok() || absl::IsAborted(read) || check.AddFailure(read);
    EXPECT_TRUE(is_told) << read;
    return check;
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.Path("ledger.db");
  std::unique_ptr<LedgerLog> log_;
  std::unique_ptr<SqliteCommitStore> changed_;
};

TEST_F(LedgerCheckTest, ALargeLedgerIsValidAndHasItsRoot) {
  Append(50'000);
  const LedgerCheck check = Check();
  EXPECT_TRUE(check.valid()) << check.problem();
  EXPECT_EQ(check.checked_entries(), 100'000);
  EXPECT_EQ(check.last_hash(), log_->end().hash);
  std::vector<std::string> hashes;
  EXPECT_TRUE(log_->Read(1,
                         [&](const LedgerCommit& commit) {
                           ForEachEntry(
                               commit.texts, [&](std::string_view text) {
                                 EntryFacts facts;
                                 EXPECT_TRUE(ReadEntryFacts(text, &facts).ok());
                                 hashes.push_back(facts.entry_hash);
                               });
                           return absl::OkStatus();
                         })
                  .ok());
  EXPECT_EQ(check.merkle_root(), MerkleRoot(hashes));
}

TEST_F(LedgerCheckTest, AFlippedBitIsFound) {
  Append(2'000);
  // The letter x, in the entry 1,000 in the middle of its commit.
  Change(
      {"UPDATE commits SET texts = CAST(replace(CAST(texts AS TEXT), "
       "'\"request_id\": \"req-487\"', '\"request_id\": \"req-486\"') AS "
       "BLOB) WHERE number = 20"});
  const LedgerCheck check = Check();
  EXPECT_FALSE(check.valid());
  EXPECT_EQ(check.broken_entry(), 2 * 487 + 1);
  EXPECT_EQ(check.broken_id(), DispatchIdOf(487));
  EXPECT_THAT(check.problem(), HasSubstr("it was altered"));
  EXPECT_EQ(check.checked_entries(), 2 * 487);
}

TEST_F(LedgerCheckTest, ACommitThatWasRemovedIsFound) {
  Append(2'000);
  Change({"DELETE FROM commits WHERE number = 20"});
  const LedgerCheck check = Check();
  EXPECT_EQ(check.broken_entry(), 19 * 50 + 1);
  EXPECT_THAT(check.problem(), HasSubstr("commit 20 of the ledger is not "
                                         "there"));
}

TEST_F(LedgerCheckTest, ACommitThatWasRemovedIsFoundWhereOthersCloseTheGap) {
  Append(2'000);
  Change({"DELETE FROM commits WHERE number = 20",
          "UPDATE commits SET number = number - 1 WHERE number > 20"});
  const LedgerCheck check = Check();
  EXPECT_EQ(check.broken_entry(), 19 * 50 + 1);
  EXPECT_THAT(check.problem(),
              HasSubstr("the commit 20 begins with the entry 1001"));
}

TEST_F(LedgerCheckTest, CommitsThatWereSwappedAreFound) {
  Append(2'000);
  Change({"UPDATE commits SET number = -1 WHERE number = 20",
          "UPDATE commits SET number = 20, first_entry = 951 WHERE number = 30",
          "UPDATE commits SET number = 30, first_entry = 1451 WHERE number = "
          "-1"});
  const LedgerCheck check = Check();
  EXPECT_EQ(check.broken_entry(), 951);
  EXPECT_EQ(check.broken_id(), DispatchIdOf(725));
  EXPECT_THAT(check.problem(), HasSubstr("altered, left out or put in"));
}

TEST_F(LedgerCheckTest, ACommitWithOtherEntriesThanItSaysIsFound) {
  Append(2'000);
  Change({"UPDATE commits SET entries = 51 WHERE number = 20"});
  const LedgerCheck check = Check();
  EXPECT_EQ(check.broken_entry(), 1001);
  EXPECT_THAT(check.problem(), HasSubstr("has 50 entries and says 51"));
}

TEST_F(LedgerCheckTest, ACommitThatSaysToEndInAnotherHashIsFound) {
  Append(2'000);
  Change(
      {"UPDATE commits SET last_hash = (SELECT last_hash FROM commits "
       "WHERE number = 19) WHERE number = 20"});
  const LedgerCheck check = Check();
  EXPECT_EQ(check.broken_entry(), 1000);
  EXPECT_THAT(check.problem(), HasSubstr("the commit 20 says that it ends"));
}

TEST_F(LedgerCheckTest, NotesThatWerePutInAreFound) {
  Append(2'000);
  Change({"UPDATE commits SET notes = CAST('C5:LED-1' AS BLOB) "
          "WHERE number = 20"});
  const LedgerCheck check = Check();
  EXPECT_EQ(check.broken_entry(), 952) << "the first exchange of the commit";
  EXPECT_EQ(check.broken_id(), ExchangeIdOf(475));
  EXPECT_THAT(check.problem(), HasSubstr("note"));
}

TEST_F(LedgerCheckTest, AnEntryWithoutAHashIsNoEntryOfTheGateway) {
  Append(100);
  Change(
      {"UPDATE commits SET texts = CAST('{\"id\": \"LED-x\"}' || "
       "substr(CAST(texts AS TEXT), instr(CAST(texts AS TEXT), char(10))) "
       "AS BLOB) WHERE number = 3"});
  const LedgerCheck check = Check();
  EXPECT_EQ(check.broken_entry(), 101);
  EXPECT_EQ(check.broken_id(), "LED-x");
  EXPECT_THAT(check.problem(), HasSubstr("has no hash"));
}

TEST_F(LedgerCheckTest, BeginsBehindAnyEntry) {
  Append(200);
  for (const int64_t entry : {1, 49, 50, 51, 399}) {
    EntryFacts facts;
    const auto text = EntryText(*log_, entry);
    ASSERT_TRUE(text.ok()) << text.status();
    ASSERT_TRUE(ReadEntryFacts(*text, &facts).ok());
    const auto place = CommitOfEntry(*log_, entry);
    ASSERT_TRUE(place.ok());
    const LedgerCheck check =
        Check(LedgerCheck(entry, facts.entry_hash), place->number);
    EXPECT_TRUE(check.valid()) << check.problem();
    EXPECT_EQ(check.checked_entries(), 400 - entry);
    EXPECT_EQ(check.last_hash(), log_->end().hash);
    const LedgerCheck wrong =
        Check(LedgerCheck(entry, std::string(64, '0')), place->number);
    EXPECT_EQ(wrong.broken_entry(), entry + 1);
  }
}

TEST_F(LedgerCheckTest, CommitsAreFoundByTheirEntries) {
  EXPECT_EQ(LastCommitOf(*log_)->number, 0);
  EXPECT_TRUE(absl::IsNotFound(CommitOfEntry(*log_, 1).status()));
  Append(1'010);  // 41 commits, the last one with 20 entries.
  const auto last = LastCommitOf(*log_);
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->number, 41);
  EXPECT_EQ(last->last_entry(), 2'020);
  for (const int64_t entry : {1, 50, 51, 2'000, 2'001, 2'020}) {
    const auto place = CommitOfEntry(*log_, entry);
    ASSERT_TRUE(place.ok()) << place.status();
    EXPECT_EQ(place->number, (entry - 1) / 50 + 1);
    EXPECT_THAT(*EntryText(*log_, entry),
                HasSubstr(entry % 2 == 1 ? DispatchIdOf(entry / 2)
                                         : ExchangeIdOf(entry / 2 - 1)));
  }
  for (const int64_t entry : {-1, 0, 2'021}) {
    EXPECT_TRUE(absl::IsNotFound(EntryText(*log_, entry).status())) << entry;
  }
}

}  // namespace
}  // namespace gateway
