// `gatewayctl audit`: finds, shows and exports what the audit log has.
//
//   OperatorWords words;
//   words.words = {"search"};
//   words.flags = {{"--agent", "agent-7"}, {"--outcome", "failed"}};
//   const absl::StatusOr<std::string> text = AskAudit(place, words);
//
// Thread-safe: plain functions; asking blocks.

#ifndef CLIENTS_CLI_AUDIT_REQUEST_H_
#define CLIENTS_CLI_AUDIT_REQUEST_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"
#include "llmgateway/v1/audit.pb.h"

namespace gateway {

// What `audit` does.
extern const OperatorCommand kAuditCommand;

// `search` and `get`: returns what to print, for people, or the response as
// JSON. INVALID_ARGUMENT for words that are not meant.
absl::StatusOr<std::string> AskAudit(const RpcPlace& place,
                                     const OperatorWords& words);

// `export`: writes each entry as a line of JSON as it comes, newest first.
absl::Status ExportAudit(const RpcPlace& place, const OperatorWords& words,
                         std::ostream& out);

// The search that words come to; INVALID_ARGUMENT names the flag.
absl::StatusOr<llmgateway::v1::SearchAuditRequest> SearchAuditRequestOf(
    const OperatorWords& words, absl::Time now);
absl::StatusOr<llmgateway::v1::GetAuditRequest> GetAuditRequestOf(
    const OperatorWords& words);

// Entries as a table, a line each.
std::string AuditTable(const llmgateway::v1::SearchAuditResponse& response);

}  // namespace gateway

#endif  // CLIENTS_CLI_AUDIT_REQUEST_H_
