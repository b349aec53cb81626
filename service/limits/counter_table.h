// CounterTable holds counters by their keys, each in a cache line of its own,
// shared by all event loops. It is bounded: a counter lives in one of the eight
// places of a bucket that its key has, and where all are in use another must
// give way. RateCounters and CallCounters say which, and what becomes of what
// it had counted.
//
// A counter that is there is found and changed without a lock. A new one takes
// a lock that few share, for some hundred nanoseconds. Memory is taken as
// buckets are first used, and kept.
//
// To give a counter's place to another key, its number is exchanged for
// kMoving, so that it is known to the last unit and no change of it succeeds
// any more. Whoever found the counter before and changes it after looks at the
// key again: if that has gone, his change was made to the one that came, and he
// is to begin anew. So a race with an eviction costs whoever came one change
// that was not his, and loses none.
//
// Each counter has the subject that its key was made of, for operators.
//
// Thread-safe.

#ifndef SERVICE_LIMITS_COUNTER_TABLE_H_
#define SERVICE_LIMITS_COUNTER_TABLE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/os/mutex.h"
#include "service/limits/counter_key.h"

namespace gateway {

// A number with the key that it counts for.
struct alignas(64) CounterCell {
  // A number while its place is given to another key.
  static constexpr int64_t kMoving = std::numeric_limits<int64_t>::min();

  std::atomic<uint64_t> key_low = 0;
  std::atomic<uint64_t> key_high = 0;
  std::atomic<int64_t> number = 0;
  // What the key stands for; read and written under the bucket's lock.
  std::string subject;

  bool IsOf(const CounterKey& key) const {
    return key_low.load(std::memory_order_relaxed) == key.low &&
           key_high.load(std::memory_order_relaxed) == key.high;
  }
};

// Counters of keys that have these places in common.
struct CounterBucket {
  static constexpr size_t kPlaces = 8;

  // Looked at by whoever looks for a counter, so that he reads two lines.
  struct alignas(64) Head {
    // Of the key at each place; 0 of none.
    std::array<std::atomic<uint32_t>, kPlaces> tags = {};
    // What was counted for keys that had to give way, or that found no place.
    std::atomic<int64_t> others = 0;
  };

  Head head;
  std::array<CounterCell, kPlaces> counters;

  // Returns the counter of the key; null if there is none.
  CounterCell* Find(const CounterKey& key);

  // Gives the place to `key`, counting from `number`. REQUIRES: the caller has
  // exchanged its number for kMoving, under the lock of the bucket.
  void Assign(CounterCell& place, const CounterKey& key, int64_t number,
              std::string subject);
};

// Makes the text of a key's subject; asked only when a counter begins.
using SubjectText = absl::FunctionRef<std::string()>;

class CounterTable {
 public:
  // Has places for so many counters, rounded up to whole buckets. REQUIRES:
  // counters > 0.
  explicit CounterTable(size_t counters);
  CounterTable(const CounterTable&) = delete;
  CounterTable& operator=(const CounterTable&) = delete;
  ~CounterTable();

  // Returns the counter of the key, without a lock; null if there is none.
  CounterCell* Find(const CounterKey& key) const;

  // Holds the bucket of a key, so that nobody else gives places of it away.
  class Claim {
   public:
    Claim(CounterTable& table, const CounterKey& key);
    CounterBucket& bucket() { return bucket_; }

   private:
    const MutexLock lock_;
    CounterBucket& bucket_;
  };

  // Visits each bucket that was used, under its lock.
  void ForEachBucket(absl::FunctionRef<void(CounterBucket&)> visit);

  // Memory in use, in bytes, without that of subjects.
  size_t memory_bytes() const;

 private:
  static constexpr size_t kPageBuckets = 16;
  static constexpr size_t kLocksMax = 16;

  // How many buckets the page has.
  size_t BucketsOf(size_t page) const;
  Mutex& LockOf(size_t page) { return locks_[page % locks_.size()]; }
  size_t IndexOf(const CounterKey& key) const;
  CounterBucket& BucketAt(size_t index);

  const size_t buckets_;
  const size_t pages_;
  // Arrays of buckets; null where none was used. Written under the page's lock.
  std::vector<std::atomic<CounterBucket*>> table_;
  std::vector<Mutex> locks_;
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_COUNTER_TABLE_H_
