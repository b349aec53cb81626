#include "clients/cli/logs_request.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/logging.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
namespace configv1 = ::llmgateway::config::v1;

using ::testing::HasSubstr;

// What a gateway answers is asked of one in logs_test.py.
TEST(LogsRequestTest, OnlyWhatIsMeantIsAskedFor) {
  const RpcPlace nobody = {.address = "127.0.0.1:1"};
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{},
                                                {"show"},
                                                {"set-level"},
                                                {"set-level", "loud"},
                                                {"set-level", "unspecified"},
                                                {"set-level", "info", "warn"},
                                                {"levels", "main"}}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(AskLogs(nobody, {.words = wrong}).status()));
  }
  EXPECT_THAT(AskLogs(nobody, {.words = {"levels"}}).status().ToString(),
              HasSubstr("127.0.0.1:1"));
}

TEST(LogsRequestTest, ALevelIsOfOneModuleOrOfAll) {
  const auto one = SetLogLevelRequestOf(
      {.words = {"set-level", "debug"}, .flags = {{"--module", "pipeline"}}});
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(one->module(), "pipeline");
  EXPECT_EQ(one->level(), configv1::LOG_LEVEL_DEBUG);
  const auto all = SetLogLevelRequestOf({.words = {"set-level", "off"}});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->module(), "");
  EXPECT_EQ(all->level(), configv1::LOG_LEVEL_OFF);
}

TEST(LogsRequestTest, WhatWasSetIsTakenBack) {
  const auto request =
      SetLogLevelRequestOf({.words = {"set-level", "configured"}});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->level(), configv1::LOG_LEVEL_UNSPECIFIED);
}

TEST(LogsRequestTest, TheTableSaysWhoHasSetALevel) {
  v1::ListLogLevelsResponse response;
  v1::LogModule& main = *response.add_modules();
  main.set_name("main");
  main.set_level(configv1::LOG_LEVEL_INFO);
  v1::LogModule& pipeline = *response.add_modules();
  pipeline.set_name("pipeline");
  pipeline.set_level(configv1::LOG_LEVEL_DEBUG);
  pipeline.set_is_override(true);
  EXPECT_EQ(LogLevelsTable(response.modules()),
            "MODULE    LEVEL  SET BY\n"
            "main      info   configuration\n"
            "pipeline  debug  operator\n");
}

}  // namespace
}  // namespace gateway
