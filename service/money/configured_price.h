// ConfiguredPrice is what an operator says that a model costs, as an entry that
// comes before the shipped prices (price_table.h).
//
//   const PriceEntry entry = ReadConfiguredPrice(config.models(0), report);
//
// Thread-safe: plain functions.

#ifndef SERVICE_MONEY_CONFIGURED_PRICE_H_
#define SERVICE_MONEY_CONFIGURED_PRICE_H_

#include "llmgateway/config/v1/prices.pb.h"
#include "service/money/price_fields.h"
#include "service/money/price_lines.h"
#include "service/money/price_table.h"

namespace gateway {

// Reads an entry of the configuration. Calls `report` for each field that is
// wrong, with its name and what is wrong with it; the entry lacks it then.
PriceEntry ReadConfiguredPrice(
    const llmgateway::config::v1::ModelPriceConfig& config, PriceReport report);

// Returns the shipped prices with the configured ones before them. REQUIRES:
// the configuration has passed validation; entries that are wrong are left out.
PriceTable PricesOf(const llmgateway::config::v1::PricesConfig& config);

}  // namespace gateway

#endif  // SERVICE_MONEY_CONFIGURED_PRICE_H_
