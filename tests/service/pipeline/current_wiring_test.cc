#include "service/pipeline/current_wiring.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/os/thread.h"
#include "gtest/gtest.h"
#include "service/pipeline/wiring.h"
#include "tests/testing/test_wiring.h"

namespace gateway {
namespace {

std::shared_ptr<const Wiring> WiringOf(const std::string& provider) {
  return MakeTestWiring("providers: [{name: " + provider + ", mock: {}}]\n");
}

bool Knows(const Wiring& wiring, const std::string& provider) {
  return wiring.providers().Find(provider) != nullptr;
}

TEST(CurrentWiringTest, IsTheFirstUntilItIsSwapped) {
  const std::shared_ptr<const Wiring> first = WiringOf("first");
  CurrentWiring current(first);
  EXPECT_EQ(current.Get(), first);
  const uint64_t version = current.version();
  const std::shared_ptr<const Wiring> second = WiringOf("second");
  current.Swap(second);
  EXPECT_EQ(current.Get(), second);
  EXPECT_GT(current.version(), version);
}

TEST(CurrentWiringTest, CallsUnderWayKeepTheRulesTheyBeganWith) {
  CurrentWiring current(WiringOf("first"));
  LoopWiring loop(current);
  const std::shared_ptr<const Wiring> of_the_call = loop.Get();
  current.Swap(WiringOf("second"));
  EXPECT_TRUE(Knows(*of_the_call, "first"));
  EXPECT_TRUE(Knows(*loop.Get(), "second"));
  EXPECT_TRUE(Knows(*of_the_call, "first"));
}

TEST(CurrentWiringTest, ALoopAsksAgainOnlyAfterASwap) {
  CurrentWiring current(WiringOf("first"));
  LoopWiring loop(current);
  const Wiring* const before = loop.Get().get();
  EXPECT_EQ(loop.Get().get(), before);
  // The loop holds one, and whoever swaps another: asking again adds none.
  EXPECT_EQ(loop.Get().use_count(), 2);
  current.Swap(WiringOf("second"));
  EXPECT_NE(loop.Get().get(), before);
}

TEST(CurrentWiringTest, TheOldRulesGoWhenNobodyHoldsThem) {
  std::weak_ptr<const Wiring> old;
  CurrentWiring current(WiringOf("first"));
  LoopWiring loop(current);
  old = loop.Get();
  current.Swap(WiringOf("second"));
  EXPECT_FALSE(old.expired());
  loop.Get();
  EXPECT_TRUE(old.expired());
}

TEST(CurrentWiringTest, LoopsSeeEverySwapInTheEnd) {
  const std::shared_ptr<const Wiring> a = WiringOf("a");
  const std::shared_ptr<const Wiring> b = WiringOf("b");
  const std::shared_ptr<const Wiring> last = WiringOf("last");
  CurrentWiring current(a);
  std::atomic<int> saw_last = 0;
  const auto watch = [&] {
    LoopWiring loop(current);
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
