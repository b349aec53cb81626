#include "base/memory/allocator.h"

#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/os/thread.h"
#include "gtest/gtest.h"

extern "C" int MallocExtension_GetNumericProperty(const char* name,
                                                  size_t* value);

namespace gateway {
namespace {

constexpr size_t kMebibyte = size_t{1} << 20;

size_t ThreadCacheBytes() {
  size_t bytes = 0;
  MallocExtension_GetNumericProperty(
      "tcmalloc.current_total_thread_cache_bytes", &bytes);
  return bytes;
}

// Has so many threads free what they have had, and looks at what they keep.
size_t KeptByThreads(int threads) {
  constexpr size_t kBlockSize = 1024;
  constexpr int kBlocks = 4096;
  size_t kept = 0;
  // Each waits within the one before it, so that all are there at the end.
  auto begin = [&](auto& self, int left) -> void {
    if (left == 0) {
      kept = ThreadCacheBytes();
      return;
    }
    Thread thread("keeper", [&] {
      for (int round = 0; round < 4; ++round) {
        std::vector<std::unique_ptr<char[]>> blocks;
        for (int i = 0; i < kBlocks; ++i) {
          blocks.push_back(std::make_unique<char[]>(kBlockSize));
        }
      }
      self(self, left - 1);
    });
    thread.Join();
  };
  begin(begin, threads);
  return kept;
}

TEST(AllocatorTest, ThreadsKeepLessThanTheyWould) {
  constexpr int kThreads = 16;
  const size_t would = KeptByThreads(kThreads);
  LimitThreadCaches(kMebibyte);
  EXPECT_LT(KeptByThreads(kThreads), would / 2);
}

TEST(AllocatorTest, WhatIsAllocatedIsCountedUntilItIsFreed) {
  const size_t before = AllocatedBytes();
  auto block = std::make_unique<char[]>(kMebibyte);
  EXPECT_GE(AllocatedBytes(), before + kMebibyte);
  block.reset();
  EXPECT_LT(AllocatedBytes(), before + kMebibyte);
}

TEST(AllocatorTest, FreePagesAreCountedUntilTheyAreReturned) {
  constexpr size_t kSize = 32 * kMebibyte;
  auto block = std::make_unique<char[]>(kSize);
  std::memset(block.get(), 1, kSize);
  const size_t before = FreePageBytes();
  block.reset();
  EXPECT_GE(FreePageBytes(), before + kSize);
  ReturnFreePages(std::numeric_limits<size_t>::max());
  EXPECT_LT(FreePageBytes(), kMebibyte);
}

TEST(AllocatorTest, AThreadGivesWhatItKeepsToAll) {
  {
    const std::vector<std::string> many(1000, std::string(1000, 'a'));
  }
  const size_t before = ThreadCacheBytes();
  EmptyThreadCache();
  EXPECT_LT(ThreadCacheBytes(), before);
}

}  // namespace
}  // namespace gateway
