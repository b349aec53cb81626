// The functions of KeyClaims (service/cache/key_claims.h), which run in Redis.
// Each has one key, a hash:
//
//   state        `running`, `ended`, `broken`; `released`, which is as good as
//                not there
//   fingerprint  of the request that it was used with
//   token        of who runs it, or has
//   request      the id of the call that runs it, or has
//   until        while it runs: when its claim has passed, unless it is
//   renewed,
//                by the time of Redis in milliseconds
//   asked        when it was asked for last since then, by that time
//   watched      for how many milliseconds, since its claim was made or renewed
//                last, somebody asked for it: Redis could be reached, and who
//                runs it has not renewed it
//   end          once it has ended: how
//
// It counts as broken once its claim has passed and was watched for as long as
// a claim lasts: whoever could not renew it, since Redis was away, has that
// time once Redis is there again. Between two askings no more than a tenth of
// that is watched: nobody knows of longer whether Redis was there. Who runs it
// takes it up again by renewing it, broken or not, and its end is its end.
//
// It vanishes `ttl` after its end, or after its claim's.
//
// Thread-safe: constants.

#ifndef SERVICE_CACHE_REDIS_KEY_FUNCTIONS_H_
#define SERVICE_CACHE_REDIS_KEY_FUNCTIONS_H_

#include <cstddef>

#include "base/redis/redis_library.h"

namespace gateway {

// Indices of the library's functions. The first arguments of each are those of
// a claim: token, fingerprint, request, and the milliseconds of the claim and
// of `ttl`.
//
// most -> [what is so, request, ...]: 1 claimed; 2 running, and its token;
// 3 ended, and how; 4 broken, and its token; 5 another fingerprint; 6 ended,
// its token, and the bytes of how, which are more than `most`
inline constexpr size_t kRedisClaimKey = 0;
// -> 1, or 0 where another has the key, or it has ended or was released
inline constexpr size_t kRedisRenewKey = 1;
// end -> 1, or 0 where another has the key
inline constexpr size_t kRedisEndKey = 2;
// -> 1, or 0 where another has the key, or it has ended
inline constexpr size_t kRedisReleaseKey = 3;

// Lives until the process ends.
const RedisLibrary& RedisKeyLibrary();

}  // namespace gateway

#endif  // SERVICE_CACHE_REDIS_KEY_FUNCTIONS_H_
