// PostgresConnection is one session with a PostgreSQL server. It blocks, and
// never longer than it is told: a server that is silent counts as one that is
// away.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       std::unique_ptr<PostgresConnection> db,
//       PostgresConnection::Connect({.conninfo = "host=db dbname=ledger",
//                                    .password = password},
//                                   absl::Seconds(5)));
//   GATEWAY_ASSIGN_OR_RETURN(
//       const PostgresResult found,
//       db->Run("SELECT number, texts FROM commits WHERE chain = $1::int",
//               PostgresParameters().Int64(7), absl::Seconds(5)));
//   for (int row = 0; row < found.rows(); ++row) Show(found.Bytes(row, 1));
//
// Errors. UNAVAILABLE: the server is away, ends, can only be read, or could not
// do it in time; it may work in a moment. RESOURCE_EXHAUSTED: it has no room.
// PERMISSION_DENIED: the user may not. ALREADY_EXISTS: another row has that
// key. INVALID_ARGUMENT for a conninfo that cannot be read; INTERNAL otherwise.
// With is_broken() nobody knows whether the last statement was done; without,
// it was not. Messages are the server's own words, without the values that it
// names and without the password.
//
// Thread-compatible.

#ifndef BASE_POSTGRES_POSTGRES_CONNECTION_H_
#define BASE_POSTGRES_POSTGRES_CONNECTION_H_

#include <postgresql/libpq-fe.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/postgres/conninfo.h"
#include "base/secret.h"

namespace gateway {

// The values of a statement's $1, $2, ...
class PostgresParameters {
 public:
  PostgresParameters& Int64(int64_t value);
  // REQUIRES: no zero byte.
  PostgresParameters& Text(std::string_view value);
  // A bytea. Borrowed until the statement was run.
  PostgresParameters& Bytes(std::string_view value);

 private:
  friend class PostgresConnection;

  std::deque<std::string> texts_;  // Whose addresses stay.
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

// What a statement has returned.
class PostgresResult {
 public:
  explicit PostgresResult(PGresult* result) : result_(result) {}

  int rows() const { return PQntuples(result_.get()); }
  // How many rows it has changed.
  int64_t changed() const;
  bool IsNull(int row, int column) const {
    return PQgetisnull(result_.get(), row, column) != 0;
  }
  // Of a column of the type int8, int4, int2 or bool.
  int64_t Int64(int row, int column) const;
  // Of a text or bytea, as long as the result is there.
  std::string_view Bytes(int row, int column) const;

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

class PostgresConnection {
 public:
  struct Options {
    // Several hosts may be named: each has a part of the time.
    std::string conninfo;
    Secret password{""};
    // Used for what `conninfo` leaves open.
    std::vector<std::pair<std::string, std::string>> defaults;
  };

  static absl::StatusOr<std::unique_ptr<PostgresConnection>> Connect(
      const Options& options, absl::Duration timeout);
  ~PostgresConnection();

  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  // Runs one statement, which is prepared when it is run for the first time.
  // REQUIRES: `sql` is a literal.
  absl::StatusOr<PostgresResult> Run(const char* sql,
                                     const PostgresParameters& parameters,
                                     absl::Duration timeout);
  // Runs one statement that is made up, or several.
  absl::Status Execute(const std::string& sql, absl::Duration timeout);

  // It cannot be used any more.
  bool is_broken() const { return is_broken_; }
  // The server's process, as pg_stat_activity has it.
  int backend_pid() const { return PQbackendPID(connection_); }
  // What keeps others from what goes to this server and comes from it: by where
  // it is and the `sslmode` in force, wherever libpq had both from. Of what may
  // be without TLS another session may be, even if this one is not.
  // REQUIRES: it was connected to.
  ServerTrust trust() const;
  // Where the server is, for messages.
  std::string place() const;

 private:
  using Keywords = std::vector<std::pair<std::string, std::string>>;

  static absl::StatusOr<std::unique_ptr<PostgresConnection>> ConnectTo(
      const Keywords& given, const Secret& secret, absl::Duration timeout);

  PostgresConnection(PGconn* connection, const Secret& password)
      : connection_(connection), password_(password) {}

  // Waits until the socket may be read, or written if `for_writing`.
  absl::Status Await(bool for_writing, absl::Duration deadline);
  absl::Status AwaitConnected(absl::Duration deadline);
  // Sends what was queued, and reads all results; returns the last one, or the
  // first error.
  absl::StatusOr<PostgresResult> Finish(absl::Duration timeout);
  absl::StatusOr<PGresult*> NextResult(absl::Duration deadline);
  absl::Status Prepare(const char* sql, absl::Duration timeout);
  absl::Status Broken(std::string_view what);
  // What libpq says, in one line and without the password.
  std::string Message(const char* text) const;
  absl::Status ErrorOf(const PGresult& result);

  PGconn* const connection_;
  const Secret password_;
  bool is_broken_ = false;
  // The names of the statements that were prepared; and how many were given.
  std::map<const char*, std::string> prepared_;
  int64_t names_ = 0;
};

}  // namespace gateway

#endif  // BASE_POSTGRES_POSTGRES_CONNECTION_H_
