#include "service/rpc/binary_metadata.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gateway {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr uint8_t kNone = 0xff;

constexpr std::array<uint8_t, 256> kValues = [] {
  std::array<uint8_t, 256> values{};
  values.fill(kNone);
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  return values;
}();

uint32_t ByteAt(std::string_view bytes, size_t i) {
  return static_cast<unsigned char>(bytes[i]);
}

// Removes the padding. Returns false if it does not fill a group of four.
bool StripPadding(std::string_view* text) {
  if (!text->ends_with('=')) return true;
  if (text->size() % 4 != 0) return false;
  text->remove_suffix(text->ends_with("==") ? 2 : 1);
  return true;
}

// Returns the bits of some characters, those of the first one highest.
std::optional<uint32_t> BitsOf(std::string_view characters) {
  uint32_t bits = 0;
  for (size_t i = 0; i < characters.size(); ++i) {
    const uint8_t value = kValues[ByteAt(characters, i)];
    if (value == kNone) return std::nullopt;
    bits = bits << 6 | value;
  }
  return bits;
}

}  // namespace

void AppendBase64(std::string_view bytes, std::string* out) {
  out->reserve(out->size() + (bytes.size() * 4 + 2) / 3);
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t bits = ByteAt(bytes, i) << 16 | ByteAt(bytes, i + 1) << 8 |
                          ByteAt(bytes, i + 2);
    out->push_back(kAlphabet[bits >> 18]);
    out->push_back(kAlphabet[bits >> 12 & 63]);
    out->push_back(kAlphabet[bits >> 6 & 63]);
    out->push_back(kAlphabet[bits & 63]);
  }
  const size_t left = bytes.size() - i;
  if (left == 0) return;
  const uint32_t bits =
      ByteAt(bytes, i) << 8 | (left == 2 ? ByteAt(bytes, i + 1) : 0);
  out->push_back(kAlphabet[bits >> 10]);
  out->push_back(kAlphabet[bits >> 4 & 63]);
  if (left == 2) out->push_back(kAlphabet[bits << 2 & 63]);
}

std::optional<size_t> DecodeBase64(std::string_view text, char* out) {
  if (!StripPadding(&text)) return std::nullopt;
  char* at = out;
  for (; text.size() >= 4; text.remove_prefix(4)) {
    const std::optional<uint32_t> bits = BitsOf(text.substr(0, 4));
    if (!bits.has_value()) return std::nullopt;
    *at++ = static_cast<char>(*bits >> 16);
    *at++ = static_cast<char>(*bits >> 8);
    *at++ = static_cast<char>(*bits);
  }
  const std::optional<uint32_t> bits = BitsOf(text);
  if (!bits.has_value() || text.size() == 1) return std::nullopt;
  if (text.size() == 2) {
    if ((*bits & 0xf) != 0) return std::nullopt;
    *at++ = static_cast<char>(*bits >> 4);
  } else if (text.size() == 3) {
    if ((*bits & 0x3) != 0) return std::nullopt;
    *at++ = static_cast<char>(*bits >> 10);
    *at++ = static_cast<char>(*bits >> 2);
  }
  return static_cast<size_t>(at - out);
}

}  // namespace gateway
