#include "base/os/thread.h"

#include <pthread.h>
#include <signal.h>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ThreadTest, RunsItsBodyBeforeItIsJoined) {
  bool ran = false;
  {
    Thread thread("runner", [&] { ran = true; });
  }
  EXPECT_TRUE(ran);
}

TEST(ThreadTest, JoinMayBeCalledAgain) {
  int runs = 0;
  Thread thread("runner", [&] { ++runs; });
  thread.Join();
  EXPECT_EQ(runs, 1);
  thread.Join();
  Thread().Join();
}

TEST(ThreadTest, AssigningJoinsWhatWasThereBefore) {
  bool first = false;
  bool second = false;
  Thread thread("first", [&] { first = true; });
  thread = Thread("second", [&] { second = true; });
  EXPECT_TRUE(first);
  thread.Join();
  EXPECT_TRUE(second);
}

TEST(ThreadTest, SignalsAreLeftToTheMainThread) {
  sigset_t there;
  sigemptyset(&there);
  Thread thread("quiet", [&] { pthread_sigmask(SIG_BLOCK, nullptr, &there); });
  thread.Join();
  EXPECT_TRUE(sigismember(&there, SIGTERM));

  sigset_t here;
  pthread_sigmask(SIG_BLOCK, nullptr, &here);
  EXPECT_FALSE(sigismember(&here, SIGTERM));
}

}  // namespace
}  // namespace gateway
