#include "base/memory/allocator.h"

// Functions of tcmalloc; null where the program has another allocator.
extern "C" {
__attribute__((weak)) int MallocExtension_GetNumericProperty(const char* name,
                                                             size_t* value);
__attribute__((weak)) int MallocExtension_SetNumericProperty(const char* name,
                                                             size_t value);
__attribute__((weak)) void MallocExtension_MarkThreadIdle();
__attribute__((weak)) void MallocExtension_ReleaseToSystem(size_t bytes);
}

namespace gateway {
namespace {

// Zero where there is none of that name.
size_t AllocatorProperty(const char* name) {
  size_t value = 0;
  if (MallocExtension_GetNumericProperty != nullptr) {
    MallocExtension_GetNumericProperty(name, &value);
  }
  return value;
}

}  // namespace

void LimitThreadCaches(size_t bytes) {
  if (MallocExtension_SetNumericProperty == nullptr) return;
  MallocExtension_SetNumericProperty("tcmalloc.max_total_thread_cache_bytes",
                                     bytes);
}

void EmptyThreadCache() {
  if (MallocExtension_MarkThreadIdle == nullptr) return;
  MallocExtension_MarkThreadIdle();
}

size_t AllocatedBytes() {
  return AllocatorProperty("generic.current_allocated_bytes");
}

size_t FreePageBytes() {
  return AllocatorProperty("tcmalloc.pageheap_free_bytes");
}

void ReturnFreePages(size_t bytes) {
  if (MallocExtension_ReleaseToSystem == nullptr) return;
  MallocExtension_ReleaseToSystem(bytes);
}

}  // namespace gateway
