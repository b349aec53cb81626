#include "service/postgres/postgres_database.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

std::string SessionSettings(const PostgresDatabase& database) {
  const int64_t wait = absl::ToInt64Milliseconds(database.timeout);
  return absl::StrCat(
      "SET search_path TO \"", database.schema,
      "\", pg_catalog; "
      "SET default_transaction_isolation TO 'read committed'; "
      "SET statement_timeout TO 0; "
      "SET lock_timeout TO ",
      wait,
      "; "
      "SET idle_in_transaction_session_timeout TO ",
      2 * wait,
      "; "
      // A replica whose machine has gone keeps its locks for no longer.
      "SET tcp_keepalives_idle TO 10; SET tcp_keepalives_interval TO 5; "
      "SET tcp_keepalives_count TO 3; "
      // What is said to be committed is on the disk.
      "SELECT set_config('synchronous_commit', 'on', false) "
      "WHERE current_setting('synchronous_commit') = 'off'");
}

}  // namespace

absl::StatusOr<std::unique_ptr<PostgresConnection>> ConnectTo(
    const PostgresDatabase& database, const std::string& application,
    absl::Duration timeout) {
  PostgresConnection::Options connection = database.connection;
  if (database.password != nullptr) connection.password = database.password();
  connection.defaults.emplace_back("application_name", application);
  connection.defaults.emplace_back("target_session_attrs", "read-write");
  connection.defaults.emplace_back("client_encoding", "UTF8");
  GATEWAY_ASSIGN_OR_RETURN(std::unique_ptr<PostgresConnection> db,
                           PostgresConnection::Connect(connection, timeout));
  GATEWAY_RETURN_IF_ERROR(db->Execute(SessionSettings(database), timeout));
  return db;
}

}  // namespace gateway
