// `gatewayctl models`: which models there are, as callers see them; and for
// operators which of them are disabled, and one that is enabled again, or
// disabled, while the gateway runs.
//
//   OperatorWords words;
//   words.words = {"enable", "openai/gpt-5-mini"};
//   const absl::StatusOr<std::string> text = AskModels(place, words, &note);
//
// Thread-safe: plain functions; asking blocks.

#ifndef CLIENTS_CLI_MODELS_REQUEST_H_
#define CLIENTS_CLI_MODELS_REQUEST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/circuits.pb.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

// What `models` does.
extern const OperatorCommand kModelsCommand;

// Returns what to print: for people, or the response as JSON. INVALID_ARGUMENT
// for words that are not meant. Sets `note` to what else is to be told, beside
// that.
absl::StatusOr<std::string> AskModels(const RpcPlace& place,
                                      const OperatorWords& words,
                                      std::string* note);

// The names of all models, sorted; none if the gateway does not answer soon.
std::vector<std::string> ModelNames(RpcPlace place);

// Whether that is asked as callers do, by gRPC, and not as an operator.
bool AsksAsCaller(const OperatorWords& words);

// The request that words come to.
absl::StatusOr<llmgateway::v1::SetModelEnabledRequest> SetModelEnabledRequestOf(
    const OperatorWords& words);

// For people: a line each.
std::string ModelsTable(
    const google::protobuf::RepeatedPtrField<llmgateway::v1::Model>& models);

// Those that are disabled as a table, a line each; a sentence if none is.
std::string DisabledModelsTable(
    const google::protobuf::RepeatedPtrField<llmgateway::v1::Circuit>&
        circuits);

}  // namespace gateway

#endif  // CLIENTS_CLI_MODELS_REQUEST_H_
