#include "base/redis/redis_slot.h"

#include <array>
#include <cstddef>

namespace gateway {
namespace {

// CRC-16/XMODEM, as the Cluster specification has it.
constexpr std::array<uint16_t, 256> MakeCrcTable() {
  constexpr uint16_t kPolynomial = 0x1021;
  std::array<uint16_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000) != 0 ? (crc << 1) ^ kPolynomial : crc << 1;
    }
    table[byte] = static_cast<uint16_t>(crc);
  }
  return table;
}
constexpr std::array<uint16_t, 256> kCrcTable = MakeCrcTable();

// The part of the key that counts: what is between the first brace and the next
// closing one, unless that is nothing.
std::string_view HashTag(std::string_view key) {
  const size_t open = key.find('{');
  if (open == std::string_view::npos) return key;
  const size_t close = key.find('}', open + 1);
  if (close == std::string_view::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

}  // namespace

uint16_t RedisSlot(std::string_view key) {
  uint16_t crc = 0;
  for (const char c : HashTag(key)) {
    const uint8_t index = static_cast<uint8_t>((crc >> 8) ^ c);
    crc = static_cast<uint16_t>((crc << 8) ^ kCrcTable[index]);
  }
  return crc % kRedisSlots;
}

}  // namespace gateway
