#include "service/limits/counter_table.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "base/os/mutex.h"

namespace gateway {
namespace {

// Other bits than those that choose the bucket; never 0.
uint32_t TagOf(const CounterKey& key) {
  return static_cast<uint32_t>(key.high) | 1;
}

}  // namespace

CounterCell* CounterBucket::Find(const CounterKey& key) {
  const uint32_t tag = TagOf(key);
  for (size_t i = 0; i < kPlaces; ++i) {
    // Pairs with Assign: whoever sees the tag sees the number, too.
    if (head.tags[i].load(std::memory_order_acquire) == tag &&
        counters[i].IsOf(key)) {
      return &counters[i];
    }
  }
  return nullptr;
}

void CounterBucket::Assign(CounterCell& place, const CounterKey& key,
                           int64_t number, std::string subject) {
  assert(place.number.load(std::memory_order_relaxed) == CounterCell::kMoving);
  place.key_low.store(key.low, std::memory_order_relaxed);
  place.key_high.store(key.high, std::memory_order_relaxed);
  place.subject = std::move(subject);
  // Whoever sees this number sees this key.
  place.number.store(number, std::memory_order_release);
  head.tags[static_cast<size_t>(&place - counters.data())].store(
      TagOf(key), std::memory_order_release);
}

CounterTable::CounterTable(size_t counters)
    : buckets_((counters + CounterBucket::kPlaces - 1) /
               CounterBucket::kPlaces),
      pages_((buckets_ + kPageBuckets - 1) / kPageBuckets),
      table_(pages_),
      locks_(std::min(pages_, kLocksMax)) {
  assert(counters > 0);
}

CounterTable::~CounterTable() {
  for (const auto& page : table_) delete[] page.load(std::memory_order_relaxed);
}

CounterCell* CounterTable::Find(const CounterKey& key) const {
  const size_t index = IndexOf(key);
  CounterBucket* const page =
      table_[index / kPageBuckets].load(std::memory_order_acquire);
  return page == nullptr ? nullptr : page[index % kPageBuckets].Find(key);
}

CounterTable::Claim::Claim(CounterTable& table, const CounterKey& key)
    : lock_(table.LockOf(table.IndexOf(key) / kPageBuckets)),
      bucket_(table.BucketAt(table.IndexOf(key))) {}

void CounterTable::ForEachBucket(
    absl::FunctionRef<void(CounterBucket&)> visit) {
  for (size_t i = 0; i < pages_; ++i) {
    CounterBucket* const page = table_[i].load(std::memory_order_acquire);
    if (page == nullptr) continue;
    MutexLock lock(LockOf(i));
    for (size_t k = 0; k < BucketsOf(i); ++k) visit(page[k]);
  }
}

size_t CounterTable::memory_bytes() const {
  size_t bytes = pages_ * sizeof(table_[0]);
  for (size_t i = 0; i < pages_; ++i) {
    if (table_[i].load(std::memory_order_relaxed) == nullptr) continue;
    bytes += BucketsOf(i) * sizeof(CounterBucket);
  }
  return bytes;
}

size_t CounterTable::BucketsOf(size_t page) const {
  return std::min(buckets_ - page * kPageBuckets, kPageBuckets);
}

size_t CounterTable::IndexOf(const CounterKey& key) const {
  return static_cast<size_t>(
      (static_cast<unsigned __int128>(key.low) * buckets_) >> 64);
}

CounterBucket& CounterTable::BucketAt(size_t index) {
  std::atomic<CounterBucket*>& place = table_[index / kPageBuckets];
  CounterBucket* page = place.load(std::memory_order_relaxed);
  if (page == nullptr) {
    page = new CounterBucket[BucketsOf(index / kPageBuckets)];
    place.store(page, std::memory_order_release);
  }
  return page[index % kPageBuckets];
}

}  // namespace gateway
