// LoopRedis is the client of the Redis that replicas share, on one event loop:
// whatever runs there finds it.
//
//   LoopRedis redis(resolver, access);                // On the loop.
//   ...
//   RedisClient* const client = LoopRedis::OfThisLoop();  // Null elsewhere.
//   ...
//   co_await redis.Close();
//
// Thread contract: one event loop; one of a thread at a time.

#ifndef SERVICE_LOOP_REDIS_H_
#define SERVICE_LOOP_REDIS_H_

#include <memory>

#include "base/async/task.h"
#include "base/net/resolver.h"
#include "base/redis/redis_client.h"
#include "base/redis/redis_health.h"
#include "base/redis/redis_options.h"

namespace gateway {

// How it is reached, and who is told whether it is.
struct RedisAccess {
  std::shared_ptr<const RedisOptions> options;  // Null if there is none.
  RedisHealth* health = nullptr;                // Borrowed.
};

class LoopRedis {
 public:
  // Borrows `resolver`. Begins to connect. REQUIRES: there is a Redis.
  LoopRedis(Resolver& resolver, const RedisAccess& access);
  // REQUIRES: Close has ended.
  ~LoopRedis() = default;

  LoopRedis(const LoopRedis&) = delete;
  LoopRedis& operator=(const LoopRedis&) = delete;

  // The client of the loop that this is called on; null if it has none, or none
  // any more.
  static RedisClient* OfThisLoop();

  RedisClient& client() { return client_; }

  // From now on nobody finds it; ends what waits.
  Task<void> Close();

 private:
  RedisClient client_;
};

}  // namespace gateway

#endif  // SERVICE_LOOP_REDIS_H_
