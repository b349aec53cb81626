// `gatewayctl traces`: what the gateway has traced of calls.
//
//   OperatorWords words;
//   words.words = {"list"};
//   words.flags = {{"--outcome", "failed"}};
//   const absl::StatusOr<std::string> text = AskTraces(place, words);
//
// Thread-safe: plain functions; asking blocks.

#ifndef CLIENTS_CLI_TRACES_REQUEST_H_
#define CLIENTS_CLI_TRACES_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"
#include "llmgateway/v1/traces.pb.h"

namespace gateway {

// What `traces` does.
extern const OperatorCommand kTracesCommand;

// Returns what to print: for people, or the response as JSON. INVALID_ARGUMENT
// for words that are not meant.
absl::StatusOr<std::string> AskTraces(const RpcPlace& place,
                                      const OperatorWords& words);

// The requests that words come to.
absl::StatusOr<llmgateway::v1::ListTracesRequest> ListTracesRequestOf(
    const OperatorWords& words);
absl::StatusOr<llmgateway::v1::GetTraceRequest> GetTraceRequestOf(
    const OperatorWords& words);

// Traces as a table, a line each.
std::string TracesTable(const llmgateway::v1::ListTracesResponse& response);

// The spans of a trace, a line each, below what they are a part of.
std::string TraceText(const llmgateway::v1::Trace& trace);

}  // namespace gateway

#endif  // CLIENTS_CLI_TRACES_REQUEST_H_
