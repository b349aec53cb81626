#include "service/budgets/budget_spend.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "service/budgets/budget_window.h"

namespace gateway {
namespace {

struct Charge {
  int64_t start;
  int64_t time;
  BudgetAmounts amounts;
};

BudgetWindow Window(const char* name) { return *BudgetWindow::Named(name); }

BudgetSpend SpendOf(const BudgetWindow& window,
                    const std::vector<Charge>& charges) {
  BudgetSpend spend;
  for (const Charge& charge : charges) {
    spend.Add(window, charge.start, charge.time, charge.amounts);
  }
  return spend;
}

TEST(BudgetSpendTest, TheLatestWindowCounts) {
  const BudgetWindow hour = Window("hour");
  BudgetSpend spend;
  spend.Add(hour, 3600, 3700, {.input_tokens = 5, .turns = 1});
  spend.Add(hour, 3600, 3650, {.output_tokens = 7, .turns = 1});
  EXPECT_EQ(spend.sum(),
            (BudgetAmounts{.input_tokens = 5, .output_tokens = 7, .turns = 2}));
  EXPECT_EQ(spend.last_time(), 3700);
  spend.Add(hour, 7200, 7200, {.input_tokens = 1});
  EXPECT_EQ(spend.sum(), (BudgetAmounts{.input_tokens = 1}));
  // Written down late.
  spend.Add(hour, 3600, 3700, {.input_tokens = 100});
  EXPECT_EQ(spend.sum(), (BudgetAmounts{.input_tokens = 1}));
}

TEST(BudgetSpendTest, AWindowThatIsOverIsForgotten) {
  const BudgetWindow hour = Window("hour");
  BudgetSpend spend;
  spend.Add(hour, 3600, 3700, {.input_tokens = 5});
  spend.ForgetBefore(hour, 7199);
  EXPECT_EQ(spend.sum().input_tokens, 5);
  spend.ForgetBefore(hour, 7200);
  EXPECT_EQ(spend.sum(), BudgetAmounts());
}

TEST(BudgetSpendTest, AClockThatIsPutBackForgivesNothing) {
  const BudgetWindow hour = Window("hour");
  BudgetSpend spend;
  spend.Add(hour, 7200, 7300, {.input_tokens = 5});
  spend.ForgetBefore(hour, 3700);
  EXPECT_EQ(spend.sum().input_tokens, 5);
  EXPECT_EQ(spend.StartAt(hour, 3700), 7200);
}

TEST(BudgetSpendTest, StepsOfARollingWindowComeBackOneByOne) {
  const BudgetWindow window = Window("rolling:3600");
  BudgetSpend spend;
  spend.Add(window, 6000, 6010, {.input_tokens = 1});
  spend.Add(window, 6060, 6070, {.input_tokens = 2});
  spend.ForgetBefore(window, 9659);
  EXPECT_EQ(spend.sum().input_tokens, 3);
  const auto tokens = [](const BudgetAmounts& amounts) {
    return amounts.input_tokens;
  };
  EXPECT_EQ(spend.TimeToHaveBack(window, 1, 0, tokens), 9660);
  EXPECT_EQ(spend.TimeToHaveBack(window, 2, 0, tokens), 9720);
  EXPECT_EQ(spend.TimeToHaveBack(window, 4, 0, tokens), BudgetWindow::kNever);
  spend.ForgetBefore(window, 9660);
  EXPECT_EQ(spend.sum().input_tokens, 2);
  spend.ForgetBefore(window, 9720);
  EXPECT_EQ(spend.sum().input_tokens, 0);
  EXPECT_TRUE(spend.steps().empty());
}

TEST(BudgetSpendTest, TheOrderOfChargesDoesNotMatter) {
  std::mt19937_64 bits(20261122);
  for (const char* const name : {"", "hour", "rolling:600"}) {
    const BudgetWindow window = Window(name);
    std::vector<Charge> charges;
    for (int i = 0; i < 300; ++i) {
      const int64_t time = 1'000'000 + static_cast<int64_t>(bits() % 9000);
      const int64_t start = window.kind() == BudgetWindow::Kind::kNone
                                ? 1'000'000 + static_cast<int64_t>(bits() % 2)
                                : window.SpanAt(time).start;
      charges.push_back(
          {.start = start,
           .time = time,
           .amounts = {
               .input_tokens = static_cast<int64_t>(bits() % 1000),
               .cost_usd_nanos = static_cast<int64_t>(bits() % 1000) - 300,
               .turns = 1}});
    }
    const BudgetSpend in_order = SpendOf(window, charges);
    for (int i = 0; i < 20; ++i) {
      std::shuffle(charges.begin(), charges.end(), bits);
      EXPECT_EQ(SpendOf(window, charges), in_order) << name;
    }
    EXPECT_NE(in_order.sum(), BudgetAmounts());
  }
}

constexpr int64_t kDay = 24 * 3600;
constexpr int64_t kNow = 20'000 * kDay + 1800;  // Half past midnight.

int64_t InputOf(const BudgetAmounts& amounts) { return amounts.input_tokens; }

TEST(BudgetSpendTest, WhatAClockAheadWasChargedIsOfTheWindowItComesBackTo) {
  for (const char* const name : {"hour", "day", "month", "rolling:3600", ""}) {
    const BudgetWindow window = Window(name);
    BudgetSpend spend;
    const auto charge = [&](int64_t now, int64_t tokens) {
      spend.Rebase(window, now);
      spend.ForgetBefore(window, now);
      spend.Add(window, spend.StartAt(window, now), now,
                {.input_tokens = tokens});
    };
    charge(kNow, 100);
    charge(kNow + 40 * kDay, 5);
    EXPECT_TRUE(spend.IsAhead(kNow + 60)) << name;
    charge(kNow + 60, 20);
    EXPECT_FALSE(spend.IsAhead(kNow + 60)) << name;
    // Nothing is forgiven, also not what was spent before the leap.
    EXPECT_EQ(spend.sum().input_tokens, 125) << name;
    EXPECT_EQ(spend.last_time(), kNow + 60) << name;
    if (window.kind() == BudgetWindow::Kind::kNone) {
      EXPECT_EQ(spend.start(), kNow);
      continue;
    }
    EXPECT_LE(spend.start(), kNow + 60) << name;
    // And it begins anew when it would have.
    spend.ForgetBefore(window, kNow + 32 * kDay);
    EXPECT_EQ(spend.sum().input_tokens, 0) << name;
  }
}

TEST(BudgetSpendTest, OnlyToBeLookedAtByAClockAheadForgetsNothing) {
  for (const char* const name : {"hour", "day", "month", "rolling:3600", ""}) {
    const BudgetWindow window = Window(name);
    BudgetSpend spend;
    spend.Add(window, spend.StartAt(window, kNow), kNow, {.input_tokens = 100});
    for (const int64_t seconds : {0, 60, 600}) {
      if (window.kind() == BudgetWindow::Kind::kNone) {
        spend.ForgetAll(kNow + 100 * kDay + seconds);
      } else {
        spend.ForgetBefore(window, kNow + 100 * kDay + seconds);
      }
      EXPECT_EQ(spend.sum().input_tokens, 0) << name;
    }
    spend.Rebase(window, kNow + 60);
    EXPECT_EQ(spend.sum().input_tokens, 100) << name;
    EXPECT_EQ(spend.StartAt(window, kNow + 60),
              window.kind() == BudgetWindow::Kind::kNone
                  ? kNow
                  : window.SpanAt(kNow + 60).start)
        << name;
  }
}

TEST(BudgetSpendTest, TheLatterPartOfARollingWindowStaysWhereItIs) {
  const BudgetWindow window = Window("rolling:5184000");  // 60 days.
  BudgetSpend spend;
  spend.Add(window, window.SpanAt(kNow).start, kNow, {.input_tokens = 100});
  const int64_t ahead = kNow + 30 * kDay;
  spend.Add(window, window.SpanAt(ahead).start, ahead, {.input_tokens = 5});
  EXPECT_EQ(spend.sum().input_tokens, 105);
  spend.Rebase(window, kNow + 2 * kDay);
  EXPECT_EQ(spend.sum().input_tokens, 105);
  EXPECT_EQ(spend.TimeToHaveBack(window, 100, 0, InputOf),
            window.EndOfStep(window.SpanAt(kNow).start));
  EXPECT_EQ(spend.TimeToHaveBack(window, 105, 0, InputOf),
            window.EndOfStep(window.SpanAt(kNow + 2 * kDay).start));
}

TEST(BudgetSpendTest, AClockPutBackByADayIsNotOneThatWasAhead) {
  const BudgetWindow hour = Window("hour");
  BudgetSpend spend;
  spend.Add(hour, hour.SpanAt(kNow).start, kNow, {.input_tokens = 5});
  const BudgetSpend before = spend;
  spend.Rebase(hour, kNow - kDay);
  EXPECT_EQ(spend, before);
  spend.Rebase(hour, kNow - kDay - 1);
  EXPECT_NE(spend, before);
  EXPECT_EQ(spend.sum().input_tokens, 5);
}

TEST(BudgetSpendTest, ASumThatDoesNotFitIsTheLargest) {
  const BudgetWindow none;
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  BudgetSpend spend;
  spend.Add(none, 1, 1, {.input_tokens = kMost, .cost_usd_nanos = kMost - 1});
  spend.Add(none, 1, 1, {.input_tokens = 1, .cost_usd_nanos = 5});
  EXPECT_EQ(spend.sum().input_tokens, kMost);
  EXPECT_EQ(spend.sum().cost_usd_nanos, kMost);
  EXPECT_EQ(spend.sum().total_tokens(), kMost);
}

}  // namespace
}  // namespace gateway
