// ResponseCache keeps good answers for a while, by the keys of their requests,
// so that the same is not asked twice.
//
//   ResponseCache cache({.ttl = absl::Hours(1), .entries = 10'000,
//                        .size_bytes = 64 << 20, .answer_bytes = 1 << 20},
//                       SystemClock());
//   if (const auto hit = cache.Find(key)) Send(*hit->answer, hit->age);
//   ...
//   cache.Put(key, std::make_shared<const KeptAnswer>(std::move(answer)));
//
// What has expired goes when room is needed, and at each DropExpired, which is
// to be called now and then. Where memory is short, DropOldest gives some of it
// back.
//
// It is bounded in number and in bytes, where each answer counts with what it
// really takes (kept_answer.h). Whoever is found an answer shares it: nothing
// is copied, and it stays whole when it is dropped meanwhile.
//
// Who may see an answer is decided by its key, which has the caller in it
// (request_key.h); whether one may be used or kept, by cache_policy.h.
//
// Thread-safe: parts of it with a lock each, which is held for a look-up and a
// counter. Answers are freed after it.

#ifndef SERVICE_CACHE_RESPONSE_CACHE_H_
#define SERVICE_CACHE_RESPONSE_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "service/cache/cache_shard.h"
#include "service/cache/kept_answer.h"
#include "service/cache/request_key.h"

namespace gateway {

class ResponseCache {
 public:
  struct Limits {
    absl::Duration ttl;
    size_t entries = 0;
    size_t size_bytes = 0;
    // What takes more is not kept: it would push out too much else.
    size_t answer_bytes = 0;
  };

  struct Hit {
    KeptAnswerPtr answer;
    absl::Duration age;
  };

  struct Stats : CacheShard::Counts {
    uint64_t too_large = 0;  // Answers that were not kept since they are.
    // `for_memory` has those too that were not kept for want of memory.
    size_t entries = 0;
    size_t size_bytes = 0;
  };

  // Borrows `clock`.
  ResponseCache(const Limits& limits, Clock& clock);

  ResponseCache(const ResponseCache&) = delete;
  ResponseCache& operator=(const ResponseCache&) = delete;

  // Finds an answer that is no older than `age_max`.
  std::optional<Hit> Find(const RequestKey& key,
                          absl::Duration age_max = absl::InfiniteDuration());

  // Keeps an answer, for as long as `ttl` if that is shorter than the
  // configured one, in place of what had the same key; one that was kept
  // elsewhere since `age`, for what is left of it. False if it takes more than
  // may be. REQUIRES: `answer` is not null.
  bool Put(const RequestKey& key, KeptAnswerPtr answer,
           absl::Duration ttl = absl::InfiniteDuration(),
           absl::Duration age = absl::ZeroDuration());

  // Why an answer is not put here.
  enum class Refusal { kTooLarge, kMemory };
  // Counts it. Where it is for want of memory, what had the same key goes, too:
  // there is a newer answer.
  void Refuse(const RequestKey& key, Refusal why);

  // Frees what has expired; looks at a few thousand answers, and goes on there
  // the next time.
  void DropExpired();

  // For want of memory: frees those that were stored first, so that of the
  // bytes of each part `share`, in (0, 1], is gone; a few thousand answers at
  // most. Called again and again it leaves nothing.
  void DropOldest(double share);

  void Remove(const RequestKey& key);
  void Clear();

  // What of an answer's bytes cannot be kept, for whoever gathers them.
  size_t answer_bytes_max() const { return answer_bytes_max_; }

  // As of now, one part after the other.
  Stats stats() const;

 private:
  // Each part has room for so many answers at least, and for so many of the
  // largest; so a small cache has one.
  static constexpr size_t kShardsMax = 16;
  static constexpr size_t kShardEntriesMin = 256;
  static constexpr size_t kShardLargestMin = 4;
  // So many answers of a part are looked at, or dropped, at once.
  static constexpr size_t kShardWorkMax = 256;

  struct Shard {
    explicit Shard(const CacheShard::Limits& limits) : entries(limits) {}

    mutable Mutex mu;
    CacheShard entries GUARDED_BY(mu);
    uint64_t too_large GUARDED_BY(mu) = 0;
    uint64_t refused_for_memory GUARDED_BY(mu) = 0;
  };

  static size_t ShardCount(const Limits& limits);
  Shard& ShardOf(const RequestKey& key) {
    return *shards_[key.digest.back() & (shards_.size() - 1)];
  }

  // Constant after construction.
  const Limits limits_;
  Clock& clock_;
  std::vector<std::unique_ptr<Shard>> shards_;  // A power of two of them.
  size_t answer_bytes_max_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_CACHE_RESPONSE_CACHE_H_
