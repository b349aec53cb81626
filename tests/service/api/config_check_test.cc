#include "service/api/config_check.h"

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/admin.pb.h"
#include "providers/registry/all_providers.h"
#include "service/config/environment.h"

namespace gateway {
namespace {

using ::llmgateway::v1::ConfigProblem;
using ::llmgateway::v1::ValidateConfigResponse;
using ::testing::HasSubstr;
using ::testing::Not;

ValidateConfigResponse CheckText(const std::string& text,
                                 const Environment& environment = {}) {
  return CheckConfig(AllProviderKinds(), text, environment);
}

TEST(ConfigCheckTest, AValidTextComesBackWithItsDefaults) {
  const ValidateConfigResponse response =
      CheckText("providers: [{name: mock, mock: {}}]\n");
  EXPECT_TRUE(response.valid());
  EXPECT_EQ(response.problems_size(), 0);
  EXPECT_EQ(response.config().providers(0).name(), "mock");
  EXPECT_EQ(response.config().listeners().grpc().address(), "127.0.0.1:50051");
}

TEST(ConfigCheckTest, ReportsEveryMistakeInTheOrderOfTheText) {
  const ValidateConfigResponse response = CheckText(
      "providers:\n"
      "- {name: mock, mock: {}}\n"
      "- {name: mock, mock: {}}\n"
      "lissteners: {}\n"
      "runtime: {event_loops: 5000}\n");
  EXPECT_FALSE(response.valid());
  EXPECT_FALSE(response.has_config());
  ASSERT_EQ(response.problems_size(), 3);
  EXPECT_EQ(response.problems(0).path(), "providers[1].name");
  EXPECT_EQ(response.problems(0).line(), 3);
  EXPECT_EQ(response.problems(1).path(), "lissteners");
  EXPECT_EQ(response.problems(1).line(), 4);
  EXPECT_THAT(response.problems(1).message(), HasSubstr("listeners"));
  EXPECT_EQ(response.problems(2).path(), "runtime.event_loops");
  EXPECT_EQ(response.problems(2).column(), 11);
}

TEST(ConfigCheckTest, WhatIsOnlyDoubtfulIsAWarning) {
  const ValidateConfigResponse response =
      CheckText("providers:\n- {name: openai, openai: {}}\n");
  EXPECT_TRUE(response.valid());
  EXPECT_TRUE(response.has_config());
  ASSERT_EQ(response.problems_size(), 1);
  EXPECT_EQ(response.problems(0).path(), "providers[0].openai.api_key");
  EXPECT_EQ(response.problems(0).line(), 2);
  EXPECT_EQ(response.problems(0).severity(),
            ConfigProblem::SEVERITY_WARNING);
}

TEST(ConfigCheckTest, ErrorsStandBeforeWarnings) {
  const ValidateConfigResponse response =
      CheckText("providers:\n- {name: openai, openai: {}}\nlissteners: {}\n");
  EXPECT_FALSE(response.valid());
  ASSERT_EQ(response.problems_size(), 2);
  EXPECT_EQ(response.problems(0).severity(), ConfigProblem::SEVERITY_ERROR);
  EXPECT_EQ(response.problems(1).severity(), ConfigProblem::SEVERITY_WARNING);
}

TEST(ConfigCheckTest, TextThatCannotBeReadIsAnAnswerToo) {
  const ValidateConfigResponse response = CheckText("providers: [\n");
  EXPECT_FALSE(response.valid());
  ASSERT_GE(response.problems_size(), 1);
  EXPECT_GT(response.problems(0).line(), 0);
}

TEST(ConfigCheckTest, AMistakeInTheEnvironmentIsNotLookedForInTheText) {
  const ValidateConfigResponse response =
      CheckText("providers: [{name: mock, mock: {}}]\n",
                {{"LLM_GATEWAY_LOGGING_LEVEL", "loud"}});
  EXPECT_FALSE(response.valid());
  ASSERT_EQ(response.problems_size(), 1);
  EXPECT_EQ(response.problems(0).line(), 0);
  EXPECT_EQ(response.problems(0).path(), "LLM_GATEWAY_LOGGING_LEVEL");
  EXPECT_THAT(response.problems(0).message(), HasSubstr("environment: "));
}

TEST(ConfigCheckTest, WhatCannotWorkIsAnIssueAndNotAWarning) {
  const ValidateConfigResponse response = CheckText(
      "providers: [{name: mock, mock: {}}]\n"
      "routing:\n"
      "  selection:\n"
      "    policies:\n"
      "    - {id: unused, target: mock/u}\n"
      "    - {id: a, target: mock/a, capabilities: [streaming],\n"
      "       fallback_models: [undefined]}\n"
      "    nodes:\n"
      "    - {name: writer, required_capabilities: [streaming]}\n"
      "    - {name: painter, required_capabilities: [vision]}\n");
  // The gateway starts with it.
  EXPECT_TRUE(response.valid());
  ASSERT_EQ(response.problems_size(), 3) << response.DebugString();
  EXPECT_EQ(response.problems(0).severity(),
            llmgateway::v1::ConfigProblem::SEVERITY_ISSUE);
  EXPECT_THAT(response.problems(0).message(),
              HasSubstr("fallback 'undefined' of policy 'a' is not defined"));
  EXPECT_EQ(response.problems(1).severity(),
            llmgateway::v1::ConfigProblem::SEVERITY_ISSUE);
  EXPECT_THAT(response.problems(1).message(),
              HasSubstr("no model can serve node 'painter'"));
  // It stands before them in the text.
  EXPECT_EQ(response.problems(2).severity(),
            llmgateway::v1::ConfigProblem::SEVERITY_WARNING);
  EXPECT_EQ(response.problems(2).path(), "routing.selection.policies[0]");
}

// Otherwise who may ask would learn which files and variables there are.
TEST(ConfigCheckTest, WhatATextRefersToIsNotLookedAt) {
  const std::string there = testing::TempDir() + "/there";
  std::ofstream(there) << "-----";
  std::string told[2];
  for (const bool exists : {false, true}) {
    const std::string file = exists ? there : "/no/such/file";
    const ValidateConfigResponse response = CheckText(
        absl::StrCat("providers:\n"
                     "- name: openai\n"
                     "  openai: {api_key: 'file:",
                     file, "', http: {ca_file: '", file,
                     "'}}\n"
                     "auth: {callers: {api_keys: [{id: a, key: 'env:",
                     exists ? "KEY" : "NONE",
                     "'}]}}\n"
                     "listeners: {http: {tls: {cert_chain: 'file:",
                     file, "', private_key: 'file:", file, "'}}}\n"),
        {{"KEY", "short"}});
    EXPECT_TRUE(response.valid()) << response.DebugString();
    told[exists] =
        absl::StrReplaceAll(response.DebugString(),
                            {{file, "FILE"}, {"env:KEY", "env:NONE"}});
  }
  EXPECT_EQ(told[0], told[1]);
}

TEST(ConfigCheckTest, ShowsNoSecret) {
  const ValidateConfigResponse good = CheckText(
      "providers:\n"
      "- name: openai\n"
      "  openai: {api_key: 'env:KEY', http: {headers: {x-team: hunter2}}}\n",
      {{"KEY", "sk-hunter3"}});
  EXPECT_TRUE(good.valid()) << good.DebugString();
  EXPECT_EQ(good.config().providers(0).openai().api_key(), "env:KEY");
  EXPECT_THAT(good.DebugString(), Not(HasSubstr("hunter")));

  const ValidateConfigResponse bad = CheckText(
      "providers: [{name: openai, openai: {api_key: 'sk-hunter4'}}]\n");
  EXPECT_FALSE(bad.valid());
  EXPECT_THAT(bad.DebugString(), Not(HasSubstr("hunter")));
}

}  // namespace
}  // namespace gateway
