// `gatewayctl alerts`: what is wrong, and a silence of an alert for a time.
//
//   OperatorWords words;
//   words.words = {"silence", "high_error_rate"};
//   words.flags = {{"--for", "1h"}};
//   const absl::StatusOr<std::string> text = AskAlerts(place, words);
//
// Thread-safe: plain functions; asking blocks.

#ifndef CLIENTS_CLI_ALERTS_REQUEST_H_
#define CLIENTS_CLI_ALERTS_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/alerts.pb.h"

namespace gateway {

// What `alerts` does.
extern const OperatorCommand kAlertsCommand;

// Returns what to print: for people, or the response as JSON. INVALID_ARGUMENT
// for words that are not meant.
absl::StatusOr<std::string> AskAlerts(const RpcPlace& place,
                                      const OperatorWords& words);

// The request that words come to.
absl::StatusOr<llmgateway::v1::SilenceAlertRequest> SilenceAlertRequestOf(
    const OperatorWords& words);

// The alerts as a table, a line each, those that fire first.
std::string AlertsTable(
    const google::protobuf::RepeatedPtrField<llmgateway::v1::Alert>& alerts);

}  // namespace gateway

#endif  // CLIENTS_CLI_ALERTS_REQUEST_H_
