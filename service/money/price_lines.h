// A list of prices as text, such as shipped_prices.txt: a line for each model,
// and one more for each further step of its price.
//
//   # vendor model [tier] [>tokens] prices, in dollars per million tokens
//   openai gpt-5.4 in 2.5 out 15 cached 0.25
//   openai gpt-5.4 >272000 in 5 out 22.5 cached 0.5
//   openai gpt-5.4 batch in 1.25 out 7.5 cached 0.125
//   ollama * in 0 out 0
//
// The lines of one model follow each other. A tier is one of kPricedTiers.
// Prices are named as kTokenKinds says; `in` and `out` are required, and
// CompleteRates says what others are that are left out. A model that ends in
// `*` stands for all models that begin so, and the vendor `*` for any vendor.
// What follows a `#` at the beginning of a line is a comment.
//
// Thread-safe: a plain function.

#ifndef SERVICE_MONEY_PRICE_LINES_H_
#define SERVICE_MONEY_PRICE_LINES_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/money/model_price.h"

namespace gateway {

// The price of a model, or of all models whose names begin alike.
struct PriceEntry {
  std::string vendor;  // As in PriceTable::Find; empty: any.
  std::string model;   // A name, or a beginning followed by `*`.
  ModelRates price;
  // From when on it holds.
  absl::Time effective_time = absl::InfinitePast();
};

// Returns the entries of a list. Returns INVALID_ARGUMENT, naming the line and
// what is wrong with it, if a line cannot be read.
absl::StatusOr<std::vector<PriceEntry>> ReadPriceLines(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_MONEY_PRICE_LINES_H_
