// PriceStepsReader makes a model's price of the steps that a message tells, one
// after the other, and says of each what is wrong with it.
//
//   PriceStepsReader steps;
//   for (const auto& step : price.steps()) {
//     steps.Add(step.service_tier(), step.above_input_tokens(),
//               CompleteRates(ReadListedRates(step, report)), report);
//   }
//   ModelRates rates = std::move(steps).Take(report_of);
//
// Thread-compatible.

#ifndef SERVICE_MONEY_PRICE_STEPS_H_
#define SERVICE_MONEY_PRICE_STEPS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "service/money/model_price.h"
#include "service/money/price_fields.h"

namespace gateway {

// The steps of one price, its own beside them.
inline constexpr size_t kPriceStepsMax = 17;
// The highest mark.
inline constexpr int64_t kAboveInputTokensMax = 1'000'000'000;

class PriceStepsReader {
 public:
  // Adds a step. Reports a tier that is none, a mark that is out of range, and
  // a step for the tier and mark of an earlier one: such a step is left out.
  void Add(std::string_view service_tier, int64_t above_input_tokens,
           const TokenRates& rates, PriceReport report);

  // Returns the price. Calls `report` with the place of a step, counted from 0
  // as they were added, whose tier has a price for long prompts and none for
  // others. Without a step of the standard tier all is free.
  ModelRates Take(absl::FunctionRef<void(size_t step, std::string_view field,
                                         std::string_view problem)>
                      report) &&;

 private:
  struct Placed {
    size_t place;
    ModelRates::Step step;
  };

  std::vector<Placed> steps_;
  size_t added_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_MONEY_PRICE_STEPS_H_
