#include "clients/cli/file_lock.h"

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

class FileLockTest : public testing::Test {
 protected:
  FileLockTest() : path_(testing::TempDir() + "/lock.XXXXXX") {
    EXPECT_NE(mkdtemp(path_.data()), nullptr);
    path_ += "/g.pid.start.lock";
  }

  std::string path_;
};

TEST_F(FileLockTest, OneThatNobodyHasIsTakenAtOnce) {
  const auto never = [] { ADD_FAILURE() << "nobody is waited for"; };
  for (int i = 0; i < 2; ++i) {
    absl::StatusOr<FileLock> lock = FileLock::Take(path_, never);
    ASSERT_TRUE(lock.ok()) << lock.status();
    const FileLock moved = *std::move(lock);
  }
}

TEST_F(FileLockTest, TheSecondIsToldAndWaitsForTheFirst) {
  std::optional<FileLock> first;
  first = *FileLock::Take(path_, [] {});
  bool was_told = false;
  const auto told = [&] {
    was_told = true;
    first.reset();
  };
  EXPECT_TRUE(FileLock::Take(path_, told).ok());
  EXPECT_TRUE(was_told);
}

TEST_F(FileLockTest, AFileThatCannotBeMadeIsNamed) {
  EXPECT_THAT(FileLock::Take("/nonexistent/lock", [] {}).status().ToString(),
              HasSubstr("/nonexistent/lock"));
}

}  // namespace
}  // namespace gateway
