#include "service/budgets/budget_rules.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/budgets.pb.h"
#include "service/limits/limit_subject.h"
#include "tests/service/budgets/budget_config.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> NamesFor(const TestBudgets& budgets,
                                  const TestCall::Subject& texts,
                                  std::string_view of_key = "",
                                  bool names_agent = true) {
  LimitSubject subject(kTestSecret);
  for (const auto& [dimension, text] : texts) subject.Set(dimension, text);
  std::vector<std::string> names;
  budgets.rules.ForEach(
      subject, of_key, names_agent,
      [&](const BudgetRule& rule) { names.push_back(rule.name()); });
  return names;
}

TEST(BudgetRulesTest, ACallIsChargedToWhatItMatches) {
  const TestBudgets budgets(R"(
    rules { name: "all" unit: LIMIT_UNIT_COST limit_usd: "1" }
    rules { name: "gpt" unit: LIMIT_UNIT_COST limit_usd: "1"
            match { models: "gpt-*" } })");
  EXPECT_THAT(NamesFor(budgets, {{config::LIMIT_DIMENSION_MODEL, "gpt-5"}}),
              ElementsAre("all", "gpt"));
  EXPECT_THAT(NamesFor(budgets, {{config::LIMIT_DIMENSION_MODEL, "claude"}}),
              ElementsAre("all"));
  EXPECT_TRUE(budgets.rules.has_target_rules());
}

TEST(BudgetRulesTest, AKeyIsChargedToTheBudgetThatItNames) {
  const TestBudgets budgets(R"(
    rules { name: "team" unit: LIMIT_UNIT_COST limit_usd: "1" keys_only: true }
    rules { name: "ann" unit: LIMIT_UNIT_COST limit_usd: "1"
            match { callers: "ann" } })");
  EXPECT_THAT(NamesFor(budgets, {}), IsEmpty());
  EXPECT_THAT(NamesFor(budgets, {}, "team"), ElementsAre("team"));
  // Also one that is for others, and that it would match by itself, once.
  EXPECT_THAT(NamesFor(budgets, {}, "ann"), ElementsAre("ann"));
  EXPECT_THAT(
      NamesFor(budgets, {{config::LIMIT_DIMENSION_CALLER, "ann"}}, "ann"),
      ElementsAre("ann"));
  EXPECT_THAT(NamesFor(budgets, {}, "gone"), IsEmpty());
}

TEST(BudgetRulesTest, SessionsAreChargedForWhatACallNames) {
  const TestBudgets budgets(R"(sessions { session_tokens: 1
    work_order_tokens: 1 agent_tokens: 1 })");
  const std::pair<LimitDimension, std::string> session = {
      config::LIMIT_DIMENSION_SESSION, "S"};
  const std::pair<LimitDimension, std::string> order = {
      config::LIMIT_DIMENSION_WORK_ORDER, "W"};
  const std::pair<LimitDimension, std::string> agent = {
      config::LIMIT_DIMENSION_AGENT, "A"};
  EXPECT_THAT(NamesFor(budgets, {session, order, agent}),
              ElementsAre("agent", "work_order", "session"));
  EXPECT_THAT(NamesFor(budgets, {session, agent}),
              ElementsAre("agent", "session"));
  EXPECT_THAT(NamesFor(budgets, {session, agent}, "", /*names_agent=*/false),
              ElementsAre("session"));
  EXPECT_THAT(NamesFor(budgets, {}), IsEmpty());
  // No key is charged to one of them by its name.
  EXPECT_THAT(NamesFor(budgets, {}, "session"), IsEmpty());
}

TEST(BudgetRulesTest, LimitsAreMultipliedForRoles) {
  const TestBudgets budgets(R"(
    rules { name: "daily" unit: LIMIT_UNIT_COST limit_usd: "50" turn_limit: 9
            per: LIMIT_DIMENSION_USER }
    rules { name: "much" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000000000000
            per: LIMIT_DIMENSION_CALLER per: LIMIT_DIMENSION_MODEL }
    rules { name: "team" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 10
            per: LIMIT_DIMENSION_OWNER }
    rules { name: "all" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 10 }
    rules { name: "project" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 10
            per: LIMIT_DIMENSION_PROJECT }
    sessions { session_tokens: 10 }
    role_multipliers { key: "premium" value: "5" }
    role_multipliers { key: "pro" value: "2" }
    role_multipliers { key: "free" value: "0.1" })");
  const BudgetRule& daily = *budgets.rules.Find("daily");
  constexpr int64_t kDollar = 1'000'000'000;
  EXPECT_EQ(budgets.rules.TermsFor(daily, "premium").limit, 250 * kDollar);
  EXPECT_EQ(budgets.rules.TermsFor(daily, "pro").limit, 100 * kDollar);
  EXPECT_EQ(budgets.rules.TermsFor(daily, "free").limit, 5 * kDollar);
  EXPECT_EQ(budgets.rules.TermsFor(daily, "admin").limit, 50 * kDollar);
  EXPECT_EQ(budgets.rules.TermsFor(daily, "").limit, 50 * kDollar);
  EXPECT_EQ(budgets.rules.TermsFor(daily, "free").turn_limit, 9);
  const auto limit_for = [&](const char* budget, const char* role) {
    return budgets.rules.TermsFor(*budgets.rules.Find(budget), role).limit;
  };
  EXPECT_EQ(limit_for("much", "premium"), 5'000'000'000'000);
  EXPECT_EQ(limit_for("team", "premium"), 50);
  // What several callers share is as large for each of them.
  EXPECT_EQ(limit_for("all", "premium"), 10);
  EXPECT_EQ(limit_for("project", "premium"), 10);
  EXPECT_EQ(limit_for("session", "free"), 10);
}

TEST(BudgetRulesTest, WorkOrdersHaveTurnsAndATime) {
  const TestBudgets budgets(R"(sessions { work_order_turns: 20
    work_order_timeout { seconds: 3600 } })");
  const BudgetRule& order = *budgets.rules.Find("work_order");
  EXPECT_EQ(order.terms().turn_limit, 20);
  EXPECT_EQ(order.terms().limit, std::nullopt);
  EXPECT_EQ(order.timeout_seconds(), 3600);
  EXPECT_FALSE(order.allocated_only());
  EXPECT_TRUE(budgets.rules.Find("session")->allocated_only());
}

TEST(BudgetRulesTest, AModeOfItsOwnGoesBeforeThatOfAll) {
  const TestBudgets budgets(R"(
    mode: MODE_WARN
    rules { name: "a" unit: LIMIT_UNIT_COST limit_usd: "1" }
    rules { name: "b" unit: LIMIT_UNIT_COST limit_usd: "1" mode: MODE_ENFORCE }
    rules { name: "c" unit: LIMIT_UNIT_COST limit_usd: "1" mode: MODE_OFF }
    sessions { mode: MODE_ENFORCE })");
  EXPECT_EQ(budgets.rules.Find("a")->mode(), BudgetMode::kWarn);
  EXPECT_EQ(budgets.rules.Find("b")->mode(), BudgetMode::kEnforce);
  EXPECT_EQ(budgets.rules.Find("c")->mode(), BudgetMode::kOff);
  EXPECT_EQ(budgets.rules.Find("agent")->mode(), BudgetMode::kEnforce);
}

}  // namespace
}  // namespace gateway
