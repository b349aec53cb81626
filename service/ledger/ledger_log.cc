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
    texts BLOB NOT NULL
  ) STRICT;
)sql";

constexpr SqlText kAppend =
    "INSERT INTO commits "
    "(number, first_entry, entries, time_us, last_hash, texts) "
    "VALUES (?, ?, ?, ?, ?, ?)";
constexpr SqlText kLast =
    "SELECT number, first_entry, entries, time_us, last_hash, texts "
    "FROM commits ORDER BY number DESC LIMIT 1";
// One after the other, so that who reads all of a ledger holds one commit.
constexpr SqlText kLoad =
    "SELECT first_entry, entries, time_us, texts FROM commits "
    "WHERE number = ?";
// For a lock of whoever writes.
constexpr absl::Duration kReadTimeout = absl::Seconds(10);

struct LoadedCommit {
  LedgerCommit commit;
  std::string texts;
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
  loaded->commit = {.number = number,
                    .first_entry = select.Int64(0),
                    .entries = select.Int64(1),
                    .time = absl::FromUnixMicros(select.Int64(2)),
                    .texts = loaded->texts};
  return absl::OkStatus();
}

absl::Status Damaged(const SqliteConnection& db, int64_t commit,
                     std::string_view what) {
  return absl::DataLossError(
      absl::StrCat(db.path(), ": the ledger's last commit, number ", commit,
                   ", ", ToAbsl(what),
                   "; restore the file from a backup, or move it away and "
                   "begin a new ledger"));
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
  if (!fault.empty()) return Damaged(db, end.commits, fault);
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
  std::unique_ptr<LedgerLog> log(new LedgerLog(std::move(database)));
  GATEWAY_ASSIGN_OR_RETURN(log->end_, log->database_->ReadBlocking(0, FindEnd));
  return log;
}

absl::Status LedgerLog::Append(absl::Span<const UnchainedEntry* const> entries,
                               absl::Time time) {
  assert(!entries.empty() && !attempted_.has_value());
  std::string texts;
  size_t bytes = 0;
  for (const UnchainedEntry* const entry : entries) {
    bytes += entry->chained_bytes() + 1;
  }
  texts.reserve(bytes);
  std::string hash = end_.hash;
  for (const UnchainedEntry* const entry : entries) {
    entry->AppendChained(&hash, &texts);
    texts.push_back('\n');
  }
  LedgerEnd end = {
      .commits = end_.commits + 1,
      .entries = end_.entries + static_cast<int64_t>(entries.size()),
      .hash = std::move(hash)};
  auto append = [&](SqliteConnection& db) {
    return db.Prepare(kAppend)
        .BindInt64(end.commits)
        .BindInt64(end_.entries + 1)
        .BindInt64(static_cast<int64_t>(entries.size()))
        .BindInt64(absl::ToUnixMicros(time))
        .BindText(end.hash)
        .BindBlob(texts)
        .Run();
  };
  // Nobody else waits for this thread: what it uses stays until it is told.
  absl::Status status = database_->WriteBlocking(texts.size(), append);
  (status.ok() ? end_ : attempted_.emplace()) = std::move(end);
  return status;
}

absl::StatusOr<bool> LedgerLog::Settle() {
  if (!attempted_.has_value()) return false;
  // As a writer, who is told if the file is not in its place.
  GATEWAY_ASSIGN_OR_RETURN(end_, database_->WriteBlocking(0, FindEnd));
  return end_.hash == std::exchange(attempted_, std::nullopt)->hash;
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
