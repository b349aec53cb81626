// Says why a call failed, whatever vendor failed it and in whatever form it
// says so: the one classification that every dialect uses.
//
//   absl::Status MyDialect::ReadError(const HttpFailure& failure) const {
//     return ReadHttpFailure(failure, SystemClock().WallTime());
//   }
//
// The HTTP status speaks first. What some codes, and a few phrases, say is more
// exact and counts in its stead: a spent quota that comes as 429, a prompt that
// is too long or refused among the 400s, a wrong key that is called a bad
// request. A failure of the server (5xx) is one, whatever it says of the
// request. Where there is no status, as inside of a stream, the code, the type
// and the canonical word speak instead.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_ERROR_REASON_H_
#define PROVIDERS_DIALECTS_ERROR_REASON_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "llmgateway/v1/errors.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/error_body.h"

namespace gateway {

// The fault for a failed HTTP answer: its reason, the vendor's words scrubbed
// and bounded, how long to wait where waiting helps, and as metadata
// `http_status`, `provider_code` and `provider_error_type`. `now` is what a
// date in `retry-after` is compared with.
absl::Status ReadHttpFailure(const HttpFailure& failure, absl::Time now);

// The same for an error inside of a stream, or in place of an answer.
absl::Status ReadErrorReport(std::string_view body);
absl::Status FaultOfReport(const ErrorBody& error);

// The reason alone. `status` is 0 if there is none.
v1::ErrorReason ReasonOfError(int status, const ErrorBody& error);

// The reason that an HTTP status alone stands for.
v1::ErrorReason ReasonOfHttpStatus(int status);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_ERROR_REASON_H_
