// What a configuration says of the audit log (service/audit), made ready.
//
//   GATEWAY_ASSIGN_OR_RETURN(std::shared_ptr<const AuditPolicy> policy,
//                            AuditPolicyOf(*config));
//
// Thread-safe: plain functions.

#ifndef SERVICE_PIPELINE_CONFIGURED_AUDIT_H_
#define SERVICE_PIPELINE_CONFIGURED_AUDIT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/secret.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/audit/audit_log.h"
#include "service/audit/audit_policy.h"
#include "service/config/snapshot.h"

namespace gateway {

// Null if there is no audit log. INVALID_ARGUMENT names the key that is none.
// Of bodies it takes out the configured secrets, and `former` (FormerSecrets).
// REQUIRES: the configuration has passed validation.
absl::StatusOr<std::shared_ptr<const AuditPolicy>> AuditPolicyOf(
    const ConfigSnapshot& config, const std::vector<Secret>& former = {});

// How the log is opened, in a file whose path is `file`. REQUIRES: there is
// one.
AuditLog::Options AuditOptionsOf(
    const llmgateway::config::v1::AuditConfig& config, std::string file);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CONFIGURED_AUDIT_H_
