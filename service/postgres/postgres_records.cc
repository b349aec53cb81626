#include "service/postgres/postgres_records.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "service/postgres/postgres_schema.h"

namespace gateway {
namespace {

constexpr char kApplication[] = "llm-gateway records";
// How many records that are gone for long each change removes: more than it
// adds.
constexpr int64_t kRemovedAtOnce = 16;
// So many bits of a sequence are the database's.
constexpr int kSequenceBits = 40;
constexpr int64_t kErasMax = int64_t{1} << 22;

constexpr const char* kRecordMigrations[] = {R"sql(
  CREATE TABLE records_version (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    version bigint NOT NULL
  );
  INSERT INTO records_version (version) VALUES (0);
  -- Each change changes a row in its place, for which its page has room.
  CREATE TABLE record_collections (
    collection text PRIMARY KEY,
    created bigint NOT NULL,
    sequence bigint NOT NULL
  ) WITH (fillfactor = 50);
  CREATE TABLE records (
    collection text NOT NULL,
    key bytea NOT NULL,
    version bigint NOT NULL,
    sequence bigint NOT NULL,
    expire_ms bigint,
    value bytea,
    PRIMARY KEY (collection, key)
  );
  CREATE UNIQUE INDEX records_by_sequence ON records (collection, sequence);
  CREATE INDEX records_that_go ON records (collection, sequence)
    WHERE value IS NULL OR expire_ms IS NOT NULL;
)sql"};
constexpr PostgresSchema kRecordTables = {
    .contents = "records",
    .version_table = "records_version",
    .read_version = "SELECT version FROM records_version",
    .migrations = kRecordMigrations};

constexpr char kGetRecord[] =
    "SELECT version, coalesce(expire_ms, -1), value FROM records "
    "WHERE collection = $1::text AND key = $2::bytea AND value IS NOT NULL "
    "AND (expire_ms IS NULL "
    "     OR expire_ms > extract(epoch FROM clock_timestamp()) * 1000)";
constexpr char kNextSequence[] =
    "INSERT INTO record_collections AS c (collection, created, sequence) "
    "VALUES ($1::text, "
    "        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, 1) "
    "ON CONFLICT (collection) DO UPDATE SET sequence = c.sequence + 1 "
    "RETURNING sequence";
constexpr char kVersionOfRecord[] =
    "SELECT version FROM records "
    "WHERE collection = $1::text AND key = $2::bytea AND value IS NOT NULL "
    "AND (expire_ms IS NULL "
    "     OR expire_ms > extract(epoch FROM clock_timestamp()) * 1000)";
constexpr char kPutRecord[] =
    "INSERT INTO records "
    "(collection, key, version, sequence, expire_ms, value) VALUES "
    "($1::text, $2::bytea, $3::bigint, $4::bigint, nullif($5::bigint, -1), "
    "$6::bytea) ON CONFLICT (collection, key) DO UPDATE SET "
    "version = excluded.version, sequence = excluded.sequence, "
    "expire_ms = excluded.expire_ms, value = excluded.value";
constexpr char kDeleteRecord[] =
    "UPDATE records SET sequence = $3::bigint, expire_ms = NULL, value = NULL "
    "WHERE collection = $1::text AND key = $2::bytea";
constexpr char kForgetRecords[] =
    "DELETE FROM records WHERE collection = $1::text AND key = ANY (ARRAY("
    "SELECT key FROM records WHERE collection = $1::text "
    "AND sequence <= $2::bigint AND (value IS NULL OR expire_ms IS NOT NULL) "
    "AND (value IS NULL "
    "     OR expire_ms <= extract(epoch FROM clock_timestamp()) * 1000) "
    "ORDER BY sequence LIMIT $3::bigint))";
constexpr char kCountRecords[] =
    "SELECT count(*) FROM records "
    "WHERE collection = $1::text AND value IS NOT NULL "
    "AND (expire_ms IS NULL "
    "     OR expire_ms > extract(epoch FROM clock_timestamp()) * 1000)";
// The collection, and those of its records that go into the page, as one
// statement sees them; and of one that does not any more that it is there.
constexpr char kListRecords[] =
    "SELECT coalesce(c.created, 0), coalesce(c.sequence, 0), r.key, "
    "r.fits, r.version, r.expire_ms, r.value "
    "FROM (SELECT 1) one "
    "LEFT JOIN record_collections c ON c.collection = $1::text "
    "LEFT JOIN LATERAL ("
    "  SELECT key, fits, version, coalesce(expire_ms, -1) AS expire_ms, "
    "  CASE WHEN fits THEN value END AS value FROM ("
    "    SELECT *, before < $4::bigint AND place <= $3::bigint AS fits FROM ("
    "      SELECT *, row_number() OVER w AS place, "
    "      sum(octet_length(value)) OVER w - octet_length(value) AS before "
    "      FROM records WHERE collection = $1::text AND key > $2::bytea "
    "      AND value IS NOT NULL AND (expire_ms IS NULL "
    "      OR expire_ms > extract(epoch FROM clock_timestamp()) * 1000) "
    "      WINDOW w AS (ORDER BY key ROWS UNBOUNDED PRECEDING) "
    "      ORDER BY key LIMIT $3::bigint + 1) counted) measured) r ON true "
    "ORDER BY r.key";
// The same of what has changed, with those that are there no more.
constexpr char kRecordsChanged[] =
    "SELECT coalesce(c.created, 0), coalesce(c.sequence, 0), r.key, "
    "r.fits, r.version, r.expire_ms, r.value, r.sequence "
    "FROM (SELECT 1) one "
    "LEFT JOIN record_collections c ON c.collection = $1::text "
    "LEFT JOIN LATERAL ("
    "  SELECT key, fits, version, sequence, "
    "  coalesce(expire_ms, -1) AS expire_ms, "
    "  CASE WHEN fits AND (expire_ms IS NULL OR expire_ms > "
    "    extract(epoch FROM clock_timestamp()) * 1000) "
    "  THEN value END AS value FROM ("
    "    SELECT *, before < $4::bigint AND place <= $3::bigint AS fits FROM ("
    "      SELECT *, row_number() OVER w AS place, "
    "      coalesce(sum(octet_length(value)) OVER w, 0) "
    "      - coalesce(octet_length(value), 0) AS before "
    "      FROM records WHERE collection = $1::text AND sequence > $2::bigint "
    "      WINDOW w AS (ORDER BY sequence ROWS UNBOUNDED PRECEDING) "
    "      ORDER BY sequence LIMIT $3::bigint + 1) counted) measured) r "
    "ON true ORDER BY r.sequence";
// Of both.
constexpr int kCreatedColumn = 0;
constexpr int kLatestColumn = 1;
constexpr int kKeyColumn = 2;
constexpr int kFitsColumn = 3;
constexpr int kVersionColumn = 4;
constexpr int kExpireColumn = 5;
constexpr int kValueColumn = 6;
constexpr int kSequenceColumn = 7;

absl::Time ExpireTimeOf(int64_t expire_ms) {
  return expire_ms < 0 ? absl::InfiniteFuture()
                       : absl::FromUnixMillis(expire_ms);
}

int64_t ExpireMsOf(absl::Time expire_time) {
  const absl::Time rounded = RoundedExpireTime(expire_time);
  if (rounded == absl::InfiniteFuture()) return -1;
  // What lies before 1970 has expired as well as what lies in it.
  return std::max<int64_t>(absl::ToUnixMillis(rounded), 0);
}

Record RecordOfRow(const PostgresResult& found, int row) {
  return {.key = std::string(found.Bytes(row, kKeyColumn)),
          .value = std::string(found.Bytes(row, kValueColumn)),
          .version = found.Int64(row, kVersionColumn),
          .expire_time = ExpireTimeOf(found.Int64(row, kExpireColumn))};
}

// How many rows from the beginning are of the page. Where there is no record,
// the row is the collection's alone.
int RowsOfPage(const PostgresResult& found) {
  int row = 0;
  while (row < found.rows() && !found.IsNull(row, kKeyColumn) &&
         found.Int64(row, kFitsColumn) != 0) {
    ++row;
  }
  return row;
}

bool HasMore(const PostgresResult& found, int rows) {
  return rows < found.rows() && !found.IsNull(rows, kKeyColumn);
}

}  // namespace

PostgresRecords::PostgresRecords(PostgresDatabase database)
    : database_(std::move(database)) {}

absl::Status PostgresRecords::Open() {
  if (db_ == nullptr) {
    if (ends_.load(std::memory_order_relaxed)) {
      return absl::UnavailableError("the gateway ends");
    }
    GATEWAY_ASSIGN_OR_RETURN(
        db_, ConnectTo(database_, kApplication, database_.timeout));
    has_tables_ = false;
    created_.clear();
    if (was_open_) era_ = (era_ + 1) % kErasMax;
    was_open_ = true;
  }
  if (has_tables_) return absl::OkStatus();
  absl::Status prepared = PreparePostgresTables(
      *db_, database_.schema, kRecordTables, database_.timeout);
  has_tables_ = prepared.ok();
  CloseBroken();
  return prepared;
}

void PostgresRecords::CloseBroken() {
  if (db_ != nullptr && db_->is_broken()) db_.reset();
}

absl::Status PostgresRecords::Read(Work work) {
  for (const bool again : {false, true}) {
    const bool was_there = db_ != nullptr;
    absl::Status status = Open();
    if (status.ok()) status = work(*db_);
    CloseBroken();
    // Somebody may have removed them.
    if (absl::IsInternal(status)) has_tables_ = false;
    // A server that was restarted closes sessions that were there before.
    if (db_ != nullptr || !was_there || again) return status;
  }
  return absl::OkStatus();
}

absl::Status PostgresRecords::Change(Changes work) {
  // A transaction that has not begun has changed nothing.
  const auto begin = [&](PostgresConnection& db) {
    return db.Execute("BEGIN", database_.timeout);
  };
  GATEWAY_RETURN_IF_ERROR(Read(begin));
  const absl::StatusOr<bool> changed = work(*db_);
  absl::Status done = changed.status();
  if (changed.ok() && *changed) {
    done = db_->Execute("COMMIT", database_.timeout);
  } else if (!db_->is_broken()) {
    db_->Execute("ROLLBACK", database_.timeout).IgnoreError();
  }
  CloseBroken();
  if (absl::IsInternal(done)) has_tables_ = false;
  return done;
}

absl::StatusOr<int64_t> PostgresRecords::NextSequence(
    PostgresConnection& db, const std::string& collection) {
  GATEWAY_ASSIGN_OR_RETURN(
      const PostgresResult next,
      db.Run(kNextSequence, PostgresParameters().Text(collection),
             database_.timeout));
  return next.Int64(0, 0);
}

absl::StatusOr<int64_t> PostgresRecords::VersionOf(
    PostgresConnection& db, const std::string& collection,
    const std::string& key) {
  GATEWAY_ASSIGN_OR_RETURN(
      const PostgresResult found,
      db.Run(kVersionOfRecord, PostgresParameters().Text(collection).Bytes(key),
             database_.timeout));
  return found.rows() == 0 ? 0 : found.Int64(0, 0);
}

absl::Status PostgresRecords::Forget(PostgresConnection& db,
                                     const std::string& collection,
                                     int64_t latest) {
  if (latest <= kRecordChangesKept) return absl::OkStatus();
  return db
      .Run(kForgetRecords,
           PostgresParameters()
               .Text(collection)
               .Int64(latest - kRecordChangesKept)
               .Int64(kRemovedAtOnce),
           database_.timeout)
      .status();
}

int64_t PostgresRecords::Told(const std::string& collection, int64_t created,
                              int64_t sequence) {
  int64_t& known = created_[collection];
  if (known != created) {
    // Where there was none before, nothing else was told of it.
    if (known != 0) era_ = (era_ + 1) % kErasMax;
    known = created;
  }
  return (era_ << kSequenceBits) + sequence;
}

absl::StatusOr<std::optional<Record>> PostgresRecords::Get(
    const std::string& collection, const std::string& key) {
  std::optional<Record> record;
  const auto get = [&](PostgresConnection& db) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(
        const PostgresResult found,
        db.Run(kGetRecord, PostgresParameters().Text(collection).Bytes(key),
               database_.timeout));
    if (found.rows() == 0) return absl::OkStatus();
    record = {.key = key,
              .value = std::string(found.Bytes(0, 2)),
              .version = found.Int64(0, 0),
              .expire_time = ExpireTimeOf(found.Int64(0, 1))};
    return absl::OkStatus();
  };
  GATEWAY_RETURN_IF_ERROR(Read(get));
  return record;
}

absl::StatusOr<int64_t> PostgresRecords::Put(
    const std::string& collection, const std::string& key,
    const std::string& value, std::optional<int64_t> expected_version,
    absl::Time expire_time) {
  int64_t version = 0;
  const auto put = [&](PostgresConnection& db) -> absl::StatusOr<bool> {
    GATEWAY_ASSIGN_OR_RETURN(const int64_t sequence,
                             NextSequence(db, collection));
    GATEWAY_ASSIGN_OR_RETURN(version, VersionOf(db, collection, key));
    GATEWAY_RETURN_IF_ERROR(
        CheckRecordVersion(collection, version, expected_version));
    ++version;
    GATEWAY_RETURN_IF_ERROR(db.Run(kPutRecord,
                                   PostgresParameters()
                                       .Text(collection)
                                       .Bytes(key)
                                       .Int64(version)
                                       .Int64(sequence)
                                       .Int64(ExpireMsOf(expire_time))
                                       .Bytes(value),
                                   database_.timeout)
                                .status());
    GATEWAY_RETURN_IF_ERROR(Forget(db, collection, sequence));
    return true;
  };
  GATEWAY_RETURN_IF_ERROR(Change(put));
  return version;
}

absl::StatusOr<bool> PostgresRecords::Delete(
    const std::string& collection, const std::string& key,
    std::optional<int64_t> expected_version) {
  bool deleted = false;
  const auto remove = [&](PostgresConnection& db) -> absl::StatusOr<bool> {
    GATEWAY_ASSIGN_OR_RETURN(const int64_t sequence,
                             NextSequence(db, collection));
    GATEWAY_ASSIGN_OR_RETURN(const int64_t version,
                             VersionOf(db, collection, key));
    GATEWAY_RETURN_IF_ERROR(
        CheckRecordVersion(collection, version, expected_version));
    deleted = version != 0;
    if (!deleted) return false;
    GATEWAY_RETURN_IF_ERROR(
        db.Run(kDeleteRecord,
               PostgresParameters().Text(collection).Bytes(key).Int64(sequence),
               database_.timeout)
            .status());
    GATEWAY_RETURN_IF_ERROR(Forget(db, collection, sequence));
    return true;
  };
  GATEWAY_RETURN_IF_ERROR(Change(remove));
  return deleted;
}

absl::StatusOr<RecordPage> PostgresRecords::List(const std::string& collection,
                                                 const std::string& after,
                                                 int limit) {
  RecordPage page;
  const auto list = [&](PostgresConnection& db) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(
        const PostgresResult found,
        db.Run(kListRecords,
               PostgresParameters()
                   .Text(collection)
                   .Bytes(after)
                   .Int64(limit)
                   .Int64(static_cast<int64_t>(kRecordPageBytesMax)),
               database_.timeout));
    const int rows = RowsOfPage(found);
    page.records.reserve(static_cast<size_t>(rows));
    for (int row = 0; row < rows; ++row) {
      page.records.push_back(RecordOfRow(found, row));
    }
    page.more = HasMore(found, rows);
    page.sequence = Told(collection, found.Int64(0, kCreatedColumn),
                         found.Int64(0, kLatestColumn));
    return absl::OkStatus();
  };
  GATEWAY_RETURN_IF_ERROR(Read(list));
  return page;
}

absl::StatusOr<int64_t> PostgresRecords::Count(const std::string& collection) {
  int64_t records = 0;
  const auto count = [&](PostgresConnection& db) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(
        const PostgresResult found,
        db.Run(kCountRecords, PostgresParameters().Text(collection),
               database_.timeout));
    records = found.Int64(0, 0);
    return absl::OkStatus();
  };
  GATEWAY_RETURN_IF_ERROR(Read(count));
  return records;
}

absl::StatusOr<RecordChanges> PostgresRecords::ChangesSince(
    const std::string& collection, int64_t sequence, int limit) {
  RecordChanges changes;
  const int64_t in_database =
      sequence < 0 ? 0 : sequence % (int64_t{1} << kSequenceBits);
  const auto read = [&](PostgresConnection& db) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(
        const PostgresResult found,
        db.Run(kRecordsChanged,
               PostgresParameters()
                   .Text(collection)
                   .Int64(in_database)
                   .Int64(limit)
                   .Int64(static_cast<int64_t>(kRecordPageBytesMax)),
               database_.timeout));
    const int64_t created = found.Int64(0, kCreatedColumn);
    const int64_t latest = found.Int64(0, kLatestColumn);
    changes.sequence = Told(collection, created, latest);
    // What is asked from the beginning is of any time.
    const int64_t begin =
        sequence == 0 ? Told(collection, created, 0) : sequence;
    const int64_t first = Told(collection, created, 0);
    GATEWAY_RETURN_IF_ERROR(CheckRecordSequence(
        collection, begin < first ? -1 : begin, changes.sequence));
    const int rows = RowsOfPage(found);
    changes.more = HasMore(found, rows);
    for (int row = 0; row < rows; ++row) {
      RecordChange& change = changes.changes.emplace_back();
      change.key = std::string(found.Bytes(row, kKeyColumn));
      if (!found.IsNull(row, kValueColumn)) {
        change.record = RecordOfRow(found, row);
      }
    }
    if (changes.more) {
      changes.sequence =
          Told(collection, created, found.Int64(rows - 1, kSequenceColumn));
    }
    return absl::OkStatus();
  };
  GATEWAY_RETURN_IF_ERROR(Read(read));
  return changes;
}

}  // namespace gateway
