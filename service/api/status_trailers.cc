#include "service/api/status_trailers.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "google/rpc/status.pb.h"
#include "service/pipeline/call_ledger.h"

namespace gateway {
namespace {

// The longest push-back: clients read it as a 32-bit number.
constexpr int64_t kPushbackMsMax = INT32_MAX;

// Returns whether a provider must have been asked, for this call or for one
// that it shares its outcome with.
bool IsOfProvider(v1::ErrorReason reason) {
  switch (reason) {
    case v1::ERROR_REASON_PROVIDER_UNAVAILABLE:
    case v1::ERROR_REASON_PROVIDER_TIMEOUT:
    case v1::ERROR_REASON_PROVIDER_BAD_RESPONSE:
    case v1::ERROR_REASON_STREAM_INTERRUPTED:
      return true;
    default:
      return false;
  }
}

std::string PushbackMs(const absl::Status& status, ClientRetry retry) {
  const v1::ErrorReason reason = FaultReason(status);
  if (retry == ClientRetry::kForbidden || IsOfProvider(reason) ||
      WasAnswered(status)) {
    return "-1";
  }
  if (const std::optional<absl::Duration> delay = RetryDelay(status)) {
    // Rounded up: an attempt that comes too early is wasted.
    const int64_t ms = absl::ToInt64Milliseconds(
        absl::Ceil(*delay, absl::Milliseconds(1)));
    return absl::StrCat(std::min(ms, kPushbackMsMax));
  }
  switch (reason) {
    case v1::ERROR_REASON_BUDGET_EXCEEDED:
    case v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED:
      return "-1";  // Asking again does not restore a quota.
    case v1::ERROR_REASON_RATE_LIMITED:
      return "-1";  // More is asked for than is ever let pass at once.
    case v1::ERROR_REASON_CIRCUIT_OPEN:
    case v1::ERROR_REASON_MODEL_DISABLED:
      return "-1";  // Until an operator lets it pass, and nobody knows when.
    default:
      return std::string();
  }
}

}  // namespace

StatusTrailers ToStatusTrailers(const absl::Status& status, ClientRetry retry) {
  StatusTrailers trailers;
  if (status.ok()) return trailers;
  google::rpc::Status rpc = ToRpcStatus(status);
  trailers.code = rpc.code();
  rpc.SerializeToString(&trailers.details);
  trailers.message = std::move(*rpc.mutable_message());
  trailers.pushback_ms = PushbackMs(status, retry);
  return trailers;
}

}  // namespace gateway
