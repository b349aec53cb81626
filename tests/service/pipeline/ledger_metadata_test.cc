#include "service/pipeline/ledger_metadata.h"

#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

// What entries hold is shown in call_ledger_test.cc.
TEST(LedgerMetadataTest, CodesAreTheOldOnesWhereThereIsOne) {
  EXPECT_EQ(LedgerCode(v1::ERROR_REASON_INVALID_REQUEST, true),
            "INVALID_INPUT");
  EXPECT_EQ(LedgerCode(v1::ERROR_REASON_INVALID_REQUEST, false),
            "INVALID_REQUEST");
  EXPECT_EQ(LedgerCode(v1::ERROR_REASON_API_KEY_INVALID, true), "AUTH_ERROR");
  EXPECT_EQ(LedgerCode(v1::ERROR_REASON_BUDGET_EXCEEDED, true),
            "BUDGET_EXHAUSTED");
  EXPECT_EQ(LedgerCode(v1::ERROR_REASON_PROVIDER_TIMEOUT, false), "TIMEOUT");
  EXPECT_EQ(LedgerCode(v1::ERROR_REASON_CIRCUIT_OPEN, true), "CIRCUIT_OPEN");
  EXPECT_EQ(LedgerCode(v1::ERROR_REASON_OVERLOADED, true), "OVERLOADED");
}

TEST(LedgerMetadataTest, ARefusalByABudgetSaysWhy) {
  const auto code_of = [](const char* code) {
    absl::Status fault = MakeFault(v1::ERROR_REASON_BUDGET_EXCEEDED, "x");
    AddFaultMetadata(fault, "code", code);
    return RefusalCode(fault);
  };
  for (const char* const code : {"HIERARCHY_EXCEEDED", "TURN_LIMIT",
                                 "NOT_ALLOCATED", "BUDGET_EXHAUSTED"}) {
    EXPECT_EQ(code_of(code), code);
  }
  EXPECT_EQ(code_of("DAILY_BUDGET_EXCEEDED"), "BUDGET_EXHAUSTED");
  EXPECT_EQ(code_of("REQUEST_BUDGET_EXCEEDED"), "BUDGET_EXHAUSTED");
  EXPECT_EQ(RefusalCode(MakeFault(v1::ERROR_REASON_RATE_LIMITED, "x")),
            "RATE_LIMITED");
}

}  // namespace
}  // namespace gateway
