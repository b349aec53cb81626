#include "base/process/process_tree.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

// A child that has a child; both wait to be killed.
class Family {
 public:
  Family() {
    int pipe_ends[2];
    EXPECT_EQ(pipe(pipe_ends), 0);
    outer_ = fork();
    if (outer_ == 0) {
      const pid_t child = fork();
      if (child != 0 && write(pipe_ends[1], &child, sizeof(child)) < 0) {
        _exit(1);
      }
      while (true) pause();
    }
    close(pipe_ends[1]);
    told_ = pipe_ends[0];
    EXPECT_EQ(read(told_, &inner_, sizeof(inner_)),
              static_cast<ssize_t>(sizeof(inner_)));
  }
  ~Family() { close(told_); }

  pid_t outer() const { return outer_; }
  pid_t inner() const { return inner_; }

  // The signal that has ended the child.
  int AwaitOuter() const {
    int status = 0;
    EXPECT_EQ(waitpid(outer_, &status, 0), outer_);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
  // Hangs as long as one of them lives.
  void AwaitBoth() const {
    char nothing = 0;
    EXPECT_EQ(read(told_, &nothing, 1), 0);
  }

 private:
  pid_t outer_ = 0;
  pid_t inner_ = 0;
  int told_ = -1;  // Both have the other end.
};

TEST(ProcessTreeTest, ListsWhoIsBelowAndKillsThem) {
  const Family family;
  EXPECT_THAT(ListProcessTree(family.outer()),
              ElementsAre(family.outer(), family.inner()));
  EXPECT_THAT(ListProcessTree(getpid()), Contains(family.inner()));
  ProcessTree(getpid()).Kill();
  EXPECT_EQ(family.AwaitOuter(), SIGKILL);
  family.AwaitBoth();
}

TEST(ProcessTreeTest, HoldsOnToThoseThatLoseTheirParent) {
  const Family family;
  ProcessTree below(family.outer());
  kill(family.outer(), SIGTERM);
  EXPECT_EQ(family.AwaitOuter(), SIGTERM);
  EXPECT_THAT(ListProcessTree(family.outer()), ElementsAre(family.outer()));
  below.Kill();
  family.AwaitBoth();
}

// A child that starts another when it is told to.
TEST(ProcessTreeTest, KillsWhatWasStartedSinceItLooked) {
  int go[2];
  int alive[2];
  ASSERT_EQ(pipe(go), 0);
  ASSERT_EQ(pipe(alive), 0);
  const pid_t outer = fork();
  if (outer == 0) {
    const pid_t middle = fork();
    char word = 0;
    if (middle == 0 && read(go[0], &word, 1) == 1 && fork() == 0 &&
        write(alive[1], "x", 1) != 1) {
      _exit(1);
    }
    while (true) pause();
  }
  close(alive[1]);
  while (ListProcessTree(outer).size() < 2) {
  }
  ProcessTree below(outer);
  ASSERT_EQ(write(go[1], "x", 1), 1);
  char word = 0;
  EXPECT_EQ(read(alive[0], &word, 1), 1);  // It has started it.
  below.Kill();
  kill(outer, SIGKILL);
  EXPECT_EQ(waitpid(outer, nullptr, 0), outer);
  EXPECT_EQ(read(alive[0], &word, 1), 0);  // All three are gone.
  for (const int fd : {go[0], go[1], alive[0]}) close(fd);
}

TEST(ProcessTreeTest, OfNobodyThereIsNothing) {
  const Family family;
  kill(family.inner(), SIGKILL);
  kill(family.outer(), SIGKILL);
  EXPECT_EQ(family.AwaitOuter(), SIGKILL);
  ProcessTree(family.outer()).Kill();
  family.AwaitBoth();
}

}  // namespace
}  // namespace gateway
