#include "base/os/log_rotation.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

const absl::Time kNow = absl::FromUnixMillis(1767323045678);

class LogRotationTest : public testing::Test {
 protected:
  LogRotationTest() {
    std::string folder = testing::TempDir() + "/rotation.XXXXXX";
    folder_ = mkdtemp(folder.data());
  }

  std::string At(const std::string& name) const { return folder_ + "/" + name; }
  void Make(const std::string& name) const { std::ofstream(At(name)) << name; }

  std::set<std::string> Names() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.insert(entry.path().filename().native());
    }
    return names;
  }

  std::string folder_;
};

TEST_F(LogRotationTest, ItIsDueBeforeTheSizeIsPassed) {
  const LogRotation rotation = {.size_bytes = 100};
  EXPECT_FALSE(IsDue(rotation, 90, 10, kNow, kNow));
  EXPECT_TRUE(IsDue(rotation, 90, 11, kNow, kNow));
  // A line that is larger than a file may be has one to itself.
  EXPECT_FALSE(IsDue(rotation, 0, 101, kNow, kNow));
  EXPECT_TRUE(IsDue(rotation, 101, 1, kNow, kNow));
}

TEST_F(LogRotationTest, ItIsDueOnceTheTimeIsOver) {
  const LogRotation rotation = {.interval = absl::Hours(1)};
  EXPECT_FALSE(IsDue(rotation, 1, 1, kNow - absl::Minutes(59), kNow));
  EXPECT_TRUE(IsDue(rotation, 1, 1, kNow - absl::Hours(1), kNow));
  EXPECT_FALSE(IsDue(rotation, 0, 1, kNow - absl::Hours(2), kNow));
  // The clock was set back.
  EXPECT_FALSE(IsDue(rotation, 1, 1, kNow + absl::Hours(2), kNow));
}

TEST_F(LogRotationTest, WithoutARuleItIsNeverDue) {
  EXPECT_FALSE(LogRotation().is_on());
  EXPECT_FALSE(IsDue({}, 1 << 30, 1, absl::UnixEpoch(), kNow));
}

TEST_F(LogRotationTest, WhatIsSetAsideHasTheTimeInItsName) {
  Make("gateway.log");
  const absl::StatusOr<std::string> aside = SetAside(At("gateway.log"), kNow);
  ASSERT_TRUE(aside.ok()) << aside.status();
  EXPECT_EQ(*aside, At("gateway.log.20260102T030405.678Z"));
  EXPECT_THAT(Names(),
              UnorderedElementsAre("gateway.log.20260102T030405.678Z"));
}

TEST_F(LogRotationTest, NoFileTakesThePlaceOfAnother) {
  for (int i = 0; i < 3; ++i) {
    Make("gateway.log");
    ASSERT_TRUE(SetAside(At("gateway.log"), kNow).ok());
  }
  EXPECT_THAT(Names(),
              UnorderedElementsAre("gateway.log.20260102T030405.678Z",
                                   "gateway.log.20260102T030405.678Z-01",
                                   "gateway.log.20260102T030405.678Z-02"));
}

TEST_F(LogRotationTest, AFileThatIsGoneIsNamed) {
  const absl::Status status = SetAside(At("gateway.log"), kNow).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("gateway.log: No such file"));
}

TEST_F(LogRotationTest, TheOldestAreRemovedAndNothingElse) {
  for (const char* name :
       {"gateway.log", "gateway.log.20260102T030405.678Z",
        "gateway.log.20260102T030405.678Z-01",
        "gateway.log.20260102T030406.000Z", "gateway.log.20270102T030405.678Z",
        "gateway.log.1", "gateway.log.20260102T030405.678Z.gz",
        "other.log.20200102T030405.678Z", "gateway.log.2026"}) {
    Make(name);
  }
  ASSERT_TRUE(RemoveOldest(At("gateway.log"), 2).ok());
  EXPECT_THAT(Names(),
              UnorderedElementsAre(
                  "gateway.log", "gateway.log.20260102T030406.000Z",
                  "gateway.log.20270102T030405.678Z", "gateway.log.1",
                  "gateway.log.20260102T030405.678Z.gz",
                  "other.log.20200102T030405.678Z", "gateway.log.2026"));
}

TEST_F(LogRotationTest, WhatCannotBeRemovedIsNamedAndTheRestIsRemoved) {
  ASSERT_EQ(mkdir(At("gateway.log.20260102T030401.000Z").c_str(), 0700), 0);
  Make("gateway.log.20260102T030402.000Z");
  Make("gateway.log.20260102T030403.000Z");
  const absl::Status status = RemoveOldest(At("gateway.log"), 1);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cannot remove " + At("gateway.log.20260102T030401")));
  EXPECT_THAT(Names(),
              UnorderedElementsAre("gateway.log.20260102T030401.000Z",
                                   "gateway.log.20260102T030403.000Z"));
}

}  // namespace
}  // namespace gateway
