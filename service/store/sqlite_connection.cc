#include "service/store/sqlite_connection.h"

#include <sqlite3.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

// SQLite reads some names, such as `:memory:` and `file:a?mode=ro`, as
// something else than files.
std::string AsFileName(const std::string& path) {
  return path.starts_with('/') ? path : absl::StrCat("./", path);
}

std::string_view AsView(const void* data, int size) {
  return std::string_view(static_cast<const char*>(data),
                          static_cast<size_t>(size));
}

// A null pointer would bind NULL, which is something else than empty.
const char* NeverNull(std::string_view bytes) {
  return bytes.data() == nullptr ? "" : bytes.data();
}

}  // namespace

SqliteStatement::SqliteStatement(SqliteConnection& connection, SqlText sql,
                                 sqlite3_stmt* statement, absl::Status status)
    : connection_(&connection),
      sql_(sql.c_str()),
      statement_(statement),
      status_(std::move(status)) {}

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      sql_(other.sql_),
      statement_(std::exchange(other.statement_, nullptr)),
      status_(std::move(other.status_)),
      bound_(other.bound_),
      at_end_(other.at_end_) {}

SqliteStatement::~SqliteStatement() {
  if (statement_ != nullptr) connection_->TakeBack(sql_, statement_);
}

void SqliteStatement::Check(int code) {
  if (code != SQLITE_OK && status_.ok()) status_ = connection_->Failure(code);
}

SqliteStatement& SqliteStatement::BindText(std::string_view text) {
  if (statement_ != nullptr) {
    Check(sqlite3_bind_text64(statement_, ++bound_, NeverNull(text),
                              text.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  return *this;
}

SqliteStatement& SqliteStatement::BindBlob(std::string_view bytes) {
  if (statement_ != nullptr) {
    Check(sqlite3_bind_blob64(statement_, ++bound_, NeverNull(bytes),
                              bytes.size(), SQLITE_STATIC));
  }
  return *this;
}

SqliteStatement& SqliteStatement::BindInt64(int64_t number) {
  if (statement_ != nullptr) {
    Check(sqlite3_bind_int64(statement_, ++bound_, number));
  }
  return *this;
}

SqliteStatement& SqliteStatement::BindNull() {
  if (statement_ != nullptr) Check(sqlite3_bind_null(statement_, ++bound_));
  return *this;
}

absl::StatusOr<bool> SqliteStatement::Step() {
  if (!status_.ok()) return status_;
  if (at_end_) return false;  // Another step would begin anew.
  assert(bound_ == sqlite3_bind_parameter_count(statement_));
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  at_end_ = true;
  if (code == SQLITE_DONE) return false;
  Check(code);
  return status_;
}

absl::Status SqliteStatement::Run() {
  while (true) {
    GATEWAY_ASSIGN_OR_RETURN(const bool row, Step());
    if (!row) return absl::OkStatus();
  }
}

std::string_view SqliteStatement::Text(int column) const {
  const void* const data = sqlite3_column_text(statement_, column);
  return AsView(data, sqlite3_column_bytes(statement_, column));
}

std::string_view SqliteStatement::Blob(int column) const {
  const void* const data = sqlite3_column_blob(statement_, column);
  return AsView(data, sqlite3_column_bytes(statement_, column));
}

int64_t SqliteStatement::Int64(int column) const {
  return sqlite3_column_int64(statement_, column);
}

bool SqliteStatement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

absl::StatusOr<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(
    const std::string& path, Access access, absl::Duration busy_timeout) {
  std::unique_ptr<SqliteConnection> connection(
      new SqliteConnection(path, busy_timeout));
  const int flags = access == Access::kReadWrite ? SQLITE_OPEN_READWRITE
                                                 : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(
      AsFileName(path).c_str(), &connection->db_,
      flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code != SQLITE_OK) return connection->Failure(code);
  connection->Configure();
  // A file that may not be written is opened for reading without a word.
  if (access == Access::kReadWrite &&
      sqlite3_db_readonly(connection->db_, "main") != 0) {
    return connection->Failure(SQLITE_READONLY);
  }
  return connection;
}

SqliteConnection::SqliteConnection(std::string path,
                                   absl::Duration busy_timeout)
    : path_(std::move(path)), busy_timeout_(busy_timeout) {}

SqliteConnection::~SqliteConnection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  [[maybe_unused]] const int code = sqlite3_close(db_);
  assert(code != SQLITE_BUSY);
}

// What is in the file has no say in what runs.
void SqliteConnection::Configure() {
  sqlite3_busy_timeout(
      db_, static_cast<int>(absl::ToInt64Milliseconds(busy_timeout_)));
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  MoveLogAtEnd(false);
}

void SqliteConnection::MoveLogAtEnd(bool move) {
  sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, move ? 0 : 1,
                    nullptr);
}

SqliteStatement SqliteConnection::Prepare(SqlText sql) {
  if (auto kept = statements_.extract(sql.c_str()); !kept.empty()) {
    return SqliteStatement(*this, sql, kept.mapped(), absl::OkStatus());
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(
      db_, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  return SqliteStatement(*this, sql, statement, PrepareFailure(code));
}

absl::Status SqliteConnection::PrepareFailure(int code) const {
  if (code == SQLITE_OK) return absl::OkStatus();
  if (code != SQLITE_ERROR) return Failure(code);
  // Statements are constants that the tests have compiled: the tables are not
  // those that their version says.
  return absl::DataLossError(absl::StrCat(
      path_, ": is damaged: ", sqlite3_errmsg(db_),
      "; restore it from a backup (it is left as it is)"));
}

void SqliteConnection::TakeBack(const char* sql, sqlite3_stmt* statement) {
  sqlite3_reset(statement);  // Says again what the last step has said.
  sqlite3_clear_bindings(statement);
  // Not kept where the same was in use twice at once.
  if (!statements_.emplace(sql, statement).second) sqlite3_finalize(statement);
}

absl::StatusOr<int64_t> SqliteConnection::ReadInt64(SqlText sql) {
  SqliteStatement statement = Prepare(sql);
  GATEWAY_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) {
    return absl::InternalError(
        absl::StrCat(path_, ": no row of: ", sql.c_str()));
  }
  return statement.Int64(0);
}

absl::Status SqliteConnection::ExecuteScript(SqlText sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Failure(code);
}

absl::Status SqliteConnection::SetPragma(SqlText name, int64_t number) {
  const std::string sql = absl::StrCat("PRAGMA ", name.c_str(), "=", number);
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Failure(code);
}

int64_t SqliteConnection::changes() const { return sqlite3_changes64(db_); }

bool SqliteConnection::in_transaction() const {
  return sqlite3_get_autocommit(db_) == 0;
}

absl::Status SqliteConnection::Failure(int code) const {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::UnavailableError(
          absl::StrCat(path_, ": another process has held its lock for ",
                       absl::FormatDuration(busy_timeout_),
                       "; end that process, or give each a file of its own"));
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(
          absl::StrCat(path_,
                       ": cannot grow: its disk is full, or it has reached its "
                       "limit; free space, or raise the limit"));
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return absl::PermissionDeniedError(absl::StrCat(
          path_,
          ": may not be written; give the user that the gateway runs as "
          "the right to write it and its folder"));
    case SQLITE_NOTADB:
      return absl::DataLossError(absl::StrCat(
          path_,
          ": is no SQLite database, or its beginning is damaged; give "
          "another path, or restore it from a backup (it is left as it is)"));
    case SQLITE_CORRUPT:
      return absl::DataLossError(
          absl::StrCat(path_, ": is damaged: ", sqlite3_errstr(code),
                       "; restore it from a backup (it is left as it is)"));
    case SQLITE_CONSTRAINT:
      return code == SQLITE_CONSTRAINT_UNIQUE ||
                     code == SQLITE_CONSTRAINT_PRIMARYKEY
                 ? absl::AlreadyExistsError(
                       absl::StrCat(path_, ": ", sqlite3_errmsg(db_)))
                 : absl::FailedPreconditionError(
                       absl::StrCat(path_, ": ", sqlite3_errmsg(db_)));
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return OfSystem(code);
    default:
      return absl::InternalError(absl::StrCat(
          path_, ": ",
          db_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db_)));
  }
}

int SqliteConnection::SystemError() const {
  if (db_ == nullptr) return 0;
  int error = sqlite3_system_errno(db_);
  if (error != 0) return error;
  // A failed COMMIT leaves it with the log's file alone.
  sqlite3_file* log = nullptr;
  if (sqlite3_file_control(db_, "main", SQLITE_FCNTL_JOURNAL_POINTER,
                           static_cast<void*>(&log)) == SQLITE_OK &&
      log != nullptr && log->pMethods != nullptr) {
    log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error);
  }
  return error;
}

absl::Status SqliteConnection::OfSystem(int code) const {
  const int error = SystemError();
  const std::string message =
      absl::StrCat(path_, ": ", sqlite3_errstr(code), error == 0 ? "" : ": ",
                   error == 0 ? "" : strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    case EFBIG:
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(
          absl::StrCat(message, "; free space, or raise the limit"));
    default:
      return absl::InternalError(message);
  }
}

SqliteTransaction::~SqliteTransaction() {
  if (!connection_.in_transaction()) return;
  // What cannot be rolled back is by the end of the process, at the latest:
  // nothing of it was committed.
  connection_.Execute("ROLLBACK").IgnoreError();
}

}  // namespace gateway
