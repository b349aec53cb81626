// A fault is an absl::Status that says why a call failed in the closed
// vocabulary of llmgateway.v1.ErrorReason. The details that a caller will see
// (google.rpc.ErrorInfo, RetryInfo, BadRequest, QuotaFailure) travel as
// payloads of the status, so that every layer can add to them and only the
// APIs turn them into bytes.
//
//   absl::Status status = MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED,
//                                   "openai: 429: slow down");
//   SetRetryDelay(status, absl::Seconds(7));
//   AddFaultMetadata(status, "provider", "openai");
//
// Thread-compatible: plain functions over a status.

#ifndef ERRORS_FAULT_H_
#define ERRORS_FAULT_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/rpc/status.pb.h"
#include "llmgateway/v1/errors.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// The domain of every ErrorInfo.
inline constexpr std::string_view kErrorDomain = "llmgateway.dev";

// A longer message is cut to this, at a UTF-8 boundary: longer trailers are not
// reliably delivered.
inline constexpr size_t kFaultMessageBytesLimit = 1024;

// Details are left out, the last added first, until their serialized form is no
// longer than this.
inline constexpr size_t kFaultDetailsBytesLimit = 3 * 1024;

// Metadata of failures that a provider told, or that its answer shows. What may
// follow (errors/verdict.h) and what an API tells its caller is decided by
// them.
inline constexpr std::string_view kHttpStatusKey = "http_status";
// Whose form the error has, such as `openai`; absent if in none that is known.
inline constexpr std::string_view kProviderErrorFormKey = "provider_error_form";
// The vendor's own names of what is wrong.
inline constexpr std::string_view kProviderCodeKey = "provider_code";
inline constexpr std::string_view kProviderErrorTypeKey = "provider_error_type";
inline constexpr std::string_view kProviderParamKey = "provider_param";
inline constexpr std::string_view kProviderQuotaIdKey = "provider_quota_id";
// `x-should-retry` as the provider sent it: `true` or `false`.
inline constexpr std::string_view kProviderShouldRetryKey =
    "provider_should_retry";
// kCallersCredential if the provider was shown one of the caller's own.
inline constexpr std::string_view kCredentialKey = "credential";

// The name of a credential that a caller brought; configured ones have names of
// their own.
inline constexpr std::string_view kCallersCredential = "caller";

// Returns the canonical code that goes with a reason.
absl::StatusCode CodeOf(v1::ErrorReason reason);

// Returns the reason's name without its `ERROR_REASON_` prefix.
std::string_view ReasonName(v1::ErrorReason reason);

// Makes a status with the code that goes with `reason` and an ErrorInfo that
// names it.
absl::Status MakeFault(v1::ErrorReason reason, std::string_view message);

// Makes an INVALID_REQUEST that names the field at fault, as in
// `messages[0].parts[1].image.media_type`.
absl::Status InvalidField(std::string_view field, std::string_view description);

// Adds a violation to a status that may already have some.
void AddFieldViolation(absl::Status& status, std::string_view field,
                       std::string_view description);

// Adds metadata to the ErrorInfo. Keys are lower_snake_case; a repeated key is
// overwritten.
void AddFaultMetadata(absl::Status& status, std::string_view key,
                      std::string_view value);

// Says that a quota was exceeded: whose, such as `caller`, and which. Further
// ones than the wire has room for are left out.
void AddQuotaViolation(absl::Status& status, std::string_view subject,
                       std::string_view description);

// Says that waiting this long helps. Negative delays become zero.
void SetRetryDelay(absl::Status& status, absl::Duration delay);

// Returns `status` with "place: " before its message, details kept.
absl::Status AtPlace(std::string_view place, const absl::Status& status);

// Returns the reason of a status; for one that was made elsewhere, the reason
// that fits its code best; ERROR_REASON_UNSPECIFIED for kOk.
v1::ErrorReason FaultReason(const absl::Status& status);

// Returns how long to wait before another attempt; nothing if waiting does not
// help.
std::optional<absl::Duration> RetryDelay(const absl::Status& status);

// Returns a metadata value of the ErrorInfo; empty if there is none.
std::string FaultMetadata(const absl::Status& status, std::string_view key);

// Returns the fields at fault, with what is wrong with each.
std::vector<std::pair<std::string, std::string>> FieldViolations(
    const absl::Status& status);

// Returns the quotas that were exceeded, whose and which.
std::vector<std::pair<std::string, std::string>> QuotaViolations(
    const absl::Status& status);

// Converts to the form that goes over the wire: bounded message, bounded
// details.
google::rpc::Status ToRpcStatus(const absl::Status& status);

// Converts back, for clients and tests.
absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace gateway

#endif  // ERRORS_FAULT_H_
