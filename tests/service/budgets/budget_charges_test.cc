#include "service/budgets/budget_charges.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/limits/limit_subject.h"
#include "tests/service/budgets/budget_config.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

int64_t TokensOf(TestBudgets& budgets, const BudgetScope& scope) {
  const auto standing = budgets.table.Find(scope, budgets.now);
  return standing.has_value() ? standing->account.spend.sum().total_tokens()
                              : -1;
}

TEST(BudgetChargesTest, WhatIsNeverSettledIsGivenBack) {
  TestBudgets budgets(
      R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 100 })");
  {
    TestCall call(budgets, {});
    ASSERT_TRUE(call.Reserve({.input_tokens = 100}));
    TestCall other(budgets, {});
    EXPECT_FALSE(other.Reserve({.input_tokens = 1}));
  }
  TestCall call(budgets, {});
  EXPECT_TRUE(call.Reserve({.input_tokens = 100}));
}

TEST(BudgetChargesTest, OutputIsToldInSteps) {
  TestBudgets budgets(
      R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 })");
  TestCall call(budgets, {});
  ASSERT_TRUE(call.Reserve({.output_tokens = 100}));
  EXPECT_FALSE(call.charges.IsDue(163));
  EXPECT_TRUE(call.charges.IsDue(164));
  call.Grow({.output_tokens = 164});
  EXPECT_FALSE(call.charges.IsDue(200));
}

TEST(BudgetChargesTest, ATargetIsChargedForItsAttempts) {
  TestBudgets budgets(R"(
    rules { name: "all" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 }
    rules { name: "models" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000
            per: LIMIT_DIMENSION_MODEL })");
  TestCall call(budgets, {{config::LIMIT_DIMENSION_MODEL, "first"}});
  EXPECT_FALSE(call.charges.HoldsAny());
  ASSERT_TRUE(call.Reserve({.input_tokens = 100}));
  EXPECT_TRUE(call.charges.HoldsAny());
  BudgetSettlement settled;
  call.charges.Settle({.input_tokens = 30, .turns = 1}, At(budgets.now),
                      &settled);
  EXPECT_FALSE(call.charges.HoldsAny());
  LimitSubject subject(kTestSecret);
  subject.Set(config::LIMIT_DIMENSION_MODEL, "second");
  const BudgetRule& models = *budgets.rules.Find("models");
  call.charges.ChargeTarget(models, subject, models.terms(),
                            {.input_tokens = 30, .turns = 1}, At(budgets.now),
                            &settled);
  const auto of_model = [](const std::string& model) {
    return BudgetScope{.budget = "models",
                       .subject = {{config::LIMIT_DIMENSION_MODEL, model}}};
  };
  EXPECT_EQ(TokensOf(budgets, {.budget = "all"}), 30);
  EXPECT_EQ(TokensOf(budgets, of_model("first")), 0);
  EXPECT_EQ(TokensOf(budgets, of_model("second")), 30);
  const BudgetDebit debit = DebitOf(settled);
  EXPECT_EQ(debit.changes.size(), 2);
  EXPECT_EQ(debit.scope_key, "all");
  EXPECT_EQ(debit.remaining, 970);
  EXPECT_EQ(budgets.table.Find(of_model("first"), budgets.now)->reserved,
            BudgetAmounts());
}

TEST(BudgetChargesTest, TellsTheLeastOfWhatIsLeft) {
  TestBudgets budgets(R"(
    rules { name: "day" unit: LIMIT_UNIT_COST limit_usd: "2" }
    rules { name: "hour" unit: LIMIT_UNIT_COST limit_usd: "1" }
    rules { name: "watched" unit: LIMIT_UNIT_COST limit_usd: "0.5"
            mode: MODE_WARN }
    rules { name: "tokens" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 500 })");
  TestCall call(budgets, {});
  ASSERT_TRUE(call.Reserve({.input_tokens = 100, .cost_usd_nanos = 1000}));
  call.Settle({.input_tokens = 120, .cost_usd_nanos = 400'000'000});
  const BudgetCharges::Remaining left =
      call.charges.WhatRemains(At(budgets.now));
  EXPECT_EQ(left.cost_usd_nanos, 600'000'000);
  EXPECT_EQ(left.tokens, 380);
  TestBudgets none(R"(rules { name: "w" unit: LIMIT_UNIT_COST limit_usd: "1"
    mode: MODE_OFF })");
  TestCall free(none, {});
  ASSERT_TRUE(free.Reserve({}));
  EXPECT_EQ(free.charges.WhatRemains(At(none.now)).cost_usd_nanos,
            std::nullopt);
}

TEST(BudgetChargesTest, WhatLetsACallPassIsNamed) {
  TestBudgets budgets(R"(
    rules { name: "dollars" unit: LIMIT_UNIT_COST limit_usd: "1"
            period: PERIOD_DAY mode: MODE_WARN per: LIMIT_DIMENSION_USER }
    rules { name: "tokens" unit: LIMIT_UNIT_INPUT_TOKENS limit: 50
            mode: MODE_WARN }
    rules { name: "calls" unit: LIMIT_UNIT_TOTAL_TOKENS turn_limit: 1
            mode: MODE_WARN }
    rules { name: "counted" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1
            mode: MODE_OFF })");
  const BudgetAmounts taken = {
      .input_tokens = 70, .output_tokens = 30, .cost_usd_nanos = 900'000'000};
  TestCall first(budgets, {{config::LIMIT_DIMENSION_USER, "ann"}});
  ASSERT_TRUE(first.Reserve(taken));
  first.Settle(taken);
  TestCall call(budgets, {{config::LIMIT_DIMENSION_USER, "ann"}});
  ASSERT_TRUE(call.Reserve(taken));
  const std::vector<BudgetExceeded> exceeded = call.charges.Exceeded();
  ASSERT_EQ(exceeded.size(), 3u);
  EXPECT_EQ(exceeded[0].scope_key, "dollars/user=ann");
  EXPECT_EQ(exceeded[0].code, "DAILY_BUDGET_EXCEEDED");
  EXPECT_EQ(exceeded[0].mode, "warn");
  EXPECT_EQ(exceeded[0].unit, "usd_nanos");
  EXPECT_EQ(exceeded[0].requested, 900'000'000);
  EXPECT_EQ(exceeded[0].remaining, 100'000'000);
  EXPECT_EQ(exceeded[0].requested_tokens, 100);
  EXPECT_EQ(exceeded[0].remaining_tokens, std::nullopt);
  EXPECT_EQ(exceeded[1].budget, "tokens");
  EXPECT_EQ(exceeded[1].unit, "input_tokens");
  EXPECT_EQ(exceeded[1].requested, 70);
  EXPECT_EQ(exceeded[1].remaining_tokens, 0);
  EXPECT_EQ(exceeded[2].unit, "calls");
  EXPECT_EQ(exceeded[2].code, "TURN_LIMIT");
  EXPECT_EQ(exceeded[2].requested, 1);
  EXPECT_EQ(exceeded[2].remaining_tokens, std::nullopt);
}

TEST(BudgetChargesTest, ACallThatIsRefusedIsNoFirstWarning) {
  TestBudgets budgets(R"(
    rules { name: "watched" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 10
            mode: MODE_WARN }
    rules { name: "firm" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 100 })");
  TestCall refused(budgets, {});
  ASSERT_FALSE(refused.Reserve({.input_tokens = 101}));
  EXPECT_FALSE(refused.charges.charges()[0].first_exceeded);
  TestCall served(budgets, {});
  ASSERT_TRUE(served.Reserve({.input_tokens = 100}));
  EXPECT_TRUE(served.charges.charges()[0].first_exceeded);
}

TEST(BudgetChargesTest, ATargetThatIsAskedNextCanBeChargedAsWell) {
  TestBudgets budgets(R"(
    rules { name: "all" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 }
    rules { name: "models" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000
            per: LIMIT_DIMENSION_MODEL })");
  TestCall call(budgets, {{config::LIMIT_DIMENSION_MODEL, "first"}});
  ASSERT_TRUE(call.Reserve({.input_tokens = 100}));
  const BudgetAmounts taken = {.input_tokens = 30, .turns = 1};
  std::vector<BudgetChange> lost = call.charges.IfTaken(taken, At(budgets.now));
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].scope.Text(), "all");
  LimitSubject subject(kTestSecret);
  subject.Set(config::LIMIT_DIMENSION_MODEL, "second");
  const BudgetRule& models = *budgets.rules.Find("models");
  call.charges.AddTargetIfTaken(models, subject, models.terms(), taken,
                                At(budgets.now), &lost);
  ASSERT_EQ(lost.size(), 2u);
  EXPECT_EQ(lost[1].scope.Text(), "models/model=second");
  EXPECT_EQ(lost[1].amounts, taken);
  // Nothing has been charged yet.
  EXPECT_EQ(TokensOf(budgets, lost[1].scope), 0);
}

TEST(BudgetChargesTest, WhatIsReservedCanBeChargedByWhoeverFindsItLater) {
  TestBudgets budgets(R"(sessions { session_tokens: 1000
    work_order_tokens: 500 })");
  TestCall call(budgets, {{config::LIMIT_DIMENSION_SESSION, "S"},
                          {config::LIMIT_DIMENSION_WORK_ORDER, "W"}});
  ASSERT_TRUE(call.Reserve({.input_tokens = 70, .output_tokens = 30}));
  const std::vector<BudgetChange> lost = call.charges.IfTaken(
      {.input_tokens = 70, .output_tokens = 30}, At(budgets.now));
  const auto debit = BudgetDebitOfForm(BudgetReservationForm(lost));
  ASSERT_TRUE(debit.ok());
  BudgetBook book;
  for (const BudgetChange& change : debit->changes) book.Apply(change);
  TestBudgets restarted(R"(sessions { session_tokens: 1000
    work_order_tokens: 500 })");
  restarted.table.Load(book);
  EXPECT_EQ(TokensOf(restarted,
                     {.budget = "session",
                      .subject = {{config::LIMIT_DIMENSION_SESSION, "S"}}}),
            100);
  EXPECT_EQ(debit->scope_key, "S/W");
}

}  // namespace
}  // namespace gateway
