#include "service/budgets/budget_telling.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "tests/service/budgets/budget_config.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

BudgetTelling HourTelling() {
  return {.scope = {.budget = "b",
                    .window = "hour",
                    .subject = {{configv1::LIMIT_DIMENSION_USER, "a\nn"}}},
          .start = 3600,
          .spend = BudgetSpend::From(3600, 3700,
                                     {.input_tokens = 5, .turns = 1}, {}),
          .reserved = {.output_tokens = 7, .cost_usd_nanos = 8},
          .unit = configv1::LIMIT_UNIT_COST,
          .granted = {.units = 9, .turns = 2},
          .reset_version = 1773577800000000001,
          .binding = BudgetBinding{.caller = "ann", .time = 3601}};
}

TEST(BudgetTellingTest, WhatIsToldIsRead) {
  BudgetTelling telling = HourTelling();
  const auto news = ReadNews(absl::StrCat(HeaderOf(telling), "\nr1 ",
                                          BodyOf(telling), "\nr2 ",
                                          BodyOf(telling)));
  ASSERT_TRUE(news.ok()) << news.status();
  EXPECT_EQ(news->scope, telling.scope);
  EXPECT_EQ(news->start, 3600);
  EXPECT_EQ(news->binding, telling.binding);
  ASSERT_EQ(news->lines.size(), 2u);
  EXPECT_EQ(news->lines[0].replica, "r1");
  EXPECT_EQ(news->lines[1].replica, "r2");
  const BudgetTelling& read = news->lines[1].telling;
  EXPECT_EQ(read.spend, telling.spend);
  EXPECT_EQ(read.reserved, telling.reserved);
  EXPECT_EQ(read.unit, telling.unit);
  EXPECT_EQ(read.granted, telling.granted);
  EXPECT_EQ(read.reset_version, telling.reset_version);
}

TEST(BudgetTellingTest, StepsAreReadToo) {
  BudgetTelling telling = {.scope = {.budget = "b", .window = "rolling:600"}};
  const BudgetWindow rolls = *BudgetWindow::Named("rolling:600");
  telling.spend.Add(rolls, 1000, 1001, {.turns = 3});
  telling.spend.Add(rolls, 1010, 1011, {.turns = 4});
  const auto news = ReadNews(
      absl::StrCat(HeaderOf(telling), "\nr1 ", BodyOf(telling)));
  ASSERT_TRUE(news.ok()) << news.status();
  EXPECT_EQ(news->lines[0].telling.spend, telling.spend);
}

TEST(BudgetTellingTest, OfAllocationsTheLaterIsTheGreaterText) {
  BudgetTelling telling = HourTelling();
  telling.allocation = BudgetAllocation{.limit = 5, .version = 999};
  BudgetTelling later = telling;
  later.allocation->version = 1000;
  EXPECT_LT(BodyOf(telling), BodyOf(later));
  EXPECT_EQ(NameOf(telling), NameOf(later));
  EXPECT_NE(NameOf(telling), NameOf(HourTelling()));
  const auto news = ReadNews(absl::StrCat(
      HeaderOf(telling), "\n", ToAbsl(kNoReplica), " ", BodyOf(telling)));
  ASSERT_TRUE(news.ok()) << news.status();
  EXPECT_EQ(news->allocation, telling.allocation);
}

TEST(BudgetTellingTest, ANameIsOfTheScopeAndItsWindow) {
  BudgetTelling telling = HourTelling();
  const std::string name = NameOf(telling);
  EXPECT_EQ(name.size(), 40u);
  telling.start += 3600;
  EXPECT_NE(NameOf(telling), name);
  telling.start -= 3600;
  EXPECT_EQ(NameOf(telling), name);
  telling.scope.subject[0].second = "bob";
  EXPECT_NE(NameOf(telling), name);
  EXPECT_NE(NameOf({.scope = {.budget = "b1", .window = "0"}}),
            NameOf({.scope = {.budget = "b", .window = "10"}}));
}

TEST(BudgetTellingTest, WhatIsNoneIsRefused) {
  const BudgetTelling telling = HourTelling();
  const std::string header = HeaderOf(telling);
  for (const std::string& value :
       {std::string(), std::string("{}"), absl::StrCat(header, "\n"),
        absl::StrCat(header, "\nr1 1 2 3"), absl::StrCat(header, "\nr1 x"),
        absl::StrCat(header, "\nr1 ", BodyOf(telling), " 5"),
        absl::StrCat(header, "\nr1 9", BodyOf(telling))}) {
    EXPECT_FALSE(ReadNews(value).ok()) << value;
  }
}

TEST(BudgetTellingTest, ItGoesAfterItsWindow) {
  BudgetTelling telling = HourTelling();
  EXPECT_EQ(ExpiryOf(telling, 3700, 500), 7200 + 3600);
  telling.scope.window = "";
  EXPECT_EQ(ExpiryOf(telling, 3700, 500), 4200);
  telling.scope.window = "rolling:600";
  EXPECT_EQ(ExpiryOf(telling, 3700, 500), 3700 + 10 + 600 + 3600);
  telling.allocation.emplace();
  EXPECT_EQ(ExpiryOf(telling, 3700, 500), std::nullopt);
  telling.allocation->removed = true;
  EXPECT_GT(ExpiryOf(telling, 3700, 500), 3700);
}

}  // namespace
}  // namespace gateway
