#include "service/api/ledger_reading.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/ledger_index.h"
#include "service/store/sqlite_connection.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class LedgerReadingTest : public testing::Test {
 protected:
  LedgerReadingTest() { Open(); }

  void Open() {
    log_ = *LedgerLog::Open({.path = path_, .sync = SqliteSync::kNormal});
    index_ = std::make_unique<LedgerIndex>(
        *log_, LedgerIndex::Options{.ledger_path = path_});
  }
  void Append(int64_t calls, int64_t first_call = 0) {
    ASSERT_TRUE(
        AppendCalls(*log_, {.calls = calls, .first_call = first_call}).ok());
    // So that it is opened whatever is wrong with it.
    ASSERT_TRUE(log_->KeepCheckpoint().ok());
  }
  v1::VerifyLedgerResponse Verify(int64_t after_entry = 0) {
    LedgerVerification verification(*log_, after_entry);
    EXPECT_TRUE(verification.Begin().ok());
    while (!verification.is_done()) EXPECT_TRUE(verification.Step().ok());
    return verification.progress();
  }
  std::vector<std::string> Export(const LedgerFilter& filter) {
    LedgerExport reading(*log_, *index_, filter);
    EXPECT_TRUE(reading.Begin().ok());
    // Is not there when it begins.
    Append(1, 100'000);
    std::vector<std::string> lines;
    while (!reading.is_done()) {
      const auto pieces = reading.Step();
      EXPECT_TRUE(pieces.ok()) << pieces.status();
      for (const v1::ExportLedgerResponse& piece : *pieces) {
        EXPECT_THAT(piece.lines(), testing::EndsWith("\n"));
        int64_t entries = 0;
        ForEachEntry(piece.lines(), [&](std::string_view line) {
          lines.emplace_back(line);
          ++entries;
        });
        EXPECT_EQ(piece.entries(), entries);
      }
    }
    return lines;
  }
  std::vector<std::string> Scan(const LedgerFilter& filter) {
    std::vector<std::string> lines;
    EXPECT_TRUE(
        log_->Read(1,
                   [&](const LedgerCommit& commit) {
                     ForEachEntry(commit.texts, [&](std::string_view line) {
                       EntryFacts facts;
                       EXPECT_TRUE(ReadEntryFacts(line, &facts).ok());
                       if (Matches(filter, facts)) lines.emplace_back(line);
                     });
                     return absl::OkStatus();
                   })
            .ok());
    return lines;
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.Path("ledger.db");
  std::unique_ptr<LedgerLog> log_;
  std::unique_ptr<LedgerIndex> index_;
};

TEST_F(LedgerReadingTest, AnEmptyLedgerIsValid) {
  const v1::VerifyLedgerResponse told = Verify();
  EXPECT_TRUE(told.valid());
  EXPECT_EQ(told.total_entries(), 0);
  EXPECT_EQ(told.last_hash(), "");
  EXPECT_EQ(told.merkle_root(), "");
}

TEST_F(LedgerReadingTest, ALargeLedgerIsVerifiedStepByStepWhileItIsWritten) {
  Append(15'000);
  LedgerVerification verification(*log_, 0);
  ASSERT_TRUE(verification.Begin().ok());
  EXPECT_EQ(verification.progress().total_entries(), 30'000);
  const std::string last_hash = log_->end().hash;
  Append(5, 15'000);
  int steps = 0;
  int64_t checked = 0;
  while (!verification.is_done()) {
    EXPECT_FALSE(verification.progress().valid());
    EXPECT_EQ(verification.progress().merkle_root(), "");
    ASSERT_TRUE(verification.Step().ok());
    EXPECT_GT(verification.progress().checked_entries(), checked);
    checked = verification.progress().checked_entries();
    ++steps;
  }
  EXPECT_GT(steps, 1);
  const v1::VerifyLedgerResponse told = verification.progress();
  EXPECT_TRUE(told.valid()) << told.problem();
  EXPECT_EQ(told.checked_entries(), 30'000);
  EXPECT_EQ(told.last_hash(), last_hash);
  EXPECT_EQ(told.merkle_root().size(), 64);
}

TEST_F(LedgerReadingTest, OnlyWhatIsBehindAnEntryIsVerified) {
  Append(100);
  const v1::VerifyLedgerResponse told = Verify(51);
  EXPECT_TRUE(told.valid());
  EXPECT_EQ(told.checked_entries(), 149);
  EXPECT_EQ(told.total_entries(), 149);
  EXPECT_EQ(told.last_hash(), log_->end().hash);
  EXPECT_EQ(Verify(200).checked_entries(), 0);
  LedgerVerification behind(*log_, 201);
  EXPECT_TRUE(absl::IsOutOfRange(behind.Begin()));
}

TEST_F(LedgerReadingTest, TheFirstBrokenEntryIsNamed) {
  Append(100);
  index_.reset();
  log_.reset();
  {
    auto db = SqliteConnection::Open(
        path_, SqliteConnection::Access::kReadWrite, absl::Seconds(5));
    ASSERT_TRUE(
        (*db)
            ->Execute(
                "UPDATE commits SET texts = CAST(replace(CAST(texts AS TEXT), "
                "'req-30', 'req-31') AS BLOB) WHERE number = 2")
            .ok());
  }
  Open();
  v1::VerifyLedgerResponse told = Verify();
  EXPECT_TRUE(told.done());
  EXPECT_FALSE(told.valid());
  EXPECT_EQ(told.broken_entry(), 61);
  EXPECT_EQ(told.checked_entries(), 60);
  EXPECT_THAT(told.problem(),
              HasSubstr("the entry 61, " + DispatchIdOf(30) + " has the hash"));
  EXPECT_EQ(told.last_hash() + told.merkle_root(), "");
  index_.reset();
  log_.reset();
  {
    auto db = SqliteConnection::Open(
        path_, SqliteConnection::Access::kReadWrite, absl::Seconds(5));
    ASSERT_TRUE((*db)->Execute("DELETE FROM commits WHERE number = 2").ok());
  }
  Open();
  told = Verify();
  EXPECT_EQ(told.broken_entry(), 51);
  EXPECT_THAT(told.problem(), HasSubstr("commit 2 of the ledger is not there"));
}

TEST_F(LedgerReadingTest, AllIsExportedAsItWasWhenItWasAskedFor) {
  Append(3'000);
  const std::vector<std::string> expected = Scan({});
  EXPECT_EQ(Export({}), expected);
}

TEST_F(LedgerReadingTest, WhatMatchesIsExportedByTheIndexOrWithoutIt) {
  Append(3'000);
  for (const LedgerFilter& filter : std::vector<LedgerFilter>{
           {.caller = "caller-3"},
           {.session_id = "SES-77"},
           {.decision = "ERROR",
            .start_time = kFirstCallTime + 2'000 * kBetweenCalls},
           {.caller = "nobody"}}) {
    std::vector<std::string> expected = Scan(filter);
    EXPECT_EQ(Export(filter), expected);
  }
  // One whose index cannot be used.
  index_.reset();
  ASSERT_TRUE(LedgerLog::Open({.path = folder_.Path("other.index")}).ok());
  index_ = std::make_unique<LedgerIndex>(
      *log_, LedgerIndex::Options{.ledger_path = folder_.Path("other")});
  const std::vector<std::string> expected = Scan({.caller = "caller-3"});
  EXPECT_EQ(Export({.caller = "caller-3"}), expected);
}

}  // namespace
}  // namespace gateway
