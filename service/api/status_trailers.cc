#include "service/api/status_trailers.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "google/rpc/status.pb.h"

namespace gateway {
namespace {

// The longest push-back: clients read it as a 32-bit number.
constexpr int64_t kPushbackMsMax = INT32_MAX;

std::string PushbackMs(const absl::Status& status) {
  if (const std::optional<absl::Duration> delay = RetryDelay(status)) {
    // Rounded up: an attempt that comes too early is wasted.
    const int64_t ms = absl::ToInt64Milliseconds(
        absl::Ceil(*delay, absl::Milliseconds(1)));
    return absl::StrCat(std::min(ms, kPushbackMsMax));
  }
  switch (FaultReason(status)) {
    case v1::ERROR_REASON_BUDGET_EXCEEDED:
    case v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED:
      return "-1";  // Asking again does not restore a quota.
    case v1::ERROR_REASON_RATE_LIMITED:
      return "-1";  // More is asked for than is ever let pass at once.
    default:
      return std::string();
  }
}

}  // namespace

StatusTrailers ToStatusTrailers(const absl::Status& status) {
  StatusTrailers trailers;
  if (status.ok()) return trailers;
  google::rpc::Status rpc = ToRpcStatus(status);
  trailers.code = rpc.code();
  rpc.SerializeToString(&trailers.details);
  trailers.message = std::move(*rpc.mutable_message());
  trailers.pushback_ms = PushbackMs(status);
  return trailers;
}

}  // namespace gateway
