// SharingRedis is a Redis, and a loop of the test with a client of it.
//
//   SharingRedis redis;
//   redis.Run([](RedisClient& client, RedisServer& server) -> Task<void> {
//     ...
//   });
//
// Thread contract: one thread.

#ifndef TESTS_SERVICE_BUDGETS_SHARING_REDIS_H_
#define TESTS_SERVICE_BUDGETS_SHARING_REDIS_H_

#include <memory>

#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/net/resolver.h"
#include "base/redis/redis_client.h"
#include "base/redis/redis_health.h"
#include "base/redis/redis_options.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/redis_server.h"

namespace gateway {

class SharingRedis {
 public:
  // A lambda without captures, since it is a coroutine. Begins when the client
  // is connected.
  using Body = Task<void> (*)(RedisClient& client, RedisServer& server);
  void Run(Body body) { runner.Run(OnLoop(*this, body)); }

  RedisServer server;
  LoopRunner runner;

 private:
  static Task<void> OnLoop(SharingRedis& self, Body body) {
    auto options = std::make_shared<RedisOptions>();
    options->addresses.push_back({"127.0.0.1", self.server.port()});
    // Soon there again, and patient with a slow machine.
    options->connection.back_off.first = absl::Milliseconds(5);
    options->connection.back_off.longest = absl::Milliseconds(20);
    options->connection.command_timeout = absl::Seconds(2);
    options->connection.connect_timeout = absl::Seconds(2);
    Resolver resolver;
    RedisHealth health;
    WakeUp changed;
    RedisClient client(resolver, options, health);
    client.SetOnChange([&changed](bool) { changed.Set(); });
    while (!client.up()) co_await changed.Wait();
    co_await body(client, self.server);
    co_await client.Close();
  }
};

}  // namespace gateway

#endif  // TESTS_SERVICE_BUDGETS_SHARING_REDIS_H_
