// What Redis's error replies mean. A reply such as "OOM command not allowed
// when used memory > 'maxmemory'." begins with a code in capitals; the status
// that it becomes has the same text, so the code can be asked for again.
//
//   if (RedisErrorCode(status.message()) == "NOSCRIPT") ...
//
// Thread contract: plain functions.

#ifndef BASE_REDIS_REDIS_ERROR_H_
#define BASE_REDIS_REDIS_ERROR_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/redis/redis_reply.h"

namespace gateway {

// Returns the first word of an error's text.
std::string_view RedisErrorCode(absl::string_view error);

// Returns what an error reply says, at most some hundred bytes of it, and
// without the arguments of the command, which Redis repeats where it does not
// know it:
//
// UNAVAILABLE: not now, or not here: LOADING, BUSY, READONLY, MASTERDOWN,
//   CLUSTERDOWN, TRYAGAIN, NOREPLICAS, MISCONF, too many clients; MOVED and ASK
//   that lead nowhere.
// RESOURCE_EXHAUSTED: OOM.
// UNAUTHENTICATED: NOAUTH, WRONGPASS. PERMISSION_DENIED: NOPERM.
// FAILED_PRECONDITION: anything else, since asking again changes nothing.
absl::Status RedisErrorStatus(std::string_view error);

// Returns `reply`, or the status of the error that it is. Errors within an
// array stay there.
absl::StatusOr<RedisReply> CheckRedisReply(absl::StatusOr<RedisReply> reply);

// Returns `why`, which happened at the server of this name; one that says so
// already stays as it is.
absl::Status AtRedisServer(std::string_view address, const absl::Status& why);

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_ERROR_H_
