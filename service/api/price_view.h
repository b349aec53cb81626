// Prices as the rpcs of operators tell and take them, and as they are kept.
//
//   FillPrice(entry, v1::ModelPrice::SOURCE_SHIPPED, response->add_prices());
//   GATEWAY_ASSIGN_OR_RETURN(const PriceEntry entry,
//   ReadPrice(request.price()));
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_PRICE_VIEW_H_
#define SERVICE_API_PRICE_VIEW_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "llmgateway/v1/pricing.pb.h"
#include "service/money/operator_prices.h"
#include "service/money/price_lines.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/state/state_store.h"

namespace gateway {

inline constexpr std::string_view kPriceDocument = "operator_prices.json";

void FillPrice(const PriceEntry& entry,
               llmgateway::v1::ModelPrice::Source source,
               llmgateway::v1::ModelPrice* to);

// Returns what a message says. INVALID_REQUEST names each field that is wrong,
// as in `price.steps[0].input`. What a kind may be is not known here.
absl::StatusOr<PriceEntry> ReadPrice(const llmgateway::v1::ModelPrice& from);

// The same of what a price is of, without the price: its steps mean nothing.
absl::StatusOr<PriceEntry> ReadNamedPrice(
    const llmgateway::v1::ModelPrice& from);

// Returns what tells it from all others: its kind, time and model.
std::string NameOfPrice(const PriceEntry& entry);

// One price as a text, and back. ReadPriceItem fails for all that is none.
std::string WritePriceItem(const PriceEntry& entry);
absl::StatusOr<PriceEntry> ReadPriceItem(std::string_view text);

// All that operators have said, as it is kept, and back.
std::string WritePrices(const PriceList* prices);
absl::StatusOr<PriceList> ReadPrices(std::string_view text);

// Puts into force what operators had said before the process began. What cannot
// be read is told by a line of the log. Blocks on the file system.
void RestorePrices(StateStore& state, const RuntimeSnapshot& runtime);

}  // namespace gateway

#endif  // SERVICE_API_PRICE_VIEW_H_
