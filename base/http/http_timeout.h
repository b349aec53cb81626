// What is said of an exchange with a server that took too long: what was waited
// for, whether that alone took too long or all of the exchange, and which of
// the destination's time-outs passed.
//
// Thread-safe: free functions.

#ifndef BASE_HTTP_HTTP_TIMEOUT_H_
#define BASE_HTTP_HTTP_TIMEOUT_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace gateway {

// The time-outs of a destination (HttpDestination::Timeouts), and the one that
// a call has in place of kFirstByte.
enum class HttpTimeLimit {
  kConnect,
  kFirstByte,
  kCallFirstByte,
  kIdle,
  kTotal
};

// Returns the error for a timeout: `awaited`, such as "the answer", has taken
// longer than `limit`, which is `timeout`; with kTotal the exchange's time as a
// whole is over, however much came of it.
absl::Status WaitedTooLong(HttpTimeLimit limit, absl::Duration timeout,
                           std::string_view awaited);

// Returns which limit such an error is of; nothing for other errors.
std::optional<HttpTimeLimit> TimeLimitOf(const absl::Status& error);

}  // namespace gateway

#endif  // BASE_HTTP_HTTP_TIMEOUT_H_
