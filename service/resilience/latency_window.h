// LatencyWindow knows how long a target lately took to its first token: on
// average, for who looks for the fastest, and at a percentile, for who asks
// another target when this one takes longer than it usually does.
//
//   window.Record(now, time_to_first_token);
//   window.Average(now);     // Nothing before the first sample.
//   window.Percentile(now);  // The 95th; nothing while samples are few.
//
// The average is moved by each sample an eighth of the way, and farther after a
// pause: all but the whole way after many times `fade`. While nothing is
// recorded it falls: to half after `fade`, a third after twice that. So a
// target that was slow once, and is not asked for that, is asked again.
//
// The percentile is of the samples of the last `window`, or a sixth less, from
// a histogram with eight buckets for each doubling. It is never below the
// exact one, and above it by 12.5 % and 0.1 ms at most, for samples up to
// kLatencyLimit; longer ones count as that. What Percentile(now) says may be
// up to a second old.
//
// Times are steady times. Thread-safe; recording is lock-free, but that a lock
// is taken once in each sixth of the window. A sample that comes while others
// clear what is too old may be lost, or counted for a sixth more. 4.4 KiB.

#ifndef SERVICE_RESILIENCE_LATENCY_WINDOW_H_
#define SERVICE_RESILIENCE_LATENCY_WINDOW_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "base/os/mutex.h"

namespace gateway {

class LatencyWindow {
 public:
  struct Options {
    // How fast the average forgets. 1 s to 1 h.
    absl::Duration fade = absl::Seconds(30);
    // What the percentile is of. 1 s to 1 h.
    absl::Duration window = absl::Seconds(60);
    // Which percentile. 1 to 100.
    int percent = 95;
    // With fewer samples in the window there is none. 1 to 1000000.
    int minimum_samples = 20;
  };

  static constexpr absl::Duration kLatencyLimit = absl::Minutes(20);

  explicit LatencyWindow(const Options& options);
  LatencyWindow(const LatencyWindow&) = delete;
  LatencyWindow& operator=(const LatencyWindow&) = delete;

  void Record(absl::Duration now, absl::Duration latency) LOCKS_EXCLUDED(mu_);

  std::optional<absl::Duration> Average(absl::Duration now) const;

  // The percentile of the options. Computed once a second, else two loads.
  std::optional<absl::Duration> Percentile(absl::Duration now) const;

  // Any percentile, computed now. REQUIRES: 0 < percent <= 100.
  std::optional<absl::Duration> Percentile(absl::Duration now,
                                           int percent) const;

  // Another window forgets the samples of the percentile.
  void SetOptions(const Options& options) LOCKS_EXCLUDED(mu_);

 private:
  static constexpr size_t kSlots = 6;
  static constexpr size_t kBuckets = 176;

  // The samples of a sixth of the window.
  struct Slot {
    std::atomic<int64_t> epoch = -1;  // Which sixth, since time began.
    std::array<std::atomic<uint32_t>, kBuckets> counts = {};
  };

  void MoveAverage(int64_t now_millis, int64_t micros);
  void ClearFor(Slot& slot, int64_t epoch) LOCKS_EXCLUDED(mu_);

  // Settings, replaced by SetOptions.
  std::atomic<int64_t> fade_millis_;
  std::atomic<int64_t> slot_nanos_;
  std::atomic<int> percent_;
  std::atomic<int> minimum_samples_;

  // Microseconds (32 bits; 0 for none), and when it was last moved, in
  // milliseconds (32 bits).
  std::atomic<uint64_t> average_ = 0;
  // The second after the one in which the percentile was computed (32 bits),
  // and the percentile in units of the histogram, plus one (32 bits).
  mutable std::atomic<uint64_t> computed_ = 0;
  std::array<Slot, kSlots> slots_;

  Mutex mu_;  // Held to clear a slot.
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_LATENCY_WINDOW_H_
