#include "service/budgets/budget_book.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/budgets/budget_entries.h"
#include "service/budgets/budget_table.h"
#include "service/ledger/entry.h"
#include "tests/service/budgets/budget_config.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

BudgetScope Scope(const std::string& budget, const std::string& window,
                  const std::string& user) {
  return {.budget = budget,
          .window = window,
          .subject = {{config::LIMIT_DIMENSION_USER, user}}};
}

std::string DebitText(std::vector<BudgetChange> changes) {
  BudgetDebit debit = {.changes = std::move(changes), .scope_key = "x"};
  LedgerEntry entry = BudgetDebitEntry(debit, {});
  entry.id = "LED-1";
  std::string hash;
  std::string text;
  UnchainedEntry(entry).AppendChained(&hash, &text);
  return text;
}

std::map<BudgetScope, BudgetAccount> AllOf(const BudgetBook& book) {
  std::map<BudgetScope, BudgetAccount> all;
  book.ForEach([&](const BudgetScope& scope, const BudgetAccount& account) {
    all.emplace(scope, account);
  });
  return all;
}

// Entries of some hours, with many scopes in each.
std::vector<std::string> SomeEntries(uint64_t seed, int count) {
  std::mt19937_64 bits(seed);
  std::vector<std::string> entries;
  for (int i = 0; i < count; ++i) {
    const int64_t time = kNoon + static_cast<int64_t>(bits() % 10'000);
    std::vector<BudgetChange> changes;
    for (const char* const window : {"", "hour", "rolling:600"}) {
      const BudgetWindow each = *BudgetWindow::Named(window);
      BudgetChange& change = changes.emplace_back();
      change.scope = Scope("b", window, absl::StrCat("user-", bits() % 4));
      change.start = each.kind() == BudgetWindow::Kind::kNone
                         ? kNoon
                         : each.SpanAt(time).start;
      change.time = time;
      change.amounts = {.input_tokens = static_cast<int64_t>(bits() % 100),
                        .cost_usd_nanos = static_cast<int64_t>(bits() % 100),
                        .turns = 1};
      if (bits() % 16 == 1) {
        change.binding =
            BudgetBinding{.caller = absl::StrCat(bits() % 3), .time = time};
      }
      if (bits() % 16 == 0) {
        change.allocation = BudgetAllocation{
            .limit = static_cast<int64_t>(bits() % 1000),
            .version = static_cast<int64_t>(bits() % 1'000'000)};
      }
    }
    entries.push_back(DebitText(std::move(changes)));
  }
  return entries;
}

TEST(BudgetBookTest, BooksOfSeveralChainsAddUp) {
  for (const uint64_t seed : {1u, 2u, 3u}) {
    BudgetBook all;
    BudgetBook one;
    BudgetBook two;
    int64_t number = 0;
    for (const std::string& entry : SomeEntries(seed, 400)) {
      ++number;
      ASSERT_TRUE(all.Apply(number, entry).ok());
      ASSERT_TRUE((number % 3 == 0 ? one : two).Apply(number, entry).ok());
    }
    one.Add(two);
    EXPECT_EQ(AllOf(one), AllOf(all));
    EXPECT_EQ(one.last_time(), all.last_time());
    one.Add(BudgetBook());
    EXPECT_EQ(AllOf(one), AllOf(all));
  }
}

TEST(BudgetBookTest, WithoutAWindowEachChainBeginsWhenItDoes) {
  const auto spent = [](int64_t start, int64_t tokens) {
    BudgetBook book;
    book.Apply({.scope = Scope("b", "", "ann"),
                .start = start,
                .time = start,
                .amounts = {.input_tokens = tokens}});
    return book;
  };
  for (const bool first_is_own : {true, false}) {
    BudgetBook own = spent(first_is_own ? kNoon : kNoon + 60, 5);
    const int64_t start = AllOf(own).begin()->second.spend.start();
    own.Add(spent(first_is_own ? kNoon + 60 : kNoon, 7));
    const BudgetSpend spend = AllOf(own).begin()->second.spend;
    EXPECT_EQ(spend.sum().input_tokens, 12);
    EXPECT_EQ(spend.start(), start);
    EXPECT_EQ(spend.last_time(), kNoon + 60);
  }
}

TEST(BudgetBookTest, ThreeLevelsAreEachCreditedOnce) {
  TestBudgets budgets(R"(sessions {
    session_tokens: 100000 work_order_tokens: 50000 agent_tokens: 10000 })");
  BudgetBook book;
  for (int i = 1; i <= 3; ++i) {
    TestCall call(budgets, {{config::LIMIT_DIMENSION_SESSION, "SES-1"},
                            {config::LIMIT_DIMENSION_WORK_ORDER, "WO-1"},
                            {config::LIMIT_DIMENSION_AGENT, "agent-1"}});
    ASSERT_TRUE(call.Reserve({.input_tokens = 100, .output_tokens = 50}));
    const BudgetDebit debit =
        call.Settle({.input_tokens = 100, .output_tokens = 50});
    EXPECT_EQ(debit.scope_key, "SES-1/WO-1/agent-1");
    EXPECT_EQ(debit.parent_scope_key, "SES-1/WO-1");
    EXPECT_EQ(debit.remaining, 10'000 - 150 * i);
    ASSERT_TRUE(book.Apply(i, DebitText(debit.changes)).ok());
  }
  const auto all = AllOf(book);
  ASSERT_EQ(all.size(), 3);
  for (const auto& [scope, account] : all) {
    EXPECT_EQ(
        account.spend.sum(),
        (BudgetAmounts{.input_tokens = 300, .output_tokens = 150, .turns = 3}))
        << scope.Text();
  }
}

TEST(BudgetBookTest, TheOrderOfEntriesDoesNotMatter) {
  std::vector<std::string> entries = SomeEntries(7, 200);
  std::mt19937_64 bits(8);
  BudgetBook in_order;
  for (size_t i = 0; i < entries.size(); ++i) {
    ASSERT_TRUE(in_order.Apply(static_cast<int64_t>(i + 1), entries[i]).ok());
  }
  EXPECT_EQ(in_order.size(), 12);
  for (int round = 0; round < 5; ++round) {
    std::shuffle(entries.begin(), entries.end(), bits);
    BudgetBook book;
    for (size_t i = 0; i < entries.size(); ++i) {
      ASSERT_TRUE(book.Apply(static_cast<int64_t>(i + 1), entries[i]).ok());
    }
    EXPECT_EQ(AllOf(book), AllOf(in_order));
  }
}

TEST(BudgetBookTest, TheOrderDoesNotMatterWithinADay) {
  // Of almost a day, around midnight and the first of a month.
  constexpr int64_t kFirst = 1775001600;  // 2026-04-01T00:00:00Z.
  std::mt19937_64 bits(9);
  std::vector<BudgetChange> changes;
  for (int i = 0; i < 300; ++i) {
    const int64_t time =
        kFirst - 43'000 + static_cast<int64_t>(bits() % 86'000);
    for (const char* const window : {"hour", "day", "month", "rolling:600"}) {
      changes.push_back(
          {.scope = Scope("b", window, "ann"),
           .start = BudgetWindow::Named(window)->SpanAt(time).start,
           .time = time,
           .amounts = {.input_tokens = static_cast<int64_t>(bits() % 100),
                       .turns = 1}});
    }
  }
  const auto book_of = [&] {
    BudgetBook book;
    for (const BudgetChange& change : changes) book.Apply(change);
    return AllOf(book);
  };
  const auto all = book_of();
  for (int round = 0; round < 20; ++round) {
    std::shuffle(changes.begin(), changes.end(), bits);
    const auto shuffled = book_of();
    for (const auto& [scope, account] : all) {
      EXPECT_EQ(shuffled.at(scope).spend.sum(), account.spend.sum())
          << scope.window;
      EXPECT_EQ(shuffled.at(scope).spend.start(), account.spend.start());
    }
  }
}

TEST(BudgetBookTest, ACheckpointAndTheRestAreAsGoodAsAll) {
  const std::vector<std::string> entries = SomeEntries(11, 120);
  BudgetBook all;
  for (size_t i = 0; i < entries.size(); ++i) {
    ASSERT_TRUE(all.Apply(static_cast<int64_t>(i + 1), entries[i]).ok());
  }
  for (size_t cut = 0; cut <= entries.size(); cut += 7) {
    BudgetBook begin;
    for (size_t i = 0; i < cut; ++i) {
      ASSERT_TRUE(begin.Apply(static_cast<int64_t>(i + 1), entries[i]).ok());
    }
    BudgetBook restored;
    ASSERT_TRUE(restored.Restore(begin.Checkpoint()).ok());
    EXPECT_EQ(restored, begin);
    // Also those that the checkpoint has.
    for (size_t i = cut / 2; i < entries.size(); ++i) {
      ASSERT_TRUE(restored.Apply(static_cast<int64_t>(i + 1), entries[i]).ok());
    }
    EXPECT_EQ(restored, all);
    EXPECT_EQ(restored.Checkpoint(), all.Checkpoint());
  }
}

TEST(BudgetBookTest, TheLatestAllocationCounts) {
  const auto said = [](int64_t version, bool removed) {
    return BudgetChange{
        .scope = Scope("b", "", "ann"),
        .allocation = BudgetAllocation{
            .limit = version, .removed = removed, .version = version}};
  };
  BudgetBook book;
  book.Apply(said(5, false));
  book.Apply(said(9, true));
  book.Apply(said(7, false));
  const auto all = AllOf(book);
  ASSERT_EQ(all.size(), 1);
  EXPECT_TRUE(all.begin()->second.allocation->removed);
}

TEST(BudgetBookTest, WhatIsOverIsDropped) {
  BudgetBook book;
  const auto add = [&](const std::string& window, const std::string& user) {
    const BudgetWindow each = *BudgetWindow::Named(window);
    book.Apply({.scope = Scope("b", window, user),
                .start = window.empty() ? kNoon : each.SpanAt(kNoon).start,
                .time = kNoon,
                .amounts = {.input_tokens = 1}});
  };
  add("", "ann");
  add("hour", "ann");
  add("rolling:600", "ann");
  book.Apply({.scope = Scope("b", "hour", "bob"),
              .allocation = BudgetAllocation{.limit = 1, .version = 1}});
  book.ForgetBefore(At(kNoon), absl::Hours(1));
  EXPECT_EQ(book.size(), 4);
  book.ForgetBefore(At(kNoon + 1800), absl::Hours(1));
  EXPECT_EQ(book.size(), 2);  // For ever, and what is allocated.
  book.ForgetBefore(At(kNoon + 3601), absl::Hours(1));
  EXPECT_EQ(book.size(), 1);
}

// A clock that is a month ahead for one call, and what the ledger says of it.
TEST(BudgetBookTest, AClockThatWasAheadIsReadAgainAsItWas) {
  constexpr int64_t kMonth = 31 * 24 * 3600;
  for (const char* const period :
       {"period: PERIOD_HOUR", "period: PERIOD_DAY", "period: PERIOD_MONTH",
        "rolling_window { seconds: 3600 }", ""}) {
    TestBudgets budgets(absl::StrCat(
        R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 )",
        period, "}"));
    BudgetBook book;
    BudgetBook restored;
    int64_t number = 0;
    const auto spend = [&](int64_t now, int64_t tokens) {
      budgets.now = now;
      TestCall call(budgets, {});
      if (!call.Reserve({.input_tokens = tokens})) return false;
      const BudgetDebit debit = call.Settle({.input_tokens = tokens});
      const std::string entry = DebitText(debit.changes);
      EXPECT_TRUE(book.Apply(++number, entry).ok());
      // With a checkpoint between any two.
      EXPECT_TRUE(restored.Restore(restored.Checkpoint()).ok());
      EXPECT_TRUE(restored.Apply(number, entry).ok());
      return true;
    };
    ASSERT_TRUE(spend(kNoon, 100)) << period;
    ASSERT_TRUE(spend(kNoon + kMonth, 5)) << period;
    ASSERT_TRUE(spend(kNoon + 1, 20)) << period;
    // Less than a day apart, as of another loop.
    ASSERT_TRUE(spend(kNoon, 1)) << period;
    EXPECT_EQ(book.last_time(), kNoon + 1) << period;
    EXPECT_EQ(restored, book) << period;
    const auto all = AllOf(book);
    ASSERT_EQ(all.size(), 1) << period;
    const auto standing = budgets.table.Find(all.begin()->first, budgets.now);
    EXPECT_EQ(standing->account.spend.sum().input_tokens, 126) << period;
    EXPECT_EQ(all.begin()->second.spend, standing->account.spend) << period;
    EXPECT_FALSE(spend(kNoon + 2, 875)) << period;
  }
}

TEST(BudgetBookTest, WhatIsNoCheckpointChangesNothing) {
  BudgetBook book;
  book.Apply({.scope = Scope("b", "", "ann"),
              .start = 1,
              .time = 1,
              .amounts = {.input_tokens = 1}});
  const BudgetBook before = book;
  EXPECT_FALSE(book.Restore("\xff\xff no checkpoint").ok());
  EXPECT_EQ(book, before);
  // An account without a budget.
  EXPECT_FALSE(book.Restore(std::string("\x12\x00", 2)).ok());
  EXPECT_EQ(book, before);
}

TEST(BudgetBookTest, AnEntryThatCannotBeReadIsTold) {
  BudgetBook book;
  EXPECT_FALSE(book.Apply(1, R"({"event_type": "BUDGET_DEBIT", "metadata": )"
                             R"({"gateway": {"budgets": [{}]}}})")
                   .ok());
  EXPECT_EQ(book.last_entry(), 0);
  EXPECT_TRUE(book.Apply(1, R"({"event_type": "EXCHANGE"})").ok());
  EXPECT_EQ(book.last_entry(), 1);
}

// A table in the hands of calls, operators and a clock that is set forward and
// back, and a book of what they have written, drawn from a seed.
class LiveAndReplayed {
 public:
  explicit LiveAndReplayed(uint64_t seed)
      : bits_(seed), live_(kRules), right_time_(live_.now) {
    // What is reserved is not forgotten, and a replay knows of no reservation.
    live_.table.SetOptions({.retention = kForEver});
  }

  void Step() {
    switch (Draw(12)) {
      case 0:
        SetClock();
        break;
      case 1:
        Look();
        break;
      case 2:
        Reset();
        break;
      case 3:
      case 4:
      case 5:
        if (open_.size() >= 4) return End(/*cancels=*/false);
        open_.push_back(std::make_unique<TestCall>(live_, TestCall::Subject()));
        if (!open_.back()->Reserve({.input_tokens = Draw(1000)})) {
          open_.pop_back();
        }
        break;
      case 6:
        if (!open_.empty()) {
          open_.back()->Grow({.input_tokens = Draw(3000)});
        }
        break;
      case 7:
        End(/*cancels=*/true);
        break;
      default:
        End(/*cancels=*/false);
    }
  }

  void Check() {
    TestBudgets replayed(kRules);
    replayed.table.SetOptions({.retention = kForEver});
    replayed.table.Load(book_);
    for (const char* const name :
         {"hour", "day", "month", "rolls", "steps", "all"}) {
      const BudgetScope scope = ScopeOf(name);
      const auto is = live_.table.Find(scope, live_.now);
      const auto is_read = replayed.table.Find(scope, live_.now);
      const BudgetSpend none;
      const BudgetSpend& spend = is.has_value() ? is->account.spend : none;
      const BudgetSpend& read = is_read ? is_read->account.spend : none;
      EXPECT_EQ(spend.sum(), read.sum()) << name;
      EXPECT_EQ(spend.steps(), read.steps()) << name;
    }
  }

 private:
  static constexpr absl::Duration kForEver = absl::Hours(1'000'000);
  static constexpr char kRules[] = R"(
    rules { name: "hour" unit: LIMIT_UNIT_TOTAL_TOKENS period: PERIOD_HOUR
            time_zone: "Europe/Berlin" limit: 1000000 }
    rules { name: "day" unit: LIMIT_UNIT_TOTAL_TOKENS period: PERIOD_DAY }
    rules { name: "month" unit: LIMIT_UNIT_TOTAL_TOKENS period: PERIOD_MONTH
            time_zone: "America/Havana" }
    rules { name: "rolls" unit: LIMIT_UNIT_TOTAL_TOKENS
            rolling_window { seconds: 3600 } }
    rules { name: "steps" unit: LIMIT_UNIT_TOTAL_TOKENS
            rolling_window { seconds: 100000 } }
    rules { name: "all" unit: LIMIT_UNIT_TOTAL_TOKENS })";

  int64_t Draw(int64_t below) {
    return static_cast<int64_t>(bits_() % static_cast<uint64_t>(below));
  }

  BudgetScope ScopeOf(const std::string& name) const {
    return {.budget = name, .window = live_.rules.Find(name)->window().name()};
  }

  void SetClock() {
    constexpr int64_t kLeaps[] = {60, 3600, 5 * 3600, 86'400, 40 * 86'400};
    if (Draw(3) == 0) {
      live_.now = right_time_;  // It is mended.
      return;
    }
    const int64_t leap = Draw(kLeaps[Draw(5)]);
    if (Draw(2) == 0) {
      live_.now = right_time_ = std::max(right_time_, live_.now) + leap;
    } else {
      // More than loops may be apart that read the same clock.
      live_.now += Draw(2) == 0 ? leap : -leap - 3;
    }
  }

  void Look() {
    live_.table.ForEach(live_.now, [](const BudgetStanding&) {});
  }

  void Reset() {
    const BudgetScope scope = ScopeOf(Draw(2) == 0   ? "hour"
                                      : Draw(2) == 0 ? "steps"
                                                     : "all");
    const auto standing = live_.table.Find(scope, live_.now);
    if (!standing.has_value()) return;
    for (const BudgetChange& change :
         BudgetTable::ChangesToReset(*standing, live_.now)) {
      live_.table.Apply(change);
      book_.Apply(change);
    }
  }

  void End(bool cancels) {
    if (open_.empty()) return;
    const auto ended = open_.begin() + Draw(static_cast<int64_t>(open_.size()));
    if (!cancels) {
      const BudgetDebit debit = (*ended)->Settle({.input_tokens = Draw(1000)});
      for (const BudgetChange& change : debit.changes) book_.Apply(change);
    }
    open_.erase(ended);
  }

  std::mt19937_64 bits_;
  TestBudgets live_;
  int64_t right_time_;
  BudgetBook book_;
  std::vector<std::unique_ptr<TestCall>> open_;
};

TEST(BudgetBookTest, AReplayIsWhatRunsWhateverTheClockDoes) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    LiveAndReplayed both(seed);
    for (int step = 0; step < 200; ++step) {
      SCOPED_TRACE(absl::StrCat("step ", step));
      both.Step();
      both.Check();
      ASSERT_FALSE(testing::Test::HasFailure());
    }
  }
}

TEST(BudgetBookTest, WhoeverIsFirstChargesWhatHasNoWindowWithTheOthers) {
  TestBudgets budgets(R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS })");
  TestCall first(budgets, {});
  TestCall second(budgets, {});
  TestCall third(budgets, {});
  ASSERT_TRUE(first.Reserve({.input_tokens = 1}));
  const auto of_first =
      first.charges.IfTaken({.input_tokens = 1}, At(budgets.now));
  ++budgets.now;
  ASSERT_TRUE(second.Reserve({.input_tokens = 20}));
  const auto of_second =
      second.charges.IfTaken({.input_tokens = 20}, At(budgets.now));
  ++budgets.now;
  ASSERT_TRUE(third.Reserve({.input_tokens = 300}));
  const BudgetDebit of_third = third.Settle({.input_tokens = 300});
  // The process is killed. Whoever finds them reads it in any order.
  for (const bool is_settled : {true, false}) {
    BudgetBook book;
    if (is_settled) book.Apply(of_third.changes.at(0));
    book.Apply(of_second.at(0));
    book.Apply(of_first.at(0));
    EXPECT_EQ(AllOf(book)[{.budget = "b"}].spend.sum().input_tokens,
              is_settled ? 321 : 21);
  }
}

TEST(BudgetBookTest, ASessionThatWasForgottenIsWhoseBeganItAgain) {
  constexpr char kBound[] = "sessions { session_tokens: 9 bind_caller: true }";
  TestBudgets budgets(kBound);
  BudgetBook book;
  const auto spend = [&](const std::string& caller) {
    TestCall call(budgets, {{config::LIMIT_DIMENSION_SESSION, "S"},
                            {config::LIMIT_DIMENSION_CALLER, caller}});
    if (!call.Reserve({.input_tokens = 5})) return false;
    for (const BudgetChange& change :
         call.Settle({.input_tokens = 5}).changes) {
      book.Apply(change);
    }
    return true;
  };
  ASSERT_TRUE(spend("ann"));
  EXPECT_FALSE(spend("bob"));
  budgets.now += 91 * 86'400;
  EXPECT_TRUE(spend("bob"));
  const BudgetScope scope = {
      .budget = "session", .subject = {{config::LIMIT_DIMENSION_SESSION, "S"}}};
  const BudgetAccount replayed = AllOf(book)[scope];
  EXPECT_EQ(replayed.binding->caller, "bob");
  EXPECT_EQ(replayed.spend.sum().input_tokens, 5);
}

}  // namespace
}  // namespace gateway
