// SqliteConnection is one connection to an SQLite database, and SqliteStatement
// a prepared statement of it, with typed parameters and columns.
//
//   SqliteStatement select = db.Prepare(
//       "SELECT version, value FROM records WHERE key = ?");
//   select.BindBlob(key);
//   GATEWAY_ASSIGN_OR_RETURN(const bool found, select.Step());
//   if (found) Take(select.Int64(0), select.Blob(1));
//
//   GATEWAY_RETURN_IF_ERROR(
//       db.Prepare("DELETE FROM records WHERE key = ?").BindBlob(key).Run());
//
// The text of a statement is a constant of the program, which the compiler
// checks: what comes from outside is bound, never joined into SQL. A statement
// is compiled once for each connection and kept for the next use.
//
// Errors name the file, never what is stored in it:
//
//   DATA_LOSS            the file is damaged, or no database, or has not the
//                        tables that a statement names
//   NOT_FOUND            it, or its folder, is not there
//   PERMISSION_DENIED    it may not be read or written
//   RESOURCE_EXHAUSTED   its disk is full, or it has grown to its limit
//   UNAVAILABLE          another process holds its lock
//   ALREADY_EXISTS       a statement would break a UNIQUE constraint
//   FAILED_PRECONDITION  it would break another constraint
//   INTERNAL             anything else: the disk, or a mistake of ours
//
// Thread-compatible: one thread at a time. All that is called blocks on the
// file system: not for event loops.

#ifndef SERVICE_STORE_SQLITE_CONNECTION_H_
#define SERVICE_STORE_SQLITE_CONNECTION_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace gateway {

class SqliteConnection;

// The text of SQL, which can be made of a constant alone.
class SqlText {
 public:
  consteval SqlText(const char* text) : text_(text) {}  // NOLINT: implicit.

  const char* c_str() const { return text_; }

 private:
  const char* text_;
};

// One use of a statement: bind its parameters in their order, then step through
// its rows. What is bound, and what a column shows, is borrowed: the former
// until the statement is destroyed, the latter until the next Step.
class SqliteStatement {
 public:
  SqliteStatement(SqliteStatement&& other) noexcept;
  ~SqliteStatement();

  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  // Each binds the next parameter. What goes wrong is told by Step.
  SqliteStatement& BindText(std::string_view text);
  SqliteStatement& BindBlob(std::string_view bytes);
  SqliteStatement& BindInt64(int64_t number);
  SqliteStatement& BindNull();

  // Returns whether there is another row, whose columns can be read then.
  // REQUIRES: all parameters are bound.
  absl::StatusOr<bool> Step();
  // Steps to the end.
  absl::Status Run();

  // REQUIRES: Step has returned true last; `column`, from 0, is one of the
  // statement's. NULL is read as empty, or zero.
  std::string_view Text(int column) const;
  std::string_view Blob(int column) const;
  int64_t Int64(int column) const;
  bool IsNull(int column) const;

 private:
  friend class SqliteConnection;

  SqliteStatement(SqliteConnection& connection, SqlText sql,
                  sqlite3_stmt* statement, absl::Status status);
  void Check(int code);

  SqliteConnection* connection_;  // Null once moved from.
  const char* sql_;
  sqlite3_stmt* statement_;  // Null if it could not be prepared.
  absl::Status status_;      // The first thing that went wrong.
  int bound_ = 0;
  bool at_end_ = false;
};

class SqliteConnection {
 public:
  enum class Access { kReadOnly, kReadWrite };

  // Opens a file that is there. A lock of another process is waited for at most
  // `busy_timeout`, here and by all that is called.
  static absl::StatusOr<std::unique_ptr<SqliteConnection>> Open(
      const std::string& path, Access access, absl::Duration busy_timeout);

  // REQUIRES: no statement of it is left.
  ~SqliteConnection();

  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  // Where it cannot be compiled, the statement's Step says why.
  SqliteStatement Prepare(SqlText sql);
  // A statement without parameters, to its end.
  absl::Status Execute(SqlText sql) { return Prepare(sql).Run(); }
  // The number in the first column of the only row.
  absl::StatusOr<int64_t> ReadInt64(SqlText sql);
  // Several statements, none of which is kept.
  absl::Status ExecuteScript(SqlText sql);
  // `PRAGMA name=number`, whose number cannot be bound.
  absl::Status SetPragma(SqlText name, int64_t number);

  // Whether the log is moved into the file and removed, if this is the last
  // connection to it that is closed. Not by default.
  void MoveLogAtEnd(bool move);

  // How many rows the last INSERT, UPDATE or DELETE has changed.
  int64_t changes() const;
  // False outside of a transaction; some failures end it.
  bool in_transaction() const;
  const std::string& path() const { return path_; }

 private:
  friend class SqliteStatement;

  SqliteConnection(std::string path, absl::Duration busy_timeout);
  void Configure();
  // What the failure `code` of SQLite is, as a status.
  absl::Status Failure(int code) const;
  // OK if `code`, that of a statement that was compiled, is.
  absl::Status PrepareFailure(int code) const;
  absl::Status OfSystem(int code) const;
  // What the system has said of the last failure, as errno; 0 if nothing.
  int SystemError() const;
  void TakeBack(const char* sql, sqlite3_stmt* statement);

  const std::string path_;
  const absl::Duration busy_timeout_;
  sqlite3* db_ = nullptr;
  // Those that nobody uses now, by their text; bounded by the program's.
  std::map<std::string_view, sqlite3_stmt*> statements_;
};

// A transaction, which is rolled back unless it is committed.
//
//   SqliteTransaction transaction(db);
//   GATEWAY_RETURN_IF_ERROR(transaction.Begin("BEGIN IMMEDIATE"));
//   ...
//   return transaction.Commit();
class SqliteTransaction {
 public:
  explicit SqliteTransaction(SqliteConnection& connection)
      : connection_(connection) {}
  ~SqliteTransaction();

  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;

  absl::Status Begin(SqlText how) { return connection_.Execute(how); }
  absl::Status Commit() { return connection_.Execute("COMMIT"); }

 private:
  SqliteConnection& connection_;
};

}  // namespace gateway

#endif  // SERVICE_STORE_SQLITE_CONNECTION_H_
