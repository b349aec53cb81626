#include "service/cache/cache_shard.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <utility>

namespace gateway {
namespace {

// A quarter of a digest: two that are the same do no harm here.
uint64_t ShortForm(const RequestKey& key) {
  uint64_t bits;
  std::memcpy(&bits, key.digest.data() + sizeof(bits), sizeof(bits));
  return bits;
}

}  // namespace

void SeenKeys::Add(const RequestKey& key) {
  const uint64_t bits = ShortForm(key);
  if (!keys_.insert(bits).second) return;
  order_.push_back(bits);
  if (order_.size() <= entries_limit_) return;
  keys_.erase(order_.front());
  order_.pop_front();
}

bool SeenKeys::Take(const RequestKey& key) {
  return keys_.erase(ShortForm(key)) > 0;
}

void SeenKeys::Clear() {
  order_.clear();
  keys_.clear();
}

CacheShard::CacheShard(const Limits& limits)
    : limits_(limits), evicted_(std::min(limits.entries, kSeenKeysMax)) {}

size_t CacheShard::EntryBytes(const KeptAnswer& answer) {
  // Its node of the queue; its slot of the index, of which an eighth to a half
  // stays free; and what is remembered of its key once it is gone.
  constexpr size_t kNode = sizeof(Entry) + 2 * sizeof(void*) + kAllocationBytes;
  constexpr size_t kSlot = 2 * (sizeof(RequestKey) + sizeof(void*) + 1);
  constexpr size_t kSeen = 3 * sizeof(uint64_t) + 2;
  return HeldBytes(answer) + kNode + kSlot + kSeen;
}

CacheShard::Found CacheShard::Find(const RequestKey& key, absl::Duration now,
                                   absl::Duration stored_min,
                                   Dropped* dropped) {
  const auto found = index_.find(key);
  if (found == index_.end()) {
    ++counts_.misses;
    return {};
  }
  Entry& entry = *found->second;
  if (entry.expiry <= now) {
    ++counts_.misses;
    ++counts_.expired;
    Drop(found->second, dropped);
    return {};
  }
  if (entry.stored < stored_min) {
    ++counts_.misses;
    return {};
  }
  ++counts_.hits;
  entry.hits = std::min<uint8_t>(entry.hits + 1, kHitsMax);
  return {.answer = entry.answer, .stored = entry.stored};
}

void CacheShard::Put(const RequestKey& key, KeptAnswerPtr answer, size_t bytes,
                     absl::Duration stored, absl::Duration expiry,
                     Dropped* dropped) {
  ++counts_.stored;
  const auto known = index_.find(key);
  if (known != index_.end()) {
    Entry& entry = *known->second;
    BytesOf(entry) += bytes - entry.bytes;
    dropped->push_back(std::exchange(entry.answer, std::move(answer)));
    entry.bytes = bytes;
    entry.stored = stored;
    entry.expiry = expiry;
  } else {
    const bool in_main = evicted_.Take(key);
    Queue& queue = in_main ? main_ : small_;
    queue.push_front({.key = key,
                      .answer = std::move(answer),
                      .bytes = bytes,
                      .stored = stored,
                      .expiry = expiry,
                      .in_main = in_main});
    index_.emplace(key, queue.begin());
    BytesOf(queue.front()) += bytes;
  }
  DropExpiredAtEnd(small_, stored, dropped);
  DropExpiredAtEnd(main_, stored, dropped);
  while (IsOver()) Evict(dropped);
}

void CacheShard::Remove(const RequestKey& key, Dropped* dropped) {
  const auto found = index_.find(key);
  if (found != index_.end()) Drop(found->second, dropped);
}

void CacheShard::Clear(Dropped* dropped) {
  for (Queue* const queue : {&small_, &main_}) {
    while (!queue->empty()) Drop(queue->begin(), dropped);
  }
  evicted_.Clear();
}

void CacheShard::Drop(Queue::iterator entry, Dropped* dropped) {
  BytesOf(*entry) -= entry->bytes;
  dropped->push_back(std::move(entry->answer));
  index_.erase(entry->key);
  (entry->in_main ? main_ : small_).erase(entry);
}

void CacheShard::DropExpired(absl::Duration now, size_t looks_max,
                             Dropped* dropped) {
  Queue* queue = &small_;
  auto after = small_.end();  // What was looked at last.
  if (next_look_) {
    const auto found = index_.find(*next_look_);
    if (found != index_.end()) {
      queue = found->second->in_main ? &main_ : &small_;
      after = std::next(found->second);
    }
    next_look_.reset();
  }
  for (size_t looks = 0;;) {
    if (after == queue->begin()) {
      if (queue == &main_) return;
      queue = &main_;
      after = main_.end();
      continue;
    }
    const auto entry = std::prev(after);
    if (looks++ == looks_max) {
      next_look_ = entry->key;
      return;
    }
    if (entry->expiry > now) {
      after = entry;
    } else {
      ++counts_.expired;
      Drop(entry, dropped);
    }
  }
}

void CacheShard::DropOldest(size_t bytes, size_t entries_max,
                            Dropped* dropped) {
  const size_t left = size_bytes() - std::min(bytes, size_bytes());
  for (size_t i = 0; i < entries_max && size_bytes() > left; ++i) {
    const bool from_small =
        main_.empty() ||
        (!small_.empty() && small_.back().stored <= main_.back().stored);
    ++counts_.for_memory;
    Drop(std::prev((from_small ? small_ : main_).end()), dropped);
  }
}

void CacheShard::DropExpiredAtEnd(Queue& queue, absl::Duration now,
                                  Dropped* dropped) {
  for (int i = 0; i < kExpiredAtOnce; ++i) {
    if (queue.empty() || queue.back().expiry > now) return;
    ++counts_.expired;
    Drop(std::prev(queue.end()), dropped);
  }
}

void CacheShard::Evict(Dropped* dropped) {
  const bool small_is_large = small_bytes_ * kSmallShare > limits_.size_bytes ||
                              small_.size() * kSmallShare > limits_.entries;
  if (!small_.empty() && (small_is_large || main_.empty())) {
    EvictFromSmall(dropped);
  } else {
    EvictFromMain(dropped);
  }
}

void CacheShard::EvictFromSmall(Dropped* dropped) {
  const auto oldest = std::prev(small_.end());
  if (oldest->hits == 0) {
    ++counts_.evicted;
    evicted_.Add(oldest->key);
    Drop(oldest, dropped);
    return;
  }
  small_bytes_ -= oldest->bytes;
  main_bytes_ += oldest->bytes;
  oldest->hits = 0;
  oldest->in_main = true;
  main_.splice(main_.begin(), small_, oldest);
}

void CacheShard::EvictFromMain(Dropped* dropped) {
  const auto oldest = std::prev(main_.end());
  if (oldest->hits == 0) {
    ++counts_.evicted;
    Drop(oldest, dropped);
    return;
  }
  // Ends: each time round costs one.
  --oldest->hits;
  main_.splice(main_.begin(), main_, oldest);
}

}  // namespace gateway
