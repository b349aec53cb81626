// RedisSession is what a test speaks to a Redis server with: a loop, a resolver
// and options whose times are ample, so that a slow machine fails no test.
//
//   TEST(X, Y) {
//     RedisServer server;
//     RedisSession session(server.port());
//     session.Run([](RedisSession& session) -> Task<void> {
//       auto connection = co_await session.Dial();
//       ...
//     });
//   }
//
// Thread contract: one thread.

#ifndef TESTS_BASE_REDIS_REDIS_SESSION_H_
#define TESTS_BASE_REDIS_REDIS_SESSION_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/net/resolver.h"
#include "base/redis/redis_connection.h"
#include "base/redis/redis_dial.h"
#include "base/redis/redis_options.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/redis_server.h"

namespace gateway {

class RedisSession {
 public:
  explicit RedisSession(uint16_t server_port) : port(server_port) {
    options.command_timeout = absl::Seconds(10);
    options.connect_timeout = absl::Seconds(10);
    options.silence_limit = absl::Seconds(10);
  }

  // A lambda without captures, since it is a coroutine.
  using Body = Task<void> (*)(RedisSession&);
  void Run(Body body) { runner.Run(OnLoop(*this, body)); }

  // A connection that has shaken hands, or null with the test failed.
  Task<std::unique_ptr<RedisConnection>> Dial() {
    absl::StatusOr<std::unique_ptr<RedisConnection>> connection =
        co_await TryDial();
    EXPECT_TRUE(connection.ok()) << connection.status();
    if (!connection.ok()) co_return nullptr;
    co_return *std::move(connection);
  }
  Task<absl::StatusOr<std::unique_ptr<RedisConnection>>> TryDial() {
    HostPort where{host, port};
    RedisDial dial(*names, options, std::move(where));
    co_return co_await dial.Connect();
  }
  Task<absl::Status> DialStatus() {
    const absl::StatusOr<std::unique_ptr<RedisConnection>> connection =
        co_await TryDial();
    co_return connection.status();
  }

  std::string host = "127.0.0.1";
  uint16_t port;
  RedisConnectionOptions options;
  Resolver resolver;
  LoopRunner runner;
  LoopResolver* names = nullptr;  // Set while it runs.
  // What the test wants at hand.
  RedisServer* server = nullptr;
  void* test = nullptr;

 private:
  static Task<void> OnLoop(RedisSession& session, Body body) {
    LoopResolver names(session.resolver);
    session.names = &names;
    co_await body(session);
    session.names = nullptr;
  }
};

// Remembers what a connection told.
class RedisEvents final : public RedisConnection::Observer {
 public:
  void OnStalled() override { Count(stalled); }
  void OnCaughtUp() override { Count(caught_up); }
  void OnPush(const RedisReply& message) override {
    std::string text;
    for (const RedisValue part : message.value()) {
      if (!text.empty()) text += ' ';
      text += part.type() == RedisType::kInteger
                  ? std::to_string(part.integer())
                  : std::string(part.text());
    }
    pushes.push_back(std::move(text));
    changed_.Set();
  }
  void OnClosed(const absl::Status& status) override {
    why = status;
    Count(closed);
  }

  // Waits until `count`, which is one of those below, is at least so much.
  Task<void> Await(const int& count, int least = 1) {
    while (count < least) co_await changed_.Wait();
  }
  Task<void> AwaitPushes(size_t least) {
    while (pushes.size() < least) co_await changed_.Wait();
  }

  int stalled = 0;
  int caught_up = 0;
  int closed = 0;
  absl::Status why;
  std::vector<std::string> pushes;

 private:
  void Count(int& count) {
    ++count;
    changed_.Set();
  }

  WakeUp changed_;
};

}  // namespace gateway

#endif  // TESTS_BASE_REDIS_REDIS_SESSION_H_
