#include "base/process/empty_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

class EmptyDirectoryTest : public testing::Test {
 protected:
  EmptyDirectoryTest() {
    std::filesystem::remove_all(parent_);
    std::filesystem::create_directory(parent_);
  }
  ~EmptyDirectoryTest() override { std::filesystem::remove_all(parent_); }

  std::string Path() { return EmptyDirectory(parent_).value_or(""); }

  const std::string parent_ = testing::TempDir() + "/of_empty_directory";
};

TEST_F(EmptyDirectoryTest, IsMadeOnceAndNobodyMayWriteToIt) {
  const std::string path = Path();
  ASSERT_TRUE(std::filesystem::is_directory(path)) << path;
  EXPECT_TRUE(std::filesystem::is_empty(path));
  EXPECT_EQ(Path(), path);
  struct stat facts;
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0500u);
}

TEST_F(EmptyDirectoryTest, IsMadeAgainWhenItWasTidiedAway) {
  ASSERT_EQ(rmdir(Path().c_str()), 0);
  EXPECT_TRUE(std::filesystem::is_directory(Path()));
}

TEST_F(EmptyDirectoryTest, LosesWhatTheSuperuserHasWrittenToIt) {
  if (geteuid() != 0) GTEST_SKIP() << "nobody else can";
  ASSERT_TRUE(std::filesystem::create_directory(Path() + "/left"));
  EXPECT_TRUE(std::filesystem::is_empty(Path()));
}

TEST_F(EmptyDirectoryTest, NeitherALinkNorALooserDirectoryWillDo) {
  const std::string path = Path();
  ASSERT_EQ(chmod(path.c_str(), 0700), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(EmptyDirectory(parent_).status()));
  ASSERT_EQ(rmdir(path.c_str()), 0);
  ASSERT_EQ(symlink("/usr", path.c_str()), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(EmptyDirectory(parent_).status()));
}

TEST_F(EmptyDirectoryTest, SaysWhereItCannotBeMade) {
  const absl::Status status = EmptyDirectory("/no/such/place").status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_NE(status.message().find("/no/such/place"), std::string::npos);
}

}  // namespace
}  // namespace gateway
