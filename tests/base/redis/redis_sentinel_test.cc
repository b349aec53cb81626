#include "base/redis/redis_sentinel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os/thread.h"
#include "tests/base/redis/redis_client_session.h"
#include "tests/testing/event.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/redis_server.h"
#include "tests/testing/scripted_server.h"

namespace gateway {
namespace {

constexpr char kMasterName[] = "main";
constexpr char kSentinelPassword[] = "watch";

RedisServer::Options DataOptions(uint16_t master_port) {
  RedisServer::Options options;
  options.arguments = {"--repl-ping-replica-period", "1"};
  if (master_port != 0) {
    options.arguments.insert(
        options.arguments.end(),
        {"--replicaof", absl::StrCat("127.0.0.1 ", master_port)});
    options.ready_line = "MASTER <-> REPLICA sync: Finished with success";
  }
  return options;
}

// Watches over the master at the port, or over none.
RedisServer::Options SentinelOptions(uint16_t master_port) {
  RedisServer::Options options;
  options.sentinel = true;
  options.password = kSentinelPassword;
  options.ready_line = "Sentinel ID is";
  options.configuration = absl::StrCat("requirepass ", kSentinelPassword, "\n");
  if (master_port != 0) {
    absl::StrAppend(&options.configuration, "sentinel monitor ", kMasterName,
                    " 127.0.0.1 ", master_port, " 1\n",
                    "sentinel down-after-milliseconds ", kMasterName, " 2000\n",
                    "sentinel failover-timeout ", kMasterName, " 5000\n");
    options.ready_line = "+monitor master";
  }
  return options;
}

// A master with a replica; a sentinel that knows nothing, and one that knows.
struct Watched {
  Watched() {
    // It is asked for replicas often from the moment on at which it has one.
    sentinel.AskUntil({"SENTINEL", "MASTER", kMasterName}, "num-slaves\n1");
  }

  RedisServer first{DataOptions(0)};
  RedisServer second{DataOptions(first.port())};
  RedisServer ignorant{SentinelOptions(0)};
  RedisServer sentinel{SentinelOptions(first.port())};
};

Watched& WatchedOf(const RedisClientSession& session) {
  return *static_cast<Watched*>(session.test);
}

class SentinelSession : public RedisClientSession {
 public:
  // Nobody listens at the first address.
  explicit SentinelSession(Watched& watched)
      : RedisClientSession(
            {1, watched.ignorant.port(), watched.sentinel.port()}) {
    options.topology = RedisOptions::Topology::kSentinel;
    options.master_name = kMasterName;
    options.connection.client_name = "gateway";
    options.sentinel.password = Secret(kSentinelPassword);
    test = &watched;
  }
};

TEST(RedisSentinelTest, TheMasterIsAskedOfWhoKnows) {
  Watched watched;
  SentinelSession session(watched);
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    const std::string set =
        co_await session.Ask(RedisCommand("SET", RedisKey("key"), "value"));
    EXPECT_EQ(set, "OK");
    EXPECT_EQ(WatchedOf(session).first.Ask({"GET", "key"}), "value");
    EXPECT_EQ(session.health.Servers()[0].name, kMasterName);
  });
}

TEST(RedisSentinelTest, AnUnknownMasterIsDown) {
  RedisServer ignorant(SentinelOptions(0));
  RedisClientSession session({ignorant.port()});
  session.options.topology = RedisOptions::Topology::kSentinel;
  session.options.master_name = "other";
  session.options.sentinel.password = Secret(kSentinelPassword);
  session.Run([](RedisClientSession& session) -> Task<void> {
    while (session.health.Servers().empty()) co_await YieldToLoop();
    const absl::StatusOr<RedisReply> reply =
        co_await session.client->Call(RedisCommand("PING"));
    EXPECT_EQ(reply.status(), absl::UnavailableError(
                                  "redis other: nobody knows yet where it is"));
  });
}

// Counts up until it has counted a hundred at the second server, which it says
// its name to. (A master that is replaced on purpose goes on for a while, and
// what it is told then is lost.) What was refused meanwhile is counted, too.
struct Counted {
  int done = 0;
  int refused = 0;
  int unknown = 0;  // May have been carried out or not.
};
Task<void> CountUntilMoved(RedisClientSession& session, Counted* counted) {
  Watched& watched = WatchedOf(session);
  std::atomic<bool> moved = false;
  Thread watcher("watcher", [&] {
    watched.second.AskUntil({"CLIENT", "LIST"}, "name=gateway ");
    moved = true;
  });
  for (int left = 100; left > 0;) {
    const absl::Duration begun = EventLoop::Current()->Now();
    const bool was_up = session.client->up();
    const absl::StatusOr<RedisReply> reply =
        co_await session.client->Call(RedisCommand("INCR", RedisKey("count")));
    if (reply.ok()) {
      ++counted->done;
      if (moved) --left;
    } else if (was_up) {
      ++counted->unknown;
      EXPECT_LE(EventLoop::Current()->Now() - begun, absl::Seconds(5));
    } else {
      ++counted->refused;
    }
    // Others have their turn while it is down.
    co_await YieldToLoop();
  }
  watcher.Join();
}

TEST(RedisSentinelTest, AMasterThatDiesIsReplacedUnderLoad) {
  Watched watched;
  SentinelSession session(watched);
  session.Run([](RedisClientSession& session) -> Task<void> {
    Watched& watched = WatchedOf(session);
    co_await session.AwaitUp();
    for (int i = 0; i < 100; ++i) {
      const std::string count =
          co_await session.Ask(RedisCommand("INCR", RedisKey("before")));
      EXPECT_EQ(count, absl::StrCat(i + 1));
    }
    watched.first.Kill();
    co_await session.AwaitDown();
    Counted counted;
    co_await CountUntilMoved(session, &counted);
    EXPECT_GT(counted.refused, 0);
    EXPECT_EQ(watched.second.Ask({"GET", "count"}), absl::StrCat(counted.done));
    EXPECT_TRUE(session.client->up());
    EXPECT_EQ(session.health.Servers()[0].outages, 1u);
  });
}

TEST(RedisSentinelTest, AMasterThatIsReplacedOnPurposeIsLeftAtOnce) {
  Watched watched;
  SentinelSession session(watched);
  session.Run([](RedisClientSession& session) -> Task<void> {
    Watched& watched = WatchedOf(session);
    co_await session.AwaitUp();
    // It has to know its replica well enough.
    watched.sentinel.AskUntil({"SENTINEL", "FAILOVER", kMasterName}, "OK");
    Counted counted;
    co_await CountUntilMoved(session, &counted);
    EXPECT_GE(counted.done, 100);
    const std::string set =
        co_await session.Ask(RedisCommand("SET", RedisKey("after"), "x"));
    EXPECT_EQ(set, "OK");
    EXPECT_EQ(watched.second.Ask({"GET", "after"}), "x");
  });
}

// A bulk string as Redis sends it.
std::string Bulk(const std::string& text) {
  return absl::StrCat("$", text.size(), "\r\n", text, "\r\n");
}

// Plays a sentinel that names `first` when it is asked, and announces `second`
// once the client has gone there, and knows it.
void NameThenAnnounce(RawListener& listener, RedisServer& first,
                      RedisServer& second, Event& is_up) {
  // One connection asks, one listens.
  RawClient one = listener.Accept();
  RawClient other = listener.Accept();
  for (RawClient* client : {&one, &other}) {
    client->ReceiveUntil("PING\r\n");
    client->Send("+PONG\r\n");
  }
  const bool one_listens = one.ReceiveUntil("\r\n") == "*2\r\n";
  RawClient& listens = one_listens ? one : other;
  RawClient& asks = one_listens ? other : one;
  asks.ReceiveUntil("main\r\n");
  asks.Send(absl::StrCat("*2\r\n", Bulk("127.0.0.1"),
                         Bulk(absl::StrCat(first.port()))));
  listens.ReceiveUntil("+switch-master\r\n");
  EXPECT_TRUE(is_up.Wait());
  for (const char* name : {"another", kMasterName}) {
    listens.Send(
        absl::StrCat("*3\r\n", Bulk("message"), Bulk("+switch-master"),
                     Bulk(absl::StrCat(name, " 127.0.0.1 ", first.port(),
                                       " 127.0.0.1 ", second.port()))));
  }
  listens.AtEnd();
}

TEST(RedisSentinelTest, AMasterThatIsAnnouncedIsGoneToAtOnce) {
  RedisServer first;
  RedisServer second;
  Event is_up;
  ScriptedServer sentinel([&](RawListener& listener) {
    NameThenAnnounce(listener, first, second, is_up);
  });
  RedisClientSession session({sentinel.port()});
  session.options.topology = RedisOptions::Topology::kSentinel;
  session.options.master_name = kMasterName;
  session.options.connection.client_name = "gateway";
  session.server = &second;
  session.test = &is_up;
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    static_cast<Event*>(session.test)->Set();
    co_await session.AwaitDown();
    co_await session.AwaitUp();
    const std::string set =
        co_await session.Ask(RedisCommand("SET", RedisKey("key"), "value"));
    EXPECT_EQ(set, "OK");
    EXPECT_EQ(session.server->Ask({"GET", "key"}), "value");
  });
}

}  // namespace
}  // namespace gateway
