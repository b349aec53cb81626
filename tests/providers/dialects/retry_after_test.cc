#include "providers/dialects/retry_after.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

// Saturday, 1 January 2022, noon.
const absl::Time kNow = absl::FromUnixSeconds(1641038400);

std::optional<absl::Duration> Seconds(std::string_view value) {
  return ReadRetryAfter("", value, kNow);
}

TEST(RetryAfterTest, ReadsSecondsWholeOrNot) {
  EXPECT_EQ(Seconds("7"), absl::Seconds(7));
  EXPECT_EQ(Seconds("0.25"), absl::Milliseconds(250));
  EXPECT_EQ(Seconds(" 3 "), absl::Seconds(3));
  EXPECT_EQ(Seconds("0"), absl::ZeroDuration());
}

TEST(RetryAfterTest, MillisecondsCountFirst) {
  EXPECT_EQ(ReadRetryAfter("1500", "60", kNow), absl::Milliseconds(1500));
  EXPECT_EQ(ReadRetryAfter("12.5", "60", kNow), absl::Microseconds(12'500));
  EXPECT_EQ(ReadRetryAfter("junk", "60", kNow), absl::Seconds(60));
  EXPECT_EQ(ReadRetryAfter("0x10", "60", kNow), absl::Seconds(60));
  EXPECT_EQ(ReadRetryAfter("-1", "60", kNow), absl::Seconds(60));
}

TEST(RetryAfterTest, NobodyWaitsLongerThanTheCap) {
  EXPECT_EQ(Seconds("300"), absl::Seconds(300));
  EXPECT_EQ(Seconds("301"), absl::Seconds(300));
  EXPECT_EQ(Seconds("1000000000.5"), absl::Seconds(300));
  EXPECT_EQ(ReadRetryAfter("1000000000", "", kNow), absl::Seconds(300));
  EXPECT_EQ(Seconds("Sun, 01 Jan 2023 12:00:00 GMT"), absl::Seconds(300));
}

TEST(RetryAfterTest, NonsenseIsNoHint) {
  for (const std::string_view value :
       {"", " ", "-1", "-0.5", "soon", "nan", "NaN", "inf", "-inf", "infinity",
        "1s", "0x10zz", "0x10", "0X10", "0x1p4", "1e3", "1e-3", "+3", ".5",
        "5.", ".", "1.2.3", "1,2",
        "Sat, 01 Jan 2022",
        "99999999999999999999999999999999999999999999999999"
        "999999999999999999999999999"}) {
    EXPECT_EQ(Seconds(value), std::nullopt) << value;
  }
}

TEST(RetryAfterTest, ReadsHttpDatesInAllThreeForms) {
  EXPECT_EQ(Seconds("Sat, 01 Jan 2022 12:00:30 GMT"), absl::Seconds(30));
  EXPECT_EQ(Seconds("Saturday, 01-Jan-22 12:00:30 GMT"), absl::Seconds(30));
  EXPECT_EQ(Seconds("Sat Jan  1 12:00:30 2022"), absl::Seconds(30));
}

TEST(RetryAfterTest, ADateThatHasPassedMeansNoWait) {
  EXPECT_EQ(Seconds("Sat, 01 Jan 2022 11:59:59 GMT"), absl::ZeroDuration());
}

}  // namespace
}  // namespace gateway
