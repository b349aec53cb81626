// PostgresSchema says what tables one of us has in a PostgreSQL database, and
// how they came to their present form: step by step, since a database may have
// those of any earlier version.
//
//   constexpr const char* kMigrations[] = {
//       "CREATE TABLE records_version (...); INSERT INTO records_version "
//       "(version) VALUES (0); CREATE TABLE records (...); ",
//       "ALTER TABLE records ADD COLUMN ...; "};
//   const PostgresSchema schema = {.contents = "records",
//                                  .version_table = "records_version",
//                                  .read_version =
//                                      "SELECT version FROM records_version",
//                                  .migrations = kMigrations};
//   GATEWAY_RETURN_IF_ERROR(
//       PreparePostgresTables(db, database.schema, schema, database.timeout));
//
// The version is the number of steps that were taken. Steps are added at the
// end, and none that was released is changed: there is no way back. All steps
// that are missing are one transaction. Whoever has tables beside those of
// others in the same schema of the database has a version of his own, so that a
// gateway without them is in nobody's way.
//
// Thread-safe: plain functions. They block.

#ifndef SERVICE_POSTGRES_POSTGRES_SCHEMA_H_
#define SERVICE_POSTGRES_POSTGRES_SCHEMA_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/postgres/postgres_connection.h"

namespace gateway {

struct PostgresSchema {
  // Names them in errors, such as `ledger`.
  std::string_view contents;
  // The table that has the version, in the column `version` of its only row:
  // the first step makes it.
  std::string_view version_table;
  const char* read_version = nullptr;  // A literal.
  // Each ends with a semicolon.
  absl::Span<const char* const> migrations;
};

// Makes the tables of the last version in `schema`, which it makes too, or
// brings those of an earlier one to it, if they are not: others who do the same
// wait. FAILED_PRECONDITION if they are of a later version.
absl::Status PreparePostgresTables(PostgresConnection& db,
                                   std::string_view schema,
                                   const PostgresSchema& tables,
                                   absl::Duration timeout);

// Whether they are of the last version. NOT_FOUND if there are none.
absl::Status CheckPostgresTables(PostgresConnection& db,
                                 std::string_view schema,
                                 const PostgresSchema& tables,
                                 absl::Duration timeout);

}  // namespace gateway

#endif  // SERVICE_POSTGRES_POSTGRES_SCHEMA_H_
