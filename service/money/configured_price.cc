#include "service/money/configured_price.h"

#include <cassert>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "proto/proto_time.h"
#include "service/money/price_steps.h"
#include "service/money/shipped_prices.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::ModelPriceConfig;
using ::llmgateway::config::v1::PricesConfig;
using ::llmgateway::config::v1::PriceStepConfig;

std::string FieldOfStep(size_t step, std::string_view field) {
  return absl::StrCat("steps[", step, "].", ToAbsl(field));
}

}  // namespace

PriceEntry ReadConfiguredPrice(const ModelPriceConfig& config,
                               PriceReport report) {
  PriceStepsReader steps;
  steps.Add("", 0, CompleteRates(ReadListedRates(config, report)), report);
  if (config.steps_size() >= static_cast<int>(kPriceStepsMax)) {
    report("steps",
           absl::StrCat("has more than ", kPriceStepsMax - 1, " entries"));
  } else {
    for (size_t i = 0; i < static_cast<size_t>(config.steps_size()); ++i) {
      const PriceStepConfig& step = config.steps(static_cast<int>(i));
      const auto of_step = [&](std::string_view field,
                               std::string_view problem) {
        report(FieldOfStep(i, field), problem);
      };
      steps.Add(step.service_tier(), step.above_input_tokens(),
                CompleteRates(ReadListedRates(step, of_step)), of_step);
    }
  }
  PriceEntry entry = {
      .vendor = config.kind(),
      .model = config.model(),
      .price = std::move(steps).Take(
          [&](size_t step, std::string_view field, std::string_view problem) {
            report(FieldOfStep(step - 1, field), problem);
          })};
  if (config.has_effective_time()) {
    entry.effective_time = ToAbsl(config.effective_time());
  }
  return entry;
}

PriceTable PricesOf(const PricesConfig& config) {
  std::vector<PriceEntry> entries;
  entries.reserve(static_cast<size_t>(config.models_size()));
  for (const ModelPriceConfig& model : config.models()) {
    bool well = true;
    PriceEntry entry = ReadConfiguredPrice(
        model, [&well](std::string_view, std::string_view) { well = false; });
    if (well) entries.push_back(std::move(entry));
  }
  absl::StatusOr<PriceTable> table =
      PriceTable::Make(ShippedPrices(), std::move(entries));
  if (!table.ok()) table = PriceTable::Make(ShippedPrices(), {});
  assert(table.ok());  // A test reads the shipped ones.
  return *std::move(table);
}

}  // namespace gateway
