// Tests where BudgetTable has its cells
// (service/budgets/budget_table_places.cc).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/budgets/budget_table.h"
#include "tests/service/budgets/budget_config.h"

namespace gateway {
namespace {

constexpr char kHourOfEach[] = R"(rules {
  name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 period: PERIOD_HOUR
  per: LIMIT_DIMENSION_USER })";

BudgetScope HourScope(const std::string& user) {
  return {.budget = "b",
          .window = "hour",
          .subject = {{::llmgateway::config::v1::LIMIT_DIMENSION_USER, user}}};
}

// Whether a call of the user has room for so many tokens, and then takes them.
bool TakeFor(TestBudgets& budgets, const std::string& user, int64_t tokens,
             const std::string& asker = "") {
  TestCall call(budgets,
                {{::llmgateway::config::v1::LIMIT_DIMENSION_USER, user}},
                /*role=*/"", /*key_budget=*/"", asker);
  if (!call.Reserve({.input_tokens = tokens})) return false;
  call.Settle({.input_tokens = tokens});
  return true;
}

TEST(BudgetTablePlacesTest, WhereThereIsNoRoomScopesShareOnePlace) {
  TestBudgets budgets(kHourOfEach, {.scopes_limit = 64});
  int let_in = 0;
  for (int i = 0; i < 1000; ++i) {
    let_in += TakeFor(budgets, absl::StrCat("user-", i), 600) ? 1 : 0;
  }
  // Each of those that have a place spends 600; all others together as much as
  // one may, which is one call.
  EXPECT_EQ(let_in, 65);
  EXPECT_EQ(budgets.table.size(), 65);
  EXPECT_EQ(budgets.table.overflows(), 1000 - 64);
  BudgetScope others = HourScope("");
  others.others = true;
  EXPECT_EQ(
      budgets.table.Find(others, budgets.now)->account.spend.sum().input_tokens,
      600);
  // When the window is over, the places are there for others.
  budgets.now += 3600;
  EXPECT_TRUE(TakeFor(budgets, "somebody-else", 600));
}

// However few places there are, and wherever the scopes stand.
// Whichever of its scopes refuses it, and in whatever order they are asked.
TEST(BudgetTablePlacesTest, WhatBeganWithACallThatWasRefusedIsNotKnown) {
  using ::llmgateway::config::v1::LimitDimension;
  TestBudgets budgets(R"(
    sessions { session_tokens: 1000 work_order_tokens: 500 bind_caller: true }
    rules { name: "each" unit: LIMIT_UNIT_TOTAL_TOKENS request_limit: 50
            per: LIMIT_DIMENSION_USER })");
  const auto let_in = [&](const char* caller, const char* order,
                          const char* user, int64_t tokens) {
    TestCall call(budgets,
                  {{LimitDimension::LIMIT_DIMENSION_SESSION, "S"},
                   {LimitDimension::LIMIT_DIMENSION_WORK_ORDER, order},
                   {LimitDimension::LIMIT_DIMENSION_CALLER, caller},
                   {LimitDimension::LIMIT_DIMENSION_USER, user}});
    if (!call.Reserve({.input_tokens = tokens})) return false;
    call.Settle({.input_tokens = tokens});
    return true;
  };
  ASSERT_TRUE(let_in("ann-key", "W", "ann", 10));
  const size_t known = budgets.table.size();
  EXPECT_FALSE(let_in("bob-key", "W2", "bob", 10));
  EXPECT_FALSE(let_in("ann-key", "W3", "cid", 51));
  EXPECT_EQ(budgets.table.size(), known);
  // What was there before stays.
  EXPECT_FALSE(let_in("bob-key", "W", "ann", 10));
  EXPECT_EQ(budgets.table.size(), known);
  EXPECT_TRUE(let_in("ann-key", "W", "ann", 10));
}

// An operator has given back all that it had spent; it is its caller's still.
TEST(BudgetTablePlacesTest, ASessionThatWasResetStaysItsCallers) {
  using ::llmgateway::config::v1::LimitDimension;
  TestBudgets budgets("sessions { session_tokens: 1000 bind_caller: true }");
  const auto let_in = [&](const char* caller) {
    TestCall call(budgets, {{LimitDimension::LIMIT_DIMENSION_SESSION, "S"},
                            {LimitDimension::LIMIT_DIMENSION_CALLER, caller}});
    if (!call.Reserve({.input_tokens = 10})) return false;
    call.Settle({.input_tokens = 10});
    return true;
  };
  ASSERT_TRUE(let_in("ann-key"));
  std::vector<BudgetChange> changes;
  budgets.table.ForEach(budgets.now, [&](const BudgetStanding& standing) {
    changes = BudgetTable::ChangesToReset(standing, budgets.now);
  });
  ASSERT_EQ(changes.size(), 1);
  budgets.table.Apply(changes[0]);
  EXPECT_FALSE(let_in("bob-key"));
  EXPECT_FALSE(let_in("bob-key"));
  EXPECT_TRUE(let_in("ann-key"));
}

TEST(BudgetTablePlacesTest, NoScopeSharesAPlaceWhileThereAreFreeOnes) {
  for (const size_t places : {1u, 10u, 100u, 600u}) {
    TestBudgets budgets(kHourOfEach, {.scopes_limit = places});
    for (size_t i = 0; i < places; ++i) {
      EXPECT_TRUE(TakeFor(budgets, absl::StrCat("user-", i), 600));
    }
    EXPECT_EQ(budgets.table.overflows(), 0) << places;
    EXPECT_EQ(budgets.table.size(), places);
    // Of those that may go, wherever they stand, each gives its place away.
    budgets.now += 3600;
    for (size_t i = 0; i < places; ++i) {
      EXPECT_TRUE(TakeFor(budgets, absl::StrCat("later-", i), 600));
    }
    EXPECT_LE(budgets.table.overflows(), 0) << places;
  }
}

TEST(BudgetTablePlacesTest, TheLastPlacesAreThereForThoseWhoHaveFew) {
  TestBudgets budgets(kHourOfEach, {.scopes_limit = 600});
  for (int i = 0; i < 720; ++i) {
    TakeFor(budgets, absl::StrCat("of-a-", i), 1, "a");
  }
  EXPECT_EQ(budgets.table.size(), 600u * 7 / 8 + 1);
  const int64_t overflows = budgets.table.overflows();
  for (int i = 0; i < 70; ++i) {
    EXPECT_TRUE(TakeFor(budgets, absl::StrCat("of-b-", i), 1000, "b"));
  }
  EXPECT_EQ(budgets.table.overflows(), overflows);
}

// Whether the caller's call is let in that names the session.
absl::Status CallIn(TestBudgets& budgets, const std::string& session,
                    const std::string& caller) {
  TestCall call(budgets,
                {{::llmgateway::config::v1::LIMIT_DIMENSION_SESSION, session},
                 {::llmgateway::config::v1::LIMIT_DIMENSION_CALLER, caller}},
                /*role=*/"", /*key_budget=*/"", caller);
  if (!call.Reserve({.input_tokens = 1})) return call.Refusal();
  call.Settle({.input_tokens = 1});
  return absl::OkStatus();
}

TEST(BudgetTablePlacesTest, ASessionThatHasNoPlaceIsNobodys) {
  TestBudgets budgets("sessions { session_tokens: 1000 bind_caller: true }",
                      {.scopes_limit = 10});
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(CallIn(budgets, absl::StrCat(i), absl::StrCat("k", i)).ok());
  }
  for (const char* caller : {"ann", "bob"}) {
    EXPECT_FALSE(CallIn(budgets, "new", caller).ok());
    // Those that have begun are their callers' and nobody else's.
    EXPECT_TRUE(CallIn(budgets, "3", "k3").ok());
    EXPECT_FALSE(CallIn(budgets, "3", caller).ok());
  }
  const absl::Status fault = CallIn(budgets, "new", "ann");
  EXPECT_EQ(fault.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(fault.message().find("budgets.scopes_limit"),
            absl::string_view::npos)
      << fault;
  EXPECT_EQ(FaultMetadata(fault, "code"), "NO_PLACE");
  EXPECT_EQ(RetryDelay(fault), std::nullopt);
  // What nobody binds shares a place, as ever.
  TestBudgets unbound("sessions { session_tokens: 1000 }", {.scopes_limit = 1});
  EXPECT_TRUE(CallIn(unbound, "one", "ann").ok());
  EXPECT_TRUE(CallIn(unbound, "two", "bob").ok());
}

TEST(BudgetTablePlacesTest, NoDebtIsForgivenForWantOfRoom) {
  TestBudgets budgets(kHourOfEach, {.scopes_limit = 64});
  ASSERT_TRUE(TakeFor(budgets, "ann", 900));
  for (int i = 0; i < 5000; ++i) {
    TakeFor(budgets, absl::StrCat("user-", i), 1);
  }
  EXPECT_FALSE(TakeFor(budgets, "ann", 101));
  EXPECT_TRUE(TakeFor(budgets, "ann", 100));
}

TEST(BudgetTablePlacesTest, AScopeOfAClockThatWasAheadGivesItsPlaceAway) {
  TestBudgets budgets(kHourOfEach, {.scopes_limit = 64});
  budgets.now += 31 * 24 * 3600;
  for (int i = 0; i < 1000; ++i) {
    TakeFor(budgets, absl::StrCat("ahead-", i), 600);
  }
  budgets.now -= 31 * 24 * 3600;
  for (const int64_t hour : {0, 1}) {
    budgets.now += 3600 * hour;
    for (int i = 0; i < 1000; ++i) {
      TakeFor(budgets, absl::StrCat("user-", i), 1);
    }
  }
  int64_t overflows = -budgets.table.overflows();
  budgets.now += 3600;
  EXPECT_TRUE(TakeFor(budgets, "ann", 1000));
  overflows += budgets.table.overflows();
  EXPECT_EQ(overflows, 0);
}

TEST(BudgetTablePlacesTest, WhoBeginsScopesWithoutEndLeavesPlacesToOthers) {
  TestBudgets budgets(kHourOfEach, {.scopes_limit = 6400});
  for (int i = 0; i < 20'000; ++i) {
    TakeFor(budgets, absl::StrCat("made-up-", i), 10, "10.0.0.1");
  }
  // Most places, and one beyond them.
  EXPECT_EQ(budgets.table.size(), 6400u * 7 / 8 + 1);
  BudgetScope others = HourScope("");
  others.others = true;
  others.others_of = "10.0.0.1";
  const auto of_stranger = budgets.table.Find(others, budgets.now);
  ASSERT_TRUE(of_stranger.has_value());
  EXPECT_GE(of_stranger->account.spend.sum().input_tokens, 990);
  // What is shared by all is not filled by him, and nor are the last places.
  others.others_of.clear();
  EXPECT_FALSE(budgets.table.Find(others, budgets.now).has_value());
  const int64_t overflows = budgets.table.overflows();
  for (int i = 0; i < 200; ++i) {
    EXPECT_TRUE(TakeFor(budgets, absl::StrCat("user-", i), 1000, "backend"));
  }
  EXPECT_EQ(budgets.table.overflows(), overflows);
  // By the ledger it is the same after a restart.
  BudgetBook book;
  book.Apply({.scope = of_stranger->scope,
              .start = of_stranger->account.spend.start(),
              .time = budgets.now,
              .amounts = of_stranger->account.spend.sum()});
  BudgetBook restored;
  ASSERT_TRUE(restored.Restore(book.Checkpoint()).ok());
  EXPECT_EQ(restored, book);
  TestBudgets restarted(kHourOfEach);
  restarted.table.Load(restored);
  EXPECT_TRUE(
      restarted.table.Find(of_stranger->scope, budgets.now).has_value());
}

TEST(BudgetTablePlacesTest, APlaceThatIsGivenAwayIsNobodysAnyMore) {
  TestBudgets budgets(kHourOfEach, {.scopes_limit = 640});
  for (int hour = 0; hour < 12; ++hour) {
    int let_in = 0;
    for (int i = 0; i < 100; ++i) {
      let_in += TakeFor(budgets, absl::StrCat(hour, "-", i), 1000, "backend");
    }
    EXPECT_EQ(let_in, 100) << hour;
    budgets.now += 3600;
  }
}

}  // namespace
}  // namespace gateway
