#include "service/store/sqlite_record_store.h"

#include <utility>

#include "base/status_macros.h"

namespace gateway {
namespace {

// "LMG" and the kind: records.
constexpr int32_t kRecordsApplicationId = 0x4c4d4701;

// A row whose value is NULL says that its record is gone, for ChangesSince.
constexpr SqlText kMakeTables = R"sql(
  CREATE TABLE collections (
    name TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL  -- Of its last change.
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    collection TEXT NOT NULL,
    key BLOB NOT NULL,
    version INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    expire_ms INTEGER,  -- Since 1970; NULL: never.
    value BLOB,
    UNIQUE (collection, key)
  ) STRICT;
  CREATE UNIQUE INDEX records_by_sequence ON records (collection, sequence);
  CREATE INDEX records_by_expiry ON records (expire_ms)
    WHERE expire_ms IS NOT NULL;
  CREATE INDEX records_gone ON records (collection, sequence)
    WHERE value IS NULL;
)sql";

// A change removes so many records that have expired and forgets so many that
// are gone: more than it adds to either.
constexpr SqlText kExpireSome =
    "UPDATE records SET value = NULL, expire_ms = NULL WHERE id IN "
    "(SELECT id FROM records WHERE expire_ms <= ? LIMIT 4)";
constexpr SqlText kForgetSome =
    "DELETE FROM records WHERE id IN (SELECT id FROM records "
    "WHERE collection = ? AND value IS NULL AND sequence <= ? LIMIT 8)";

constexpr SqlText kNextSequence =
    "INSERT INTO collections (name, sequence) VALUES (?, 1) "
    "ON CONFLICT (name) DO UPDATE SET sequence = sequence + 1 "
    "RETURNING sequence";
constexpr SqlText kSequence = "SELECT sequence FROM collections WHERE name = ?";

constexpr SqlText kVersion =
    "SELECT version FROM records WHERE collection = ? AND key = ? "
    "AND value IS NOT NULL AND (expire_ms IS NULL OR expire_ms > ?)";
constexpr SqlText kPut =
    "INSERT INTO records "
    "(collection, key, version, sequence, expire_ms, value) "
    "VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (collection, key) DO UPDATE SET version = excluded.version, "
    "sequence = excluded.sequence, expire_ms = excluded.expire_ms, "
    "value = excluded.value";
constexpr SqlText kDelete =
    "UPDATE records SET value = NULL, expire_ms = NULL, sequence = ? "
    "WHERE collection = ? AND key = ?";

// The columns that ReadRecord reads.
constexpr SqlText kGet =
    "SELECT key, version, expire_ms, value FROM records "
    "WHERE collection = ? AND key = ? "
    "AND value IS NOT NULL AND (expire_ms IS NULL OR expire_ms > ?)";
constexpr SqlText kList =
    "SELECT key, version, expire_ms, value FROM records "
    "WHERE collection = ? AND key > ? "
    "AND value IS NOT NULL AND (expire_ms IS NULL OR expire_ms > ?) "
    "ORDER BY key";
constexpr SqlText kCount =
    "SELECT count(*) FROM records WHERE collection = ? "
    "AND value IS NOT NULL AND (expire_ms IS NULL OR expire_ms > ?)";
constexpr SqlText kChanges =
    "SELECT key, version, expire_ms, value, sequence FROM records "
    "WHERE collection = ? AND sequence > ? ORDER BY sequence";

constexpr int kExpireColumn = 2;
constexpr int kValueColumn = 3;
constexpr int kSequenceColumn = 4;

Record ReadRecord(const SqliteStatement& row) {
  return {.key = std::string(row.Blob(0)),
          .value = std::string(row.Blob(kValueColumn)),
          .version = row.Int64(1),
          .expire_time = row.IsNull(kExpireColumn)
                             ? absl::InfiniteFuture()
                             : absl::FromUnixMillis(row.Int64(kExpireColumn))};
}

// Which record, in a store with this clock.
struct RecordName {
  std::string collection;
  std::string key;
  Clock* clock;

  int64_t NowMs() const { return absl::ToUnixMillis(clock->WallTime()); }
  size_t bytes() const { return collection.size() + key.size(); }
};

absl::StatusOr<std::optional<Record>> GetRecord(SqliteConnection& db,
                                                const RecordName& name) {
  SqliteStatement get = db.Prepare(kGet);
  get.BindText(name.collection).BindBlob(name.key).BindInt64(name.NowMs());
  GATEWAY_ASSIGN_OR_RETURN(const bool found, get.Step());
  if (!found) return std::optional<Record>();
  return std::optional<Record>(ReadRecord(get));
}

// Its version, or 0.
absl::StatusOr<int64_t> VersionOf(SqliteConnection& db,
                                  const RecordName& name) {
  SqliteStatement select = db.Prepare(kVersion);
  select.BindText(name.collection).BindBlob(name.key).BindInt64(name.NowMs());
  GATEWAY_ASSIGN_OR_RETURN(const bool found, select.Step());
  return found ? select.Int64(0) : 0;
}

// The sequence of the collection's last change, or 0.
absl::StatusOr<int64_t> SequenceOf(SqliteConnection& db,
                                   const std::string& collection) {
  SqliteStatement select = db.Prepare(kSequence);
  GATEWAY_ASSIGN_OR_RETURN(const bool found,
                           select.BindText(collection).Step());
  return found ? select.Int64(0) : 0;
}

// Begins a change: returns its sequence.
absl::StatusOr<int64_t> NextSequence(SqliteConnection& db,
                                     const RecordName& name) {
  GATEWAY_RETURN_IF_ERROR(
      db.Prepare(kExpireSome).BindInt64(name.NowMs()).Run());
  int64_t sequence = 0;
  {
    SqliteStatement next = db.Prepare(kNextSequence);
    GATEWAY_ASSIGN_OR_RETURN(const bool row,
                             next.BindText(name.collection).Step());
    if (row) sequence = next.Int64(0);
    GATEWAY_RETURN_IF_ERROR(next.Run());
  }
  GATEWAY_RETURN_IF_ERROR(db.Prepare(kForgetSome)
                              .BindText(name.collection)
                              .BindInt64(sequence - kRecordChangesKept)
                              .Run());
  return sequence;
}

absl::StatusOr<int64_t> PutRecord(SqliteConnection& db, const RecordName& name,
                                  std::string_view value,
                                  const PutOptions& options) {
  GATEWAY_ASSIGN_OR_RETURN(const int64_t version, VersionOf(db, name));
  GATEWAY_RETURN_IF_ERROR(
      CheckRecordVersion(name.collection, version, options.expected_version));
  GATEWAY_ASSIGN_OR_RETURN(const int64_t sequence, NextSequence(db, name));
  SqliteStatement put = db.Prepare(kPut);
  put.BindText(name.collection)
      .BindBlob(name.key)
      .BindInt64(version + 1)
      .BindInt64(sequence);
  if (options.expire_time == absl::InfiniteFuture()) {
    put.BindNull();
  } else {
    put.BindInt64(absl::ToUnixMillis(options.expire_time));
  }
  GATEWAY_RETURN_IF_ERROR(put.BindBlob(value).Run());
  return version + 1;
}

absl::StatusOr<bool> DeleteRecord(SqliteConnection& db, const RecordName& name,
                                  std::optional<int64_t> expected_version) {
  GATEWAY_ASSIGN_OR_RETURN(const int64_t version, VersionOf(db, name));
  GATEWAY_RETURN_IF_ERROR(
      CheckRecordVersion(name.collection, version, expected_version));
  if (version == 0) return false;
  GATEWAY_ASSIGN_OR_RETURN(const int64_t sequence, NextSequence(db, name));
  GATEWAY_RETURN_IF_ERROR(db.Prepare(kDelete)
                              .BindInt64(sequence)
                              .BindText(name.collection)
                              .BindBlob(name.key)
                              .Run());
  return true;
}

absl::StatusOr<RecordPage> ListRecords(SqliteConnection& db,
                                       const RecordName& after, size_t limit) {
  RecordPage page;
  GATEWAY_ASSIGN_OR_RETURN(page.sequence, SequenceOf(db, after.collection));
  SqliteStatement list = db.Prepare(kList);
  list.BindText(after.collection).BindBlob(after.key).BindInt64(after.NowMs());
  size_t bytes = 0;
  while (true) {
    GATEWAY_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) return page;
    if (page.records.size() == limit || bytes >= kRecordPageBytesMax) break;
    page.records.push_back(ReadRecord(list));
    bytes += page.records.back().value.size();
  }
  page.more = true;
  return page;
}

absl::StatusOr<int64_t> CountRecords(SqliteConnection& db,
                                     const RecordName& all) {
  SqliteStatement count = db.Prepare(kCount);
  count.BindText(all.collection).BindInt64(all.NowMs());
  GATEWAY_ASSIGN_OR_RETURN(const bool row, count.Step());
  return row ? count.Int64(0) : 0;
}

absl::StatusOr<RecordChanges> ListChanges(SqliteConnection& db,
                                          const std::string& collection,
                                          int64_t sequence, size_t limit,
                                          absl::Time now) {
  GATEWAY_ASSIGN_OR_RETURN(const int64_t latest, SequenceOf(db, collection));
  GATEWAY_RETURN_IF_ERROR(CheckRecordSequence(collection, sequence, latest));
  RecordChanges changes;
  SqliteStatement list = db.Prepare(kChanges);
  list.BindText(collection).BindInt64(sequence);
  size_t bytes = 0;
  while (true) {
    GATEWAY_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) break;
    changes.more =
        changes.changes.size() == limit || bytes >= kRecordPageBytesMax;
    if (changes.more) break;
    Record record = ReadRecord(list);
    bytes += record.value.size();
    sequence = list.Int64(kSequenceColumn);
    RecordChange& change = changes.changes.emplace_back();
    change.key = record.key;
    if (!list.IsNull(kValueColumn) && record.expire_time > now) {
      change.record = std::move(record);
    }
  }
  changes.sequence = changes.more ? sequence : latest;
  return changes;
}

}  // namespace

SqliteSchema SqliteRecordStore::Schema() {
  return {.contents = "records",
          .application_id = kRecordsApplicationId,
          .migrations = {kMakeTables}};
}

absl::StatusOr<std::unique_ptr<SqliteRecordStore>> SqliteRecordStore::Open(
    const Options& options, Clock& clock) {
  GATEWAY_ASSIGN_OR_RETURN(
      std::unique_ptr<SqliteDatabase> database,
      SqliteDatabase::Open({.path = options.path,
                            .schema = Schema(),
                            .sync = options.sync,
                            .thread_name = "records",
                            .queue = options.queue,
                            .file_bytes_limit = options.file_bytes_limit,
                            .busy_timeout = options.busy_timeout}));
  return std::unique_ptr<SqliteRecordStore>(
      new SqliteRecordStore(std::move(database), clock));
}

SqliteRecordStore::SqliteRecordStore(std::unique_ptr<SqliteDatabase> database,
                                     Clock& clock)
    : database_(std::move(database)), clock_(clock) {}

// What runs on the database's threads owns what it uses: its caller may be
// gone.

Task<absl::StatusOr<std::optional<Record>>> SqliteRecordStore::Get(
    std::string_view collection, std::string_view key, CancelSignal& cancel) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordKey(collection, key));
  RecordName name{std::string(collection), std::string(key), &clock_};
  const size_t bytes = name.bytes();
  auto get = [name = std::move(name)](SqliteConnection& db) {
    return GetRecord(db, name);
  };
  co_return co_await database_->Read(bytes, std::move(get), cancel);
}

Task<absl::StatusOr<int64_t>> SqliteRecordStore::Put(
    std::string_view collection, std::string_view key, std::string value,
    PutOptions options, CancelSignal& cancel) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordKey(collection, key));
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordValue(collection, value));
  RecordName name{std::string(collection), std::string(key), &clock_};
  const size_t bytes = name.bytes() + value.size();
  // Views of who may be gone, and of no use here.
  options.owner.reset();
  auto put = [name = std::move(name), value = std::move(value),
              options](SqliteConnection& db) {
    return PutRecord(db, name, value, options);
  };
  co_return co_await database_->Write(bytes, std::move(put), cancel);
}

Task<absl::StatusOr<bool>> SqliteRecordStore::Delete(
    std::string_view collection, std::string_view key, DeleteOptions options,
    CancelSignal& cancel) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordKey(collection, key));
  RecordName name{std::string(collection), std::string(key), &clock_};
  const size_t bytes = name.bytes();
  auto remove = [name = std::move(name),
                 expected_version =
                     options.expected_version](SqliteConnection& db) {
    return DeleteRecord(db, name, expected_version);
  };
  co_return co_await database_->Write(bytes, std::move(remove), cancel);
}

Task<absl::StatusOr<RecordPage>> SqliteRecordStore::List(
    std::string_view collection, std::string_view after, int limit,
    CancelSignal& cancel) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckCollection(collection));
  GATEWAY_CO_ASSIGN_OR_RETURN(const int page_limit, RecordPageLimit(limit));
  RecordName name{std::string(collection), std::string(after), &clock_};
  const size_t bytes = name.bytes();
  auto list = [name = std::move(name), page_limit](SqliteConnection& db) {
    return ListRecords(db, name, static_cast<size_t>(page_limit));
  };
  co_return co_await database_->Read(bytes, std::move(list), cancel);
}

Task<absl::StatusOr<int64_t>> SqliteRecordStore::Count(
    std::string_view collection, CancelSignal& cancel) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckCollection(collection));
  RecordName all{std::string(collection), "", &clock_};
  const size_t bytes = all.bytes();
  auto count = [all = std::move(all)](SqliteConnection& db) {
    return CountRecords(db, all);
  };
  co_return co_await database_->Read(bytes, std::move(count), cancel);
}

Task<absl::StatusOr<RecordChanges>> SqliteRecordStore::ChangesSince(
    std::string_view collection, int64_t sequence, int limit,
    CancelSignal& cancel) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckCollection(collection));
  GATEWAY_CO_ASSIGN_OR_RETURN(const int page_limit, RecordPageLimit(limit));
  auto list = [name = std::string(collection), sequence, page_limit,
               clock = &clock_](SqliteConnection& db) {
    return ListChanges(db, name, sequence, static_cast<size_t>(page_limit),
                       clock->WallTime());
  };
  co_return co_await database_->Read(collection.size(), std::move(list),
                                     cancel);
}

}  // namespace gateway
