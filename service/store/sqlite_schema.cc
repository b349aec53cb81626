#include "service/store/sqlite_schema.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr SqlText kReadVersion = "PRAGMA user_version";

int64_t LastVersion(const SqliteSchema& schema) {
  return static_cast<int64_t>(schema.migrations.size());
}

absl::Status CheckKnownVersion(const SqliteConnection& db,
                               const SqliteSchema& schema, int64_t version) {
  if (version >= 0 && version <= LastVersion(schema)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      db.path(), ": has ", ToAbsl(schema.contents), " of version ", version,
      ", and this program knows versions up to ", LastVersion(schema),
      "; run the later program that wrote it, or give another path"));
}

absl::Status AnotherProgram(const SqliteConnection& db,
                            const SqliteSchema& schema, int64_t id) {
  return absl::FailedPreconditionError(absl::StrFormat(
      "%s: is a database of something else (application_id 0x%08x), not of "
      "the gateway's %s (0x%08x); give another path",
      db.path(), static_cast<uint32_t>(id), ToAbsl(schema.contents),
      static_cast<uint32_t>(schema.application_id)));
}

// Takes the next step, unless another process has: returns the version that the
// file has then.
absl::StatusOr<int64_t> TakeStep(SqliteConnection& db,
                                 const SqliteSchema& schema) {
  SqliteTransaction transaction(db);
  GATEWAY_RETURN_IF_ERROR(transaction.Begin("BEGIN IMMEDIATE"));
  GATEWAY_ASSIGN_OR_RETURN(const int64_t version, db.ReadInt64(kReadVersion));
  GATEWAY_RETURN_IF_ERROR(CheckKnownVersion(db, schema, version));
  if (version == LastVersion(schema)) return version;
  const absl::Status status =
      db.ExecuteScript(schema.migrations[static_cast<size_t>(version)]);
  if (!status.ok()) {
    return absl::Status(
        status.code(),
        absl::StrCat(status.message(), " (while its ", ToAbsl(schema.contents),
                     " were brought from version ", version, " to ",
                     version + 1, "; it stays at ", version, ")"));
  }
  GATEWAY_RETURN_IF_ERROR(
      db.SetPragma("application_id", schema.application_id));
  GATEWAY_RETURN_IF_ERROR(db.SetPragma("user_version", version + 1));
  GATEWAY_RETURN_IF_ERROR(transaction.Commit());
  return version + 1;
}

}  // namespace

absl::Status CheckSchema(SqliteConnection& db, const SqliteSchema& schema) {
  // One transaction, so that all is read of one state.
  SqliteTransaction transaction(db);
  GATEWAY_RETURN_IF_ERROR(transaction.Begin("BEGIN"));
  GATEWAY_ASSIGN_OR_RETURN(const int64_t id,
                           db.ReadInt64("PRAGMA application_id"));
  GATEWAY_ASSIGN_OR_RETURN(const int64_t version, db.ReadInt64(kReadVersion));
  GATEWAY_ASSIGN_OR_RETURN(const int64_t entries,
                           db.ReadInt64("SELECT count(*) FROM sqlite_schema"));
  const bool is_empty = id == 0 && version == 0 && entries == 0;
  if (id != schema.application_id && !is_empty) {
    return AnotherProgram(db, schema, id);
  }
  GATEWAY_RETURN_IF_ERROR(CheckKnownVersion(db, schema, version));
  return transaction.Commit();
}

absl::Status Migrate(SqliteConnection& db, const SqliteSchema& schema) {
  GATEWAY_ASSIGN_OR_RETURN(int64_t version, db.ReadInt64(kReadVersion));
  while (version != LastVersion(schema)) {
    GATEWAY_ASSIGN_OR_RETURN(version, TakeStep(db, schema));
  }
  return absl::OkStatus();
}

absl::Status CheckIntegrity(SqliteConnection& db) {
  SqliteStatement check = db.Prepare("PRAGMA quick_check(1)");
  GATEWAY_ASSIGN_OR_RETURN(const bool row, check.Step());
  const std::string_view found = row ? check.Text(0) : "no answer";
  if (found == "ok") return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(db.path(), ": is damaged: ", ToAbsl(found),
                   "; restore it from a backup (it is left as it is)"));
}

}  // namespace gateway
