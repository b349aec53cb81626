#include "service/store/sqlite_record_store.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/store/database_file.h"
#include "service/store/sqlite_connection.h"
#include "tests/service/store/record_store_conformance.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SqliteHarness : public RecordStoreHarness {
 public:
  RecordStore& store() override { return *store_; }
  absl::Time Now() override { return clock_.WallTime(); }
  void Pass(absl::Duration duration) override { clock_.Advance(duration); }

 private:
  TemporaryFolder folder_;
  FakeClock clock_;
  std::unique_ptr<SqliteRecordStore> store_ = *SqliteRecordStore::Open(
      {.path = folder_.Path("records.db"), .sync = SqliteSync::kNormal},
      clock_);
};

INSTANTIATE_TEST_SUITE_P(Sqlite, RecordStoreConformance,
                         testing::Values([](EventLoop&) {
                           return std::make_unique<SqliteHarness>();
                         }));

class SqliteRecordStoreTest : public testing::Test {
 protected:
  void Open() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<SqliteRecordStore>> store =
        SqliteRecordStore::Open({.path = path_}, clock_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  absl::Status Put(const std::string& key, const std::string& value,
                   PutOptions options = {}) {
    return runner_.Run(store_->Put("things", key, value, options, never_))
        .status();
  }

  // The rows of the table, those of what is gone among them.
  int64_t Rows(SqlText condition) {
    const auto db = *SqliteConnection::Open(
        path_, SqliteConnection::Access::kReadOnly, absl::Seconds(1));
    return *db->ReadInt64(condition);
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.Path("records.db");
  FakeClock clock_;
  LoopRunner runner_;
  CancelSignal never_;
  std::unique_ptr<SqliteRecordStore> store_;
};

TEST_F(SqliteRecordStoreTest, WhatWasPutIsThereWhenItIsOpenedAgain) {
  Open();
  const PutOptions options{.expire_time = clock_.WallTime() + absl::Hours(1)};
  ASSERT_TRUE(Put("a", "1").ok());
  ASSERT_TRUE(Put("a", "2", options).ok());
  ASSERT_TRUE(Put("gone", "1").ok());
  ASSERT_TRUE(*runner_.Run(store_->Delete("things", "gone", {}, never_)));
  const int64_t sequence =
      runner_.Run(store_->List("things", "", 1, never_))->sequence;
  Open();
  const absl::StatusOr<std::optional<Record>> record =
      runner_.Run(store_->Get("things", "a", never_));
  EXPECT_EQ((*record)->value, "2");
  EXPECT_EQ((*record)->version, 2);
  EXPECT_EQ((*record)->expire_time, options.expire_time);
  const absl::StatusOr<RecordChanges> changes =
      runner_.Run(store_->ChangesSince("things", 0, 10, never_));
  EXPECT_EQ(changes->changes.size(), 2u);
  EXPECT_EQ(changes->sequence, sequence);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(*runner_.Run(store_->Get("things", "a", never_)), std::nullopt);
}

TEST_F(SqliteRecordStoreTest, AFileOfAnyEarlierVersionIsOpened) {
  const SqliteSchema last = SqliteRecordStore::Schema();
  for (size_t from = 0; from <= last.migrations.size(); ++from) {
    SqliteSchema schema = last;
    schema.migrations.resize(from, "");
    const std::string path = folder_.Path(absl::StrCat("from", from));
    ASSERT_TRUE(SqliteDatabase::Open({.path = path, .schema = schema}).ok());
    EXPECT_TRUE(SqliteRecordStore::Open({.path = path}, clock_).ok()) << from;
  }
}

TEST_F(SqliteRecordStoreTest, WhatHasExpiredIsRemovedBehind) {
  Open();
  const PutOptions soon{.expire_time = clock_.WallTime() + absl::Minutes(1)};
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(Put(absl::StrCat("k", i), "value", soon).ok());
  }
  clock_.Advance(absl::Minutes(1));
  constexpr SqlText kValues =
      "SELECT count(*) FROM records WHERE value IS NOT NULL";
  EXPECT_EQ(Rows(kValues), 40);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Put("stays", "value").ok());
  EXPECT_EQ(Rows(kValues), 1);
}

TEST_F(SqliteRecordStoreTest, WhatIsGoneIsForgottenBehind) {
  Open();
  for (int i = 0; i < 20; ++i) {
    const std::string key = absl::StrCat("k", i);
    ASSERT_TRUE(Put(key, "value").ok());
    ASSERT_TRUE(*runner_.Run(store_->Delete("things", key, {}, never_)));
  }
  constexpr SqlText kGone = "SELECT count(*) FROM records WHERE value IS NULL";
  EXPECT_EQ(Rows(kGone), 20);
  // As if so many changes had been made.
  {
    const auto db = *SqliteConnection::Open(
        path_, SqliteConnection::Access::kReadWrite, absl::Seconds(1));
    ASSERT_TRUE(db->Prepare("UPDATE collections SET sequence = sequence + ?")
                    .BindInt64(kRecordChangesKept)
                    .Run()
                    .ok());
  }
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Put("stays", "value").ok());
  EXPECT_EQ(Rows(kGone), 0);
}

// Each look-up finds its rows by an index, however many there are.
TEST_F(SqliteRecordStoreTest, NothingReadsTheWholeTable) {
  Open();
  const auto db = *SqliteConnection::Open(
      path_, SqliteConnection::Access::kReadOnly, absl::Seconds(1));
  for (const SqlText query :
       {SqlText("EXPLAIN QUERY PLAN SELECT id FROM records "
                "WHERE expire_ms <= 1 LIMIT 4"),
        SqlText("EXPLAIN QUERY PLAN SELECT id FROM records WHERE "
                "collection = 'c' AND value IS NULL AND sequence <= 1 LIMIT 8"),
        SqlText("EXPLAIN QUERY PLAN SELECT key, value FROM records WHERE "
                "collection = 'c' AND key > x'00' AND value IS NOT NULL "
                "AND (expire_ms IS NULL OR expire_ms > 1) ORDER BY key"),
        SqlText("EXPLAIN QUERY PLAN SELECT key, value FROM records WHERE "
                "collection = 'c' AND sequence > 1 ORDER BY sequence")}) {
    SqliteStatement plan = db->Prepare(query);
    while (*plan.Step()) {
      EXPECT_THAT(std::string(plan.Text(3)), HasSubstr("USING"));
      EXPECT_THAT(std::string(plan.Text(3)), Not(HasSubstr("B-TREE")));
    }
  }
}

TEST_F(SqliteRecordStoreTest, ManyLoopsShareIt) {
  Open();
  CountFromManyLoops(*store_, 4, 50);
}

TEST_F(SqliteRecordStoreTest, AFileOfSomethingElseIsRefused) {
  ASSERT_TRUE(DatabaseFile(path_).Make().ok());
  {
    const auto db = *SqliteConnection::Open(
        path_, SqliteConnection::Access::kReadWrite, absl::Seconds(1));
    ASSERT_TRUE(db->Execute("CREATE TABLE t (x)").ok());
  }
  const absl::Status status =
      SqliteRecordStore::Open({.path = path_}, clock_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("records"));
}

}  // namespace
}  // namespace gateway
