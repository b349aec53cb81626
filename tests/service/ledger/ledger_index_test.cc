#include "service/ledger/ledger_index.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/ledger_check.h"
#include "service/store/sqlite_connection.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kPatience = absl::Seconds(60);

class LedgerIndexTest : public testing::Test {
 protected:
  LedgerIndexTest() { OpenLog("ledger.db"); }

  void OpenLog(const std::string& name) {
    index_.reset();
    log_.reset();
    path_ = folder_.Path(name);
    log_ = *LedgerLog::Open({.path = path_, .sync = SqliteSync::kNormal});
  }
  void OpenIndex(size_t segment_entries = 1000) {
    index_.reset();
    index_ = std::make_unique<LedgerIndex>(
        *log_, LedgerIndex::Options{.ledger_path = path_,
                                    .segment_entries = segment_entries});
    EXPECT_TRUE(index_->CatchUp(kPatience)) << index_->state().status;
  }
  void Append(int64_t calls, int64_t first_call = 0) {
    ASSERT_TRUE(
        AppendCalls(*log_, {.calls = calls, .first_call = first_call}).ok());
  }
  // All that is found, page by page.
  std::vector<int64_t> Find(LedgerIndex::Query query) {
    std::vector<int64_t> numbers;
    for (int pages = 0; pages < 100'000; ++pages) {
      const auto page = index_->Find(query);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_LE(page->entries.size(), query.limit);
      for (const NumberedEntry& entry : page->entries) {
        EntryFacts facts;
        EXPECT_TRUE(ReadEntryFacts(entry.text, &facts).ok());
        EXPECT_TRUE(Matches(query.filter, facts)) << entry.text;
        numbers.push_back(entry.number);
      }
      query.from = page->next;
      if (page->next == 0) return numbers;
    }
    ADD_FAILURE() << "it does not end";
    return numbers;
  }
  // What there is to find, by looking at all entries.
  std::vector<int64_t> Scan(const LedgerFilter& filter) {
    std::vector<int64_t> numbers;
    EXPECT_TRUE(
        log_->Read(1,
                   [&](const LedgerCommit& commit) {
                     int64_t number = commit.first_entry;
                     ForEachEntry(commit.texts, [&](std::string_view text) {
                       EntryFacts facts;
                       EXPECT_TRUE(ReadEntryFacts(text, &facts).ok());
                       if (Matches(filter, facts)) numbers.push_back(number);
                       ++number;
                     });
                     return absl::OkStatus();
                   })
            .ok());
    return numbers;
  }
  void ExpectFoundAsScanned(const LedgerFilter& filter, int64_t limit) {
    std::vector<int64_t> expected = Scan(filter);
    EXPECT_EQ(Find({.filter = filter, .limit = limit}), expected);
    std::reverse(expected.begin(), expected.end());
    EXPECT_EQ(Find({.filter = filter, .newest_first = true, .limit = limit}),
              expected);
  }
  // Changes the index's file, which nobody uses then.
  void ChangeIndex(SqlText sql) {
    index_.reset();
    auto db = SqliteConnection::Open(path_ + ".index",
                                     SqliteConnection::Access::kReadWrite,
                                     absl::Seconds(5));
    ASSERT_TRUE(db.ok()) << db.status();
    ASSERT_TRUE((*db)->Execute(sql).ok());
  }

  TemporaryFolder folder_;
  std::string path_;
  std::unique_ptr<LedgerLog> log_;
  std::unique_ptr<LedgerIndex> index_;
};

TEST_F(LedgerIndexTest, FindsWhatThereIsInBothOrdersPageByPage) {
  Append(2'730);  // Five segments and some entries in memory.
  OpenIndex();
  EXPECT_EQ(index_->state().indexed_entries, 5'460);
  const absl::Time start = kFirstCallTime + 990 * kBetweenCalls;
  for (const LedgerFilter& filter : std::vector<LedgerFilter>{
           {.id = DispatchIdOf(0)},
           {.id = ExchangeIdOf(2'729)},
           {.id = "LED-none"},
           {.request_id = "req-1234"},
           {.session_id = "SES-100"},  // Of two segments.
           {.submission_id = "PRC-27"},
           {.event_types = {"EXCHANGE"}, .session_id = "SES-99"},
           {.session_id = "SES-99", .decision = "ERROR"},
           {.submission_id = "PRC-1", .session_id = "SES-99"},
           {.agent_id = "agent-3", .caller = "caller-2"},
           {.provider = "gemini", .model = "gemini-2.5-pro"},
           {.provider = "gemini", .model = "gpt-5"},
           {.start_time = start, .end_time = start + absl::Seconds(1)},
           {.decision = "ERROR", .end_time = start},
           {.start_time = start + absl::Hours(1)}}) {
    for (const int64_t limit : {3, 100}) ExpectFoundAsScanned(filter, limit);
  }
  ExpectFoundAsScanned({}, 700);
}

TEST_F(LedgerIndexTest, APageHasSoManyAndTellsWhetherThereIsMore) {
  Append(100);
  OpenIndex(/*segment_entries=*/64);
  const auto one =
      index_->Find({.filter = {.session_id = "SES-3"}, .limit = 20});
  ASSERT_TRUE(one.ok());
  EXPECT_THAT(one->entries, SizeIs(20));
  EXPECT_EQ(one->next, 0) << "there are just twenty";
  EXPECT_EQ(one->indexed_entries, 200);
  const auto less =
      index_->Find({.filter = {.session_id = "SES-3"}, .limit = 19});
  EXPECT_EQ(less->next, one->entries.back().number);
  const auto small = index_->Find({.bytes_limit = 1});
  EXPECT_THAT(small->entries, SizeIs(1));
  EXPECT_EQ(small->next, 2);
  EXPECT_THAT(index_->Find({.from = 201})->entries, IsEmpty());
  EXPECT_EQ(index_->Find({.newest_first = true, .from = 1000, .limit = 1})
                ->entries[0]
                .number,
            200);
}

TEST_F(LedgerIndexTest, AnEmptyLedgerHasNothing) {
  OpenIndex();
  for (const bool newest_first : {false, true}) {
    const auto page = index_->Find({.newest_first = newest_first});
    ASSERT_TRUE(page.ok());
    EXPECT_THAT(page->entries, IsEmpty());
    EXPECT_EQ(page->next, 0);
  }
}

TEST_F(LedgerIndexTest, FollowsWhatIsCommitted) {
  OpenIndex(/*segment_entries=*/70);
  for (int64_t call = 0; call < 100; call += 20) {
    Append(20, call);
    EXPECT_TRUE(index_->CatchUp(kPatience));
    EXPECT_EQ(index_->state().indexed_entries, 2 * (call + 20));
    EXPECT_THAT(Find({.filter = {.id = ExchangeIdOf(call + 19)}}), SizeIs(1));
  }
  ExpectFoundAsScanned({.caller = "caller-1"}, 7);
}

TEST_F(LedgerIndexTest, GoesOnAfterAStartWithWhatIsInTheFile) {
  Append(1'000);
  OpenIndex(/*segment_entries=*/300);
  index_.reset();
  // Only what is behind the last segment is read again: what is before may go,
  // but for the commit with its end.
  Append(500, 1'000);
  OpenIndex(/*segment_entries=*/300);
  EXPECT_EQ(index_->state().indexed_entries, 3'000);
  ExpectFoundAsScanned({.session_id = "SES-99"}, 10);
  ExpectFoundAsScanned({.decision = "ERROR"}, 10);
}

TEST_F(LedgerIndexTest, AnIndexOfAnotherLedgerIsMadeAnew) {
  Append(500, 7'000);
  OpenIndex(/*segment_entries=*/300);
  index_.reset();
  log_.reset();
  const std::string index = path_ + ".index";
  const std::string taken = folder_.Path("other.db.index");
  ASSERT_EQ(rename(index.c_str(), taken.c_str()), 0);
  OpenLog("other.db");
  Append(600);
  OpenIndex(/*segment_entries=*/300);
  EXPECT_THAT(Find({.filter = {.request_id = "req-7001"}}), IsEmpty());
  ExpectFoundAsScanned({.request_id = "req-100"}, 10);
  EXPECT_EQ(index_->state().indexed_entries, 1'200);
}

TEST_F(LedgerIndexTest, AnIndexWithMoreThanTheLedgerIsMadeAnew) {
  Append(500);
  OpenIndex(/*segment_entries=*/300);
  index_.reset();
  const std::string index = path_ + ".index";
  ASSERT_EQ(rename(index.c_str(), folder_.Path("other.db.index").c_str()), 0);
  OpenLog("other.db");
  Append(50);
  OpenIndex(/*segment_entries=*/300);
  EXPECT_EQ(index_->state().indexed_entries, 100);
  ExpectFoundAsScanned({}, 10);
}

TEST_F(LedgerIndexTest, AFileThatIsNoDatabaseIsMadeAnew) {
  std::ofstream(path_ + ".index") << std::string(10'000, 'x');
  Append(500);
  OpenIndex(/*segment_entries=*/300);
  ExpectFoundAsScanned({.session_id = "SES-9"}, 10);
}

TEST_F(LedgerIndexTest, ADamagedPieceIsNoticedAndTheIndexMadeAnew) {
  Append(500);
  OpenIndex(/*segment_entries=*/300);
  ChangeIndex("UPDATE pieces SET piece = zeroblob(length(piece))");
  OpenIndex(/*segment_entries=*/300);
  const auto page = index_->Find({.filter = {.id = DispatchIdOf(3)}});
  EXPECT_TRUE(absl::IsUnavailable(page.status()));
  EXPECT_THAT(page.status().ToString(), HasSubstr("made anew"));
  EXPECT_TRUE(index_->CatchUp(kPatience));
  EXPECT_EQ(index_->state().indexed_entries, 1'000);
  ExpectFoundAsScanned({.id = DispatchIdOf(3)}, 10);
  ExpectFoundAsScanned({.caller = "caller-3"}, 10);
}

TEST_F(LedgerIndexTest, AFileOfSomethingElseIsLeftAsItIs) {
  {
    const auto other = LedgerLog::Open({.path = path_ + ".index"});
    ASSERT_TRUE(other.ok());
  }
  index_ = std::make_unique<LedgerIndex>(
      *log_, LedgerIndex::Options{.ledger_path = path_});
  EXPECT_FALSE(index_->CatchUp(kPatience));
  EXPECT_THAT(index_->state().status.ToString(),
              HasSubstr("is a database of something else"));
  const auto page = index_->Find({});
  EXPECT_TRUE(absl::IsUnavailable(page.status())) << page.status();
}

TEST_F(LedgerIndexTest, StopsWhereACommitIsMissing) {
  Append(100);  // Four commits.
  // What is before it is not read at a start.
  ASSERT_TRUE(log_->KeepCheckpoint().ok());
  log_.reset();
  {
    auto db = SqliteConnection::Open(
        path_, SqliteConnection::Access::kReadWrite, absl::Seconds(5));
    ASSERT_TRUE((*db)->Execute("DELETE FROM commits WHERE number = 3").ok());
  }
  log_ = *LedgerLog::Open({.path = path_});
  index_ = std::make_unique<LedgerIndex>(
      *log_, LedgerIndex::Options{.ledger_path = path_});
  EXPECT_FALSE(index_->CatchUp(kPatience));
  EXPECT_THAT(index_->state().status.ToString(), HasSubstr("commit 3"));
  EXPECT_EQ(index_->state().indexed_entries, 100);
  EXPECT_THAT(Find({.filter = {.request_id = "req-49"}}), SizeIs(2));
}

// A ledger that is another one from one moment to the next, as after a restore.
class RestoredLedger final : public CommitSource {
 public:
  explicit RestoredLedger(const CommitSource& ledger) : ledger_(&ledger) {}
  void Restore(const CommitSource& ledger) { ledger_ = &ledger; }
  absl::Status Read(int64_t first_commit, VisitCommit visit) const override {
    return ledger_.load()->Read(first_commit, visit);
  }

 private:
  std::atomic<const CommitSource*> ledger_;
};

class RestoredLedgerTest : public LedgerIndexTest {
 protected:
  // The ledger that is restored has so many calls by now.
  void Restore(int64_t calls, int64_t first_call = 0) {
    Append(500);
    RestoredLedger ledger(*log_);
    index_ = std::make_unique<LedgerIndex>(
        ledger, LedgerIndex::Options{.ledger_path = path_,
                                     .interval = absl::Milliseconds(1),
                                     .segment_entries = 300});
    EXPECT_TRUE(index_->CatchUp(kPatience));
    EXPECT_EQ(index_->state().indexed_entries, 1'000);
    std::unique_ptr<LedgerLog> backup = *LedgerLog::Open(
        {.path = folder_.Path("backup.db"), .sync = SqliteSync::kNormal});
    ASSERT_TRUE(
        AppendCalls(*backup, {.calls = calls, .first_call = first_call}).ok());
    ledger.Restore(*backup);
    while (index_->state().indexed_entries != 2 * calls ||
           !index_->Find({.filter = {.id = DispatchIdOf(first_call)}}).ok()) {
      index_->CatchUp(kPatience);
    }
    log_.swap(backup);  // Which is scanned.
    ExpectFoundAsScanned({.caller = "caller-3"}, 10);
    index_.reset();
    log_.swap(backup);
  }
};

TEST_F(RestoredLedgerTest, BehindWhatWasIndexedTheIndexIsMadeAnew) {
  Restore(/*calls=*/50);
}

TEST_F(RestoredLedgerTest, WithOthersBehindItTheIndexIsMadeAnew) {
  Restore(/*calls=*/700, /*first_call=*/5'000);
}

}  // namespace
}  // namespace gateway
