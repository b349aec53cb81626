#include "base/os/file.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

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

}  // namespace
}  // namespace gateway
