// What a call consumed: all of its attempts together, those that failed after
// the provider had begun and the losers of hedges too, as limits, budgets and
// the ledger are charged. The answer that its caller gets tells what the
// attempt behind it consumed, which is CallRecord::usage.
//
//   v1::Usage sum;
//   FillConsumed(&record, &sum);  // Once, before anybody is shown the record.
//   ...
//   const v1::Usage& consumed = ConsumedUsage(record);
//
// Thread-safe: plain functions.

#ifndef SERVICE_OBSERVABILITY_CONSUMED_USAGE_H_
#define SERVICE_OBSERVABILITY_CONSUMED_USAGE_H_

#include "llmgateway/v1/usage.pb.h"
#include "service/observability/call_record.h"

namespace gateway {

// Whether there are tokens, or a cost without any.
bool ConsumedAnything(const llmgateway::v1::Usage& usage);

// Returns what an attempt of the call consumed beyond CallRecord::usage; null
// if that is nothing, or not known.
const llmgateway::v1::Usage* UsageBeyondAnswer(const CallRecord& call,
                                               const CallAttempt& attempt);

// Sets CallRecord::consumed. What all attempts consumed goes to `sum`, which
// must be empty and outlive the record, with ChargedNanos as its cost; the many
// calls of a single attempt need none. An answer that was made for another call
// costs nothing again.
void FillConsumed(CallRecord* call, llmgateway::v1::Usage* sum);

// Returns what FillConsumed found; CallRecord::usage before.
inline const llmgateway::v1::Usage& ConsumedUsage(const CallRecord& call) {
  return call.consumed == nullptr ? *call.usage : *call.consumed;
}

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_CONSUMED_USAGE_H_
