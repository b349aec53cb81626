// What `gatewayctl providers` asks a gateway's AdminService: which providers
// are configured, and how they are doing.
//
//   gatewayctl providers get openai
//
// Thread-safe: plain functions; what asks blocks.

#ifndef CLIENTS_CLI_PROVIDERS_REQUEST_H_
#define CLIENTS_CLI_PROVIDERS_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"
#include "llmgateway/v1/admin.pb.h"

namespace gateway {

extern const OperatorCommand kProvidersCommand;

// INVALID_ARGUMENT for words that are not meant; other errors are the
// gateway's.
absl::StatusOr<std::string> AskProviders(const RpcPlace& place,
                                         const OperatorWords& words);

// For people: a line each.
std::string ProvidersTable(const llmgateway::v1::ListProvidersResponse& all);
// For people: a line for each thing that is known of it.
std::string ProviderTable(const llmgateway::v1::Provider& provider);

}  // namespace gateway

#endif  // CLIENTS_CLI_PROVIDERS_REQUEST_H_
