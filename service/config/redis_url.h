// Where a Redis is, as other programs are told it in one variable:
// `redis://user:password@host:6379/0`, with `rediss` for TLS. Everything but
// the host may be left out.
//
//   const absl::StatusOr<RedisUrl> url = ParseRedisUrl("redis://cache/2");
//   // "cache:6379", database 2
//
// Thread-safe: plain functions.

#ifndef SERVICE_CONFIG_REDIS_URL_H_
#define SERVICE_CONFIG_REDIS_URL_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/secret.h"

namespace gateway {

struct RedisUrl {
  bool tls = false;
  std::string user;  // Empty if none is named.
  Secret password{""};
  std::string address;  // As in `host:port`.
  std::optional<int> database;
};

// Takes a URL apart. INVALID_ARGUMENT if it is none of a Redis; the message
// repeats nothing of it, since there may be a password in it.
absl::StatusOr<RedisUrl> ParseRedisUrl(std::string_view text);

// Returns the password of a secret that is such a URL, and otherwise the secret
// itself.
Secret RedisPasswordIn(const Secret& secret);

}  // namespace gateway

#endif  // SERVICE_CONFIG_REDIS_URL_H_
