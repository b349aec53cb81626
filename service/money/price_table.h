// PriceTable knows what models cost: what the gateway ships, and, before it,
// what the configuration says.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       const PriceTable prices,
//       PriceTable::Make(ShippedPrices(), std::move(overrides)));
//   const ModelRates* const price =
//       prices.Find("openai", "gpt-4o", call.start_time);
//   SetCost(price, ServiceTier::kStandard, &usage);
//
// An override wins whatever it is found by: one for `gpt-4o*` is also the price
// of gpt-4o-mini, and one for `gpt-4o` that of gpt-4o-2024-08-06. How names are
// found is said in price_list.h.
//
// Thread contract: immutable.

#ifndef SERVICE_MONEY_PRICE_TABLE_H_
#define SERVICE_MONEY_PRICE_TABLE_H_

#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/money/price_lines.h"
#include "service/money/price_list.h"

namespace gateway {

class PriceTable {
 public:
  // `list` is as ReadPriceLines takes it, and need not stay. Returns
  // INVALID_ARGUMENT if it cannot be read, or for what PriceList::Make refuses,
  // with "prices: " or "price overrides: " before what is wrong.
  static absl::StatusOr<PriceTable> Make(std::string_view list,
                                         std::vector<PriceEntry> overrides);

  // The lists themselves.
  PriceTable(PriceList shipped, PriceList overrides)
      : shipped_(std::move(shipped)), overrides_(std::move(overrides)) {}

  // Returns the price of a model for calls that begin at a time; null if it is
  // not known. `said`, which may be null, comes before all else: what operators
  // have said (operator_prices.h). `vendor` is a kind of provider, such as
  // `openai` or `local_cli`, or a preset of
  // `openai_compatible`, such as `groq`. `model` is what the provider is asked
  // for; `models/` before it, as Gemini writes, counts for nothing. Valid while
  // the table and `said` are, wherever the table is moved to. Does not
  // allocate; takes 20 to 100 ns with the shipped list alone, and up to 200
  // with 10,000 overrides.
  const ModelRates* Find(std::string_view vendor, std::string_view model,
                         absl::Time at, const PriceList* said = nullptr) const;

  const PriceList& shipped() const { return shipped_; }
  const PriceList& overrides() const { return overrides_; }

 private:
  PriceList shipped_;
  PriceList overrides_;
};

}  // namespace gateway

#endif  // SERVICE_MONEY_PRICE_TABLE_H_
