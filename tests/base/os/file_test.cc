#include "base/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

// A disk that fails, for this thread: so many syncs of folders, and whatever is
// to be renamed once so many have been.
thread_local int failing_folder_syncs = 0;
thread_local int good_renames = 1 << 30;
thread_local bool knows_exchange = true;

bool RenameFails() {
  if (good_renames-- > 0) return false;
  errno = EROFS;
  return true;
}

}  // namespace

// In place of the C library's.
extern "C" {

int fsync(int file) {
  struct stat facts;
  if (failing_folder_syncs > 0 && fstat(file, &facts) == 0 &&
      S_ISDIR(facts.st_mode)) {
    --failing_folder_syncs;
    errno = EIO;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fsync, file));
}

int rename(const char* from, const char* to) noexcept {
  if (RenameFails()) return -1;
  return static_cast<int>(
      syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
  if (!knows_exchange) {
    errno = EINVAL;
    return -1;
  }
  if (RenameFails()) return -1;
  return static_cast<int>(
      syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

}  // extern "C"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string WriteFile(const std::string& name, const std::string& bytes) {
  const std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

TEST(FileTest, ReadsEveryByte) {
  std::string bytes(100'000, 'x');
  bytes[3] = '\0';
  bytes[70'000] = '\xff';
  EXPECT_EQ(*ReadFile(WriteFile("bytes", bytes), bytes.size()), bytes);
  EXPECT_EQ(*ReadFile(WriteFile("empty", ""), 0), "");
}

TEST(FileTest, RefusesOneByteTooMany) {
  const std::string path = WriteFile("large", std::string(101, 'x'));
  EXPECT_TRUE(ReadFile(path, 101).ok());
  const absl::Status status = ReadFile(path, 100).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "the file is larger than 100 bytes");
}

TEST(FileTest, SaysWhyAFileCannotBeReadWithoutRepeatingItsPath) {
  const absl::Status missing = ReadFile("/nonexistent/key", 100).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("No such file"));
  EXPECT_THAT(std::string(missing.message()), Not(HasSubstr("/nonexistent")));
  EXPECT_EQ(ReadFile(testing::TempDir(), 100).status().message(),
            "it is a folder; give a regular file");
}

TEST(FileTest, ReadsOnlyRegularFilesWhereverLinksLead) {
  const std::string link = testing::TempDir() + "/link";
  unlink(link.c_str());
  ASSERT_EQ(symlink(WriteFile("linked", "key").c_str(), link.c_str()), 0);
  EXPECT_EQ(*ReadFile(link, 100), "key");

  // Nobody writes to it, and nobody waits for that.
  const std::string pipe = testing::TempDir() + "/pipe";
  unlink(pipe.c_str());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const absl::Status silent = ReadFile(pipe, 100).status();
  EXPECT_EQ(silent.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(silent.message(), "it is a pipe; give a regular file");

  // Nor for the rest of what a writer has begun.
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "key", 3), 3);
  const std::string open = "/dev/fd/" + std::to_string(ends[0]);
  EXPECT_EQ(ReadFile(open, 100).status().code(),
            absl::StatusCode::kFailedPrecondition);
  close(ends[0]);
  close(ends[1]);

  EXPECT_EQ(ReadFile("/dev/zero", 100).status().message(),
            "it is a device; give a regular file");
}

TEST(FileTest, DraftsAreKnownByTheirNames) {
  for (const char* draft : {"config.json.aB3x9Z", "a.000000"}) {
    EXPECT_TRUE(IsDraftName(draft)) << draft;
  }
  for (const char* other : {"config.json", "config.json.aB3x9", ".aB3x9Z",
                            "config.json.aB3x9Z0", "config.json.aB3-9Z", ""}) {
    EXPECT_FALSE(IsDraftName(other)) << other;
  }
}

TEST(FileTest, ReplacesTheContentOfAFileThatIsThereOrNot) {
  const std::string path = testing::TempDir() + "/replaced";
  ASSERT_TRUE(ReplaceFile(path, "the first, which is longer").ok());
  EXPECT_EQ(*ReadFile(path, 100), "the first, which is longer");
  ASSERT_TRUE(ReplaceFile(path, "the second").ok());
  EXPECT_EQ(*ReadFile(path, 100), "the second");
  struct stat facts;
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0644);
}

TEST(FileTest, WhatIsItsOwnersAloneNobodyElseReads) {
  const std::string path = testing::TempDir() + "/own";
  ASSERT_TRUE(ReplaceFile(path, "for everybody").ok());
  ASSERT_TRUE(ReplaceFile(path, "for me", FileReaders::kOwner).ok());
  EXPECT_EQ(*ReadFile(path, 100), "for me");
  struct stat facts;
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600);
}

TEST(FileTest, WhoHasTheOldContentOpenReadsItToItsEnd) {
  const std::string path = WriteFile("open", "the old one");
  std::ifstream reader(path, std::ios::binary);
  ASSERT_TRUE(ReplaceFile(path, "new").ok());
  std::string seen;
  std::getline(reader, seen);
  EXPECT_EQ(seen, "the old one");
}

TEST(FileTest, AReplacementThatFailsLeavesNothingBehind) {
  const std::string folder = testing::TempDir() + "/folder_of_drafts";
  ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
  const std::string taken = folder + "/taken";
  ASSERT_EQ(mkdir(taken.c_str(), 0755), 0);
  EXPECT_FALSE(ReplaceFile(taken, "bytes").ok());
  ASSERT_EQ(rmdir(taken.c_str()), 0);
  EXPECT_EQ(rmdir(folder.c_str()), 0) << "there is a draft in it";
  EXPECT_EQ(ReplaceFile("/nonexistent/file", "bytes").code(),
            absl::StatusCode::kNotFound);
}

// A folder whose names cannot be brought to the disk.
class FailingFolderTest : public testing::Test {
 protected:
  FailingFolderTest() { std::filesystem::create_directory(folder_); }
  ~FailingFolderTest() override {
    failing_folder_syncs = 0;
    good_renames = 1 << 30;
    knows_exchange = true;
    std::filesystem::remove_all(folder_);
  }

  // What is in the folder: the content of the file, if that is all.
  std::string Content() const {
    std::string names;
    for (const auto& each : std::filesystem::directory_iterator(folder_)) {
      if (each.path() != path_) names += each.path().filename().native();
    }
    if (!names.empty()) return "there is " + names;
    const absl::StatusOr<std::string> read = ReadFile(path_, 100);
    return read.ok() ? *read : "none";
  }

  const std::string folder_ = testing::TempDir() + "/failing";
  const std::string path_ = folder_ + "/file";
};

TEST_F(FailingFolderTest, TheFormerContentIsPutBack) {
  ASSERT_TRUE(ReplaceFile(path_, "old").ok());
  failing_folder_syncs = 1;
  const absl::Status replaced = ReplaceFile(path_, "new");
  EXPECT_EQ(replaced.code(), absl::StatusCode::kUnknown);
  EXPECT_THAT(std::string(replaced.message()),
              HasSubstr("cannot write the folder: Input/output error"));
  EXPECT_EQ(Content(), "old");
  failing_folder_syncs = 1;
  EXPECT_EQ(RemoveFile(path_).code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(Content(), "old");
}

TEST_F(FailingFolderTest, AFileThatWasNotThereIsNotThereAfterwards) {
  failing_folder_syncs = 1;
  EXPECT_EQ(ReplaceFile(path_, "new").code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(Content(), "none");
}

TEST_F(FailingFolderTest, SaysWhatPowerMayBringWhereThatIsNotKeptEither) {
  ASSERT_TRUE(ReplaceFile(path_, "old").ok());
  failing_folder_syncs = 2;
  const absl::Status replaced = ReplaceFile(path_, "new");
  EXPECT_EQ(replaced.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(replaced.message()),
              HasSubstr("if the machine loses power"));
  EXPECT_EQ(Content(), "old");
  failing_folder_syncs = 2;
  EXPECT_EQ(RemoveFile(path_).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Content(), "old");
}

TEST_F(FailingFolderTest, SaysThatTheNewContentStaysIfTheFormerIsGone) {
  ASSERT_TRUE(ReplaceFile(path_, "old").ok());
  failing_folder_syncs = 1;
  good_renames = 1;
  EXPECT_EQ(ReplaceFile(path_, "new").code(), absl::StatusCode::kDataLoss);
  good_renames = 1 << 30;
  EXPECT_EQ(*ReadFile(path_, 100), "new");

  knows_exchange = false;
  failing_folder_syncs = 1;
  EXPECT_EQ(ReplaceFile(path_, "newer").code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(*ReadFile(path_, 100), "newer");
  EXPECT_TRUE(ReplaceFile(path_, "newest").ok());
  EXPECT_EQ(*ReadFile(path_, 100), "newest");
}

TEST_F(FailingFolderTest, AFileIsRemovedOnce) {
  EXPECT_TRUE(RemoveFile(path_).ok());
  ASSERT_TRUE(ReplaceFile(path_, "old").ok());
  EXPECT_TRUE(RemoveFile(path_).ok());
  EXPECT_EQ(Content(), "none");
}

}  // namespace
}  // namespace gateway
