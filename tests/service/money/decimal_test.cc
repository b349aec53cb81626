#include "service/money/decimal.h"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kUnitsMax = std::numeric_limits<int64_t>::max();

std::string WhyNumberIsRefused(std::string_view text, int decimals,
                               int64_t most) {
  const absl::StatusOr<int64_t> units = ParseDecimal(text, decimals, most);
  EXPECT_EQ(units.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(ToStd(units.status().message()));
}

TEST(ParseDecimalTest, ReadsDigitsWithAtMostOnePoint) {
  EXPECT_EQ(*ParseDecimal("0", 9, kUnitsMax), 0);
  EXPECT_EQ(*ParseDecimal("2", 9, kUnitsMax), 2'000'000'000);
  EXPECT_EQ(*ParseDecimal("2.50", 9, kUnitsMax), 2'500'000'000);
  EXPECT_EQ(*ParseDecimal(".80", 9, kUnitsMax), 800'000'000);
  EXPECT_EQ(*ParseDecimal("4.", 9, kUnitsMax), 4'000'000'000);
  EXPECT_EQ(*ParseDecimal("007", 0, kUnitsMax), 7);
}

TEST(ParseDecimalTest, RefusesWhatIsNoDecimalNumber) {
  for (const std::string_view text :
       {"", ".", " 1", "1 ", "1.2.3", "1,5", "1e3", "+1", "0x1", "$1", "abc",
        "-", "--1", "\xd9\xa1", "inf", "nan"}) {
    EXPECT_THAT(WhyNumberIsRefused(text, 9, kUnitsMax),
                HasSubstr("is no decimal number"));
  }
  EXPECT_THAT(WhyNumberIsRefused("1,5", 9, kUnitsMax), HasSubstr("\"1,5\""));
}

TEST(ParseDecimalTest, RefusesNegativeNumbers) {
  EXPECT_EQ(WhyNumberIsRefused("-2.5", 9, kUnitsMax), "\"-2.5\" is negative");
  EXPECT_EQ(WhyNumberIsRefused("-0", 9, kUnitsMax), "\"-0\" is negative");
  EXPECT_EQ(WhyNumberIsRefused("-.5", 9, kUnitsMax), "\"-.5\" is negative");
}

TEST(ParseDecimalTest, RefusesWhatCannotBeKeptExactly) {
  EXPECT_EQ(*ParseDecimal("0.000000001", 9, kUnitsMax), 1);
  EXPECT_EQ(*ParseDecimal("0.00000000100000", 9, kUnitsMax), 1);
  EXPECT_EQ(WhyNumberIsRefused("0.0000000001", 9, kUnitsMax),
            "\"0.0000000001\" cannot be kept exactly: it has more than 9 "
            "decimals");
}

TEST(ParseDecimalTest, RefusesMoreThanTheMost) {
  EXPECT_EQ(*ParseDecimal("9223372036.854775807", 9, kUnitsMax), kUnitsMax);
  EXPECT_EQ(WhyNumberIsRefused("9223372036.854775808", 9, kUnitsMax),
            "\"9223372036.854775808\" is more than 9223372036.854775807");
  EXPECT_EQ(*ParseDecimal("1.5", 1, 15), 15);
  EXPECT_EQ(WhyNumberIsRefused("1.6", 1, 15), "\"1.6\" is more than 1.5");
  EXPECT_EQ(WhyNumberIsRefused("9", 0, 5), "\"9\" is more than 5");
}

TEST(ParseDecimalTest, QuotesLongTextsInPart) {
  EXPECT_EQ(
      WhyNumberIsRefused(std::string(1000, '9'), 9, kUnitsMax),
      "\"" + std::string(40, '9') + "...\" is more than 9223372036.854775807");
}

TEST(DecimalTextTest, IsTheShortest) {
  EXPECT_EQ(DecimalText(0, 9), "0");
  EXPECT_EQ(DecimalText(1, 9), "0.000000001");
  EXPECT_EQ(DecimalText(31'500'000, 9), "0.0315");
  EXPECT_EQ(DecimalText(50'000'000'000, 9), "50");
  EXPECT_EQ(DecimalText(-1'500'000'000, 9), "-1.5");
  EXPECT_EQ(DecimalText(100, 0), "100");
  EXPECT_EQ(DecimalText(100, 2), "1");
  EXPECT_EQ(DecimalText(std::numeric_limits<int64_t>::min(), 9),
            "-9223372036.854775808");
}

TEST(DecimalTextTest, IsReadAsWhatItWasWrittenFrom) {
  FakeRandom random{1};
  for (int i = 0; i < 20'000; ++i) {
    const auto units =
        static_cast<int64_t>(random.Bits() >> (1 + random.Below(63)));
    const int decimals = static_cast<int>(random.Below(19));
    const std::string text = DecimalText(units, decimals);
    ASSERT_EQ(*ParseDecimal(text, decimals, kUnitsMax), units) << text;
    ASSERT_EQ(*ParseDecimal(text, decimals, units), units) << text;
  }
}

}  // namespace
}  // namespace gateway
