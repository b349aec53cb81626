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
