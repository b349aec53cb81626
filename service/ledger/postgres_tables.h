// The tables of a ledger in PostgreSQL, as statements. All of them name tables
// without a schema: a session's search_path has it.
//
// Thread-safe: plain functions.

#ifndef SERVICE_LEDGER_POSTGRES_TABLES_H_
#define SERVICE_LEDGER_POSTGRES_TABLES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/postgres/postgres_connection.h"

namespace gateway {

// Makes the tables of this version, or brings those of an earlier one to it, if
// they are not: others who do the same wait. FAILED_PRECONDITION if they are of
// a later version.
absl::Status MakePostgresTables(PostgresConnection& db, std::string_view schema,
                                absl::Duration timeout);

// Whether they are of this version. NOT_FOUND if there are none.
absl::Status CheckPostgresTables(PostgresConnection& db,
                                 std::string_view schema,
                                 absl::Duration timeout);

// Makes the partition of commits for the month of this time, if it is not
// there.
absl::Status MakePartition(PostgresConnection& db, absl::Time time,
                           absl::Duration timeout);

// The partition's name: `commits_2026_11`.
std::string PartitionOf(absl::Time time);

}  // namespace gateway

#endif  // SERVICE_LEDGER_POSTGRES_TABLES_H_
