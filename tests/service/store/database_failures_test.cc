// What becomes of a database when its disk is full, its file is damaged, gone,
// not to be written, locked by others, or of a later version.

#include <linux/capability.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/store/numbers_database.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// No file of the process grows beyond so many bytes, while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &before_), 0);
    handler_ = signal(SIGXFSZ, SIG_IGN);
    rlimit limited = before_;
    limited.rlim_cur = bytes;
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limited), 0);
  }
  ~FileSizeLimit() {
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &before_), 0);
    signal(SIGXFSZ, handler_);
  }

  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_;
  void (*handler_)(int);
};

// This thread, and those that it starts, obey the permissions of files while it
// lives, even as root.
class ObeyPermissions {
 public:
  ObeyPermissions() {
    EXPECT_EQ(syscall(SYS_capget, &header_, before_), 0);
    __user_cap_data_struct without[2] = {before_[0], before_[1]};
    for (const int capability : {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH}) {
      without[0].effective &= ~(1u << capability);
    }
    EXPECT_EQ(syscall(SYS_capset, &header_, without), 0);
  }
  ~ObeyPermissions() { EXPECT_EQ(syscall(SYS_capset, &header_, before_), 0); }

  ObeyPermissions(const ObeyPermissions&) = delete;
  ObeyPermissions& operator=(const ObeyPermissions&) = delete;

 private:
  __user_cap_header_struct header_ = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct before_[2];
};

class DatabaseFailuresTest : public testing::Test {
 protected:
  void Open() {
    const absl::Status opened = numbers_.Open();
    ASSERT_TRUE(opened.ok()) << opened;
  }

  std::string Bytes(const std::string& path) {
    return ReadFile(path, size_t{1} << 30).value_or("(unreadable)");
  }

  // A file of some pages, closed.
  void MakeFile() {
    Open();
    ASSERT_TRUE(numbers_
                    .Write([](SqliteConnection& db) {
                      const std::string value =
                          "secret" + std::string(500, 's');
                      for (int64_t i = 0; i < 200; ++i) {
                        EXPECT_TRUE(InsertNumber(i, value)(db).ok());
                      }
                      return absl::OkStatus();
                    })
                    .ok());
    numbers_.Close();
  }

  void Overwrite(int64_t offset, const std::string& bytes) {
    std::fstream file(numbers_.path(),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file << bytes;
    ASSERT_TRUE(file.good());
  }

  // Opening fails so, and leaves everything as it is.
  void ExpectRefused(absl::StatusCode code, const std::string& why) {
    const std::string before = Bytes(numbers_.path());
    const absl::Status status = numbers_.Open();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(numbers_.path()), HasSubstr(why),
                      Not(HasSubstr("secret"))));
    EXPECT_EQ(Bytes(numbers_.path()), before);
  }

  NumbersDatabase numbers_;
  LoopThread loop_;
};

TEST_F(DatabaseFailuresTest, AFullDiskFailsTheWholeGroupAndIsGotOver) {
  Open();
  ASSERT_TRUE(numbers_.Write(InsertNumber(0, std::string(9000, 'x'))).ok());
  {
    // As far as the log has come, and a little.
    const FileSizeLimit limit(
        std::filesystem::file_size(numbers_.path() + "-wal") + 5000);
    Event release;
    const auto held = numbers_.Hold(loop_, release);
    const auto small = numbers_.Ask(loop_, InsertNumber(1));
    const auto large =
        numbers_.Ask(loop_, InsertNumber(2, std::string(50'000, 'x')));
    const auto wrong = numbers_.Ask(loop_, [](SqliteConnection&) {
      return absl::AbortedError("saw what did not come to be");
    });
    release.Set();
    for (const auto& each : {small, large, wrong}) {
      ASSERT_TRUE(each->answered.Wait());
      EXPECT_EQ(each->told.code(), absl::StatusCode::kResourceExhausted);
      EXPECT_THAT(std::string(each->told.message()),
                  AllOf(HasSubstr(numbers_.path()), HasSubstr("free space")));
    }
    EXPECT_EQ(numbers_.Committed(), 1);
    // Reading goes on.
    EXPECT_EQ(*numbers_.database().ReadBlocking(0, CountNumbers), 1);
  }
  EXPECT_TRUE(numbers_.Write(InsertNumber(3)).ok());
  EXPECT_EQ(numbers_.Committed(), 2);
  Open();
  EXPECT_EQ(numbers_.Committed(), 2);
}

TEST_F(DatabaseFailuresTest, WorkForWhichTheFileHasNoRoomFailsAlone) {
  numbers_.options.file_bytes_limit = 100'000;
  Open();
  Event release;
  const auto held = numbers_.Hold(loop_, release);
  const auto before = numbers_.Ask(loop_, InsertNumber(1));
  const auto large =
      numbers_.Ask(loop_, InsertNumber(2, std::string(200'000, 'x')));
  const auto after = numbers_.Ask(loop_, InsertNumber(3));
  release.Set();
  ASSERT_TRUE(after->answered.Wait());
  EXPECT_TRUE(before->told.ok()) << before->told;
  EXPECT_EQ(large->told.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(large->told.message()),
              AllOf(HasSubstr(numbers_.path()), HasSubstr("its limit")));
  EXPECT_TRUE(after->told.ok()) << after->told;
  EXPECT_EQ(numbers_.Committed(), 2);
  numbers_.Close();
  EXPECT_LE(std::filesystem::file_size(numbers_.path()), 100'000u);
}

TEST_F(DatabaseFailuresTest, AnothersLockIsWaitedForAndThenTold) {
  Open();
  const auto beside = numbers_.ConnectBeside();
  ASSERT_TRUE(beside->Execute("BEGIN IMMEDIATE").ok());
  const absl::Status locked = numbers_.Write(InsertNumber(1));
  EXPECT_EQ(locked.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(locked.message()),
              AllOf(HasSubstr(numbers_.path()),
                    HasSubstr("another process has held its lock for 50ms"),
                    HasSubstr("end that process")));
  // Who reads is not concerned.
  EXPECT_EQ(*numbers_.database().ReadBlocking(0, CountNumbers), 0);
  ASSERT_TRUE(beside->Execute("ROLLBACK").ok());
  EXPECT_TRUE(numbers_.Write(InsertNumber(1)).ok());
}

TEST_F(DatabaseFailuresTest, AFileThatIsLockedAtTheStartIsToldSo) {
  MakeFile();
  const auto beside = numbers_.ConnectBeside();
  ASSERT_TRUE(beside->Execute("PRAGMA locking_mode=EXCLUSIVE").ok());
  ASSERT_TRUE(beside->Execute("BEGIN EXCLUSIVE").ok());
  const absl::Status locked = numbers_.Open();
  EXPECT_EQ(locked.code(), absl::StatusCode::kUnavailable) << locked;
  EXPECT_THAT(std::string(locked.message()), HasSubstr(numbers_.path()));
}

TEST_F(DatabaseFailuresTest, AnotherProcessMayUseItBetweenCommits) {
  Open();
  const auto beside = numbers_.ConnectBeside();
  EXPECT_TRUE(InsertNumber(1)(*beside).ok());
  EXPECT_TRUE(numbers_.Write(InsertNumber(2)).ok());
  EXPECT_EQ(*numbers_.database().ReadBlocking(0, CountNumbers), 2);
}

TEST_F(DatabaseFailuresTest, AFileThatMayNotBeWrittenIsRefused) {
  MakeFile();
  const ObeyPermissions obey;
  ASSERT_EQ(chmod(numbers_.path().c_str(), 0400), 0);
  ExpectRefused(absl::StatusCode::kPermissionDenied, "may not be written");
  ASSERT_EQ(chmod(numbers_.path().c_str(), 0600), 0);
  const std::string folder =
      std::filesystem::path(numbers_.path()).parent_path();
  ASSERT_EQ(chmod(folder.c_str(), 0500), 0);
  ExpectRefused(absl::StatusCode::kPermissionDenied, "");
  ASSERT_EQ(chmod(folder.c_str(), 0700), 0);
  Open();
}

TEST_F(DatabaseFailuresTest, ADamagedFileIsToldAndLeftAsItIs) {
  MakeFile();
  const int64_t size =
      static_cast<int64_t>(std::filesystem::file_size(numbers_.path()));
  ASSERT_GT(size, 20 * 4096);
  // The inner page of the table, some of its leaves.
  Overwrite(10 * 4096, std::string(4096, '\x5a'));
  ExpectRefused(absl::StatusCode::kDataLoss, "restore it from a backup");
}

TEST_F(DatabaseFailuresTest, ADamagedFileKeepsTheLogThatMayMendIt) {
  MakeFile();
  // As a process that was killed leaves it: with its log.
  const std::string aside = numbers_.path() + ".aside";
  Open();
  ASSERT_TRUE(numbers_.Write(InsertNumber(1000)).ok());
  std::filesystem::copy_file(numbers_.path() + "-wal", aside);
  numbers_.Close();
  std::filesystem::rename(aside, numbers_.path() + "-wal");
  Overwrite(10 * 4096, std::string(4096, '\x5a'));
  const std::string log = Bytes(numbers_.path() + "-wal");
  ExpectRefused(absl::StatusCode::kDataLoss, "is damaged");
  EXPECT_EQ(Bytes(numbers_.path() + "-wal"), log);
}

TEST_F(DatabaseFailuresTest, ATruncatedFileIsTold) {
  MakeFile();
  std::filesystem::resize_file(numbers_.path(), 10 * 4096);
  ExpectRefused(absl::StatusCode::kDataLoss, "is damaged");
}

TEST_F(DatabaseFailuresTest, WhatIsNoDatabaseIsLeftAsItIs) {
  std::ofstream(numbers_.path()) << std::string(5000, 'x');
  ExpectRefused(absl::StatusCode::kDataLoss, "is no SQLite database");
}

TEST_F(DatabaseFailuresTest, AnothersDatabaseIsLeftAsItIs) {
  MakeFile();
  numbers_.options.schema.application_id = 7;
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "application_id");
}

TEST_F(DatabaseFailuresTest, ALaterVersionIsLeftAsItIs) {
  SqliteSchema& schema = numbers_.options.schema;
  schema.migrations.push_back("CREATE TABLE later (x)");
  MakeFile();
  schema.migrations.pop_back();
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "of version 2");
  schema.migrations.push_back("CREATE TABLE later (x)");
  Open();
}

TEST_F(DatabaseFailuresTest, NothingIsToldOfAFileThatHasVanished) {
  for (const char* suffix : {"", "-wal"}) {
    Open();
    const std::string path = numbers_.path() + suffix;
    ASSERT_TRUE(numbers_.Write(InsertNumber(suffix[0])).ok());
    ASSERT_EQ(unlink(path.c_str()), 0);
    const absl::Status vanished = numbers_.Write(InsertNumber(100));
    EXPECT_EQ(vanished.code(), absl::StatusCode::kDataLoss) << vanished;
    EXPECT_THAT(std::string(vanished.message()), HasSubstr(path));
    // Nor is another in its place.
    std::ofstream(path) << "";
    EXPECT_EQ(numbers_.Write(InsertNumber(101)).code(),
              absl::StatusCode::kDataLoss);
    numbers_.Close();
    for (const char* each : {"", "-wal", "-shm"}) {
      unlink((numbers_.path() + each).c_str());
    }
  }
}

TEST_F(DatabaseFailuresTest, AFolderThatIsNotThereIsTold) {
  numbers_.options.path += "/none/it.db";
  const absl::Status missing = numbers_.Open();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound) << missing;
  EXPECT_THAT(std::string(missing.message()), HasSubstr("/none/it.db"));
}

}  // namespace
}  // namespace gateway
