#include "service/opened_audit.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/os/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/pipeline/runtime_snapshot.h"
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

TEST_F(OpenedAuditTest, WhatCannotBeOpenedNamesTheField) {
  const auto log =
      Open(absl::StrCat("audit: {file: ", folder_, "/a/b/audit.db}\n"));
  EXPECT_FALSE(log.ok());
  EXPECT_THAT(log.status().message(), HasSubstr("audit.file: "));
  EXPECT_THAT(log.status().message(), HasSubstr("/a/b"));
}

}  // namespace
}  // namespace gateway
