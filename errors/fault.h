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

// A message longer than this is cut, on a UTF-8 boundary: longer trailers are
// not reliably delivered.
inline constexpr size_t kFaultMessageBytesLimit = 1024;

// Serialized details longer than this are left out, the last added first.
inline constexpr size_t kFaultDetailsBytesLimit = 3 * 1024;

// The canonical code that goes with a reason.
absl::StatusCode CodeOf(v1::ErrorReason reason);

// The reason's name without its `ERROR_REASON_` prefix.
std::string_view ReasonName(v1::ErrorReason reason);

// A status with the code that goes with `reason` and an ErrorInfo that names
// it.
absl::Status MakeFault(v1::ErrorReason reason, std::string_view message);

// An INVALID_REQUEST that names the field at fault, as in
// `messages[0].parts[1].image.media_type`.
absl::Status InvalidField(std::string_view field, std::string_view description);

// Adds a violation to a status that may already have some.
void AddFieldViolation(absl::Status& status, std::string_view field,
                       std::string_view description);

// Adds to the ErrorInfo. Keys are lower_snake_case; a repeated key is
// overwritten.
void AddFaultMetadata(absl::Status& status, std::string_view key,
                      std::string_view value);

// Says that waiting this long helps. Negative delays become zero.
void SetRetryDelay(absl::Status& status, absl::Duration delay);

// Returns `status` with "place: " before its message, details kept.
absl::Status AtPlace(std::string_view place, const absl::Status& status);

// The reason of a status; for one made elsewhere, the reason that fits its
// code best. kOk has ERROR_REASON_UNSPECIFIED.
v1::ErrorReason FaultReason(const absl::Status& status);

// How long to wait, where waiting helps.
std::optional<absl::Duration> RetryDelay(const absl::Status& status);

// A metadata value of the ErrorInfo; empty if there is none.
std::string FaultMetadata(const absl::Status& status, std::string_view key);

// The fields at fault with what is wrong with each.
std::vector<std::pair<std::string, std::string>> FieldViolations(
    const absl::Status& status);

// The status as it goes over the wire: bounded message, bounded details.
google::rpc::Status ToRpcStatus(const absl::Status& status);

// The reverse, for clients and tests.
absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace gateway

#endif  // ERRORS_FAULT_H_
