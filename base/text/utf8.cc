#include "base/text/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/text/byte_words.h"

namespace gateway {
namespace {

bool ContinuesCharacter(char byte) { return (byte & 0xC0) == 0x80; }

// Counts those of a word's eight bytes that continue a character.
int64_t CountContinuing(uint64_t word) {
  const uint64_t continues = (word >> 7) & ~(word >> 6) & EachByte(1);
  return static_cast<int64_t>(continues * EachByte(1) >> 56);
}

bool IsBetween(unsigned char byte, int low, int high) {
  return byte >= low && byte <= high;
}

}  // namespace

int64_t CountCharacters(std::string_view text) {
  auto count = static_cast<int64_t>(text.size());
  for (; text.size() >= sizeof(uint64_t);
       text.remove_prefix(sizeof(uint64_t))) {
    count -= CountContinuing(LoadWord(text.data()));
  }
  for (const char byte : text) count -= ContinuesCharacter(byte);
  return count;
}

size_t CharacterBytes(std::string_view text) {
  const auto at = [&](size_t i) -> unsigned char {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto continues = [&](size_t i) { return IsBetween(at(i), 0x80, 0xBF); };
  const unsigned char first = at(0);
  if (first < 0x80) return text.empty() ? 0 : 1;
  if (IsBetween(first, 0xC2, 0xDF)) return continues(1) ? 2 : 0;
  if (IsBetween(first, 0xE0, 0xEF)) {
    // Excludes overlong forms and surrogates.
    const int low = first == 0xE0 ? 0xA0 : 0x80;
    const int high = first == 0xED ? 0x9F : 0xBF;
    return IsBetween(at(1), low, high) && continues(2) ? 3 : 0;
  }
  if (IsBetween(first, 0xF0, 0xF4)) {
    const int low = first == 0xF0 ? 0x90 : 0x80;
    const int high = first == 0xF4 ? 0x8F : 0xBF;
    return IsBetween(at(1), low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

uint32_t CodePoint(std::string_view text, size_t bytes) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (bytes == 1) return first;
  // What the first byte has of it.
  uint32_t code = first & (0xff >> (bytes + 1));
  for (const char byte : text.substr(1, bytes - 1)) {
    code = code << 6 | (static_cast<unsigned char>(byte) & 0x3f);
  }
  return code;
}

size_t NextCharacter(std::string_view text, size_t at) {
  while (at < text.size() && ContinuesCharacter(text[at])) ++at;
  return std::min(at, text.size());
}

std::string_view CutText(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  // No character has more bytes; what is not UTF-8 is cut somewhere.
  constexpr size_t kContinuingBytesMax = 3;
  const size_t least = bytes_max - std::min(bytes_max, kContinuingBytesMax);
  size_t size = bytes_max;
  while (size > least && ContinuesCharacter(text[size])) --size;
  return text.substr(0, size);
}

}  // namespace gateway
