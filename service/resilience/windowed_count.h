// WindowedCount counts what happened within the last seconds, in buckets of one
// second each. What another generation counted, as before a reset, is not in a
// sum, so that nothing has to be cleared.
//
//   WindowedCount failures;
//   failures.Add(generation, now_second);
//   failures.Sum(generation, now_second, 30);  // This second and 29 before it.
//
// So an event of a window of 30 s is remembered for 29 s at least and 30 s at
// most. A bucket holds kCountLimit events, and counts no further. Generations
// are compared modulo 2^16 and seconds modulo 2^24, that is 194 days.
//
// Thread-safe and lock-free. Adding is one compare-and-swap of one word; 1 KiB
// of memory.

#ifndef SERVICE_RESILIENCE_WINDOWED_COUNT_H_
#define SERVICE_RESILIENCE_WINDOWED_COUNT_H_

#include <array>
#include <atomic>
#include <cstdint>

namespace gateway {

class WindowedCount {
 public:
  // The longest window, in seconds.
  static constexpr int kSecondsLimit = 128;
  static constexpr int64_t kCountLimit = (1 << 24) - 1;

  // Counts one event. Nothing is counted if its bucket already serves a later
  // second or generation. REQUIRES: second >= 0.
  void Add(uint64_t generation, int64_t second);

  // Returns how many events of this generation came within the `seconds` that
  // end with `second`. REQUIRES: 0 < seconds <= kSecondsLimit.
  int64_t Sum(uint64_t generation, int64_t second, int seconds) const;

 private:
  // The generation (16 bits), the second (24 bits), the count (24 bits).
  std::array<std::atomic<uint64_t>, kSecondsLimit> buckets_ = {};
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_WINDOWED_COUNT_H_
