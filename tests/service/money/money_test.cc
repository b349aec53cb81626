#include "service/money/money.h"

#include <limits>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(MoneyTest, IsReadAndToldInDollars) {
  EXPECT_EQ(Money::Parse("0.0315")->nanos(), 31'500'000);
  EXPECT_EQ(Money::Parse("50")->Text(), "50");
  EXPECT_EQ(Money::FromNanos(450'000).Text(), "0.00045");
  EXPECT_EQ(Money().Text(), "0");
  EXPECT_EQ(*Money::Parse("9223372036.854775807"), Money::Max());
}

TEST(MoneyTest, RefusesWhatIsNotExactOrNotAnAmount) {
  EXPECT_FALSE(Money::Parse("0.0000000001").ok());
  EXPECT_FALSE(Money::Parse("-1").ok());
  EXPECT_FALSE(Money::Parse("9223372036.854775808").ok());
  EXPECT_FALSE(Money::Parse("five").ok());
}

TEST(MoneyTest, IsAddedAndSubtracted) {
  Money sum = Money::FromNanos(5);
  sum += Money::FromNanos(7);
  EXPECT_EQ(sum, Money::FromNanos(12));
  sum -= Money::FromNanos(20);
  EXPECT_EQ(sum.nanos(), -8);
  EXPECT_EQ(sum.Text(), "-0.000000008");
  EXPECT_LT(sum, Money());
}

TEST(MoneyTest, StopsAtItsEndsInsteadOfTurningOver) {
  const Money least = Money::FromNanos(std::numeric_limits<int64_t>::min());
  const Money one = Money::FromNanos(1);
  EXPECT_EQ(Money::Max() + one, Money::Max());
  EXPECT_EQ(Money::Max() - Money::FromNanos(-1), Money::Max());
  EXPECT_EQ(least - one, least);
  EXPECT_EQ(least + Money::FromNanos(-1), least);
  EXPECT_EQ(Money::Max() - one + one, Money::Max());
  EXPECT_EQ(Money() - least, Money::Max());
}

}  // namespace
}  // namespace gateway
