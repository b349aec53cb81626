#include "service/budgets/budget_rule.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "llmgateway/config/v1/budgets.pb.h"
#include "service/limits/limit_subject.h"
#include "tests/service/budgets/budget_config.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

LimitSubject SubjectOf(std::string_view user) {
  LimitSubject subject(kTestSecret);
  subject.Set(config::LIMIT_DIMENSION_USER, user);
  return subject;
}

TEST(BudgetRuleTest, TheKeyOfASubjectIsThatOfItsScope) {
  const TestBudgets budgets(R"(
    rules { name: "daily" unit: LIMIT_UNIT_COST limit_usd: "1"
            period: PERIOD_DAY per: LIMIT_DIMENSION_PROJECT
            per: LIMIT_DIMENSION_USER }
    rules { name: "all" unit: LIMIT_UNIT_COST limit_usd: "1" })");
  for (const std::string& user :
       {std::string("ann"), std::string(), std::string(1000, 'x'),
        std::string("\xff\xfe")}) {
    LimitSubject subject = SubjectOf(user);
    for (const auto& rule : budgets.rules.rules()) {
      EXPECT_TRUE(rule->KeyOf(subject) == rule->KeyOf(rule->ScopeOf(subject)))
          << rule->name() << " of " << user;
    }
  }
  const BudgetRule& daily = *budgets.rules.Find("daily");
  EXPECT_TRUE(daily.OthersKey("") == daily.KeyOf(daily.OthersScope("")));
  EXPECT_TRUE(daily.OthersKey("ann") == daily.KeyOf(daily.OthersScope("ann")));
  EXPECT_FALSE(daily.OthersKey("ann") == daily.OthersKey(""));
  LimitSubject ann = SubjectOf("ann");
  EXPECT_FALSE(daily.OthersKey("") == daily.KeyOf(ann));
  EXPECT_EQ(daily.DimensionNames(), "user, project");
}

TEST(BudgetRuleTest, AScopeMayHaveLimitsOfItsOwn) {
  const TestBudgets budgets(R"(
    rules { name: "daily" unit: LIMIT_UNIT_COST limit_usd: "1"
            per: LIMIT_DIMENSION_USER
            overrides { subject { key: "user" value: "ann" } limit_usd: "7.5" }
            overrides { subject { key: "user" value: "bob" } turn_limit: 3 }
    })");
  const BudgetRule& rule = *budgets.rules.Find("daily");
  LimitSubject ann = SubjectOf("ann");
  LimitSubject bob = SubjectOf("bob");
  LimitSubject eve = SubjectOf("eve");
  EXPECT_EQ(rule.OverrideOf(rule.KeyOf(ann))->limit, 7'500'000'000);
  EXPECT_EQ(rule.OverrideOf(rule.KeyOf(bob))->turn_limit, 3);
  EXPECT_EQ(rule.OverrideOf(rule.KeyOf(eve)), nullptr);
}

TEST(BudgetRuleTest, ModesHaveTheirNames) {
  EXPECT_EQ(BudgetModeName(BudgetMode::kEnforce), "enforce");
  EXPECT_EQ(BudgetModeName(BudgetMode::kWarn), "warn");
  EXPECT_EQ(BudgetModeName(BudgetMode::kOff), "off");
}

}  // namespace
}  // namespace gateway
