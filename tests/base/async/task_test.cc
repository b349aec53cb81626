#include "base/async/task.h"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace gateway {
namespace {

// A place to wait at until somebody says to go on.
struct Gate {
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) { waiting = handle; }
  void await_resume() const {}
  void Open() { std::exchange(waiting, nullptr).resume(); }

  std::coroutine_handle<> waiting;
};

template <typename T>
Task<void> Keep(Task<T> task, T* result) {
  *result = co_await std::move(task);
}

Task<int> Give(int value) { co_return value; }

TEST(TaskTest, YieldsItsValue) {
  int result = 0;
  Spawn(Keep(Give(7), &result));
  EXPECT_EQ(result, 7);
}

TEST(TaskTest, BeginsOnlyWhenAwaited) {
  bool begun = false;
  const auto begin = [&]() -> Task<void> {
    begun = true;
    co_return;
  };
  {
    const Task<void> never = begin();
    EXPECT_FALSE(begun);
  }
  Spawn(begin());
  EXPECT_TRUE(begun);
}

Task<std::unique_ptr<std::string>> GiveOwned() {
  auto owned = std::make_unique<std::string>("moved");
  co_return owned;
}

TEST(TaskTest, YieldsWhatCanOnlyBeMoved) {
  std::unique_ptr<std::string> result;
  Spawn(Keep(GiveOwned(), &result));
  EXPECT_EQ(*result, "moved");
}

Task<void> WaitTwice(Gate* gate, std::vector<int>* steps) {
  steps->push_back(1);
  co_await *gate;
  steps->push_back(2);
  co_await *gate;
  steps->push_back(3);
}

TEST(TaskTest, RunsUntilItWaitsAndGoesOnFromThere) {
  Gate gate;
  std::vector<int> steps;
  Spawn(WaitTwice(&gate, &steps));
  EXPECT_EQ(steps, (std::vector<int>{1}));
  gate.Open();
  EXPECT_EQ(steps, (std::vector<int>{1, 2}));
  gate.Open();
  EXPECT_EQ(steps, (std::vector<int>{1, 2, 3}));
}

struct CountsItself {
  explicit CountsItself(int* count) : count(count) { ++*count; }
  CountsItself(CountsItself&& other) noexcept : count(other.count) {
    ++*count;
  }
  ~CountsItself() { --*count; }
  int* count;
};

Task<void> Hold(CountsItself held, Gate* gate) {
  const CountsItself more(held.count);
  co_await *gate;
}

TEST(TaskTest, FreesItsFrameAtItsEnd) {
  Gate gate;
  int alive = 0;
  Spawn(Hold(CountsItself(&alive), &gate));
  EXPECT_EQ(alive, 2);
  gate.Open();
  EXPECT_EQ(alive, 0);
}

TEST(TaskTest, FreesTheFrameOfOneThatNeverBegan) {
  Gate gate;
  int alive = 0;
  {
    Task<void> never = Hold(CountsItself(&alive), &gate);
    EXPECT_EQ(alive, 1);
    Task<void> moved = std::move(never);
    EXPECT_EQ(alive, 1);
    moved = Hold(CountsItself(&alive), &gate);
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

// Where the stack stands now.
uintptr_t StackPointer() {
  return reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
}

Task<uintptr_t> GiveStack() { co_return StackPointer(); }

Task<void> AwaitInARow(int count, size_t* grown_bytes) {
  const uintptr_t first = co_await GiveStack();
  for (int i = 0; i < count; ++i) {
    const uintptr_t now = co_await GiveStack();
    const size_t grown = first > now ? first - now : now - first;
    if (grown > *grown_bytes) *grown_bytes = grown;
  }
}

TEST(TaskTest, AwaitsInARowDoNotGrowTheStack) {
#if defined(__SANITIZE_ADDRESS__) || defined(GATEWAY_TSAN)
  GTEST_SKIP() << "without tail calls it does";
#endif
  size_t grown_bytes = 0;
  Spawn(AwaitInARow(100'000, &grown_bytes));
  EXPECT_LT(grown_bytes, 256u);
}

Task<int> Depth(int depth, Gate* gate) {
  if (depth == 0) {
    co_await *gate;
    co_return 0;
  }
  const int below = co_await Depth(depth - 1, gate);
  co_return below + 1;
}

TEST(TaskTest, DeepChainsUnwindWithoutTheStack) {
#if defined(__SANITIZE_ADDRESS__) || defined(GATEWAY_TSAN)
  GTEST_SKIP() << "without tail calls it does";
#endif
  Gate gate;
  int result = 0;
  Spawn(Keep(Depth(100'000, &gate), &result));
  gate.Open();
  EXPECT_EQ(result, 100'000);
}

}  // namespace
}  // namespace gateway
