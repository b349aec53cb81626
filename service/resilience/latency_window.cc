#include "service/resilience/latency_window.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace gateway {
namespace {

// The histogram counts in units of 0.1 ms: up to 15 each has a bucket, from
// there on eight buckets share each doubling.
constexpr int64_t kUnitNanos = 100'000;
constexpr int kSubBits = 3;

size_t BucketOf(uint64_t units) {
  if (units < (1 << kSubBits)) return units;
  const int exponent = std::bit_width(units) - 1;
  return (static_cast<size_t>(exponent - kSubBits + 1) << kSubBits) +
         ((units >> (exponent - kSubBits)) & ((1 << kSubBits) - 1));
}

// The most units that are counted in the bucket.
uint64_t UpperEdge(size_t bucket) {
  if (bucket < (1 << kSubBits)) return bucket;
  const int shift = static_cast<int>(bucket >> kSubBits) - 1;
  const uint64_t sub = bucket & ((1 << kSubBits) - 1);
  return (((1 << kSubBits) + sub + 1) << shift) - 1;
}

// The part of the way that a sample moves the average, of kWholeWay.
constexpr int64_t kWholeWay = 1024;
constexpr int64_t kLeastWay = kWholeWay / 8;

constexpr uint64_t Packed(uint64_t high, uint64_t low) {
  return high << 32 | (low & 0xffffffff);
}
constexpr uint32_t High(uint64_t packed) { return packed >> 32; }
constexpr uint32_t Low(uint64_t packed) {
  return static_cast<uint32_t>(packed);
}

// How long ago it was; 0 if that is still to come, for a loop whose time is a
// little behind.
int64_t MillisSince(uint32_t then, int64_t now_millis) {
  return std::max(
      static_cast<int32_t>(static_cast<uint32_t>(now_millis) - then), 0);
}

}  // namespace

LatencyWindow::LatencyWindow(const Options& options) : slot_nanos_(0) {
  SetOptions(options);
}

void LatencyWindow::SetOptions(const Options& options) {
  assert(options.percent > 0 && options.percent <= 100);
  assert(options.fade > absl::ZeroDuration());
  assert(options.window >= absl::Seconds(1));
  fade_millis_.store(absl::ToInt64Milliseconds(options.fade),
                     std::memory_order_relaxed);
  percent_.store(options.percent, std::memory_order_relaxed);
  minimum_samples_.store(options.minimum_samples, std::memory_order_relaxed);
  computed_.store(0, std::memory_order_relaxed);
  const int64_t slot = absl::ToInt64Nanoseconds(options.window) / kSlots;
  if (slot_nanos_.exchange(slot, std::memory_order_relaxed) != slot) {
    for (Slot& each : slots_) ClearFor(each, -1);
  }
}

void LatencyWindow::Record(absl::Duration now, absl::Duration latency) {
  const int64_t nanos = absl::ToInt64Nanoseconds(
      std::clamp(latency, absl::ZeroDuration(), kLatencyLimit));
  MoveAverage(absl::ToInt64Milliseconds(now), nanos / 1000);

  const int64_t epoch = absl::ToInt64Nanoseconds(now) /
                        slot_nanos_.load(std::memory_order_relaxed);
  Slot& slot = slots_[epoch % kSlots];
  const int64_t held = slot.epoch.load(std::memory_order_acquire);
  if (held > epoch) return;  // Of a loop whose time is far behind.
  if (held < epoch) ClearFor(slot, epoch);
  const uint64_t units = (nanos + kUnitNanos - 1) / kUnitNanos;
  slot.counts[BucketOf(units)].fetch_add(1, std::memory_order_relaxed);
}

void LatencyWindow::MoveAverage(int64_t now_millis, int64_t micros) {
  const int64_t fade = fade_millis_.load(std::memory_order_relaxed);
  uint64_t held = average_.load(std::memory_order_relaxed);
  uint64_t next = 0;
  do {
    const int64_t average = High(held);
    const int64_t pause = MillisSince(Low(held), now_millis);
    const int64_t way =
        average == 0 ? kWholeWay
                     : std::max(kLeastWay, pause * kWholeWay / (pause + fade));
    const int64_t moved = average + (micros - average) * way / kWholeWay;
    // An average of less than a microsecond is one all the same.
    next = Packed(std::max<int64_t>(moved, 1),
                  average == 0 || pause > 0 ? now_millis : Low(held));
  } while (
      !average_.compare_exchange_weak(held, next, std::memory_order_relaxed));
}

void LatencyWindow::ClearFor(Slot& slot, int64_t epoch) {
  MutexLock lock(mu_);
  if (epoch >= 0 && slot.epoch.load(std::memory_order_relaxed) >= epoch) return;
  for (std::atomic<uint32_t>& count : slot.counts) {
    count.store(0, std::memory_order_relaxed);
  }
  slot.epoch.store(epoch, std::memory_order_release);
}

std::optional<absl::Duration> LatencyWindow::Average(absl::Duration now) const {
  const uint64_t held = average_.load(std::memory_order_relaxed);
  const int64_t average = High(held);
  if (average == 0) return std::nullopt;
  const int64_t fade = fade_millis_.load(std::memory_order_relaxed);
  const int64_t pause = MillisSince(Low(held), absl::ToInt64Milliseconds(now));
  return absl::Microseconds(average * fade / (fade + pause));
}

std::optional<absl::Duration> LatencyWindow::Percentile(
    absl::Duration now) const {
  const auto second = static_cast<uint32_t>(absl::ToInt64Seconds(now) + 1);
  uint64_t computed = computed_.load(std::memory_order_relaxed);
  if (High(computed) != second) {
    const std::optional<absl::Duration> fresh =
        Percentile(now, percent_.load(std::memory_order_relaxed));
    computed =
        Packed(second, fresh.has_value()
                           ? absl::ToInt64Nanoseconds(*fresh) / kUnitNanos + 1
                           : 0);
    computed_.store(computed, std::memory_order_relaxed);
  }
  if (Low(computed) == 0) return std::nullopt;
  return absl::Nanoseconds((Low(computed) - int64_t{1}) * kUnitNanos);
}

std::optional<absl::Duration> LatencyWindow::Percentile(absl::Duration now,
                                                        int percent) const {
  assert(percent > 0 && percent <= 100);
  const int64_t epoch = absl::ToInt64Nanoseconds(now) /
                        slot_nanos_.load(std::memory_order_relaxed);
  std::array<uint64_t, kBuckets> counts = {};
  uint64_t samples = 0;
  for (const Slot& slot : slots_) {
    const int64_t held = slot.epoch.load(std::memory_order_acquire);
    if (held < 0 || held + static_cast<int64_t>(kSlots) <= epoch) continue;
    for (size_t i = 0; i < kBuckets; ++i) {
      const uint64_t count = slot.counts[i].load(std::memory_order_relaxed);
      counts[i] += count;
      samples += count;
    }
  }
  if (samples <
      static_cast<uint64_t>(minimum_samples_.load(std::memory_order_relaxed))) {
    return std::nullopt;
  }
  const uint64_t rank = (samples * percent + 99) / 100;
  uint64_t seen = 0;
  size_t bucket = 0;
  while ((seen += counts[bucket]) < rank) ++bucket;
  return absl::Nanoseconds(static_cast<int64_t>(UpperEdge(bucket)) *
                           kUnitNanos);
}

}  // namespace gateway
