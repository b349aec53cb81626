#include "service/budgets/foreign_budget_entry.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/budgets/budget_book.h"
#include "tests/service/budgets/budget_config.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

using ::testing::HasSubstr;

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
  ASSERT_TRUE(changes.ok()) << changes.status();
  ASSERT_EQ(changes->size(), 3u);
  EXPECT_EQ((*changes)[0].scope.Text(), "SES-1/WO-1/a");
  EXPECT_EQ((*changes)[1].scope.Text(), "SES-1/WO-1");
  EXPECT_EQ((*changes)[2].scope.Text(), "SES-1");
  for (const BudgetChange& change : *changes) {
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
  ASSERT_TRUE(changes.ok()) << changes.status();
  ASSERT_EQ(changes->size(), 1u);
  EXPECT_EQ((*changes)[0].scope.Text(), "SES-1/WO-1");
  EXPECT_EQ(
      (*changes)[0].allocation,
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
        LineOf("BUDGET_DEBIT", R"({"scope_session_id": "S"})", "xx"),
        LineOf("BUDGET_WARNING", kDebited), LineOf("EXCHANGE", kDebited)}) {
    const auto changes = ForeignBudgetChanges(line);
    ASSERT_TRUE(changes.ok()) << line << changes.status();
    EXPECT_TRUE(changes->empty()) << line;
    BudgetBook book;
    EXPECT_TRUE(book.Apply(1, line).ok()) << line;
    EXPECT_EQ(book.size(), 0u) << line;
  }
}

TEST(ForeignBudgetEntryTest, WhatCannotBeReadIsNamedAndNotLeftOut) {
  for (const char* const metadata :
       {R"({"scope_session_id": 5})",
        R"({"scope_session_id": "S", "input_tokens": -1})",
        R"({"scope_session_id": "S", "output_tokens": 0.5})",
        R"({"scope_session_id": "S", "cost_incurred": "1"})"}) {
    BudgetBook book;
    const absl::Status read = book.Apply(1, LineOf("BUDGET_DEBIT", metadata));
    EXPECT_TRUE(absl::IsInvalidArgument(read)) << metadata;
    EXPECT_THAT(std::string(read.message()), HasSubstr("LED-00000001"));
  }
  EXPECT_FALSE(ForeignBudgetChanges("[").ok());
}

// As json.dumps has it with separators=(",", ":"), or of a dict in which the
// type is the last; a number with a point is one of tokens all the same.
TEST(ForeignBudgetEntryTest, TheFormOfALineIsItsWritersAffair) {
  for (const char* const line :
       {R"({"event_type":"BUDGET_DEBIT","metadata":{"scope_session_id":"S",)"
        R"("input_tokens":12,"weight":NaN},)"
        R"("timestamp":"2026-03-15T12:30:00+00:00"})",
        R"({"metadata": {"scope_session_id": "S", "input_tokens": 12.0}, )"
        R"("timestamp": "2026-03-15T12:30:00+00:00", )"
        R"("event_type": "BUDGET_DEBIT"})"}) {
    const auto changes = ForeignBudgetChanges(line);
    ASSERT_TRUE(changes.ok()) << changes.status();
    ASSERT_EQ(changes->size(), 1u) << line;
    EXPECT_EQ(changes->front().amounts.input_tokens, 12) << line;
  }
}

}  // namespace
}  // namespace gateway
