// RedisStoreHarness is a RedisRecordStore over a Redis of its own, asked on one
// loop, which the harness runs while it is made, passes time and goes.
//
// Thread contract: one thread.

#ifndef TESTS_SERVICE_STORE_REDIS_STORE_HARNESS_H_
#define TESTS_SERVICE_STORE_REDIS_STORE_HARNESS_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/net/resolver.h"
#include "base/os/clock.h"
#include "base/redis/redis_client.h"
#include "service/store/redis_record_store.h"
#include "tests/service/store/record_store_conformance.h"
#include "tests/testing/redis_server.h"

namespace gateway {

// Ample times, so that a slow machine fails no test.
inline std::shared_ptr<const RedisOptions> RedisOptionsFor(uint16_t port) {
  auto options = std::make_shared<RedisOptions>();
  options->addresses.push_back({"127.0.0.1", port});
  options->connection.command_timeout = absl::Seconds(10);
  options->connection.connect_timeout = absl::Seconds(10);
  options->connection.silence_limit = absl::Seconds(10);
  return options;
}

// A client, from being connected to being closed.
class ConnectedRedis {
 public:
  explicit ConnectedRedis(uint16_t port)
      : client_(resolver_, RedisOptionsFor(port), health_) {
    client_.SetOnChange([this](bool) { changed_.Set(); });
  }
  Task<void> AwaitUp() {
    while (!client_.up()) co_await changed_.Wait();
  }
  RedisClient& client() { return client_; }

 private:
  WakeUp changed_;
  Resolver resolver_;
  RedisHealth health_;
  RedisClient client_;
};

class RedisStoreHarness : public RecordStoreHarness {
 public:
  explicit RedisStoreHarness(EventLoop& loop,
                             const RedisServer::Options& options = {})
      : server_(options), loop_(loop) {
    Run(Connect());
  }
  ~RedisStoreHarness() override { Run(Disconnect()); }

  RecordStore& store() override { return store_; }
  absl::Time Now() override { return SystemClock().WallTime(); }
  void Pass(absl::Duration duration) override { Run(Wait(duration)); }

  RedisServer& server() { return server_; }
  // Until the client has noticed that its server was started anew.
  void AwaitUp() { Run(redis_->AwaitUp()); }

 private:
  void Run(Task<void> task) {
    loop_.Post([this, &task] { Spawn(AndStop(std::move(task))); });
    loop_.Run();
  }
  Task<void> AndStop(Task<void> task) {
    co_await std::move(task);
    loop_.Stop();
  }
  Task<void> Connect() {
    redis_ = std::make_unique<ConnectedRedis>(server_.port());
    co_await redis_->AwaitUp();
  }
  Task<void> Disconnect() {
    co_await redis_->client().Close();
    redis_.reset();
  }
  Task<void> Wait(absl::Duration duration) {
    CancelSignal never;
    (void)co_await Sleep(loop_, duration, never);
  }

  RedisServer server_;
  EventLoop& loop_;
  std::unique_ptr<ConnectedRedis> redis_;
  RedisRecordStore store_{
      {}, [this] { return redis_ == nullptr ? nullptr : &redis_->client(); }};
};

}  // namespace gateway

#endif  // TESTS_SERVICE_STORE_REDIS_STORE_HARNESS_H_
