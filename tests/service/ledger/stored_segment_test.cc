#include "service/ledger/stored_segment.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/store/sqlite_database.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

constexpr size_t kEntries = 20;

class StoredSegmentTest : public testing::Test {
 protected:
  StoredSegmentTest() {
    EntryDigester digester;
    for (size_t i = 0; i < kEntries; ++i) {
      EntryFacts facts;
      facts.id = absl::StrCat("LED-", i);
      facts.session_id = absl::StrCat("SES-", i / 5);
      facts.caller = absl::StrCat("caller-", i % 4);
      facts.time = absl::FromUnixSeconds(static_cast<int64_t>(i));
      growing_.Add(digester.Digest(facts), 3 + static_cast<int64_t>(i / 4));
    }
    database_ = *SqliteDatabase::Open(
        {.path = folder_.Path("index"), .schema = StoredSegment::Schema()});
  }
  absl::Status Write(int64_t number) {
    return database_->WriteBlocking(0, [&](SqliteConnection& db) {
      return StoredSegment::Write(
          db, StoredSegment::PiecesOf(number, growing_, "hash"));
    });
  }
  absl::Status Change(SqlText sql) {
    return database_->WriteBlocking(
        0, [&](SqliteConnection& db) { return db.Execute(sql); });
  }
  absl::StatusOr<std::vector<uint32_t>> Find(int64_t number,
                                             const LedgerFilter& filter) {
    return database_->ReadBlocking(0, [&](SqliteConnection& db) {
      StoredSegment segment(db, number, kEntries, growing_.times());
      return FindInSegment(segment, TermsOf(filter), 0, kEntries - 1);
    });
  }

  TemporaryFolder folder_;
  GrowingSegment growing_{kEntries};
  std::unique_ptr<SqliteDatabase> database_;
};

TEST_F(StoredSegmentTest, WhatIsFoundInMemoryIsFoundInTheFile) {
  ASSERT_TRUE(Write(0).ok());
  ASSERT_TRUE(Write(0).ok()) << "what is said to have failed is done again";
  ASSERT_TRUE(Write(1).ok());
  for (const LedgerFilter& filter :
       std::vector<LedgerFilter>{{},
                                 {.id = "LED-7"},
                                 {.id = "none"},
                                 {.session_id = "SES-2"},
                                 {.caller = "caller-1"},
                                 {.session_id = "SES-2", .caller = "caller-1"},
                                 {.start_time = absl::FromUnixSeconds(7),
                                  .end_time = absl::FromUnixSeconds(9)}}) {
    const auto expected =
        FindInSegment(growing_, TermsOf(filter), 0, kEntries - 1);
    for (const int64_t number : {0, 1}) {
      const auto found = Find(number, filter);
      ASSERT_TRUE(found.ok()) << found.status();
      EXPECT_EQ(*found, *expected);
    }
  }
  const auto commit = database_->ReadBlocking(
      0, [&](SqliteConnection& db) -> absl::StatusOr<int64_t> {
        StoredSegment segment(db, 1, kEntries, growing_.times());
        return segment.Commits()->CommitOf(19);
      });
  EXPECT_EQ(*commit, 7);
}

TEST_F(StoredSegmentTest, TheEndOfAllSegmentsIsKnown) {
  for (int64_t number = 0; number < 3; ++number) {
    ASSERT_TRUE(Write(number).ok());
  }
  const auto read = [&](size_t entries) {
    return database_->ReadBlocking(0, [entries](SqliteConnection& db) {
      return StoredSegment::ReadEnd(db, entries);
    });
  };
  const auto end = read(kEntries);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->spans.size(), 3);
  EXPECT_EQ(end->spans[2].last_us, 19'000'000);
  EXPECT_EQ(end->last_commit, 7);
  EXPECT_EQ(end->last_hash, "hash");
  EXPECT_TRUE(absl::IsDataLoss(read(kEntries + 1).status()));
  ASSERT_TRUE(Change("DELETE FROM segments WHERE number = 1").ok());
  EXPECT_TRUE(absl::IsDataLoss(read(kEntries).status()));
}

TEST_F(StoredSegmentTest, WhatIsDamagedOrMissingIsTold) {
  ASSERT_TRUE(Write(0).ok());
  ASSERT_TRUE(Change("UPDATE pieces SET piece = zeroblob(length(piece))").ok());
  EXPECT_TRUE(absl::IsDataLoss(Find(0, {.id = "LED-7"}).status()));
  EXPECT_TRUE(absl::IsDataLoss(Find(0, {.caller = "caller-1"}).status()));
  ASSERT_TRUE(Change("DELETE FROM pieces").ok());
  EXPECT_TRUE(absl::IsDataLoss(Find(0, {.caller = "caller-1"}).status()));
  EXPECT_TRUE(absl::IsDataLoss(
      Find(0, {.end_time = absl::FromUnixSeconds(9)}).status()));
}

}  // namespace
}  // namespace gateway
