#include "clients/cli/alerts_request.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/alerts.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;

// What a gateway answers is asked of one in alerts_test.py.
TEST(AlertsRequestTest, OnlyWhatIsMeantIsAskedFor) {
  const RpcPlace nobody = {.address = "127.0.0.1:1"};
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{},
        {"show"},
        {"list", "errors"},
        {"silence"},
        {"silence", "errors"},
        {"silence", "errors", "more"}}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(AskAlerts(nobody, {.words = wrong}).status()));
  }
  EXPECT_THAT(AskAlerts(nobody, {.words = {"list"}}).status().ToString(),
              HasSubstr("127.0.0.1:1"));
}

TEST(AlertsRequestTest, ASilenceHasATime) {
  const auto request = SilenceAlertRequestOf(
      {.words = {"silence", "errors"}, .flags = {{"--for", "90m"}}});
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->name(), "errors");
  EXPECT_EQ(request->duration().seconds(), 5400);
  const auto end = SilenceAlertRequestOf(
      {.words = {"silence", "errors"}, .flags = {{"--for", "0s"}}});
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->duration().seconds(), 0);
  EXPECT_THAT(SilenceAlertRequestOf({.words = {"silence", "errors"}})
                  .status()
                  .ToString(),
              HasSubstr("--for"));
  EXPECT_FALSE(SilenceAlertRequestOf({.words = {"silence", "errors"},
                                      .flags = {{"--for", "long"}}})
                   .ok());
}

TEST(AlertsRequestTest, WhatFiresComesFirst) {
  v1::ListAlertsResponse response;
  v1::Alert& fine = *response.add_alerts();
  fine.set_name("errors");
  fine.set_condition("error_rate > 5%");
  fine.set_action("page");
  fine.set_state(v1::Alert::STATE_OK);
  v1::Alert& fires = *response.add_alerts();
  fires.set_name("models");
  fires.set_subject("openai/gpt-4o");
  fires.set_state(v1::Alert::STATE_FIRING);
  fires.mutable_state_time()->set_seconds(1767323045);
  fires.set_condition("model_consecutive_failures > 5");
  fires.set_value(6);
  fires.set_action("disable");
  fires.mutable_silence_end_time()->set_seconds(1767326645);
  fires.set_action_error("the disk is full");
  EXPECT_EQ(AlertsTable(response.alerts()),
            "ALERT   ABOUT          STATE   SINCE                 CONDITION    "
            "                   IT IS  ACTION   SILENT UNTIL          ERROR\n"
            "models  openai/gpt-4o  firing  2026-01-02T03:04:05Z  "
            "model_consecutive_failures > 5  6      disable  "
            "2026-01-02T04:04:05Z  the disk is full\n"
            "errors  -              ok      1970-01-01T00:00:00Z  "
            "error_rate > 5%                 -      page     -                 "
            "    -\n");
  EXPECT_EQ(AlertsTable({}), "no alert is configured\n");
}

}  // namespace
}  // namespace gateway
