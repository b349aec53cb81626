#include "service/budgets/budget_window.h"

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/budgets.pb.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

BudgetWindow Calendar(config::Budget::Period period,
                      const std::string& zone = "") {
  config::Budget budget;
  budget.set_period(period);
  budget.set_time_zone(zone);
  return BudgetWindow::Of(budget);
}

int64_t Seconds(const std::string& text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error))
      << error;
  return absl::ToUnixSeconds(time);
}

TEST(BudgetWindowTest, BeginsAndEndsWithTheCalendar) {
  const int64_t now = Seconds("2028-02-29T23:59:59Z");
  const BudgetWindow::Span hour =
      Calendar(config::Budget::PERIOD_HOUR).SpanAt(now);
  EXPECT_EQ(hour.start, Seconds("2028-02-29T23:00:00Z"));
  EXPECT_EQ(hour.end, Seconds("2028-03-01T00:00:00Z"));
  const BudgetWindow::Span day =
      Calendar(config::Budget::PERIOD_DAY).SpanAt(now);
  EXPECT_EQ(day.start, Seconds("2028-02-29T00:00:00Z"));
  EXPECT_EQ(day.end, Seconds("2028-03-01T00:00:00Z"));
  const BudgetWindow::Span month =
      Calendar(config::Budget::PERIOD_MONTH).SpanAt(now);
  EXPECT_EQ(month.start, Seconds("2028-02-01T00:00:00Z"));
  EXPECT_EQ(month.end, Seconds("2028-03-01T00:00:00Z"));
  EXPECT_EQ(Calendar(config::Budget::PERIOD_DAY).SpanAt(now + 1).start,
            now + 1);
}

TEST(BudgetWindowTest, ADayWithoutAnHourIsShorter) {
  // Summer time began on 2026-03-29 at 02:00.
  const BudgetWindow berlin =
      Calendar(config::Budget::PERIOD_DAY, "Europe/Berlin");
  EXPECT_EQ(berlin.name(), "day:Europe/Berlin");
  const BudgetWindow::Span day = berlin.SpanAt(Seconds("2026-03-29T10:00:00Z"));
  EXPECT_EQ(day.start, Seconds("2026-03-28T23:00:00Z"));
  EXPECT_EQ(day.end, Seconds("2026-03-29T22:00:00Z"));
}

TEST(BudgetWindowTest, WhatHasNoWindowNeverEnds) {
  EXPECT_EQ(BudgetWindow().SpanAt(1000).end, BudgetWindow::kNever);
  EXPECT_EQ(BudgetWindow().name(), "");
}

TEST(BudgetWindowTest, AStepOfARollingWindowCountsUntilAllOfItIsSoLongAgo) {
  config::Budget budget;
  budget.mutable_rolling_window()->set_seconds(3600);
  const BudgetWindow window = BudgetWindow::Of(budget);
  EXPECT_EQ(window.name(), "rolling:3600");
  const BudgetWindow::Span step = window.SpanAt(7261);
  EXPECT_EQ(step.start, 7260);
  EXPECT_EQ(step.end, 7320);
  EXPECT_EQ(window.EndOfStep(7260), 7320 + 3600);
}

TEST(BudgetWindowTest, IsFoundAgainByItsName) {
  config::Budget rolling;
  rolling.mutable_rolling_window()->set_seconds(90);
  for (const BudgetWindow& window :
       {BudgetWindow(), Calendar(config::Budget::PERIOD_HOUR),
        Calendar(config::Budget::PERIOD_DAY, "Europe/Berlin"),
        Calendar(config::Budget::PERIOD_MONTH), BudgetWindow::Of(rolling)}) {
    const auto again = BudgetWindow::Named(window.name());
    ASSERT_TRUE(again.has_value()) << window.name();
    EXPECT_EQ(*again, window);
    EXPECT_EQ(again->SpanAt(1773577800).start, window.SpanAt(1773577800).start);
  }
}

TEST(BudgetWindowTest, WhatIsNoNameIsNoWindow) {
  for (const char* name :
       {"year", "day:Nowhere/Land", "day:/etc/passwd", "day:../x", "rolling",
        "rolling:0", "rolling:-5", "rolling:999999999999", "Hour", ":"}) {
    EXPECT_FALSE(BudgetWindow::Named(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace gateway
