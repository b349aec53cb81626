// ConnectedRedis is a client of a Redis on 127.0.0.1, for tests of what asks
// one. It is patient with a slow machine unless told otherwise.
//
//   ConnectedRedis redis(server.port());            // On a loop.
//   co_await redis.AwaitUp(true);
//   ... redis.client() ...
//   co_await redis.client().Close();
//
// Thread contract: one event loop.

#ifndef TESTS_SERVICE_CACHE_CONNECTED_REDIS_H_
#define TESTS_SERVICE_CACHE_CONNECTED_REDIS_H_

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/net/resolver.h"
#include "base/redis/redis_client.h"
#include "base/redis/redis_options.h"

namespace gateway {

class ConnectedRedis {
 public:
  explicit ConnectedRedis(uint16_t port,
                          absl::Duration patience = absl::Seconds(10))
      : client_(resolver_, OptionsFor(port, patience), health_) {
    client_.SetOnChange([this](bool) { changed_.Set(); });
  }

  // Until the client knows that Redis is there, or that it is not.
  Task<void> AwaitUp(bool up = true) {
    while (client_.up() != up) co_await changed_.Wait();
  }
  RedisClient& client() { return client_; }

 private:
  static std::shared_ptr<const RedisOptions> OptionsFor(
      uint16_t port, absl::Duration patience) {
    auto options = std::make_shared<RedisOptions>();
    options->addresses.push_back({"127.0.0.1", port});
    options->connection.command_timeout = patience;
    options->connection.connect_timeout = absl::Seconds(10);
    options->connection.silence_limit = absl::Seconds(10);
    options->connection.back_off.first = absl::Milliseconds(5);
    options->connection.back_off.longest = absl::Milliseconds(20);
    return options;
  }

  WakeUp changed_;
  Resolver resolver_;
  RedisHealth health_;
  RedisClient client_;
};

}  // namespace gateway

#endif  // TESTS_SERVICE_CACHE_CONNECTED_REDIS_H_
