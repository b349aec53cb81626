#include "service/discovery/pid_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/file.h"
#include "base/process/process_identity.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/discovery/pid_record.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr size_t kBytesLimit = 64 * 1024;

bool Exists(const std::string& path) {
  struct stat facts;
  return stat(path.c_str(), &facts) == 0;
}

// More than the kernel ever counts to.
constexpr int64_t kEndedPid = 1 << 30;

class PidFileTest : public testing::Test {
 protected:
  PidFileTest() {
    std::string folder = testing::TempDir() + "/pid.XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    path_ = folder + "/gateway.pid";
  }

  std::unique_ptr<PidFile> Claim() {
    absl::StatusOr<std::unique_ptr<PidFile>> file = PidFile::Claim(path_);
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? *std::move(file) : nullptr;
  }

  // A gateway that has published its file.
  std::unique_ptr<PidFile> Publish(int http_port = 8080) {
    std::unique_ptr<PidFile> file = Claim();
    const absl::Status published = file->Publish(Record(http_port));
    EXPECT_TRUE(published.ok()) << published;
    return file;
  }

  static PidRecord Record(int http_port = 8080) {
    ListenerAddresses addresses;
    addresses.http = absl::StrCat("127.0.0.1:", http_port);
    return MakePidRecord(addresses, "1.2.3", absl::UnixEpoch());
  }

  void Write(const std::string& text) {
    const absl::Status written = ReplaceFile(path_, text);
    ASSERT_TRUE(written.ok()) << written;
  }

  std::string Backup() const {
    return ReadFile(path_ + ".bak", kBytesLimit).value_or("none");
  }

  std::string ProblemOfFinding() const {
    return std::string(FindGateway(path_).status().message());
  }

  std::string path_;
};

TEST_F(PidFileTest, AnOwnerIsFoundUntilItGoes) {
  std::unique_ptr<PidFile> file = Publish(8080);
  const absl::StatusOr<PidRecord> found = FindGateway(path_);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->process, ThisProcess());
  EXPECT_EQ(found->gateway_port, 8080);
  file.reset();
  EXPECT_EQ(FindGateway(path_).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ProblemOfFinding(), "there is no PID file at " + path_);
}

TEST_F(PidFileTest, NothingIsLeftBehindButTheBackup) {
  Write(absl::StrCat("{\"pid\": ", kEndedPid, "}"));
  Publish().reset();
  EXPECT_FALSE(Exists(path_));
  EXPECT_FALSE(Exists(path_ + ".lock"));
  EXPECT_TRUE(Exists(path_ + ".bak"));
}

TEST_F(PidFileTest, AClaimAloneChangesNothing) {
  Write(absl::StrCat("{\"pid\": ", kEndedPid, "}"));
  Claim().reset();
  EXPECT_EQ(*ReadFile(path_, kBytesLimit),
            absl::StrCat("{\"pid\": ", kEndedPid, "}"));
  EXPECT_FALSE(Exists(path_ + ".bak"));
}

TEST_F(PidFileTest, ARunningOwnerKeepsItsFile) {
  const std::unique_ptr<PidFile> file = Publish(8080);
  const absl::Status refused = PidFile::Claim(path_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr(absl::StrCat("process ", getpid())));
  EXPECT_EQ(FindGateway(path_)->gateway_port, 8080);
}

TEST_F(PidFileTest, AnOwnerThatHasNotPublishedYetKeepsItToo) {
  const std::unique_ptr<PidFile> file = Claim();
  EXPECT_EQ(PidFile::Claim(path_).status().code(),
            absl::StatusCode::kAlreadyExists);
}

TEST_F(PidFileTest, AnOwnerThatTakesNoLockKeepsItToo) {
  Write(absl::StrCat("{\"pid\": ", getppid(), ", \"gateway_port\": 3000}"));
  const absl::Status refused = PidFile::Claim(path_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr(absl::StrCat("process ", getppid())));
  EXPECT_FALSE(Exists(path_ + ".lock"));
}

TEST_F(PidFileTest, AnOwnerThatWasKilledIsReplacedAndKeptAsTheBackup) {
  const std::string left_behind =
      absl::StrCat("{\"pid\": ", kEndedPid, ", \"gateway_port\": 3000}");
  Write(left_behind);
  EXPECT_EQ(FindGateway(path_).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(ProblemOfFinding(),
              HasSubstr(absl::StrCat("process ", kEndedPid, " has ended")));
  const std::unique_ptr<PidFile> file = Publish(8080);
  EXPECT_EQ(FindGateway(path_)->gateway_port, 8080);
  EXPECT_EQ(Backup(), left_behind);
}

TEST_F(PidFileTest, ANumberThatWasGivenAwayAgainIsNoOwner) {
  PidRecord record = Record(3000);
  record.process.pid = getppid();
  // Both may have started within one tick of the kernel's clock.
  record.process.start = "an earlier boot/1";
  Write(WritePidRecord(record));
  EXPECT_EQ(FindGateway(path_).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(Publish(8080), nullptr);
}

TEST_F(PidFileTest, WhoHasTheSameNumberAgainAfterARestartIsNotInItsOwnWay) {
  Write(absl::StrCat("{\"pid\": ", getpid(), ", \"gateway_port\": 3000}"));
  const std::unique_ptr<PidFile> file = Publish(8080);
  EXPECT_EQ(FindGateway(path_)->gateway_port, 8080);
}

TEST_F(PidFileTest, WhatIsNotAPidFileIsSaidAndReplacedAndKept) {
  Write("half of a {");
  EXPECT_EQ(FindGateway(path_).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(ProblemOfFinding(), HasSubstr(path_ + " is not a PID file"));
  const std::unique_ptr<PidFile> file = Publish(8080);
  EXPECT_EQ(FindGateway(path_)->gateway_port, 8080);
  EXPECT_EQ(Backup(), "half of a {");
}

TEST_F(PidFileTest, AFileThatIsSomebodyElsesByNowStays) {
  std::unique_ptr<PidFile> file = Publish(8080);
  PidRecord other = Record(3000);
  other.process.pid = getppid();
  other.process.start = "";
  Write(WritePidRecord(other));
  file.reset();
  EXPECT_EQ(FindGateway(path_)->gateway_port, 3000);
}

TEST_F(PidFileTest, TheFolderIsMadeIfOnlyThatIsMissing) {
  const std::string folder = path_ + ".folder";
  path_ = folder + "/gateway.pid";
  EXPECT_NE(Publish(), nullptr);
  const absl::Status status =
      PidFile::Claim(folder + "/far/away/gateway.pid").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("/far/away/gateway.pid.lock"));
}

TEST_F(PidFileTest, AFolderIsNoPidFile) {
  ASSERT_EQ(mkdir(path_.c_str(), 0755), 0);
  EXPECT_THAT(ProblemOfFinding(), HasSubstr("it is a folder"));
  EXPECT_THAT(std::string(PidFile::Claim(path_).status().message()),
              HasSubstr(path_ + ": is no file"));
  EXPECT_TRUE(Exists(path_)) << "it was not ours to remove";
  EXPECT_FALSE(Exists(path_ + ".lock"));
}

TEST_F(PidFileTest, WhatIsNoFileIsNotReplacedByOne) {
  // In place of a device, which only root can make.
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(PidFile::Claim(path_).status().code(),
            absl::StatusCode::kFailedPrecondition);
  struct stat facts;
  ASSERT_EQ(stat(path_.c_str(), &facts), 0);
  EXPECT_TRUE(S_ISFIFO(facts.st_mode));
}

}  // namespace
}  // namespace gateway
