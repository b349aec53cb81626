#include "service/budgets/foreign_budget_entry.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "service/budgets/budget_book.h"
#include "tests/service/budgets/budget_config.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

// As the prompt router writes its lines.
std::string LineOf(const char* type, const std::string& metadata,
                   const char* second = "00") {
  return absl::StrCat(
      R"({"event_type": ")", type,
      R"(", "submission_id": "SES-1/WO-1", "decision": "DEBITED", )",
      R"("reason": "x", "prompts_used": [], "metadata": )", metadata,
      R"(, "id": "LED-00000001", "timestamp": "2026-03-15T12:30:)", second,
      R"(+00:00", "previous_hash": "", "entry_hash": "x"})");
}

constexpr char kAllocated[] =
    R"({"scope_key": "SES-1/WO-1", "scope_session_id": "SES-1", )"
    R"("scope_work_order_id": "WO-1", "scope_agent_id": null, )"
    R"("token_limit": 500, "turn_limit": 20, "timeout_seconds": 3600})";
constexpr char kDebited[] =
    R"({"scope_key": "SES-1/WO-1/a", "parent_scope_key": "SES-1/WO-1", )"
    R"("scope_session_id": "SES-1", "scope_work_order_id": "WO-1", )"
    R"("scope_agent_id": "a", "input_tokens": 100, "output_tokens": 50, )"
    R"("total_tokens": 150, "model_id": "m", "cost_incurred": 0.0025, )"
    R"("remaining": 350})";

TEST(ForeignBudgetEntryTest, ADebitIsOfAllThatItNames) {
  const auto changes = ForeignBudgetChanges(LineOf("BUDGET_DEBIT", kDebited));
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(changes[0].scope.Text(), "SES-1/WO-1/a");
  EXPECT_EQ(changes[1].scope.Text(), "SES-1/WO-1");
  EXPECT_EQ(changes[2].scope.Text(), "SES-1");
  for (const BudgetChange& change : changes) {
    EXPECT_EQ(change.time, kNoon);
    EXPECT_EQ(change.amounts, (BudgetAmounts{.input_tokens = 100,
                                             .output_tokens = 50,
                                             .cost_usd_nanos = 2'500'000,
                                             .turns = 1}));
  }
}

TEST(ForeignBudgetEntryTest, AnAllocationIsOfTheInnermostAndHasNoEnd) {
  const auto changes =
      ForeignBudgetChanges(LineOf("BUDGET_ALLOCATE", kAllocated));
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].scope.Text(), "SES-1/WO-1");
  EXPECT_EQ(
      changes[0].allocation,
      (BudgetAllocation{
          .limit = 500, .turn_limit = 20, .version = kNoon * 1'000'000'000}));
}

TEST(ForeignBudgetEntryTest, CallsGoOnFromWhatWasTakenOver) {
  BudgetBook book;
  ASSERT_TRUE(book.Apply(1, LineOf("BUDGET_ALLOCATE", kAllocated)).ok());
  ASSERT_TRUE(book.Apply(2, LineOf("BUDGET_DEBIT", kDebited, "10")).ok());
  ASSERT_TRUE(book.Apply(3, LineOf("BUDGET_DEBIT", kDebited, "20")).ok());
  TestBudgets budgets("sessions { }");
  budgets.table.Load(book);
  budgets.now = kNoon + 86'400;
  const auto call_of = [](const char* work_order) {
    return TestCall::Subject{{config::LIMIT_DIMENSION_SESSION, "SES-1"},
                             {config::LIMIT_DIMENSION_WORK_ORDER, work_order},
                             {config::LIMIT_DIMENSION_AGENT, "a"}};
  };
  TestCall large(budgets, call_of("WO-1"));
  EXPECT_FALSE(large.Reserve({.input_tokens = 201}));
  TestCall fits(budgets, call_of("WO-1"));
  ASSERT_TRUE(fits.Reserve({.input_tokens = 200}));
  const BudgetDebit debit = fits.Settle({.input_tokens = 150});
  ASSERT_EQ(debit.changes.size(), 1u);
  // With the gateway's own entries behind them.
  for (const BudgetChange& change : debit.changes) book.Apply(change);
  TestBudgets restarted("sessions { }");
  restarted.table.Load(book);
  restarted.now = budgets.now;
  TestCall rest(restarted, call_of("WO-1"));
  EXPECT_FALSE(rest.Reserve({.input_tokens = 51}));
  TestCall last(restarted, call_of("WO-1"));
  EXPECT_TRUE(last.Reserve({.input_tokens = 50}));
}

TEST(ForeignBudgetEntryTest, WhatSaysNothingOfABudgetKeepsNobodyFromStarting) {
  for (const std::string& line :
       {LineOf("BUDGET_DEBIT", R"({"scope_session_id": null})"),
        LineOf("BUDGET_DEBIT", R"({"scope_session_id": 5})"),
        LineOf("BUDGET_DEBIT",
               R"({"scope_session_id": "S", "input_tokens": -1})"),
        LineOf("BUDGET_DEBIT", R"({"scope_session_id": "S"})", "xx"),
        LineOf("BUDGET_WARNING", kDebited), LineOf("EXCHANGE", kDebited)}) {
    EXPECT_TRUE(ForeignBudgetChanges(line).empty()) << line;
    BudgetBook book;
    EXPECT_TRUE(book.Apply(1, line).ok()) << line;
    EXPECT_EQ(book.size(), 0u) << line;
  }
  EXPECT_TRUE(ForeignBudgetChanges("[").empty());
}

}  // namespace
}  // namespace gateway
