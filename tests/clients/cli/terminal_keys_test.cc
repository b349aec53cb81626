#include "clients/cli/terminal_keys.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <future>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

// Suspending is for gatewayctl_top_test.py.
class TerminalKeysTest : public testing::Test {
 protected:
  TerminalKeysTest() : typist_(posix_openpt(O_RDWR | O_NOCTTY)) {
    EXPECT_EQ(grantpt(typist_), 0);
    EXPECT_EQ(unlockpt(typist_), 0);
    terminal_ = open(ptsname(typist_), O_RDWR | O_NOCTTY);
    EXPECT_GE(terminal_, 0);
  }
  ~TerminalKeysTest() override {
    close(terminal_);
    close(typist_);
  }

  tcflag_t Modes() const {
    termios now = {};
    EXPECT_EQ(tcgetattr(terminal_, &now), 0);
    return now.c_lflag;
  }

  const int typist_;
  int terminal_ = -1;
};

TEST_F(TerminalKeysTest, QEndsItAndTheTerminalIsAsItWas) {
  const tcflag_t before = Modes();
  EXPECT_NE(before & ECHO, 0U);
  {
    std::promise<void> ended;
    TerminalKeys keys(terminal_, [&] { ended.set_value(); });
    EXPECT_EQ(Modes() & (ECHO | ICANON), 0U);
    EXPECT_FALSE(keys.ended());
    ASSERT_EQ(write(typist_, "abcq", 4), 4);
    ended.get_future().wait();
    EXPECT_TRUE(keys.ended());
    EXPECT_EQ(keys.signal(), 0);
  }
  EXPECT_EQ(Modes(), before);
}

TEST_F(TerminalKeysTest, ATerminalThatGoesIsNotReadForEver) {
  const int gone = open("/dev/null", O_RDONLY);
  {
    const TerminalKeys keys(gone, [] { ADD_FAILURE(); });
    EXPECT_FALSE(keys.ended());
  }
  close(gone);
}

TEST_F(TerminalKeysTest, SignalsAreAsBeforeAfterwards) {
  {
    const TerminalKeys keys(terminal_, [] {});
  }
  sigset_t now;
  pthread_sigmask(SIG_BLOCK, nullptr, &now);
  for (const int signal :
       {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT}) {
    EXPECT_EQ(sigismember(&now, signal), 0) << signal;
  }
}

// In a process of its own: a signal goes to any thread that does not block it,
// and other tests leave such threads.
TEST(TerminalKeysDeathTest, ASignalEndsIt) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto end = [] {
    std::promise<void> ended;
    const TerminalKeys keys(-1, [&] { ended.set_value(); });
    kill(getpid(), SIGTERM);
    ended.get_future().wait();
    _exit(keys.ended() && keys.signal() == SIGTERM ? 7 : 8);
  };
  EXPECT_EXIT(end(), testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace gateway
