// PostgresDatabase says where the database is that replicas share, and in which
// schema of it our tables are.
//
//   const PostgresDatabase database = {
//       .connection = {.conninfo = "host=db dbname=ledger"},
//       .schema = "llm_gateway"};
//   GATEWAY_ASSIGN_OR_RETURN(
//       const std::unique_ptr<PostgresConnection> db,
//       ConnectTo(database, "llm-gateway records", database.timeout));
//
// Thread-safe: plain functions. They block.

#ifndef SERVICE_POSTGRES_POSTGRES_DATABASE_H_
#define SERVICE_POSTGRES_POSTGRES_DATABASE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/postgres/postgres_connection.h"
#include "base/secret.h"

namespace gateway {

struct PostgresDatabase {
  PostgresConnection::Options connection;
  // Where the password is exchanged while sessions stand: says what takes the
  // place of `connection.password`. Asked by each session that begins, on any
  // thread. Null where it stays.
  std::function<Secret()> password = nullptr;
  // Of small letters, digits and `_`, no digit first.
  std::string schema = "llm_gateway";
  // Of each statement.
  absl::Duration timeout = absl::Seconds(5);
};

// A session that may write, and whose statements name tables without their
// schema. No statement of it is done behind a loss of power, or while another
// waits, whatever the user's, the database's or the server's defaults are.
// `application` is what pg_stat_activity calls it. Errors are those of
// PostgresConnection.
absl::StatusOr<std::unique_ptr<PostgresConnection>> ConnectTo(
    const PostgresDatabase& database, const std::string& application,
    absl::Duration timeout);

}  // namespace gateway

#endif  // SERVICE_POSTGRES_POSTGRES_DATABASE_H_
