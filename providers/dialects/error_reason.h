// Says why a call failed, whatever vendor failed it and in whatever form it
// says so: the one classification that every dialect uses.
//
//   const absl::Status fault = ReadHttpFailure(failure, failure.now);
//
// The HTTP status speaks first. What some codes, and a few phrases, say is more
// exact and counts in its stead: a spent quota that comes as 429, a prompt that
// is too long or refused among the 400s, a wrong key that is called a bad
// request. A 403 is a verdict on the credential only where a code, or how the
// message begins, says so: a caller may ask for what the credential cannot
// have. A failure of the server (5xx) is one, whatever it says of the
// request. Where there is no status, as inside of a stream, the code, the type
// and the canonical word speak instead.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_ERROR_REASON_H_
#define PROVIDERS_DIALECTS_ERROR_REASON_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "llmgateway/v1/errors.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/error_body.h"

namespace gateway {

// The fault for a failed HTTP answer: its reason, the vendor's words scrubbed
// and bounded, how long to wait where waiting helps, and as metadata what the
// vendor says besides: `http_status`, `provider_code`, `provider_error_type`,
// `provider_param`, `provider_quota_id`, the form that it says it in
// (`provider_error_form`), whether it refuses the credential or only what was
// asked for with it (kRefusedKey in errors/verdict.h) and whether its own
// clients should try again (`provider_should_retry`). `now` is what a date in
// `retry-after` is compared with.
absl::Status ReadHttpFailure(const HttpFailure& failure, absl::Time now);

// As above, for an error inside of a stream, or in place of an answer.
absl::Status ReadErrorReport(std::string_view body);
absl::Status FaultOfReport(const ErrorBody& error);

// Returns whether an answer that ended by this word of a vendor's was given up
// for what the model has written, which says nothing of the provider's health.
bool IsOfOutput(std::string_view finish_word);

// Returns whether the provider says, by its status or by name, that it is
// overloaded; also if a stream broke off for that.
bool IsOverload(const absl::Status& fault);

// Returns the reason to write at an API for `fault`: its own, unless a provider
// has refused a credential of the caller's own; then the one that stands for a
// wrong key of the gateway.
v1::ErrorReason ToldReason(const absl::Status& fault);

// What the vendor itself calls a failure; empty texts for what it did not say.
struct VendorError {
  std::string type;
  std::string code;
  std::string param;
};

// Returns the vendor's own error, for callers at the API of that vendor, which
// writes errors in this `form`. Empty where another vendor failed, and where
// the failure is of the gateway's own credential or account, which a caller
// would take for its own.
VendorError VendorErrorOf(const absl::Status& fault, ErrorBody::Form form);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_ERROR_REASON_H_
