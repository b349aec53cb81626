#include "base/process/process_identity.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

// A process that waits to be killed.
class Child {
 public:
  Child() : pid_(fork()) {
    if (pid_ != 0) return;
    for (;;) pause();
  }
  ~Child() { Reap(); }

  pid_t pid() const { return pid_; }

  // Kills it without looking at what has become of it.
  void Kill() {
    kill(pid_, SIGKILL);
    siginfo_t facts;
    waitid(P_PID, static_cast<id_t>(pid_), &facts, WEXITED | WNOWAIT);
  }

  void Reap() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_;
};

TEST(ProcessIdentityTest, ThisProcessRuns) {
  const ProcessIdentity self = ThisProcess();
  EXPECT_EQ(self.pid, getpid());
  EXPECT_FALSE(self.start.empty());
  EXPECT_EQ(self, ThisProcess());
  EXPECT_TRUE(IsRunning(self));
}

TEST(ProcessIdentityTest, ANumberIsOfTheProcessThatHasItNow) {
  EXPECT_EQ(IdentityOf(getpid()), ThisProcess());
  EXPECT_FALSE(IdentityOf(1).start.empty());
  EXPECT_EQ(IdentityOf(1).pid, 1);
  EXPECT_EQ(IdentityOf(int64_t{1} << 40).start, "");
}

TEST(ProcessIdentityTest, AnotherWithTheSameNumberIsNotTheSame) {
  ProcessIdentity earlier = ThisProcess();
  earlier.start += "1";
  EXPECT_FALSE(IsRunning(earlier));
  EXPECT_FALSE(earlier == ThisProcess());
}

TEST(ProcessIdentityTest, WithoutAStartTheNumberDecides) {
  Child child;
  const ProcessIdentity process{.pid = child.pid()};
  EXPECT_TRUE(IsRunning(process));
  child.Reap();
  EXPECT_FALSE(IsRunning(process));
}

TEST(ProcessIdentityTest, AProcessThatNobodyHasWaitedForHasEnded) {
  Child child;
  child.Kill();
  EXPECT_FALSE(IsRunning({.pid = child.pid()}));
}

TEST(ProcessIdentityTest, NumbersThatNoProcessHasAreNotRunning) {
  EXPECT_FALSE(IsRunning({.pid = 0}));
  EXPECT_FALSE(IsRunning({.pid = -1}));
  EXPECT_FALSE(IsRunning({.pid = int64_t{1} << 40}));
}

}  // namespace
}  // namespace gateway
