// Tests what calls that were let in make of their scopes
// (service/budgets/budget_table_warnings.cc).

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "service/budgets/budget_fault.h"
#include "service/budgets/budget_table.h"
#include "tests/service/budgets/budget_config.h"

namespace gateway {
namespace {

// What is told of the first budget of a call.
const BudgetCharge& FirstChargeOf(const TestCall& call) {
  return call.charges.charges()[0];
}

// Charges a call that was estimated to take next to nothing.
BudgetCharge ChargeCall(TestBudgets& budgets, int64_t tokens) {
  TestCall call(budgets, {});
  EXPECT_TRUE(call.Reserve({.input_tokens = 1}));
  call.Settle({.input_tokens = tokens});
  return FirstChargeOf(call);
}

std::string HourBudget(const std::string& more) {
  return absl::StrCat(R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS )",
                      "limit: 100 period: PERIOD_HOUR ", more, "}");
}

TEST(BudgetTableWarningsTest, AChargeThatUsesAScopeUpIsToldOnceInEachWindow) {
  TestBudgets budgets(HourBudget(""));
  for (int window = 0; window < 2; ++window) {
    const BudgetCharge charge = ChargeCall(budgets, 100);
    EXPECT_EQ(charge.filled, BudgetFilled::kUsedUp);
    EXPECT_TRUE(charge.first_filled);
    EXPECT_EQ(BudgetWarningText(charge),
              "the budget b of 100 tokens per hour is used up: calls are "
              "refused");
    budgets.now += 3600;
  }
}

TEST(BudgetTableWarningsTest, OneThatBringsItNearSaysWhatIsLeft) {
  TestBudgets budgets(HourBudget("turn_limit: 10"));
  EXPECT_EQ(ChargeCall(budgets, 79).filled, BudgetFilled::kNotNear);
  TestCall first(budgets, {});
  TestCall second(budgets, {});
  // Near by the estimate of both.
  ASSERT_TRUE(first.Reserve({}));
  ASSERT_TRUE(second.Reserve({}));
  first.Settle({.input_tokens = 1});
  second.Settle({.input_tokens = 5});
  EXPECT_TRUE(FirstChargeOf(first).first_filled);
  EXPECT_EQ(BudgetWarningText(FirstChargeOf(first)),
            "the budget b of 100 tokens and 10 calls per hour is nearly spent: "
            "20 tokens are left");
  // The log has it already; the answer says it all the same.
  EXPECT_EQ(FirstChargeOf(second).filled, BudgetFilled::kNear);
  EXPECT_FALSE(FirstChargeOf(second).first_filled);
}

TEST(BudgetTableWarningsTest, WhatWasToldWhenItWasLetInIsNotToldAgain) {
  TestBudgets budgets(HourBudget(""));
  ChargeCall(budgets, 60);
  TestCall call(budgets, {});
  ASSERT_TRUE(call.Reserve({.input_tokens = 30}));
  EXPECT_TRUE(FirstChargeOf(call).first_near);
  call.Settle({.input_tokens = 35});
  EXPECT_EQ(FirstChargeOf(call).filled, BudgetFilled::kNotNear);
}

TEST(BudgetTableWarningsTest, TheLastCallThatThereMayBeUsesItUp) {
  TestBudgets budgets(HourBudget("turn_limit: 2"));
  EXPECT_EQ(ChargeCall(budgets, 1).filled, BudgetFilled::kNotNear);
  EXPECT_EQ(ChargeCall(budgets, 1).filled, BudgetFilled::kUsedUp);
}

TEST(BudgetTableWarningsTest, WhatCallsUnderWayHaveReservedUsesNothingUp) {
  TestBudgets budgets(HourBudget(""));
  TestCall other(budgets, {});
  ASSERT_TRUE(other.Reserve({.input_tokens = 60}));
  const BudgetCharge charge = ChargeCall(budgets, 50);
  EXPECT_EQ(charge.filled, BudgetFilled::kNear);
  EXPECT_EQ(charge.left, 0);
}

TEST(BudgetTableWarningsTest, AStreamThatGrowsIsTold) {
  TestBudgets budgets(HourBudget(""));
  TestCall call(budgets, {});
  ASSERT_TRUE(call.Reserve({.output_tokens = 10}));
  call.Grow({.output_tokens = 79});
  EXPECT_EQ(FirstChargeOf(call).filled, BudgetFilled::kNotNear);
  call.Grow({.output_tokens = 90});
  EXPECT_EQ(FirstChargeOf(call).filled, BudgetFilled::kNear);
  EXPECT_TRUE(FirstChargeOf(call).first_filled);
  EXPECT_EQ(FirstChargeOf(call).left, 10);
  call.Grow({.output_tokens = 99});
  EXPECT_FALSE(FirstChargeOf(call).first_filled);
  call.Grow({.output_tokens = 120});
  EXPECT_EQ(FirstChargeOf(call).filled, BudgetFilled::kUsedUp);
  EXPECT_TRUE(FirstChargeOf(call).first_filled);
  call.Settle({.output_tokens = 120});
  EXPECT_EQ(FirstChargeOf(call).filled, BudgetFilled::kUsedUp);
  EXPECT_FALSE(FirstChargeOf(call).first_filled);
}

TEST(BudgetTableWarningsTest, WhatWasTooMuchReservedIsToldAgainOnceItIsSpent) {
  for (const std::string mode : {"", "mode: MODE_WARN"}) {
    for (const int64_t reserved : {90, 120}) {
      if (mode.empty() && reserved > 100) continue;  // It is refused.
      TestBudgets budgets(HourBudget(mode));
      TestCall large(budgets, {});
      ASSERT_TRUE(large.Reserve({.output_tokens = reserved}));
      const BudgetCharge& told = FirstChargeOf(large);
      EXPECT_TRUE(told.first_near || told.first_exceeded);
      large.Settle({.output_tokens = 5});
      TestCall given_back(budgets, {});
      ASSERT_TRUE(given_back.Reserve({.output_tokens = 90}));
      EXPECT_TRUE(FirstChargeOf(given_back).first_near);
      given_back.charges.Cancel();
      EXPECT_TRUE(ChargeCall(budgets, 80).first_filled);
      EXPECT_TRUE(ChargeCall(budgets, 20).first_filled);
    }
  }
}

TEST(BudgetTableWarningsTest, AStreamThatWasTakenForMoreUsesNothingUp) {
  TestBudgets budgets(HourBudget(""));
  TestCall call(budgets, {});
  ASSERT_TRUE(call.Reserve({.output_tokens = 10}));
  call.Grow({.output_tokens = 101});
  EXPECT_EQ(FirstChargeOf(call).filled, BudgetFilled::kUsedUp);
  call.Settle({.output_tokens = 95});
  EXPECT_EQ(FirstChargeOf(call).filled, BudgetFilled::kNear);
  const BudgetCharge last = ChargeCall(budgets, 5);
  EXPECT_EQ(last.filled, BudgetFilled::kUsedUp);
  EXPECT_TRUE(last.first_filled);
}

TEST(BudgetTableWarningsTest, NorDoesItTakeTheWarningThatItComesNear) {
  TestBudgets budgets(HourBudget(""));
  {
    TestCall call(budgets, {});
    ASSERT_TRUE(call.Reserve({.output_tokens = 10}));
    call.Grow({.output_tokens = 101});
    call.Settle({.output_tokens = 10});
  }
  const BudgetCharge last = ChargeCall(budgets, 75);
  EXPECT_EQ(last.filled, BudgetFilled::kNear);
  EXPECT_TRUE(last.first_filled);
}

TEST(BudgetTableWarningsTest, CallsAboutThereAreNotToldEach) {
  TestBudgets budgets(HourBudget(""));
  ChargeCall(budgets, 70);
  int told = 0;
  for (int i = 0; i < 10; ++i) {
    TestCall call(budgets, {});
    ASSERT_TRUE(call.Reserve({.output_tokens = 20}));
    told += FirstChargeOf(call).first_near;
    call.charges.Cancel();
  }
  EXPECT_EQ(told, 1);
}

TEST(BudgetTableWarningsTest, AWarningSaysThatCallsAreServed) {
  TestBudgets budgets(HourBudget("mode: MODE_WARN"));
  const BudgetCharge charge = ChargeCall(budgets, 200);
  EXPECT_TRUE(charge.first_filled);
  EXPECT_EQ(BudgetWarningText(charge),
            "the budget b of 100 tokens per hour is used up: calls are served "
            "all the same");
  // The next one is told that it did not fit, and the log nothing more.
  TestCall next(budgets, {});
  ASSERT_TRUE(next.Reserve({.input_tokens = 1}));
  EXPECT_EQ(FirstChargeOf(next).obstacle, BudgetObstacle::kSpent);
  EXPECT_FALSE(FirstChargeOf(next).first_exceeded);
  next.Settle({.input_tokens = 1});
  EXPECT_EQ(FirstChargeOf(next).filled, BudgetFilled::kNotNear);
}

TEST(BudgetTableWarningsTest, WhereNobodyIsWarnedNothingIsTold) {
  TestBudgets off(HourBudget("mode: MODE_OFF"));
  EXPECT_EQ(ChargeCall(off, 200).filled, BudgetFilled::kNotNear);
  TestBudgets never_near(HourBudget("warn_threshold: 1"));
  EXPECT_EQ(ChargeCall(never_near, 99).filled, BudgetFilled::kNotNear);
  EXPECT_EQ(ChargeCall(never_near, 1).filled, BudgetFilled::kUsedUp);
}

}  // namespace
}  // namespace gateway
