// `gatewayctl budgets`: how budgets stand, what scopes of them may spend, and
// what was spent given back.
//
//   OperatorWords words;
//   words.words = {"allocate", "session"};
//   words.flags = {{"--subject", "session=SES-1"}, {"--limit", "50000"}};
//   const absl::StatusOr<std::string> text = AskBudgets(place, words);
//
// Thread-safe: plain functions; asking blocks.

#ifndef CLIENTS_CLI_BUDGETS_REQUEST_H_
#define CLIENTS_CLI_BUDGETS_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"
#include "llmgateway/v1/budgets.pb.h"

namespace gateway {

// What `budgets` does.
extern const OperatorCommand kBudgetsCommand;

// Returns what to print: for people, or the response as JSON. INVALID_ARGUMENT
// for words that are not meant.
absl::StatusOr<std::string> AskBudgets(const RpcPlace& place,
                                       const OperatorWords& words);

// The requests that words come to.
absl::StatusOr<llmgateway::v1::ListBudgetsRequest> ListBudgetsRequestOf(
    const OperatorWords& words);
absl::StatusOr<llmgateway::v1::AllocateBudgetRequest> AllocateBudgetRequestOf(
    const OperatorWords& words);
absl::StatusOr<llmgateway::v1::ResetBudgetRequest> ResetBudgetRequestOf(
    const OperatorWords& words);

// Scopes as a table, a line each.
std::string BudgetsTable(const llmgateway::v1::ListBudgetsResponse& response);

// A session as a table, its work orders below it.
std::string SessionSummaryTable(const llmgateway::v1::SessionSummary& summary);

}  // namespace gateway

#endif  // CLIENTS_CLI_BUDGETS_REQUEST_H_
