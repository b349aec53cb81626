#include "base/redis/redis_standalone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/base/redis/redis_client_session.h"
#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

using testing::StartsWith;

TEST(RedisStandaloneTest, AServerThatBecameAReplicaIsLeft) {
  RedisServer master;
  RedisServer replica;
  RedisClientSession session({replica.port()});
  session.server = &replica;
  replica.Ask({"REPLICAOF", "127.0.0.1", absl::StrCat(master.port())});
  replica.AwaitLine("MASTER <-> REPLICA sync: Finished with success");
  session.Run([](RedisClientSession& session) -> Task<void> {
    co_await session.AwaitUp();
    const absl::StatusOr<RedisReply> reply = co_await session.client->Call(
        RedisCommand("SET", RedisKey("key"), "x"));
    EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(reply.status().message()), StartsWith("READONLY"));
    // Connected anew, since it may be another one's address by now.
    EXPECT_FALSE(session.client->up());
    session.server->Ask({"REPLICAOF", "NO", "ONE"});
    co_await session.AwaitUp();
    const std::string set =
        co_await session.Ask(RedisCommand("SET", RedisKey("key"), "x"));
    EXPECT_EQ(set, "OK");
  });
}

}  // namespace
}  // namespace gateway
