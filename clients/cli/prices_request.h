// `gatewayctl prices`: what models cost, and what operators say of that.
//
//   OperatorWords words;
//   words.words = {"set", "gpt-4o"};
//   words.flags = {{"--input_usd", "2.5"}, {"--output_usd", "10"}};
//   const absl::StatusOr<std::string> text = AskPrices(place, words);
//
// Thread-safe: plain functions; asking blocks.

#ifndef CLIENTS_CLI_PRICES_REQUEST_H_
#define CLIENTS_CLI_PRICES_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"
#include "llmgateway/v1/pricing.pb.h"

namespace gateway {

// What `prices` does.
extern const OperatorCommand kPricesCommand;

// Returns what to print: for people, or the response as JSON. INVALID_ARGUMENT
// for words that are not meant.
absl::StatusOr<std::string> AskPrices(const RpcPlace& place,
                                      const OperatorWords& words);

// The requests that words come to.
absl::StatusOr<llmgateway::v1::ListPricingRequest> ListPricingRequestOf(
    const OperatorWords& words);
absl::StatusOr<llmgateway::v1::SetPricingRequest> SetPricingRequestOf(
    const OperatorWords& words);

// All pages of a listing as one.
absl::StatusOr<llmgateway::v1::ListPricingResponse> ListAllPrices(
    const AdminConnection& admin, llmgateway::v1::ListPricingRequest request);

// Prices as a table, a line for each step.
std::string PriceTableText(const llmgateway::v1::ListPricingResponse& response);

}  // namespace gateway

#endif  // CLIENTS_CLI_PRICES_REQUEST_H_
