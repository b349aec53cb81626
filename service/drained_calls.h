// What becomes of calls that run on for nobody, or for callers who may come
// back, when the process ends.
//
//   LetNobodyBack(*runtime.Get());
//   Spawn(EndWhoRunsOn(loop, grace, runtime, drained, none_runs_on));
//
// Thread contract: as each says.

#ifndef SERVICE_DRAINED_CALLS_H_
#define SERVICE_DRAINED_CALLS_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "service/cache/resumable_streams.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/pipeline/shared_calls.h"

namespace gateway {

// When the process ends, no call runs on for a caller who has left, unless its
// end will be known elsewhere.
inline void LetNobodyBack(const RuntimeSnapshot& runtime) {
  runtime.shared_calls().BeginDrain();
  if (runtime.resumable_streams() != nullptr) {
    runtime.resumable_streams()->Close();
  }
}

// Ends those, too, once `grace` is over, unless `drained` fires before: nobody
// is there who could be cancelled with the others.
inline Task<void> EndWhoRunsOn(EventLoop& loop, absl::Duration grace,
                               const CurrentRuntime& runtime,
                               CancelSignal& drained, Latch& ended) {
  const absl::Status early = co_await Sleep(loop, grace, drained);
  if (early.ok()) runtime.Get()->shared_calls().Close();
  ended.Open();
}

}  // namespace gateway

#endif  // SERVICE_DRAINED_CALLS_H_
