// What a caller is told who asks for more than a limit lets pass.
//
// Thread-safe: a plain function.

#ifndef SERVICE_LIMITS_LIMIT_FAULT_H_
#define SERVICE_LIMITS_LIMIT_FAULT_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/limits/counter_store.h"

namespace gateway {

// How long to wait for a call at once to end: nobody knows, so soon.
inline constexpr absl::Duration kCallEndDelay = absl::Seconds(1);

// Returns RATE_LIMITED, or CONCURRENCY_LIMITED where only calls at once
// refused. Names the limit with the longest wait and says how long that is,
// unless waiting does not help, which callers are told by there being no time;
// each that refused is a quota violation, with
// the dimensions that it tells calls apart by, and nobody's name. REQUIRES: one
// has refused.
absl::Status LimitFault(const CounterRequest& local,
                        const CounterRequest& shared);

}  // namespace gateway

#endif  // SERVICE_LIMITS_LIMIT_FAULT_H_
