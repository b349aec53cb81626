#include "service/pipeline/current_runtime.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/os/thread.h"
#include "gtest/gtest.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

std::shared_ptr<const RuntimeSnapshot> RuntimeOf(const std::string& provider) {
  return MakeTestRuntime("providers: [{name: " + provider + ", mock: {}}]\n");
}

bool Knows(const RuntimeSnapshot& runtime, const std::string& provider) {
  return runtime.providers().Find(provider) != nullptr;
}

TEST(CurrentRuntimeTest, IsTheFirstUntilItIsSwapped) {
  const std::shared_ptr<const RuntimeSnapshot> first = RuntimeOf("first");
  CurrentRuntime current(first);
  EXPECT_EQ(current.Get(), first);
  const uint64_t version = current.version();
  const std::shared_ptr<const RuntimeSnapshot> second = RuntimeOf("second");
  current.Swap(second);
  EXPECT_EQ(current.Get(), second);
  EXPECT_GT(current.version(), version);
}

TEST(CurrentRuntimeTest, CallsUnderWayKeepTheRulesTheyBeganWith) {
  CurrentRuntime current(RuntimeOf("first"));
  CachedRuntime loop(current);
  const std::shared_ptr<const RuntimeSnapshot> of_the_call = loop.Get();
  current.Swap(RuntimeOf("second"));
  EXPECT_TRUE(Knows(*of_the_call, "first"));
  EXPECT_TRUE(Knows(*loop.Get(), "second"));
  EXPECT_TRUE(Knows(*of_the_call, "first"));
}

TEST(CurrentRuntimeTest, ALoopAsksAgainOnlyAfterASwap) {
  CurrentRuntime current(RuntimeOf("first"));
  CachedRuntime loop(current);
  const RuntimeSnapshot* const before = loop.Get().get();
  EXPECT_EQ(loop.Get().get(), before);
  // The loop holds one, and whoever swaps another: asking again adds none.
  EXPECT_EQ(loop.Get().use_count(), 2);
  current.Swap(RuntimeOf("second"));
  EXPECT_NE(loop.Get().get(), before);
}

TEST(CurrentRuntimeTest, TheOldRulesGoWhenNobodyHoldsThem) {
  std::weak_ptr<const RuntimeSnapshot> old;
  CurrentRuntime current(RuntimeOf("first"));
  CachedRuntime loop(current);
  old = loop.Get();
  current.Swap(RuntimeOf("second"));
  EXPECT_FALSE(old.expired());
  loop.Get();
  EXPECT_TRUE(old.expired());
}

TEST(CurrentRuntimeTest, LoopsSeeEverySwapInTheEnd) {
  const std::shared_ptr<const RuntimeSnapshot> a = RuntimeOf("a");
  const std::shared_ptr<const RuntimeSnapshot> b = RuntimeOf("b");
  const std::shared_ptr<const RuntimeSnapshot> last = RuntimeOf("last");
  CurrentRuntime current(a);
  std::atomic<int> saw_last = 0;
  const auto watch = [&] {
    CachedRuntime loop(current);
    while (!Knows(*loop.Get(), "last")) {
    }
    ++saw_last;
  };
  Thread first("first", watch);
  Thread second("second", watch);
  for (int i = 0; i < 1000; ++i) current.Swap(i % 2 == 0 ? b : a);
  current.Swap(last);
  first.Join();
  second.Join();
  EXPECT_EQ(saw_last, 2);
}

}  // namespace
}  // namespace gateway
