#include "providers/dialects/provider_cost.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

TEST(NanosOfDollarsTest, ReadsEveryFormOfANumber) {
  EXPECT_EQ(NanosOfDollars("0"), 0);
  EXPECT_EQ(NanosOfDollars("0.0"), 0);
  EXPECT_EQ(NanosOfDollars("-0"), 0);
  EXPECT_EQ(NanosOfDollars("1"), 1'000'000'000);
  EXPECT_EQ(NanosOfDollars("0.00014"), 140'000);
  EXPECT_EQ(NanosOfDollars("1.25e-05"), 12'500);
  EXPECT_EQ(NanosOfDollars("125E-7"), 12'500);
  EXPECT_EQ(NanosOfDollars("0.00125e+2"), 125'000'000);
  EXPECT_EQ(NanosOfDollars("12.000000001"), 12'000'000'001);
  EXPECT_EQ(NanosOfDollars("100e-2"), 1'000'000'000);
}

TEST(NanosOfDollarsTest, RoundsHalfUp) {
  EXPECT_EQ(NanosOfDollars("0.0000000004999999"), 0);
  EXPECT_EQ(NanosOfDollars("0.0000000005"), 1);
  EXPECT_EQ(NanosOfDollars("5e-10"), 1);
  EXPECT_EQ(NanosOfDollars("9.99e-10"), 1);
  EXPECT_EQ(NanosOfDollars("9e-11"), 0);
  EXPECT_EQ(NanosOfDollars("0.0000000014999999999999999999999"), 1);
  EXPECT_EQ(NanosOfDollars("0.0000000015"), 2);
  EXPECT_EQ(NanosOfDollars("1e-999999999999999999999999"), 0);
  EXPECT_EQ(NanosOfDollars("999999999.9999999994"), 999'999'999'999'999'999);
}

TEST(NanosOfDollarsTest, WhatIsNoPlausibleAmountIsNone) {
  for (const char* text :
       {"", "-1", "-0.1", "1e9", "1000000000", "1e400", "null", "\"1\"", "{}",
        "true", "e5", "1e", "1e+", "1.2.3", "0x1"}) {
    EXPECT_EQ(NanosOfDollars(text), std::nullopt) << text;
  }
}

TEST(NanosOfDollarsTest, AgreesWithEveryWayToWriteTheSame) {
  FakeRandom random{5};
  for (int round = 0; round < 5000; ++round) {
    const auto nanos =
        static_cast<int64_t>(random.Bits() >> 5 >> random.Below(58));
    if (nanos >= 999'999'999'000'000'000) continue;
    const std::string plain =
        absl::StrCat(nanos / 1'000'000'000, ".",
                     absl::Dec(nanos % 1'000'000'000, absl::kZeroPad9));
    ASSERT_EQ(NanosOfDollars(plain), nanos) << plain;
    const std::string shifted = absl::StrCat(nanos, "e-9");
    ASSERT_EQ(NanosOfDollars(shifted), nanos) << shifted;
    const int exponent = static_cast<int>(absl::StrCat(nanos).size()) - 7;
    const std::string zeros = absl::StrCat("0.00", nanos, "000e", exponent);
    ASSERT_EQ(NanosOfDollars(zeros), nanos) << zeros;
  }
}

TEST(ReadProviderCostTest, AnImplausibleOneIsPassedOver) {
  llmgateway::v1::Usage usage;
  std::string text;
  const auto read = [&](std::string_view json) {
    const std::string list = absl::StrCat("[", ToAbsl(json), "]");
    return ReadJson(list, [&](JsonValue& root) {
      return root.EachElement([&](JsonValue& cost) -> absl::Status {
        const absl::StatusOr<std::string_view> raw =
            ReadProviderCost(cost, &usage);
        if (raw.ok()) text = std::string(*raw);
        return raw.status();
      });
    });
  };
  ASSERT_TRUE(read("0.5").ok());
  EXPECT_EQ(usage.provider_cost_usd_nanos(), 500'000'000);
  ASSERT_TRUE(read(R"({"total_cost":0.5})").ok());
  EXPECT_FALSE(usage.has_provider_cost_usd_nanos());
  EXPECT_EQ(text, R"({"total_cost":0.5})");
  EXPECT_FALSE(read("0.5.5").ok());
}

}  // namespace
}  // namespace gateway
