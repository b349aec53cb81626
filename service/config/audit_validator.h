// What a configuration says of the audit log: whether that can be, and what it
// comes to.
//
//   CheckAudit(config, places, &problems);
//   ...
//   Open(PathBeside(config_file, AuditFile(config)));
//
// Thread-safe: plain functions.

#ifndef SERVICE_CONFIG_AUDIT_VALIDATOR_H_
#define SERVICE_CONFIG_AUDIT_VALIDATOR_H_

#include <string>

#include "llmgateway/config/v1/config.pb.h"
#include "service/audit/redaction/body_redactor.h"
#include "service/config/config_problem.h"

namespace gateway {

// The audit log's file, which counts from the variable HOME if it begins with
// `~/`, and otherwise from the configuration file's folder if it does not begin
// with `/`; empty if there is none.
std::string AuditFile(const llmgateway::config::v1::GatewayConfig& config);

// What is taken out of bodies. REQUIRES: defaults have been applied.
RedactionSettings RedactionSettingsOf(
    const llmgateway::config::v1::AuditRedaction& config);

// Adds what is wrong with `config.audit()`. Warns of bodies that are kept for
// all to read who have the file. REQUIRES: defaults have been applied.
void CheckAudit(const llmgateway::config::v1::GatewayConfig& config,
                const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_AUDIT_VALIDATOR_H_
