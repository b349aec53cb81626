#include "service/store/sqlite_connection.h"

#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/store/database_file.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SqliteConnectionTest : public testing::Test {
 protected:
  SqliteConnectionTest() {
    EXPECT_TRUE(DatabaseFile(path_).Make().ok());
    db_ = Open(SqliteConnection::Access::kReadWrite);
    EXPECT_TRUE(db_->Execute("CREATE TABLE t (k INTEGER PRIMARY KEY, "
                             "v BLOB UNIQUE, n INTEGER CHECK (n < 1000))")
                    .ok());
  }

  std::unique_ptr<SqliteConnection> Open(SqliteConnection::Access access) {
    absl::StatusOr<std::unique_ptr<SqliteConnection>> db =
        SqliteConnection::Open(path_, access, absl::Milliseconds(10));
    EXPECT_TRUE(db.ok()) << db.status();
    return *std::move(db);
  }

  absl::Status Insert(int64_t k, std::string_view v, int64_t n = 0) {
    return db_->Prepare("INSERT INTO t (k, v, n) VALUES (?, ?, ?)")
        .BindInt64(k)
        .BindBlob(v)
        .BindInt64(n)
        .Run();
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.Path("it.db");
  std::unique_ptr<SqliteConnection> db_;
};

TEST_F(SqliteConnectionTest, WhatIsBoundIsReadAgain) {
  const std::string bytes("\0'; DROP TABLE t; --\xff", 22);
  SqliteStatement echo = db_->Prepare("SELECT ?, ?, ?, ?, ?");
  echo.BindText("gr\xc3\xbc\xc3\x9f dich")
      .BindBlob(bytes)
      .BindInt64(std::numeric_limits<int64_t>::min())
      .BindNull()
      .BindBlob({});
  ASSERT_TRUE(*echo.Step());
  EXPECT_EQ(echo.Text(0), "gr\xc3\xbc\xc3\x9f dich");
  EXPECT_EQ(echo.Blob(1), bytes);
  EXPECT_EQ(echo.Int64(2), std::numeric_limits<int64_t>::min());
  EXPECT_TRUE(echo.IsNull(3));
  EXPECT_EQ(echo.Text(3), "");
  // Empty is something else than nothing.
  EXPECT_FALSE(echo.IsNull(4));
  EXPECT_EQ(echo.Blob(4), "");
  EXPECT_FALSE(*echo.Step());
  EXPECT_FALSE(*echo.Step());
}

TEST_F(SqliteConnectionTest, StepsThroughAllRowsAndBeginsAnewWithTheNextUse) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Insert(i, std::string(1, static_cast<char>('a' + i))).ok());
    EXPECT_EQ(db_->changes(), 1);
  }
  for (int use = 0; use < 2; ++use) {
    std::string found;
    SqliteStatement all = db_->Prepare("SELECT v FROM t WHERE k >= ?");
    all.BindInt64(1 - use);
    while (*all.Step()) found += all.Blob(0);
    EXPECT_EQ(found, use == 0 ? "bc" : "abc");
  }
  EXPECT_EQ(*db_->ReadInt64("SELECT count(*) FROM t"), 3);
}

TEST_F(SqliteConnectionTest, AStatementMayBeInUseTwiceAtOnce) {
  ASSERT_TRUE(Insert(1, "a").ok());
  ASSERT_TRUE(Insert(2, "b").ok());
  constexpr SqlText kAll = "SELECT k FROM t ORDER BY k";
  SqliteStatement outer = db_->Prepare(kAll);
  ASSERT_TRUE(*outer.Step());
  {
    SqliteStatement inner = db_->Prepare(kAll);
    ASSERT_TRUE(*inner.Step());
    ASSERT_TRUE(*inner.Step());
    EXPECT_EQ(inner.Int64(0), 2);
  }
  EXPECT_EQ(outer.Int64(0), 1);
  ASSERT_TRUE(*outer.Step());
  EXPECT_EQ(outer.Int64(0), 2);
}

TEST_F(SqliteConnectionTest, AStatementKnowsNothingOfWhatWasBoundBefore) {
  ASSERT_TRUE(Insert(1, "a").ok());
  ASSERT_TRUE(Insert(2, "b").ok());
  constexpr SqlText kFind = "SELECT v FROM t WHERE k = ?";
  {
    SqliteStatement first = db_->Prepare(kFind);
    SqliteStatement moved = std::move(first.BindInt64(1));
    ASSERT_TRUE(*moved.Step());
    EXPECT_EQ(moved.Blob(0), "a");
  }
  SqliteStatement second = db_->Prepare(kFind);
  second.BindNull();
  EXPECT_FALSE(*second.Step());
}

TEST_F(SqliteConnectionTest, FailuresNameTheFileAndNoValue) {
  ASSERT_TRUE(Insert(1, "secret").ok());
  const absl::Status twice = Insert(2, "secret");
  EXPECT_EQ(twice.code(), absl::StatusCode::kAlreadyExists);
  const absl::Status check = Insert(3, "secret2", 4711);
  EXPECT_EQ(check.code(), absl::StatusCode::kFailedPrecondition);
  const absl::Status wrong = db_->ExecuteScript("SELEKT 1");
  EXPECT_EQ(wrong.code(), absl::StatusCode::kInternal);
  const absl::Status lost = db_->ReadInt64("SELECT lost FROM t").status();
  EXPECT_EQ(lost.code(), absl::StatusCode::kDataLoss);
  for (const absl::Status& status : {twice, check, wrong, lost}) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("secret")));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("4711")));
  }
  // It is as good as before.
  EXPECT_EQ(*db_->ReadInt64("SELECT count(*) FROM t"), 1);
  EXPECT_TRUE(Insert(2, "other").ok());
}

TEST_F(SqliteConnectionTest, WhoReadsCannotWrite) {
  const auto reader = Open(SqliteConnection::Access::kReadOnly);
  EXPECT_EQ(*reader->ReadInt64("SELECT count(*) FROM t"), 0);
  EXPECT_EQ(reader->Execute("DELETE FROM t").code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(SqliteConnectionTest, ATransactionEndsWithoutACommitAsIfItHadNotBeen) {
  {
    SqliteTransaction transaction(*db_);
    ASSERT_TRUE(transaction.Begin("BEGIN IMMEDIATE").ok());
    EXPECT_TRUE(db_->in_transaction());
    ASSERT_TRUE(Insert(1, "a").ok());
  }
  EXPECT_FALSE(db_->in_transaction());
  EXPECT_EQ(*db_->ReadInt64("SELECT count(*) FROM t"), 0);
  {
    SqliteTransaction transaction(*db_);
    ASSERT_TRUE(transaction.Begin("BEGIN IMMEDIATE").ok());
    ASSERT_TRUE(Insert(1, "a").ok());
    ASSERT_TRUE(transaction.Commit().ok());
  }
  EXPECT_EQ(*db_->ReadInt64("SELECT count(*) FROM t"), 1);
}

TEST_F(SqliteConnectionTest, AScriptIsSeveralStatementsAndAPragmaANumber) {
  ASSERT_TRUE(db_->ExecuteScript("INSERT INTO t (k) VALUES (1); -- One.\n"
                                 "INSERT INTO t (k) VALUES (2);")
                  .ok());
  EXPECT_EQ(*db_->ReadInt64("SELECT count(*) FROM t"), 2);
  EXPECT_FALSE(db_->ExecuteScript("INSERT INTO nowhere VALUES (1)").ok());
  ASSERT_TRUE(db_->SetPragma("user_version", 42).ok());
  EXPECT_EQ(*db_->ReadInt64("PRAGMA user_version"), 42);
  EXPECT_FALSE(db_->ReadInt64("SELECT k FROM t WHERE k > 9").ok());
}

TEST_F(SqliteConnectionTest, AFileThatIsNotThereIsNotMade) {
  const absl::Status missing =
      SqliteConnection::Open(folder_.Path("none.db"),
                             SqliteConnection::Access::kReadWrite,
                             absl::ZeroDuration())
          .status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("none.db"));
}

// SQLite would take them for something else than files.
TEST_F(SqliteConnectionTest, NamesThatSqliteReadsOtherwiseAreFiles) {
  for (const char* name : {":memory:", "file:it.db?mode=memory"}) {
    EXPECT_EQ(SqliteConnection::Open(name, SqliteConnection::Access::kReadWrite,
                                     absl::ZeroDuration())
                  .status()
                  .code(),
              absl::StatusCode::kNotFound)
        << name;
  }
}

}  // namespace
}  // namespace gateway
