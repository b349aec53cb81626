#include "base/text/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gateway {
namespace {

bool ContinuesCharacter(char byte) { return (byte & 0xC0) == 0x80; }

bool IsBetween(unsigned char byte, int low, int high) {
  return byte >= low && byte <= high;
}

}  // namespace

int64_t CountCharacters(std::string_view text) {
  int64_t count = 0;
  for (const char byte : text) count += !ContinuesCharacter(byte);
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
