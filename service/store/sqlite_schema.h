// SqliteSchema says what an SQLite file of ours holds, and how it came to its
// present form: step by step, since a file may be of any earlier version.
//
//   const SqliteSchema schema{
//       .contents = "records",
//       .application_id = 0x4c4d5231,
//       .migrations = {"CREATE TABLE records (...)",
//                      "ALTER TABLE records ADD COLUMN ..."}};
//
// The file's version is the number of steps that were taken (`PRAGMA
// user_version`). Steps are added at the end, and none that was released is
// changed: there is no way back. A step may be several statements, and is one
// transaction with the version that it leads to.
//
// Thread-compatible. The functions block on the file system.

#ifndef SERVICE_STORE_SQLITE_SCHEMA_H_
#define SERVICE_STORE_SQLITE_SCHEMA_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "service/store/sqlite_connection.h"

namespace gateway {

struct SqliteSchema {
  // Names it in errors, such as `records`.
  std::string_view contents;
  // Tells this kind of file from all others (`PRAGMA application_id`). Not 0.
  int32_t application_id = 0;
  std::vector<SqlText> migrations;
};

// Finds out, without a change, whether the file is one of `schema`, or empty,
// which becomes one. FAILED_PRECONDITION if it is another program's or another
// kind of ours, or of a version that came later than this program; the message
// names both.
absl::Status CheckSchema(SqliteConnection& db, const SqliteSchema& schema);

// Takes the steps that are missing. One that fails is undone, those before it
// stay. REQUIRES: CheckSchema.
absl::Status Migrate(SqliteConnection& db, const SqliteSchema& schema);

// Reads the whole file, and says whether it can be relied upon: DATA_LOSS with
// the first thing that is wrong, if something is. Changes nothing.
absl::Status CheckIntegrity(SqliteConnection& db);

}  // namespace gateway

#endif  // SERVICE_STORE_SQLITE_SCHEMA_H_
