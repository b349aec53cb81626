// The functions in Lua by which limits are counted in a Redis that replicas
// share, each in one step and by Redis's own time. What they take and return is
// told in redis_limit_functions.cc, beside their text; who calls them is
// service/limits/redis_limit_calls.h.
//
// A limit in time is a TAT (service/limits/gcra.h), kept as whole seconds and
// nanoseconds, since Lua's numbers have 53 bits. What lies ahead of now is told
// in nanoseconds, at most kRedisLongest.
//
// Thread contract: immutable.

#ifndef SERVICE_LIMITS_REDIS_LIMIT_FUNCTIONS_H_
#define SERVICE_LIMITS_REDIS_LIMIT_FUNCTIONS_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "base/redis/redis_library.h"

namespace gateway {

// So many nanoseconds, 52 days, a TAT may lie ahead: sums of two are whole
// numbers in Lua.
inline constexpr int64_t kRedisLongest = 4'500'000'000'000'000;

// Calls at once of a replica that says nothing for so long count no more.
inline constexpr absl::Duration kSharedCallsKept = absl::Seconds(15);

enum RedisLimitFunction : size_t {
  kRedisTake,   // Takes of several limits, all or nothing.
  kRedisLease,  // Charges one limit, and takes a part of it.
  kRedisCalls,  // Says how many calls a replica has under way.
};

// How many arguments kRedisTake has for each key.
inline constexpr size_t kRedisTakeArguments = 7;

const RedisLibrary& RedisLimitLibrary();

}  // namespace gateway

#endif  // SERVICE_LIMITS_REDIS_LIMIT_FUNCTIONS_H_
