#include "service/ledger/ledger_log.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/ledger/chain_check.h"

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
    "SELECT first_entry, entries, time_us, texts, notes FROM commits "
    "WHERE number = ?";
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
  loaded->commit = {.number = number,
                    .first_entry = select.Int64(0),
                    .entries = select.Int64(1),
                    .time = absl::FromUnixMicros(select.Int64(2)),
                    .texts = loaded->texts,
                    .notes = loaded->notes};
  return absl::OkStatus();
}

absl::Status Damaged(const std::string& path, std::string_view commit,
                     std::string_view what) {
  return absl::DataLossError(
      absl::StrCat(path, ": ", ToAbsl(commit), " ", ToAbsl(what),
                   "; restore the file from a backup, or move it away and "
                   "begin a new ledger"));
}

absl::Status DamagedEnd(const SqliteConnection& db, int64_t commit,
                        std::string_view what) {
  return Damaged(db.path(),
                 absl::StrCat("the ledger's last commit, number ", commit, ","),
                 what);
}

// What is known of a ledger up to some commit.
struct Checkpoint {
  LedgerEnd end;
  std::string open_dispatches;
  std::string state;
};

absl::StatusOr<Checkpoint> LoadCheckpoint(SqliteConnection& db) {
  Checkpoint last;
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

// Whether an entry in the form of entry.h is of a budget. What it decides, and
// a hash, stand before its event type.
bool IsOfBudget(std::string_view entry) {
  constexpr size_t kBeginMax = 256;
  return entry.substr(0, kBeginMax).find("\"event_type\": \"BUDGET_") !=
         std::string_view::npos;
}

// Returns what is wrong with a commit by itself; empty if nothing is.
std::string FaultOf(std::string_view texts, int64_t entries,
                    std::string_view last_hash) {
  ChainCheck check;
  int64_t found = 0;
  std::string fault;
  ForEachEntry(texts, [&](std::string_view entry) {
    const ChainCheck::Finding finding = check.Add(entry);
    // What the first one follows is in the commit before.
    const bool is_first = found++ == 0;
    const bool is_well =
        is_first || finding.severity == ChainCheck::Severity::kOk;
    if (is_well || !fault.empty()) return;
    fault = absl::StrCat("has the entry ", finding.entry_id, ", which ",
                         finding.what);
  });
  if (!fault.empty()) return fault;
  if (found != entries) {
    return absl::StrCat("has ", found, " entries and says ", entries);
  }
  if (check.last_hash() != last_hash) return "does not end in the hash it says";
  return {};
}

// Finds where the chain ends, and whether that can be relied upon.
absl::StatusOr<LedgerEnd> FindEnd(SqliteConnection& db) {
  LedgerEnd end;
  SqliteStatement last = db.Prepare(kLast);
  GATEWAY_ASSIGN_OR_RETURN(const bool found, last.Step());
  if (!found) return end;
  end.commits = last.Int64(0);
  end.entries = last.Int64(1) + last.Int64(2) - 1;
  end.hash = last.Text(4);
  const std::string fault = FaultOf(last.Blob(5), last.Int64(2), end.hash);
  if (!fault.empty()) return DamagedEnd(db, end.commits, fault);
  return end;
}

}  // namespace

void ForEachEntry(std::string_view texts,
                  absl::FunctionRef<void(std::string_view entry)> visit) {
  while (!texts.empty()) {
    const size_t end = std::min(texts.find('\n'), texts.size());
    visit(texts.substr(0, end));
    texts.remove_prefix(std::min(end + 1, texts.size()));
  }
}

SqliteSchema LedgerLog::Schema() {
  return {.contents = "ledger",
          .application_id = kLedgerApplicationId,
          .migrations = {kMakeTables}};
}

absl::StatusOr<std::unique_ptr<LedgerLog>> LedgerLog::Open(
    const Options& options) {
  GATEWAY_ASSIGN_OR_RETURN(
      std::unique_ptr<SqliteDatabase> database,
      SqliteDatabase::Open({.path = options.path,
                            .schema = Schema(),
                            .sync = options.sync,
                            .thread_name = "ledger",
                            .check_integrity = false,
                            .file_bytes_limit = options.file_bytes_limit,
                            .busy_timeout = options.busy_timeout}));
  std::unique_ptr<LedgerLog> log(new LedgerLog(std::move(database), options));
  GATEWAY_ASSIGN_OR_RETURN(log->end_, log->database_->ReadBlocking(0, FindEnd));
  GATEWAY_RETURN_IF_ERROR(log->FollowFromCheckpoint());
  return log;
}

absl::Status LedgerLog::FollowFromCheckpoint() {
  GATEWAY_ASSIGN_OR_RETURN(Checkpoint from,
                           database_->ReadBlocking(0, LoadCheckpoint));
  if (from.end.commits > end_.commits) {
    return Damaged(database_->path(),
                   absl::StrCat("the ledger ends with commit ", end_.commits),
                   absl::StrCat("and had ", from.end.commits,
                                " of them at its last checkpoint"));
  }
  entries_at_checkpoint_ = from.end.entries;
  if (!open_.Follow(from.open_dispatches)) {
    return Damaged(database_->path(), "the ledger's checkpoint",
                   "has open dispatches that cannot be read");
  }
  if (state_ != nullptr) GATEWAY_RETURN_IF_ERROR(state_->Restore(from.state));
  ChainCheck check(from.end.hash);
  return Read(from.end.commits + 1, [&](const LedgerCommit& commit) {
    std::string fault;
    ForEachEntry(commit.texts, [&](std::string_view entry) {
      const ChainCheck::Finding finding = check.Add(entry);
      if (finding.severity == ChainCheck::Severity::kOk || !fault.empty()) {
        return;
      }
      fault = absl::StrCat("has the entry ", finding.entry_id, ", which ",
                           finding.what);
    });
    if (!fault.empty()) {
      return Damaged(database_->path(),
                     absl::StrCat("commit ", commit.number, " of the ledger"),
                     fault);
    }
    return Follow(commit.texts, commit.notes);
  });
}

absl::Status LedgerLog::Follow(std::string_view texts, std::string_view notes) {
  if (!open_.Follow(notes)) {
    return Damaged(database_->path(), "a commit of the ledger",
                   "has notes that cannot be read");
  }
  absl::Status told;
  if (state_ == nullptr) return told;
  ForEachEntry(texts, [&](std::string_view entry) {
    if (IsOfBudget(entry)) told.Update(state_->Apply(entry));
  });
  return told;
}

void LedgerLog::Take(Addition addition) {
  end_ = std::move(addition.end);
  // Its own texts can be read.
  Follow(addition.texts, addition.notes).IgnoreError();
  if (end_.entries - entries_at_checkpoint_ < checkpoint_entries_) return;
  // One that cannot be kept is tried again after as many entries: without it
  // the next start takes longer, and no more than that.
  KeepCheckpoint().IgnoreError();
  entries_at_checkpoint_ = end_.entries;
}

absl::Status LedgerLog::KeepCheckpoint() {
  const std::string open = open_.ToNotes();
  const std::string state = state_ == nullptr ? "" : state_->Checkpoint();
  auto keep = [&](SqliteConnection& db) {
    return db.Prepare(kKeepCheckpoint)
        .BindInt64(end_.commits)
        .BindInt64(end_.entries)
        .BindText(end_.hash)
        .BindBlob(open)
        .BindBlob(state)
        .Run();
  };
  return database_->WriteBlocking(open.size() + state.size(), keep);
}

absl::Status LedgerLog::Append(absl::Span<const UnchainedEntry* const> entries,
                               absl::Time time) {
  assert(!entries.empty() && !attempted_.has_value());
  size_t bytes = 0;
  for (const UnchainedEntry* const entry : entries) {
    bytes += entry->chained_bytes() + 1;
  }
  Addition addition = {
      .end = {.commits = end_.commits + 1,
              .entries = end_.entries + static_cast<int64_t>(entries.size()),
              .hash = end_.hash}};
  addition.texts.reserve(bytes);
  for (const UnchainedEntry* const entry : entries) {
    entry->AppendChained(&addition.end.hash, &addition.texts);
    addition.texts.push_back('\n');
    addition.notes.append(entry->note());
  }
  auto append = [&](SqliteConnection& db) {
    return db.Prepare(kAppend)
        .BindInt64(addition.end.commits)
        .BindInt64(end_.entries + 1)
        .BindInt64(static_cast<int64_t>(entries.size()))
        .BindInt64(absl::ToUnixMicros(time))
        .BindText(addition.end.hash)
        .BindBlob(addition.texts)
        .BindBlob(addition.notes)
        .Run();
  };
  // Nobody else waits for this thread: what it uses stays until it is told.
  absl::Status status = database_->WriteBlocking(
      addition.texts.size() + addition.notes.size(), append);
  if (status.ok()) {
    Take(std::move(addition));
  } else {
    attempted_ = std::move(addition);
  }
  return status;
}

absl::StatusOr<bool> LedgerLog::Settle() {
  if (!attempted_.has_value()) return false;
  // As a writer, who is told if the file is not in its place.
  GATEWAY_ASSIGN_OR_RETURN(end_, database_->WriteBlocking(0, FindEnd));
  Addition attempted = *std::exchange(attempted_, std::nullopt);
  const bool is_there = end_.hash == attempted.end.hash;
  if (is_there) Take(std::move(attempted));
  return is_there;
}

absl::Status LedgerLog::Read(int64_t first_commit, VisitCommit visit) const {
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

absl::Status ReadLedgerFile(const std::string& path, VisitCommit visit) {
  GATEWAY_ASSIGN_OR_RETURN(
      const std::unique_ptr<SqliteConnection> db,
      SqliteConnection::Open(path, SqliteConnection::Access::kReadOnly,
                             kReadTimeout));
  GATEWAY_RETURN_IF_ERROR(CheckSchema(*db, LedgerLog::Schema()));
  GATEWAY_ASSIGN_OR_RETURN(const int64_t last, LastNumber(*db));
  LoadedCommit loaded;
  for (int64_t number = 1; number <= last; ++number) {
    GATEWAY_RETURN_IF_ERROR(Load(*db, number, &loaded));
    GATEWAY_RETURN_IF_ERROR(visit(loaded.commit));
  }
  return absl::OkStatus();
}

}  // namespace gateway
