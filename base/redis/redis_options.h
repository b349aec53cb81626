// How a Redis server is reached and how much is waited for it. What is left out
// is as the gateway has it by default.
//
// Thread-compatible.

#ifndef BASE_REDIS_REDIS_OPTIONS_H_
#define BASE_REDIS_REDIS_OPTIONS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/net/host_port.h"
#include "base/net/tls_context.h"
#include "base/redis/redis_reader.h"
#include "base/secret.h"

namespace gateway {

// When a server that could not be reached, or was too slow, is tried again:
// each time after twice as long, less up to a half by chance.
struct RedisBackOff {
  absl::Duration first = absl::Milliseconds(100);
  absl::Duration longest = absl::Seconds(2);
};

// What a connection shows the server, and believes it by.
struct RedisCredentials {
  Secret password{""};
  std::shared_ptr<const TlsContext> tls;
};

struct RedisConnectionOptions {
  // Of an ACL user; with a password alone the server's `default` user is meant,
  // in the way that servers before Redis 6 know, too. Empty for no AUTH.
  std::string user;
  Secret password{""};

  // Null for connections without TLS.
  std::shared_ptr<const TlsContext> tls;
  // The name that the server's certificate must be for; the host if empty.
  std::string tls_server_name;

  // Where passwords and certificates are exchanged while connections stand:
  // says what takes the place of `password` and `tls`. Asked by each connection
  // that begins, on its loop, so that several may ask at once. Null where they
  // stay.
  std::function<RedisCredentials()> latest;

  // A server that is a replica is refused, where the server says what it is.
  bool master_only = false;

  // Selected if it is not 0, which is the only one that a Cluster has.
  int database = 0;
  // What `CLIENT LIST` shows; not set if empty, nor where the server refuses.
  std::string client_name;
  // What RedisHealth knows it by, behind the server's name: empty for the one
  // that Redis counts as up or away by.
  std::string purpose;

  // From the look-up of the name until the server has answered a PING.
  absl::Duration connect_timeout = absl::Seconds(1);
  // From a command to its reply.
  absl::Duration command_timeout = absl::Milliseconds(20);
  // A connection on which replies are overdue and none has come for so long is
  // closed: the peer is gone, or will not recover by itself.
  absl::Duration silence_limit = absl::Seconds(1);

  // A server that has said nothing for so long is sent a PING, so that one that
  // is gone is found out before somebody needs it.
  absl::Duration ping_interval = absl::Seconds(5);
  RedisBackOff back_off;

  // What may have been sent, or be about to be, and not been answered.
  size_t commands_in_flight_limit = 16 * 1024;
  size_t bytes_in_flight_limit = 16 * 1024 * 1024;
  RedisReplyLimits reply_limits;
};

// What a connection has that begins now.
inline RedisCredentials CredentialsOf(const RedisConnectionOptions& options) {
  if (options.latest != nullptr) return options.latest();
  return {options.password, options.tls};
}

struct RedisOptions {
  enum class Topology {
    kStandalone,  // The first address.
    kSentinel,    // The addresses are those of sentinels.
    kCluster,     // The addresses are those of some nodes.
  };
  Topology topology = Topology::kStandalone;
  // REQUIRES: one at least.
  std::vector<HostPort> addresses;
  // What sentinels call the master.
  std::string master_name;

  RedisConnectionOptions connection;
  // Of connections to sentinels.
  RedisConnectionOptions sentinel;
};

// The name of a server in errors, in the log and in RedisHealth.
inline std::string RedisAddress(const HostPort& where) {
  return JoinHostPort(where.host, std::to_string(where.port));
}

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_OPTIONS_H_
