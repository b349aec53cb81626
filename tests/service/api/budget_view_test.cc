#include "service/api/budget_view.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/budgets.pb.h"
#include "service/budgets/budget_table.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

const auto& Runtime() {
  static const auto& runtime = *new std::shared_ptr<const RuntimeSnapshot>(
      MakeTestRuntime("providers: [{name: a, mock: {}}]\n"
                      "budgets:\n"
                      "  rules:\n"
                      "  - {name: rolls, unit: total_tokens, limit: 1000,\n"
                      "     rolling_window: 1h, per: [user]}\n"
                      "  - {name: ever, unit: total_tokens, turn_limit: 4}\n"));
  return runtime;
}

TEST(BudgetViewTest, ARollingWindowEndsWithItsNewestStep) {
  const BudgetRule& rule = **BudgetNamed(*Runtime(), "rolls");
  BudgetStanding standing = {
      .scope = {.budget = "rolls",
                .window = rule.window().name(),
                .subject = {{configv1::LIMIT_DIMENSION_USER, "ann"}}},
      .account = {.window = rule.window()},
      .reserved = {.input_tokens = 50}};
  standing.account.spend.Add(rule.window(), 6000, 6010, {.input_tokens = 600});
  standing.account.spend.Add(rule.window(), 6060, 6070, {.input_tokens = 100});
  v1::BudgetUsage usage;
  FillBudgetUsage(rule, standing, &usage);
  EXPECT_EQ(usage.spent(), 700);
  EXPECT_EQ(usage.reserved(), 50);
  EXPECT_EQ(usage.remaining(), 250);
  EXPECT_EQ(usage.rolling_window().seconds(), 3600);
  EXPECT_EQ(usage.start_time().seconds(), 6000);
  EXPECT_EQ(usage.reset_time().seconds(), 6120 + 3600);
  EXPECT_EQ(usage.last_charge_time().seconds(), 6070);
  EXPECT_EQ(usage.subject().at("user"), "ann");
  EXPECT_EQ(FilledRatio(rule, standing), 0.75);
}

TEST(BudgetViewTest, WhatHasNoLimitHasNothingLeftToTell) {
  const BudgetRule& rule = **BudgetNamed(*Runtime(), "ever");
  const BudgetStanding standing = {.scope = {.budget = "ever"}};
  v1::BudgetUsage usage;
  FillBudgetUsage(rule, standing, &usage);
  EXPECT_FALSE(usage.has_limit());
  EXPECT_FALSE(usage.has_remaining());
  EXPECT_EQ(usage.turn_limit(), 4);
  EXPECT_FALSE(usage.has_reset_time());
  EXPECT_EQ(FilledRatio(rule, standing), 0);
}

TEST(BudgetViewTest, TheScopeOfOthersIsCalledThat) {
  const BudgetRule& rule = **BudgetNamed(*Runtime(), "rolls");
  const BudgetStanding standing = {.scope = rule.OthersScope(""),
                                   .account = {.window = rule.window()}};
  v1::BudgetUsage usage;
  FillBudgetUsage(rule, standing, &usage);
  EXPECT_EQ(usage.subject().size(), 1);
  EXPECT_TRUE(usage.subject().contains("others"));
  BudgetSubject subject;
  EXPECT_TRUE(HasSubject(standing.scope, subject));
  subject["user"] = "";
  EXPECT_FALSE(HasSubject(standing.scope, subject));
  EXPECT_FALSE(HasSubjectText(standing.scope, "ann"));
}

TEST(BudgetViewTest, AScopeIsNamedInFull) {
  const BudgetRule& rule = **BudgetNamed(*Runtime(), "rolls");
  BudgetSubject subject;
  EXPECT_TRUE(absl::IsInvalidArgument(ScopeNamed(rule, subject).status()));
  EXPECT_TRUE(CheckBudgetSubject(rule, subject).ok());
  subject["user"] = "ann";
  EXPECT_EQ(ScopeNamed(rule, subject)->Text(), "rolls/user=ann");
  subject["model"] = "m";
  EXPECT_TRUE(absl::IsInvalidArgument(CheckBudgetSubject(rule, subject)));
}

}  // namespace
}  // namespace gateway
