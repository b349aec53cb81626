// Says what a call that has ended tells of how callers are served: a provider
// has answered it, or a provider or the gateway has failed it.
//
//   ServiceOutcomeOf(record);  // ServiceOutcome::kAnswered
//
// Most that costs a caller nothing tells nothing, so that nobody can make a
// failing provider look well, or a well one look failing, by doing it often: to
// be refused by a rule of operators, to ask for what is no request, to give up
// early by a deadline of one's own, to be given an answer that was made for
// another call, to have tokens counted or what is kept looked up. So shares of
// failures are those of the calls that tell something.
//
// Thread-safe: plain functions.

#ifndef SERVICE_OBSERVABILITY_SERVICE_OUTCOME_H_
#define SERVICE_OBSERVABILITY_SERVICE_OUTCOME_H_

#include <string_view>

#include "service/observability/call_record.h"

namespace gateway {

enum class ServiceOutcome {
  kNone,  // It tells nothing.
  kAnswered,
  kProviderFailed,
  kGatewayFailed,
};

ServiceOutcome ServiceOutcomeOf(const CallRecord& record);

// Returns the name for metrics: `answered`, `provider_failed`,
// `gateway_failed`; empty for kNone.
std::string_view ServiceOutcomeName(ServiceOutcome outcome);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_SERVICE_OUTCOME_H_
