// RepriceLedger does what `gatewayctl ledger reprice` says: computes anew what
// each EXCHANGE of a ledger has cost, by what it consumed, and says which
// differ, by how much, and what each model has cost in all.
//
//   const absl::StatusOr<LedgerReport> report =
//       RepriceLedger({.words = {"reprice", "ledger.db"}}, prices);
//   return report->valid ? 0 : 1;  // Whether nothing differs.
//
// A ledger is in files, or is what a gateway has: where no file is named.
//
// What it computes by is what the gateway does: service/money, and prices as
// ListPricing tells them.
//
// Thread-safe; blocks on the disk.

#ifndef CLIENTS_CLI_LEDGER_REPRICE_H_
#define CLIENTS_CLI_LEDGER_REPRICE_H_

#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "clients/cli/ledger_verify.h"
#include "clients/cli/operator_words.h"
#include "llmgateway/v1/pricing.pb.h"

namespace gateway {

// Where prices are from: `--prices FILE`, what `gatewayctl prices list
// --output json` has printed; `--prices gateway`, which asks it; without, those
// that are built in.
inline constexpr std::string_view kPricesFlag = "--prices";
inline constexpr std::string_view kPricesOfGateway = "gateway";
// Which of a gateway's entries: `--chain NAME`, `--since`, `--until`.
inline constexpr std::string_view kLedgerRepriceFlags[] = {
    kPricesFlag, "--chain", "--since", "--until"};

// INVALID_ARGUMENT for words that are not meant.
absl::Status CheckReprice(const OperatorWords& words);

// Whether it is a gateway's ledger that is meant. REQUIRES: CheckReprice.
bool RepricesGateway(const OperatorWords& words);

// Returns the listing that the words name, unless that is the gateway's: all
// that is built in if they name none.
absl::StatusOr<llmgateway::v1::ListPricingResponse> PricesToRepriceBy(
    const OperatorWords& words);

// INVALID_ARGUMENT for words that are not meant, and for prices that are none;
// for files that cannot be read what the system says.
absl::StatusOr<LedgerReport> RepriceLedger(
    const OperatorWords& words,
    const llmgateway::v1::ListPricingResponse& prices);

// The same of entries that `visit_all` calls its argument with, in their order;
// `name` is whose they are.
absl::StatusOr<LedgerReport> RepriceEntries(
    const OperatorWords& words,
    const llmgateway::v1::ListPricingResponse& prices, const std::string& name,
    absl::FunctionRef<
        absl::Status(absl::FunctionRef<void(std::string_view entry)> visit)>
        visit_all);

}  // namespace gateway

#endif  // CLIENTS_CLI_LEDGER_REPRICE_H_
