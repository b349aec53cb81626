// What is said of an exchange with a server that took too long: what was waited
// for, and whether that alone took too long or all of the exchange.
//
// Thread-safe: a free function.

#ifndef BASE_HTTP_HTTP_TIMEOUT_H_
#define BASE_HTTP_HTTP_TIMEOUT_H_

#include <string_view>

#include "absl/status/status.h"

namespace gateway {

// Returns the error for a timeout. `awaited` is such as "the answer".
// `in_total` tells that the exchange's time as a whole is over, however much
// came of it.
absl::Status WaitedTooLong(std::string_view awaited, bool in_total);

}  // namespace gateway

#endif  // BASE_HTTP_HTTP_TIMEOUT_H_
