#include "service/pipeline/call_cost.h"

#include "service/money/cost.h"
#include "service/pipeline/call.h"
#include "service/pipeline/usage_bounds.h"
#include "service/pipeline/usage_estimate.h"

namespace gateway {

std::string_view PricedAs(const ProviderRegistry::Entry& provider) {
  return provider.vendor.empty() ? provider.kind : provider.vendor;
}

void SettleCost(const IncomingCall& call, Attempt* attempt) {
  ProviderAnswer& answer = attempt->answer;
  v1::Usage& usage = answer.facts.usage;
  if (!IsTold(usage)) return;
  BoundUsage(&usage, &attempt->warnings);
  v1::GenerateResponse* const response = answer.response;
  // As the answer says, which may not be what was asked for.
  std::string_view tier = answer.facts.service_tier;
  if (response != nullptr) tier = response->service_tier();
  SetCost(call.FindPriceOnLoop(attempt->priced_as, attempt->upstream_model),
          ServiceTierOf(tier), &usage);
  attempt->usage = &usage;
  if (response == nullptr || !response->has_usage()) return;
  *response->mutable_usage() = usage;
}

void SettleUnanswered(Call& call) {
  for (Attempt& each : call.attempts) {
    if (each.answered) continue;
    EstimateUnanswered(call, &each);
    SettleCost(call, &each);
  }
}

}  // namespace gateway
