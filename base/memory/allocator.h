// What the allocator has given, and what it keeps of what was freed. Where the
// program has another one than tcmalloc these do nothing, and zero bytes are
// allocated or free.
//
//   LimitThreadCaches(size_t{8} << 20);      // Once, at the start.
//   if (FreePageBytes() > much) ReturnFreePages(much);
//
// Thread contract: plain functions, of any thread. While pages are returned no
// other thread can have new ones: a gigabyte takes a tenth of a second.

#ifndef BASE_MEMORY_ALLOCATOR_H_
#define BASE_MEMORY_ALLOCATOR_H_

#include <cstddef>

namespace gateway {

// All threads together keep at most so many bytes of what they have freed, half
// a MiB each at least. What is freed on another thread than it was allocated
// on, as the ledger's, fills up such a cache that nobody takes from.
void LimitThreadCaches(size_t bytes);

// Gives what this thread keeps to all.
void EmptyThreadCache();

// Counts the bytes that were allocated and not freed. What is resident above it
// are the allocator's caches, free pages and the program itself.
size_t AllocatedBytes();

// Counts the bytes of whole pages that are free, and still the process's.
size_t FreePageBytes();

// Gives so many bytes of them, or all, to the system.
void ReturnFreePages(size_t bytes);

}  // namespace gateway

#endif  // BASE_MEMORY_ALLOCATOR_H_
