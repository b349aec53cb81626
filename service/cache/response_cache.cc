#include "service/cache/response_cache.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace gateway {

size_t ResponseCache::ShardCount(const Limits& limits) {
  const size_t largest = std::max<size_t>(limits.answer_bytes, 1);
  const size_t shards =
      std::min({limits.entries / kShardEntriesMin,
                limits.size_bytes / kShardLargestMin / largest, kShardsMax});
  return std::bit_floor(std::max<size_t>(shards, 1));
}

ResponseCache::ResponseCache(const Limits& limits, Clock& clock)
    : limits_(limits), clock_(clock) {
  const size_t count = ShardCount(limits);
  const CacheShard::Limits part = {.entries = limits.entries / count,
                                   .size_bytes = limits.size_bytes / count};
  for (size_t i = 0; i < count; ++i) {
    shards_.push_back(std::make_unique<Shard>(part));
  }
  if (part.entries > 0) {
    answer_bytes_max_ = std::min(limits.answer_bytes, part.size_bytes);
  }
}

std::optional<ResponseCache::Hit> ResponseCache::Find(const RequestKey& key,
                                                      absl::Duration age_max) {
  const absl::Duration now = clock_.SteadyTime();
  CacheShard::Dropped dropped;  // Freed after the lock.
  Shard& shard = ShardOf(key);
  CacheShard::Found found;
  {
    MutexLock lock(shard.mu);
    found = shard.entries.Find(key, now, now - age_max, &dropped);
  }
  if (found.answer == nullptr) return std::nullopt;
  return Hit{.answer = std::move(found.answer), .age = now - found.stored};
}

bool ResponseCache::Put(const RequestKey& key, KeptAnswerPtr answer,
                        absl::Duration ttl, absl::Duration age) {
  const size_t bytes = CacheShard::EntryBytes(*answer);
  const absl::Duration stored = clock_.SteadyTime() - age;
  CacheShard::Dropped dropped;
  Shard& shard = ShardOf(key);
  MutexLock lock(shard.mu);
  if (bytes > answer_bytes_max_) {
    ++shard.too_large;
    return false;
  }
  shard.entries.Put(key, std::move(answer), bytes, stored,
                    stored + std::min(ttl, limits_.ttl), &dropped);
  return true;
}

void ResponseCache::Refuse(const RequestKey& key, Refusal why) {
  CacheShard::Dropped dropped;
  Shard& shard = ShardOf(key);
  MutexLock lock(shard.mu);
  if (why == Refusal::kTooLarge) {
    ++shard.too_large;
    return;
  }
  ++shard.refused_for_memory;
  shard.entries.Remove(key, &dropped);
}

void ResponseCache::DropExpired() {
  const absl::Duration now = clock_.SteadyTime();
  for (const auto& shard : shards_) {
    CacheShard::Dropped dropped;
    MutexLock lock(shard->mu);
    shard->entries.DropExpired(now, kShardWorkMax, &dropped);
  }
}

void ResponseCache::DropOldest(double share) {
  for (const auto& shard : shards_) {
    CacheShard::Dropped dropped;
    MutexLock lock(shard->mu);
    const double bytes = static_cast<double>(shard->entries.size_bytes());
    shard->entries.DropOldest(static_cast<size_t>(std::ceil(bytes * share)),
                              kShardWorkMax, &dropped);
  }
}

void ResponseCache::Remove(const RequestKey& key) {
  CacheShard::Dropped dropped;
  Shard& shard = ShardOf(key);
  MutexLock lock(shard.mu);
  shard.entries.Remove(key, &dropped);
}

void ResponseCache::Clear() {
  for (const auto& shard : shards_) {
    CacheShard::Dropped dropped;
    MutexLock lock(shard->mu);
    shard->entries.Clear(&dropped);
  }
}

ResponseCache::Stats ResponseCache::stats() const {
  Stats sum;
  for (const auto& shard : shards_) {
    MutexLock lock(shard->mu);
    const CacheShard::Counts& counts = shard->entries.counts();
    sum.hits += counts.hits;
    sum.misses += counts.misses;
    sum.stored += counts.stored;
    sum.evicted += counts.evicted;
    sum.expired += counts.expired;
    sum.for_memory += counts.for_memory + shard->refused_for_memory;
    sum.too_large += shard->too_large;
    sum.entries += shard->entries.entries();
    sum.size_bytes += shard->entries.size_bytes();
  }
  return sum;
}

}  // namespace gateway
