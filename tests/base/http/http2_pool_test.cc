// How requests share connections, and what becomes of them when a connection
// goes or does not come.

#include "base/http/http2_pool.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/http/http2_client.h"
#include "base/http/http2_stream.h"
#include "base/http/http_client.h"
#include "base/http/http_destination.h"
#include "base/http/http_timeout.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/base/http/http1_client_test_base.h"
#include "tests/base/http/http2_client_test_base.h"
#include "tests/testing/event.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/scripted_server.h"
#include "tests/testing/test_http2_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr absl::Duration kPoolTimeout = absl::Milliseconds(40);

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// A frame without a payload: empty settings, for one.
std::string Frame(char type, char flags = 0, std::string_view payload = "") {
  std::string frame(9, '\0');
  frame[2] = static_cast<char>(payload.size());
  frame[3] = type;
  frame[4] = flags;
  return frame + std::string(payload);
}

constexpr char kHeaders = 1;
constexpr char kSettings = 4;
constexpr char kGoaway = 7;

// Reads frames up to one of this type.
bool ReceiveFrame(RawClient& client, char type) {
  for (;;) {
    const std::string head = client.ReceiveExactly(9);
    if (head.size() < 9) return false;
    const auto byte = [&](int at) { return static_cast<uint8_t>(head[at]); };
    client.ReceiveExactly(byte(0) << 16 | byte(1) << 8 | byte(2));
    if (head[3] == type) return true;
  }
}

// Begins a connection as a server.
void Greet(RawClient& client) {
  EXPECT_EQ(client.ReceiveExactly(kPreface.size()), kPreface);
  client.Send(Frame(kSettings));
}

void KeepOpen(TestHttp2Server::Request& request) { request.Head(); }

class Http2PoolTest : public Http2ClientTestBase {
 protected:
  // Requests that the server has not answered.
  static Task<void> Occupy(TestHttp2Server& server, Calls& calls,
                           std::shared_ptr<const HttpDestination> to,
                           size_t count) {
    server.on_end = nullptr;
    const size_t before = server.requests.size();
    for (size_t i = 0; i < count; ++i) calls.Add(Plain(to));
    co_await server.AwaitRequests(before + count);
    for (const auto& request : server.requests) {
      while (!request->ended) co_await server.changed.Wait();
    }
  }

  static void AnswerAll(TestHttp2Server& server) {
    for (const auto& request : server.requests) {
      if (request->stream != nullptr && !request->stream->ended()) {
        request->Answer("late");
      }
    }
  }
};

TEST_F(Http2PoolTest, DestinationsOfOneUseAreForgottenWithTheNext) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    for (int i = 0; i < 5; ++i) {
      const auto to = To(server.port());
      const auto use = UseOf(*to);
      EXPECT_TRUE((co_await Call(client, Plain(to))).status.ok());
      EXPECT_EQ(client.destinations(), 1u);
    }
    EXPECT_FALSE(client.CloseUnused());
    EXPECT_EQ(client.destinations(), 0u);
  });
}

TEST_F(Http2PoolTest, AnotherConnectionIsOpenedWhenThoseThereAreFull) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.limits.concurrent_streams = 4;
    const auto to = To(server.port());
    Calls calls(client);
    co_await Occupy(server, calls, to, 4);
    EXPECT_EQ(server.accepted, 1u);
    co_await Occupy(server, calls, to, 1);
    EXPECT_EQ(server.accepted, 2u);
    co_await Occupy(server, calls, to, 25);
    EXPECT_EQ(server.accepted, 8u);
    EXPECT_EQ(client.stats().active, 8u);
    EXPECT_EQ(client.stats().streams, 30u);
    AnswerAll(server);
    co_await calls.AwaitAll();
    for (int i = 0; i < 30; ++i) {
      EXPECT_TRUE(calls[i].status.ok()) << calls[i].status;
    }
    EXPECT_EQ(client.stats().idle, 8u);
    // The first has room again.
    server.on_end = [](TestHttp2Server::Request& request) {
      request.Answer("soon");
    };
    co_await Call(client, Plain(to));
    EXPECT_EQ(server.accepted, 8u);
  });
}

TEST_F(Http2PoolTest, ABurstOpensNoMoreThanItNeeds) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.limits.concurrent_streams = 10;
    Calls calls(client);
    co_await Occupy(server, calls, To(server.port()), 95);
    EXPECT_EQ(server.accepted, 10u);
    AnswerAll(server);
    co_await calls.AwaitAll();
  });
}

TEST_F(Http2PoolTest, RequestsWaitInTheirOrderWhenAllIsFull) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.limits.concurrent_streams = 2;
    server.on_end = nullptr;
    const auto to = To(server.port());
    to->http2_connections_max = 2;
    Calls calls(client);
    co_await Occupy(server, calls, to, 4);
    for (int i = 4; i < 10; ++i) {
      Ask ask = Plain(to);
      ask.body = absl::StrCat(i);
      calls.Add(ask);
    }
    for (size_t i = 0; i < 10; ++i) {
      co_await server.AwaitRequests(i + 1);
      TestHttp2Server::Request& request = *server.requests[i];
      while (!request.ended) co_await server.changed.Wait();
      if (i >= 4) {
        EXPECT_EQ(request.body, absl::StrCat(i));
      }
      request.Answer("now");
      co_await calls.AwaitLeft(10 - i - 1);
    }
    EXPECT_EQ(server.accepted, 2u);
  });
}

TEST_F(Http2PoolTest, WhoeverWaitsInVainIsTold) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.limits.concurrent_streams = 1;
    const auto to = To(server.port());
    to->http2_connections_max = 1;
    to->timeouts.connect = kPoolTimeout;
    Calls calls(client);
    co_await Occupy(server, calls, to, 1);
    const Reply reply = co_await Call(client, Plain(to));
    EXPECT_EQ(reply.status, WaitedTooLong(HttpTimeLimit::kConnect, kPoolTimeout,
                                          "a connection"));
    EXPECT_TRUE(reply.progress.timed_out);
    EXPECT_FALSE(reply.progress.sent);
    // Nobody waits any more, so what is answered serves nobody.
    AnswerAll(server);
    co_await calls.AwaitAll();
    EXPECT_TRUE(calls[0].status.ok()) << calls[0].status;
  });
}

TEST_F(Http2PoolTest, AServerThatDrainsFinishesAndIsAskedNoMore) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    const auto to = To(server.port());
    Calls calls(client);
    co_await Occupy(server, calls, to, 3);
    server.connections[0]->session.Drain();
    server.on_end = [](TestHttp2Server::Request& request) {
      request.Answer("elsewhere");
    };
    // The notice is on its way.
    while (server.accepted < 2) {
      const Reply reply = co_await Call(client, Plain(to));
      EXPECT_TRUE(reply.status.ok()) << reply.status;
    }
    EXPECT_EQ(calls.open(), 3u);
    AnswerAll(server);
    co_await calls.AwaitAll();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(calls[i].body, "late");
    while (server.connections.size() > 1) co_await server.changed.Wait();
  });
}

TEST_F(Http2PoolTest, SaysThatAServerRefusedToLookAtARequest) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    const auto to = To(server.port());
    to->stale_break_max = absl::ZeroDuration();  // It says so itself.
    Calls calls(client);
    co_await Occupy(server, calls, to, 1);
    server.on_end = [&](TestHttp2Server::Request& request) {
      const bool first = request.connection == server.connections[0].get();
      if (!first) return request.Answer("done");
      request.stream->Reset(Http2Error::kRefusedStream);
    };
    Reply reply = co_await Call(client, Plain(to));
    EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
    EXPECT_TRUE(reply.progress.not_processed);
    EXPECT_FALSE(reply.progress.answered);
    // The next attempt goes elsewhere, as this one cannot be expected to do
    // better.
    reply = co_await Call(client, Plain(to));
    EXPECT_EQ(reply.body, "done");
    EXPECT_EQ(server.accepted, 2u);
    // What was under way was not disturbed, and speaks for its connection.
    AnswerAll(server);
    co_await calls.AwaitAll();
    EXPECT_EQ(calls[0].body, "late");
  });
}

TEST_F(Http2PoolTest, AConnectionWithoutAnswersIsLeftAloneUntilItGivesOne) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    const auto to = To(server.port());
    to->timeouts.first_byte = kPoolTimeout;
    server.on_end = nullptr;
    Reply reply = co_await Call(client, Plain(to));
    EXPECT_TRUE(reply.progress.timed_out);
    server.on_end = [](TestHttp2Server::Request& request) {
      request.Answer("better");
    };
    reply = co_await Call(client, Plain(to));
    EXPECT_EQ(reply.body, "better");
    EXPECT_FALSE(reply.progress.reused_connection);
    EXPECT_EQ(server.accepted, 2u);
    while (server.connections.size() > 1) co_await server.changed.Wait();
  });
}

TEST_F(Http2PoolTest, AConnectionThatRestsSaysNothingOfWhatOneCarries) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    const auto to = To(server.port());
    Calls calls(client);
    co_await Occupy(server, calls, to, 1);
    server.on_end = [](TestHttp2Server::Request& request) {
      request.stream->Reset(Http2Error::kRefusedStream);
    };
    co_await Call(client, Plain(to));
    co_await Occupy(server, calls, to, 20);
    // One more serves them all.
    EXPECT_EQ(server.accepted, 2u);
    AnswerAll(server);
    co_await calls.AwaitAll();
  });
}

TEST_F(Http2PoolTest, TheOldestConnectionWithRoomGetsTheNextRequest) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.limits.concurrent_streams = 2;
    const auto to = To(server.port());
    Calls calls(client);
    // One by one, so that the server knows in which order they came.
    for (int i = 0; i < 10; ++i) co_await Occupy(server, calls, to, 1);
    EXPECT_EQ(server.accepted, 5u);
    std::vector<const TestHttp2Server::Connection*> connections;
    for (const auto& one : server.connections) connections.push_back(one.get());
    for (const size_t freed : {1, 3, 2}) {
      for (const auto& request : server.requests) {
        if (request->connection != connections[freed]) continue;
        request->Answer("done");
        co_await calls.AwaitLeft(calls.open() - 1);
        break;
      }
    }
    for (const size_t oldest : {1, 2, 3}) {
      co_await Occupy(server, calls, to, 1);
      EXPECT_EQ(server.requests.back()->connection, connections[oldest]);
    }
    EXPECT_EQ(server.accepted, 5u);
    AnswerAll(server);
    co_await calls.AwaitAll();
  });
}

TEST_F(Http2PoolTest, AServerMayResetWhateverItIsAsked) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    const auto to = To(server.port());
    Calls calls(client);
    co_await Occupy(server, calls, to, 1);
    server.on_end = [](TestHttp2Server::Request& request) {
      request.stream->Reset(Http2Error::kInternalError);
    };
    for (int i = 0; i < 1000; ++i) {
      const Reply reply = co_await Call(client, Plain(to));
      EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
      EXPECT_FALSE(reply.progress.not_processed);
    }
    EXPECT_EQ(server.accepted, 1u);
    AnswerAll(server);
    co_await calls.AwaitAll();
    EXPECT_EQ(calls[0].body, "late");
  });
}

TEST_F(Http2PoolTest, AConnectionThatBreaksTakesAllItsRequestsAlong) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    Greet(client);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(ReceiveFrame(client, kHeaders));
    client.Reset();
  });
  RunClient([&](Http2Client& client) -> Task<void> {
    const auto to = To(server.port());
    Calls calls(client);
    for (int i = 0; i < 3; ++i) calls.Add(Plain(to));
    co_await calls.AwaitAll();
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(absl::IsUnavailable(calls[i].status)) << calls[i].status;
      EXPECT_TRUE(calls[i].progress.sent);
      EXPECT_FALSE(calls[i].progress.answered);
      // It had not served anybody before the first of them.
      EXPECT_FALSE(calls[0].progress.not_processed);
    }
    EXPECT_EQ(client.stats().active, 0u);
  });
}

TEST_F(Http2PoolTest, AServerThatTakesNothingAndClosesIsAskedOnce) {
  Event over;
  int connections = 0;
  ScriptedServer server([&](RawListener& listener) {
    do {
      RawClient client = listener.Accept();
      ++connections;
      EXPECT_EQ(client.ReceiveExactly(kPreface.size()), kPreface);
      // No concurrent streams.
      client.Send(Frame(kSettings, 0, std::string_view("\0\3\0\0\0\0", 6)));
      client.HalfClose();
      client.ReceiveAll();
    } while (connections < 20 && listener.SomebodyConnects(50));
    over.Set();
  });
  RunClient([&](Http2Client& client) -> Task<void> {
    const auto to = To(server.port());
    const Reply reply = co_await Call(client, Plain(to));
    EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
    EXPECT_THAT(reply.status.message(), HasSubstr("before it was used"));
    EXPECT_FALSE(reply.progress.sent);
  });
  EXPECT_TRUE(over.Wait());
  EXPECT_EQ(connections, 1);
}

class Http2BreakTest : public Http2ClientTestBase {
 protected:
  // What comes of a request on a connection that has served one before, and
  // breaks as soon as that request has been there for `worked`.
  Reply CallThatBreaks(absl::Duration worked, absl::Duration stale_break_max) {
    Event over;
    ScriptedServer server([&over](RawListener& listener) {
      RawClient client = listener.Accept();
      Greet(client);
      EXPECT_TRUE(ReceiveFrame(client, kHeaders));
      // `:status 200`, with the end of the stream.
      std::string answer = Frame(kHeaders, 0x5, "\x88");
      answer[8] = 1;
      client.Send(answer);
      EXPECT_TRUE(ReceiveFrame(client, kHeaders));
      EXPECT_TRUE(over.Wait());
      client.Reset();
    });
    Reply reply;
    RunClient([&](Http2Client& client) -> Task<void> {
      const auto to = To(server.port());
      to->stale_break_max = stale_break_max;
      reply = co_await Call(client, Plain(to));
      EXPECT_TRUE(reply.status.ok()) << reply.status;
      // Turns of the loop set what has been read apart from what is sent.
      co_await YieldToLoop();
      Timer timer([&over] { over.Set(); });
      EventLoop::Current()->ArmTimer(timer, worked);
      reply = co_await Call(client, Plain(to));
    });
    EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
    EXPECT_TRUE(reply.progress.reused_connection);
    EXPECT_FALSE(reply.progress.timed_out);
    return reply;
  }
};

TEST_F(Http2BreakTest, SaysThatAConnectionHadBeenGivenUp) {
  const Reply reply = CallThatBreaks(absl::ZeroDuration(), absl::Hours(1));
  EXPECT_TRUE(reply.progress.not_processed);
}

TEST_F(Http2BreakTest, WhatBreaksLateMayHaveBeenWorkedOn) {
  const Reply reply = CallThatBreaks(kPoolTimeout, kPoolTimeout);
  EXPECT_FALSE(reply.progress.not_processed);
}

TEST_F(Http2PoolTest, RequestsBehindTheLastOneOfAGoodbyeCanBeRepeated) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    Greet(client);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(ReceiveFrame(client, kHeaders));
    // The last stream that was looked at is 1; no error.
    client.Send(Frame(kGoaway, 0, std::string_view("\0\0\0\1\0\0\0\0", 8)));
    std::string answer = Frame(kHeaders, 0x5, "\x88");
    answer[8] = 1;
    client.Send(answer);
    client.ReceiveAll();
    RawClient second = listener.Accept();
    Greet(second);
    EXPECT_TRUE(ReceiveFrame(second, kHeaders));
    second.Send(answer);
    second.ReceiveAll();
  });
  RunClient([&](Http2Client& client) -> Task<void> {
    const auto to = To(server.port());
    to->stale_break_max = absl::ZeroDuration();
    Calls calls(client);
    for (int i = 0; i < 3; ++i) calls.Add(Plain(to));
    co_await calls.AwaitAll();
    EXPECT_TRUE(calls[0].status.ok()) << calls[0].status;
    for (int i = 1; i < 3; ++i) {
      EXPECT_TRUE(absl::IsUnavailable(calls[i].status)) << calls[i].status;
      EXPECT_TRUE(calls[i].progress.not_processed);
    }
    const Reply again = co_await Call(client, Plain(to));
    EXPECT_TRUE(again.status.ok()) << again.status;
    EXPECT_FALSE(again.progress.reused_connection);
  });
}

TEST_F(Http2PoolTest, SendsNothingToAServerThatDoesNotSpeakHttp2) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    EXPECT_THAT(client.ReceiveUntil("SM\r\n\r\n"), StartsWith("PRI"));
    client.Send("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    EXPECT_THAT(client.ReceiveAll(), testing::Not(HasSubstr("/v1")));
  });
  RunClient([&](Http2Client& client) -> Task<void> {
    const Reply reply = co_await Call(client, Plain(To(server.port())));
    EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
    EXPECT_THAT(ToStd(reply.status.message()),
                HasSubstr("does not speak HTTP/2"));
    EXPECT_FALSE(reply.progress.sent);
  });
}

TEST_F(Http2PoolTest, GivesUpOnAServerWithoutSettings) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    client.ReceiveAll();
  });
  RunClient([&](Http2Client& client) -> Task<void> {
    const auto to = To(server.port());
    to->timeouts.connect = kPoolTimeout;
    const Reply reply = co_await Call(client, Plain(to));
    EXPECT_TRUE(absl::IsDeadlineExceeded(reply.status)) << reply.status;
    EXPECT_TRUE(reply.progress.timed_out);
  });
}

TEST_F(Http2PoolTest, AllWhoWaitLearnThatNobodyListens) {
  uint16_t port;
  {
    RawListener listener;
    port = listener.port();
  }
  RunClient([&](Http2Client& client) -> Task<void> {
    Calls calls(client);
    for (int i = 0; i < 5; ++i) calls.Add(Plain(To(port)));
    co_await calls.AwaitAll();
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(absl::IsUnavailable(calls[i].status)) << calls[i].status;
      EXPECT_FALSE(calls[i].progress.sent);
    }
  });
}

TEST_F(Http2PoolTest, AConnectionThatNobodyWaitsForIsNotMade) {
  ScriptedServer server([](RawListener& listener) {
    RawClient abandoned = listener.Accept();
    abandoned.ReceiveAll();
    RawClient client = listener.Accept();
    Greet(client);
    EXPECT_TRUE(ReceiveFrame(client, kHeaders));
    std::string answer = Frame(kHeaders, 0x5, "\x88");
    answer[8] = 1;
    client.Send(answer);
    client.ReceiveAll();
  });
  RunClient([&](Http2Client& client) -> Task<void> {
    const auto to = To(server.port());
    Calls calls(client);
    CancelSignal cancel;
    Ask ask = Plain(to);
    ask.cancel = &cancel;
    calls.Add(ask);
    cancel.Cancel(absl::AbortedError("enough"));
    // Comes before the first dial knows, and gets one of its own.
    calls.Add(Plain(to));
    co_await calls.AwaitAll();
    EXPECT_EQ(calls[0].status, absl::AbortedError("enough"));
    EXPECT_TRUE(calls[1].status.ok()) << calls[1].status;
  });
}

TEST_F(Http2PoolTest, IdleConnectionsGo) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    const auto to = To(server.port());
    to->idle_connection_timeout = kPoolTimeout;
    co_await Call(client, Plain(to));
    EXPECT_EQ(client.stats().idle, 1u);
    co_await server.AwaitGone();
    const Reply reply = co_await Call(client, Plain(to));
    EXPECT_TRUE(reply.status.ok()) << reply.status;
    EXPECT_FALSE(reply.progress.reused_connection);
  });
}

TEST_F(Http2PoolTest, KeepsNoMoreIdleConnectionsThanItMay) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.limits.concurrent_streams = 1;
    const auto to = To(server.port());
    to->idle_connections_max = 2;
    Calls calls(client);
    co_await Occupy(server, calls, to, 5);
    EXPECT_EQ(client.stats().active, 5u);
    AnswerAll(server);
    co_await calls.AwaitAll();
    while (server.connections.size() > 2) co_await server.changed.Wait();
    EXPECT_EQ(client.stats().idle, 2u);
  });
}

TEST_F(Http2PoolTest, ConnectionsThatAreTooOldFinishAndAreReplaced) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    const auto to = To(server.port());
    to->connection_age_max = kPoolTimeout;
    server.on_end = KeepOpen;
    Sent old(to);
    co_await old.Send(client);
    server.on_end = [](TestHttp2Server::Request& request) {
      request.Answer("young");
    };
    while (server.accepted < 2) {
      const Reply reply = co_await Call(client, Plain(to));
      EXPECT_TRUE(reply.status.ok()) << reply.status;
    }
    server.requests[0]->stream->Send("old");
    server.requests[0]->stream->End();
    const auto body = co_await old.exchange->ReadAll();
    EXPECT_EQ(*body, "old");
  });
}

}  // namespace
}  // namespace gateway
