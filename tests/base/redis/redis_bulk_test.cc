#include "base/redis/redis_bulk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "tests/base/redis/redis_client_session.h"
#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr size_t kMegabyte = 1024 * 1024;

// Those who wait for a turn, in the order in which they got one.
struct Waiting {
  explicit Waiting(RedisBulk& its) : bulk(its) {}

  // Whoever gets a turn keeps it until Leave.
  void Come(std::string name, std::string_view whose, size_t bytes,
            CancelSignal* cancel = nullptr) {
    ++under_way;
    Spawn(Take(*this, std::move(name), whose, bytes, cancel));
  }
  static Task<void> Take(Waiting& waiting, std::string name,
                         std::string_view whose, size_t bytes,
                         CancelSignal* cancel) {
    absl::StatusOr<RedisBulk::Turn> turn = co_await waiting.bulk.Await(
        {.whose = whose, .bytes = bytes, .patience = waiting.patience}, cancel);
    waiting.last = turn.status();
    if (turn.ok()) {
      waiting.served.push_back(name);
      waiting.turns.emplace_back(std::move(name), *std::move(turn));
    }
    --waiting.under_way;
  }
  // Ends the turn of that name, and returns when who follows has his.
  Task<void> Leave(std::string_view name) {
    std::vector<std::pair<std::string, RedisBulk::Turn>> left;
    for (auto& [whose, turn] : turns) {
      if (whose != name) left.emplace_back(whose, std::move(turn));
    }
    turns.clear();
    turns.swap(left);
    co_await YieldToLoop();
  }

  RedisBulk& bulk;
  absl::Duration patience = absl::Seconds(20);
  int under_way = 0;
  absl::Status last;
  std::vector<std::string> served;
  std::vector<std::pair<std::string, RedisBulk::Turn>> turns;
};

TEST(RedisBulkTest, OneHasHalfOfItAndTheOthersTakeTurns) {
  RedisServer server;
  RedisClientSession session({server.port()});
  session.Run([](RedisClientSession& session) -> Task<void> {
    RedisBulk& bulk = session.client->bulk();
    Waiting waiting(bulk);
    for (const char* name : {"a1", "a2", "a3", "a4", "a5"}) {
      waiting.Come(name, "alice", kMegabyte);
    }
    co_await YieldToLoop();
    EXPECT_THAT(waiting.served, ElementsAre("a1", "a2"));
    EXPECT_EQ(bulk.waiting(), 3u);
    // Who comes later goes past him while he has his part.
    waiting.Come("b1", "bob", kMegabyte);
    waiting.Come("b2", "bob", kMegabyte);
    waiting.Come("c1", "carol", kMegabyte);
    co_await YieldToLoop();
    EXPECT_THAT(waiting.served, ElementsAre("a1", "a2", "b1", "b2"));
    EXPECT_EQ(bulk.bytes_on_way(), RedisBulk::kBytesMax);
    waiting.served.clear();
    // Of those who wait each gets one turn before another gets two.
    co_await waiting.Leave("a1");
    co_await waiting.Leave("a2");
    co_await waiting.Leave("b1");
    EXPECT_THAT(waiting.served, ElementsAre("a3", "c1", "a4"));
    for (const char* name : {"b2", "c1", "a3", "a4", "a5"}) {
      co_await waiting.Leave(name);
    }
    EXPECT_EQ(waiting.under_way, 0);
    EXPECT_EQ(bulk.bytes_on_way(), 0u);
  });
}

TEST(RedisBulkTest, WhatIsLargerThanAllGoesAloneAndIsNotStarved) {
  RedisServer server;
  RedisClientSession session({server.port()});
  session.Run([](RedisClientSession& session) -> Task<void> {
    RedisBulk& bulk = session.client->bulk();
    Waiting waiting(bulk);
    waiting.Come("small", "alice", kMegabyte);
    waiting.Come("huge", "bob", 2 * RedisBulk::kBytesMax);
    waiting.Come("next", "carol", kMegabyte);
    co_await YieldToLoop();
    EXPECT_THAT(waiting.served, ElementsAre("small"));
    co_await waiting.Leave("small");
    EXPECT_THAT(waiting.served, ElementsAre("small", "huge"));
    co_await waiting.Leave("huge");
    EXPECT_THAT(waiting.served, ElementsAre("small", "huge", "next"));
    co_await waiting.Leave("next");
  });
}

TEST(RedisBulkTest, WhoDoesNotGetHisTurnIsToldAndKeepsNobodyWaiting) {
  RedisServer server;
  RedisClientSession session({server.port()});
  session.Run([](RedisClientSession& session) -> Task<void> {
    RedisBulk& bulk = session.client->bulk();
    Waiting waiting(bulk);
    waiting.Come("all", "alice", RedisBulk::kBytesMax);
    CancelSignal cancel;
    waiting.Come("gone", "bob", kMegabyte, &cancel);
    cancel.Cancel(absl::CancelledError("gone"));
    while (waiting.under_way > 0) co_await YieldToLoop();
    EXPECT_EQ(waiting.last, absl::CancelledError("gone"));
    waiting.patience = absl::Milliseconds(20);
    waiting.Come("late", "bob", kMegabyte);
    while (waiting.under_way > 0) co_await YieldToLoop();
    EXPECT_TRUE(absl::IsUnavailable(waiting.last)) << waiting.last;
    EXPECT_EQ(bulk.waiting(), 0u);
    // As many as may wait for one are there.
    waiting.patience = absl::Seconds(20);
    for (size_t i = 0; i < RedisBulk::kWaitingOfOneMax; ++i) {
      waiting.Come("w", "bob", 1);
    }
    waiting.Come("too many", "bob", 1);
    co_await YieldToLoop();
    EXPECT_TRUE(absl::IsUnavailable(waiting.last)) << waiting.last;
    EXPECT_EQ(bulk.waiting(), RedisBulk::kWaitingOfOneMax);
    co_await waiting.Leave("all");
    while (waiting.under_way > 0) co_await YieldToLoop();
    EXPECT_EQ(waiting.served.size(), 1 + RedisBulk::kWaitingOfOneMax);
    waiting.turns.clear();
    EXPECT_EQ(bulk.bytes_on_way(), 0u);
  });
}

// By its own connection.
Task<std::string> AskInBulk(RedisClientSession& session, RedisCommand command,
                            CancelSignal* cancel = nullptr) {
  RedisBulk& bulk = session.client->bulk();
  absl::StatusOr<RedisBulk::Turn> turn =
      co_await bulk.Await({.whose = "alice", .bytes = 100});
  if (!turn.ok()) co_return turn.status().ToString();
  const absl::StatusOr<RedisReply> reply =
      co_await bulk.Call(*std::move(turn), std::move(command), cancel);
  co_return RedisClientSession::TextOf(reply);
}

TEST(RedisBulkTest, WhatIsSlowThereHoldsUpNothingElse) {
  RedisServer server;
  RedisClientSession session({server.port()});
  session.server = &server;
  session.options.connection.command_timeout = absl::Milliseconds(500);
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    EXPECT_THAT(session.server->Ask({"CLIENT", "LIST"}),
                Not(HasSubstr("cmd=echo")));
    const std::string said =
        co_await AskInBulk(session, RedisCommand("ECHO", "large"));
    EXPECT_EQ(said, "large");
    // The other connection has asked for nothing but PING.
    EXPECT_THAT(session.server->Ask({"CLIENT", "LIST"}),
                AllOf(HasSubstr("cmd=echo"), HasSubstr("cmd=ping")));
    // Waits for what nobody sends, as a reply that takes too long.
    RedisCommand wait("BLPOP", RedisKey("nothing"));
    wait.Add(0);
    const std::string late = co_await AskInBulk(session, std::move(wait));
    EXPECT_THAT(late, HasSubstr("DEADLINE_EXCEEDED"));
    const std::string refused =
        co_await AskInBulk(session, RedisCommand("PING"));
    EXPECT_THAT(refused, HasSubstr("UNAVAILABLE"));
    EXPECT_TRUE(session.client->up());
    const std::string soon = co_await session.Ask(RedisCommand("PING"));
    EXPECT_EQ(soon, "PONG");
    std::vector<std::string> down;
    for (const RedisHealth::Server& each : session.health.Servers()) {
      if (!each.is_up()) down.push_back(each.name);
    }
    EXPECT_THAT(down, ElementsAre(session.server->address() + "/bulk"));
    // It comes back by itself.
    session.server->Ask({"LPUSH", "nothing", "x"});
    std::string again;
    while (again != "PONG") {
      again = co_await AskInBulk(session, RedisCommand("PING"));
      co_await YieldToLoop();
    }
  });
}

TEST(RedisBulkTest, WhatNobodyWaitsForIsOnItsWayUntilItHasCome) {
  RedisServer server;
  RedisClientSession session({server.port()});
  session.server = &server;
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    RedisBulk& bulk = session.client->bulk();
    const std::string open = co_await AskInBulk(session, RedisCommand("PING"));
    EXPECT_EQ(open, "PONG");
    CancelSignal cancel;
    RedisCommand wait("BLPOP", RedisKey("nothing"));
    wait.Add(0);
    EventLoop::Current()->Post(
        [&cancel] { cancel.Cancel(absl::CancelledError("gone")); });
    const std::string gone =
        co_await AskInBulk(session, std::move(wait), &cancel);
    EXPECT_THAT(gone, HasSubstr("CANCELLED"));
    EXPECT_EQ(bulk.bytes_on_way(), 100u);
    session.server->Ask({"LPUSH", "nothing", "x"});
    while (bulk.bytes_on_way() > 0) co_await YieldToLoop();
  });
}

TEST(RedisBulkTest, WhileRedisIsAwayNothingIsOpened) {
  RedisServer server;
  RedisClientSession session({server.port()});
  server.Kill();
  session.Run([](RedisClientSession& session) -> Task<void> {
    const std::string refused =
        co_await AskInBulk(session, RedisCommand("PING"));
    EXPECT_THAT(refused, HasSubstr("redis is away"));
  });
}

TEST(RedisBulkTest, WhoWaitsAtTheEndIsToldSo) {
  RedisServer server;
  RedisClientSession session({server.port()});
  session.Run([](RedisClientSession& session) -> Task<void> {
    Waiting waiting(session.client->bulk());
    waiting.Come("all", "alice", RedisBulk::kBytesMax);
    waiting.Come("next", "bob", 1);
    co_await YieldToLoop();
    EventLoop::Current()->Post([&waiting] { waiting.turns.clear(); });
    co_await session.client->Close();
    EXPECT_TRUE(absl::IsCancelled(waiting.last)) << waiting.last;
    EXPECT_EQ(waiting.under_way, 0);
    EXPECT_THAT(waiting.served, ElementsAre("all"));
  });
}

}  // namespace
}  // namespace gateway
