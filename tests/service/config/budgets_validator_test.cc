#include "service/config/budgets_validator.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/config/problems_of.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// What is wrong with one budget that says this beside its name.
auto ProblemsOfBudget(const std::string& fields) {
  return ProblemsBesideAMock(
      absl::StrCat("budgets:\n  rules:\n  - {name: b, ", fields, "}\n"));
}

TEST(BudgetsValidatorTest, EveryUnitWindowAndDimensionMayBeUsed) {
  EXPECT_THAT(
      ProblemsBesideAMock(
          "budgets:\n"
          "  mode: warn\n"
          "  warn_threshold: 0.5\n"
          "  role_multipliers: {premium: '5', free: '0.1'}\n"
          "  sessions: {session_tokens: 100000, work_order_turns: 20,\n"
          "             work_order_timeout: 1h, require_allocation: true}\n"
          "  rules:\n"
          "  - {name: day, unit: cost, limit_usd: '50', period: day,\n"
          "     time_zone: Europe/Berlin, per: [user, work_order],\n"
          "     request_limit_usd: '5', require_price: true,\n"
          "     overrides: [{subject: {user: ann, work_order: w},\n"
          "                  limit_usd: '7'}]}\n"
          "  - {name: month, unit: total_tokens, limit: 1000, period: month}\n"
          "  - {name: rolls, unit: input_tokens, limit: 1000,\n"
          "     rolling_window: 36h, per: [model, provider]}\n"
          "  - {name: turns, unit: output_tokens, turn_limit: 5}\n"
          "  - {name: given, unit: cost, allocated_only: true,\n"
          "     per: [project]}\n"
          "  - {name: team, unit: cost, limit_usd: '1', keys_only: true}\n"),
      IsEmpty());
}

TEST(BudgetsValidatorTest, ABudgetHasANameOfItsOwn) {
  EXPECT_THAT(
      ProblemsBesideAMock("budgets:\n"
                          "  rules:\n"
                          "  - {unit: total_tokens, limit: 1}\n"
                          "  - {name: session, unit: total_tokens, limit: 1}\n"
                          "  - {name: a, unit: total_tokens, limit: 1}\n"
                          "  - {name: a, unit: total_tokens, limit: 1}\n"),
      ElementsAre("budgets.rules[0].name: must be 1 to 64 of letters, digits "
                  "and '-_.'",
                  "budgets.rules[1].name: is what a budget of 'sessions' is "
                  "called; choose another",
                  "budgets.rules[3].name: is another budget's name too; choose "
                  "another"));
}

TEST(BudgetsValidatorTest, AmountsAreOfTheUnit) {
  EXPECT_THAT(ProblemsOfBudget("limit: 1"),
              ElementsAre("budgets.rules[0].unit: is required"));
  EXPECT_THAT(ProblemsOfBudget("unit: requests, limit: 1"),
              ElementsAre(HasSubstr("calls are counted by 'turn_limit'")));
  EXPECT_THAT(ProblemsOfBudget("unit: cost, limit: 1, limit_usd: '1'"),
              ElementsAre("budgets.rules[0].limit: is not for cost; give "
                          "'limit_usd'"));
  EXPECT_THAT(
      ProblemsOfBudget("unit: total_tokens, limit: 1, limit_usd: '1'"),
      ElementsAre("budgets.rules[0].limit_usd: is for cost only; give tokens "
                  "in its place"));
  EXPECT_THAT(ProblemsOfBudget("unit: cost, limit_usd: '0'"),
              ElementsAre(HasSubstr("must be more than 0")));
  EXPECT_THAT(ProblemsOfBudget("unit: cost, limit_usd: '1000000000'"),
              IsEmpty());
  EXPECT_THAT(ProblemsOfBudget("unit: cost, limit_usd: '1000000001'"),
              ElementsAre(HasSubstr("at most 1000000000")));
  EXPECT_THAT(ProblemsOfBudget("unit: cost, limit_usd: '1,5'"),
              ElementsAre(HasSubstr("limit_usd: ")));
  EXPECT_THAT(
      ProblemsOfBudget("unit: cost"),
      ElementsAre("budgets.rules[0].limit_usd: is required where there "
                  "is neither of 'turn_limit' and 'request_limit_usd'"));
  EXPECT_THAT(
      ProblemsOfBudget("unit: total_tokens, limit: 1, require_price: true"),
      ElementsAre(HasSubstr("require_price: is for cost only")));
  EXPECT_THAT(
      ProblemsOfBudget("unit: total_tokens, limit: 1, allocated_only: true"),
      ElementsAre(HasSubstr("allocated_only: leaves scopes")));
}

TEST(BudgetsValidatorTest, AWindowIsOfOneKind) {
  EXPECT_THAT(ProblemsOfBudget("unit: cost, limit_usd: '1', period: day, "
                               "rolling_window: 1h"),
              ElementsAre(HasSubstr("cannot stand beside 'period'")));
  EXPECT_THAT(
      ProblemsOfBudget("unit: cost, limit_usd: '1', time_zone: Europe/Berlin"),
      ElementsAre(HasSubstr("means nothing without 'period'")));
  for (const char* const zone : {"Nowhere/Land", "/etc/passwd", "../UTC"}) {
    EXPECT_THAT(ProblemsOfBudget(absl::StrCat("unit: cost, limit_usd: '1', "
                                              "period: day, time_zone: ",
                                              zone)),
                ElementsAre(HasSubstr("is no time zone")));
  }
}

TEST(BudgetsValidatorTest, ScopesAreOfWhatIsKnownBeforeTheCall) {
  EXPECT_THAT(
      ProblemsOfBudget("unit: cost, limit_usd: '1', per: [user, user]"),
      ElementsAre("budgets.rules[0].per[1]: is there already; keep one"));
  EXPECT_THAT(ProblemsOfBudget("unit: cost, limit_usd: '1', per: [credential]"),
              ElementsAre(HasSubstr("is not known before a call is let in")));
  EXPECT_THAT(ProblemsOfBudget("unit: cost, limit_usd: '1', "
                               "match: {providers: [moc]}"),
              ElementsAre(HasSubstr("match.providers[0]: is no provider")));
}

TEST(BudgetsValidatorTest, AnOverrideIsOfOneScope) {
  EXPECT_THAT(
      ProblemsOfBudget("unit: cost, limit_usd: '1', per: [user, project], "
                       "overrides: [{subject: {user: a}, limit_usd: '1'}, "
                       "{subject: {user: a, project: p}}]"),
      UnorderedElementsAre(
          "budgets.rules[0].overrides[0].subject: must have a value for each "
          "of user, project, and for no other",
          "budgets.rules[0].overrides[1].limit_usd: is required, or "
          "'turn_limit'"));
}

TEST(BudgetsValidatorTest, RolesHaveDecimalMultipliers) {
  EXPECT_THAT(
      ProblemsBesideAMock("budgets: {role_multipliers: {a: '0', b: '1001', "
                          "c: '0.0001', d: '0.001'}}\n"),
      UnorderedElementsAre(HasSubstr("role_multipliers"),
                           HasSubstr("role_multipliers"),
                           HasSubstr("role_multipliers")));
}

TEST(BudgetsValidatorTest, AKeyNamesABudgetThatThereIs) {
  const auto key = [](const char* budget) {
    return absl::StrCat(
        "budgets: {rules: [{name: team, unit: cost, limit_usd: '1'}]}\n"
        "auth:\n"
        "  callers:\n"
        "    api_keys:\n"
        "    - id: a\n"
        "      key_sha256: '000102030405060708090a0b0c0d0e0f10111213141516171"
        "8191a1b1c1d1e1f'\n"
        "      budget: ",
        budget, "\n");
  };
  EXPECT_THAT(ProblemsBesideAMock(key("team")), IsEmpty());
  EXPECT_THAT(ProblemsBesideAMock(key("taem")),
              ElementsAre("auth.callers.api_keys[0].budget: is none of "
                          "budgets.rules; did you mean 'team'?"));
}

TEST(BudgetsValidatorTest, WhatIsSharedIsInRedis) {
  EXPECT_THAT(ProblemsBesideAMock("budgets: {shared: true}\n"),
              ElementsAre("budgets.shared: is true, and no 'redis' says where "
                          "that is; give redis.addresses"));
  EXPECT_THAT(ProblemsBesideAMock("budgets: {shared: true}\n"
                                  "redis: {addresses: ['a:1']}\n"),
              IsEmpty());
  EXPECT_THAT(ProblemsBesideAMock("budgets: {share_interval: 9ms}\n"),
              ElementsAre(HasSubstr("budgets.share_interval")));
}

TEST(BudgetsValidatorTest, WarnsOfReplicasThatDoNotShare) {
  const std::string replicas =
      "runtime: {replicas: 3}\nredis: {addresses: ['a:1']}\n"
      "response_store: {entries_limit: 0}\n";
  EXPECT_THAT(WarningsBesideAMock("budgets: {}\n" + replicas),
              ElementsAre(AllOf(HasSubstr("budgets: are not shared"),
                                HasSubstr("there are 3"),
                                HasSubstr("set budgets.shared"))));
  EXPECT_THAT(WarningsBesideAMock("budgets: {shared: true}\n" + replicas),
              IsEmpty());
  EXPECT_THAT(WarningsBesideAMock("budgets: {}\n"), IsEmpty());
}

}  // namespace
}  // namespace gateway
