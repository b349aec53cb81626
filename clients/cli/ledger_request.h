// RunLedger does what `gatewayctl ledger` says: on files of this machine, which
// needs no gateway, or at a gateway's admin listener.
//
//   const absl::StatusOr<bool> valid =
//       RunLedger(words, [&] { return AdminOf(command); }, std::cout);
//   return valid.ok() && *valid ? 0 : 1;
//
// Thread-safe; blocks, for as long as a large ledger takes.

#ifndef CLIENTS_CLI_LEDGER_REQUEST_H_
#define CLIENTS_CLI_LEDGER_REQUEST_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/progress.h"
#include "clients/cli/rpc_connection.h"
#include "llmgateway/v1/ledger.pb.h"

namespace gateway {

// Prints what there is to say. False if a ledger that was verified is not
// valid. `place` is asked where to find the gateway, if it comes to that.
// `progress`, which may be null, is told of what takes long. INVALID_ARGUMENT
// for words that are not meant.
absl::StatusOr<bool> RunLedger(
    const OperatorWords& words,
    absl::FunctionRef<absl::StatusOr<RpcPlace>()> place, std::ostream& out,
    Progress* progress = nullptr);

// Visits the EXCHANGE entries of a gateway's ledger that `--chain`, `--since`
// and `--until` choose, in their order.
absl::Status VisitExchanges(
    const AdminConnection& admin, const OperatorWords& words,
    absl::FunctionRef<void(std::string_view entry)> visit);

// Entries as a table, a line each.
std::string LedgerTable(const llmgateway::v1::QueryLedgerResponse& response);

// One entry, and what it says.
std::string LedgerEntryText(const llmgateway::v1::LedgerEntry& entry);

// What of a ledger was to be checked.
struct LedgerCheckScope {
  std::string chain;  // That one alone; empty for all.
  int64_t after_entry = 0;
  // How many files of archives were checked, if they were to be.
  std::optional<int64_t> archive_files;
};

// What a check of that has found.
std::string LedgerCheckText(const llmgateway::v1::VerifyLedgerResponse& found,
                            const LedgerCheckScope& scope = {});

}  // namespace gateway

#endif  // CLIENTS_CLI_LEDGER_REQUEST_H_
