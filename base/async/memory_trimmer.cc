#include "base/async/memory_trimmer.h"

#include <algorithm>
#include <limits>

#include "base/memory/allocator.h"
#include "base/memory/recycler.h"

namespace gateway {
namespace {

// Fewer idle bytes are not returned: it would not be worth the system calls.
constexpr size_t kReturnedBytesMin = 512 * 1024;

// So many idle bytes stay with the allocator, and at most so many are returned
// at once.
constexpr size_t kIdleBytesMin = 4 * 1024 * 1024;
constexpr size_t kIdleBytesAtOnce = 64 * 1024 * 1024;

}  // namespace

MemoryTrimmer::MemoryTrimmer(EventLoop& loop, absl::Duration period)
    : loop_(loop), period_(period), timer_([this] { Trim(); }) {
  loop_.ArmTimer(timer_, period_);
}

void MemoryTrimmer::Trim() {
  const size_t bytes = TrimRecycled();
  freed_bytes_ += bytes;
  if (bytes >= kReturnedBytesMin) {
    EmptyThreadCache();
    ReturnFreePages(std::numeric_limits<size_t>::max());
  }
  ReturnIdlePages();
  loop_.ArmTimer(timer_, period_);
}

void MemoryTrimmer::ReturnIdlePages() {
  const size_t free_bytes = FreePageBytes();
  free_bytes_[looks_++ % kLooks] = free_bytes;
  if (looks_ < kLooks) return;
  // What was idle at every one of the last looks was not needed in all that
  // time.
  const size_t idle = *std::min_element(free_bytes_.begin(), free_bytes_.end());
  if (idle < kIdleBytesMin) return;
  const size_t returned = std::min(idle, kIdleBytesAtOnce);
  ReturnFreePages(returned);
  for (size_t& seen : free_bytes_) seen -= returned;
}

}  // namespace gateway
