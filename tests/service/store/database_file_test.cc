#include "service/store/database_file.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "base/os/thread.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class DatabaseFileTest : public testing::Test {
 protected:
  // Makes a file that others may read.
  static void MakeOpenToOthers(const std::string& path) {
    std::ofstream(path) << "content";
    ASSERT_EQ(chmod(path.c_str(), 0664), 0);
  }

  static int PermissionsOf(const std::string& path) {
    struct stat facts;
    EXPECT_EQ(stat(path.c_str(), &facts), 0) << path;
    return static_cast<int>(facts.st_mode & 0777);
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.Path("it.db");
};

TEST_F(DatabaseFileTest, IsMadeForItsOwnerAloneWhateverTheUmask) {
  const mode_t before = umask(0);
  const absl::Status made = DatabaseFile(path_).Make();
  umask(before);
  ASSERT_TRUE(made.ok()) << made;
  EXPECT_EQ(PermissionsOf(path_), 0600);
}

TEST_F(DatabaseFileTest, OneThatIsThereStaysAsItIsUntilItIsKeptFromOthers) {
  MakeOpenToOthers(path_);
  MakeOpenToOthers(path_ + "-wal");
  DatabaseFile file(path_);
  ASSERT_TRUE(file.Make().ok());
  EXPECT_EQ(PermissionsOf(path_), 0664);
  EXPECT_EQ(std::filesystem::file_size(path_), 7u);
  ASSERT_TRUE(file.KeepFromOthers().ok());
  EXPECT_EQ(PermissionsOf(path_), 0600);
  EXPECT_EQ(PermissionsOf(path_ + "-wal"), 0600);
}

TEST_F(DatabaseFileTest, MustBeAFileInAFolderThatIsThere) {
  const absl::Status folder = DatabaseFile(folder_.path()).Make();
  EXPECT_EQ(folder.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(folder.message()), HasSubstr("no regular file"));
  const absl::Status missing = DatabaseFile(folder_.Path("none/it.db")).Make();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("none/it.db"));
  // Nor is another's file written through a link.
  ASSERT_EQ(symlink("/etc/hostname", path_.c_str()), 0);
  EXPECT_EQ(DatabaseFile(path_).Make().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(DatabaseFileTest, HasOneName) {
  const std::string other = folder_.Path("other.db");
  ASSERT_TRUE(DatabaseFile(path_).Make().ok());
  ASSERT_EQ(link(path_.c_str(), other.c_str()), 0);
  for (const std::string& name : {path_, other}) {
    const absl::Status linked = DatabaseFile(name).Make();
    EXPECT_EQ(linked.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(linked.message()),
                HasSubstr(name + ": has 2 names"));
  }
  ASSERT_EQ(unlink(other.c_str()), 0);
  EXPECT_TRUE(DatabaseFile(path_).Make().ok());
}

TEST_F(DatabaseFileTest, IsNotMountedWithoutItsLog) {
  const std::string other = folder_.Path("other.db");
  ASSERT_TRUE(DatabaseFile(path_).Make().ok());
  ASSERT_TRUE(DatabaseFile(other).Make().ok());
  // Of a thread that sees other mounts than this one.
  std::optional<absl::Status> made;
  Thread("mounts", [&] {
    if (unshare(CLONE_NEWNS) == 0 &&
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        mount(path_.c_str(), other.c_str(), nullptr, MS_BIND, nullptr) == 0) {
      made = DatabaseFile(other).Make();
    }
  }).Join();
  if (!made.has_value()) GTEST_SKIP() << "nothing is mounted";
  EXPECT_EQ(made->code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(made->message()),
              HasSubstr(other + ": is mounted by itself"));
}

TEST_F(DatabaseFileTest, IsTakenByOneProcessWhateverItsName) {
  const std::string other = folder_.Path("other.db");
  {
    DatabaseFile file(path_);
    ASSERT_TRUE(file.Make().ok());
    ASSERT_TRUE(file.Take().ok());
    const DatabaseFile moved = std::move(file);
    ASSERT_EQ(link(path_.c_str(), other.c_str()), 0);
    for (const std::string& name : {path_, other}) {
      const absl::Status second = DatabaseFile(name).Take();
      EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
      EXPECT_THAT(std::string(second.message()),
                  HasSubstr(name + ": is locked: another process"));
    }
  }
  EXPECT_TRUE(DatabaseFile(other).Take().ok());
}

TEST_F(DatabaseFileTest, ALinkAsItsLogIsRefusedAndNothingBehindItChanged) {
  const std::string others = folder_.Path("others");
  MakeOpenToOthers(others);
  DatabaseFile file(path_);
  ASSERT_TRUE(file.Make().ok());
  ASSERT_EQ(symlink(others.c_str(), (path_ + "-wal").c_str()), 0);
  EXPECT_EQ(file.KeepFromOthers().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(PermissionsOf(others), 0664);
}

TEST_F(DatabaseFileTest, KnowsWhenItsFilesAreNotInTheirPlace) {
  for (const std::string& name : {path_, path_ + "-wal"}) {
    std::ofstream(path_) << "1";
    std::ofstream(path_ + "-wal") << "1";
    DatabaseFile file(path_);
    ASSERT_TRUE(file.Remember().ok());
    EXPECT_TRUE(file.CheckInPlace().ok());
    const std::string aside = folder_.Path("aside");
    ASSERT_EQ(rename(name.c_str(), aside.c_str()), 0);
    const absl::Status gone = file.CheckInPlace();
    EXPECT_EQ(gone.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(gone.message()), HasSubstr(name + ":"));
    std::ofstream(name) << "1";
    EXPECT_EQ(file.CheckInPlace().code(), absl::StatusCode::kDataLoss);
    ASSERT_EQ(rename(aside.c_str(), name.c_str()), 0);
    EXPECT_TRUE(file.CheckInPlace().ok());
  }
}

}  // namespace
}  // namespace gateway
