#include "base/async/memory_trimmer.h"

#include <algorithm>

#include "base/memory/recycler.h"

// A function of tcmalloc; null where the program has another allocator.
extern "C" {
__attribute__((weak)) void MallocExtension_MarkThreadIdle();
__attribute__((weak)) void MallocExtension_ReleaseFreeMemory();
__attribute__((weak)) void MallocExtension_ReleaseToSystem(size_t bytes);
__attribute__((weak)) int MallocExtension_GetNumericProperty(const char* name,
                                                             size_t* value);
}

namespace gateway {
namespace {

// Fewer idle bytes are not returned: it would not be worth the system calls.
constexpr size_t kReturnedBytesMin = 512 * 1024;

// So many idle bytes stay with the allocator, and at most so many are returned
// at once: returning a gigabyte takes a tenth of a second, in which no other
// thread can allocate.
constexpr size_t kIdleBytesMin = 16 * 1024 * 1024;
constexpr size_t kIdleBytesAtOnce = 64 * 1024 * 1024;

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
  ReturnIdlePages();
  loop_.ArmTimer(timer_, period_);
}

void MemoryTrimmer::ReturnIdlePages() {
  if (MallocExtension_GetNumericProperty == nullptr ||
      MallocExtension_ReleaseToSystem == nullptr) {
    return;
  }
  size_t free_bytes = 0;
  MallocExtension_GetNumericProperty("tcmalloc.pageheap_free_bytes",
                                     &free_bytes);
  free_bytes_[looks_++ % kLooks] = free_bytes;
  if (looks_ < kLooks) return;
  // What was idle at every one of the last looks was not needed in all that
  // time.
  const size_t idle = *std::min_element(free_bytes_.begin(), free_bytes_.end());
  if (idle < kIdleBytesMin) return;
  const size_t returned = std::min(idle, kIdleBytesAtOnce);
  MallocExtension_ReleaseToSystem(returned);
  for (size_t& seen : free_bytes_) seen -= returned;
}

}  // namespace gateway
