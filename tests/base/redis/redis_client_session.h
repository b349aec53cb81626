// RedisClientSession is a client on a loop of a test, with times that are
// ample.
//
//   RedisClientSession session(options);
//   session.Run([](RedisClientSession& session) -> Task<void> {
//     co_await session.AwaitUp();
//     ... co_await session.client->Call(...) ...
//   });
//
// The client is closed when the body has ended.
//
// Thread contract: one thread.

#ifndef TESTS_BASE_REDIS_REDIS_CLIENT_SESSION_H_
#define TESTS_BASE_REDIS_REDIS_CLIENT_SESSION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/net/host_port.h"
#include "base/net/resolver.h"
#include "base/redis/redis_client.h"
#include "base/redis/redis_error.h"
#include "base/redis/redis_options.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/redis_server.h"

namespace gateway {

class RedisClientSession {
 public:
  explicit RedisClientSession(std::vector<uint16_t> ports) {
    for (const uint16_t port : ports) {
      options.addresses.push_back({"127.0.0.1", port});
    }
    options.connection.command_timeout = absl::Seconds(10);
    options.connection.connect_timeout = absl::Seconds(10);
    options.connection.silence_limit = absl::Seconds(10);
    options.sentinel = options.connection;
  }

  // A lambda without captures, since it is a coroutine.
  using Body = Task<void> (*)(RedisClientSession&);
  void Run(Body body) { runner.Run(OnLoop(*this, body)); }

  Task<void> AwaitUp() {
    while (!client->up()) co_await changed.Wait();
  }
  Task<void> AwaitDown() {
    while (client->up()) co_await changed.Wait();
  }

  // The text of the reply, or of the status.
  Task<std::string> Ask(RedisCommand command) {
    const absl::StatusOr<RedisReply> reply =
        co_await client->Call(std::move(command));
    co_return TextOf(reply);
  }
  static std::string TextOf(const absl::StatusOr<RedisReply>& reply) {
    if (!reply.ok()) return reply.status().ToString();
    if (reply->type() == RedisType::kInteger) {
      return std::to_string(reply->integer());
    }
    return std::string(reply->text());
  }

  RedisOptions options;
  RedisHealth health;
  FakeRandom random{1};
  Resolver resolver;
  LoopRunner runner;
  WakeUp changed;  // Set when the client has come up or gone down.
  RedisClient* client = nullptr;
  // What the test wants at hand.
  RedisServer* server = nullptr;
  void* test = nullptr;

 private:
  static Task<void> OnLoop(RedisClientSession& session, Body body) {
    RedisClient client(session.resolver,
                       std::make_shared<RedisOptions>(session.options),
                       session.health, session.random);
    session.client = &client;
    client.SetOnChange([&session](bool) { session.changed.Set(); });
    co_await body(session);
    co_await client.Close();
  }
};

}  // namespace gateway

#endif  // TESTS_BASE_REDIS_REDIS_CLIENT_SESSION_H_
