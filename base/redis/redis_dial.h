// RedisDial opens one connection to a Redis server: it looks the name up,
// connects, shakes hands if there is TLS, says who we are and waits until the
// server answers a PING.
//
//   RedisDial dial(names, options, {"redis.internal", 6379});
//   absl::StatusOr<std::unique_ptr<RedisConnection>> connection =
//       co_await dial.Connect();
//
// Thread contract: one event loop.

#ifndef BASE_REDIS_REDIS_DIAL_H_
#define BASE_REDIS_REDIS_DIAL_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/net/host_port.h"
#include "base/net/resolver.h"
#include "base/net/stream.h"
#include "base/net/tcp_dial.h"
#include "base/redis/redis_connection.h"
#include "base/redis/redis_options.h"

namespace gateway {

class RedisDial {
 public:
  // Borrows `names`, and `options` for the connection, too.
  RedisDial(LoopResolver& names, const RedisConnectionOptions& options,
            HostPort where);

  RedisDial(const RedisDial&) = delete;
  RedisDial& operator=(const RedisDial&) = delete;

  // Returns a connection that takes commands. Called once. UNAVAILABLE when the
  // server cannot be reached or trusted, DEADLINE_EXCEEDED when that takes
  // longer than connect_timeout, errors of RedisConnection::Handshake, and what
  // Abandon was called with.
  Task<absl::StatusOr<std::unique_ptr<RedisConnection>>> Connect();

  // Makes Connect end soon, with `why`. Only the first call counts.
  void Abandon(absl::Status why);

 private:
  Task<absl::StatusOr<std::unique_ptr<Stream>>> Reach();
  // Returns the reason of Abandon, if there is one, in place of an error that
  // follows from it, and names the server.
  absl::Status Explain(const absl::Status& status) const;

  LoopResolver& names_;
  const RedisConnectionOptions& options_;
  const HostPort where_;
  const std::string address_;
  TcpDial tcp_;
  Timer too_slow_;
  Stream* securing_ = nullptr;           // While TLS shakes hands.
  RedisConnection* greeting_ = nullptr;  // During its handshake.
  WakeUp interrupt_;
  absl::Status why_;  // OK until abandoned.
};

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_DIAL_H_
