// WriteHex writes numbers in hexadecimal, eight digits at a time: digit by
// digit the ids that a call is told take 400 instructions.
//
//   char id[16];
//   WriteHex(number, id);  // 0123456789abcdef
//
// Thread-safe: plain functions.

#ifndef BASE_TEXT_HEX_H_
#define BASE_TEXT_HEX_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/text/byte_words.h"

namespace gateway {

// Those that WriteHex writes.
inline constexpr size_t kHexDigits = 16;

// Returns the digits of the lower 32 bits, each in a byte, that of the lowest
// bits in the lowest one.
constexpr uint64_t HexDigitsOf(uint64_t bits) {
  bits &= 0xffffffff;
  // Each half byte into a byte of its own.
  bits = (bits | (bits << 16)) & 0x0000ffff0000ffff;
  bits = (bits | (bits << 8)) & 0x00ff00ff00ff00ff;
  bits = (bits | (bits << 4)) & EachByte(0x0f);
  // 1 where it is ten or more.
  const uint64_t letters = ((bits + EachByte(6)) >> 4) & EachByte(1);
  return bits + EachByte('0') + ('a' - '0' - 10) * letters;
}

// Writes all digits of the number, in lower case, the highest first, and
// returns their end.
inline char* WriteHex(uint64_t number, char* out) {
  static_assert(std::endian::native == std::endian::little);
  const uint64_t high = __builtin_bswap64(HexDigitsOf(number >> 32));
  const uint64_t low = __builtin_bswap64(HexDigitsOf(number));
  memcpy(out, &high, sizeof(high));
  memcpy(out + sizeof(high), &low, sizeof(low));
  return out + kHexDigits;
}

}  // namespace gateway

#endif  // BASE_TEXT_HEX_H_
