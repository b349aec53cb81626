#include "base/text/hex.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

std::string Hex(uint64_t number) {
  std::array<char, kHexDigits> out;
  EXPECT_EQ(WriteHex(number, out.data()), out.data() + out.size());
  return std::string(out.data(), out.size());
}

TEST(HexTest, WritesAllDigitsInLowerCase) {
  EXPECT_EQ(Hex(0), "0000000000000000");
  EXPECT_EQ(Hex(0x0123456789abcdef), "0123456789abcdef");
  EXPECT_EQ(Hex(~uint64_t{0}), "ffffffffffffffff");
}

TEST(HexTest, EachDigitStandsWhereItBelongs) {
  for (int place = 0; place < 16; ++place) {
    for (uint64_t digit = 0; digit < 16; ++digit) {
      const uint64_t number = digit << (4 * place);
      std::array<char, kHexDigits + 1> wanted;
      snprintf(wanted.data(), wanted.size(), "%016llx",
               static_cast<unsigned long long>(number));
      EXPECT_EQ(Hex(number), wanted.data());
    }
  }
}

TEST(HexTest, WritesTheLowestDigitFirst) {
  std::string out(kHexDigits, 'x');
  EXPECT_EQ(WriteHexLowestFirst(0x0123456789abcdef, out.data()),
            out.data() + out.size());
  EXPECT_EQ(out, "fedcba9876543210");
}

}  // namespace
}  // namespace gateway
