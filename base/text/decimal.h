// WriteDecimal writes whole numbers in half the instructions that std::to_chars
// takes, for lines of which each has a dozen.
//
//   char* end = WriteDecimal(bytes, out);  // `out` has kDecimalBytesMax.
//
// Thread-safe: plain functions.

#ifndef BASE_TEXT_DECIMAL_H_
#define BASE_TEXT_DECIMAL_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/text/byte_words.h"

namespace gateway {

inline constexpr size_t kDecimalBytesMax = 20;

namespace decimal_internal {

// `00` to `99`.
inline constexpr std::array<char, 200> kPairs = [] {
  std::array<char, 200> pairs = {};
  for (int i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

// The powers of ten, but 0 in place of the first, so that 0 has a digit.
inline constexpr std::array<uint64_t, kDecimalBytesMax> kPowers = [] {
  std::array<uint64_t, kDecimalBytesMax> powers = {};
  uint64_t power = 1;
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = power *= 10;
  return powers;
}();

// Numbers below this have up to eight digits.
inline constexpr uint64_t kEightDigits = 100'000'000;

// Returns the eight digits of a number below kEightDigits, each in a byte, that
// of the highest power in the lowest one. It is halved three times, all parts
// at once, each time by a product that is right for numbers so small.
constexpr uint64_t DigitsOf(uint64_t number) {
  const uint64_t fours = number / 10'000 | number % 10'000 << 32;
  const uint64_t hundreds = (fours * 10'486 >> 20) & 0x0000007f0000007f;
  const uint64_t pairs = hundreds | (fours - 100 * hundreds) << 16;
  const uint64_t tens = (pairs * 103 >> 10) & 0x000f000f000f000f;
  return EachByte('0') + (tens | (pairs - 10 * tens) << 8);
}

}  // namespace decimal_internal

// Returns how many digits the number has.
inline size_t CountDigits(uint64_t number) {
  // 1233 / 2^12 is a little more than the logarithm of 2 to the base 10: what
  // it makes of the number of bits is right, or one too few.
  const auto few = static_cast<size_t>(std::bit_width(number) * 1233 >> 12);
  return few + (number >= decimal_internal::kPowers[few] ? 1 : 0);
}

// Writes the digits, eight or two at a time from the last, and returns their
// end.
inline char* WriteDecimal(uint64_t number, char* out) {
  static_assert(std::endian::native == std::endian::little);
  char* const end = out + CountDigits(number);
  char* at = end;
  for (; number >= decimal_internal::kEightDigits;
       number /= decimal_internal::kEightDigits) {
    const uint64_t digits =
        decimal_internal::DigitsOf(number % decimal_internal::kEightDigits);
    at -= sizeof(digits);
    memcpy(at, &digits, sizeof(digits));
  }
  for (; number >= 100; number /= 100) {
    at -= 2;
    memcpy(at, decimal_internal::kPairs.data() + 2 * (number % 100), 2);
  }
  if (number >= 10) {
    memcpy(at - 2, decimal_internal::kPairs.data() + 2 * number, 2);
  } else {
    at[-1] = static_cast<char>('0' + number);
  }
  return end;
}

}  // namespace gateway

#endif  // BASE_TEXT_DECIMAL_H_
