#include "clients/cli/daemon.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/os/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

// What becomes of gateways is for gatewayctl_daemon_test.py.
class DaemonTest : public testing::Test {
 protected:
  DaemonTest() {
    home_ = testing::TempDir() + "/home.XXXXXX";
    EXPECT_NE(mkdtemp(home_.data()), nullptr);
  }

  absl::Status Run(std::vector<std::string> words) {
    words.insert(words.begin(), "daemon");
    const absl::StatusOr<CommandLine> command = ParseCommandLine(words);
    if (!command.ok()) return command.status();
    return RunDaemon(*command, {{"HOME", home_}}, console_);
  }

  std::string home_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  Console console_{in_, out_, err_};
};

TEST_F(DaemonTest, OnlyWhatIsMeantIsDone) {
  const std::vector<std::vector<std::string>> all_wrong = {
      {},
      {"install"},
      {"start", "now"},
      {"stop", "--config", "a"},
      {"stop", "--grace", "long"},
      {"logs", "--lines", "-1"}};
  for (const std::vector<std::string>& wrong : all_wrong) {
    EXPECT_TRUE(absl::IsInvalidArgument(Run(wrong)));
  }
}

TEST_F(DaemonTest, NothingThatRunsIsNothingToStop) {
  EXPECT_TRUE(Run({"stop"}).ok());
  EXPECT_EQ(out_.str(), "not running\n");
}

TEST_F(DaemonTest, WhatDoesNotComeUpIsSaid) {
  const std::string config = home_ + "/any.yaml";
  ASSERT_TRUE(ReplaceFile(config, "").ok());
  const absl::Status started =
      Run({"start", "--program", "/bin/false", "--config", config});
  EXPECT_TRUE(absl::IsUnavailable(started)) << started;
  EXPECT_THAT(started.ToString(), HasSubstr(home_ + "/.cco/daemon.log"));
  // A restart looks first.
  EXPECT_TRUE(absl::IsFailedPrecondition(
      Run({"restart", "--program", "/bin/false", "--config", config})));
}

TEST_F(DaemonTest, WhatItSaidAtTheStartIsTold) {
  const std::string config = home_ + "/any.yaml";
  const std::string program = home_ + "/gateway";
  ASSERT_TRUE(ReplaceFile(config, "").ok());
  ASSERT_TRUE(
      ReplaceFile(program, "#!/bin/sh\necho one is \033taken\nexit 1\n").ok());
  ASSERT_EQ(chmod(program.c_str(), 0700), 0);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(
        Run({"start", "--program", program, "--config", config}).ToString(),
        HasSubstr("what it said, last\n  one is \033taken"));
  }
}

TEST_F(DaemonTest, WhoseNumberAnotherMayHaveIsNotStopped) {
  mkdir((home_ + "/.cco").c_str(), 0700);
  const std::string path = home_ + "/.cco/daemon.pid";
  ASSERT_TRUE(
      ReplaceFile(path, absl::StrCat("{\"pid\": ", getpid(), "}")).ok());
  for (const char* const what : {"stop", "rollback"}) {
    const absl::Status done = Run({what});
    EXPECT_TRUE(absl::IsFailedPrecondition(done)) << done;
    EXPECT_THAT(done.ToString(), HasSubstr("remove the file"));
  }
}

TEST_F(DaemonTest, WhatCannotBeToldToProgramsIsNoReasonToGoOn) {
  const std::string switches = home_ + "/.cco/config/daemon-config.json";
  for (const char* const folder : {"/.cco", "/.cco/config"}) {
    mkdir((home_ + folder).c_str(), 0700);
  }
  ASSERT_EQ(mkdir(switches.c_str(), 0700), 0);
  const absl::Status done = Run({"rollback"});
  EXPECT_FALSE(done.ok());
  EXPECT_THAT(done.ToString(), HasSubstr(switches + ": "));
  EXPECT_THAT(done.ToString(), HasSubstr("it does not run any more"));
  EXPECT_EQ(out_.str(), "not running\n");
}

TEST_F(DaemonTest, AGatewayThatIsTakenBackIsNotStarted) {
  EXPECT_TRUE(Run({"rollback"}).ok());
  EXPECT_THAT(out_.str(), HasSubstr("gatewayEnabled is false"));
  const std::string config = home_ + "/any.yaml";
  ASSERT_TRUE(ReplaceFile(config, "").ok());
  EXPECT_THAT(
      Run({"start", "--program", "/bin/true", "--config", config}).ToString(),
      HasSubstr("rollback --undo"));
}

}  // namespace
}  // namespace gateway
