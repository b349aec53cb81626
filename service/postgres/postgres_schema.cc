#include "service/postgres/postgres_schema.h"

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr char kHasSchema[] =
    "SELECT count(*) FROM pg_namespace WHERE nspname = $1";
constexpr char kHasTable[] =
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n "
    "ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2";
// By the name, before there is a table to take the lock of. Gateways that knew
// of a ledger alone take the same one.
constexpr char kLockTables[] =
    "SELECT pg_advisory_xact_lock(hashtext('llm-gateway ledger'), "
    "hashtext($1))";

int64_t LastVersionOf(const PostgresSchema& tables) {
  return static_cast<int64_t>(tables.migrations.size());
}

absl::StatusOr<int64_t> AskForNumber(PostgresConnection& db, const char* sql,
                                     const PostgresParameters& parameters,
                                     absl::Duration timeout) {
  GATEWAY_ASSIGN_OR_RETURN(const PostgresResult found,
                           db.Run(sql, parameters, timeout));
  return found.rows() == 0 ? 0 : found.Int64(0, 0);
}

// The version of the tables that are there; -1 if there are none.
absl::StatusOr<int64_t> VersionOfTables(PostgresConnection& db,
                                        std::string_view schema,
                                        const PostgresSchema& tables,
                                        absl::Duration timeout) {
  GATEWAY_ASSIGN_OR_RETURN(
      const int64_t there,
      AskForNumber(db, kHasTable,
                   PostgresParameters().Text(schema).Text(tables.version_table),
                   timeout));
  if (there == 0) return -1;
  return AskForNumber(db, tables.read_version, {}, timeout);
}

absl::Status LaterVersion(std::string_view schema, const PostgresSchema& tables,
                          int64_t version) {
  return absl::FailedPreconditionError(absl::StrCat(
      "the tables of the ", ToAbsl(tables.contents), " in the schema ",
      ToAbsl(schema), " are of version ", version,
      ", and this gateway knows none behind ", LastVersionOf(tables),
      ": a later gateway has made them; run that one"));
}

// In a transaction, which the caller ends.
absl::Status MigrateTables(PostgresConnection& db, std::string_view schema,
                           const PostgresSchema& tables,
                           absl::Duration timeout) {
  GATEWAY_RETURN_IF_ERROR(
      db.Run(kLockTables, PostgresParameters().Text(schema), timeout).status());
  GATEWAY_ASSIGN_OR_RETURN(
      const int64_t schemas,
      AskForNumber(db, kHasSchema, PostgresParameters().Text(schema), timeout));
  if (schemas == 0) {
    GATEWAY_RETURN_IF_ERROR(db.Execute(
        absl::StrCat("CREATE SCHEMA \"", ToAbsl(schema), "\""), timeout));
  }
  // Others may have been quicker.
  GATEWAY_ASSIGN_OR_RETURN(const int64_t version,
                           VersionOfTables(db, schema, tables, timeout));
  if (version > LastVersionOf(tables)) {
    return LaterVersion(schema, tables, version);
  }
  for (int64_t next = version < 0 ? 0 : version; next < LastVersionOf(tables);
       ++next) {
    GATEWAY_RETURN_IF_ERROR(db.Execute(
        absl::StrCat(tables.migrations[static_cast<size_t>(next)], "UPDATE ",
                     ToAbsl(tables.version_table), " SET version = ", next + 1),
        timeout));
  }
  return db.Execute("COMMIT", timeout);
}

}  // namespace

absl::Status PreparePostgresTables(PostgresConnection& db,
                                   std::string_view schema,
                                   const PostgresSchema& tables,
                                   absl::Duration timeout) {
  GATEWAY_ASSIGN_OR_RETURN(const int64_t version,
                           VersionOfTables(db, schema, tables, timeout));
  // Who may not make tables may use those that are there.
  if (version == LastVersionOf(tables)) return absl::OkStatus();
  if (version > LastVersionOf(tables)) {
    return LaterVersion(schema, tables, version);
  }
  GATEWAY_RETURN_IF_ERROR(db.Execute("BEGIN", timeout));
  absl::Status migrated = MigrateTables(db, schema, tables, timeout);
  if (!migrated.ok()) db.Execute("ROLLBACK", timeout).IgnoreError();
  return migrated;
}

absl::Status CheckPostgresTables(PostgresConnection& db,
                                 std::string_view schema,
                                 const PostgresSchema& tables,
                                 absl::Duration timeout) {
  GATEWAY_ASSIGN_OR_RETURN(const int64_t version,
                           VersionOfTables(db, schema, tables, timeout));
  if (version < 0) {
    return absl::NotFoundError(absl::StrCat("there is no ",
                                            ToAbsl(tables.contents),
                                            " in the schema ", ToAbsl(schema)));
  }
  if (version > LastVersionOf(tables)) {
    return LaterVersion(schema, tables, version);
  }
  if (version == LastVersionOf(tables)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the tables of the ", ToAbsl(tables.contents), " in the schema ",
      ToAbsl(schema), " are of an earlier version, ", version,
      ", which a gateway that starts brings to ", LastVersionOf(tables)));
}

}  // namespace gateway
