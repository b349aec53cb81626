#include "base/redis/redis_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/async/await_all.h"
#include "base/async/cancellation.h"
#include "tests/base/redis/redis_client_session.h"
#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Counts in a hash, and tells what it was called as.
const RedisLibrary& Counter() {
  static const RedisLibrary& library = *new RedisLibrary(
      "counter",
      "local function add(key, by) return redis.call('INCRBY', key, by) end",
      {{"take", "return add(KEYS[1], ARGV[1])"},
       {"fail", "return redis.error_reply('WRONG ' .. ARGV[1])"}});
  return library;
}

RedisCommand Take(std::string_view key, int amount) {
  RedisCommand take = Counter().Call(0, /*keys=*/1);
  take.Add(RedisKey(key)).Add(amount);
  return take;
}

Task<std::string> TakeOne(RedisClientSession& session) {
  const absl::StatusOr<RedisReply> reply =
      co_await session.client->CallFunction(Counter(), Take("count", 1));
  co_return RedisClientSession::TextOf(reply);
}

TEST(RedisClientTest, CallsAreAnsweredAndErrorsAreStatuses) {
  RedisServer server;
  RedisClientSession session({server.port()});
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    const std::string set =
        co_await session.Ask(RedisCommand("SET", RedisKey("key"), "value"));
    EXPECT_EQ(set, "OK");
    const std::string got =
        co_await session.Ask(RedisCommand("GET", RedisKey("key")));
    EXPECT_EQ(got, "value");
    const absl::StatusOr<RedisReply> wrong = co_await session.client->Call(
        RedisCommand("LPUSH", RedisKey("key"), "x"));
    EXPECT_EQ(wrong.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(wrong.status().message()), StartsWith("WRONGTYPE"));
  });
}

TEST(RedisClientTest, SeveralGoSideBySide) {
  RedisServer server;
  RedisClientSession session({server.port()});
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    std::vector<RedisCommand> commands;
    for (int i = 0; i < 3; ++i) {
      commands.emplace_back("ECHO", absl::StrCat(i));
    }
    commands.emplace_back("NONSENSE");
    const std::vector<absl::StatusOr<RedisReply>> replies =
        co_await session.client->CallAll(std::move(commands));
    EXPECT_EQ(replies.size(), 4u);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(replies[i]->text(), absl::StrCat(i));
    }
    EXPECT_EQ(replies[3].status().message(), "ERR unknown command 'NONSENSE'");
  });
}

TEST(RedisClientTest, ADeadServerIsRefusedAndFoundAgain) {
  RedisServer server;
  RedisClientSession session({server.port()});
  session.server = &server;
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    session.server->Kill();
    co_await session.AwaitDown();
    const absl::StatusOr<RedisReply> refused =
        co_await session.client->Call(RedisCommand("PING"));
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_FALSE(session.health.Servers()[0].is_up());
    session.server->Restart();
    co_await session.AwaitUp();
    const std::string pong = co_await session.Ask(RedisCommand("PING"));
    EXPECT_EQ(pong, "PONG");
  });
}

TEST(RedisClientTest, ACallThatWaitsEndsWithItsSignal) {
  RedisServer server;
  RedisClientSession session({server.port()});
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    CancelSignal cancel;
    Timer leave([&cancel] { cancel.Cancel(absl::CancelledError("left")); });
    EventLoop::Current()->ArmTimer(leave, absl::Milliseconds(5));
    const absl::StatusOr<RedisReply> reply = co_await session.client->Call(
        RedisCommand("BLPOP", RedisKey("nothing"), 0), &cancel);
    EXPECT_EQ(reply.status(), absl::CancelledError("left"));
  });
}

// --- Functions.

TEST(RedisClientTest, FunctionsAreLoadedWhenTheyAreMissing) {
  RedisServer server;
  RedisClientSession session({server.port()});
  session.server = &server;
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    const std::string first = co_await TakeOne(session);
    EXPECT_EQ(first, "1");
    EXPECT_EQ(session.server->Ask({"FUNCTION", "FLUSH"}), "OK");
    const std::string second = co_await TakeOne(session);
    EXPECT_EQ(second, "2");
    EXPECT_THAT(session.server->Ask({"FUNCTION", "LIST"}),
                HasSubstr(Counter().name()));
    EXPECT_EQ(session.server->Ask({"FLUSHALL"}), "OK");
    const std::string after = co_await TakeOne(session);
    EXPECT_EQ(after, "1");
    RedisCommand fail = Counter().Call(1, 0);
    fail.Add("thing");
    const absl::StatusOr<RedisReply> failed =
        co_await session.client->CallFunction(Counter(), std::move(fail));
    EXPECT_EQ(failed.status().message(), "WRONG thing");
    // Loaded twice, and never run as a script.
    const std::string stats = session.server->Ask({"INFO", "commandstats"});
    EXPECT_THAT(stats, HasSubstr("cmdstat_function|load:calls=2,"));
    EXPECT_EQ(stats.find("cmdstat_eval"), std::string::npos);
  });
}

TEST(RedisClientTest, ManyCallsAtOnceLoadALibraryOnce) {
  RedisServer server;
  RedisClientSession session({server.port()});
  session.server = &server;
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    std::vector<Task<std::string>> calls;
    for (int i = 0; i < 50; ++i) calls.push_back(TakeOne(session));
    std::vector<std::string> counts = co_await AwaitAll(std::move(calls));
    std::vector<int> numbers;
    for (const std::string& count : counts) numbers.push_back(std::stoi(count));
    std::sort(numbers.begin(), numbers.end());
    for (int i = 0; i < 50; ++i) EXPECT_EQ(numbers[i], i + 1);
    EXPECT_THAT(session.server->Ask({"INFO", "commandstats"}),
                HasSubstr("cmdstat_function|load:calls=1,"));
  });
}

// What is taken from the default user, and how often each way was gone then.
struct Forbidden {
  std::vector<std::string> commands;
  std::vector<std::string> calls;  // Parts of INFO commandstats.
};
void ExpectTwoCalls(const Forbidden& forbidden) {
  RedisServer::Options options;
  options.arguments = {"--user", "admin", "on", ">x", "+@all", "~*"};
  RedisServer server(options);
  std::vector<std::string> rules = {"ACL", "SETUSER", "gateway", "on",
                                    ">y",  "~*",      "+@all"};
  for (const std::string& command : forbidden.commands) {
    rules.push_back("-" + command);
  }
  EXPECT_EQ(server.Ask(rules), "OK");
  RedisClientSession session({server.port()});
  session.options.connection.user = "gateway";
  session.options.connection.password = Secret("y");
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    for (int i = 1; i <= 3; ++i) {
      const std::string count = co_await TakeOne(session);
      EXPECT_EQ(count, absl::StrCat(i));
    }
  });
  const std::string stats = server.Ask({"INFO", "commandstats"});
  for (const std::string& call : forbidden.calls) {
    EXPECT_THAT(stats, HasSubstr(call));
  }
}

TEST(RedisClientTest, WhereFunctionsAreForbiddenScriptsAreRun) {
  // The refusal of FCALL is remembered: there is one.
  ExpectTwoCalls(
      {.commands = {"fcall", "function"},
       .calls = {"cmdstat_fcall:calls=0,usec=0,usec_per_call=0.00,"
                 "rejected_calls=1,",
                 "cmdstat_eval:calls=1,", "cmdstat_evalsha:calls=3,"}});
}

TEST(RedisClientTest, WhereFunctionsCannotBeLoadedScriptsAreRun) {
  ExpectTwoCalls({.commands = {"function"},
                  .calls = {"cmdstat_fcall:calls=1,", "cmdstat_eval:calls=1,",
                            "cmdstat_evalsha:calls=3,"}});
}

TEST(RedisClientTest, WhereScriptsHaveNoNamesTheirTextIsSent) {
  ExpectTwoCalls({.commands = {"fcall", "function", "evalsha", "script"},
                  .calls = {"cmdstat_eval:calls=3,"}});
}

TEST(RedisClientTest, AScriptThatWasFlushedIsSentAgain) {
  RedisServer server;
  server.Ask(
      {"ACL", "SETUSER", "gateway", "on", ">y", "~*", "+@all", "-fcall"});
  RedisClientSession session({server.port()});
  session.options.connection.user = "gateway";
  session.options.connection.password = Secret("y");
  session.server = &server;
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    const std::string first = co_await TakeOne(session);
    EXPECT_EQ(first, "1");
    EXPECT_EQ(session.server->Ask({"SCRIPT", "FLUSH"}), "OK");
    const std::string second = co_await TakeOne(session);
    EXPECT_EQ(second, "2");
  });
}

TEST(RedisClientTest, AServerWithoutMemoryRefusesFunctions) {
  RedisServer server;
  RedisClientSession session({server.port()});
  session.server = &server;
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    const std::string first = co_await TakeOne(session);
    EXPECT_EQ(first, "1");
    session.server->Ask({"CONFIG", "SET", "maxmemory", "1"});
    const absl::StatusOr<RedisReply> full =
        co_await session.client->CallFunction(Counter(), Take("count", 1));
    EXPECT_EQ(full.status().code(), absl::StatusCode::kResourceExhausted)
        << full.status();
  });
}

}  // namespace
}  // namespace gateway
