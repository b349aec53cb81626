// What limits that replicas share cost a call: four of them, taken, corrected
// and given back, leased and asked of a Redis on this machine; microseconds of
// wall time for each call, of which many are under way, and of processors
// without those of Redis.
//
//   bazel run //tests/bench/micro:shared_limits_bench

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/await_all.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/net/resolver.h"
#include "base/os/clock.h"
#include "base/process/process_stats.h"
#include "base/redis/redis_client.h"
#include "google/protobuf/text_format.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/limits/limit_charges.h"
#include "service/limits/limit_rules.h"
#include "service/limits/shared_counter_store.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

constexpr int kCalls = 100'000;
// So many calls are under way at a time.
constexpr int kAtOnce = 64;

LimitRules::Config FourLimits(config::RateLimit::Sharing sharing) {
  LimitRules::Config limits;
  for (const char* const text :
       {R"(name: "rpm" unit: LIMIT_UNIT_REQUESTS limit: 1000000000
           per: LIMIT_DIMENSION_CALLER)",
        R"(name: "tpm" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000000000000
           per: LIMIT_DIMENSION_CALLER)",
        R"(name: "user" unit: LIMIT_UNIT_REQUESTS limit: 1000000000
           per: LIMIT_DIMENSION_CALLER per: LIMIT_DIMENSION_USER)",
        R"(name: "team" unit: LIMIT_UNIT_INPUT_TOKENS limit: 1000000000000
           per: LIMIT_DIMENSION_OWNER match { callers: "c*" })"}) {
    config::RateLimit* const limit = limits.Add();
    google::protobuf::TextFormat::ParseFromString(text, limit);
    limit->mutable_window()->set_seconds(60);
    limit->set_sharing(sharing);
  }
  return limits;
}

struct Bench {
  EventLoop* loop = nullptr;
  CounterStores stores;
  const LimitRules* rules = nullptr;
  std::vector<std::string> callers;
  int left = 0;
};

Task<bool> CallsOf(Bench& bench) {
  bool all = true;
  while (bench.left > 0) {
    const int number = --bench.left;
    LimitSubject subject(bench.rules->secret());
    subject.Set(
        config::LIMIT_DIMENSION_CALLER,
        bench.callers[static_cast<size_t>(number) % bench.callers.size()]);
    subject.Set(config::LIMIT_DIMENSION_OWNER, "team-search");
    subject.Set(config::LIMIT_DIMENSION_USER, "user-7");
    LimitCharges charges(bench.stores);
    bench.rules->AskForCall(subject, {.input_tokens = 800}, charges);
    const bool taken = co_await charges.Take(bench.loop->Now());
    all = all && taken;
    charges.Settle({.input_tokens = 812, .output_tokens = 300},
                   bench.loop->Now());
    // A turn of the loop has some calls, and then hears of Redis.
    if (number % 16 == 0) {
      CancelSignal never;
      (co_await Sleep(*bench.loop, absl::ZeroDuration(), never)).IgnoreError();
    }
  }
  co_return all;
}

Task<void> Measure(EventLoop& loop, SharedCounterStore& store,
                   config::RateLimit::Sharing sharing, int callers,
                   const char* name) {
  const LimitRules rules(FourLimits(sharing), {1, 2}, nullptr);
  LocalCounterStore local;
  Bench bench;
  bench.loop = &loop;
  bench.stores.local = &local;
  bench.stores.shared = &store;
  bench.rules = &rules;
  for (int i = 0; i < callers; ++i) {
    bench.callers.push_back(absl::StrCat("caller-", i));
  }
  // Until leases are as large as they get.
  bench.left = kCalls / 10;
  co_await CallsOf(bench);
  bench.left = kCalls;
  const absl::Duration processor = ProcessCpuTime();
  const int64_t asked = store.keeper().state().asked();
  const absl::Duration start = SystemClock().SteadyTime();
  std::vector<Task<bool>> calls;
  for (int i = 0; i < kAtOnce; ++i) calls.push_back(CallsOf(bench));
  const std::vector<bool> taken = co_await AwaitAll(std::move(calls));
  for (const bool each : taken) {
    if (!each) printf("refused\n");
  }
  printf(
      "%-36s %8.2f us %8.2f us %8.3f asked\n", name,
      absl::ToDoubleMicroseconds(SystemClock().SteadyTime() - start) / kCalls,
      absl::ToDoubleMicroseconds(ProcessCpuTime() - processor) / kCalls,
      static_cast<double>(store.keeper().state().asked() - asked) / kCalls);
}

RedisClient* client_of_loop = nullptr;

Task<void> MeasureAll(EventLoop& loop, SharedCounterStore& store,
                      uint16_t port) {
  auto options = std::make_shared<RedisOptions>();
  options->addresses.push_back({"127.0.0.1", port});
  options->connection.command_timeout = absl::Seconds(5);
  Resolver resolver;
  RedisHealth health;
  RedisClient client(resolver, options, health);
  WakeUp changed;
  client.SetOnChange([&changed](bool) { changed.Set(); });
  while (!client.up()) co_await changed.Wait();
  client_of_loop = &client;
  printf("%-36s %11s %11s %s\n", "four limits, a call", "wall", "processor",
         "for each call");
  using Limit = config::RateLimit;
  co_await Measure(loop, store, Limit::SHARING_LOCAL, 1, "local");
  co_await Measure(loop, store, Limit::SHARING_LEASED, 1, "leased, one caller");
  co_await Measure(loop, store, Limit::SHARING_LEASED, 1000,
                   "leased, 1,000 callers");
  co_await Measure(loop, store, Limit::SHARING_EXACT, 1, "exact, one caller");
  co_await client.Close();
}

}  // namespace
}  // namespace gateway

int main() {
  gateway::RedisServer server;
  gateway::SharedCounterStore::Options sharing;
  sharing.redis.replica = "bench";
  gateway::SharedCounterStore store(sharing,
                                    [] { return gateway::client_of_loop; });
  gateway::LoopRunner runner;
  runner.Run(gateway::MeasureAll(runner.loop(), store, server.port()));
  return 0;
}
