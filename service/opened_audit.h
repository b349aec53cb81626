// Opens the audit log (service/audit) that a configuration asks for.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       const std::unique_ptr<AuditLog> audit,
//       OpenAudit(*config, "/etc/llm-gateway/gateway.yaml", environment,
//                 registry));
//
// Thread-safe: a plain function.

#ifndef SERVICE_OPENED_AUDIT_H_
#define SERVICE_OPENED_AUDIT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/audit/audit_log.h"
#include "service/config/environment.h"
#include "service/config/snapshot.h"
#include "service/observability/metrics.h"

namespace gateway {

// Null if there is none. Blocks. `config_file` is the configuration file's
// path. Its metrics are in `registry`, which is read only while it lives.
// Errors name the field at fault.
absl::StatusOr<std::unique_ptr<AuditLog>> OpenAudit(
    const ConfigSnapshot& config, const std::string& config_file,
    const Environment& environment, MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_OPENED_AUDIT_H_
