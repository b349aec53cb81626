// What a call consumed: all of its attempts together, those that failed after
// the provider had begun and the losers of hedges too, as limits, budgets and
// the ledger are charged. The answer that its caller gets tells what the
// attempt behind it consumed, which is CallRecord::usage.
//
//   v1::Usage sum;
//   const v1::Usage& consumed = ConsumedUsage(record, &sum);
//
// Thread-safe: plain functions.

#ifndef SERVICE_OBSERVABILITY_CONSUMED_USAGE_H_
#define SERVICE_OBSERVABILITY_CONSUMED_USAGE_H_

#include "llmgateway/v1/usage.pb.h"
#include "service/observability/call_record.h"

namespace gateway {

// Returns the sum, with ChargedNanos as its cost. An answer that was made for
// another call costs nothing again.
llmgateway::v1::Usage UsageOfAllAttempts(const CallRecord& call);

// The same without a copy for the many calls of a single attempt: returns
// either the call's usage or `sum`, which must be empty.
const llmgateway::v1::Usage& ConsumedUsage(const CallRecord& call,
                                           llmgateway::v1::Usage* sum);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_CONSUMED_USAGE_H_
