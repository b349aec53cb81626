// Reads how long a provider asks us to wait.
//
//   std::optional<absl::Duration> delay =
//       ReadRetryAfter(failure.retry_after_ms, failure.retry_after,
//                      failure.now);
//
// Thread-safe: a free function.

#ifndef PROVIDERS_DIALECTS_RETRY_AFTER_H_
#define PROVIDERS_DIALECTS_RETRY_AFTER_H_

#include <optional>
#include <string_view>

#include "absl/time/time.h"

namespace gateway {

// Longer delays are cut to this.
inline constexpr absl::Duration kRetryAfterMax = absl::Seconds(300);

// The value of `retry-after-ms` counts first, then that of `retry-after`:
// seconds, whole or not, or an HTTP date, of which the delay is what lies after
// `now`; a date that has passed means no wait. Capped. What is negative or
// neither is no hint at all. Empty values are absent.
std::optional<absl::Duration> ReadRetryAfter(std::string_view retry_after_ms,
                                             std::string_view retry_after,
                                             absl::Time now);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_RETRY_AFTER_H_
