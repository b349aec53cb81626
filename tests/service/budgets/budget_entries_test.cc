#include "service/budgets/budget_entries.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/ledger/python_json.h"
#include "tests/service/budgets/budget_config.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

constexpr BudgetAmounts kTaken = {.input_tokens = 100,
                                  .output_tokens = 50,
                                  .cost_usd_nanos = 1'500'000,
                                  .turns = 1};

BudgetChange SessionChange() {
  return {.scope = {.budget = "session",
                    .subject = {{config::LIMIT_DIMENSION_SESSION, "SES-1"}}},
          .start = 5,
          .time = 6,
          .amounts = kTaken};
}

// All of the entry but what the chain and the clock give it.
std::string TextOf(LedgerEntry entry) {
  entry.id = "LED-1";
  std::string hash;
  std::string text;
  UnchainedEntry(entry).AppendChained(&hash, &text);
  return text;
}

TEST(BudgetEntriesTest, ADebitHasTheMembersThatItsReadersKnow) {
  BudgetDebit debit = {.changes = {SessionChange()},
                       .total = kTaken,
                       .scope_key = "SES-1/WO-1",
                       .parent_scope_key = "SES-1",
                       .remaining = 49'850};
  const LedgerEntry entry = BudgetDebitEntry(debit, {.session_id = "SES-1",
                                                     .work_order_id = "WO-1",
                                                     .model_id = "mock-model-1",
                                                     .request_id = "req-1"});
  EXPECT_EQ(entry.event_type, "BUDGET_DEBIT");
  EXPECT_EQ(entry.decision, "DEBITED");
  EXPECT_EQ(entry.submission_id, "SES-1/WO-1");
  EXPECT_EQ(
      entry.metadata,
      R"({"cost_incurred": 0.0015, "gateway": {"budgets": [{"budget": )"
      R"("session", "cost_usd_nanos": 1500000, "input_tokens": 100, )"
      R"("output_tokens": 50, "start": 5, "subject": [["session", "SES-1"]], )"
      R"("time": 6, "turns": 1, "window": ""}], "request_id": "req-1"}, )"
      R"("input_tokens": 100, "model_id": "mock-model-1", )"
      R"("output_tokens": 50, "parent_scope_key": "SES-1", )"
      R"("remaining": 49850, "scope_agent_id": null, )"
      R"("scope_key": "SES-1/WO-1", "scope_session_id": "SES-1", )"
      R"("scope_work_order_id": "WO-1", "total_tokens": 150})");
  std::vector<BudgetChange> read;
  ASSERT_TRUE(ReadBudgetEntry(TextOf(entry), &read).ok());
  EXPECT_EQ(read, debit.changes);
}

TEST(BudgetEntriesTest, AnAllocationHasTheMembersThatItsReadersKnow) {
  BudgetChange change = {
      .scope = {.budget = "work_order",
                .subject = {{config::LIMIT_DIMENSION_SESSION, "SES-1"},
                            {config::LIMIT_DIMENSION_WORK_ORDER, "WO-1"}}},
      .time = 1000,
      .allocation = BudgetAllocation{.limit = 50'000,
                                     .turn_limit = 20,
                                     .expire_time = 4600,
                                     .version = 9}};
  const std::string scope_key = change.scope.Text();
  const LedgerEntry entry = BudgetAllocateEntry(change, scope_key);
  EXPECT_EQ(entry.event_type, "BUDGET_ALLOCATE");
  EXPECT_EQ(entry.decision, "ALLOCATED");
  EXPECT_EQ(entry.submission_id, "SES-1/WO-1");
  for (const char* const member :
       {R"("scope_key": "SES-1/WO-1")", R"("scope_session_id": "SES-1")",
        R"("scope_work_order_id": "WO-1")", R"("scope_agent_id": null)",
        R"("token_limit": 50000)", R"("turn_limit": 20)",
        R"("timeout_seconds": 3600)"}) {
    EXPECT_NE(entry.metadata.find(member), std::string::npos) << member;
  }
  std::vector<BudgetChange> read;
  ASSERT_TRUE(ReadBudgetEntry(TextOf(entry), &read).ok());
  EXPECT_EQ(read, std::vector<BudgetChange>{change});
}

TEST(BudgetEntriesTest, AWarningNamesWhoseCallItWas) {
  BudgetExceeded exceeded = {.budget = "daily",
                             .scope_key = "daily/user=ann",
                             .mode = "warn",
                             .code = "DAILY_BUDGET_EXCEEDED",
                             .unit = "total_tokens",
                             .requested = 500,
                             .remaining = 10,
                             .requested_tokens = 500,
                             .remaining_tokens = 10};
  const BudgetEntryFacts facts = {.session_id = "S",
                                  .contract_id = "PRC-1",
                                  .model_id = "m",
                                  .request_id = "req-1"};
  LedgerEntry entry = BudgetWarningEntry(facts, exceeded);
  EXPECT_EQ(entry.event_type, "BUDGET_WARNING");
  EXPECT_EQ(entry.submission_id, "PRC-1");
  EXPECT_EQ(entry.reason,
            "Budget daily has 10 total_tokens left, 500 requested");
  EXPECT_EQ(entry.metadata,
            R"({"agent_id": "", "budget_mode": "warn", )"
            R"("contract_id": "PRC-1", "gateway": {"budget": "daily", )"
            R"("code": "DAILY_BUDGET_EXCEEDED", "remaining": 10, )"
            R"("request_id": "req-1", "requested": 500, )"
            R"("scope_key": "daily/user=ann", "unit": "total_tokens"}, )"
            R"("model_id": "m", "remaining": 10, "requested_tokens": 500, )"
            R"("session_id": "S", "work_order_id": ""})");
  EXPECT_EQ(PythonJsonOf(entry.metadata).value_or(""), entry.metadata);
  // It changes no budget.
  std::vector<BudgetChange> changes;
  ASSERT_TRUE(ReadBudgetEntry(TextOf(entry), &changes).ok());
  EXPECT_TRUE(changes.empty());
  // Dollars are no tokens.
  exceeded.unit = "usd_nanos";
  exceeded.requested = 500'000'000;
  exceeded.remaining_tokens.reset();
  entry = BudgetWarningEntry(facts, exceeded);
  EXPECT_NE(entry.metadata.find(R"("requested": 500000000,)"),
            std::string::npos);
  EXPECT_NE(
      entry.metadata.find(R"("remaining": null, "requested_tokens": 500)"),
      std::string::npos);
}

TEST(BudgetEntriesTest, AResetIsReadAsWhatItGivesBack) {
  BudgetChange change = SessionChange();
  change.amounts = -kTaken;
  const LedgerEntry entry = BudgetResetEntry({&change, 1}, "session");
  EXPECT_EQ(entry.event_type, "BUDGET_RESET");
  std::vector<BudgetChange> read;
  ASSERT_TRUE(ReadBudgetEntry(TextOf(entry), &read).ok());
  EXPECT_EQ(read, std::vector<BudgetChange>{change});
}

TEST(BudgetEntriesTest, AnEntryIsInTheFormOfTheLedger) {
  const BudgetDebit debit = {
      .changes = {SessionChange()}, .total = kTaken, .scope_key = "SES-1"};
  const LedgerEntry entry = BudgetDebitEntry(debit, {.model_id = "m"});
  EXPECT_EQ(PythonJsonOf(entry.metadata).value_or(""), entry.metadata);
}

TEST(BudgetEntriesTest, WhatWasReservedIsChargedIfTheCallNeverEnded) {
  BudgetChange order = SessionChange();
  order.scope = {.budget = "work_order",
                 .subject = {{config::LIMIT_DIMENSION_SESSION, "SES-1"},
                             {config::LIMIT_DIMENSION_WORK_ORDER, "WO-1"}}};
  const BudgetDebit reserved = {.changes = {order, SessionChange()},
                                .total = kTaken};
  const auto debit = BudgetDebitOfForm(BudgetReservationForm(reserved.changes));
  ASSERT_TRUE(debit.ok());
  EXPECT_EQ(debit->changes, reserved.changes);
  EXPECT_EQ(debit->total, kTaken);
  EXPECT_EQ(debit->scope_key, "SES-1/WO-1");
  EXPECT_EQ(debit->parent_scope_key, "SES-1");
  EXPECT_FALSE(BudgetDebitOfForm("{").ok());
}

}  // namespace
}  // namespace gateway
