#include "service/budgets/budget_window.h"

#include <algorithm>
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

TEST(BudgetWindowTest, AnHourThatComesTwiceIsTwo) {
  // Summer time ended on 2026-10-25: 03:00 was 02:00 again.
  const BudgetWindow berlin =
      Calendar(config::Budget::PERIOD_HOUR, "Europe/Berlin");
  const int64_t change = Seconds("2026-10-25T01:00:00Z");
  const BudgetWindow::Span first = berlin.SpanAt(change - 1);
  EXPECT_EQ(first.start, change - 3600);
  EXPECT_EQ(first.end, change);
  const BudgetWindow::Span second = berlin.SpanAt(change + 1800);
  EXPECT_EQ(second.start, change);
  EXPECT_EQ(second.end, change + 3600);
}

TEST(BudgetWindowTest, WhatOfAnHourIsLeftBehindAChangeIsOne) {
  // Half an hour: 02:00 was 01:30 again on 2026-04-05, and 02:30 on 2026-10-04.
  const BudgetWindow island =
      Calendar(config::Budget::PERIOD_HOUR, "Australia/Lord_Howe");
  for (const char* const text :
       {"2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z"}) {
    const int64_t change = Seconds(text);
    EXPECT_EQ(island.SpanAt(change - 1).start, change - 3600) << text;
    EXPECT_EQ(island.SpanAt(change - 1).end, change) << text;
    EXPECT_EQ(island.SpanAt(change).start, change) << text;
    EXPECT_EQ(island.SpanAt(change).end, change + 1800) << text;
    EXPECT_EQ(island.SpanAt(change + 1800).end, change + 5400) << text;
  }
}

// Whatever is done to clocks, each second is in one window, which ends.
TEST(BudgetWindowTest, WindowsFollowEachOtherInEachZone) {
  struct Case {
    const char* zone;
    const char* from;
    int64_t days;
    int64_t hours;
    int64_t longest_day;
    int64_t shortest_day;
  };
  const Case cases[] = {
      {"Europe/Berlin", "2025-12-31T23:00:00Z", 365, 8760, 25, 23},
      {"America/New_York", "2026-01-01T05:00:00Z", 365, 8760, 25, 23},
      // Midnight comes twice there.
      {"America/Havana", "2026-01-01T05:00:00Z", 365, 8760, 25, 23},
      // So did the last minutes of a day after the next had begun.
      {"America/St_Johns", "2006-01-01T03:30:00Z", 365, 8762, 25, 23},
      // Midnight is what is left out.
      {"Africa/Cairo", "2025-12-31T22:00:00Z", 365, 8760, 25, 23},
      // By two hours at once, and by half an hour.
      {"Antarctica/Troll", "2026-01-01T00:00:00Z", 365, 8760, 26, 22},
      {"Australia/Lord_Howe", "2025-12-31T13:00:00Z", 365, 8761, 24, 23},
      {"Asia/Kathmandu", "2025-12-31T18:15:00Z", 365, 8760, 24, 24},
      // A day was left out.
      {"Pacific/Apia", "2011-01-01T10:00:00Z", 364, 8736, 25, 23},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.zone);
    const int64_t begin = Seconds(each.from);
    for (const auto period :
         {config::Budget::PERIOD_HOUR, config::Budget::PERIOD_DAY,
          config::Budget::PERIOD_MONTH}) {
      const BudgetWindow window = Calendar(period, each.zone);
      const bool is_day = period == config::Budget::PERIOD_DAY;
      const int64_t windows = is_day ? each.days
                              : period == config::Budget::PERIOD_HOUR
                                  ? each.hours
                                  : 12;
      int64_t now = begin;
      int64_t shortest = 24;
      int64_t longest = 24;
      for (int64_t i = 0; i < windows; ++i) {
        const BudgetWindow::Span span = window.SpanAt(now);
        ASSERT_EQ(span.start, now);
        ASSERT_GT(span.end, now);
        for (const int64_t within :
             {(span.start + span.end) / 2, span.end - 1}) {
          ASSERT_EQ(window.SpanAt(within).start, span.start);
          ASSERT_EQ(window.SpanAt(within).end, span.end);
        }
        shortest = std::min(shortest, (span.end - span.start) / 3600);
        longest = std::max(longest, (span.end - span.start) / 3600);
        now = span.end;
      }
      EXPECT_EQ(now - begin, each.days * 24 * 3600);
      if (!is_day) continue;
      EXPECT_EQ(longest, each.longest_day);
      EXPECT_EQ(shortest, each.shortest_day);
    }
  }
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
