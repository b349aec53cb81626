#include "base/os/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LogFileTest : public testing::Test {
 protected:
  LogFileTest()
      : path_(testing::TempDir() + "/" +
              testing::UnitTest::GetInstance()->current_test_info()->name() +
              ".rotated") {
    unlink(path_.c_str());
    unlink(OldPath().c_str());
  }

  std::string OldPath() const { return path_ + ".1"; }

  std::unique_ptr<LogFile> Open() const {
    absl::StatusOr<std::unique_ptr<LogFile>> file = LogFile::Open(path_);
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? *std::move(file) : nullptr;
  }

  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    std::stringstream contents;
    contents << file.rdbuf();
    return contents.str();
  }

  const std::string path_;
};

TEST_F(LogFileTest, LinesFollowWhatIsThere) {
  Open()->Write("first\n");
  Open()->Write("second\n");
  EXPECT_EQ(Read(path_), "first\nsecond\n");
}

TEST_F(LogFileTest, OthersOfTheMachineCannotReadIt) {
  const std::unique_ptr<LogFile> file = Open();
  struct stat found;
  ASSERT_EQ(stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0007, 0u);
}

TEST_F(LogFileTest, AfterARenameItGoesOnUntilItIsReopened) {
  const std::unique_ptr<LogFile> file = Open();
  file->Write("one\n");
  ASSERT_EQ(rename(path_.c_str(), OldPath().c_str()), 0);
  file->Write("two\n");
  EXPECT_TRUE(ReopenLogFiles().ok());
  file->Write("three\n");
  EXPECT_EQ(Read(OldPath()), "one\ntwo\n");
  EXPECT_EQ(Read(path_), "three\n");
}

TEST_F(LogFileTest, WhatCannotBeReopenedStaysOpen) {
  const std::unique_ptr<LogFile> file = Open();
  ASSERT_EQ(rename(path_.c_str(), OldPath().c_str()), 0);
  ASSERT_EQ(mkdir(path_.c_str(), 0700), 0);
  const absl::Status reopened = ReopenLogFiles();
  rmdir(path_.c_str());
  EXPECT_EQ(reopened.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(reopened.message()), HasSubstr(path_));
  file->Write("kept\n");
  EXPECT_EQ(Read(OldPath()), "kept\n");
}

TEST_F(LogFileTest, AFileThatIsGoneIsNotReopened) {
  Open().reset();
  unlink(path_.c_str());
  EXPECT_TRUE(ReopenLogFiles().ok());
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

// A folder of its own, in which files are set aside.
class RotatedLogFileTest : public testing::Test {
 protected:
  RotatedLogFileTest() {
    std::string folder = testing::TempDir() + "/rotated.XXXXXX";
    folder_ = mkdtemp(folder.data());
    path_ = folder_ + "/gateway.log";
  }

  std::unique_ptr<LogFile> Open(const LogRotation& rotation) {
    absl::StatusOr<std::unique_ptr<LogFile>> file =
        LogFile::Open(path_, rotation, clock_);
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? *std::move(file) : nullptr;
  }

  // What each file has, the oldest first; the one in use is the last.
  std::vector<std::string> Contents() const {
    std::map<std::string, std::string> by_name;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      std::stringstream contents;
      contents << std::ifstream(entry.path()).rdbuf();
      by_name[entry.path().native()] = contents.str();
    }
    std::vector<std::string> all;
    for (const auto& [name, contents] : by_name) {
      if (name != path_) all.push_back(contents);
    }
    all.push_back(by_name[path_]);
    return all;
  }

  FakeClock clock_;
  std::string folder_;
  std::string path_;
};

TEST_F(RotatedLogFileTest, BySizeNoLineIsLostOrCut) {
  const std::unique_ptr<LogFile> file = Open({.size_bytes = 20, .files = 1000});
  std::string all;
  for (int i = 0; i < 50; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    file->Write(line);
    all += line;
    clock_.Advance(absl::Milliseconds(1));
  }
  std::string read;
  for (const std::string& each : Contents()) {
    EXPECT_LE(each.size(), 20u);
    EXPECT_EQ(each.back(), '\n');
    read += each;
  }
  EXPECT_EQ(read, all);
  EXPECT_EQ(Contents().size(), 25u);
}

TEST_F(RotatedLogFileTest, SoManyFilesAreKept) {
  const std::unique_ptr<LogFile> file = Open({.size_bytes = 2, .files = 2});
  for (const char* line : {"1\n", "2\n", "3\n", "4\n", "5\n"}) {
    file->Write(line);
    clock_.Advance(absl::Milliseconds(1));
  }
  EXPECT_THAT(Contents(), ElementsAre("3\n", "4\n", "5\n"));
}

TEST_F(RotatedLogFileTest, ByTimeFromItsFirstLineOn) {
  const std::unique_ptr<LogFile> file =
      Open({.interval = absl::Hours(1), .files = 10});
  clock_.Advance(absl::Hours(5));
  file->Write("a\n");
  clock_.Advance(absl::Minutes(59));
  file->Write("b\n");
  EXPECT_THAT(Contents(), ElementsAre("a\nb\n"));
  clock_.Advance(absl::Minutes(1));
  file->Write("c\n");
  EXPECT_THAT(Contents(), ElementsAre("a\nb\n", "c\n"));
}

TEST_F(RotatedLogFileTest, WhatWasThereBeforeCounts) {
  Open({})->Write("of an earlier process\n");
  Open({.size_bytes = 25})->Write("next\n");
  EXPECT_THAT(Contents(), ElementsAre("of an earlier process\n", "next\n"));
}

TEST_F(RotatedLogFileTest, AReopenedFileIsMeasuredAnew) {
  const std::unique_ptr<LogFile> file = Open({.size_bytes = 4});
  file->Write("123\n");
  ASSERT_EQ(rename(path_.c_str(), (folder_ + "/elsewhere").c_str()), 0);
  ASSERT_TRUE(file->Reopen().ok());
  file->Write("456\n");
  EXPECT_THAT(Contents(), ElementsAre("123\n", "456\n"));
}

TEST_F(RotatedLogFileTest, WhereItCannotBeSetAsideItGoesOnAndThatIsToldOnce) {
  const std::unique_ptr<LogFile> file = Open({.size_bytes = 4, .files = 3});
  file->Write("123\n");
  const std::string elsewhere = folder_ + "/elsewhere";
  ASSERT_EQ(rename(path_.c_str(), elsewhere.c_str()), 0);
  testing::internal::CaptureStderr();
  file->Write("456\n");
  clock_.Advance(absl::Minutes(2));
  file->Write("789\n");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "the rotation of the log " + path_ +
                " fails: cannot rename the log " + path_ +
                ": No such file or directory\n");
  EXPECT_THAT(Contents(), ElementsAre("123\n456\n789\n", ""));
  // It is tried again, and well from then on.
  ASSERT_EQ(rename(elsewhere.c_str(), path_.c_str()), 0);
  clock_.Advance(absl::Minutes(2));
  file->Write("abc\n");
  EXPECT_THAT(Contents(), ElementsAre("123\n456\n789\n", "abc\n"));
}

TEST_F(RotatedLogFileTest, APipeIsNeverSetAside) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const std::unique_ptr<LogFile> file = Open({.size_bytes = 1});
  file->Write("one\n");
  file->Write("two\n");
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    files += entry.path().native() == path_ ? 1 : 100;
  }
  EXPECT_EQ(files, 1);
}

TEST_F(LogFileTest, WhenTheDiskIsFullStandardErrorIsToldOnce) {
  absl::StatusOr<std::unique_ptr<LogFile>> file = LogFile::Open("/dev/full");
  ASSERT_TRUE(file.ok()) << file.status();
  const uint64_t lost_before = LogFile::LostLines();
  testing::internal::CaptureStderr();
  (*file)->Write("lost\n");
  (*file)->Write("lost too\nand this\n");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "lines of the log /dev/full are lost: No space left on device\n");
  EXPECT_EQ(LogFile::LostLines() - lost_before, 3u);
}

TEST_F(LogFileTest, APipeThatNobodyReadsIsFilledAndThenLosesLines) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_TRUE(CheckLogFile(path_).ok());
  const std::unique_ptr<LogFile> file = Open();
  ASSERT_NE(file, nullptr);
  testing::internal::CaptureStderr();
  file->Write("first\n");
  const std::string line = std::string(40'000, 'x') + "\n";
  for (int i = 0; i < 5; ++i) file->Write(line);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "lines of the log " + path_ +
                " are lost: it is a pipe, and nobody reads it\n");
  const int reader = open(path_.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  std::string read_back(200'000, '\0');
  const ssize_t got = read(reader, read_back.data(), read_back.size());
  ASSERT_GT(got, 0);
  EXPECT_EQ(read_back.substr(0, 6), "first\n");
  // The line that was cut ends before the next one.
  file->Write("next\n");
  const ssize_t more = read(reader, read_back.data(), read_back.size());
  close(reader);
  EXPECT_EQ(read_back.substr(0, static_cast<size_t>(more)), "\nnext\n");
}

TEST_F(LogFileTest, ReopeningDoesNotWaitForTheReaderOfAPipe) {
  const std::unique_ptr<LogFile> file = Open();
  unlink(path_.c_str());
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_TRUE(ReopenLogFiles().ok());
}

TEST_F(LogFileTest, TheCheckAgreesWithOpenAndCreatesNothing) {
  for (const std::string& path :
       {path_, std::string("/dev/null"), std::string("/proc/no/gateway.log"),
        std::string("/no such directory/gateway.log"), testing::TempDir(),
        std::string("/dev/null/gateway.log")}) {
    SCOPED_TRACE(path);
    unlink(path_.c_str());
    const absl::Status check = CheckLogFile(path);
    EXPECT_NE(access(path_.c_str(), F_OK), 0);
    EXPECT_EQ(check, LogFile::Open(path).status());
  }
}

}  // namespace
}  // namespace gateway
