#include "base/memory/recycler.h"

#include <new>

namespace gateway {
namespace {

using recycler_internal::free_lists;
using recycler_internal::FreeBlock;
using recycler_internal::FreeList;
using recycler_internal::kGranuleBytes;

// Under a sanitizer nothing is kept: each block is allocated anew, so that a
// use after free shows.
#if defined(__SANITIZE_ADDRESS__) || defined(GATEWAY_TSAN)
constexpr bool kRecycle = false;
#else
constexpr bool kRecycle = true;
#endif

// The most that one thread keeps of one size: as much as a few thousand
// requests in flight may give back in one turn of the loop and take in the
// next.
constexpr size_t kKeptBytesMaxPerClass = 2 * 1024 * 1024;

enum class Life : char { kNew, kKeeping, kOver };

constinit thread_local Life life = Life::kNew;

size_t BytesOf(size_t index) { return (index + 1) * kGranuleBytes; }

// How many blocks of the list may be kept.
size_t KeptMax(size_t index) {
  return (kKeptBytesMaxPerClass + BytesOf(index) - 1) / BytesOf(index);
}

FreeBlock* TakeFirst(FreeList& list) {
  FreeBlock* const block = list.head;
  list.head = block->next;
  return block;
}

struct FreeListsEnd {
  ~FreeListsEnd() {
    for (FreeList& list : free_lists) {
      while (list.head != nullptr) ::operator delete(TakeFirst(list));
      list.room = list.most_room = 0;
    }
    life = Life::kOver;
  }

  // From now on blocks are kept.
  void Await() {
    for (size_t index = 0; index < free_lists.size(); ++index) {
      free_lists[index].room = free_lists[index].most_room = KeptMax(index);
    }
    life = Life::kKeeping;
  }
};

thread_local FreeListsEnd free_lists_end;

}  // namespace

namespace recycler_internal {

// The free lists of this thread. Never destroyed, since destructors of its
// other thread-local objects may still free; FreeListsEnd gives the memory
// back.
constinit thread_local FreeLists free_lists{};

void* Allocate(size_t size) {
  if (!kRecycle || size == 0 || size > kRecycledBytesMax) {
    return ::operator new(size);
  }
  return ::operator new(BytesOf((size - 1) / kGranuleBytes));
}

void Free(void* block, size_t size) noexcept {
  // Blocks are kept from the first that a thread frees.
  if (kRecycle && life == Life::kNew) {
    free_lists_end.Await();
    RecycledFree(block, size);
  } else {
    ::operator delete(block);
  }
}

}  // namespace recycler_internal

size_t TrimRecycled() {
  if (life != Life::kKeeping) return 0;
  size_t bytes = 0;
  for (size_t index = 0; index < free_lists.size(); ++index) {
    FreeList& list = free_lists[index];
    // So many have been there all the time.
    const size_t unneeded = KeptMax(index) - list.most_room;
    bytes += unneeded * BytesOf(index);
    for (size_t i = 0; i < unneeded; ++i) ::operator delete(TakeFirst(list));
    list.room += unneeded;
    list.most_room = list.room;
  }
  return bytes;
}

}  // namespace gateway

// Tells LeakSanitizer what not to report: what libraries keep to the end of the
// process without a pointer to it.
#if defined(__SANITIZE_ADDRESS__)

// The sanitizer calls this function by its name.
extern "C" const char* __lsan_default_suppressions() {  // NOLINT
  // MallocExtension::Register is tcmalloc's own; c-ares, which gRPC C++ brings,
  // keeps its servers.
  return "leak:MallocExtension::Register\nleak:libcares\n";
}

// Without a list of what was suppressed, since tests read all that programs
// write.
extern "C" const char* __lsan_default_options() {  // NOLINT
  return "print_suppressions=0";
}

#endif
