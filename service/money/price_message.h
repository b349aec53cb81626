// A price as the contract's ModelPrice tells it: in ListPricing, in SetPricing
// and where prices are kept.
//
//   FillPriceMessage(entry, response->add_prices());
//   const PriceEntry entry = ReadPriceMessage(request.price(), report);
//
// Thread-safe: plain functions.

#ifndef SERVICE_MONEY_PRICE_MESSAGE_H_
#define SERVICE_MONEY_PRICE_MESSAGE_H_

#include "llmgateway/v1/pricing.pb.h"
#include "service/money/price_fields.h"
#include "service/money/price_lines.h"

namespace gateway {

// Fills in all but the source.
void FillPriceMessage(const PriceEntry& entry, llmgateway::v1::ModelPrice* to);

// Reads one. Reports each field that is wrong, as in `steps[0].input`; the
// entry lacks it then. That the model's name may be one is not checked here.
PriceEntry ReadPriceMessage(const llmgateway::v1::ModelPrice& from,
                            PriceReport report);

// The same of what a price is of, without the price: its steps mean nothing.
PriceEntry ReadPriceName(const llmgateway::v1::ModelPrice& from,
                         PriceReport report);

}  // namespace gateway

#endif  // SERVICE_MONEY_PRICE_MESSAGE_H_
