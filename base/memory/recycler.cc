#include "base/memory/recycler.h"

#include <algorithm>
#include <array>
#include <new>

namespace gateway {
namespace {

// Under a sanitizer nothing is kept: each block is allocated anew, so that a
// use after free shows.
#if defined(__SANITIZE_ADDRESS__) || defined(GATEWAY_TSAN)
constexpr bool kRecycle = false;
#else
constexpr bool kRecycle = true;
#endif

constexpr size_t kGranuleBytes = 64;
constexpr size_t kClasses = kRecycledBytesMax / kGranuleBytes;
// The most that one thread keeps of one size: as much as a few thousand
// requests in flight may give back in one turn of the loop and take in the
// next.
constexpr size_t kKeptBytesMaxPerClass = 2 * 1024 * 1024;

struct FreeBlock {
  FreeBlock* next;
};

struct FreeList {
  FreeBlock* head;
  size_t count;
  size_t least;  // The smallest `count` since the last TrimRecycled.
};

enum class Life : char { kNew, kKeeping, kOver };

// The free lists of this thread. Never destroyed, since destructors of its
// other thread-local objects may still free; FreeListsEnd gives the memory
// back.
struct FreeLists {
  std::array<FreeList, kClasses> lists;
  Life life;
};

constinit thread_local FreeLists free_lists{};

struct FreeListsEnd {
  ~FreeListsEnd() {
    for (FreeList& list : free_lists.lists) {
      while (list.head != nullptr) {
        FreeBlock* const next = list.head->next;
        ::operator delete(list.head);
        list.head = next;
      }
      list.count = 0;
    }
    free_lists.life = Life::kOver;
  }

  void Await() { free_lists.life = Life::kKeeping; }
};

thread_local FreeListsEnd free_lists_end;

// Handles the first block that a thread frees. Not inlined, so that all later
// frees save no registers for a call that they do not make.
[[gnu::noinline]] void FreeFirst(void* block, size_t size) noexcept {
  free_lists_end.Await();
  RecycledFree(block, size);
}

size_t ClassOf(size_t size) {
  return (size + kGranuleBytes - 1) / kGranuleBytes - 1;
}

}  // namespace

void* RecycledAllocate(size_t size) {
  if (!kRecycle || size == 0 || size > kRecycledBytesMax) {
    return ::operator new(size);
  }
  const size_t index = ClassOf(size);
  FreeList& list = free_lists.lists[index];
  if (list.head == nullptr) {
    list.least = 0;
    return ::operator new((index + 1) * kGranuleBytes);
  }
  FreeBlock* const block = list.head;
  list.head = block->next;
  --list.count;
  list.least = std::min(list.least, list.count);
  return block;
}

size_t TrimRecycled() {
  size_t bytes = 0;
  for (size_t index = 0; index < kClasses; ++index) {
    FreeList& list = free_lists.lists[index];
    bytes += list.least * (index + 1) * kGranuleBytes;
    for (; list.least > 0; --list.least) {
      FreeBlock* const next = list.head->next;
      ::operator delete(list.head);
      list.head = next;
      --list.count;
    }
    list.least = list.count;
  }
  return bytes;
}

void RecycledFree(void* block, size_t size) noexcept {
  if (block == nullptr) return;
  if (!kRecycle || size == 0 || size > kRecycledBytesMax) {
    ::operator delete(block);
    return;
  }
  const size_t index = ClassOf(size);
  FreeList& list = free_lists.lists[index];
  if (free_lists.life == Life::kNew) return FreeFirst(block, size);
  if (free_lists.life == Life::kOver ||
      list.count * (index + 1) * kGranuleBytes >= kKeptBytesMaxPerClass) {
    ::operator delete(block);
    return;
  }
  FreeBlock* const kept = static_cast<FreeBlock*>(block);
  kept->next = list.head;
  list.head = kept;
  ++list.count;
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
