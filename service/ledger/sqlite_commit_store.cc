#include "service/ledger/sqlite_commit_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "service/ledger/checkpoint_checksum.h"

namespace gateway {
namespace {

// "LMG" and the kind: a ledger.
constexpr int32_t kLedgerApplicationId = 0x4c4d4702;

constexpr SqlText kMakeTables = R"sql(
  CREATE TABLE commits (
    number INTEGER PRIMARY KEY,
    first_entry INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    time_us INTEGER NOT NULL,  -- Since 1970.
    last_hash TEXT NOT NULL,
    texts BLOB NOT NULL,
    notes BLOB NOT NULL
  ) STRICT;
  -- What is known up to some commit; it can be made anew from the others.
  CREATE TABLE checkpoint (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    commits INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    last_hash TEXT NOT NULL,
    open_dispatches BLOB NOT NULL,
    state BLOB NOT NULL
  ) STRICT;
)sql";

constexpr SqlText kAppend =
    "INSERT INTO commits "
    "(number, first_entry, entries, time_us, last_hash, texts, notes) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)";
constexpr SqlText kLast =
    "SELECT number, first_entry, entries, time_us, last_hash, texts "
    "FROM commits ORDER BY number DESC LIMIT 1";
// One after the other, so that who reads all of a ledger holds one commit.
constexpr SqlText kLoad =
    "SELECT first_entry, entries, time_us, texts, notes, last_hash "
    "FROM commits WHERE number = ?";
constexpr SqlText kKeepCheckpoint =
    "INSERT OR REPLACE INTO checkpoint "
    "(id, commits, entries, last_hash, open_dispatches, state) "
    "VALUES (1, ?, ?, ?, ?, ?)";
constexpr SqlText kLastCheckpoint =
    "SELECT commits, entries, last_hash, open_dispatches, state "
    "FROM checkpoint";
// For a lock of whoever writes.
constexpr absl::Duration kReadTimeout = absl::Seconds(10);

struct LoadedCommit {
  LedgerCommit commit;
  std::string texts;
  std::string notes;
  std::string last_hash;
};

absl::StatusOr<int64_t> LastNumber(SqliteConnection& db) {
  return db.ReadInt64("SELECT coalesce(max(number), 0) FROM commits");
}

absl::Status Load(SqliteConnection& db, int64_t number, LoadedCommit* loaded) {
  SqliteStatement select = db.Prepare(kLoad);
  select.BindInt64(number);
  GATEWAY_ASSIGN_OR_RETURN(const bool found, select.Step());
  if (!found) {
    return absl::DataLossError(absl::StrCat(db.path(), ": commit ", number,
                                            " of the ledger is not there"));
  }
  loaded->texts = select.Blob(3);
  loaded->notes = select.Blob(4);
  loaded->last_hash = select.Text(5);
  loaded->commit = {.number = number,
                    .first_entry = select.Int64(0),
                    .entries = select.Int64(1),
                    .time = absl::FromUnixMicros(select.Int64(2)),
                    .texts = loaded->texts,
                    .notes = loaded->notes,
                    .last_hash = loaded->last_hash};
  return absl::OkStatus();
}

absl::StatusOr<LedgerCheckpoint> FindCheckpoint(SqliteConnection& db) {
  LedgerCheckpoint last;
  SqliteStatement select = db.Prepare(kLastCheckpoint);
  GATEWAY_ASSIGN_OR_RETURN(const bool found, select.Step());
  if (!found) return last;
  last.end = {.commits = select.Int64(0),
              .entries = select.Int64(1),
              .hash = std::string(select.Text(2))};
  last.open_dispatches = select.Blob(3);
  last.state = select.Blob(4);
  return last;
}

absl::StatusOr<LastCommit> FindLastCommit(SqliteConnection& db) {
  LastCommit last;
  SqliteStatement select = db.Prepare(kLast);
  GATEWAY_ASSIGN_OR_RETURN(const bool found, select.Step());
  if (!found) return last;
  last.number = select.Int64(0);
  last.first_entry = select.Int64(1);
  last.entries = select.Int64(2);
  last.hash = select.Text(4);
  last.texts = select.Blob(5);
  return last;
}

int64_t EntriesUpTo(const LastCommit& last) {
  return last.number == 0 ? 0 : last.first_entry + last.entries - 1;
}

absl::Status EndIsGone(const std::string& path, const LastCommit& last,
                       const LedgerEnd& end) {
  return absl::DataLossError(absl::StrCat(
      path, ": the ledger had ", end.entries, " entries, and its file has ",
      EntriesUpTo(last), ": its log (", path,
      "-wal) or the file itself was damaged, removed or "
      "replaced; restore them. If an earlier one was put in its place on "
      "purpose, remove ",
      LedgerEndPath(path)));
}

// Has the file's log stay as it is when it is closed: behind what is damaged
// there may be commits.
absl::Status KeepLog(SqliteConnection& db) {
  db.MoveLogAtEnd(false);
  return absl::OkStatus();
}

// Whether a loss of power may have taken what is not there: the disk was not
// waited for, and the machine has started anew since.
bool MayBeLostByPower(const SqliteCommitStore::Options& options,
                      const EndFile& end_file) {
  return options.sync == SqliteSync::kNormal && end_file.is_of_earlier_boot();
}

}  // namespace

std::string LedgerEndPath(const std::string& path) {
  return absl::StrCat(path, ".end");
}

SqliteSchema SqliteCommitStore::Schema() {
  return {.contents = "ledger",
          .application_id = kLedgerApplicationId,
          .migrations = {kMakeTables}};
}

absl::StatusOr<std::unique_ptr<SqliteCommitStore>> SqliteCommitStore::Open(
    const Options& options) {
  GATEWAY_ASSIGN_OR_RETURN(std::unique_ptr<EndFile> end_file,
                           EndFile::Open(LedgerEndPath(options.path)));
  GATEWAY_ASSIGN_OR_RETURN(
      std::unique_ptr<SqliteDatabase> database,
      SqliteDatabase::Open({.path = options.path,
                            .schema = Schema(),
                            .sync = options.sync,
                            .thread_name = "ledger",
                            .for_one_process = true,
                            .check_integrity = false,
                            .file_bytes_limit = options.file_bytes_limit,
                            .busy_timeout = options.busy_timeout}));
  GATEWAY_ASSIGN_OR_RETURN(const LastCommit last,
                           database->ReadBlocking(0, FindLastCommit));
  if (EntriesUpTo(last) < end_file->end().entries) {
    if (!MayBeLostByPower(options, *end_file)) {
      GATEWAY_RETURN_IF_ERROR(database->WriteBlocking(0, KeepLog));
      return EndIsGone(options.path, last, end_file->end());
    }
    Log(LogLevel::kWarn, "ledger",
        "The machine has started anew, and the ledger's last entries are lost: "
        "the disk was not waited for",
        {{"file", options.path},
         {"entries", end_file->end().entries - EntriesUpTo(last)}});
  }
  return std::unique_ptr<SqliteCommitStore>(
      new SqliteCommitStore(std::move(end_file), std::move(database)));
}

std::string_view SqliteCommitStore::remedy() const {
  return "restore the file from a backup, or move it away and begin a new "
         "ledger";
}

absl::Status SqliteCommitStore::Append(const NewCommit& commit) {
  auto append = [&](SqliteConnection& db) {
    return db.Prepare(kAppend)
        .BindInt64(commit.commit.number)
        .BindInt64(commit.commit.first_entry)
        .BindInt64(commit.commit.entries)
        .BindInt64(absl::ToUnixMicros(commit.commit.time))
        .BindText(commit.last_hash)
        .BindBlob(commit.commit.texts)
        .BindBlob(commit.commit.notes)
        .Run();
  };
  // Nobody else waits for this thread: what it uses stays until it is told.
  GATEWAY_RETURN_IF_ERROR(database_->WriteBlocking(
      commit.commit.texts.size() + commit.commit.notes.size(), append));
  end_file_->Write(
      {.commits = commit.commit.number,
       .entries = commit.commit.first_entry + commit.commit.entries - 1,
       .hash = std::string(commit.last_hash)});
  return absl::OkStatus();
}

absl::StatusOr<LastCommit> SqliteCommitStore::Last() {
  // As a writer, who is told if the file is not in its place.
  return database_->WriteBlocking(0, FindLastCommit);
}

absl::StatusOr<LedgerCheckpoint> SqliteCommitStore::LoadCheckpoint() {
  GATEWAY_ASSIGN_OR_RETURN(LedgerCheckpoint kept,
                           database_->ReadBlocking(0, FindCheckpoint));
  return WholeOrNone(name(), std::move(kept));
}

absl::Status SqliteCommitStore::KeepCheckpoint(LedgerCheckpoint checkpoint) {
  checkpoint = WithChecksum(std::move(checkpoint));
  auto keep = [&](SqliteConnection& db) {
    return db.Prepare(kKeepCheckpoint)
        .BindInt64(checkpoint.end.commits)
        .BindInt64(checkpoint.end.entries)
        .BindText(checkpoint.end.hash)
        .BindBlob(checkpoint.open_dispatches)
        .BindBlob(checkpoint.state)
        .Run();
  };
  return database_->WriteBlocking(
      checkpoint.open_dispatches.size() + checkpoint.state.size(), keep);
}

absl::Status SqliteCommitStore::Read(int64_t first_commit,
                                     VisitCommit visit) const {
  GATEWAY_ASSIGN_OR_RETURN(const int64_t last,
                           database_->ReadBlocking(0, LastNumber));
  // Each by itself: the visitor may take its time, and others read meanwhile.
  LoadedCommit loaded;
  for (int64_t number = first_commit; number <= last; ++number) {
    auto load = [&](SqliteConnection& db) { return Load(db, number, &loaded); };
    GATEWAY_RETURN_IF_ERROR(database_->ReadBlocking(0, load));
    GATEWAY_RETURN_IF_ERROR(visit(loaded.commit));
  }
  return absl::OkStatus();
}

absl::StatusOr<ChainEnds> SqliteCommitStore::Ends() const {
  GATEWAY_RETURN_IF_ERROR(database_->CheckInPlace());
  return ChainEnds();
}

absl::Status ReadLedgerFile(const std::string& path, VisitCommit visit) {
  GATEWAY_ASSIGN_OR_RETURN(
      const std::unique_ptr<SqliteConnection> db,
      SqliteConnection::Open(path, SqliteConnection::Access::kReadOnly,
                             kReadTimeout));
  GATEWAY_RETURN_IF_ERROR(CheckSchema(*db, SqliteCommitStore::Schema()));
  GATEWAY_ASSIGN_OR_RETURN(const int64_t last, LastNumber(*db));
  LoadedCommit loaded;
  for (int64_t number = 1; number <= last; ++number) {
    GATEWAY_RETURN_IF_ERROR(Load(*db, number, &loaded));
    GATEWAY_RETURN_IF_ERROR(visit(loaded.commit));
  }
  return absl::OkStatus();
}

}  // namespace gateway
