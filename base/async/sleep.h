// Sleep suspends a coroutine for a while, or until its call is over.
//
//   GATEWAY_CO_RETURN_IF_ERROR(co_await Sleep(loop, delay, call.cancel()));
//
// Thread contract: one event loop.

#ifndef BASE_ASYNC_SLEEP_H_
#define BASE_ASYNC_SLEEP_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"

namespace gateway {

// Returns OK after `duration`, at once if that is not positive, or what
// `cancel` fired with. An infinite duration waits for that alone.
Task<absl::Status> Sleep(EventLoop& loop, absl::Duration duration,
                         CancelSignal& cancel);

}  // namespace gateway

#endif  // BASE_ASYNC_SLEEP_H_
