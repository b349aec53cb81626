// `gatewayctl metrics`: what a gateway counts, once or as it goes on, and what
// its calls have cost.
//
//   OperatorWords words;
//   words.words = {"show", "llm_request_total"};
//   words.flags = {{"--window", "5m"}};
//   const absl::Status printed = PrintMetrics(place, words, std::cout);
//
// Thread-safe: plain functions; asking blocks.

#ifndef CLIENTS_CLI_METRICS_REQUEST_H_
#define CLIENTS_CLI_METRICS_REQUEST_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"
#include "llmgateway/v1/metrics.pb.h"
#include "llmgateway/v1/summary.pb.h"

namespace gateway {

// What `metrics` does.
extern const OperatorCommand kMetricsCommand;

// Prints what is asked for: for people, or the response as JSON. `watch` prints
// a reading after the other until it has so many, or the gateway ends.
// INVALID_ARGUMENT for words that are not meant, NOT_FOUND for a metric that
// the gateway does not have.
absl::Status PrintMetrics(const RpcPlace& place, const OperatorWords& words,
                          std::ostream& out);

// The requests that words come to. Times may be given as how long ago they
// were.
absl::StatusOr<llmgateway::v1::GetMetricsRequest> GetMetricsRequestOf(
    const OperatorWords& words);
absl::StatusOr<llmgateway::v1::StreamMetricsRequest> StreamMetricsRequestOf(
    const OperatorWords& words);
absl::StatusOr<llmgateway::v1::GetCostSummaryRequest> CostSummaryRequestOf(
    const OperatorWords& words, absl::Time now);

// NOT_FOUND, which names all that there are, if one of the names is none of
// `all` the metrics of a gateway.
absl::Status CheckMetricNames(const std::vector<std::string>& names,
                              const llmgateway::v1::GetMetricsResponse& all);

// Metrics as a table, a line each: of a histogram how many were observed, their
// mean, and below what bound half, nine tenths and 99 of a hundred were.
std::string MetricsTable(const llmgateway::v1::GetMetricsResponse& response);

// What calls cost, a line for each group; each stretch of time by itself, if
// there are several.
std::string CostTable(const llmgateway::v1::GetCostSummaryRequest& request,
                      const llmgateway::v1::GetCostSummaryResponse& response);

}  // namespace gateway

#endif  // CLIENTS_CLI_METRICS_REQUEST_H_
