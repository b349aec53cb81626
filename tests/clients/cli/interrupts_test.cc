#include "clients/cli/interrupts.h"

#include <unistd.h>

#include <csignal>
#include <future>

#include "gtest/gtest.h"

namespace gateway {
namespace {

// In a process of its own: a signal goes to any thread that does not block it,
// and other tests leave such threads.
TEST(InterruptsDeathTest, AnInterruptCallsWhatItIsTold) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto interrupt_twice = [] {
    std::promise<void> first;
    std::promise<void> second;
    int count = 0;
    const Interrupts interrupts([&] {
      if (++count == 1) first.set_value();
      if (count == 2) second.set_value();
    });
    kill(getpid(), SIGINT);
    first.get_future().wait();
    kill(getpid(), SIGINT);
    second.get_future().wait();
    _exit(7);
  };
  EXPECT_EXIT(interrupt_twice(), testing::ExitedWithCode(7), "");
}

TEST(InterruptsTest, AfterwardsTheyAreAsBefore) {
  {
    const Interrupts interrupts([] {});
  }
  sigset_t now;
  pthread_sigmask(SIG_BLOCK, nullptr, &now);
  EXPECT_EQ(sigismember(&now, SIGINT), 0);
}

}  // namespace
}  // namespace gateway
