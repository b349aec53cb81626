#include "base/memory/recycler.h"

#include <cstddef>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "base/os/thread.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(GATEWAY_TSAN)
constexpr bool kRecycles = false;
#else
constexpr bool kRecycles = true;
#endif

TEST(RecyclerTest, GivesTheSameBlockAgain) {
  if (!kRecycles) GTEST_SKIP() << "under a sanitizer each block is its own";
  for (const size_t size : {1, 64, 65, 1000, 8192}) {
    void* const block = RecycledAllocate(size);
    RecycledFree(block, size);
    EXPECT_EQ(RecycledAllocate(size), block) << size;
    RecycledFree(block, size);
  }
}

TEST(RecyclerTest, BlocksAreAsLargeAsAsked) {
  for (size_t size = 0; size < 3 * kRecycledBytesMax; size += 61) {
    void* const block = RecycledAllocate(size);
    ASSERT_NE(block, nullptr);
    std::memset(block, 0xab, size);
    RecycledFree(block, size);
  }
}

TEST(RecyclerTest, BlocksInUseAreApart) {
  std::set<char*> blocks;
  for (int i = 0; i < 1000; ++i) {
    char* const block = static_cast<char*>(RecycledAllocate(100));
    std::memset(block, i, 100);
    EXPECT_TRUE(blocks.insert(block).second);
  }
  char* before = nullptr;
  for (char* block : blocks) {
    if (before != nullptr) {
      EXPECT_GE(block - before, 100);
    }
    before = block;
    RecycledFree(block, 100);
  }
}

TEST(RecyclerTest, TrimsWhatWasNotNeededSinceTheLastTime) {
  if (!kRecycles) GTEST_SKIP() << "under a sanitizer each block is its own";
  constexpr size_t kSize = 4096;
  TrimRecycled();
  TrimRecycled();  // Nothing is left of other tests.
  std::vector<void*> blocks;
  for (int i = 0; i < 10; ++i) blocks.push_back(RecycledAllocate(kSize));
  for (void* block : blocks) RecycledFree(block, kSize);
  EXPECT_EQ(TrimRecycled(), 0u);  // They were in use meanwhile.
  // Three of the ten are needed in the next period.
  for (int i = 0; i < 3; ++i) blocks[i] = RecycledAllocate(kSize);
  for (int i = 0; i < 3; ++i) RecycledFree(blocks[i], kSize);
  EXPECT_EQ(TrimRecycled(), 7 * kSize);
  EXPECT_EQ(TrimRecycled(), 3 * kSize);
  EXPECT_EQ(TrimRecycled(), 0u);
}

TEST(RecyclerTest, TakesNullAndMoreThanItKeeps) {
  RecycledFree(nullptr, 10);
  std::vector<void*> blocks;
  for (int i = 0; i < 10'000; ++i) blocks.push_back(RecycledAllocate(1000));
  for (void* block : blocks) RecycledFree(block, 1000);
}

struct Base : Recycled {
  virtual ~Base() = default;
};
struct Derived final : Base {
  char more[500];
};

TEST(RecyclerTest, ServesObjectsDeletedThroughTheirBase) {
  std::unique_ptr<Base> object = std::make_unique<Derived>();
  const void* const first = object.get();
  object.reset();
  object = std::make_unique<Derived>();
  if (kRecycles) {
    EXPECT_EQ(object.get(), first);
  }
}

TEST(RecyclerTest, TakesABlockFromAnotherThread) {
  void* const block = RecycledAllocate(256);
  Thread other("other", [block] {
    RecycledFree(block, 256);
    if (kRecycles) {
      EXPECT_EQ(RecycledAllocate(256), block);
      RecycledFree(block, 256);
    }
  });
  other.Join();
}

// Uses the recycler in its destructor, which runs after the free lists' end.
struct LastToGo {
  ~LastToGo() { RecycledFree(RecycledAllocate(100), 100); }
};

TEST(RecyclerTest, ServesObjectsThatOutliveTheThreadsLists) {
  Thread other("other", [] {
    static thread_local LastToGo last;
    static_cast<void>(last);
    RecycledFree(RecycledAllocate(100), 100);
  });
  other.Join();
}

}  // namespace
}  // namespace gateway
