#include "service/budgets/budget_fault.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "llmgateway/v1/errors.pb.h"
#include "tests/service/budgets/budget_config.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

constexpr int64_t kDollar = 1'000'000'000;

struct Case {
  const char* budget;
  BudgetAmounts spent;
  BudgetAmounts asked;
  const char* code;
  const char* words;
  std::optional<absl::Duration> wait;
};

const Case kCases[] = {
    {R"(unit: LIMIT_UNIT_COST limit_usd: "50" period: PERIOD_DAY)",
     {.cost_usd_nanos = 49 * kDollar},
     {.cost_usd_nanos = 2 * kDollar},
     "DAILY_BUDGET_EXCEEDED",
     "the budget b of 50 US dollars per day has 1 US dollars left, "
     "and this call is estimated to take 2 US dollars: try again at "
     "2026-03-16T00:00:00Z",
     absl::Minutes(690)},
    {R"(unit: LIMIT_UNIT_COST limit_usd: "10" period: PERIOD_HOUR)",
     {.cost_usd_nanos = 10 * kDollar},
     {},
     "HOURLY_BUDGET_EXCEEDED",
     "2026-03-15T13:00:00Z",
     absl::Minutes(30)},
    {R"(unit: LIMIT_UNIT_COST limit_usd: "500" period: PERIOD_MONTH)",
     {.cost_usd_nanos = 500 * kDollar},
     {},
     "MONTHLY_BUDGET_EXCEEDED",
     "2026-04-01T00:00:00Z",
     absl::Hours(16 * 24 + 11) + absl::Minutes(30)},
    {R"(unit: LIMIT_UNIT_COST request_limit_usd: "5")",
     {},
     {.cost_usd_nanos = 5 * kDollar + 1},
     "REQUEST_BUDGET_EXCEEDED",
     "lets one call take 5 US dollars",
     std::nullopt},
    {R"(unit: LIMIT_UNIT_TOTAL_TOKENS limit: 10)",
     {},
     {.output_tokens = 5000},
     "BUDGET_EXHAUSTED",
     "has 10 tokens left, and this call is estimated to take 5000 "
     "tokens: ask for less",
     std::nullopt},
    {R"(unit: LIMIT_UNIT_TOTAL_TOKENS limit: 10)",
     {.input_tokens = 10},
     {.input_tokens = 1},
     "BUDGET_EXHAUSTED",
     "has 0 tokens left",
     std::nullopt},
    {R"(unit: LIMIT_UNIT_TOTAL_TOKENS turn_limit: 1
            period: PERIOD_HOUR)",
     {.input_tokens = 10},
     {.input_tokens = 1},
     "TURN_LIMIT",
     "the budget b of 1 call per hour has no call left",
     absl::Minutes(30)},
    {R"(unit: LIMIT_UNIT_TOTAL_TOKENS limit: 100
            rolling_window { seconds: 60 })",
     {.input_tokens = 100},
     {.input_tokens = 1},
     "BUDGET_EXHAUSTED",
     "of 100 tokens per 1m has 0 tokens left",
     absl::Seconds(61)},
};

TEST(BudgetFaultTest, NamesTheBudgetWhatIsLeftAndWhenItPasses) {
  for (const Case& each : kCases) {
    TestBudgets budgets(
        absl::StrCat(R"(rules { name: "b" )", each.budget, "}"));
    if (!(each.spent == BudgetAmounts())) {
      TestCall before(budgets, {});
      ASSERT_TRUE(before.Reserve({}));
      before.Settle(each.spent);
    }
    TestCall call(budgets, {});
    ASSERT_FALSE(call.Reserve(each.asked)) << each.code;
    const absl::Status fault = call.Refusal();
    EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_BUDGET_EXCEEDED);
    EXPECT_EQ(FaultMetadata(fault, "limit"), "b");
    EXPECT_EQ(FaultMetadata(fault, "code"), each.code);
    EXPECT_NE(fault.message().find(each.words), absl::string_view::npos)
        << fault.message();
    EXPECT_EQ(RetryDelay(fault), each.wait) << each.code;
  }
}

// Another replica that has spent, reserved and claimed so much.
void LearnOther(TestBudgets& budgets, BudgetClaim granted,
                BudgetAmounts spent) {
  budgets.table.SetShared(true);
  budgets.table.SetSharing({.joined = true, .replicas = 2});
  const BudgetRule& rule = *budgets.rules.rules()[0];
  BudgetTelling told;
  told.unit = rule.unit();
  told.granted = granted;
  told.spend = BudgetSpend::From(kNoon - 1800, kNoon, spent, {});
  std::vector<BudgetChange> resets;
  ASSERT_TRUE(budgets.table.Learn(
      {.scope = {.budget = "b", .window = "hour"},
       .start = kNoon - 1800,
       .lines = {{.replica = "other", .telling = told}}},
      "me", /*adopts=*/false, [](const std::string&) { return true; }, kNoon,
      &resets));
}

TEST(BudgetFaultTest, WhatIsPromisedToOtherReplicasIsSaid) {
  TestBudgets budgets(R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS
    limit: 1000 period: PERIOD_HOUR })");
  TestCall begun(budgets, {});
  ASSERT_TRUE(begun.Reserve({.input_tokens = 100}));
  LearnOther(budgets, {.units = 700}, {.input_tokens = 100});
  TestCall call(budgets, {});
  ASSERT_FALSE(call.Reserve({.input_tokens = 200}));
  EXPECT_TRUE(call.charges.NeedsToAsk());
  const absl::Status fault = call.Refusal();
  EXPECT_EQ(fault.message(),
            "the budget b of 1000 tokens per hour has 800 tokens left for all "
            "replicas of the gateway, of which this one may take 0 tokens for "
            "now and the others the rest, and this call is estimated to take "
            "200 tokens: try again in a moment");
  EXPECT_EQ(FaultMetadata(fault, "remaining"), "800");
  EXPECT_EQ(FaultMetadata(fault, "requested"), "200");
  EXPECT_EQ(FaultMetadata(fault, "available"), "0");
  EXPECT_TRUE(RetryDelay(fault).has_value());
}

TEST(BudgetFaultTest, CallsThatAreShortAreToldAsCalls) {
  TestBudgets budgets(R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS
    limit: 1000000 turn_limit: 10 period: PERIOD_HOUR })");
  LearnOther(budgets, {.turns = 6}, {.input_tokens = 5, .turns = 3});
  TestCall one(budgets, {});
  TestCall beyond(budgets, {});
  for (TestCall* const call : {&one, &beyond}) {
    ASSERT_TRUE(call->Reserve({.input_tokens = 1}));
    // Tokens are promised to this one, and calls are not.
    std::vector<CounterKey> keys;
    budgets.table.BeginTelling(10, kNoon, &keys);
    budgets.table.EndTelling(keys, /*told=*/true);
  }
  TestCall refused(budgets, {});
  ASSERT_FALSE(refused.Reserve({.input_tokens = 1}));
  const absl::Status fault = refused.Refusal();
  EXPECT_EQ(FaultMetadata(fault, "remaining"), "5");
  EXPECT_EQ(FaultMetadata(fault, "code"), "TURN_LIMIT");
  EXPECT_EQ(FaultMetadata(fault, "unit"), "calls");
  EXPECT_EQ(FaultMetadata(fault, "requested"), "1");
  EXPECT_EQ(FaultMetadata(fault, "available"), "0");
  EXPECT_EQ(fault.message(),
            "the budget b of 1000000 tokens and 10 calls per hour has 5 calls "
            "left for all replicas of the gateway, of which this one may take "
            "0 for now and the others the rest: try again in a moment");
}

TEST(BudgetFaultTest, AModelWithoutAPriceIsRefusedWhereOneIsNeeded) {
  TestBudgets budgets(R"(rules { name: "b" unit: LIMIT_UNIT_COST limit_usd: "1"
    require_price: true })");
  TestCall call(budgets, {});
  ASSERT_FALSE(call.Reserve({}, /*price_known=*/false));
  EXPECT_EQ(FaultMetadata(call.Refusal(), "code"), "BUDGET_ENFORCEMENT_ERROR");
  TestCall priced(budgets, {});
  EXPECT_TRUE(priced.Reserve({}, /*price_known=*/true));
}

TEST(BudgetFaultTest, AnAncestorThatHasTooLittleIsTold) {
  TestBudgets budgets(R"(sessions { session_tokens: 100
    work_order_tokens: 1000 agent_tokens: 50 })");
  const TestCall::Subject order = {{config::LIMIT_DIMENSION_SESSION, "S"},
                                   {config::LIMIT_DIMENSION_WORK_ORDER, "W"}};
  TestCall call(budgets, order);
  ASSERT_FALSE(call.Reserve({.input_tokens = 101}));
  EXPECT_EQ(FaultMetadata(call.Refusal(), "code"), "HIERARCHY_EXCEEDED");
  EXPECT_EQ(FaultMetadata(call.Refusal(), "limit"), "session");
  TestCall::Subject agent = order;
  agent.push_back({config::LIMIT_DIMENSION_AGENT, "A"});
  TestCall innermost(budgets, agent);
  ASSERT_FALSE(innermost.Reserve({.input_tokens = 101}));
  EXPECT_EQ(FaultMetadata(innermost.Refusal(), "code"), "BUDGET_EXHAUSTED");
  EXPECT_EQ(FaultMetadata(innermost.Refusal(), "limit"), "agent");
}

TEST(BudgetFaultTest, WhatIsNotAllocatedIsTold) {
  TestBudgets budgets(R"(sessions { require_allocation: true })");
  TestCall call(budgets, {{config::LIMIT_DIMENSION_SESSION, "S"}});
  ASSERT_FALSE(call.Reserve({.input_tokens = 1}));
  EXPECT_EQ(FaultMetadata(call.Refusal(), "code"), "NOT_ALLOCATED");
  EXPECT_EQ(RetryDelay(call.Refusal()), std::nullopt);
}

TEST(BudgetFaultTest, AWorkOrderWhoseTimeIsOverIsTold) {
  TestBudgets budgets(R"(sessions { work_order_tokens: 1000
    work_order_timeout { seconds: 3600 } })");
  const TestCall::Subject order = {{config::LIMIT_DIMENSION_WORK_ORDER, "W"}};
  TestCall first(budgets, order);
  ASSERT_TRUE(first.Reserve({.input_tokens = 1}));
  first.Settle({.input_tokens = 1});
  budgets.now += 3599;
  TestCall second(budgets, order);
  EXPECT_TRUE(second.Reserve({.input_tokens = 1}));
  budgets.now += 1;
  TestCall third(budgets, order);
  ASSERT_FALSE(third.Reserve({.input_tokens = 1}));
  EXPECT_EQ(FaultMetadata(third.Refusal(), "code"), "NOT_ALLOCATED");
  EXPECT_EQ(FaultMetadata(third.Refusal(), "expire_time"),
            "2026-03-15T13:30:00Z");
}

// All that is said is of one budget, in whatever order they are configured.
TEST(BudgetFaultTest, OfSeveralThatRefuseTheOneIsToldThatTakesLongest) {
  constexpr const char* kSoon = R"(rules { name: "soon"
    unit: LIMIT_UNIT_TOTAL_TOKENS limit: 100 rolling_window { seconds: 60 } })";
  constexpr const char* kLate = R"(rules { name: "late"
    unit: LIMIT_UNIT_TOTAL_TOKENS limit: 110 period: PERIOD_HOUR })";
  for (const bool late_first : {false, true}) {
    TestBudgets budgets(absl::StrCat(late_first ? kLate : kSoon,
                                     late_first ? kSoon : kLate));
    TestCall before(budgets, {});
    ASSERT_TRUE(before.Reserve({.input_tokens = 10}));
    before.Settle({.input_tokens = 200});
    TestCall call(budgets, {});
    ASSERT_FALSE(call.Reserve({.input_tokens = 1}));
    const absl::Status fault = call.Refusal();
    EXPECT_EQ(FaultMetadata(fault, "limit"), "late");
    EXPECT_EQ(FaultMetadata(fault, "code"), "HOURLY_BUDGET_EXCEEDED");
    EXPECT_EQ(FaultMetadata(fault, "reset_time"), "2026-03-15T13:00:00Z");
    EXPECT_EQ(RetryDelay(fault), absl::Minutes(30));
    EXPECT_EQ(fault.message(),
              "the budget late of 110 tokens per hour has 0 tokens left, and "
              "this call is estimated to take 1 tokens: try again at "
              "2026-03-15T13:00:00Z");
  }
}

TEST(BudgetFaultTest, WhatDoesNotPassByItselfTakesLongest) {
  TestBudgets budgets(R"(
    rules { name: "hourly" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 10
            period: PERIOD_HOUR }
    rules { name: "once" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 10 }
    rules { name: "each" unit: LIMIT_UNIT_TOTAL_TOKENS request_limit: 5 })");
  TestCall before(budgets, {});
  ASSERT_TRUE(before.Reserve({.input_tokens = 5}));
  before.Settle({.input_tokens = 10});
  TestCall call(budgets, {});
  ASSERT_FALSE(call.Reserve({.input_tokens = 6}));
  EXPECT_EQ(FaultMetadata(call.Refusal(), "limit"), "once");
  EXPECT_EQ(FaultMetadata(call.Refusal(), "reset_time"), "");
  EXPECT_EQ(RetryDelay(call.Refusal()), std::nullopt);
}

TEST(BudgetFaultTest, WhatOthersHaveReservedMayComeBackSoon) {
  TestBudgets budgets(
      R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 100 })");
  TestCall other(budgets, {});
  ASSERT_TRUE(other.Reserve({.input_tokens = 60}));
  TestCall call(budgets, {});
  ASSERT_FALSE(call.Reserve({.input_tokens = 60}));
  EXPECT_EQ(RetryDelay(call.Refusal()), kCallsEndDelay);
  EXPECT_NE(call.Refusal().message().find("when other calls have ended"),
            absl::string_view::npos);
}

TEST(BudgetFaultTest, ASessionOfAnotherIsRefusedAndHisNameNotTold) {
  TestBudgets budgets("sessions { session_tokens: 10 bind_caller: true }");
  const auto session_for = [](const char* caller) {
    return TestCall::Subject{{config::LIMIT_DIMENSION_SESSION, "SES-1"},
                             {config::LIMIT_DIMENSION_CALLER, caller}};
  };
  TestCall first(budgets, session_for("ann-key"));
  ASSERT_TRUE(first.Reserve({.input_tokens = 10}));
  TestCall other(budgets, session_for("bob-key"));
  ASSERT_FALSE(other.Reserve({.input_tokens = 10}));
  const absl::Status fault = other.Refusal();
  EXPECT_EQ(fault.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_FORBIDDEN);
  EXPECT_EQ(FaultMetadata(fault, "rule"), "budgets.sessions.bind_caller");
  EXPECT_EQ(FaultMetadata(fault, "session"), "SES-1");
  EXPECT_EQ(std::string(fault.message()).find("ann-key"), std::string::npos);
  EXPECT_EQ(RetryDelay(fault), std::nullopt);
}

TEST(BudgetFaultTest, NobodyIsNamed) {
  TestBudgets budgets(R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS
    limit: 1 per: LIMIT_DIMENSION_USER })");
  TestCall call(budgets, {{config::LIMIT_DIMENSION_USER, "ann-secret"}});
  ASSERT_FALSE(call.Reserve({.input_tokens = 5}));
  EXPECT_EQ(call.Refusal().ToString().find("ann-secret"), std::string::npos);
  EXPECT_EQ(FaultMetadata(call.Refusal(), "subject"), "user");
}

TEST(BudgetFaultTest, AWarningIsToldOnceToTheLogAndToEachCall) {
  TestBudgets budgets(R"(mode: MODE_WARN
    rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 100 })");
  const auto call_of = [&](int64_t tokens) {
    TestCall call(budgets, {});
    EXPECT_TRUE(call.Reserve({.input_tokens = tokens}));
    const BudgetCharge told = call.charges.charges()[0];
    call.Settle({.input_tokens = tokens});
    return told;
  };
  EXPECT_FALSE(call_of(79).near);
  const BudgetCharge near = call_of(1);
  EXPECT_TRUE(near.near && near.first_near);
  EXPECT_EQ(BudgetWarningText(near),
            "the budget b of 100 tokens is nearly spent: 20 tokens are left");
  const BudgetCharge again = call_of(1);
  EXPECT_TRUE(again.near && !again.first_near);
  const BudgetCharge beyond = call_of(50);
  EXPECT_EQ(beyond.obstacle, BudgetObstacle::kSpent);
  EXPECT_TRUE(beyond.first_exceeded);
  EXPECT_NE(BudgetWarningText(beyond).find("is served all the same"),
            std::string::npos);
  EXPECT_FALSE(call_of(1).first_exceeded);
  EXPECT_EQ(budgets.rules.Find("b")->counts().warned.load(), 2);
}

// The fuller of both counts.
TEST(BudgetFaultTest, CallsThatAreNearlyUsedUpAreWarnedOf) {
  TestBudgets budgets(R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS
                                 limit: 100 turn_limit: 5 })");
  for (int i = 1; i <= 5; ++i) {
    TestCall call(budgets, {});
    ASSERT_TRUE(call.Reserve({.input_tokens = 1}));
    const BudgetCharge told = call.charges.charges()[0];
    EXPECT_EQ(told.near, i >= 4) << i;
    EXPECT_EQ(told.first_near, i == 4) << i;
    if (i == 4) {
      EXPECT_EQ(BudgetWarningText(told),
                "the budget b of 100 tokens and 5 calls is nearly spent: 1 "
                "call is left");
    }
    call.Settle({.input_tokens = 1});
  }
  budgets.now += 1;
  TestCall call(budgets, {});
  EXPECT_FALSE(call.Reserve({.input_tokens = 1}));
}

TEST(BudgetFaultTest, OffSaysNothing) {
  TestBudgets budgets(R"(mode: MODE_OFF
    rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 10 })");
  TestCall call(budgets, {});
  ASSERT_TRUE(call.Reserve({.input_tokens = 50}));
  EXPECT_FALSE(call.charges.charges()[0].near);
  EXPECT_EQ(call.charges.charges()[0].obstacle, BudgetObstacle::kNone);
  call.Settle({.input_tokens = 50});
  EXPECT_EQ(budgets.table.Find({.budget = "b"}, budgets.now)
                ->account.spend.sum()
                .input_tokens,
            50);
}

}  // namespace
}  // namespace gateway
