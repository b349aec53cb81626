// The tables of an audit log's file, and the order of an entry's columns.

#ifndef SERVICE_AUDIT_AUDIT_SCHEMA_H_
#define SERVICE_AUDIT_AUDIT_SCHEMA_H_

#include "service/store/sqlite_schema.h"

namespace gateway {

SqliteSchema AuditSchema();

// Whose body a row of `bodies` is.
inline constexpr int64_t kRequestPart = 0;
inline constexpr int64_t kResponsePart = 1;

}  // namespace gateway

#endif  // SERVICE_AUDIT_AUDIT_SCHEMA_H_
