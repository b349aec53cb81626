#include "service/resilience/windowed_count.h"

#include <algorithm>
#include <cassert>

namespace gateway {
namespace {

constexpr int kCountBits = 24;
constexpr int kSecondBits = 24;
constexpr uint64_t kCountMask = (uint64_t{1} << kCountBits) - 1;
constexpr uint64_t kSecondMask = (uint64_t{1} << kSecondBits) - 1;

// What a bucket is of: the upper 40 bits of its word, as the lower ones.
uint64_t BucketTag(uint64_t generation, int64_t second) {
  return (generation & 0xffff) << kSecondBits |
         (static_cast<uint64_t>(second) & kSecondMask);
}

// Whether a bucket with this tag is of a later time than one with `other`: of a
// later generation, or of the same and a later second.
bool IsLater(uint64_t tag, uint64_t other) {
  const auto generations =
      static_cast<int16_t>((tag >> kSecondBits) - (other >> kSecondBits));
  if (generations != 0) return generations > 0;
  const uint64_t seconds = (tag - other) & kSecondMask;
  return seconds != 0 && seconds <= kSecondMask / 2;
}

}  // namespace

void WindowedCount::Add(uint64_t generation, int64_t second) {
  assert(second >= 0);
  const uint64_t tag = BucketTag(generation, second);
  std::atomic<uint64_t>& bucket = buckets_[second % kSecondsLimit];
  uint64_t word = bucket.load(std::memory_order_relaxed);
  uint64_t next = 0;
  do {
    const uint64_t held = word >> kCountBits;
    if (held == tag) {
      if ((word & kCountMask) == kCountMask) return;
      next = word + 1;
    } else {
      if ((word & kCountMask) != 0 && IsLater(held, tag)) return;
      next = tag << kCountBits | 1;
    }
  } while (
      !bucket.compare_exchange_weak(word, next, std::memory_order_relaxed));
}

int64_t WindowedCount::Sum(uint64_t generation, int64_t second,
                           int seconds) const {
  assert(seconds > 0 && seconds <= kSecondsLimit);
  int64_t sum = 0;
  for (int64_t s = std::max<int64_t>(second - seconds + 1, 0); s <= second;
       ++s) {
    const uint64_t word =
        buckets_[s % kSecondsLimit].load(std::memory_order_relaxed);
    if (word >> kCountBits == BucketTag(generation, s)) {
      sum += static_cast<int64_t>(word & kCountMask);
    }
  }
  return sum;
}

}  // namespace gateway
