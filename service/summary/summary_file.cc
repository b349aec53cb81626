#include "service/summary/summary_file.h"

#include <cstddef>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "service/store/sqlite_connection.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;

// "LMG" and the kind: sums of calls.
constexpr int32_t kSummaryApplicationId = 0x4c4d4704;

// An hour is counted from 1970, as UTC has it; the least number there is stands
// for all that is not kept by the hour any more. `counting` has one row.
constexpr SqlText kMakeTables = R"sql(
  CREATE TABLE sums (
    hour INTEGER NOT NULL,
    agent_type TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    project_id TEXT NOT NULL,
    caller TEXT NOT NULL,
    caller_has_key INTEGER NOT NULL,
    succeeded INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    reused INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_usd_nanos INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    PRIMARY KEY (hour, agent_type, provider, model, project_id, caller,
                 caller_has_key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE capabilities (
    hour INTEGER NOT NULL,
    capability INTEGER NOT NULL,  -- The number of a bit.
    calls INTEGER NOT NULL,
    PRIMARY KEY (hour, capability)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE counting (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    since_us INTEGER NOT NULL  -- Since 1970.
  ) STRICT;
)sql";

constexpr SqlText kPutSums =
    "INSERT OR REPLACE INTO sums VALUES "
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
// The columns that ReadSums reads, in its order.
constexpr SqlText kSums =
    "SELECT hour, agent_type, provider, model, project_id, caller, "
    "caller_has_key, succeeded, failed, cancelled, reused, input_tokens, "
    "output_tokens, cached_input_tokens, cache_write_tokens, "
    "reasoning_tokens, cost_usd_nanos, unpriced, estimated, duration_us "
    "FROM sums";
constexpr int kFirstFigure = 7;

constexpr SqlText kPutCapability =
    "INSERT OR REPLACE INTO capabilities VALUES (?, ?, ?)";
constexpr SqlText kCapabilities =
    "SELECT hour, capability, calls FROM capabilities";
constexpr SqlText kPutSince = "INSERT OR REPLACE INTO counting VALUES (1, ?)";
constexpr SqlText kSince = "SELECT since_us FROM counting";

absl::Status PutSums(SqliteConnection& db, const SummaryRow& row) {
  SqliteStatement put = db.Prepare(kPutSums);
  put.BindInt64(row.hour)
      .BindText(row.agent_type)
      .BindText(row.provider)
      .BindText(row.model)
      .BindText(row.project_id)
      .BindText(row.caller)
      .BindInt64(row.caller_has_key ? 1 : 0);
  for (size_t i = 0; i < kFigures; ++i) {
    put.BindInt64(row.totals[static_cast<Figure>(i)]);
  }
  return put.Run();
}

SummaryRow ReadSums(const SqliteStatement& from) {
  SummaryRow row = {.hour = from.Int64(0),
                    .agent_type = std::string(from.Text(1)),
                    .provider = std::string(from.Text(2)),
                    .model = std::string(from.Text(3)),
                    .project_id = std::string(from.Text(4)),
                    .caller = std::string(from.Text(5)),
                    .caller_has_key = from.Int64(6) != 0};
  for (size_t i = 0; i < kFigures; ++i) {
    row.totals.Add(static_cast<Figure>(i),
                   from.Int64(kFirstFigure + static_cast<int>(i)));
  }
  return row;
}

absl::Status WriteChanges(SqliteConnection& db, const SummaryChanges& changes) {
  if (changes.replaces_all) {
    GATEWAY_RETURN_IF_ERROR(db.Execute("DELETE FROM sums"));
    GATEWAY_RETURN_IF_ERROR(db.Execute("DELETE FROM capabilities"));
  }
  for (const int64_t hour : changes.expired) {
    GATEWAY_RETURN_IF_ERROR(
        db.Prepare("DELETE FROM sums WHERE hour = ?").BindInt64(hour).Run());
    GATEWAY_RETURN_IF_ERROR(
        db.Prepare("DELETE FROM capabilities WHERE hour = ?")
            .BindInt64(hour)
            .Run());
  }
  for (const SummaryRow& row : changes.rows) {
    GATEWAY_RETURN_IF_ERROR(PutSums(db, row));
  }
  for (const CapabilityCount& row : changes.capabilities) {
    GATEWAY_RETURN_IF_ERROR(db.Prepare(kPutCapability)
                                .BindInt64(row.hour)
                                .BindInt64(row.capability)
                                .BindInt64(row.calls)
                                .Run());
  }
  return db.Prepare(kPutSince)
      .BindInt64(absl::ToUnixMicros(changes.since))
      .Run();
}

absl::Status Load(SqliteConnection& db, SummaryHistory* history) {
  {
    SqliteStatement since = db.Prepare(kSince);
    GATEWAY_ASSIGN_OR_RETURN(const bool found, since.Step());
    if (found) {
      history->RestoreSince(absl::FromUnixMicros(since.Int64(0)));
    }
  }
  SqliteStatement sums = db.Prepare(kSums);
  while (true) {
    GATEWAY_ASSIGN_OR_RETURN(const bool row, sums.Step());
    if (!row) break;
    history->Restore(ReadSums(sums));
  }
  SqliteStatement capabilities = db.Prepare(kCapabilities);
  while (true) {
    GATEWAY_ASSIGN_OR_RETURN(const bool row, capabilities.Step());
    if (!row) return absl::OkStatus();
    history->Restore(CapabilityCount{.hour = capabilities.Int64(0),
                                     .capability = capabilities.Int64(1),
                                     .calls = capabilities.Int64(2)});
  }
}

// What is wrong with a file of ours whose tables take less than they were made
// to take is the file.
absl::Status AsDamage(const absl::Status& status) {
  const bool is_refused =
      absl::IsFailedPrecondition(status) || absl::IsAlreadyExists(status);
  return is_refused ? absl::DataLossError(status.message()) : status;
}

void PutAside(const std::string& path, absl::Time now,
              const absl::Status& why) {
  const std::string kept_as = absl::StrCat(
      path, ".damaged-",
      absl::FormatTime("%Y%m%dT%H%M%E3SZ", now, absl::UTCTimeZone()));
  std::error_code ignored;  // One that stays is damaged the next time, too.
  for (const char* const part : {"", "-wal", "-shm"}) {
    fs::rename(absl::StrCat(path, part), absl::StrCat(kept_as, part), ignored);
  }
  Log(LogLevel::kError, "state", "the sums of calls begin anew",
      {{"file", path}, {"kept_as", kept_as}, {"error", why}});
}

}  // namespace

SqliteSchema SummaryFile::Schema() {
  return {.contents = "sums of calls",
          .application_id = kSummaryApplicationId,
          .migrations = {kMakeTables}};
}

absl::StatusOr<std::unique_ptr<SummaryFile>> SummaryFile::Open(
    const std::string& path, absl::Time now, SummaryHistory* history) {
  const absl::Time since = history->since();
  absl::StatusOr<std::unique_ptr<SummaryFile>> file = OpenOnce(path, history);
  if (absl::IsDataLoss(file.status())) {
    PutAside(path, now, file.status());
    *history = history->Anew(since);
    file = OpenOnce(path, history);
  }
  if (!file.ok()) *history = history->Anew(since);
  return file;
}

absl::StatusOr<std::unique_ptr<SummaryFile>> SummaryFile::OpenOnce(
    const std::string& path, SummaryHistory* history) {
  GATEWAY_ASSIGN_OR_RETURN(
      std::unique_ptr<SqliteDatabase> database,
      SqliteDatabase::Open({.path = path,
                            .schema = SummaryFile::Schema(),
                            .sync = SqliteSync::kNormal,
                            .thread_name = "summary"}));
  std::unique_ptr<SummaryFile> file(new SummaryFile(std::move(database)));
  auto load = [history](SqliteConnection& db) { return Load(db, history); };
  GATEWAY_RETURN_IF_ERROR(file->database_->ReadBlocking(0, load));
  // Says since when, for the next start.
  GATEWAY_RETURN_IF_ERROR(AsDamage(file->Write({.since = history->since()})));
  return file;
}

absl::Status SummaryFile::Write(const SummaryChanges& changes) {
  auto write = [&changes](SqliteConnection& db) {
    return WriteChanges(db, changes);
  };
  // Nobody else waits for this thread: what it uses stays until it is told.
  return database_->WriteBlocking(0, write);
}

}  // namespace gateway
