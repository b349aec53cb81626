// SharedRedis is what the process has of the Redis that replicas share: how it
// is reached, whether it answers, the limits that are counted, the answers
// that are kept and the idempotency keys that are known there.
//
//   SharedRedis redis;
//   GATEWAY_RETURN_IF_ERROR(redis.Open(config, metrics));
//   ... Ports{.shared_counters = redis.counters()} ...
//   ... LoopRuntime::Shared{.redis = redis.access()} ...
//   redis.Follow(loop);
//   ...
//   redis.Stop();  // While the loop runs.
//
// Each loop has a client of its own (service/loop_redis.h), which connects by
// itself: nothing here waits for a Redis that is down.
//
// Outlives the loops, and the runtime snapshots that count by it.
//
// Thread contract: one thread, which is none of the loops'; what is returned is
// as its class says.

#ifndef SERVICE_SHARED_REDIS_H_
#define SERVICE_SHARED_REDIS_H_

#include <functional>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "base/redis/redis_health.h"
#include "base/redis/redis_options.h"
#include "service/cache/key_claims.h"
#include "service/cache/redis_answers.h"
#include "service/config/snapshot.h"
#include "service/latest_value.h"
#include "service/limits/counter_store.h"
#include "service/limits/shared_counter_store.h"
#include "service/loop_redis.h"
#include "service/observability/metrics.h"

namespace gateway {

// How connections to the Redis of this configuration are made; null if it has
// none. INVALID_ARGUMENT if TLS cannot be spoken with what it names.
absl::StatusOr<std::shared_ptr<const RedisOptions>> RedisOptionsOf(
    const ConfigSnapshot& config);

class SharedRedis {
 public:
  SharedRedis() = default;

  // Adds `llmgw_redis_up{server}`, `llmgw_redis_outages_total{server}` and
  // those of the limits to `registry`, where there is a Redis.
  absl::Status Open(const ConfigSnapshot& config, MetricRegistry& registry);

  // What loops reach it by.
  RedisAccess access() { return {options_, &health_}; }
  // Null if there is no Redis.
  const RedisHealth* health() const {
    return options_ == nullptr ? nullptr : &health_;
  }
  // Null if this process shares limits with nobody.
  CounterStore* counters() { return counters_.get(); }
  // Null if there is no Redis.
  RedisAnswers* answers() { return answers_.get(); }
  KeyClaims* claims() { return claims_.get(); }

  // What puts another configuration into force, as far as that is not read at
  // the start: how many replicas there are, and passwords and certificates,
  // which connections that begin from then on have. Those that stand stay.
  // INVALID_ARGUMENT as RedisOptionsOf.
  absl::StatusOr<std::function<void()>> Prepare(const ConfigSnapshot& next);

  // Keeps limits and idempotency keys in step with Redis, if there is one, on
  // that loop, which is borrowed, until Stop.
  void Follow(EventLoop& loop);
  // How calls with idempotency keys have ended is told to Redis first, for up
  // to `patience`, or a little longer where that is next to nothing. REQUIRES:
  // the loop runs.
  void Stop(absl::Duration patience = absl::ZeroDuration());

 private:
  // Has connections ask what their credentials are by then.
  void FollowCredentials();
  void AddMetrics(MetricRegistry& registry);

  using Credentials = LatestValue<RedisCredentials>;

  std::shared_ptr<const RedisOptions> options_;
  // Of servers, and of sentinels; null if there is no Redis.
  std::shared_ptr<Credentials> credentials_;
  std::shared_ptr<Credentials> sentinel_credentials_;
  RedisHealth health_;
  std::unique_ptr<SharedCounterStore> counters_;
  std::unique_ptr<RedisAnswers> answers_;
  std::unique_ptr<KeyClaims> claims_;
  EventLoop* follows_on_ = nullptr;  // Null where nobody follows.
};

}  // namespace gateway

#endif  // SERVICE_SHARED_REDIS_H_
