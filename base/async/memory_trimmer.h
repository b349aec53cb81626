// MemoryTrimmer gives back what a burst has left behind: once a period it frees
// what base/memory/recycler.h keeps on the loop's thread and has not needed
// since, and if that was much, has the allocator return its free pages to the
// system. A steady load is not touched: what it needs in each period stays.
//
//   MemoryTrimmer trimmer(loop);
//
// Thread contract: one event loop.

#ifndef BASE_ASYNC_MEMORY_TRIMMER_H_
#define BASE_ASYNC_MEMORY_TRIMMER_H_

#include <cstddef>

#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"

namespace gateway {

class MemoryTrimmer {
 public:
  explicit MemoryTrimmer(EventLoop& loop,
                         absl::Duration period = absl::Seconds(1));

  MemoryTrimmer(const MemoryTrimmer&) = delete;
  MemoryTrimmer& operator=(const MemoryTrimmer&) = delete;

  // Bytes freed so far.
  size_t freed_bytes() const { return freed_bytes_; }

 private:
  void Trim();

  EventLoop& loop_;
  const absl::Duration period_;
  size_t freed_bytes_ = 0;
  Timer timer_;
};

}  // namespace gateway

#endif  // BASE_ASYNC_MEMORY_TRIMMER_H_
