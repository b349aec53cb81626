#include "base/text/decimal.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

std::string Digits(uint64_t number) {
  std::array<char, kDecimalBytesMax + 1> out;
  out.fill('x');
  const char* const end = WriteDecimal(number, out.data());
  EXPECT_EQ(*end, 'x');
  return std::string(out.data(), static_cast<size_t>(end - out.data()));
}

TEST(DecimalTest, WritesNumbersOfAllLengths) {
  uint64_t power = 1;
  for (size_t digits = 1; digits <= kDecimalBytesMax; ++digits) {
    for (const uint64_t number : {power - 1, power, power + 1, power + 99}) {
      EXPECT_EQ(Digits(number), std::to_string(number));
      EXPECT_EQ(CountDigits(number), std::to_string(number).size());
    }
    power *= 10;
  }
  EXPECT_EQ(Digits(std::numeric_limits<uint64_t>::max()),
            "18446744073709551615");
}

TEST(DecimalTest, WritesAllPairsOfDigits) {
  for (uint64_t number = 0; number < 10'000; ++number) {
    ASSERT_EQ(Digits(number), std::to_string(number));
  }
}

}  // namespace
}  // namespace gateway
