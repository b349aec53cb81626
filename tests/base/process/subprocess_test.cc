#include "base/process/subprocess.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// What came of a program.
struct Outcome {
  absl::Status status;
  std::string output;
  std::string errors;
  Subprocess::End end;
  pid_t pid = 0;
};

class SubprocessTest : public testing::Test {
 protected:
  // What runs `script`, with the PATH of the test and nothing else.
  Subprocess::Options Script(const std::string& script) {
    Subprocess::Options options;
    options.command = {"/bin/sh", "-c", script};
    options.environment = {absl::StrCat("PATH=", getenv("PATH"))};
    options.on_gone = [this] { gone_.Set(); };
    return options;
  }

  Outcome Run(Subprocess::Options options) {
    Outcome outcome;
    runner_.Run(RunToEnd(std::move(options), &outcome));
    return outcome;
  }

  Outcome Run(const std::string& script) { return Run(Script(script)); }

  // Calls on_output_ whenever the program has said something.
  Task<void> RunToEnd(Subprocess::Options options, Outcome* outcome) {
    absl::StatusOr<std::unique_ptr<Subprocess>> process =
        Subprocess::Start(runner_.loop(), std::move(options));
    outcome->status = process.status();
    if (!process.ok()) co_return;
    outcome->pid = (*process)->pid();
    while (true) {
      const absl::StatusOr<bool> more =
          co_await (*process)->Read(&outcome->output, cancel_);
      outcome->status = more.status();
      if (!more.ok()) break;
      if (!*more) {
        outcome->end = (*process)->end();
        break;
      }
      if (on_output_) on_output_(**process);
    }
    outcome->errors = (*process)->errors();
    *process = nullptr;
    co_await gone_.Wait();
  }

  LoopRunner runner_;
  CancelSignal cancel_;
  std::function<void(Subprocess&)> on_output_;
  WakeUp gone_;
};

// A pipe with a name, to see by when others have died: it ends when all who
// have opened it are gone.
class Lifeline {
 public:
  Lifeline() : path_(absl::StrCat(testing::TempDir(), "/lifeline")) {
    unlink(path_.c_str());
    EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0);
    fd_ = open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    EXPECT_GE(fd_, 0);
  }
  ~Lifeline() {
    close(fd_);
    unlink(path_.c_str());
  }

  const std::string& path() const { return path_; }

  // Hangs as long as anyone lives.
  std::string ReadToTheEnd() {
    EXPECT_EQ(fcntl(fd_, F_SETFL, 0), 0);
    std::string said;
    char bytes[256];
    for (ssize_t got = 1; got > 0;) {
      got = read(fd_, bytes, sizeof(bytes));
      if (got > 0) said.append(bytes, static_cast<size_t>(got));
    }
    return said;
  }

 private:
  const std::string path_;
  int fd_ = -1;
};

TEST_F(SubprocessTest, ReadsWhatAProgramSaysAndHowItEnded) {
  const Outcome outcome = Run("echo out; echo err >&2; exit 7");
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.output, "out\n");
  EXPECT_EQ(outcome.errors, "err\n");
  EXPECT_EQ(outcome.end.code, 7);
  EXPECT_EQ(outcome.end.signal, 0);
}

TEST_F(SubprocessTest, TellsWhatKilledAProgram) {
  const Outcome outcome = Run("kill -9 $$");
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.end.code, -1);
  EXPECT_EQ(outcome.end.signal, SIGKILL);
}

TEST_F(SubprocessTest, InputOfAnySizeGoesThrough) {
  std::string input;
  while (input.size() < 3'000'000) absl::StrAppend(&input, input.size(), "\n");
  Subprocess::Options options = Script("cat");
  options.input = input;
  const Outcome outcome = Run(std::move(options));
  EXPECT_EQ(outcome.output, input);
  EXPECT_EQ(outcome.end.code, 0);
}

TEST_F(SubprocessTest, InputNeedNotBeRead) {
  const std::string input(1'000'000, 'x');
  Subprocess::Options options = Script("echo done");
  options.input = input;
  EXPECT_EQ(Run(std::move(options)).output, "done\n");
  // No input is an empty one.
  EXPECT_EQ(Run("cat; echo done").output, "done\n");
}

TEST_F(SubprocessTest, AProgramThatIsNotThereIsNotFound) {
  Subprocess::Options options;
  options.command = {"/no/such/program"};
  const Outcome outcome = Run(std::move(options));
  EXPECT_TRUE(absl::IsNotFound(outcome.status)) << outcome.status;
  EXPECT_THAT(std::string(outcome.status.message()),
              HasSubstr("/no/such/program"));
}

TEST_F(SubprocessTest, APlainFileIsNoProgram) {
  Subprocess::Options options = Script("");
  options.command = {"/etc/passwd"};
  EXPECT_TRUE(absl::IsPermissionDenied(Run(std::move(options)).status));
}

TEST_F(SubprocessTest, AProgramWithoutASlashIsLookedForInThePath) {
  Subprocess::Options options = Script("");
  options.command = {"cat"};
  options.input = "found";
  EXPECT_EQ(Run(std::move(options)).output, "found");
}

TEST_F(SubprocessTest, TheEnvironmentIsWhatIsGiven) {
  Subprocess::Options options = Script("");
  options.command = {"/usr/bin/env"};
  options.environment = {"A=1", "B=two words"};
  EXPECT_EQ(Run(std::move(options)).output, "A=1\nB=two words\n");
  EXPECT_THAT(InheritedEnvironment(),
              Contains(absl::StrCat("PATH=", getenv("PATH"))));
}

TEST_F(SubprocessTest, RunsWhereItIsTold) {
  Subprocess::Options options = Script("pwd");
  options.directory = "/usr/bin";
  EXPECT_EQ(Run(std::move(options)).output, "/usr/bin\n");
  options = Script("pwd");
  options.directory = "/no/such/directory";
  EXPECT_TRUE(absl::IsNotFound(Run(std::move(options)).status));
}

TEST_F(SubprocessTest, InheritsNoFile) {
  constexpr int kLeaked = 99;
  ASSERT_EQ(dup2(STDERR_FILENO, kLeaked), kLeaked);  // Not close-on-exec.
  const Outcome outcome = Run("ls /proc/$$/fd");
  close(kLeaked);
  EXPECT_THAT(
      std::vector<std::string>(absl::StrSplit(outcome.output, '\n')),
      AllOf(Contains("0"), Contains("1"), Contains("2"), Not(Contains("99"))));
}

TEST_F(SubprocessTest, LeadsASessionAndAGroupOfItsOwn) {
  const Outcome outcome =
      Run("set -- $(cat /proc/$$/stat); echo $(($5 - $$)) $(($6 - $$))");
  EXPECT_EQ(outcome.output, "0 0\n");
}

TEST_F(SubprocessTest, HasNoSignalBlockedOrIgnored) {
  signal(SIGPIPE, SIG_IGN);
  sigset_t usr1;
  sigset_t before;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &usr1, &before), 0);
  const Outcome outcome =
      Run("exec sed -n 's/Sig\\(Blk\\|Ign\\):\t//p' /proc/self/status");
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
  const std::vector<std::string> sets = absl::StrSplit(outcome.output, '\n');
  ASSERT_EQ(sets.size(), 3u) << outcome.output;
  // The C library keeps two signals from 32 on to itself.
  constexpr uint64_t kNamedSignals = 0x7fffffff;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(std::stoull(sets[i], nullptr, 16) & kNamedSignals, 0u) << sets[i];
  }
}

TEST_F(SubprocessTest, KeepsTheBeginningOfTheErrorsAndReadsTheRest) {
  Subprocess::Options options =
      Script("echo begin >&2; head -c 1000000 /dev/zero >&2; echo done");
  options.errors_bytes_limit = 10;
  const Outcome outcome = Run(std::move(options));
  EXPECT_EQ(outcome.output, "done\n");
  EXPECT_EQ(outcome.errors.size(), 10u);
  EXPECT_THAT(outcome.errors, StartsWith("begin\n"));
}

// Were they read as long as there are any, the loop would do nothing else.
TEST_F(SubprocessTest, TheLoopGoesOnWhileAProgramFloodsItsErrors) {
  Timer leave([this] { cancel_.Cancel(absl::CancelledError("left")); });
  runner_.loop().ArmTimer(leave, absl::Milliseconds(50));
  const Outcome outcome = Run(
      "for i in 1 2 3 4 5 6; do yes $(head -c 4000 /dev/zero | tr '\\0' x) >&2 "
      "& done; wait");
  EXPECT_EQ(outcome.status, absl::CancelledError("left"));
}

TEST_F(SubprocessTest, AProgramThatUsesTooMuchProcessorTimeIsKilled) {
  Subprocess::Options options = Script("while :; do :; done");
  options.cpu_time_limit = absl::Milliseconds(500);  // Becomes one second.
  EXPECT_EQ(Run(std::move(options)).end.signal, SIGXCPU);
}

TEST_F(SubprocessTest, AFileMayBeAsLongAsTheLimitAndNoLonger) {
  const std::string path = absl::StrCat(testing::TempDir(), "/long");
  for (const int bytes : {4096, 4097}) {
    Subprocess::Options options = Script(
        absl::StrCat("exec dd if=/dev/zero bs=", bytes, " count=2 of=", path));
    options.file_bytes_limit = 2 * 4096;
    const Outcome outcome = Run(std::move(options));
    EXPECT_EQ(outcome.end.code == 0, bytes == 4096) << outcome.errors;
    struct stat facts;
    ASSERT_EQ(stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_size, 2 * 4096);
  }
  unlink(path.c_str());
}

TEST_F(SubprocessTest, AProgramThatHasTooMuchMemoryIsKilledWithItsChildren) {
  Lifeline lifeline;
  // The shell that holds the text is a child of the program, and would become
  // the last thing it runs, without the text.
  Subprocess::Options options = Script(
      absl::StrCat("exec 9>", lifeline.path(),
                   "; (x=$(head -c 64000000 /dev/zero | tr '\\0' x); "
                   "sleep 1000; true); true"));
  options.memory_bytes_limit = 32 * 1024 * 1024;
  const Outcome outcome = Run(std::move(options));
  EXPECT_TRUE(absl::IsResourceExhausted(outcome.status)) << outcome.status;
  EXPECT_EQ(lifeline.ReadToTheEnd(), "");
  options = Script("echo enough");
  options.memory_bytes_limit = 32 * 1024 * 1024;
  EXPECT_EQ(Run(std::move(options)).output, "enough\n");
}

TEST_F(SubprocessTest, OutputMayBeAsLongAsTheLimitAndNoLonger) {
  Subprocess::Options options = Script("head -c 100000 /dev/zero");
  options.output_bytes_limit = 100000;
  EXPECT_EQ(Run(std::move(options)).output.size(), 100000u);

  options = Script("yes");
  options.output_bytes_limit = 100000;
  const Outcome outcome = Run(std::move(options));
  EXPECT_TRUE(absl::IsResourceExhausted(outcome.status)) << outcome.status;
  EXPECT_LE(outcome.output.size(), 100000u);
}

TEST_F(SubprocessTest, LeavesNoZombie) {
  const Outcome outcome = Run("exit 0");
  EXPECT_EQ(waitpid(outcome.pid, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(SubprocessTest, ACancelIsToldAtOnceAndDestroyingEndsTheProgram) {
  on_output_ = [this](Subprocess&) {
    cancel_.Cancel(absl::CancelledError("the caller left"));
  };
  const Outcome outcome = Run("echo ready; exec sleep 1000");
  EXPECT_EQ(outcome.status, absl::CancelledError("the caller left"));
  EXPECT_EQ(kill(outcome.pid, 0), -1);
}

TEST_F(SubprocessTest, AskedToEndAProgramMaySayALastWord) {
  on_output_ = [](Subprocess& process) { process.Terminate(); };
  Subprocess::Options options =
      Script("trap 'echo bye; exit 3' TERM; echo ready; while :; do :; done");
  options.grace = absl::Hours(1);
  const Outcome outcome = Run(std::move(options));
  EXPECT_EQ(outcome.output, "ready\nbye\n");
  EXPECT_EQ(outcome.end.code, 3);
}

TEST_F(SubprocessTest, WhoDoesNotListenIsKilledAfterTheGrace) {
  on_output_ = [](Subprocess& process) { process.Terminate(); };
  Subprocess::Options options =
      Script("trap '' TERM; echo ready; while :; do sleep 1000; done");
  options.grace = absl::Milliseconds(20);
  const Outcome outcome = Run(std::move(options));
  EXPECT_EQ(outcome.end.signal, SIGKILL);
}

TEST_F(SubprocessTest, TheWholeGroupEnds) {
  Lifeline lifeline;
  on_output_ = [](Subprocess& process) { process.Terminate(); };
  Subprocess::Options options =
      Script(absl::StrCat("exec 9>", lifeline.path(),
                          "; (trap '' TERM; echo deaf >&9; echo ready; "
                          "while :; do sleep 1000; done) & wait"));
  options.grace = absl::Milliseconds(20);
  const Outcome outcome = Run(std::move(options));
  EXPECT_EQ(outcome.end.signal, SIGTERM);
  EXPECT_EQ(lifeline.ReadToTheEnd(), "deaf\n");
}

TEST_F(SubprocessTest, WhatAProgramLeavesBehindIsKilledWithItsEnd) {
  Lifeline lifeline;
  const Outcome outcome = Run(absl::StrCat(
      "exec 9>", lifeline.path(), "; echo alive >&9; sleep 1000 & exit 3"));
  EXPECT_EQ(outcome.end.code, 3);
  EXPECT_EQ(lifeline.ReadToTheEnd(), "alive\n");
}

TEST_F(SubprocessTest, WhoEscapesTheGroupDoesNotHoldUpTheEnd) {
  const std::string file = absl::StrCat(testing::TempDir(), "/escaped");
  unlink(file.c_str());
  const Outcome outcome =
      Run(absl::StrCat("setsid sh -c 'echo $$ >", file, ".new; mv ", file,
                       ".new ", file, "; exec sleep 1000' & while [ ! -e ",
                       file, " ]; do sleep 0.01; done; cat ", file));
  EXPECT_EQ(outcome.end.code, 0);
  const pid_t escaped = static_cast<pid_t>(std::atoi(outcome.output.c_str()));
  ASSERT_GT(escaped, 1);
  EXPECT_EQ(kill(escaped, SIGKILL), 0);  // It lives still.
}

TEST_F(SubprocessTest, WhoHasLeftTheGroupEndsWithAProgramThatIsEnded) {
  Lifeline lifeline;
  on_output_ = [](Subprocess& process) { process.Terminate(); };
  const Outcome outcome = Run(Script(absl::StrCat(
      "exec 9>", lifeline.path(),
      "; setsid sh -c 'trap \"\" TERM HUP; echo deaf >&9; echo ready; "
      "while :; do sleep 1000; done' & wait")));
  EXPECT_EQ(outcome.end.signal, SIGTERM);
  EXPECT_EQ(lifeline.ReadToTheEnd(), "deaf\n");
}

TEST_F(SubprocessTest, ManyRunAtOnce) {
  constexpr int kPrograms = 20;
  Outcome outcomes[kPrograms];
  int ended = 0;
  WakeUp all_ended;
  const auto run = [&](int i) -> Task<void> {
    Subprocess::Options options = Script(absl::StrCat("cat; exit ", i));
    options.on_gone = nullptr;
    const std::string input = absl::StrCat("input ", i);
    options.input = input;
    auto process = *Subprocess::Start(runner_.loop(), std::move(options));
    for (bool more = true; more;) {
      const absl::StatusOr<bool> read =
          co_await process->Read(&outcomes[i].output, cancel_);
      more = read.value_or(false);
    }
    outcomes[i].end = process->end();
    if (++ended == kPrograms) all_ended.Set();
  };
  const auto run_all = [&]() -> Task<void> {
    for (int i = 0; i < kPrograms; ++i) Spawn(run(i));
    co_await all_ended.Wait();
  };
  runner_.Run(run_all());
  for (int i = 0; i < kPrograms; ++i) {
    EXPECT_EQ(outcomes[i].output, absl::StrCat("input ", i));
    EXPECT_EQ(outcomes[i].end.code, i);
  }
}

TEST_F(SubprocessTest, ReadingAtTheEndAgainSaysTheSame) {
  const auto read_twice = [&]() -> Task<void> {
    auto process = *Subprocess::Start(runner_.loop(), Script("exit 0"));
    std::string output;
    for (int i = 0; i < 2; ++i) {
      const absl::StatusOr<bool> more =
          co_await process->Read(&output, cancel_);
      EXPECT_TRUE(more.ok());
      EXPECT_FALSE(more.value_or(true));
    }
    EXPECT_THAT(output, IsEmpty());
    process->Terminate();  // Does nothing any more.
    EXPECT_EQ(process->end().code, 0);
  };
  runner_.Run(read_twice());
}

}  // namespace
}  // namespace gateway
