#include "service/process_signals.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "gtest/gtest.h"

namespace gateway {
namespace {

// Signals are a process's, so each test has one of its own, which sends them to
// itself: they wait until they are taken, the lowest number first.
class ProcessSignalsTest : public testing::Test {
 protected:
  ProcessSignalsTest() {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }

  // Ends with 0 if `expected` is what ends the wait.
  [[noreturn]] static void AwaitAndExit(int expected) {
    const ProcessSignals signals;
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGUSR2);
    kill(getpid(), SIGPIPE);
    kill(getpid(), expected);
    exit(signals.AwaitEnd() == expected ? 0 : 1);
  }
};

TEST_F(ProcessSignalsTest, SigtermIsTheEndAndAHangUpIsNot) {
  EXPECT_EXIT(AwaitAndExit(SIGTERM), testing::ExitedWithCode(0),
              "log files reopened.*\"signal\":\"HUP\"");
}

TEST_F(ProcessSignalsTest, WhatNobodyKnowsIsLogged) {
  EXPECT_EXIT(AwaitAndExit(SIGTERM), testing::ExitedWithCode(0),
              "a signal is ignored.*\"signal\":\"USR2\"");
}

TEST_F(ProcessSignalsTest, SigintIsTheEndToo) {
  EXPECT_EXIT(AwaitAndExit(SIGINT), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace gateway
