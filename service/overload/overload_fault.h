// What a caller is told whose call is shed.
//
//   return OverloadFault("overload.memory.size_bytes_limit", "no memory left");
//
// Thread-safe: a plain function.

#ifndef SERVICE_OVERLOAD_OVERLOAD_FAULT_H_
#define SERVICE_OVERLOAD_OVERLOAD_FAULT_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"

namespace gateway {

// The metadata's key. Its value is the field of the configuration.
inline constexpr std::string_view kOverloadLimitKey = "limit";

// After so long it may be over: what callers are told to wait.
inline constexpr absl::Duration kOverloadRetryDelay = absl::Seconds(5);

// Returns OVERLOADED, which names the limit and says when to ask again.
inline absl::Status OverloadFault(std::string_view limit,
                                  std::string_view message) {
  absl::Status fault = MakeFault(v1::ERROR_REASON_OVERLOADED, message);
  AddFaultMetadata(fault, kOverloadLimitKey, limit);
  SetRetryDelay(fault, kOverloadRetryDelay);
  return fault;
}

}  // namespace gateway

#endif  // SERVICE_OVERLOAD_OVERLOAD_FAULT_H_
