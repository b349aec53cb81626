#include "service/opened_audit.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/store/sqlite_connection.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class OpenedAuditTest : public testing::Test {
 protected:
  OpenedAuditTest() {
    folder_ = testing::TempDir() + "/opened_audit.XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  }
  ~OpenedAuditTest() override { std::filesystem::remove_all(folder_); }

  absl::StatusOr<std::unique_ptr<AuditLog>> Open(
      const std::string& yaml, const Environment& environment = {}) {
    const auto runtime = MakeTestRuntime(
        absl::StrCat("providers: [{name: mock, mock: {}}]\n", yaml));
    return OpenAudit(runtime->snapshot(), folder_ + "/gateway.yaml",
                     environment, registry_);
  }
  bool Has(const std::string& name) {
    return std::filesystem::exists(folder_ + "/" + name);
  }

  std::string folder_;
  MetricRegistry registry_{SystemClock()};
};

TEST_F(OpenedAuditTest, WithoutASectionNothingIsOpened) {
  const auto log = Open("");
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(*log, nullptr);
}

TEST_F(OpenedAuditTest, TheFileIsBesideWhatElseIsKept) {
  const auto log = Open("runtime: {state_dir: kept}\naudit: {}\n");
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_TRUE(Has("kept/audit.db"));
}

TEST_F(OpenedAuditTest, AHomeIsThatOfTheEnvironment) {
  const std::string yaml = "audit: {file: ~/.cco/audit.db}\n";
  const auto log = Open(yaml, {{"HOME", folder_}});
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_TRUE(Has(".cco/audit.db"));
  EXPECT_THAT(Open(yaml).status().message(), HasSubstr("HOME"));
}

TEST_F(OpenedAuditTest, AnEarlierDaemonsFileStaysAndOursIsBesideIt) {
  const std::string path = folder_ + "/audit.db";
  std::ofstream(path).close();
  {
    const auto earlier = SqliteConnection::Open(
        path, SqliteConnection::Access::kReadWrite, absl::Seconds(5));
    ASSERT_TRUE(earlier.ok()) << earlier.status();
    ASSERT_TRUE((*earlier)
                    ->Execute("CREATE TABLE audit_log (id TEXT PRIMARY KEY, "
                              "agent_type TEXT, request_body TEXT)")
                    .ok());
  }
  const std::string yaml = absl::StrCat("audit: {file: ", path, "}\n");
  const std::string before = *ReadFile(path, 1 << 20);
  // The second finds both.
  for (int i = 0; i < 2; ++i) {
    const auto log = Open(yaml);
    ASSERT_TRUE(log.ok()) << log.status();
    EXPECT_TRUE(Has("audit.llm-gateway.db"));
  }
  EXPECT_EQ(*ReadFile(path, 1 << 20), before);
}

TEST_F(OpenedAuditTest, AnotherProgramsFileIsNone) {
  const std::string path = folder_ + "/other.db";
  std::ofstream(path).close();
  {
    const auto other = SqliteConnection::Open(
        path, SqliteConnection::Access::kReadWrite, absl::Seconds(5));
    ASSERT_TRUE(other.ok()) << other.status();
    ASSERT_TRUE((*other)->Execute("CREATE TABLE bookmarks (id TEXT)").ok());
  }
  const auto log = Open(absl::StrCat("audit: {file: ", path, "}\n"));
  EXPECT_THAT(log.status().message(), HasSubstr("of something else"));
  EXPECT_FALSE(Has("other.llm-gateway.db"));
}

TEST_F(OpenedAuditTest, WhatCannotBeOpenedNamesTheField) {
  const auto log =
      Open(absl::StrCat("audit: {file: ", folder_, "/a/b/audit.db}\n"));
  EXPECT_FALSE(log.ok());
  EXPECT_THAT(log.status().message(), HasSubstr("audit.file: "));
  EXPECT_THAT(log.status().message(), HasSubstr("/a/b"));
}

}  // namespace
}  // namespace gateway
