// RetryFor tries something again for a while.
//
//   const bool found = RetryFor(absl::Seconds(10), [&] { return Look(); });
//
// Thread contract: any thread without an event loop; blocks.

#ifndef CLIENTS_CLI_RETRYING_H_
#define CLIENTS_CLI_RETRYING_H_

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"

namespace gateway {

// Calls `attempt` at once, then every now and then until it returns true or
// `wait` has passed, and once more at that time. Returns what it returned last.
bool RetryFor(absl::Duration wait, absl::FunctionRef<bool()> attempt);

}  // namespace gateway

#endif  // CLIENTS_CLI_RETRYING_H_
