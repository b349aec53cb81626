// The faults of calls with idempotency keys, wherever those are known.
//
// Thread-safe: plain functions.

#ifndef SERVICE_CACHE_IDEMPOTENCY_FAULT_H_
#define SERVICE_CACHE_IDEMPOTENCY_FAULT_H_

#include <string_view>

#include "absl/status/status.h"

namespace gateway {

// Each but the last two names the call that had the key.
//
// IDEMPOTENCY_MISMATCH: its request was another.
absl::Status KeyMismatch(std::string_view request_id);

// CONFLICT: it has ended well, and its answer is not kept.
absl::Status KeyedAnswerNotKept(std::string_view request_id);

// CONFLICT: nobody knows how it ended, since who ran it has gone.
absl::Status KeyedCallLost(std::string_view request_id);

// CONFLICT: it was cut off, since the gateway that ran it was shut down.
absl::Status KeyedCallCut(std::string_view request_id);

// OVERLOADED: there is no room for one more key. Names the limit, a field of
// the configuration, and says when to come again.
absl::Status NoRoomForKey(std::string_view limit);

// STORE_UNAVAILABLE: what replicas know of keys cannot be asked. Says when to
// come again.
absl::Status KeysUnavailable();

}  // namespace gateway

#endif  // SERVICE_CACHE_IDEMPOTENCY_FAULT_H_
