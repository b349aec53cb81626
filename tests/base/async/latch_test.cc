#include "base/async/latch.h"

#include <memory>

#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(LatchTest, IsClosedUntilItIsOpened) {
  Latch latch;
  EXPECT_FALSE(latch.WaitFor(absl::ZeroDuration()));
  EXPECT_FALSE(latch.WaitFor(absl::Milliseconds(1)));
  latch.Open();
  EXPECT_TRUE(latch.WaitFor(absl::ZeroDuration()));
  latch.Wait();
}

TEST(LatchTest, OpensWithTheLastOfSeveral) {
  Latch latch(3);
  latch.Open();
  latch.Open();
  EXPECT_FALSE(latch.WaitFor(absl::ZeroDuration()));
  latch.Open();
  latch.Wait();
  latch.Open();  // Once too often does no harm.
  latch.Wait();
}

TEST(LatchTest, OfNoneIsOpenFromTheStart) {
  Latch latch(0);
  latch.Wait();
  EXPECT_TRUE(latch.WaitFor(absl::ZeroDuration()));
}

TEST(LatchTest, WakesWhoeverWaits) {
  Latch started;
  Latch opened;
  bool written = false;
  Thread waiter("waiter", [&] {
    started.Open();
    opened.Wait();
    EXPECT_TRUE(written);
  });
  started.Wait();
  written = true;
  opened.Open();
  waiter.Join();
}

TEST(LatchTest, MayBeDestroyedByWhoeverWaitedForIt) {
  for (int i = 0; i < 1000; ++i) {
    auto latch = std::make_unique<Latch>();
    Thread opener("opener", [open = latch.get()] { open->Open(); });
    latch->Wait();
    latch.reset();
  }
}

}  // namespace
}  // namespace gateway
