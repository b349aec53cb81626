// RedisAnswers keeps answers in a Redis that replicas of the gateway share, for
// a ResponseCache (response_cache.h) that does not have them.
//
//   RedisAnswers answers({.prefix = "llmgw:"},
//                        [] { return ClientOfThisLoop(); }, SystemClock());
//   std::optional<RedisAnswers::Hit> hit =
//       co_await answers.Find(caller, key, ttl, age_max);
//   ...
//   answers.Put(caller, key, std::move(answer), ttl);   // Waits for nobody.
//
// Whoever looks waits for one command, and no longer than the client's time
// limit; while the client knows that Redis is away nobody asks it. Whatever
// fails is a miss, and so is what is there and no record of ours.
//
// The command asks for the first kRedisSmallBytesMax bytes. What has more is
// fetched by RedisClient::bulk(), where it takes its turn among what others
// fetch, and is a miss if that does not come within kTurnPatience; it is
// written there, too.
//
// Answers are written beside the calls that have made them, and bounded: what
// does not fit is not written, and counted.
//
// A record has the time at which it was kept, so that its age is right at each
// replica as far as their clocks agree; Redis drops it after its `ttl`. Its
// name begins with a number that is another where records are.
//
// Thread-safe, as long as each loop has a client of its own.

#ifndef SERVICE_CACHE_REDIS_ANSWERS_H_
#define SERVICE_CACHE_REDIS_ANSWERS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/redis/redis_client.h"
#include "base/redis/redis_reply.h"
#include "service/cache/kept_answer.h"
#include "service/cache/request_key.h"

namespace gateway {

class RedisAnswers {
 public:
  // What takes more is not written.
  static constexpr size_t kAnswerBytesMax = 1024 * 1024;
  // What may be on its way to Redis at once.
  static constexpr size_t kWritingBytesMax = 8 * 1024 * 1024;
  // How long a look waits for its turn to fetch what is large: a provider
  // would be asked in about the same time.
  static constexpr absl::Duration kTurnPatience = absl::Milliseconds(200);

  struct Options {
    // What the names of its keys begin with.
    std::string prefix = "llmgw:";
  };

  struct Hit {
    KeptAnswerPtr answer;
    absl::Duration age;
  };

  // Since the start of the process.
  struct Stats {
    uint64_t hits = 0;
    uint64_t misses = 0;  // Too old ones among them.
    uint64_t unreadable = 0;
    uint64_t failed = 0;  // Redis answered with an error, or not in time.
    uint64_t away = 0;    // It is away, and known to be, but to the first.
    uint64_t kept = 0;
    // Not kept: too large, too much on its way, Redis away or failing.
    uint64_t too_large = 0;
    uint64_t no_room = 0;
    uint64_t not_written = 0;
  };

  // Borrows `clock`.
  RedisAnswers(Options options, RedisClientOfLoop client, Clock& clock)
      : options_(std::move(options)),
        client_(std::move(client)),
        clock_(clock) {}

  RedisAnswers(const RedisAnswers&) = delete;
  RedisAnswers& operator=(const RedisAnswers&) = delete;

  // Finds an answer that is no older than `age_max`, and younger than `ttl`. On
  // a loop. `caller`, for whom, stays until it has ended.
  Task<std::optional<Hit>> Find(std::string_view caller, RequestKey key,
                                absl::Duration ttl, absl::Duration age_max);

  // Has the answer kept for `ttl`, from now on, in place of what has the same
  // key; soon, if at all. On a loop. REQUIRES: `answer` is not null.
  void Put(std::string_view caller, const RequestKey& key, KeptAnswerPtr answer,
           absl::Duration ttl);

  Stats stats() const;

 private:
  struct Counts {
    std::atomic<uint64_t> hits = 0;
    std::atomic<uint64_t> misses = 0;
    std::atomic<uint64_t> unreadable = 0;
    std::atomic<uint64_t> failed = 0;
    std::atomic<uint64_t> away = 0;
    std::atomic<uint64_t> kept = 0;
    std::atomic<uint64_t> too_large = 0;
    std::atomic<uint64_t> no_room = 0;
    std::atomic<uint64_t> not_written = 0;
  };

  // The client of this loop, if its Redis answers.
  RedisClient* Reachable() const;
  std::string NameOf(const RequestKey& key) const;
  // What there is under the name; UNAVAILABLE and others as the client says.
  Task<absl::StatusOr<RedisReply>> Fetch(RedisClient& client,
                                         std::string_view caller,
                                         std::string_view name);
  struct Writing {
    std::string caller;
    RequestKey key;
    KeptAnswerPtr answer;
    absl::Time kept;
    absl::Duration ttl;
    size_t bytes = 0;  // Given back at the end.
  };
  Task<void> Write(RedisClient& client, Writing writing);
  Task<absl::Status> Send(RedisClient& client, Writing& writing);

  const Options options_;
  const RedisClientOfLoop client_;
  Clock& clock_;
  Counts counts_;
  std::atomic<size_t> writing_bytes_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_CACHE_REDIS_ANSWERS_H_
