#include "base/async/memory_trimmer.h"

#include "base/memory/recycler.h"

// Of tcmalloc; null where the program has another allocator.
extern "C" {
__attribute__((weak)) void MallocExtension_MarkThreadIdle();
__attribute__((weak)) void MallocExtension_ReleaseFreeMemory();
}

namespace gateway {
namespace {

// Less is not worth the system calls.
constexpr size_t kReturnedBytesMin = 512 * 1024;

void ReturnFreePages() {
  if (MallocExtension_MarkThreadIdle != nullptr) {
    MallocExtension_MarkThreadIdle();  // Empties the thread's own cache.
  }
  if (MallocExtension_ReleaseFreeMemory != nullptr) {
    MallocExtension_ReleaseFreeMemory();
  }
}

}  // namespace

MemoryTrimmer::MemoryTrimmer(EventLoop& loop, absl::Duration period)
    : loop_(loop), period_(period), timer_([this] { Trim(); }) {
  loop_.ArmTimer(timer_, period_);
}

void MemoryTrimmer::Trim() {
  const size_t bytes = TrimRecycled();
  freed_bytes_ += bytes;
  if (bytes >= kReturnedBytesMin) ReturnFreePages();
  loop_.ArmTimer(timer_, period_);
}

}  // namespace gateway
