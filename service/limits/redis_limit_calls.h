// RedisLimitCalls asks a Redis that replicas share: it is the functions of
// redis_limit_functions.h as C++ calls them.
//
//   const RedisLimitCalls redis({.prefix = "llmgw:", .replica = "5f0c"});
//   std::vector<RedisTake> takes = {...};
//   const auto taken = co_await redis.Take(client, takes);
//
// Limits that are taken together are one round trip; in a Cluster one for each
// slot, side by side, and then all or nothing holds within a slot.
//
// Thread contract: immutable; a call belongs to its client's event loop.

#ifndef SERVICE_LIMITS_REDIS_LIMIT_CALLS_H_
#define SERVICE_LIMITS_REDIS_LIMIT_CALLS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/redis/redis_client.h"
#include "base/redis/redis_command.h"
#include "base/redis/redis_reply.h"
#include "service/limits/limit_rule.h"

namespace gateway {

// What is to be taken of one limit.
struct RedisTake {
  SharedCounterName name = {};
  bool observes = false;
  bool counts_calls = false;
  // Of a limit in time, in nanoseconds: how far the TAT may lie ahead, what is
  // taken, and how far the TAT is known to lie ahead.
  int64_t tolerance = 0;
  int64_t interval = 0;
  int64_t known_ahead = 0;
  // Of calls at once: how many this replica has with this one, and how many it
  // would have in advance. `sequence` grows with each message.
  int64_t limit = 0;
  int64_t calls = 0;
  int64_t calls_wanted = 0;
  int64_t sequence = 0;
};

// What became of it.
struct RedisTaken {
  enum class State : uint8_t {
    kConforms,  // Nothing was taken, since another refused.
    kTaken,
    kRefused,
    kObserved,  // Would have been refused.
  };
  State state = State::kConforms;
  // How far ahead the TAT lies, in nanoseconds; or how many calls there are.
  int64_t number = 0;
  // Of one that was refused, nanoseconds until it conforms; or how many calls
  // this replica may have.
  int64_t rest = 0;
};

// What is told of one limit in time, and asked for.
struct RedisLeaseAsk {
  SharedCounterName name = {};
  int64_t tolerance = 0;
  int64_t charge = 0;  // Nanoseconds; may be negative.
  int64_t known_ahead = 0;
  // What parts are worth, the largest first; the first that conforms is taken.
  std::vector<int64_t> parts;
};

struct RedisLeased {
  size_t part = 0;  // Counted from 1; 0 for none.
  int64_t ahead = 0;
  int64_t wait = 0;  // Until the last part conforms.
};

class RedisLimitCalls {
 public:
  struct Options {
    // What the names of its keys begin with; without braces.
    std::string prefix = "llmgw:";
    // Names this process among the replicas.
    std::string replica;
    bool is_cluster = false;
  };

  explicit RedisLimitCalls(Options options) : options_(std::move(options)) {}

  // Errors are RedisClient's; INTERNAL if the answer is none. `takes` stay
  // until it has ended.
  Task<std::vector<absl::StatusOr<RedisTaken>>> Take(
      RedisClient& client, const std::vector<RedisTake>& takes) const;
  Task<absl::StatusOr<RedisLeased>> Lease(RedisClient& client,
                                          const RedisLeaseAsk& ask) const;
  // Says how many calls of the name this replica has, and returns how many
  // others have.
  Task<absl::StatusOr<int64_t>> TellCalls(RedisClient& client,
                                          SharedCounterName name, int64_t calls,
                                          int64_t sequence) const;

 private:
  std::string KeyOf(const SharedCounterName& name) const;
  // Of the takes at these places.
  RedisCommand TakeCommand(const std::vector<RedisTake>& takes,
                           const std::vector<size_t>& places) const;
  // The places of takes that go to Redis together.
  std::vector<std::vector<size_t>> Group(
      const std::vector<RedisTake>& takes) const;

  const Options options_;
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_REDIS_LIMIT_CALLS_H_
