#include "clients/cli/daemon_lock.h"

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class DaemonLockTest : public testing::Test {
 protected:
  DaemonLockTest() : path_(testing::TempDir() + "/lock.XXXXXX") {
    EXPECT_NE(mkdtemp(path_.data()), nullptr);
    path_ += "/g.pid.start.lock";
  }

  std::string path_;
};

TEST_F(DaemonLockTest, OneThatNobodyHasIsTakenAtOnce) {
  const auto never = [] { ADD_FAILURE() << "nobody is waited for"; };
  for (int i = 0; i < 2; ++i) {
    absl::StatusOr<DaemonLock> lock = DaemonLock::Take(path_, never);
    ASSERT_TRUE(lock.ok()) << lock.status();
    const DaemonLock moved = *std::move(lock);
  }
}

TEST_F(DaemonLockTest, TheSecondIsToldAndWaitsForTheFirst) {
  std::optional<DaemonLock> first;
  first = *DaemonLock::Take(path_, [] {});
  bool was_told = false;
  const auto told = [&] {
    was_told = true;
    first.reset();
  };
  EXPECT_TRUE(DaemonLock::Take(path_, told).ok());
  EXPECT_TRUE(was_told);
}

TEST_F(DaemonLockTest, AFileThatCannotBeMadeIsNamed) {
  EXPECT_THAT(DaemonLock::Take("/nonexistent/lock", [] {}).status().ToString(),
              HasSubstr("/nonexistent/lock"));
}

}  // namespace
}  // namespace gateway
