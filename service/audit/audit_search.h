// How an AuditStore finds and reads entries, on the thread of its database.
//
//   GATEWAY_ASSIGN_OR_RETURN(AuditPage page, SearchEntries(db, query));
//
// Thread-compatible: plain functions, which block on the file system.

#ifndef SERVICE_AUDIT_AUDIT_SEARCH_H_
#define SERVICE_AUDIT_AUDIT_SEARCH_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "service/audit/audit_store.h"
#include "service/store/sqlite_connection.h"

namespace gateway {

absl::StatusOr<AuditPage> SearchEntries(SqliteConnection& db,
                                        const AuditQuery& query);

// NOT_FOUND if there is none of this id.
absl::StatusOr<AuditEntry> ReadEntry(SqliteConnection& db, int64_t id,
                                     bool bodies, const BodyCipher* cipher);

}  // namespace gateway

#endif  // SERVICE_AUDIT_AUDIT_SEARCH_H_
