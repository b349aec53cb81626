// The fault of a caller who sends too much: RESOURCE_EXHAUSTED, as every gRPC
// engine answers it, with reason REQUEST_TOO_LARGE, so that nobody mistakes it
// for a limit that waiting lifts.
//
// Thread-compatible.

#ifndef SERVICE_RPC_SIZE_FAULT_H_
#define SERVICE_RPC_SIZE_FAULT_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"

namespace gateway {

// Makes the fault. `limit` is what was exceeded, which the ErrorInfo says in
// its metadata.
absl::Status SizeFault(std::string_view message, size_t limit);

// Makes the fault of a call for which the loop's budget of bytes has no room:
// UNAVAILABLE, to be tried again soon.
absl::Status BudgetSpent();

// The same for answers that clients do not take.
absl::Status AnswerBudgetSpent();

}  // namespace gateway

#endif  // SERVICE_RPC_SIZE_FAULT_H_
