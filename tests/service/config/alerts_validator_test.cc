#include "service/config/alerts_validator.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/config/problems_of.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kActions[] =
    "actions: [{name: page, webhook: {url: 'https://hooks.example/a'}}, "
    "{name: note, log: {}}, {name: off, disable_model: {}}]";

std::vector<std::string> AlertProblems(const std::string& fields) {
  return ProblemsBesideAMock(absl::StrCat("alerts: {", fields, "}\n"));
}

std::vector<std::string> RuleProblems(const std::string& rules) {
  return AlertProblems(absl::StrCat(kActions, ", rules: [", rules, "]"));
}

std::vector<std::string> WebhookProblems(const std::string& webhook) {
  return AlertProblems(
      absl::StrCat("actions: [{name: page, webhook: {", webhook, "}}]"));
}

TEST(AlertsValidatorTest, WhatWorksIsAccepted) {
  EXPECT_THAT(AlertProblems(""), IsEmpty());
  EXPECT_THAT(AlertProblems("interval: 1s"), IsEmpty());
  EXPECT_THAT(
      RuleProblems(
          "{name: Errors-1, condition: 'error_rate > 5%', action: page}, "
          "{name: slow, condition: 'avg_latency >= 10s', action: note, "
          "window: 24h, calls_min: 1}, "
          "{name: off, condition: 'model_consecutive_failures > 5', "
          "action: off}"),
      IsEmpty());
  EXPECT_THAT(
      WebhookProblems("url: 'env:HOOK', signing_key: 'file:key', timeout: 1m, "
                      "headers: {authorization: 'Bearer abc', x-team: a}"),
      IsEmpty());
  EXPECT_THAT(WebhookProblems("url: 'http://127.0.0.1:9/x'"), IsEmpty());
}

TEST(AlertsValidatorTest, NamesAreRightAndEachAnother) {
  EXPECT_THAT(
      RuleProblems("{name: a b, condition: 'error_rate > 5%', action: page}, "
                   "{name: x, condition: 'error_rate > 5%', action: page}, "
                   "{name: x, condition: 'error_rate > 6%', action: page}"),
      ElementsAre(HasSubstr("alerts.rules[0].name: must be 1 to 64"),
                  HasSubstr("alerts.rules[2].name: is 'x', as another")));
  EXPECT_THAT(AlertProblems("actions: [{log: {}}, {name: a, log: {}}, "
                            "{name: a, log: {}}]"),
              ElementsAre(HasSubstr("alerts.actions[0].name: must be 1 to 64"),
                          HasSubstr("alerts.actions[2].name: is 'a'")));
}

TEST(AlertsValidatorTest, AConditionSaysWhatItShouldLookLike) {
  EXPECT_THAT(
      RuleProblems("{name: a, condition: 'errors > 5', action: page}"),
      ElementsAre(HasSubstr("alerts.rules[0].condition: must begin with")));
  EXPECT_THAT(RuleProblems("{name: a, condition: "
                           "'model_consecutive_failures <= 5', action: off}"),
              ElementsAre(HasSubstr("true of every model that is well")));
  EXPECT_THAT(RuleProblems("{name: a, action: page}"),
              ElementsAre(HasSubstr("alerts.rules[0].condition: ")));
}

TEST(AlertsValidatorTest, AnActionIsOneThatIsThere) {
  EXPECT_THAT(RuleProblems("{name: a, condition: 'error_rate > 5%'}"),
              ElementsAre(HasSubstr("alerts.rules[0].action: is required")));
  EXPECT_THAT(
      RuleProblems("{name: a, condition: 'error_rate > 5%', action: pag}"),
      ElementsAre(HasSubstr("did you mean 'page'?")));
  EXPECT_THAT(
      RuleProblems(
          "{name: a, condition: 'error_rate > 5%', action: email_admin}"),
      ElementsAre(HasSubstr("add it there, as in {name: email_admin, log: "
                            "{}}")));
}

TEST(AlertsValidatorTest, OnlyAModelThatFailsIsDisabled) {
  EXPECT_THAT(
      RuleProblems("{name: a, condition: 'hourly_cost > $5', action: off}"),
      ElementsAre(AllOf(HasSubstr("alerts.rules[0].action: "),
                        HasSubstr("model_consecutive_failures"))));
}

TEST(AlertsValidatorTest, AnActionSaysWhatItDoes) {
  EXPECT_THAT(AlertProblems("actions: [{name: a}]"),
              ElementsAre(HasSubstr("alerts.actions[0]: must say what it "
                                    "does")));
  EXPECT_THAT(WebhookProblems(""),
              ElementsAre(HasSubstr("webhook.url: is required")));
}

TEST(AlertsValidatorTest, AUrlIsHttpsAndNotRepeated) {
  for (const char* url :
       {"http://hooks.example/secret", "ftp://hooks.example/secret",
        "https://hooks.example/?token=secret", "env:with space secret"}) {
    EXPECT_THAT(WebhookProblems(absl::StrCat("url: '", url, "'")),
                ElementsAre(AllOf(HasSubstr("alerts.actions[0].webhook.url: "),
                                  Not(HasSubstr("secret")))))
        << url;
  }
  EXPECT_THAT(
      WebhookProblems("url: 'https://a.example', signing_key: 'hunter2'"),
      ElementsAre(AllOf(HasSubstr("webhook.signing_key: "),
                        Not(HasSubstr("hunter2")))));
}

TEST(AlertsValidatorTest, HeadersAreSentAsTheyAreOrNamed) {
  const auto with = [](const std::string& headers) {
    return WebhookProblems(
        absl::StrCat("url: 'https://a.example', headers: {", headers, "}"));
  };
  EXPECT_THAT(with("x-a: 'env:TOKEN', authorization: 'file:token'"), IsEmpty());
  EXPECT_THAT(with("authorization: 'env:A B'"),
              ElementsAre(HasSubstr("headers.authorization: ")));
  EXPECT_THAT(with("content-length: 'env:TOKEN'"),
              ElementsAre(HasSubstr("written by the gateway itself")));
  EXPECT_THAT(with("content-length: '1'"),
              ElementsAre(HasSubstr("written by the gateway itself")));
  EXPECT_THAT(with("X-LlmGateway-Signature: '1'"),
              ElementsAre(HasSubstr("give signing_key")));
  EXPECT_THAT(with("authorization: \"a\\nb\""),
              ElementsAre(HasSubstr("must be printable")));
  EXPECT_THAT(with("x-a: '1', X-A: '2'"),
              ElementsAre(HasSubstr("is there twice")));
}

TEST(AlertsValidatorTest, ThereAreNotTooMany) {
  std::string rules;
  for (int i = 0; i < 257; ++i) {
    absl::StrAppend(&rules, "{name: r", i,
                    ", condition: 'error_rate > 5%', action: page},");
  }
  EXPECT_THAT(RuleProblems(rules), SizeIs(1));
  std::string actions;
  for (int i = 0; i < 65; ++i) {
    absl::StrAppend(&actions, "{name: a", i, ", log: {}},");
  }
  EXPECT_THAT(AlertProblems(absl::StrCat("actions: [", actions, "]")),
              SizeIs(1));
}

TEST(AlertsValidatorTest, TimesAndNumbersHaveRanges) {
  EXPECT_THAT(AlertProblems("interval: 2h"),
              ElementsAre("alerts.interval: must be 1s to 1h"));
  EXPECT_THAT(
      RuleProblems("{name: a, condition: 'error_rate > 5%', action: page, "
                   "window: 25h, calls_min: 0}"),
      ElementsAre("alerts.rules[0].window: must be 1s to 24h",
                  "alerts.rules[0].calls_min: must be 1 to 1000000"));
  EXPECT_THAT(WebhookProblems("url: 'https://a.example', timeout: 2m"),
              ElementsAre(HasSubstr("timeout: must be 100ms to 1m")));
}

}  // namespace
}  // namespace gateway
