#include "service/store/sqlite_schema.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/store/database_file.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// As a file comes to be: a table, a column with what it says of old rows, an
// index and another table.
const std::vector<SqlText>& AllSteps() {
  static const auto* const steps = new std::vector<SqlText>{
      "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)",
      "ALTER TABLE notes ADD COLUMN length INTEGER; "
      "UPDATE notes SET length = length(text)",
      "CREATE INDEX notes_by_length ON notes (length); "
      "CREATE TABLE authors (name TEXT)",
  };
  return *steps;
}

SqliteSchema NotesUpTo(size_t version) {
  return {.contents = "notes",
          .application_id = 0x6e6f7465,
          .migrations = std::vector<SqlText>(
              AllSteps().begin(),
              AllSteps().begin() + static_cast<ptrdiff_t>(version))};
}

class SqliteSchemaTest : public testing::Test {
 protected:
  std::unique_ptr<SqliteConnection> Connect() {
    EXPECT_TRUE(DatabaseFile(path_).Make().ok());
    return *SqliteConnection::Open(path_, SqliteConnection::Access::kReadWrite,
                                   absl::Milliseconds(10));
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.Path("notes.db");
};

TEST_F(SqliteSchemaTest, AFileOfAnyEarlierVersionBecomesOneOfTheLast) {
  for (size_t from = 0; from <= AllSteps().size(); ++from) {
    path_ = folder_.Path(absl::StrCat("from", from, ".db"));
    const auto db = Connect();
    ASSERT_TRUE(CheckSchema(*db, NotesUpTo(from)).ok());
    ASSERT_TRUE(Migrate(*db, NotesUpTo(from)).ok());
    if (from == 1) {
      ASSERT_TRUE(db->Execute("INSERT INTO notes (text) VALUES ('four')").ok());
    } else if (from > 1) {
      ASSERT_TRUE(db->Execute("INSERT INTO notes (text, length) "
                              "VALUES ('four', 4)")
                      .ok());
    }
    const SqliteSchema last = NotesUpTo(AllSteps().size());
    ASSERT_TRUE(CheckSchema(*db, last).ok()) << from;
    ASSERT_TRUE(Migrate(*db, last).ok()) << from;
    EXPECT_EQ(*db->ReadInt64("PRAGMA user_version"), 3);
    EXPECT_EQ(*db->ReadInt64("PRAGMA application_id"), 0x6e6f7465);
    EXPECT_EQ(*db->ReadInt64("SELECT count(*) FROM authors"), 0);
    EXPECT_EQ(*db->ReadInt64("SELECT ifnull(sum(length), 0) FROM notes"),
              from == 0 ? 0 : 4);
    // Nothing is left to do.
    ASSERT_TRUE(Migrate(*db, last).ok());
  }
}

TEST_F(SqliteSchemaTest, AStepThatFailsIsUndoneAndThoseBeforeStay) {
  SqliteSchema broken = NotesUpTo(1);
  broken.migrations.push_back(
      "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1)");
  const auto db = Connect();
  ASSERT_TRUE(CheckSchema(*db, broken).ok());
  const absl::Status status = Migrate(*db, broken);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(path_), HasSubstr("from version 1 to 2")));
  EXPECT_FALSE(db->in_transaction());
  EXPECT_EQ(*db->ReadInt64("PRAGMA user_version"), 1);
  EXPECT_EQ(*db->ReadInt64("SELECT count(*) FROM sqlite_schema "
                           "WHERE name = 'half'"),
            0);
  // The program that knows better goes on from there.
  EXPECT_TRUE(Migrate(*db, NotesUpTo(3)).ok());
}

TEST_F(SqliteSchemaTest, AFileOfALaterVersionIsRefusedNamingBoth) {
  const auto db = Connect();
  ASSERT_TRUE(Migrate(*db, NotesUpTo(3)).ok());
  const absl::Status status = CheckSchema(*db, NotesUpTo(2));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(HasSubstr(path_), HasSubstr("of version 3"), HasSubstr("up to 2")));
  EXPECT_EQ(Migrate(*db, NotesUpTo(2)).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(CheckSchema(*db, NotesUpTo(3)).ok());
}

TEST_F(SqliteSchemaTest, AnothersFileIsRefused) {
  const auto db = Connect();
  SqliteSchema ledger = NotesUpTo(2);
  ledger.application_id = 0x6c656467;
  ASSERT_TRUE(Migrate(*db, ledger).ok());
  const absl::Status status = CheckSchema(*db, NotesUpTo(2));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(path_), HasSubstr("0x6c656467"),
                    HasSubstr("notes (0x6e6f7465)")));
}

TEST_F(SqliteSchemaTest, AFileThatSaysNotWhoseItIsIsOursOnlyIfEmpty) {
  const auto db = Connect();
  EXPECT_TRUE(CheckSchema(*db, NotesUpTo(1)).ok());
  ASSERT_TRUE(db->Execute("CREATE TABLE somebodys (x)").ok());
  EXPECT_EQ(CheckSchema(*db, NotesUpTo(1)).code(),
            absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(db->Execute("DROP TABLE somebodys").ok());
  EXPECT_TRUE(CheckSchema(*db, NotesUpTo(1)).ok());
  ASSERT_TRUE(db->SetPragma("user_version", 1).ok());
  EXPECT_EQ(CheckSchema(*db, NotesUpTo(1)).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(SqliteSchemaTest, AWholeFileCanBeReliedUpon) {
  const auto db = Connect();
  ASSERT_TRUE(Migrate(*db, NotesUpTo(3)).ok());
  EXPECT_TRUE(CheckIntegrity(*db).ok());
}

}  // namespace
}  // namespace gateway
