#include "base/process/exec_program.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

using Variables = std::map<std::string, std::string>;

constexpr int kNotRun = 99;

struct Execution {
  int exit_code = 0;
  std::string output;
};

// What a child does that becomes `command`.
Execution Become(const std::vector<std::string>& command,
                 const Variables& environment) {
  int ends[2];
  if (pipe(ends) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    ExecProgram(command, environment).IgnoreError();
    _exit(kNotRun);
  }
  close(ends[1]);
  Execution outcome;
  char piece[512];
  ssize_t got = 0;
  while ((got = read(ends[0], piece, sizeof(piece))) > 0) {
    outcome.output.append(piece, static_cast<size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

TEST(ExecProgramTest, TheProgramGetsItsArgumentsAsTheyAre) {
  const Execution outcome =
      Become({"/bin/sh", "-c", "printf '%s|' \"$@\"; exit 7", "sh", "a b", "",
              "$HOME"},
             {});
  EXPECT_EQ(outcome.output, "a b||$HOME|");
  EXPECT_EQ(outcome.exit_code, 7);
}

TEST(ExecProgramTest, TheEnvironmentIsTheGivenOneAndNoOther) {
  ASSERT_EQ(setenv("OF_THE_TEST", "seen", 1), 0);
  const Execution outcome =
      Become({"/bin/sh", "-c", "printf '%s' \"$OF_THE_TEST-$GIVEN\""},
             {{"GIVEN", "a=b"}});
  EXPECT_EQ(outcome.output, "-a=b");
}

TEST(ExecProgramTest, TheGivenPathIsSearched) {
  const std::vector<std::string> command = {"sh", "-c", "printf found"};
  EXPECT_EQ(Become(command, {{"PATH", "/bin:/usr/bin"}}).output, "found");
  EXPECT_EQ(Become(command, {{"PATH", "/nonexistent"}}).exit_code, kNotRun);
}

TEST(ExecProgramTest, SaysWhyAProgramCannotBeRun) {
  const absl::Status status = ExecProgram({"/nonexistent/program"}, {});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cannot run '/nonexistent/program'"));
  // This process still has its own environment.
  EXPECT_NE(environ, nullptr);
  EXPECT_NE(*environ, nullptr);
}

TEST(FindProgramTest, LooksAlongThePathUnlessThereIsASlash) {
  EXPECT_EQ(FindProgram("sh", "/no/such/place:/bin").value_or(""), "/bin/sh");
  EXPECT_EQ(FindProgram("/bin/sh", "").value_or(""), "/bin/sh");
  EXPECT_TRUE(absl::IsNotFound(FindProgram("sh", "/etc").status()));
  EXPECT_TRUE(absl::IsNotFound(FindProgram("", "/bin").status()));
  EXPECT_TRUE(absl::IsNotFound(FindProgram("/bin/no", "/bin").status()));
}

TEST(FindProgramTest, APlainFileOrADirectoryIsNoProgram) {
  EXPECT_TRUE(absl::IsPermissionDenied(FindProgram("passwd", "/etc").status()));
  EXPECT_TRUE(absl::IsPermissionDenied(FindProgram("bin", "/usr").status()));
  EXPECT_TRUE(absl::IsPermissionDenied(FindProgram("/usr", "").status()));
}

}  // namespace
}  // namespace gateway
