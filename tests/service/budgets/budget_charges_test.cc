#include "service/budgets/budget_charges.h"

#include <cstdint>
#include <optional>
#include <string>

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
  call.charges.Grow({.output_tokens = 164});
  EXPECT_FALSE(call.charges.IsDue(200));
}

TEST(BudgetChargesTest, ATargetIsChargedForItsAttempts) {
  TestBudgets budgets(R"(
    rules { name: "all" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 }
    rules { name: "models" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000
            per: LIMIT_DIMENSION_MODEL })");
  TestCall call(budgets, {{config::LIMIT_DIMENSION_MODEL, "first"}});
  ASSERT_TRUE(call.Reserve({.input_tokens = 100}));
  BudgetDebit debit = call.Settle({.input_tokens = 30});
  LimitSubject subject(kTestSecret);
  subject.Set(config::LIMIT_DIMENSION_MODEL, "second");
  const BudgetRule& models = *budgets.rules.Find("models");
  call.charges.ChargeTarget(models, subject, models.terms(),
                            {.input_tokens = 30, .turns = 1}, At(budgets.now),
                            &debit);
  const auto of_model = [](const std::string& model) {
    return BudgetScope{.budget = "models",
                       .subject = {{config::LIMIT_DIMENSION_MODEL, model}}};
  };
  EXPECT_EQ(TokensOf(budgets, {.budget = "all"}), 30);
  EXPECT_EQ(TokensOf(budgets, of_model("first")), 0);
  EXPECT_EQ(TokensOf(budgets, of_model("second")), 30);
  EXPECT_EQ(debit.changes.size(), 2);
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
  EXPECT_EQ(call.charges.RemainingCost(At(budgets.now)), 600'000'000);
  EXPECT_EQ(call.charges.RemainingTokens(At(budgets.now)), 380);
  TestBudgets none(R"(rules { name: "w" unit: LIMIT_UNIT_COST limit_usd: "1"
    mode: MODE_OFF })");
  TestCall free(none, {});
  ASSERT_TRUE(free.Reserve({}));
  EXPECT_EQ(free.charges.RemainingCost(At(none.now)), std::nullopt);
}

TEST(BudgetChargesTest, WhatIsReservedCanBeChargedByWhoeverFindsItLater) {
  TestBudgets budgets(R"(sessions { session_tokens: 1000
    work_order_tokens: 500 })");
  TestCall call(budgets, {{config::LIMIT_DIMENSION_SESSION, "S"},
                          {config::LIMIT_DIMENSION_WORK_ORDER, "W"}});
  ASSERT_TRUE(call.Reserve({.input_tokens = 70, .output_tokens = 30}));
  const BudgetDebit reserved = call.charges.Reserved(At(budgets.now));
  const auto debit = BudgetDebitOfForm(BudgetReservationForm(reserved));
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
