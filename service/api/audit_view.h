// The audit log's entries as operators see them, and what they search for as it
// understands it.
//
//   GATEWAY_ASSIGN_OR_RETURN(const AuditQuery query,
//                            AuditQueryOf(request, page_size));
//   FillAuditEntry(entry, response->add_entries());
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_AUDIT_VIEW_H_
#define SERVICE_API_AUDIT_VIEW_H_

#include <string>

#include "absl/status/statusor.h"
#include "llmgateway/v1/audit.pb.h"
#include "service/audit/audit_entry.h"
#include "service/audit/audit_store.h"

namespace gateway {

void FillAuditEntry(const AuditEntry& from, llmgateway::v1::AuditEntry* to);

// INVALID_REQUEST names the field.
absl::StatusOr<AuditFilter> AuditFilterOf(
    const llmgateway::v1::AuditFilter& filter);

// A place in a search as a page token, and back. INVALID_REQUEST for a text
// that is none.
std::string AuditPageToken(const AuditPlace& place);
absl::StatusOr<AuditPlace> AuditPlaceOf(const std::string& page_token);

}  // namespace gateway

#endif  // SERVICE_API_AUDIT_VIEW_H_
