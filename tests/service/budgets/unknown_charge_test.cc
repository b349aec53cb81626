#include "service/budgets/unknown_charge.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/budgets/budget_change.h"
#include "service/budgets/budget_entries.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

OpenDispatches::Left LeftOf(const BudgetDebit& reserved) {
  return {.submission_id = "PRC-1",
          .exchange_metadata =
              R"({"agent_id": "agent-1", "gateway": {"request_id": "req-1", )"
              R"("usage": {"input_tokens": 5}}, "model_id": "gpt-5", )"
              R"("session_id": "s-1", "work_order_id": "w-1"})",
          .reservation = BudgetReservationForm(reserved.changes)};
}

BudgetDebit Reserved() {
  BudgetDebit debit;
  debit.changes.push_back({.scope = {.budget = "daily", .window = "day"},
                           .start = 86400,
                           .time = 86500,
                           .amounts = {.input_tokens = 10,
                                       .output_tokens = 20,
                                       .cost_usd_nanos = 30,
                                       .turns = 1}});
  return debit;
}

TEST(UnknownChargeTest, IsADebitOfWhatWasReservedInItsWindow) {
  const BudgetDebit reserved = Reserved();
  const auto charge =
      ChargeOfUnknown(LeftOf(reserved), "LED-9", absl::UnixEpoch());
  ASSERT_TRUE(charge.ok()) << charge.status();
  std::string hash;
  std::string text;
  charge->AppendChained(&hash, &text);
  EXPECT_THAT(text, HasSubstr("\"event_type\": \"BUDGET_DEBIT\""));
  EXPECT_THAT(text, HasSubstr("\"id\": \"LED-9\""));
  EXPECT_THAT(text, HasSubstr("\"model_id\": \"gpt-5\""));
  EXPECT_THAT(text, HasSubstr("\"request_id\": \"req-1\""));
  EXPECT_THAT(text, HasSubstr("\"scope_agent_id\": \"agent-1\""));
  EXPECT_THAT(text, HasSubstr("\"scope_session_id\": \"s-1\""));
  EXPECT_THAT(text, HasSubstr("\"scope_work_order_id\": \"w-1\""));
  EXPECT_THAT(text, HasSubstr("\"total_tokens\": 30"));
  std::vector<BudgetChange> changes;
  ASSERT_TRUE(ReadBudgetEntry(text, &changes).ok());
  EXPECT_EQ(changes, reserved.changes);
}

TEST(UnknownChargeTest, WhatCannotBeReadIsSaid) {
  OpenDispatches::Left left = LeftOf(Reserved());
  left.exchange_metadata = "{";
  EXPECT_EQ(ChargeOfUnknown(left, "LED-9", absl::UnixEpoch()).status().code(),
            absl::StatusCode::kDataLoss);
  left = LeftOf(Reserved());
  left.reservation = "nothing";
  EXPECT_EQ(ChargeOfUnknown(left, "LED-9", absl::UnixEpoch()).status().code(),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace gateway
