// Texts looked at eight bytes at a time, in one register.
//
//   const uint64_t found = FirstZero(LoadWord(at) ^ EachByte('"'));
//   if (found != 0) quote = at + IndexOfFirst(found);
//
// Thread-safe: plain functions.

#ifndef BASE_TEXT_BYTE_WORDS_H_
#define BASE_TEXT_BYTE_WORDS_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace gateway {

// Returns a word whose eight bytes are all `byte`.
constexpr uint64_t EachByte(uint8_t byte) {
  return 0x0101010101010101u * byte;
}

// The highest bit of each byte.
inline constexpr uint64_t kHighBits = EachByte(0x80);

// Loads the eight bytes at `text`, the first of them as the lowest.
inline uint64_t LoadWord(const char* text) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t word;
  memcpy(&word, text, sizeof(word));
  return word;
}

// Sets the highest bit of the first byte that is below `limit`, which is at
// most 0x80; above that one it may also set others'. 0 if there is none.
constexpr uint64_t FirstBelow(uint64_t word, uint8_t limit) {
  return (word - EachByte(limit)) & ~word & kHighBits;
}

// As FirstBelow, for a byte that is zero.
constexpr uint64_t FirstZero(uint64_t word) { return FirstBelow(word, 1); }

// The word with its ASCII letters in lower case.
constexpr uint64_t ToLower(uint64_t word) {
  const uint64_t low = word & ~kHighBits;
  const uint64_t from_a = low + EachByte(0x80 - 'A');
  const uint64_t behind_z = low + EachByte(0x7f - 'Z');
  return word | (from_a & ~behind_z & ~word & kHighBits) >> 2;
}

// Returns which byte the lowest set bit is in. REQUIRES: found != 0.
constexpr size_t IndexOfFirst(uint64_t found) {
  return static_cast<size_t>(std::countr_zero(found)) / 8;
}

}  // namespace gateway

#endif  // BASE_TEXT_BYTE_WORDS_H_
