#include "service/audit/audit_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "service/audit/audit_schema.h"
#include "service/audit/audit_search.h"

namespace gateway {
namespace {

constexpr SqlText kAppendEntry = R"sql(
  INSERT OR IGNORE INTO entries VALUES (
    ?,?,?, ?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?, ?,?,?,?,?,?,?,
    ?,?,?,?,?,?,?,?,?,?, ?,?,?,?,?,?,?, ?,?)
)sql";
constexpr SqlText kAppendBody =
    "INSERT OR IGNORE INTO bodies VALUES (?,?,?,?,?,?,?,?)";
// What is deleted is overwritten, and does not stay in pages that are free.
constexpr SqlText kOverwrite = "PRAGMA secure_delete=ON";
constexpr SqlText kDeleteBodies = R"sql(
  DELETE FROM bodies WHERE entry IN (
    SELECT id FROM entries INDEXED BY entries_by_time
    WHERE time_us < ? AND kind <> 2 ORDER BY time_us, id LIMIT ?)
)sql";
constexpr SqlText kDeleteEntries = R"sql(
  DELETE FROM entries WHERE id IN (
    SELECT id FROM entries INDEXED BY entries_by_time
    WHERE time_us < ? AND kind <> 2 ORDER BY time_us, id LIMIT ?)
)sql";
constexpr SqlText kCountDeleted =
    "UPDATE entries SET entries = entries + ? WHERE id = ?";
constexpr SqlText kLastId =
    "SELECT coalesce((SELECT seq FROM sqlite_sequence "
    "WHERE name = 'entries'), 0)";

constexpr SqlText kLastLook =
    "SELECT coalesce((SELECT time_us FROM looks), 0)";  // 0 if there is none.
constexpr SqlText kKeepLook = "INSERT OR REPLACE INTO looks VALUES (0, ?)";

absl::Status InsertBody(SqliteConnection& db, int64_t entry, int64_t part,
                        const AuditBody& body) {
  if (!body.is_kept) return absl::OkStatus();
  return db.Prepare(kAppendBody)
      .BindInt64(entry)
      .BindInt64(part)
      .BindText(body.key_id)
      .BindInt64(body.kept_bytes)
      .BindInt64(body.truncated ? 1 : 0)
      .BindInt64(body.redactions)
      .BindText(body.unavailable)
      .BindBlob(body.bytes)
      .Run();
}

absl::Status Insert(SqliteConnection& db, const AuditEntry& entry) {
  SqliteStatement insert = db.Prepare(kAppendEntry);
  insert.BindInt64(entry.id)
      .BindInt64(static_cast<int64_t>(entry.kind))
      .BindInt64(absl::ToUnixMicros(entry.time));
  for (size_t i = 0; i < kAuditTexts; ++i) {
    insert.BindText(entry.texts[static_cast<AuditText>(i)]);
  }
  insert.BindInt64(static_cast<int64_t>(entry.outcome))
      .BindInt64(entry.stream ? 1 : 0)
      .BindInt64(entry.failure)
      .BindInt64(entry.status_code)
      .BindInt64(entry.http_status)
      .BindInt64(entry.finish_reason)
      .BindInt64(entry.attempts);
  const absl::Span<const int64_t> tokens = entry.usage.tokens;
  for (const int64_t each : tokens.first(AuditUsage::kFirstTokenKinds)) {
    insert.BindInt64(each);
  }
  if (entry.usage.charged_nanos.has_value()) {
    insert.BindInt64(*entry.usage.charged_nanos);
  } else {
    insert.BindNull();
  }
  insert.BindInt64(entry.usage.estimated ? 1 : 0)
      .BindInt64(absl::ToInt64Microseconds(entry.duration))
      .BindInt64(entry.request_bytes)
      .BindInt64(entry.response_bytes)
      .BindInt64(entry.entries)
      .BindInt64(entry.usage.cost_known ? 1 : 0);
  for (const int64_t each : tokens.subspan(AuditUsage::kFirstTokenKinds)) {
    insert.BindInt64(each);
  }
  GATEWAY_RETURN_IF_ERROR(insert.Run());
  GATEWAY_RETURN_IF_ERROR(
      InsertBody(db, entry.id, kRequestPart, entry.request));
  return InsertBody(db, entry.id, kResponsePart, entry.response);
}

absl::StatusOr<int64_t> DeleteOldest(SqliteConnection& db, absl::Time time,
                                     int limit, const AuditEntry& record) {
  const int64_t time_us = absl::ToUnixMicros(time);
  GATEWAY_RETURN_IF_ERROR(db.Execute(kOverwrite));
  GATEWAY_RETURN_IF_ERROR(
      db.Prepare(kDeleteBodies).BindInt64(time_us).BindInt64(limit).Run());
  GATEWAY_RETURN_IF_ERROR(
      db.Prepare(kDeleteEntries).BindInt64(time_us).BindInt64(limit).Run());
  const int64_t deleted = db.changes();
  if (deleted == 0) return 0;
  GATEWAY_RETURN_IF_ERROR(Insert(db, record));
  GATEWAY_RETURN_IF_ERROR(
      db.Prepare(kCountDeleted).BindInt64(deleted).BindInt64(record.id).Run());
  return deleted;
}

}  // namespace

std::string BodyContext(int64_t entry, bool is_response) {
  return absl::StrCat("llm-gateway audit entry ", entry,
                      is_response ? " response" : " request");
}

SqliteSchema AuditStore::Schema() { return AuditSchema(); }

absl::StatusOr<std::unique_ptr<AuditStore>> AuditStore::Open(
    const Options& options) {
  GATEWAY_ASSIGN_OR_RETURN(
      std::unique_ptr<SqliteDatabase> database,
      SqliteDatabase::Open({.path = options.path,
                            .schema = Schema(),
                            .sync = SqliteSync::kNormal,
                            .thread_name = "audit",
                            .for_one_process = true,
                            .check_integrity = false,
                            .file_bytes_limit = options.file_bytes_limit,
                            .busy_timeout = options.busy_timeout}));
  std::unique_ptr<AuditStore> store(new AuditStore(std::move(database)));
  auto last_id = [](SqliteConnection& db) { return db.ReadInt64(kLastId); };
  GATEWAY_ASSIGN_OR_RETURN(store->last_id_,
                           store->database_->ReadBlocking(0, last_id));
  auto last_look = [](SqliteConnection& db) { return db.ReadInt64(kLastLook); };
  GATEWAY_ASSIGN_OR_RETURN(const int64_t looked_us,
                           store->database_->ReadBlocking(0, last_look));
  if (looked_us != 0) store->looked_at_ = absl::FromUnixMicros(looked_us);
  return store;
}

absl::Status AuditStore::KeepLook(absl::Time time) {
  auto keep = [time](SqliteConnection& db) {
    return db.Prepare(kKeepLook).BindInt64(absl::ToUnixMicros(time)).Run();
  };
  return database_->WriteBlocking(0, keep);
}

absl::Status AuditStore::Append(absl::Span<const AuditEntry> entries) {
  // Nobody else waits for this thread: what it uses stays until it is told.
  auto append = [entries](SqliteConnection& db) -> absl::Status {
    for (const AuditEntry& entry : entries) {
      GATEWAY_RETURN_IF_ERROR(Insert(db, entry));
    }
    return absl::OkStatus();
  };
  return database_->WriteBlocking(0, append);
}

Task<absl::Status> AuditStore::AppendOne(AuditEntry entry,
                                         CancelSignal& cancel) {
  const size_t bytes = entry.held_bytes();
  auto append = [entry = std::move(entry)](SqliteConnection& db) {
    return Insert(db, entry);
  };
  co_return co_await database_->Write(bytes, std::move(append), cancel);
}

absl::StatusOr<int64_t> AuditStore::Delete(absl::Time time, int limit,
                                           const AuditEntry& record) {
  auto erase = [time, limit, &record](SqliteConnection& db) {
    return DeleteOldest(db, time, limit, record);
  };
  return database_->WriteBlocking(0, erase);
}

Task<absl::StatusOr<AuditPage>> AuditStore::Search(AuditQuery query,
                                                   CancelSignal& cancel) {
  auto search = [query = std::move(query)](SqliteConnection& db) {
    return SearchEntries(db, query);
  };
  co_return co_await database_->Read(0, std::move(search), cancel);
}

absl::StatusOr<AuditPage> AuditStore::SearchBlocking(AuditQuery query) {
  auto search = [query = std::move(query)](SqliteConnection& db) {
    return SearchEntries(db, query);
  };
  return database_->ReadBlocking(0, std::move(search));
}

Task<absl::StatusOr<AuditEntry>> AuditStore::Get(
    int64_t id, bool bodies, std::shared_ptr<const BodyCipher> cipher,
    CancelSignal& cancel) {
  auto read = [id, bodies, cipher = std::move(cipher)](SqliteConnection& db) {
    return ReadEntry(db, id, bodies, cipher.get());
  };
  co_return co_await database_->Read(0, std::move(read), cancel);
}

}  // namespace gateway
