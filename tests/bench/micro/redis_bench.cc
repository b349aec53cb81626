// What a command to Redis costs the loop that sends it, with a real server:
// alone, and with others of the same turn.
//
//   bazel run //tests/bench/micro:redis_bench
//
// How many instructions one is, without those of beginning and end:
//
//   valgrind --tool=callgrind redis_bench call 16 20000   # And with 40000.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/await_all.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/net/resolver.h"
#include "base/os/clock.h"
#include "base/redis/redis_client.h"
#include "base/redis/redis_command.h"
#include "base/redis/redis_library.h"
#include "base/redis/redis_options.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

const RedisLibrary& Library() {
  static const RedisLibrary& library = *new RedisLibrary(
      "bench", "", {{"take", "return redis.call('INCRBY', KEYS[1], ARGV[1])"}});
  return library;
}

enum class Way { kCall, kFunction };

struct Measured {
  Way way;
  int side_by_side;
  int commands;
  absl::Duration taken;
};

Task<bool> Send(RedisClient& client, Way way, int commands) {
  bool ok = true;
  for (int i = 0; i < commands; ++i) {
    if (way == Way::kCall) {
      RedisCommand command("INCRBY", RedisKey("llmgw:limit:caller-1"), 1);
      const absl::StatusOr<RedisReply> reply =
          co_await client.Call(std::move(command));
      ok = ok && reply.ok();
    } else {
      RedisCommand take = Library().Call(0, 1);
      take.Add(RedisKey("llmgw:limit:caller-1")).Add(1);
      const absl::StatusOr<RedisReply> reply =
          co_await client.CallFunction(Library(), std::move(take));
      ok = ok && reply.ok();
    }
  }
  co_return ok;
}

Task<void> Measure(uint16_t port, Measured* measured) {
  auto options = std::make_shared<RedisOptions>();
  options->addresses.push_back({"127.0.0.1", port});
  options->connection.command_timeout = absl::Seconds(10);
  Resolver resolver;
  RedisHealth health;
  WakeUp changed;
  RedisClient client(resolver, options, health);
  client.SetOnChange([&changed](bool) { changed.Set(); });
  while (!client.up()) co_await changed.Wait();
  (void)co_await Send(client, measured->way, 1);
  const absl::Duration begun = SystemClock().SteadyTime();
  std::vector<Task<bool>> senders;
  for (int i = 0; i < measured->side_by_side; ++i) {
    senders.push_back(Send(client, measured->way,
                           measured->commands / measured->side_by_side));
  }
  const std::vector<bool> ok = co_await AwaitAll(std::move(senders));
  measured->taken = SystemClock().SteadyTime() - begun;
  if (std::find(ok.begin(), ok.end(), false) != ok.end()) std::abort();
  co_await client.Close();
}

void MeasureAndPrint(uint16_t port, Measured measured) {
  LoopRunner runner;
  runner.Run(Measure(port, &measured));
  printf("%-9s %4d side by side %8.2f us each\n",
         measured.way == Way::kCall ? "command" : "function",
         measured.side_by_side,
         absl::ToDoubleMicroseconds(measured.taken) / measured.commands);
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) {
  using gateway::Way;
  gateway::RedisServer server;
  if (argc == 4) {
    const Way way =
        std::string_view(argv[1]) == "call" ? Way::kCall : Way::kFunction;
    gateway::MeasureAndPrint(server.port(),
                             {.way = way,
                              .side_by_side = std::max(1, std::atoi(argv[2])),
                              .commands = std::max(1, std::atoi(argv[3]))});
    return 0;
  }
  for (const Way way : {Way::kCall, Way::kFunction}) {
    for (const int side_by_side : {1, 16, 256}) {
      gateway::MeasureAndPrint(
          server.port(),
          {.way = way, .side_by_side = side_by_side, .commands = 51'200});
    }
  }
  return 0;
}
