#include "base/redis/redis_cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/async/await_all.h"
#include "base/os/thread.h"
#include "base/redis/redis_library.h"
#include "base/redis/redis_slot.h"
#include "tests/base/redis/redis_client_session.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/redis_server.h"
#include "tests/testing/scripted_server.h"

namespace gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int kMasters = 3;

// Three masters that share the slots, for all tests of the file.
class RedisClusterTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    RedisServer::Options options;
    options.cluster = true;
    options.arguments = {"--cluster-node-timeout", "5000",
                         "--cluster-require-full-coverage", "no"};
    for (int i = 0; i < kMasters; ++i) {
      servers.push_back(std::make_unique<RedisServer>(options));
      const int first = kRedisSlots * i / kMasters;
      const int last = kRedisSlots * (i + 1) / kMasters - 1;
      servers[i]->Ask({"CLUSTER", "ADDSLOTSRANGE", absl::StrCat(first),
                       absl::StrCat(last)});
      servers[i]->Ask({"CLUSTER", "SET-CONFIG-EPOCH", absl::StrCat(i + 1)});
      servers[0]->Ask({"CLUSTER", "MEET", "127.0.0.1",
                       absl::StrCat(servers[i]->port()),
                       absl::StrCat(servers[i]->cluster_port())});
    }
    for (const auto& server : servers) {
      server->AskUntil({"CLUSTER", "INFO"}, "cluster_slots_ok:16384");
      server->AskUntil({"CLUSTER", "INFO"}, "cluster_state:ok");
    }
  }
  static void TearDownTestSuite() { servers.clear(); }

  void SetUp() override {
    for (const auto& server : servers) {
      server->Ask({"FLUSHALL"});
      server->Ask({"CONFIG", "RESETSTAT"});
    }
  }

  // The server of a key.
  static int OwnerOf(const std::string& key) {
    for (int i = 0; i < kMasters; ++i) {
      if (RedisSlot(key) < kRedisSlots * (i + 1) / kMasters) return i;
    }
    return 0;
  }

  static std::vector<std::unique_ptr<RedisServer>> servers;
};
std::vector<std::unique_ptr<RedisServer>> RedisClusterTest::servers;

// A session that begins with one node, which tells of the others.
class ClusterSession : public RedisClientSession {
 public:
  explicit ClusterSession(uint16_t port) : RedisClientSession({port}) {
    options.topology = RedisOptions::Topology::kCluster;
  }
};

TEST_F(RedisClusterTest, CommandsGoToTheNodeOfTheirKey) {
  ClusterSession session(servers[0]->port());
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    for (int i = 0; i < 100; ++i) {
      const std::string key = absl::StrCat("key-", i);
      const std::string set =
          co_await session.Ask(RedisCommand("SET", RedisKey(key), i));
      EXPECT_EQ(set, "OK");
      const std::string got =
          co_await session.Ask(RedisCommand("GET", RedisKey(key)));
      EXPECT_EQ(got, absl::StrCat(i));
    }
    const std::string pong = co_await session.Ask(RedisCommand("PING"));
    EXPECT_EQ(pong, "PONG");
    const std::string two = co_await session.Ask(
        RedisCommand("MSET", RedisKey("{a}1"), 1, RedisKey("{a}2"), 2));
    EXPECT_EQ(two, "OK");
    const std::string crossed = co_await session.Ask(
        RedisCommand("MSET", RedisKey("a"), 1, RedisKey("b"), 2));
    EXPECT_THAT(crossed, HasSubstr("CROSSSLOT"));
    EXPECT_EQ(session.health.Servers().size(), size_t{kMasters});
  });
  for (const auto& server : servers) {
    EXPECT_NE(server->Ask({"DBSIZE"}), "0");
    // The map was right: nobody was sent elsewhere.
    EXPECT_THAT(server->Ask({"INFO", "errorstats"}), Not(HasSubstr("MOVED")));
  }
}

TEST_F(RedisClusterTest, CommandsForSeveralSlotsGoSideBySide) {
  ClusterSession session(servers[1]->port());
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    std::vector<RedisCommand> commands;
    for (int i = 0; i < 30; ++i) {
      commands.emplace_back("INCRBY", RedisKey(absl::StrCat(i)), i);
    }
    const std::vector<absl::StatusOr<RedisReply>> replies =
        co_await session.client->CallAll(std::move(commands));
    for (int i = 0; i < 30; ++i) {
      EXPECT_EQ(replies[i].ok() ? replies[i]->integer() : -1, i)
          << replies[i].status();
    }
  });
  for (const auto& server : servers) EXPECT_NE(server->Ask({"DBSIZE"}), "0");
}

TEST_F(RedisClusterTest, FunctionsComeToEachNode) {
  ClusterSession session(servers[2]->port());
  session.Run([](RedisClientSession& session) -> Task<void> {
    const RedisLibrary library(
        "cluster", "", {{"take", "return redis.call('INCR', KEYS[1])"}});
    co_await session.AwaitUp();
    for (int i = 0; i < 30; ++i) {
      RedisCommand take = library.Call(0, 1);
      const std::string key = absl::StrCat("function-", i);
      take.Add(RedisKey(key));
      const absl::StatusOr<RedisReply> reply =
          co_await session.client->CallFunction(library, std::move(take));
      EXPECT_EQ(RedisClientSession::TextOf(reply), "1");
    }
  });
  for (const auto& server : servers) {
    EXPECT_THAT(server->Ask({"INFO", "commandstats"}),
                HasSubstr("cmdstat_function|load:calls=1,"));
  }
}

// --- A slot moves while its keys are written.

constexpr int kMovedKeys = 40;

struct Move {
  std::atomic<bool> over = false;
  int from = 0;
  int to = 0;
  std::string slot;
  std::vector<int> counted = std::vector<int>(kMovedKeys, 0);
};

std::string MovedKey(int i) { return absl::StrCat("{moved}", i); }

// Counts a key up until the slot has moved, and a hundred times more.
Task<bool> CountUp(RedisClientSession& session, Move& move, int key) {
  for (int left = 100; left > 0;) {
    const std::string count =
        co_await session.Ask(RedisCommand("INCR", RedisKey(MovedKey(key))));
    const int expected = ++move.counted[key];
    if (count != absl::StrCat(expected)) {
      ADD_FAILURE() << "key " << key << ": " << count << ", not " << expected;
      co_return false;
    }
    if (move.over) --left;
  }
  co_return true;
}

// Moves all keys of the slot, half of them only when somebody was sent after
// one that had moved.
void MoveSlot(RedisServer& from, RedisServer& to, const std::string& slot) {
  const std::string from_id = from.Ask({"CLUSTER", "MYID"});
  const std::string to_id = to.Ask({"CLUSTER", "MYID"});
  to.Ask({"CLUSTER", "SETSLOT", slot, "IMPORTING", from_id});
  from.Ask({"CLUSTER", "SETSLOT", slot, "MIGRATING", to_id});
  for (const char* part : {"20", "1000"}) {
    std::vector<std::string> migrate = {
        "MIGRATE", "127.0.0.1", absl::StrCat(to.port()), "", "0",
        "5000",    "KEYS"};
    const std::string keys = from.Ask({"CLUSTER", "GETKEYSINSLOT", slot, part});
    for (const auto& key : absl::StrSplit(keys, '\n'))
      migrate.emplace_back(key);
    EXPECT_EQ(from.Ask(migrate), "OK");
    from.AskUntil({"INFO", "errorstats"}, "errorstat_ASK");
  }
  to.Ask({"CLUSTER", "SETSLOT", slot, "NODE", to_id});
  from.Ask({"CLUSTER", "SETSLOT", slot, "NODE", to_id});
  from.AskUntil({"INFO", "errorstats"}, "errorstat_MOVED");
}

TEST_F(RedisClusterTest, ASlotMovesUnderLoadAndNothingIsLost) {
  ClusterSession session(servers[0]->port());
  Move move;
  move.from = OwnerOf(MovedKey(0));
  move.to = (move.from + 1) % kMasters;
  move.slot = absl::StrCat(RedisSlot(MovedKey(0)));
  session.test = &move;
  session.Run([](RedisClientSession& session) -> Task<void> {
    Move& move = *static_cast<Move*>(session.test);
    co_await session.AwaitUp();
    std::vector<Task<bool>> counting;
    for (int i = 0; i < kMovedKeys; ++i) {
      counting.push_back(CountUp(session, move, i));
    }
    // There are keys in the slot before it moves.
    for (int i = 0; i < kMovedKeys; ++i) {
      const std::string set =
          co_await session.Ask(RedisCommand("SET", RedisKey(MovedKey(i)), 0));
      EXPECT_EQ(set, "OK");
    }
    Thread mover("mover", [&move] {
      MoveSlot(*servers[move.from], *servers[move.to], move.slot);
      move.over = true;
    });
    const std::vector<bool> sound = co_await AwaitAll(std::move(counting));
    EXPECT_THAT(sound, testing::Each(true));
    mover.Join();
  });
  for (int i = 0; i < kMovedKeys; ++i) {
    EXPECT_EQ(servers[move.to]->Ask({"GET", MovedKey(i)}),
              absl::StrCat(move.counted[i]));
  }
  // Back to where the other tests expect it.
  const std::string id = servers[move.from]->Ask({"CLUSTER", "MYID"});
  for (const auto& server : servers) {
    server->Ask({"FLUSHALL"});
    server->Ask({"CLUSTER", "SETSLOT", move.slot, "NODE", id});
  }
}

// --- A node is gone.

TEST_F(RedisClusterTest, ANodeThatDiesIsMissedByItsOwnKeysOnly) {
  ClusterSession session(servers[0]->port());
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    constexpr int kVictim = 2;
    std::array<std::string, kMasters> keys;
    for (int i = 0; i < 100; ++i) {
      keys[OwnerOf(absl::StrCat(i))] = absl::StrCat(i);
    }
    servers[kVictim]->Kill();
    co_await session.AwaitDown();
    for (int i = 0; i < kMasters; ++i) {
      const absl::StatusOr<RedisReply> reply = co_await session.client->Call(
          RedisCommand("INCR", RedisKey(keys[i])));
      EXPECT_EQ(reply.status().code(), i == kVictim
                                           ? absl::StatusCode::kUnavailable
                                           : absl::StatusCode::kOk)
          << reply.status();
    }
    servers[kVictim]->Restart();
    co_await session.AwaitUp();
  });
  servers[2]->AskUntil({"CLUSTER", "INFO"}, "cluster_state:ok");
}

// --- With a server that misbehaves.

// Answers commands of one connection until it ends, CLUSTER SLOTS and others
// each with always the same.
void ServeAsNode(RawListener& listener, const std::string& slots,
                 const std::string& other) {
  RawClient client = listener.Accept();
  for (;;) {
    const std::string count = client.ReceiveUntil("\r\n");
    if (count.empty()) return;
    std::string command;
    for (int i = std::stoi(count.substr(1)); i > 0; --i) {
      const std::string size = client.ReceiveUntil("\r\n");
      command += client.ReceiveExactly(std::stoul(size.substr(1)) + 2);
    }
    const bool asks_map = command == "CLUSTER\r\nSLOTS\r\n";
    client.Send(asks_map ? slots : command == "PING\r\n" ? "+PONG\r\n" : other);
  }
}

std::string SlotsAt(const std::string& port) {
  return absl::StrCat("*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$0\r\n\r\n:", port,
                      "\r\n");
}

TEST(RedisClusterMapTest, ANodeWithoutANameIsWhereItWasAsked) {
  uint16_t port = 0;
  ScriptedServer server([&port](RawListener& listener) {
    port = listener.port();
    ServeAsNode(listener, SlotsAt(absl::StrCat(port)), "+FINE\r\n");
  });
  ClusterSession session(server.port());
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    const std::string fine =
        co_await session.Ask(RedisCommand("GET", RedisKey("key")));
    EXPECT_EQ(fine, "FINE");
  });
}

TEST(RedisClusterMapTest, ANodeThatNobodyKnewIsConnectedFirst) {
  ScriptedServer newcomer([](RawListener& listener) {
    ServeAsNode(listener, "-ERR no\r\n", "+FINE\r\n");
  });
  const std::string moved =
      absl::StrCat("-MOVED 12539 127.0.0.1:", newcomer.port(), "\r\n");
  ScriptedServer server([&moved](RawListener& listener) {
    ServeAsNode(listener, SlotsAt(absl::StrCat(listener.port())), moved);
  });
  ClusterSession session(server.port());
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    const std::string fine =
        co_await session.Ask(RedisCommand("GET", RedisKey("key")));
    EXPECT_EQ(fine, "FINE");
  });
}

TEST(RedisClusterMapTest, NodesThatSendInACircleAreLeftAlone) {
  ScriptedServer server([](RawListener& listener) {
    const std::string port = absl::StrCat(listener.port());
    ServeAsNode(listener, SlotsAt(port),
                absl::StrCat("-MOVED 12539 127.0.0.1:", port, "\r\n"));
  });
  ClusterSession session(server.port());
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    const absl::StatusOr<RedisReply> reply =
        co_await session.client->Call(RedisCommand("GET", RedisKey("key")));
    EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(reply.status().message()), HasSubstr("MOVED"));
  });
}

TEST(RedisClusterMapTest, AMapThatMakesNoSenseIsNone) {
  const std::string bad[] = {
      "*1\r\n*3\r\n:5\r\n:20000\r\n*2\r\n$1\r\na\r\n:1\r\n",
      "*1\r\n*3\r\n:5\r\n:4\r\n*2\r\n$1\r\na\r\n:1\r\n",
      "*1\r\n*3\r\n:0\r\n:9\r\n*2\r\n$1\r\na\r\n:0\r\n",
      "*1\r\n*2\r\n:0\r\n:9\r\n",
      "*0\r\n",
      "+OK\r\n",
      "-ERR no\r\n"};
  for (const std::string& slots : bad) {
    ScriptedServer server([&slots](RawListener& listener) {
      ServeAsNode(listener, slots, "+OK\r\n");
    });
    ClusterSession session(server.port());
    session.Run([](RedisClientSession& session) -> Task<void> {
      while (session.health.Servers().empty()) co_await YieldToLoop();
      // Whatever has no key is answered by whoever is there.
      const std::string pong = co_await session.Ask(RedisCommand("PING"));
      EXPECT_EQ(pong, "PONG");
      const absl::StatusOr<RedisReply> reply =
          co_await session.client->Call(RedisCommand("GET", RedisKey("key")));
      EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
      EXPECT_FALSE(session.client->up());
    });
  }
}

}  // namespace
}  // namespace gateway
