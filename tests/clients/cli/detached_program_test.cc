#include "clients/cli/detached_program.h"

#include <unistd.h>

#include <string>

#include "base/os/file.h"
#include "clients/cli/retrying.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

std::string LogPath(const char* name) {
  return testing::TempDir() + "/" + name + ".log";
}

// Runs a script of a shell.
DetachedProgram StartScript(const std::string& script, const std::string& log) {
  absl::StatusOr<DetachedProgram> program = DetachedProgram::Start(
      {"/bin/sh", "-c", script}, {{"WORD", "told"}}, log);
  EXPECT_TRUE(program.ok()) << program.status();
  return *program;
}

TEST(DetachedProgramTest, WhatItSaysIsInTheLog) {
  const std::string log = LogPath("says");
  EXPECT_TRUE(StartScript("echo one $WORD", log).Wait());
  EXPECT_TRUE(StartScript("echo two >&2", log).Wait());
  const absl::StatusOr<std::string> text = ReadFile(log, 1000);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(*text, EndsWith("one told\ntwo\n"));
}

TEST(DetachedProgramTest, HowItEndedIsKnown) {
  DetachedProgram program = StartScript("exit 3", LogPath("ends"));
  EXPECT_FALSE(program.Wait());
  EXPECT_TRUE(program.HasEnded());
}

TEST(DetachedProgramTest, WhatIsNotThereCannotBeStarted) {
  EXPECT_THAT(DetachedProgram::Start({"/no/such"}, {}, LogPath("none"))
                  .status()
                  .ToString(),
              HasSubstr("cannot run /no/such"));
  EXPECT_THAT(DetachedProgram::Start({"/bin/true"}, {}, "/no/such/log")
                  .status()
                  .ToString(),
              HasSubstr("cannot write /no/such/log"));
}

TEST(DetachedProgramTest, AProcessEndsAsItIsAsked) {
  DetachedProgram program =
      StartScript("exec tail -f /dev/null", LogPath("asked"));
  const ProcessIdentity process = {.pid = program.pid()};
  ASSERT_TRUE(AskToEnd(process).ok());
  const absl::StatusOr<bool> itself = EndWithin(process, absl::Seconds(60));
  ASSERT_TRUE(itself.ok()) << itself.status();
  EXPECT_TRUE(*itself);
  EXPECT_FALSE(program.Wait());
}

TEST(DetachedProgramTest, OneThatGoesOnIsMadeToEnd) {
  const std::string log = LogPath("deaf");
  DetachedProgram program = StartScript(
      "trap '' TERM; echo deaf; while :; do tail -f /dev/null; done", log);
  ASSERT_TRUE(RetryFor(absl::Minutes(1), [&log] {
    return ReadFile(log, 1000).value_or("") == "deaf\n";
  }));
  const ProcessIdentity process = {.pid = program.pid()};
  ASSERT_TRUE(AskToEnd(process).ok());
  const absl::StatusOr<bool> itself = EndWithin(process, absl::ZeroDuration());
  ASSERT_TRUE(itself.ok()) << itself.status();
  EXPECT_FALSE(*itself);
  EXPECT_FALSE(program.Wait());
}

TEST(DetachedProgramTest, AnotherProcessOfTheNumberIsLeftAlone) {
  const ProcessIdentity other = {.pid = getpid(), .start = "another boot/1"};
  ASSERT_TRUE(AskToEnd(other).ok());
  const absl::StatusOr<bool> itself = EndWithin(other, absl::Seconds(60));
  ASSERT_TRUE(itself.ok()) << itself.status();
  EXPECT_TRUE(*itself);
}

}  // namespace
}  // namespace gateway
