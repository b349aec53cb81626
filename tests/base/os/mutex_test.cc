#include "base/os/mutex.h"

#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(MutexTest, OneThreadAtATimeHoldsTheLock) {
  Mutex mu;
  int sum = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10000; ++i) {
        MutexLock lock(mu);
        ++sum;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum, 40000);
}

TEST(MutexTest, TryLockFailsWhileAnotherHoldsIt) {
  Mutex mu;
  bool taken = true;
  mu.Lock();
  std::thread([&] { taken = mu.TryLock(); }).join();
  mu.Unlock();
  EXPECT_FALSE(taken);

  const bool free_again = mu.TryLock();
  EXPECT_TRUE(free_again);
  if (free_again) mu.Unlock();
}

TEST(CondVarTest, AWaiterSeesWhatChangedUnderTheLock) {
  Mutex mu;
  CondVar changed;
  bool ready = false;
  std::thread writer([&] {
    MutexLock lock(mu);
    ready = true;
    changed.NotifyAll();
  });
  {
    MutexLock lock(mu);
    while (!ready) changed.Wait(lock);
    EXPECT_TRUE(ready);
  }
  writer.join();
}

TEST(CondVarTest, AWaitForEndsWhenItsTimeIsUp) {
  Mutex mu;
  CondVar never;
  MutexLock lock(mu);
  while (never.WaitFor(lock, absl::Milliseconds(1))) {
    // A spurious wake: wait again.
  }
  // Still held: unlocking at the end of scope must be sound.
  bool taken = true;
  std::thread([&] { taken = mu.TryLock(); }).join();
  EXPECT_FALSE(taken);
}

}  // namespace
}  // namespace gateway
