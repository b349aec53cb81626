// A CacheShard is one part of a ResponseCache (response_cache.h): answers by
// their keys, bounded in number and bytes. What goes when there is no room is
// decided by S3-FIFO (Yang et al., SOSP 2023): what comes goes through a small
// queue, and only what is asked for again while it is there, or soon after it
// has left, gets into the large one.
//
// Why not the least recently used: most prompts are asked once, and each would
// push out an answer that is asked for all day. And an answer that is found
// moves nowhere, which keeps the lock short.
//
// Thread-compatible.

#ifndef SERVICE_CACHE_CACHE_SHARD_H_
#define SERVICE_CACHE_CACHE_SHARD_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "service/cache/kept_answer.h"
#include "service/cache/request_key.h"

namespace gateway {

// Has seen many keys and remembers the last of them.
class SeenKeys {
 public:
  explicit SeenKeys(size_t entries_limit) : entries_limit_(entries_limit) {}

  void Add(const RequestKey& key);
  // Whether the key was among them; it is not any more.
  bool Take(const RequestKey& key);
  void Clear();

 private:
  const size_t entries_limit_;
  std::deque<uint64_t> order_;  // Oldest first; may have keys that were taken.
  absl::flat_hash_set<uint64_t> keys_;
};

class CacheShard {
 public:
  struct Limits {
    size_t entries = 0;
    size_t size_bytes = 0;
  };

  struct Counts {
    uint64_t hits = 0;
    uint64_t misses = 0;  // What had expired among them.
    uint64_t stored = 0;
    uint64_t evicted = 0;  // For want of room.
    uint64_t expired = 0;
    uint64_t for_memory = 0;  // For want of memory.
  };

  struct Found {
    KeptAnswerPtr answer;  // Null if there is none.
    absl::Duration stored;
  };

  // Receives what is dropped, to be freed without the lock.
  using Dropped = std::vector<KeptAnswerPtr>;

  explicit CacheShard(const Limits& limits);

  CacheShard(const CacheShard&) = delete;
  CacheShard& operator=(const CacheShard&) = delete;

  // Finds an answer stored at `stored_min` or later. All times are steady.
  Found Find(const RequestKey& key, absl::Duration now,
             absl::Duration stored_min, Dropped* dropped);

  // Replaces what had the same key. `bytes`, EntryBytes of the answer, must be
  // within the limit. It is as old as if it was put here at `stored`, now or
  // before.
  void Put(const RequestKey& key, KeptAnswerPtr answer, size_t bytes,
           absl::Duration stored, absl::Duration expiry, Dropped* dropped);

  void Remove(const RequestKey& key, Dropped* dropped);
  void Clear(Dropped* dropped);

  // Looks at `looks_max` answers for whether they have expired, and drops those
  // that have; goes on where it stopped before.
  void DropExpired(absl::Duration now, size_t looks_max, Dropped* dropped);

  // For want of memory: drops those that were stored first, up to
  // `entries_max`, until they are `bytes` or more, or none is left.
  void DropOldest(size_t bytes, size_t entries_max, Dropped* dropped);

  // What an answer takes here, with its place.
  static size_t EntryBytes(const KeptAnswer& answer);

  size_t entries() const { return index_.size(); }
  size_t size_bytes() const { return small_bytes_ + main_bytes_; }
  const Counts& counts() const { return counts_; }

 private:
  struct Entry {
    RequestKey key;
    KeptAnswerPtr answer;
    size_t bytes = 0;
    absl::Duration stored;
    absl::Duration expiry;
    bool in_main = false;
    // How often it was found since it was put into its queue, up to a limit.
    uint8_t hits = 0;
  };
  using Queue = std::list<Entry>;  // The newest first.

  // Of all bytes, the small queue may have this share before it is taken from.
  static constexpr size_t kSmallShare = 10;
  static constexpr uint8_t kHitsMax = 3;
  // So many at the end of each queue are looked at for whether they have
  // expired, each time that something is put in.
  static constexpr int kExpiredAtOnce = 2;
  static constexpr size_t kSeenKeysMax = 8192;

  bool IsOver() const {
    return index_.size() > limits_.entries || size_bytes() > limits_.size_bytes;
  }
  size_t& BytesOf(const Entry& entry) {
    return entry.in_main ? main_bytes_ : small_bytes_;
  }
  void Drop(Queue::iterator entry, Dropped* dropped);
  void DropExpiredAtEnd(Queue& queue, absl::Duration now, Dropped* dropped);
  void Evict(Dropped* dropped);
  void EvictFromSmall(Dropped* dropped);
  void EvictFromMain(Dropped* dropped);

  const Limits limits_;
  Queue small_;
  Queue main_;
  absl::flat_hash_map<RequestKey, Queue::iterator> index_;
  SeenKeys evicted_;  // From the small queue.
  // Where DropExpired goes on; from the end of the small queue if not set, or
  // gone.
  std::optional<RequestKey> next_look_;
  size_t small_bytes_ = 0;
  size_t main_bytes_ = 0;
  Counts counts_;
};

}  // namespace gateway

#endif  // SERVICE_CACHE_CACHE_SHARD_H_
