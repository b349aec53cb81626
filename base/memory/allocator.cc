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

void LimitThreadCaches(size_t bytes) {
  if (MallocExtension_SetNumericProperty == nullptr) return;
  MallocExtension_SetNumericProperty("tcmalloc.max_total_thread_cache_bytes",
                                     bytes);
}

void EmptyThreadCache() {
  if (MallocExtension_MarkThreadIdle == nullptr) return;
  MallocExtension_MarkThreadIdle();
}

size_t FreePageBytes() {
  size_t bytes = 0;
  if (MallocExtension_GetNumericProperty != nullptr) {
    MallocExtension_GetNumericProperty("tcmalloc.pageheap_free_bytes", &bytes);
  }
  return bytes;
}

void ReturnFreePages(size_t bytes) {
  if (MallocExtension_ReleaseToSystem == nullptr) return;
  MallocExtension_ReleaseToSystem(bytes);
}

}  // namespace gateway
