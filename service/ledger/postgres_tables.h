// The tables of a ledger in PostgreSQL, as statements. All of them name tables
// without a schema: a session's search_path has it.
//
// Thread-safe: plain functions.

#ifndef SERVICE_LEDGER_POSTGRES_TABLES_H_
#define SERVICE_LEDGER_POSTGRES_TABLES_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/postgres/postgres_connection.h"

namespace gateway {

// As PreparePostgresTables and CheckPostgresTables
// (service/postgres/postgres_schema.h) of a ledger's.
absl::Status MakeLedgerTables(PostgresConnection& db, std::string_view schema,
                              absl::Duration timeout);
absl::Status CheckLedgerTables(PostgresConnection& db, std::string_view schema,
                               absl::Duration timeout);

// Makes the partition of commits for the month of this time, if it is not
// there.
absl::Status MakePartition(PostgresConnection& db, absl::Time time,
                           absl::Duration timeout);

// The partition's name: `commits_2026_11`.
std::string PartitionOf(absl::Time time);

}  // namespace gateway

#endif  // SERVICE_LEDGER_POSTGRES_TABLES_H_
