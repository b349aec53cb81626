// Whose time has passed, of a failure for want of time: told in the fault's
// metadata, so that who meets it knows which limit to raise.
//
//   AddTimeLimit(fault, "resilience.call_timeout");
//
// Thread-compatible: plain functions over a status.

#ifndef ERRORS_TIME_LIMIT_H_
#define ERRORS_TIME_LIMIT_H_

#include <string_view>

#include "absl/status/status.h"
#include "errors/fault.h"

namespace gateway {

// The metadata's key. Its value is the field that says how long, of the
// configuration or of the request, such as `timeouts.first_byte`,
// `resilience.call_timeout`, `x-llmgateway-timeout` or `grpc-timeout`; or
// kDeadlineShare.
inline constexpr std::string_view kTimeLimitKey = "time_limit";

// An attempt's part of what the caller's deadline leaves.
inline constexpr std::string_view kDeadlineShare = "deadline_share";

// How long the configuration lets a call take.
inline constexpr std::string_view kCallTimeout = "resilience.call_timeout";

// How long an answer may take in all.
inline constexpr std::string_view kTotalTimeout = "timeouts.total";

// Of a share that has passed: how long the target usually takes, if it has had
// that. Otherwise the caller had little time, and the target is not blamed.
inline constexpr std::string_view kUsualTimeKey = "usual_time";

inline void AddTimeLimit(absl::Status& fault, std::string_view limit) {
  AddFaultMetadata(fault, kTimeLimitKey, limit);
}

}  // namespace gateway

#endif  // ERRORS_TIME_LIMIT_H_
