// RepriceLedger does what `gatewayctl ledger reprice` says: computes anew what
// each EXCHANGE of a ledger has cost, by what it consumed, and says which
// differ, by how much, and what each model has cost in all.
//
//   const absl::StatusOr<LedgerReport> report =
//       RepriceLedger({.words = {"reprice", "ledger.db"}}, prices);
//   return report->valid ? 0 : 1;  // Whether nothing differs.
//
// What it computes by is what the gateway does: service/money, and prices as
// ListPricing tells them.
//
// Thread-safe; blocks on the disk.

#ifndef CLIENTS_CLI_LEDGER_REPRICE_H_
#define CLIENTS_CLI_LEDGER_REPRICE_H_

#include <string_view>

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
inline constexpr std::string_view kLedgerRepriceFlags[] = {kPricesFlag};

// Returns the listing that the words name, unless that is the gateway's: all
// that is built in if they name none.
absl::StatusOr<llmgateway::v1::ListPricingResponse> PricesToRepriceBy(
    const OperatorWords& words);

// INVALID_ARGUMENT for words that are not meant, and for prices that are none;
// for files that cannot be read what the system says.
absl::StatusOr<LedgerReport> RepriceLedger(
    const OperatorWords& words,
    const llmgateway::v1::ListPricingResponse& prices);

}  // namespace gateway

#endif  // CLIENTS_CLI_LEDGER_REPRICE_H_
