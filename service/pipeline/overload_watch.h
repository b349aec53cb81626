// OverloadWatch looks at the memory as often as the configuration says, and has
// the log tell when it runs short, when it no longer does, and when many calls
// wait for a place. Where there is none left it frees answers of the cache at
// each look, and what is kept in memory and has expired, each kSweepInterval
// (kept_memory.h).
//
//   OverloadWatch watch(current_runtime);
//   loop.Post([&] { Spawn(watch.Run(loop)); });
//   ...
//   watch.Stop(loop);  // From a thread that is not the loop's.
//
// Another configuration holds from the next look on.
//
// Thread contract: Run on one event loop, once; Stop from another thread.

#ifndef SERVICE_PIPELINE_OVERLOAD_WATCH_H_
#define SERVICE_PIPELINE_OVERLOAD_WATCH_H_

#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/response_store.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

class OverloadWatch {
 public:
  // How often it looks while nothing is limited.
  static constexpr absl::Duration kIdleInterval = absl::Seconds(1);
  // How often it frees what has expired, or as often as it looks if that is
  // less.
  static constexpr absl::Duration kSweepInterval = absl::Seconds(1);

  // Borrows both; `responses` is null if none are kept.
  explicit OverloadWatch(const CurrentRuntime& current,
                         ResponseStore* responses = nullptr)
      : current_(current), responses_(responses) {}

  OverloadWatch(const OverloadWatch&) = delete;
  OverloadWatch& operator=(const OverloadWatch&) = delete;

  // Looks until Stop.
  Task<void> Run(EventLoop& loop);

  // Returns once Run has. REQUIRES: Run was posted to `loop`, which is running.
  void Stop(EventLoop& loop);
  // On the loop.
  void StopOnLoop();

 private:
  // Returns how long to wait for the next look.
  absl::Duration Look(const RuntimeSnapshot& runtime);
  void LookAtWaiting(const RuntimeSnapshot& runtime);

  const CurrentRuntime& current_;
  ResponseStore* const responses_;
  Latch ended_;

  // Of the loop.
  CancelSignal stop_;
  absl::Duration next_sweep_ = -absl::InfiniteDuration();
  bool many_wait_ = false;  // And that was told.
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_OVERLOAD_WATCH_H_
