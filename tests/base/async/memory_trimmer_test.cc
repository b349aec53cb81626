#include "base/async/memory_trimmer.h"

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/memory/recycler.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(GATEWAY_TSAN)
constexpr bool kRecycles = false;
#else
constexpr bool kRecycles = true;
#endif

Task<void> AwaitFreed(LoopRunner* runner, const MemoryTrimmer* trimmer,
                      size_t bytes) {
  CancelSignal never;
  while (trimmer->freed_bytes() < bytes) {
    const absl::Status slept =
        co_await Sleep(runner->loop(), absl::Milliseconds(1), never);
    EXPECT_TRUE(slept.ok());
  }
}

Task<void> BurstThenIdle(LoopRunner* runner) {
  constexpr size_t kSize = 1024;
  constexpr size_t kCount = 1000;
  MemoryTrimmer trimmer(runner->loop(), absl::Milliseconds(5));
  std::vector<void*> blocks;
  for (size_t i = 0; i < kCount; ++i) {
    blocks.push_back(RecycledAllocate(kSize));
  }
  for (void* block : blocks) RecycledFree(block, kSize);
  co_await AwaitFreed(runner, &trimmer, kCount * kSize);
}

TEST(MemoryTrimmerTest, FreesWhatABurstHasLeftBehind) {
  if (!kRecycles) GTEST_SKIP() << "under a sanitizer each block is its own";
  LoopRunner runner;
  runner.Run(BurstThenIdle(&runner));
}

}  // namespace
}  // namespace gateway
