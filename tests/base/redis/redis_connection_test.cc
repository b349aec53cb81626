#include "base/redis/redis_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "base/redis/redis_error.h"
#include "tests/base/redis/redis_session.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/redis_server.h"
#include "tests/testing/scripted_server.h"

namespace gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kPing[] = "*1\r\n$4\r\nPING\r\n";

// What a scripted server begins with: it answers the PING of the handshake.
RawClient Greet(RawListener& listener) {
  RawClient client = listener.Accept();
  client.ReceiveUntil(kPing);
  client.Send("+PONG\r\n");
  return client;
}

// --- With a real server.

TEST(RedisConnectionTest, CommandsAreAnswered) {
  RedisServer server;
  RedisSession session(server.port());
  session.Run([](RedisSession& session) -> Task<void> {
    const auto connection = co_await session.Dial();
    const absl::StatusOr<RedisReply> set =
        co_await connection->Send(RedisCommand("SET", "key", "a\r\nb"));
    EXPECT_EQ(set->text(), "OK");
    const absl::StatusOr<RedisReply> got =
        co_await connection->Send(RedisCommand("GET", RedisKey("key")));
    EXPECT_EQ(got->text(), "a\r\nb");
    const absl::StatusOr<RedisReply> none =
        co_await connection->Send(RedisCommand("GET", "other"));
    EXPECT_TRUE(none->is_nil());
    const absl::StatusOr<RedisReply> error =
        co_await connection->Send(RedisCommand("INCR", "key"));
    EXPECT_TRUE(error->is_error());
    EXPECT_THAT(std::string(error->text()), HasSubstr("not an integer"));
  });
}

TEST(RedisConnectionTest, TenThousandAreAnsweredInOrder) {
  RedisServer server;
  RedisSession session(server.port());
  session.Run([](RedisSession& session) -> Task<void> {
    constexpr int kCommands = 10'000;
    const auto connection = co_await session.Dial();
    std::vector<RedisCall> calls;
    const RedisCommand increment("INCR", "count");
    for (int i = 0; i < kCommands; ++i) {
      calls.push_back(connection->Send(increment));
    }
    EXPECT_EQ(connection->in_flight(), size_t{kCommands});
    for (int i = 0; i < kCommands; ++i) {
      const absl::StatusOr<RedisReply> reply = co_await calls[i];
      EXPECT_EQ(reply->integer(), i + 1);
    }
    EXPECT_EQ(connection->in_flight(), 0u);
  });
}

TEST(RedisConnectionTest, AStoppedServerCostsItsTimeOnceAndThenNone) {
  RedisServer server;
  RedisSession session(server.port());
  session.server = &server;
  // Ample for the answer to the probe.
  session.options.command_timeout = absl::Milliseconds(500);
  session.Run([](RedisSession& session) -> Task<void> {
    RedisEvents events;
    const auto connection = co_await session.Dial();
    connection->SetObserver(&events);
    session.server->Stop();
    const RedisCommand increment("INCR", "count");
    const absl::StatusOr<RedisReply> late =
        co_await connection->Send(increment);
    EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(events.stalled, 1);
    EXPECT_TRUE(connection->stalled());
    for (int i = 0; i < 100; ++i) {
      RedisCall refused = connection->Send(increment);
      EXPECT_TRUE(refused.done());
      const absl::StatusOr<RedisReply> reply = co_await refused;
      EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
      EXPECT_THAT(std::string(reply.status().message()),
                  HasSubstr("a reply is overdue since"));
    }
    session.server->GoOn();
    co_await events.Await(events.caught_up);
    // Its answer has come; whether others come in time is another question.
    EXPECT_TRUE(connection->stalled());
    const absl::StatusOr<RedisReply> pong = co_await connection->Probe();
    EXPECT_EQ(pong->text(), "PONG");
    connection->Revive();
    const absl::StatusOr<RedisReply> second =
        co_await connection->Send(increment, absl::InfiniteDuration());
    EXPECT_EQ(second->integer(), 2);  // The late one, and this.
    EXPECT_EQ(events.closed, 0);
    connection->SetObserver(nullptr);
  });
}

TEST(RedisConnectionTest, AProbeThatIsLateDoesNotReviveIt) {
  RedisServer server;
  RedisSession session(server.port());
  session.server = &server;
  session.options.command_timeout = absl::Milliseconds(20);
  session.Run([](RedisSession& session) -> Task<void> {
    RedisEvents events;
    const auto connection = co_await session.Dial();
    connection->SetObserver(&events);
    session.server->Stop();
    (void)co_await connection->Send(RedisCommand("PING"));
    const absl::StatusOr<RedisReply> probe = co_await connection->Probe();
    EXPECT_EQ(probe.status().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(events.stalled, 1);
    session.server->GoOn();
    co_await events.Await(events.caught_up);
    EXPECT_TRUE(connection->stalled());
    connection->SetObserver(nullptr);
  });
}

TEST(RedisConnectionTest, AKilledClientIsToldOnce) {
  RedisServer server;
  RedisSession session(server.port());
  session.server = &server;
  session.Run([](RedisSession& session) -> Task<void> {
    RedisEvents events;
    const auto connection = co_await session.Dial();
    connection->SetObserver(&events);
    const RedisCommand wait("BLPOP", "nothing", 0);
    RedisCall first = connection->Send(wait);
    RedisCall second = connection->Send(RedisCommand("PING"));
    co_await YieldToLoop();
    EXPECT_EQ(session.server->Ask({"CLIENT", "KILL", "TYPE", "normal"}), "1");
    const absl::StatusOr<RedisReply> reply = co_await first;
    EXPECT_EQ(reply.status(), absl::UnavailableError(absl::StrCat(
                                  "redis ", session.server->address(),
                                  ": the server closed the connection")));
    const absl::StatusOr<RedisReply> behind = co_await second;
    EXPECT_EQ(behind.status(), reply.status());
    EXPECT_EQ(events.closed, 1);
    EXPECT_EQ(events.why, reply.status());
    EXPECT_TRUE(connection->closed());
    const absl::StatusOr<RedisReply> after = co_await connection->Send(wait);
    EXPECT_EQ(after.status(), reply.status());
  });
}

TEST(RedisConnectionTest, AServerThatDiesEndsWhatWaits) {
  RedisServer server;
  RedisSession session(server.port());
  session.server = &server;
  session.Run([](RedisSession& session) -> Task<void> {
    const auto connection = co_await session.Dial();
    RedisCall call = connection->Send(RedisCommand("BLPOP", "nothing", 0));
    co_await YieldToLoop();
    session.server->Kill();
    const absl::StatusOr<RedisReply> reply = co_await call;
    EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
    const absl::Status again = co_await session.DialStatus();
    EXPECT_EQ(again.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(again.message()),
                HasSubstr(session.server->address()));
  });
}

TEST(RedisConnectionTest, ACallThatIsCancelledEndsAtOnceAndTheOthersDoNot) {
  RedisServer server;
  RedisSession session(server.port());
  session.server = &server;
  session.Run([](RedisSession& session) -> Task<void> {
    const auto connection = co_await session.Dial();
    CancelSignal cancel;
    const RedisCommand pop("BLPOP", "list", 0);
    RedisCall first = connection->Send(pop, &cancel);
    RedisCall second = connection->Send(RedisCommand("ECHO", "second"));
    co_await YieldToLoop();
    cancel.Cancel(absl::CancelledError("the caller left"));
    const absl::StatusOr<RedisReply> reply = co_await first;
    EXPECT_EQ(reply.status(), absl::CancelledError("the caller left"));
    const absl::StatusOr<RedisReply> late =
        co_await connection->Send(pop, &cancel);
    EXPECT_EQ(late.status(), absl::CancelledError("the caller left"));
    session.server->Ask({"RPUSH", "list", "x"});
    const absl::StatusOr<RedisReply> echo = co_await second;
    EXPECT_EQ(echo->text(), "second");
  });
}

TEST(RedisConnectionTest, ACallThatIsDestroyedHoldsUpNobody) {
  RedisServer server;
  RedisSession session(server.port());
  session.Run([](RedisSession& session) -> Task<void> {
    const auto connection = co_await session.Dial();
    {
      RedisCall dropped = connection->Send(RedisCommand("ECHO", "first"));
    }
    const absl::StatusOr<RedisReply> echo =
        co_await connection->Send(RedisCommand("ECHO", "second"));
    EXPECT_EQ(echo->text(), "second");
  });
}

TEST(RedisConnectionTest, WhatIsInFlightIsBounded) {
  RedisServer server;
  RedisSession session(server.port());
  session.options.commands_in_flight_limit = 3;
  session.options.bytes_in_flight_limit = 1000;
  session.Run([](RedisSession& session) -> Task<void> {
    const auto connection = co_await session.Dial();
    const RedisCommand large("ECHO", std::string(900, 'x'));
    const RedisCommand small("PING");
    {
      RedisCall first = connection->Send(large);
      RedisCall second = connection->Send(large);
      const absl::StatusOr<RedisReply> bytes = co_await second;
      EXPECT_EQ(bytes.status().code(), absl::StatusCode::kResourceExhausted);
      EXPECT_THAT(std::string(bytes.status().message()),
                  HasSubstr("the limit of 1000 bytes"));
      RedisCall third = connection->Send(small);
      RedisCall fourth = connection->Send(small);
      RedisCall fifth = connection->Send(small);
      const absl::StatusOr<RedisReply> commands = co_await fifth;
      EXPECT_EQ(commands.status().code(), absl::StatusCode::kResourceExhausted);
      EXPECT_THAT(std::string(commands.status().message()),
                  HasSubstr("the limit of 3 commands"));
      const absl::StatusOr<RedisReply> last = co_await fourth;
      EXPECT_EQ(last->text(), "PONG");
    }
    const absl::StatusOr<RedisReply> reply = co_await connection->Send(large);
    EXPECT_TRUE(reply.ok()) << reply.status();
  });
}

TEST(RedisConnectionTest, AServerWithoutMemorySaysSo) {
  RedisServer server;
  server.Ask({"CONFIG", "SET", "maxmemory", "1"});
  RedisSession session(server.port());
  session.Run([](RedisSession& session) -> Task<void> {
    const auto connection = co_await session.Dial();
    const absl::StatusOr<RedisReply> reply = CheckRedisReply(
        co_await connection->Send(RedisCommand("SET", "key", "value")));
    EXPECT_EQ(reply.status().code(), absl::StatusCode::kResourceExhausted);
  });
}

TEST(RedisConnectionTest, MessagesGoToTheObserver) {
  RedisServer server;
  RedisSession session(server.port());
  session.server = &server;
  session.Run([](RedisSession& session) -> Task<void> {
    RedisEvents events;
    const auto connection = co_await session.Dial();
    connection->SetObserver(&events);
    connection->TakePushes();
    EXPECT_TRUE(
        connection->SendUnanswered(RedisCommand("SUBSCRIBE", "news")).ok());
    co_await events.AwaitPushes(1);
    session.server->Ask({"PUBLISH", "news", "first"});
    const absl::StatusOr<RedisReply> pong =
        co_await connection->Send(RedisCommand("PING"));
    EXPECT_EQ(pong->size(), 2u);
    EXPECT_EQ((*pong)[0].text(), "pong");
    EXPECT_THAT(events.pushes,
                ElementsAre("subscribe news 1", "message news first"));
    connection->SetObserver(nullptr);
  });
}

// --- With a server that misbehaves.

Task<void> EchoThree(RedisSession& session) {
  const auto connection = co_await session.Dial();
  RedisCall first = connection->Send(RedisCommand("ECHO", "first"));
  RedisCall second = connection->Send(RedisCommand("ECHO", "second"));
  RedisCall third = connection->Send(RedisCommand("ECHO", "third"));
  const absl::StatusOr<RedisReply> last = co_await third;
  EXPECT_EQ(last->text(), "third");
  const absl::StatusOr<RedisReply> earliest = co_await first;
  EXPECT_EQ(earliest->text(), "first");
  const absl::StatusOr<RedisReply> middle = co_await second;
  EXPECT_EQ(middle->text(), "second");
}

TEST(RedisConnectionTest, CommandsOfOneTurnLeaveInOneWrite) {
  uint32_t segments = 0;
  {
    ScriptedServer server([&segments](RawListener& listener) {
      RawClient client = listener.Accept();
      client.ReceiveUntil(kPing);
      const uint32_t before = client.segments_received();
      client.Send("+PONG\r\n");
      client.ReceiveUntil("$5\r\nthird\r\n");
      segments = client.segments_received() - before;
      client.Send("$5\r\nfirst\r\n$6\r\nsecond\r\n$5\r\nthird\r\n");
      client.AtEnd();
    });
    RedisSession session(server.port());
    session.Run(EchoThree);
  }
  EXPECT_EQ(segments, 1u);
}

// What a call on the connection ends with if the server sends `bytes`.
struct Sent {
  absl::Status status;
  int closed = 0;
};
Task<void> AskOnce(RedisSession& session, Sent* sent) {
  RedisEvents events;
  const auto connection = co_await session.Dial();
  connection->SetObserver(&events);
  const absl::StatusOr<RedisReply> reply =
      co_await connection->Send(RedisCommand("GET", "key"));
  sent->status = reply.status();
  if (reply.ok()) co_await events.Await(events.closed);
  if (reply.ok()) sent->status = events.why;
  sent->closed = events.closed;
}
Sent AskServerThatSends(std::string bytes) {
  ScriptedServer server([bytes](RawListener& listener) {
    RawClient client = Greet(listener);
    client.ReceiveUntil("key\r\n");
    client.Send(bytes);
    client.AtEnd();
  });
  RedisSession session(server.port());
  Sent sent;
  session.test = &sent;
  session.Run([](RedisSession& session) -> Task<void> {
    return AskOnce(session, static_cast<Sent*>(session.test));
  });
  return sent;
}

TEST(RedisConnectionTest, WhatIsNoReplyClosesTheConnection) {
  const struct {
    const char* bytes;
    const char* why;
  } kCases[] = {
      {"HTTP/1.1 400 Bad Request\r\n\r\n", "Protocol error, got \"H\""},
      {"$999999999999\r\n", "larger than the limit of 16777216 bytes"},
      {"*999999999\r\n", "more elements than the limit"},
      {"+OK\r\n+OK\r\n", "a reply that nobody asked for"},
      {"+OK\r\n-ERR max number of clients reached\r\n",
       "max number of clients"},
  };
  for (const auto& each : kCases) {
    const Sent sent = AskServerThatSends(each.bytes);
    EXPECT_EQ(sent.status.code(), absl::StatusCode::kUnavailable) << each.bytes;
    EXPECT_THAT(std::string(sent.status.message()), HasSubstr(each.why));
    EXPECT_EQ(sent.closed, 1);
  }
}

TEST(RedisConnectionTest, RepliesMayComeByteByByte) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = Greet(listener);
    client.ReceiveUntil("key\r\n");
    for (const char byte : std::string("*2\r\n:17\r\n$4\r\nabcd\r\n")) {
      client.Send({&byte, 1});
    }
    client.AtEnd();
  });
  RedisSession session(server.port());
  session.Run([](RedisSession& session) -> Task<void> {
    const auto connection = co_await session.Dial();
    const absl::StatusOr<RedisReply> reply =
        co_await connection->Send(RedisCommand("GET", "key"));
    EXPECT_EQ((*reply)[0].integer(), 17);
    EXPECT_EQ((*reply)[1].text(), "abcd");
  });
}

TEST(RedisConnectionTest, AServerThatStopsReadingIsGivenUp) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = Greet(listener);
    listener.SomebodyConnects(10'000);
  });
  RedisSession session(server.port());
  session.options.command_timeout = absl::Milliseconds(20);
  session.options.silence_limit = absl::Milliseconds(50);
  session.Run([](RedisSession& session) -> Task<void> {
    RedisEvents events;
    const auto connection = co_await session.Dial();
    connection->SetObserver(&events);
    // More than the sockets take.
    const RedisCommand large("ECHO", std::string(7'000'000, 'x'));
    RedisCall first = connection->Send(large);
    RedisCall second = connection->Send(large);
    const absl::StatusOr<RedisReply> reply = co_await first;
    EXPECT_EQ(reply.status().code(), absl::StatusCode::kDeadlineExceeded);
    co_await events.Await(events.closed);
    EXPECT_EQ(events.why.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(events.why.message()),
                HasSubstr("has not answered for"));
    EXPECT_EQ(events.closed, 1);
    RawClient::Connect(session.port);  // Ends the script.
  });
}

TEST(RedisConnectionTest, ATinyShareOfAReplyIsSilence) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = Greet(listener);
    client.ReceiveUntil("key\r\n");
    // Faster than the limit of silence, until it is closed.
    client.Send("$1000000\r\n");
    while (client.Send("x") && !listener.SomebodyConnects(5)) {
    }
  });
  RedisSession session(server.port());
  session.options.command_timeout = absl::Milliseconds(20);
  session.options.silence_limit = absl::Milliseconds(50);
  session.Run([](RedisSession& session) -> Task<void> {
    RedisEvents events;
    const auto connection = co_await session.Dial();
    connection->SetObserver(&events);
    const absl::StatusOr<RedisReply> reply =
        co_await connection->Send(RedisCommand("GET", "key"));
    EXPECT_EQ(reply.status().code(), absl::StatusCode::kDeadlineExceeded);
    co_await events.Await(events.closed);
    EXPECT_EQ(events.closed, 1);
  });
}

TEST(RedisConnectionTest, TheOwnerMayDestroyItWhenItIsClosed) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = Greet(listener);
    client.ReceiveUntil("key\r\n");
  });
  RedisSession session(server.port());
  session.Run([](RedisSession& session) -> Task<void> {
    struct Owner final : RedisConnection::Observer {
      void OnClosed(const absl::Status&) override { connection.reset(); }
      std::unique_ptr<RedisConnection> connection;
    } owner;
    owner.connection = co_await session.Dial();
    owner.connection->SetObserver(&owner);
    RedisCall call = owner.connection->Send(RedisCommand("GET", "key"));
    const absl::StatusOr<RedisReply> reply = co_await call;
    EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(owner.connection, nullptr);
  });
}

}  // namespace
}  // namespace gateway
