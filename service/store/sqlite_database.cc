#include "service/store/sqlite_database.h"

#include <algorithm>
#include <cassert>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// What the log is cut to again, after a burst has made it longer.
constexpr SqlText kLogBytesKept = "PRAGMA journal_size_limit=67108864";

// What a connection keeps of the file in memory, of its pages that were used
// last. The gateway adds at the ends of its files and seldom reads, and what is
// read again is in the kernel's memory: more, such as SQLite's 2000, is filled
// in hours and spares nothing.
constexpr int64_t kCacheKibibytes = 512;

// For one group. Whoever is left then shares the failure: it is not that of one
// piece.
constexpr int kTransactionsMax = 8;

absl::Status UseLog(SqliteConnection& db, SqliteSync sync) {
  {
    SqliteStatement mode = db.Prepare("PRAGMA journal_mode=WAL");
    GATEWAY_ASSIGN_OR_RETURN(const bool row, mode.Step());
    if (!row || mode.Text(0) != "wal") {
      return absl::FailedPreconditionError(absl::StrCat(
          db.path(),
          ": its file system cannot hold a write-ahead log; give a "
          "path on a local disk"));
    }
  }
  if (sync == SqliteSync::kFull) {
    GATEWAY_RETURN_IF_ERROR(db.Execute("PRAGMA synchronous=FULL"));
  } else {
    GATEWAY_RETURN_IF_ERROR(db.Execute("PRAGMA synchronous=NORMAL"));
  }
  return db.Execute(kLogBytesKept);
}

// Nothing that is stored reaches another file, and little of it stays in
// memory.
absl::Status KeepToItsFile(SqliteConnection& db) {
  GATEWAY_RETURN_IF_ERROR(db.Execute("PRAGMA temp_store=MEMORY"));
  return db.SetPragma("cache_size", -kCacheKibibytes);
}

absl::Status LimitSize(SqliteConnection& db, int64_t bytes_limit) {
  if (bytes_limit <= 0) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const int64_t page_bytes,
                           db.ReadInt64("PRAGMA page_size"));
  return db.SetPragma("max_page_count",
                      std::max<int64_t>(bytes_limit / page_bytes, 1));
}

// In the order in which a file that is not ours stays as it is.
absl::Status PrepareToWrite(SqliteConnection& db, DatabaseFile& file,
                            const SqliteDatabase::Options& options) {
  GATEWAY_RETURN_IF_ERROR(CheckSchema(db, options.schema));
  GATEWAY_RETURN_IF_ERROR(KeepToItsFile(db));
  if (options.check_integrity) GATEWAY_RETURN_IF_ERROR(CheckIntegrity(db));
  db.MoveLogAtEnd(true);
  GATEWAY_RETURN_IF_ERROR(file.KeepFromOthers());
  GATEWAY_RETURN_IF_ERROR(UseLog(db, options.sync));
  GATEWAY_RETURN_IF_ERROR(LimitSize(db, options.file_bytes_limit));
  return Migrate(db, options.schema);
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(
    Options options) {
  assert(options.schema.application_id != 0);
  DatabaseFile file(options.path);
  GATEWAY_RETURN_IF_ERROR(file.Make());
  if (options.for_one_process) GATEWAY_RETURN_IF_ERROR(file.Take());
  GATEWAY_ASSIGN_OR_RETURN(
      std::unique_ptr<SqliteConnection> writer,
      SqliteConnection::Open(options.path, SqliteConnection::Access::kReadWrite,
                             options.busy_timeout));
  GATEWAY_RETURN_IF_ERROR(PrepareToWrite(*writer, file, options));
  GATEWAY_ASSIGN_OR_RETURN(
      std::unique_ptr<SqliteConnection> reader,
      SqliteConnection::Open(options.path, SqliteConnection::Access::kReadOnly,
                             options.busy_timeout));
  GATEWAY_RETURN_IF_ERROR(KeepToItsFile(*reader));
  GATEWAY_RETURN_IF_ERROR(file.Remember());
  return std::unique_ptr<SqliteDatabase>(new SqliteDatabase(
      std::move(file), options, std::move(writer), std::move(reader)));
}

SqliteDatabase::SqliteDatabase(DatabaseFile file, const Options& options,
                               std::unique_ptr<SqliteConnection> writer,
                               std::unique_ptr<SqliteConnection> reader)
    : file_(std::move(file)),
      writes_(file_.path(), options.queue),
      reads_(file_.path(), options.queue),
      writer_(std::move(writer)),
      reader_(std::move(reader)),
      write_thread_(absl::StrCat(ToAbsl(options.thread_name), "-write"),
                    [this] { ServeWrites(); }),
      read_thread_(absl::StrCat(ToAbsl(options.thread_name), "-read"),
                   [this] { ServeReads(); }) {}

SqliteDatabase::~SqliteDatabase() { Close(); }

void SqliteDatabase::Close() {
  writes_.Close();
  reads_.Close();
  write_thread_.Join();
  read_thread_.Join();
  // In this order the last one may move the log into the file.
  reader_.reset();
  writer_.reset();
}

void SqliteDatabase::ServeWrites() {
  while (true) {
    Group group = writes_.TakeAll();
    if (group.empty()) return;
    Commit(std::move(group));
  }
}

void SqliteDatabase::Commit(Group group) {
  for (int times = 1;; ++times) {
    auto ended_by = group.cend();
    const absl::Status status = CommitOnce(group, &ended_by);
    if (ended_by == group.cend() || times == kTransactionsMax) {
      for (const auto& work : group) work->Tell(status);
      return;
    }
    (*ended_by)->Tell(status);
    group.erase(ended_by);
  }
}

absl::Status SqliteDatabase::CommitOnce(const Group& group,
                                        Group::const_iterator* ended_by) {
  SqliteTransaction transaction(*writer_);
  GATEWAY_RETURN_IF_ERROR(transaction.Begin("BEGIN IMMEDIATE"));
  for (auto work = group.begin(); work != group.end(); ++work) {
    if ((*work)->abandoned()) continue;
    const absl::Status status = RunInSavepoint(**work);
    if (status.ok()) continue;
    *ended_by = work;
    return status;
  }
  GATEWAY_RETURN_IF_ERROR(transaction.Commit());
  return file_.CheckInPlace();
}

absl::Status SqliteDatabase::RunInSavepoint(SqliteWork& work) {
  GATEWAY_RETURN_IF_ERROR(writer_->Execute("SAVEPOINT work"));
  const absl::Status status = work.Run(*writer_);
  // Some failures, such as a full disk, end the whole transaction.
  if (!writer_->in_transaction()) {
    return status.ok() ? absl::InternalError(absl::StrCat(
                             path(), ": work has ended the transaction"))
                       : status;
  }
  if (!status.ok()) {
    GATEWAY_RETURN_IF_ERROR(writer_->Execute("ROLLBACK TO work"));
  }
  return writer_->Execute("RELEASE work");
}

void SqliteDatabase::ServeReads() {
  while (const std::shared_ptr<SqliteWork> work = reads_.TakeOne()) {
    if (!work->abandoned()) work->Tell(RunInSnapshot(*work));
  }
}

absl::Status SqliteDatabase::RunInSnapshot(SqliteWork& work) {
  SqliteTransaction transaction(*reader_);
  GATEWAY_RETURN_IF_ERROR(transaction.Begin("BEGIN"));
  // What it returns is what its caller is told.
  work.Run(*reader_).IgnoreError();
  return absl::OkStatus();
}

}  // namespace gateway
