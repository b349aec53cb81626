#include "base/redis/redis_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/os/random.h"
#include "base/redis/redis_error.h"
#include "tests/base/redis/redis_session.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/redis_server.h"
#include "tests/testing/scripted_server.h"
#include "tests/testing/simulated_time.h"

namespace gateway {
namespace {

using testing::HasSubstr;

// A node, and what it told.
class WatchedNode final : public RedisNode::Observer {
 public:
  explicit WatchedNode(RedisSession& session)
      : node(
            {.names = session.names,
             .random = &random_,
             .health = &health,
             .options = &session.options,
             .name = absl::StrCat("127.0.0.1:", session.port)},
            [this, &session] {
              ++attempts;
              changed_.Set();
              return std::optional<HostPort>({session.host, session.port});
            },
            *this) {}

  void OnUp(RedisNode&) override {
    ++ups;
    changed_.Set();
  }
  void OnDown(RedisNode&, const absl::Status& status) override {
    why = status;
    ++downs;
    changed_.Set();
  }
  Task<void> AwaitUps(int least) {
    while (ups < least) co_await changed_.Wait();
  }
  Task<void> AwaitDowns(int least) {
    while (downs < least) co_await changed_.Wait();
  }
  Task<void> AwaitAttempts(int least) {
    while (attempts < least) co_await changed_.Wait();
  }

  int ups = 0;
  int downs = 0;
  int attempts = 0;
  absl::Status why;
  RedisHealth health;

 private:
  FakeRandom random_{1};
  WakeUp changed_;

 public:
  RedisNode node;  // Last: it uses the above.
};

TEST(RedisNodeTest, CommandsAreRefusedUntilItIsUp) {
  RedisServer server;
  RedisSession session(server.port());
  session.Run([](RedisSession& session) -> Task<void> {
    WatchedNode watched(session);
    watched.node.Start();
    const absl::StatusOr<RedisReply> early =
        co_await watched.node.Send(RedisCommand("PING"));
    EXPECT_EQ(early.status(),
              absl::UnavailableError(absl::StrCat(
                  "redis 127.0.0.1:", session.port, ": not connected yet")));
    co_await watched.AwaitUps(1);
    const absl::StatusOr<RedisReply> reply =
        co_await watched.node.Send(RedisCommand("PING"));
    EXPECT_EQ(reply->text(), "PONG");
    EXPECT_EQ(watched.downs, 0);
    co_await watched.node.Close();
    const absl::StatusOr<RedisReply> after =
        co_await watched.node.Send(RedisCommand("PING"));
    EXPECT_EQ(after.status().code(), absl::StatusCode::kUnavailable);
  });
}

TEST(RedisNodeTest, AServerThatDiesAndComesBackIsConnectedAgain) {
  RedisServer server;
  RedisSession session(server.port());
  session.server = &server;
  session.Run([](RedisSession& session) -> Task<void> {
    WatchedNode watched(session);
    watched.node.Start();
    co_await watched.AwaitUps(1);
    session.server->Kill();
    co_await watched.AwaitDowns(1);
    const absl::StatusOr<RedisReply> down =
        co_await watched.node.Send(RedisCommand("PING"));
    EXPECT_EQ(down.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(watched.health.Servers()[0].outages, 1u);
    // Some attempts that fail change nothing.
    const int attempts = watched.attempts;
    co_await watched.AwaitAttempts(attempts + 2);
    EXPECT_EQ(watched.downs, 1);
    session.server->Restart();
    co_await watched.AwaitUps(2);
    const absl::StatusOr<RedisReply> reply =
        co_await watched.node.Send(RedisCommand("PING"));
    EXPECT_EQ(reply->text(), "PONG");
    EXPECT_TRUE(watched.health.Servers()[0].is_up());
    co_await watched.node.Close();
  });
}

TEST(RedisNodeTest, AStoppedServerComesBackWithoutABurst) {
  RedisServer server;
  RedisSession session(server.port());
  session.server = &server;
  session.options.command_timeout = absl::Milliseconds(20);
  session.Run([](RedisSession& session) -> Task<void> {
    WatchedNode watched(session);
    watched.node.Start();
    co_await watched.AwaitUps(1);
    session.server->Stop();
    const RedisCommand increment("INCR", "count");
    const absl::StatusOr<RedisReply> late =
        co_await watched.node.Send(increment);
    EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(watched.downs, 1);
    for (int i = 0; i < 1000; ++i) {
      RedisCall refused = watched.node.Send(increment);
      EXPECT_TRUE(refused.done());
    }
    session.server->GoOn();
    co_await watched.AwaitUps(2);
    // On the connection that it was: what is late has been taken in.
    EXPECT_EQ(watched.attempts, 1);
    EXPECT_EQ(session.server->Ask({"GET", "count"}), "1");
    co_await watched.node.Close();
  });
}

TEST(RedisNodeTest, AServerThatIsStoppedForLongIsConnectedAnew) {
  RedisServer server;
  RedisSession session(server.port());
  session.server = &server;
  session.options.command_timeout = absl::Milliseconds(20);
  session.options.silence_limit = absl::Milliseconds(50);
  session.options.connect_timeout = absl::Milliseconds(200);
  session.Run([](RedisSession& session) -> Task<void> {
    WatchedNode watched(session);
    watched.node.Start();
    co_await watched.AwaitUps(1);
    session.server->Stop();
    (void)co_await watched.node.Send(RedisCommand("PING"));
    co_await watched.AwaitAttempts(3);
    session.server->GoOn();
    co_await watched.AwaitUps(2);
    EXPECT_EQ(watched.downs, 1);
    co_await watched.node.Close();
  });
}

TEST(RedisNodeTest, APausedServerIsDownWhileItPauses) {
  RedisServer server;
  RedisSession session(server.port());
  session.server = &server;
  session.options.command_timeout = absl::Milliseconds(20);
  session.Run([](RedisSession& session) -> Task<void> {
    WatchedNode watched(session);
    watched.node.Start();
    co_await watched.AwaitUps(1);
    session.server->Ask({"CLIENT", "PAUSE", "1000", "ALL"});
    const absl::StatusOr<RedisReply> late =
        co_await watched.node.Send(RedisCommand("INCR", "count"));
    EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
    co_await watched.AwaitUps(2);
    EXPECT_EQ(watched.attempts, 1);
    co_await watched.node.Close();
  });
}

// Answers each PING, but the first, later than it is waited for.
TEST(RedisNodeTest, AServerThatIsAlwaysSlowIsDownOnce) {
  constexpr int kProbes = 4;
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    for (int i = 0; i <= kProbes; ++i) {
      client.ReceiveUntil("PING\r\n");
      if (i > 0) listener.SomebodyConnects(40);
      client.Send("+PONG\r\n");
    }
    listener.SomebodyConnects(10'000);
  });
  RedisSession session(server.port());
  session.options.command_timeout = absl::Milliseconds(20);
  session.options.silence_limit = absl::Milliseconds(300);
  session.options.back_off.longest = absl::Milliseconds(100);
  session.Run([](RedisSession& session) -> Task<void> {
    WatchedNode watched(session);
    watched.node.Start();
    co_await watched.AwaitUps(1);
    const absl::StatusOr<RedisReply> late =
        co_await watched.node.Send(RedisCommand("PING"));
    EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
    // The script is at its end when nothing is answered any more.
    co_await watched.AwaitAttempts(2);
    EXPECT_EQ(watched.ups, 1);
    EXPECT_EQ(watched.downs, 1);
    EXPECT_EQ(watched.health.Servers()[0].outages, 1u);
    co_await watched.node.Close();
  });
}

TEST(RedisNodeTest, AServerThatBreaksOffAsSoonAsItIsThereIsDown) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    client.ReceiveUntil("PING\r\n");
    client.Send("+PONG\r\n+UNASKED\r\n");
    client.AtEnd();
  });
  RedisSession session(server.port());
  session.Run([](RedisSession& session) -> Task<void> {
    WatchedNode watched(session);
    watched.node.Start();
    co_await watched.AwaitDowns(1);
    EXPECT_EQ(watched.why,
              absl::UnavailableError(absl::StrCat(
                  "redis 127.0.0.1:", session.port,
                  ": the server sent a reply that nobody asked for")));
    EXPECT_EQ(watched.ups, 0);
    co_await watched.node.Close();
  });
}

TEST(RedisNodeTest, AnIdleServerThatIsStoppedIsFoundOut) {
  RedisServer server;
  RedisSession session(server.port());
  session.server = &server;
  session.options.command_timeout = absl::Milliseconds(20);
  session.options.ping_interval = absl::Milliseconds(30);
  session.Run([](RedisSession& session) -> Task<void> {
    WatchedNode watched(session);
    watched.node.Start();
    co_await watched.AwaitUps(1);
    session.server->Stop();
    co_await watched.AwaitDowns(1);
    EXPECT_THAT(std::string(watched.why.message()),
                HasSubstr("a reply is overdue"));
    session.server->GoOn();
    co_await watched.node.Close();
  });
}

TEST(RedisNodeTest, AWrongPasswordIsSaidAndTriedAgain) {
  RedisServer::Options options;
  options.arguments = {"--requirepass", "right"};
  options.password = "right";
  RedisServer server(options);
  RedisSession session(server.port());
  session.server = &server;
  session.options.password = Secret("wrong");
  session.Run([](RedisSession& session) -> Task<void> {
    WatchedNode watched(session);
    watched.node.Start();
    co_await watched.AwaitDowns(1);
    EXPECT_EQ(watched.why.code(), absl::StatusCode::kUnauthenticated);
    const absl::StatusOr<RedisReply> refused =
        co_await watched.node.Send(RedisCommand("PING"));
    // Whoever asks is not to blame.
    EXPECT_EQ(refused.status(), absl::UnavailableError(watched.why.message()));
    session.server->Ask({"CONFIG", "SET", "requirepass", "wrong"});
    co_await watched.AwaitUps(1);
    co_await watched.node.Close();
  });
}

TEST(RedisNodeTest, ClosingWhileItConnectsIsClean) {
  RedisServer server;
  server.Stop();
  RedisSession session(server.port());
  session.Run([](RedisSession& session) -> Task<void> {
    WatchedNode watched(session);
    watched.node.Start();
    for (int i = 0; i < 3; ++i) co_await YieldToLoop();
    co_await watched.node.Close();
    EXPECT_EQ(watched.ups, 0);
  });
  server.GoOn();
}

// An hour in which nobody listens at the port.
TEST(RedisNodeTest, AttemptsBecomeRare) {
  SimulatedTime time;
  LoopRunner runner(time);
  Resolver resolver;
  struct Hour {
    static Task<int> Run(Resolver& resolver, EventLoop& loop) {
      LoopResolver names(resolver);
      RedisSession session(1);
      session.names = &names;
      session.options.back_off.longest = absl::Seconds(2);
      WatchedNode watched(session);
      watched.node.Start();
      const absl::Duration end = loop.Now() + absl::Hours(1);
      WakeUp over;
      Timer timer([&over] { over.Set(); });
      loop.timers().Arm(timer, end);
      co_await over.Wait();
      EXPECT_EQ(watched.downs, 1);
      EXPECT_EQ(watched.ups, 0);
      co_await watched.node.Close();
      co_return watched.attempts;
    }
  };
  const int attempts = runner.Run(Hour::Run(resolver, runner.loop()));
  // One each 1 to 2 seconds, but for the first few.
  EXPECT_GE(attempts, 3600 / 2);
  EXPECT_LE(attempts, 3600 + 10);
}

}  // namespace
}  // namespace gateway
