#include "base/recycler.h"

#include <array>
#include <new>

namespace gateway {
namespace {

// Under a sanitizer each block is its own, so that a use after free shows.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kRecycle = false;
#else
constexpr bool kRecycle = true;
#endif

constexpr size_t kGranuleBytes = 64;
constexpr size_t kClasses = kRecycledBytesMax / kGranuleBytes;
// What one thread keeps of one size at most.
constexpr size_t kKeptBytesMaxPerClass = 256 * 1024;

struct FreeBlock {
  FreeBlock* next;
};

struct FreeList {
  FreeBlock* head = nullptr;
  size_t count = 0;
};

class ThreadFreeLists {
 public:
  ~ThreadFreeLists() {
    for (FreeList& list : lists_) {
      while (list.head != nullptr) {
        FreeBlock* const next = list.head->next;
        ::operator delete(list.head);
        list.head = next;
      }
    }
    alive_ = false;
  }

  void* Take(size_t index) {
    FreeList& list = lists_[index];
    if (list.head == nullptr) {
      return ::operator new((index + 1) * kGranuleBytes);
    }
    FreeBlock* const block = list.head;
    list.head = block->next;
    --list.count;
    return block;
  }

  void Give(size_t index, void* memory) {
    FreeList& list = lists_[index];
    if (!alive_ ||
        list.count * (index + 1) * kGranuleBytes >= kKeptBytesMaxPerClass) {
      ::operator delete(memory);
      return;
    }
    FreeBlock* const block = static_cast<FreeBlock*>(memory);
    block->next = list.head;
    list.head = block;
    ++list.count;
  }

 private:
  std::array<FreeList, kClasses> lists_;
  // Objects freed by destructors that run after this one's.
  bool alive_ = true;
};

thread_local ThreadFreeLists free_lists;

size_t ClassOf(size_t size) {
  return (size + kGranuleBytes - 1) / kGranuleBytes - 1;
}

}  // namespace

void* RecycledAllocate(size_t size) {
  if (!kRecycle || size == 0 || size > kRecycledBytesMax) {
    return ::operator new(size);
  }
  return free_lists.Take(ClassOf(size));
}

void RecycledFree(void* block, size_t size) noexcept {
  if (block == nullptr) return;
  if (!kRecycle || size == 0 || size > kRecycledBytesMax) {
    ::operator delete(block);
    return;
  }
  free_lists.Give(ClassOf(size), block);
}

}  // namespace gateway
