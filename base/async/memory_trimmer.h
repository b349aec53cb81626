// MemoryTrimmer gives back what a burst has left behind: once a period it frees
// what base/memory/recycler.h keeps on the loop's thread and has not needed
// since, and if that was much, has the allocator return its free pages to the
// system. So it does with pages that have been free at each of its last looks,
// whoever freed them: a large request's, say. A steady load is not touched:
// what it needs in each period stays.
//
//   MemoryTrimmer trimmer(loop);
//
// Thread contract: one event loop.

#ifndef BASE_ASYNC_MEMORY_TRIMMER_H_
#define BASE_ASYNC_MEMORY_TRIMMER_H_

#include <array>
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

  // Counts the bytes that were freed so far.
  size_t freed_bytes() const { return freed_bytes_; }

 private:
  // Free pages are returned only if they were free at so many looks in a row,
  // one a period.
  static constexpr size_t kLooks = 5;

  void Trim();
  void ReturnIdlePages();

  EventLoop& loop_;
  const absl::Duration period_;
  size_t freed_bytes_ = 0;
  // Bytes in free pages at each of the last looks; `looks_` counts the looks.
  std::array<size_t, kLooks> free_bytes_{};
  size_t looks_ = 0;
  Timer timer_;
};

}  // namespace gateway

#endif  // BASE_ASYNC_MEMORY_TRIMMER_H_
