// LimitResetsIn says after how long there is more of a rate limit of which an
// answer's head says that nothing is left: what is asked before would be
// refused.
//
//   x-ratelimit-remaining-tokens: 0      OpenAI, with a duration
//   x-ratelimit-reset-tokens: 6m0s
//   x-ratelimit-remaining: 0             OpenRouter, in milliseconds since 1970
//   x-ratelimit-reset: 1741305600000
//   anthropic-ratelimit-requests-remaining: 0            Anthropic, with a time
//   anthropic-ratelimit-requests-reset: 2026-01-02T03:04:05Z
//
// Thread contract: plain function.

#ifndef PROVIDERS_LIMIT_RESET_H_
#define PROVIDERS_LIMIT_RESET_H_

#include <optional>

#include "absl/time/time.h"
#include "providers/upstream_fields.h"

namespace gateway {

// Returns the longest of them, if there are several limits; nothing if
// something is left of each, or if no time is told. May be negative. `now` is
// wall time. Costs a look where nothing is spent.
std::optional<absl::Duration> LimitResetsIn(const UpstreamFields& fields,
                                            absl::Time now);

}  // namespace gateway

#endif  // PROVIDERS_LIMIT_RESET_H_
