// WriteHex writes numbers in hexadecimal, all digits at a time: digit by digit
// the ids that a call is told take 400 instructions.
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

namespace hex_internal {

// GCC's and clang's: a dozen instructions of whatever the processor has.
using Bytes = signed char __attribute__((vector_size(kHexDigits)));
using Words = uint64_t __attribute__((vector_size(kHexDigits)));

// Returns the lower four bits of each byte of the word.
inline Bytes HalfBytes(uint64_t word) {
  const Words words = {word & EachByte(0x0f), 0};
  return reinterpret_cast<Bytes>(words);
}

// Writes the digits of half bytes, of each the first and then the second.
inline char* WriteDigits(Bytes first, Bytes second, char* out) {
  const Bytes digits = __builtin_shufflevector(
      first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  // All bits are set where it is ten or more.
  const auto letters = static_cast<Bytes>(digits > 9);
  const Bytes text = digits + '0' + (letters & ('a' - '0' - 10));
  memcpy(out, &text, sizeof(text));
  return out + kHexDigits;
}

}  // namespace hex_internal

// Writes all digits of the number, in lower case, the highest first, and
// returns their end.
inline char* WriteHex(uint64_t number, char* out) {
  static_assert(std::endian::native == std::endian::little);
  const uint64_t bytes = __builtin_bswap64(number);
  return hex_internal::WriteDigits(hex_internal::HalfBytes(bytes >> 4),
                                   hex_internal::HalfBytes(bytes), out);
}

// The same, the lowest first: for ids, of which it does not matter.
inline char* WriteHexLowestFirst(uint64_t number, char* out) {
  static_assert(std::endian::native == std::endian::little);
  return hex_internal::WriteDigits(hex_internal::HalfBytes(number),
                                   hex_internal::HalfBytes(number >> 4), out);
}

}  // namespace gateway

#endif  // BASE_TEXT_HEX_H_
