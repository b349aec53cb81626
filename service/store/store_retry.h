// When callers whom a store has failed are told to come again.

#ifndef SERVICE_STORE_STORE_RETRY_H_
#define SERVICE_STORE_STORE_RETRY_H_

#include "absl/time/time.h"

namespace gateway {

// A Redis that is replaced, or a disk that was busy, is back about then.
inline constexpr absl::Duration kStoreRetryDelay = absl::Seconds(1);

}  // namespace gateway

#endif  // SERVICE_STORE_STORE_RETRY_H_
