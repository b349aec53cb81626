// The key of a counter: 128 bits of what calls are told apart by, so that no
// text is kept, compared or allocated on a call's way.
//
//   const CounterKey user = KeyOfText("user-7", secret);
//   const CounterKey key = Combine(Combine(seed, caller), user);
//
// SipHash with a secret: whoever chooses texts, as callers do their users'
// names, cannot choose two of one key, nor many that crowd out another's
// counters. Replicas that share counters share the secret.
//
// Thread-safe: plain functions.

#ifndef SERVICE_LIMITS_COUNTER_KEY_H_
#define SERVICE_LIMITS_COUNTER_KEY_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace gateway {

struct CounterKey {
  uint64_t low = 0;
  uint64_t high = 0;

  bool operator==(const CounterKey&) const = default;
};

// The 128 bits that keys are made with.
using KeySecret = std::array<uint64_t, 2>;

// Returns the key of a text: SipHash-1-3 with an output of 128 bits. Takes
// about a nanosecond a byte.
CounterKey KeyOfText(std::string_view text, const KeySecret& secret);

// The same with so many rounds for each word and at the end.
template <int kWordRounds, int kLastRounds>
CounterKey SipHash128(std::string_view text, const KeySecret& secret);
extern template CounterKey SipHash128<1, 3>(std::string_view, const KeySecret&);
extern template CounterKey SipHash128<2, 4>(std::string_view, const KeySecret&);

// Returns the key of what `key` stands for and `next` beside it; the order
// matters. Both are keys of texts, or combined of such.
constexpr CounterKey Combine(const CounterKey& key, const CounterKey& next) {
  // Odd multipliers of well mixed bits: those of PCG and of SplitMix64.
  const uint64_t low = key.low * 6364136223846793005u + next.low;
  const uint64_t high = key.high * 0xbf58476d1ce4e5b9u + next.high;
  return {.low = low ^ (high >> 31), .high = high ^ (low >> 29)};
}

}  // namespace gateway

#endif  // SERVICE_LIMITS_COUNTER_KEY_H_
