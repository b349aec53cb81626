#include "service/budgets/budget_table.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "tests/service/budgets/budget_config.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

constexpr char kPerUser[] = R"(rules {
  name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 period: PERIOD_HOUR
  per: LIMIT_DIMENSION_USER })";

TestCall::Subject User(const std::string& user) {
  return {{config::LIMIT_DIMENSION_USER, user}};
}

BudgetScope HourOf(const std::string& user) {
  return {.budget = "b",
          .window = "hour",
          .subject = {{config::LIMIT_DIMENSION_USER, user}}};
}

// Whether a call of the user has room for so many tokens, and then takes them.
bool Spend(TestBudgets& budgets, const std::string& user, int64_t tokens) {
  TestCall call(budgets, User(user));
  if (!call.Reserve({.input_tokens = tokens})) return false;
  call.Settle({.input_tokens = tokens});
  return true;
}

TEST(BudgetTableTest, WhatIsReservedIsNotThereForOthers) {
  TestBudgets budgets(kPerUser);
  TestCall first(budgets, User("ann"));
  TestCall second(budgets, User("ann"));
  TestCall third(budgets, User("ann"));
  TestCall of_bob(budgets, User("bob"));
  EXPECT_TRUE(first.Reserve({.input_tokens = 600}));
  EXPECT_FALSE(second.Reserve({.input_tokens = 401}));
  EXPECT_TRUE(third.Reserve({.input_tokens = 400}));
  EXPECT_TRUE(of_bob.Reserve({.input_tokens = 1000}));
  first.Settle({.input_tokens = 10});
  third.charges.Cancel();
  TestCall fourth(budgets, User("ann"));
  EXPECT_TRUE(fourth.Reserve({.input_tokens = 990}));
}

TEST(BudgetTableTest, AReachedLimitLetsNothingInNotEvenWhatIsFree) {
  TestBudgets budgets(kPerUser);
  ASSERT_TRUE(Spend(budgets, "ann", 1000));
  TestCall call(budgets, User("ann"));
  EXPECT_FALSE(call.Reserve({.input_tokens = 0}));
  budgets.now = 1773579600;  // 13:00.
  TestCall later(budgets, User("ann"));
  EXPECT_TRUE(later.Reserve({.input_tokens = 1000}));
}

TEST(BudgetTableTest, AClockThatWasAheadForAMomentEndsNoWindow) {
  constexpr int64_t kMonth = 31 * 24 * 3600;
  for (const char* const period :
       {"period: PERIOD_HOUR", "rolling_window { seconds: 3600 }"}) {
    TestBudgets budgets(absl::StrCat(
        R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 )",
        period, "}"));
    ASSERT_TRUE(Spend(budgets, "", 400));
    budgets.now += kMonth;
    ASSERT_TRUE(Spend(budgets, "", 500));
    // Nor if it is only looked at then.
    budgets.now += 60;
    budgets.table.ForEach(budgets.now, [](const BudgetStanding&) {});
    budgets.now -= kMonth;
    EXPECT_FALSE(Spend(budgets, "", 101)) << period;
    const BudgetScope scope = {
        .budget = "b", .window = budgets.rules.Find("b")->window().name()};
    const auto standing = budgets.table.Find(scope, budgets.now);
    EXPECT_EQ(standing->account.spend.sum().input_tokens, 900) << period;
    for (const BudgetChange& change :
         BudgetTable::ChangesToReset(*standing, budgets.now)) {
      budgets.table.Apply(change);
    }
    EXPECT_TRUE(Spend(budgets, "", 1000)) << period;
    EXPECT_FALSE(Spend(budgets, "", 1)) << period;
    budgets.now += 3660;
    EXPECT_TRUE(Spend(budgets, "", 1000)) << period;
  }
}

TEST(BudgetTableTest, AClockThatWasBackForAMomentForgivesNothing) {
  constexpr int64_t kDay = 86'400;
  for (const char* const window :
       {"period: PERIOD_HOUR", "period: PERIOD_MONTH",
        "rolling_window { seconds: 3600 }", ""}) {
    for (const int64_t seconds : {60 * kDay, 2 * kDay, int64_t{7200}}) {
      TestBudgets budgets(absl::StrCat(
          R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 )",
          window, "}"));
      ASSERT_TRUE(Spend(budgets, "", 400));
      budgets.now -= seconds;
      budgets.table.ForEach(budgets.now, [](const BudgetStanding&) {});
      EXPECT_FALSE(Spend(budgets, "", 601)) << window << seconds;
      budgets.now += seconds;
      EXPECT_FALSE(Spend(budgets, "", 601)) << window << seconds;
      EXPECT_TRUE(Spend(budgets, "", 600)) << window << seconds;
    }
  }
}

TEST(BudgetTableTest, OnlyToBeLookedAtEndsNoWindow) {
  for (const char* const window : {"period: PERIOD_HOUR", "period: PERIOD_DAY",
                                   "rolling_window { seconds: 3600 }"}) {
    TestBudgets budgets(absl::StrCat(
        R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 )",
        window, "}"));
    ASSERT_TRUE(Spend(budgets, "", 400));
    budgets.now += 20 * 3600;
    {
      TestCall call(budgets, {});
      ASSERT_TRUE(call.Reserve({.input_tokens = 1000})) << window;
    }
    budgets.now -= 20 * 3600;
    EXPECT_FALSE(Spend(budgets, "", 601)) << window;
    TestCall call(budgets, {});
    EXPECT_FALSE(call.Reserve({.input_tokens = 601}));
    EXPECT_EQ(call.charges.charges()[0].remaining, 600) << window;
  }
}

TEST(BudgetTableTest, WhatOneLoopHasEndedIsOverForThoseAMomentBehind) {
  TestBudgets budgets(kPerUser);
  ASSERT_TRUE(Spend(budgets, "ann", 1000));
  budgets.now = 1773579600;  // 13:00.
  TestCall call(budgets, User("ann"));
  ASSERT_TRUE(call.Reserve({.input_tokens = 300}));
  --budgets.now;
  TestCall late(budgets, User("ann"));
  ASSERT_TRUE(late.Reserve({.input_tokens = 700}));
  const BudgetDebit debit = late.Settle({.input_tokens = 700});
  EXPECT_EQ(debit.changes[0].start, 1773579600);
}

TestCall::Subject SessionOf(const std::string& session,
                            const std::string& caller) {
  return {{config::LIMIT_DIMENSION_SESSION, session},
          {config::LIMIT_DIMENSION_CALLER, caller}};
}

TEST(BudgetTableTest, ASessionIsItsFirstCallersWhereItIsBound) {
  TestBudgets budgets("sessions { session_tokens: 1000 bind_caller: true }");
  // What is refused binds nothing.
  TestCall large(budgets, SessionOf("S", "bob"));
  ASSERT_FALSE(large.Reserve({.input_tokens = 1001}));
  TestCall first(budgets, SessionOf("S", "ann"));
  ASSERT_TRUE(first.Reserve({.input_tokens = 10}));
  TestCall other(budgets, SessionOf("S", "bob"));
  EXPECT_FALSE(other.Reserve({.input_tokens = 10}));
  const BudgetDebit debit = first.Settle({.input_tokens = 10});
  ASSERT_EQ(debit.changes.size(), 1u);
  EXPECT_EQ(debit.changes[0].binding,
            (BudgetBinding{.caller = "ann", .time = budgets.now}));
  TestCall keyless(budgets, SessionOf("S", ""));
  EXPECT_FALSE(keyless.Reserve({.input_tokens = 10}));
  TestCall second(budgets, SessionOf("S", "ann"));
  EXPECT_TRUE(second.Reserve({.input_tokens = 10}));
  TestCall elsewhere(budgets, SessionOf("T", "bob"));
  EXPECT_TRUE(elsewhere.Reserve({.input_tokens = 10}));
  // By the ledger also after a restart.
  BudgetBook book;
  for (const BudgetChange& change : debit.changes) book.Apply(change);
  TestBudgets restarted("sessions { session_tokens: 1000 bind_caller: true }");
  restarted.table.Load(book);
  TestCall again(restarted, SessionOf("S", "bob"));
  EXPECT_FALSE(again.Reserve({.input_tokens = 10}));
  TestCall own(restarted, SessionOf("S", "ann"));
  EXPECT_TRUE(own.Reserve({.input_tokens = 10}));
}

TEST(BudgetTableTest, ABoundSessionIsSoInEveryMode) {
  for (const char* const mode : {"MODE_WARN", "MODE_OFF"}) {
    TestBudgets budgets(
        absl::StrCat("sessions { bind_caller: true mode: ", mode, "}"));
    TestCall first(budgets, SessionOf("S", "ann"));
    ASSERT_TRUE(first.Reserve({.input_tokens = 10})) << mode;
    TestCall other(budgets, SessionOf("S", "bob"));
    EXPECT_FALSE(other.Reserve({.input_tokens = 10})) << mode;
  }
}

TEST(BudgetTableTest, ASessionIsAnybodysWhereItIsNotBound) {
  TestBudgets budgets("sessions { session_tokens: 1000 }");
  TestCall first(budgets, SessionOf("S", "ann"));
  ASSERT_TRUE(first.Reserve({.input_tokens = 10}));
  TestCall other(budgets, SessionOf("S", "bob"));
  EXPECT_TRUE(other.Reserve({.input_tokens = 10}));
  EXPECT_EQ(first.Settle({.input_tokens = 1}).changes[0].binding, std::nullopt);
}

TEST(BudgetTableTest, ToBeBoundIsNotToBeAllocated) {
  TestBudgets budgets(
      "sessions { require_allocation: true bind_caller: true }");
  TestCall call(budgets, SessionOf("S", "ann"));
  EXPECT_FALSE(call.Reserve({.input_tokens = 10}));
  budgets.table.Apply(
      {.scope = {.budget = "session",
                 .subject = {{config::LIMIT_DIMENSION_SESSION, "S"}}},
       .time = budgets.now,
       .allocation = BudgetAllocation{.limit = 5000, .version = 1}});
  TestCall allocated(budgets, SessionOf("S", "ann"));
  EXPECT_TRUE(allocated.Reserve({.input_tokens = 10}));
}

TEST(BudgetTableTest, AllIsReservedOrNothing) {
  TestBudgets budgets(R"(
    rules { name: "wide" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 }
    rules { name: "narrow" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 10 })");
  TestCall before(budgets, {});
  ASSERT_TRUE(before.Reserve({}));
  before.Settle({.input_tokens = 1});
  TestCall call(budgets, {});
  EXPECT_FALSE(call.Reserve({.input_tokens = 500}));
  const auto wide = budgets.table.Find({.budget = "wide"}, budgets.now);
  ASSERT_TRUE(wide.has_value());
  EXPECT_EQ(wide->reserved, BudgetAmounts());
}

TEST(BudgetTableTest, AStreamGrowsWhatIsReserved) {
  TestBudgets budgets(kPerUser);
  TestCall call(budgets, User("ann"));
  ASSERT_TRUE(call.Reserve({.input_tokens = 100, .output_tokens = 100}));
  call.Grow({.input_tokens = 50, .output_tokens = 800});
  TestCall second(budgets, User("ann"));
  EXPECT_FALSE(second.Reserve({.input_tokens = 101}));
  call.Settle({.input_tokens = 100, .output_tokens = 850});
  TestCall third(budgets, User("ann"));
  EXPECT_TRUE(third.Reserve({.input_tokens = 50}));
}

TEST(BudgetTableTest, ACallIsSettledOnce) {
  TestBudgets budgets(kPerUser);
  TestCall call(budgets, User("ann"));
  ASSERT_TRUE(call.Reserve({.input_tokens = 10}));
  EXPECT_EQ(call.Settle({.input_tokens = 20}).changes.size(), 1);
  EXPECT_TRUE(call.Settle({.input_tokens = 30}).empty());
  call.charges.Cancel();
  const auto standing = budgets.table.Find(HourOf("ann"), budgets.now);
  EXPECT_EQ(standing->account.spend.sum(),
            (BudgetAmounts{.input_tokens = 20, .turns = 1}));
  EXPECT_EQ(standing->reserved, BudgetAmounts());
}

TEST(BudgetTableTest, ACallThatEndsInAnotherWindowIsChargedToThatOne) {
  TestBudgets budgets(kPerUser);
  TestCall call(budgets, User("ann"));
  ASSERT_TRUE(call.Reserve({.input_tokens = 10}));
  budgets.now += 3600;
  const BudgetDebit debit = call.Settle({.input_tokens = 30});
  ASSERT_EQ(debit.changes.size(), 1);
  EXPECT_EQ(debit.changes[0].start, 1773579600);
  EXPECT_EQ(budgets.table.Find(HourOf("ann"), budgets.now)
                ->account.spend.sum()
                .input_tokens,
            30);
}

TEST(BudgetTableTest, WhatHasNoWindowIsForgottenWhenNobodyHasCalledForLong) {
  TestBudgets budgets(R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS
    limit: 1000 per: LIMIT_DIMENSION_USER })",
                      {.retention = absl::Hours(1)});
  ASSERT_TRUE(Spend(budgets, "ann", 900));
  budgets.now += 3599;
  EXPECT_FALSE(Spend(budgets, "ann", 900));
  budgets.now += 1;
  EXPECT_TRUE(Spend(budgets, "ann", 900));
}

TEST(BudgetTableTest, AnAllocationTakesThePlaceOfWhatIsConfigured) {
  TestBudgets budgets(kPerUser);
  ASSERT_TRUE(Spend(budgets, "ann", 900));
  BudgetChange change = {
      .scope = HourOf("ann"),
      .time = budgets.now,
      .allocation = BudgetAllocation{.limit = 5000, .version = 1}};
  budgets.table.Apply(change);
  EXPECT_TRUE(Spend(budgets, "ann", 4100));
  EXPECT_FALSE(Spend(budgets, "ann", 1));
  change.allocation->removed = true;
  change.allocation->version = 2;
  budgets.table.Apply(change);
  budgets.now += 3600;
  EXPECT_FALSE(Spend(budgets, "ann", 1001));
  EXPECT_TRUE(Spend(budgets, "ann", 1000));
}

TEST(BudgetTableTest, AnAllocationEndsWithItsTime) {
  TestBudgets budgets(kPerUser);
  budgets.table.Apply(
      {.scope = HourOf("ann"),
       .time = budgets.now,
       .allocation = BudgetAllocation{
           .limit = 5000, .expire_time = budgets.now + 10, .version = 1}});
  budgets.now += 9;
  EXPECT_TRUE(Spend(budgets, "ann", 1));
  budgets.now += 1;
  EXPECT_FALSE(Spend(budgets, "ann", 1));
}

TEST(BudgetTableTest, OnlyWhatIsAllocatedIsChargedWhereTheBudgetSaysSo) {
  TestBudgets budgets(R"(sessions { require_allocation: true })");
  const TestCall::Subject session = {{config::LIMIT_DIMENSION_SESSION, "S"}};
  TestCall without(budgets, session);
  EXPECT_FALSE(without.Reserve({.input_tokens = 1}));
  EXPECT_EQ(budgets.table.size(), 0);
  budgets.table.Apply(
      {.scope = {.budget = "session",
                 .subject = {{config::LIMIT_DIMENSION_SESSION, "S"}}},
       .time = budgets.now,
       .allocation = BudgetAllocation{.limit = 100, .version = 1}});
  TestCall with(budgets, session);
  EXPECT_TRUE(with.Reserve({.input_tokens = 1}));
  // Within it nothing is allocated to the work order: its session pays.
  TestCall within(budgets, {{config::LIMIT_DIMENSION_SESSION, "S"},
                            {config::LIMIT_DIMENSION_WORK_ORDER, "W"}});
  EXPECT_TRUE(within.Reserve({.input_tokens = 50}));
  TestCall nobody(budgets, {});
  EXPECT_FALSE(nobody.Reserve({.input_tokens = 1}));
}

TEST(BudgetTableTest, WhatRollsComesBackInTheSecondThatCallersAreTold) {
  TestBudgets budgets(R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS
      limit: 1000 rolling_window { seconds: 7000 } })");
  // Sixty steps of 117 seconds are more than the window is.
  constexpr int64_t kStep = 117;
  budgets.now = budgets.now / kStep * kStep;
  ASSERT_TRUE(Spend(budgets, "", 1000));
  budgets.now += kStep + 7000 - 1;
  TestCall early(budgets, {});
  EXPECT_FALSE(early.Reserve({.input_tokens = 1}));
  EXPECT_EQ(early.charges.charges()[0].reset_time, budgets.now + 1);
  ++budgets.now;
  EXPECT_TRUE(Spend(budgets, "", 1000));
}

TEST(BudgetTableTest, AResetGivesBackWhatWasSpent) {
  for (const char* const window :
       {"period: PERIOD_HOUR", "rolling_window { seconds: 600 }", ""}) {
    TestBudgets budgets(absl::StrCat(R"(rules { name: "b"
      unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 )",
                                     window, "}"));
    ASSERT_TRUE(Spend(budgets, "", 600));
    budgets.now += 30;
    ASSERT_TRUE(Spend(budgets, "", 300));
    TestCall under_way(budgets, {});
    ASSERT_TRUE(under_way.Reserve({.input_tokens = 50}));
    std::vector<BudgetChange> changes;
    budgets.table.ForEach(budgets.now, [&](const BudgetStanding& standing) {
      changes = BudgetTable::ChangesToReset(standing, budgets.now);
    });
    for (const BudgetChange& change : changes) budgets.table.Apply(change);
    EXPECT_FALSE(Spend(budgets, "", 951)) << window;
    EXPECT_TRUE(Spend(budgets, "", 950)) << window;
  }
}

// A model of what scopes have spent, and calls that come and go at random.
class RandomCalls {
 public:
  RandomCalls(TestBudgets& budgets, uint64_t seed)
      : budgets_(budgets), bits_(seed) {}

  void Step() {
    if (Below(3) == 0) budgets_.now += static_cast<int64_t>(Below(200));
    if (calls_.empty() || Below(2) == 0) {
      Begin();
    } else {
      End(Below(calls_.size()));
    }
  }
  void EndAll() {
    while (!calls_.empty()) End(0);
  }

  // By how much all calls have gone beyond what they had reserved.
  int64_t beyond() const { return beyond_; }
  const std::vector<BudgetDebit>& debits() const { return debits_; }
  int64_t spent() const { return spent_; }
  int64_t refused() const { return refused_; }

 private:
  struct Running {
    std::unique_ptr<TestCall> call;
    int64_t reserved = 0;
  };

  uint64_t Below(uint64_t limit) { return bits_() % limit; }

  void Begin() {
    Running running;
    running.call = std::make_unique<TestCall>(
        budgets_,
        TestCall::Subject{
            {config::LIMIT_DIMENSION_USER, absl::StrCat("u", Below(3))},
            {config::LIMIT_DIMENSION_SESSION, absl::StrCat("s", Below(2))},
            {config::LIMIT_DIMENSION_WORK_ORDER, absl::StrCat("w", Below(2))},
            {config::LIMIT_DIMENSION_AGENT, absl::StrCat("a", Below(2))}});
    running.reserved = static_cast<int64_t>(Below(100));
    if (running.call->Reserve({.input_tokens = running.reserved})) {
      calls_.push_back(std::move(running));
    } else {
      ++refused_;
    }
  }

  void End(size_t at) {
    Running running = std::move(calls_[at]);
    calls_.erase(calls_.begin() + static_cast<std::ptrdiff_t>(at));
    switch (Below(4)) {
      case 0:
        return;  // Its reservation goes with it.
      case 1:
        running.reserved += 64;
        running.call->Grow({.input_tokens = running.reserved});
        break;
      default:
        break;
    }
    const auto real = static_cast<int64_t>(Below(150));
    beyond_ += std::max<int64_t>(real - running.reserved, 0);
    spent_ += real;
    debits_.push_back(running.call->Settle({.input_tokens = real}));
    EXPECT_TRUE(running.call->Settle({.input_tokens = real}).empty());
  }

  TestBudgets& budgets_;
  std::mt19937_64 bits_;
  std::vector<Running> calls_;
  std::vector<BudgetDebit> debits_;
  int64_t beyond_ = 0;
  int64_t spent_ = 0;
  int64_t refused_ = 0;
};

constexpr char kMixed[] = R"(
  rules { name: "ever" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 20000 }
  rules { name: "hour" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 4000
          period: PERIOD_HOUR per: LIMIT_DIMENSION_USER }
  rules { name: "rolls" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 3000
          rolling_window { seconds: 1800 } per: LIMIT_DIMENSION_USER }
  sessions { session_tokens: 9000 work_order_tokens: 6000
             agent_tokens: 4000 })";

std::map<BudgetScope, BudgetStanding> StandingsOf(BudgetTable& table,
                                                  int64_t now) {
  std::map<BudgetScope, BudgetStanding> all;
  table.ForEach(now, [&](const BudgetStanding& standing) {
    all.emplace(standing.scope, standing);
  });
  return all;
}

TEST(BudgetTableTest, SumsAreConservedWhateverCallsDo) {
  int64_t refused = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    TestBudgets budgets(kMixed);
    RandomCalls calls(budgets, seed);
    for (int i = 0; i < 800; ++i) calls.Step();
    calls.EndAll();
    refused += calls.refused();
    const auto all = StandingsOf(budgets.table, budgets.now);
    int64_t of_sessions = 0;
    for (const auto& [scope, standing] : all) {
      EXPECT_EQ(standing.reserved, BudgetAmounts()) << scope.Text();
      const int64_t spent = standing.account.spend.sum().input_tokens;
      if (scope.budget == "ever") {
        EXPECT_EQ(spent, calls.spent());
        // The bound that the header states.
        EXPECT_LE(spent, 20000 + calls.beyond());
      }
      if (scope.budget == "session") of_sessions += spent;
    }
    EXPECT_EQ(of_sessions, calls.spent());
  }
  EXPECT_GT(refused, 1000);
}

TEST(BudgetTableTest, WhatTheLedgerSaysIsWhatTheTableKnows) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TestBudgets budgets(kMixed);
    RandomCalls calls(budgets, seed);
    for (int i = 0; i < 500; ++i) calls.Step();
    calls.EndAll();
    // In another order, and with a checkpoint somewhere.
    std::vector<BudgetDebit> debits = calls.debits();
    std::mt19937_64 bits(seed);
    std::shuffle(debits.begin(), debits.end(), bits);
    BudgetBook book;
    const size_t cut = bits() % (debits.size() + 1);
    for (size_t i = 0; i < debits.size(); ++i) {
      if (i == cut) {
        const std::string checkpoint = book.Checkpoint();
        book = BudgetBook();
        ASSERT_TRUE(book.Restore(checkpoint).ok());
      }
      for (const BudgetChange& change : debits[i].changes) book.Apply(change);
    }
    TestBudgets restarted(kMixed);
    restarted.table.Load(book);
    const auto before = StandingsOf(budgets.table, budgets.now);
    const auto after = StandingsOf(restarted.table, budgets.now);
    for (const auto& [scope, standing] : before) {
      const auto found = after.find(scope);
      if (found == after.end()) {
        EXPECT_EQ(standing.account.spend.sum(), BudgetAmounts())
            << scope.Text();
        continue;
      }
      EXPECT_EQ(found->second.account.spend.sum(), standing.account.spend.sum())
          << scope.Text();
      EXPECT_EQ(found->second.account.spend.steps(),
                standing.account.spend.steps());
    }
    EXPECT_LE(after.size(), before.size());
    // And calls find what was spent.
    restarted.now = budgets.now;
    TestCall call(restarted, {{config::LIMIT_DIMENSION_USER, "u0"}});
    TestCall same(budgets, {{config::LIMIT_DIMENSION_USER, "u0"}});
    EXPECT_EQ(call.Reserve({.input_tokens = 1500}),
              same.Reserve({.input_tokens = 1500}));
  }
}

TEST(BudgetTableTest, NothingIsLostBetweenThreads) {
  TestBudgets budgets(R"(rules { name: "ever" unit: LIMIT_UNIT_TOTAL_TOKENS
    limit: 1000000000 })");
  constexpr int kThreads = 4;
  constexpr int kCalls = 2000;
  {
    std::vector<std::unique_ptr<Thread>> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.push_back(std::make_unique<Thread>("calls", [&budgets] {
        for (int j = 0; j < kCalls; ++j) {
          TestCall call(budgets, {});
          if (!call.Reserve({.input_tokens = 2})) continue;
          if (j % 4 != 0) call.Settle({.input_tokens = 3});
        }
      }));
    }
  }
  const auto standing = budgets.table.Find({.budget = "ever"}, budgets.now);
  EXPECT_EQ(standing->account.spend.sum().input_tokens,
            int64_t{kThreads} * kCalls * 3 / 4 * 3);
  EXPECT_EQ(standing->reserved, BudgetAmounts());
}

// Of what it counts and of calls the fuller; nothing of nothing is full.
TEST(FilledRatioTest, TheFullerCounts) {
  TestBudgets budgets(R"(
    rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 100 turn_limit: 4 }
    rules { name: "calls" unit: LIMIT_UNIT_TOTAL_TOKENS turn_limit: 4 }
    rules { name: "none" unit: LIMIT_UNIT_TOTAL_TOKENS })");
  const auto ratio = [&](const char* name, int64_t tokens, int64_t turns) {
    const BudgetStanding standing = {
        .scope = {.budget = name},
        .account = {.spend = BudgetSpend::From(
                        1, 1, {.input_tokens = tokens, .turns = turns - 1},
                        {})},
        .reserved = {.turns = 1}};
    return FilledRatio(*budgets.rules.Find(name), standing);
  };
  EXPECT_EQ(ratio("b", 50, 1), 0.5);
  EXPECT_EQ(ratio("b", 10, 4), 1);
  EXPECT_EQ(ratio("calls", 1000, 2), 0.5);
  EXPECT_EQ(ratio("none", 1000, 2), 0);
  const BudgetStanding nothing = {
      .scope = {.budget = "none"},
      .account = {.allocation = BudgetAllocation{.limit = 0, .version = 1}}};
  EXPECT_EQ(FilledRatio(*budgets.rules.Find("none"), nothing), 1);
}

}  // namespace
}  // namespace gateway
