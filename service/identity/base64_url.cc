#include "service/identity/base64_url.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gateway {
namespace {

constexpr uint8_t kNone = 0xff;

// What each character stands for.
constexpr std::array<uint8_t, 256> kSixBits = [] {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<uint8_t, 256> bits{};
  for (uint8_t& each : bits) each = kNone;
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    bits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  return bits;
}();

}  // namespace

std::optional<std::string> DecodeBase64Url(std::string_view text) {
  // One character alone is not even a byte.
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int count = 0;  // Of the bits that wait.
  for (const unsigned char c : text) {
    const uint8_t six = kSixBits[c];
    if (six == kNone) return std::nullopt;
    bits = bits << 6 | six;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>(bits >> count));
      bits &= (uint32_t{1} << count) - 1;
    }
  }
  if (bits != 0) return std::nullopt;
  return bytes;
}

}  // namespace gateway
