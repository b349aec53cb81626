#include "service/money/price_message.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "proto/proto_time.h"
#include "service/money/model_price.h"
#include "service/money/price_steps.h"

namespace gateway {
namespace {

using ::llmgateway::v1::ModelPrice;
using ::llmgateway::v1::PriceStep;

// Of the year 2260: whatever counts nanoseconds has them.
constexpr int64_t kLastSecond = 9'183'110'399;
constexpr int32_t kNanosPerSecond = 1'000'000'000;

ModelRates ReadSteps(const ModelPrice& from, PriceReport report) {
  if (from.steps().empty()) {
    report("steps", "is required; at least the standard tier's price");
    return ModelRates(TokenRates());
  }
  if (from.steps_size() > static_cast<int>(kPriceStepsMax)) {
    report("steps", absl::StrCat("has more than ", kPriceStepsMax, " entries"));
    return ModelRates(TokenRates());
  }
  const auto report_of = [&](size_t step, std::string_view field,
                             std::string_view problem) {
    report(absl::StrCat("steps[", step, "].", ToAbsl(field)), problem);
  };
  PriceStepsReader steps;
  bool has_standard = false;
  for (size_t i = 0; i < static_cast<size_t>(from.steps_size()); ++i) {
    const PriceStep& step = from.steps(static_cast<int>(i));
    const auto of_step = [&](std::string_view field, std::string_view problem) {
      report_of(i, field, problem);
    };
    steps.Add(step.service_tier(), step.above_input_tokens(),
              CompleteRates(ReadListedRates(step, of_step)), of_step);
    has_standard = has_standard || step.service_tier().empty();
  }
  if (!has_standard) {
    report("steps",
           "has no price of the standard tier, which is one without "
           "service_tier");
  }
  return std::move(steps).Take(report_of);
}

}  // namespace

void FillPriceMessage(const PriceEntry& entry, ModelPrice* to) {
  to->set_model(entry.model);
  to->set_kind(entry.vendor);
  for (const ModelRates::Step& step : entry.price.steps()) {
    PriceStep* const told = to->add_steps();
    told->set_service_tier(std::string(PricedTierName(step.tier)));
    told->set_above_input_tokens(step.above_input_tokens);
    FillListedRates(step.rates, told);
  }
  if (entry.effective_time != absl::InfinitePast()) {
    SetProto(entry.effective_time, to->mutable_effective_time());
  }
}

PriceEntry ReadPriceMessage(const ModelPrice& from, PriceReport report) {
  PriceEntry entry = ReadPriceName(from, report);
  entry.price = ReadSteps(from, report);
  return entry;
}

PriceEntry ReadPriceName(const ModelPrice& from, PriceReport report) {
  PriceEntry entry = {.vendor = from.kind(),
                      .model = from.model(),
                      .price = ModelRates(TokenRates())};
  if (!from.has_effective_time()) return entry;
  const auto& time = from.effective_time();
  if (time.seconds() < 0 || time.seconds() > kLastSecond || time.nanos() < 0 ||
      time.nanos() >= kNanosPerSecond) {
    report("effective_time", "must be of the years 1970 to 2260");
  } else {
    entry.effective_time = ToAbsl(time);
  }
  return entry;
}

}  // namespace gateway
