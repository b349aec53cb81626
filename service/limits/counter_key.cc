#include "service/limits/counter_key.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace gateway {
namespace {

static_assert(std::endian::native == std::endian::little);

// The four words of SipHash's state.
struct SipState {
  uint64_t v0;
  uint64_t v1;
  uint64_t v2;
  uint64_t v3;

  void Round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }

  template <int kRounds>
  void Rounds() {
    for (int i = 0; i < kRounds; ++i) Round();
  }

  uint64_t Sum() const { return v0 ^ v1 ^ v2 ^ v3; }
};

}  // namespace

template <int kWordRounds, int kLastRounds>
CounterKey SipHash128(std::string_view text, const KeySecret& secret) {
  // The constants are those of the paper; 0xee stands for 128 bits.
  SipState state = {.v0 = secret[0] ^ 0x736f6d6570736575,
                    .v1 = secret[1] ^ 0x646f72616e646f6d ^ 0xee,
                    .v2 = secret[0] ^ 0x6c7967656e657261,
                    .v3 = secret[1] ^ 0x7465646279746573};
  const auto take = [&state](uint64_t word) {
    state.v3 ^= word;
    state.Rounds<kWordRounds>();
    state.v0 ^= word;
  };
  uint64_t last = static_cast<uint64_t>(text.size()) << 56;
  while (text.size() >= sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, text.data(), sizeof(word));
    take(word);
    text.remove_prefix(sizeof(word));
  }
  for (size_t i = 0; i < text.size(); ++i) {
    last |= static_cast<uint64_t>(static_cast<uint8_t>(text[i])) << (8 * i);
  }
  take(last);
  CounterKey key;
  state.v2 ^= 0xee;
  state.Rounds<kLastRounds>();
  key.low = state.Sum();
  state.v1 ^= 0xdd;
  state.Rounds<kLastRounds>();
  key.high = state.Sum();
  return key;
}

template CounterKey SipHash128<1, 3>(std::string_view, const KeySecret&);
template CounterKey SipHash128<2, 4>(std::string_view, const KeySecret&);

CounterKey KeyOfText(std::string_view text, const KeySecret& secret) {
  return SipHash128<1, 3>(text, secret);
}

}  // namespace gateway
