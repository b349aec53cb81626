// What an attempt has cost, by what it consumed and what its model costs at its
// vendor (service/money). It is computed once, when nothing more is known of
// its usage, and whoever tells of the attempt tells this.
//
//   CompleteUsage(...);
//   SettleCost(call, &attempt);
//
// Thread contract: one call, by one thread at a time.

#ifndef SERVICE_PIPELINE_CALL_COST_H_
#define SERVICE_PIPELINE_CALL_COST_H_

#include <string_view>

#include "providers/registry/registry.h"
#include "service/pipeline/attempt.h"
#include "service/pipeline/incoming_call.h"

namespace gateway {

class Call;

// Returns what lists of prices call the provider's vendor; its kind, where it
// has none of its own.
std::string_view PricedAs(const ProviderRegistry::Entry& provider);

// Fills in the cost of the attempt's usage, and of its answer's if that has
// been read; from here on the usage is told. It has none if nothing was
// consumed, as by a count. REQUIRES: the usage is complete.
void SettleCost(const IncomingCall& call, Attempt* attempt);

// What the attempts have cost that did not answer. To be called once no more
// are made, while the request is still there.
void SettleUnanswered(Call& call);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALL_COST_H_
