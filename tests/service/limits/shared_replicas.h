// SharedReplicas are two processes' worth of counting, each with a client of
// its own, that share a Redis, on one loop of the test.
//
//   SharedReplicas replicas(redis.port());
//   replicas.Run([](SharedReplicas& two) -> Task<void> {
//     const bool taken = co_await two.Takes(0, rule);
//   });
//
// Thread contract: one thread.

#ifndef TESTS_SERVICE_LIMITS_SHARED_REPLICAS_H_
#define TESTS_SERVICE_LIMITS_SHARED_REPLICAS_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/net/resolver.h"
#include "base/redis/redis_client.h"
#include "service/limits/limit_charges.h"
#include "service/limits/limit_rule.h"
#include "service/limits/shared_counter_store.h"
#include "tests/service/limits/limit_config.h"
#include "tests/testing/loop_runner.h"

namespace gateway {

class SharedReplicas {
 public:
  // What a call asks for, and how it stands.
  struct LimitedCall {
    std::unique_ptr<LimitSubject> subject;
    std::unique_ptr<LimitCharges> charges;
    bool taken = false;
  };

  explicit SharedReplicas(
      uint16_t port,
      RedisOptions::Topology topology = RedisOptions::Topology::kStandalone) {
    auto options = std::make_shared<RedisOptions>();
    options->topology = topology;
    options->addresses.push_back({"127.0.0.1", port});
    // Soon there again, and patient with a slow machine.
    options->connection.back_off.first = absl::Milliseconds(5);
    options->connection.back_off.longest = absl::Milliseconds(20);
    options->connection.command_timeout = absl::Seconds(2);
    options->connection.connect_timeout = absl::Seconds(2);
    redis_options = options;
  }

  // A lambda without captures, since it is a coroutine. Begins when both are
  // connected.
  using Body = Task<void> (*)(SharedReplicas&);
  void Run(Body body) { runner.Run(OnLoop(*this, body)); }

  // A rule as each replica has it: keys have a secret of its own.
  const LimitRule& Rule(int replica, const std::string& text) {
    const KeySecret secret = {static_cast<uint64_t>(replica), 7};
    auto& rule = rules[absl::StrCat(replica, text)];
    if (rule == nullptr) {
      rule = std::make_unique<LimitRule>(Limit(text), secret);
    }
    return *rule;
  }

  // Makes a call of `user`, which stays under way as long as it is kept.
  Task<LimitedCall> Call(int replica, std::vector<std::string> limits,
                         LimitAmounts estimate = {}, std::string user = "ann") {
    LimitedCall call;
    const KeySecret secret = {static_cast<uint64_t>(replica), 7};
    users.push_back(std::make_unique<std::string>(std::move(user)));
    call.subject = std::make_unique<LimitSubject>(secret);
    call.subject->Set(llmgateway::config::v1::LIMIT_DIMENSION_USER,
                      *users.back());
    call.charges = std::make_unique<LimitCharges>(
        CounterStores{.local = &local, .shared = stores[replica].get()});
    for (const std::string& limit : limits) {
      call.charges->Ask(Rule(replica, limit), *call.subject, estimate);
    }
    call.taken = co_await call.charges->Take(runner.loop().Now());
    co_return call;
  }

  // Whether a call that ends at once is let in.
  Task<bool> Takes(int replica, std::string limit) {
    std::vector<std::string> limits;
    limits.push_back(std::move(limit));
    const LimitedCall call = co_await Call(replica, std::move(limits));
    co_return call.taken;
  }

  // How many of so many calls, one at one replica and one at the other, are let
  // in.
  Task<int> TakeMany(int calls, std::string limit) {
    int taken = 0;
    for (int i = 0; i < calls; ++i) {
      const bool each = co_await Takes(i % 2, limit);
      taken += each ? 1 : 0;
      // What is told beside calls goes meanwhile.
      co_await Pass(absl::Microseconds(300));
    }
    co_return taken;
  }

  // Has the replica think that nobody has asked for the lease for so long.
  void Age(int replica, const std::string& limit, absl::Duration idle) {
    LimitSubject subject({static_cast<uint64_t>(replica), 7});
    subject.Set(llmgateway::config::v1::LIMIT_DIMENSION_USER, "ann");
    stores[replica]->keeper().Find(
        Rule(replica, limit).KeyOf(subject),
        absl::ToInt64Nanoseconds(runner.loop().Now()),
        [&](Lease& lease) { lease.touched -= absl::ToInt64Nanoseconds(idle); });
  }
  // What Run of each does.
  void Sweep() {
    for (const auto& store : stores) {
      store->keeper().Sweep(absl::ToInt64Nanoseconds(runner.loop().Now()));
    }
  }

  Task<void> Pass(absl::Duration time) {
    CancelSignal never;
    (co_await Sleep(runner.loop(), time, never)).IgnoreError();
  }
  Task<void> AwaitUp() {
    while (!clients[0]->up() || !clients[1]->up()) co_await changed.Wait();
  }
  Task<void> AwaitDown() {
    while (clients[0]->up() || clients[1]->up()) co_await changed.Wait();
  }

  std::shared_ptr<const RedisOptions> redis_options;
  LoopRunner runner;
  Resolver resolver;
  RedisHealth health;
  WakeUp changed;
  std::array<std::unique_ptr<RedisClient>, 2> clients;
  std::array<std::unique_ptr<SharedCounterStore>, 2> stores;
  LocalCounterStore local;
  std::map<std::string, std::unique_ptr<LimitRule>> rules;
  std::vector<std::unique_ptr<std::string>> users;
  void* test = nullptr;

 private:
  static Task<void> OnLoop(SharedReplicas& two, Body body) {
    for (size_t i = 0; i < two.clients.size(); ++i) {
      two.clients[i] = std::make_unique<RedisClient>(
          two.resolver, two.redis_options, two.health);
      two.clients[i]->SetOnChange([&two](bool) { two.changed.Set(); });
      SharedCounterStore::Options options;
      options.redis.replica = absl::StrCat("replica-", i);
      options.redis.is_cluster =
          two.redis_options->topology == RedisOptions::Topology::kCluster;
      options.replicas = 2;
      RedisClient* const client = two.clients[i].get();
      two.stores[i] = std::make_unique<SharedCounterStore>(
          options, [client] { return client; });
    }
    co_await two.AwaitUp();
    co_await body(two);
    for (const auto& client : two.clients) co_await client->Close();
    for (auto& client : two.clients) client.reset();
  }
};

}  // namespace gateway

#endif  // TESTS_SERVICE_LIMITS_SHARED_REPLICAS_H_
