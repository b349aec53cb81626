#include "service/money/repricing.h"

#include "service/money/cost.h"
#include "service/money/model_price.h"

namespace gateway {

Repricing::Result Repricing::Add(const RecordedCost& call) {
  llmgateway::v1::Usage usage = call.usage;
  SetCost(prices_.Find(call.vendor, call.model, call.time, said_),
          ServiceTierOf(call.service_tier), &usage);
  // What consumed nothing has no cost to be known.
  const bool consumed = usage.input_tokens() > 0 || usage.output_tokens() > 0;
  const Result result = {
      .was_known = call.usage.cost_known(),
      .is_known = consumed ? usage.cost_known() : call.usage.cost_known(),
      .recorded = Money::FromNanos(call.usage.cost_usd_nanos()),
      .repriced = Money::FromNanos(usage.cost_usd_nanos())};
  Sum& sum = sums_[{call.vendor, call.model}];
  ++sum.calls;
  if (usage.estimated()) ++sum.estimated_calls;
  if (consumed && !result.is_known) ++sum.unpriced_calls;
  if (result.differs()) ++sum.different_calls;
  sum.recorded += result.recorded;
  sum.repriced += result.repriced;
  return result;
}

Repricing::Sum Repricing::total() const {
  Sum total;
  for (const auto& [name, sum] : sums_) {
    total.calls += sum.calls;
    total.estimated_calls += sum.estimated_calls;
    total.unpriced_calls += sum.unpriced_calls;
    total.different_calls += sum.different_calls;
    total.recorded += sum.recorded;
    total.repriced += sum.repriced;
  }
  return total;
}

}  // namespace gateway
