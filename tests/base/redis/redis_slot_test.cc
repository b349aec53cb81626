#include "base/redis/redis_slot.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

TEST(RedisSlotTest, IsTheCrcOfTheKey) {
  EXPECT_EQ(RedisSlot("123456789"), 0x31C3);  // The specification's vector.
  EXPECT_EQ(RedisSlot(""), 0);
  EXPECT_EQ(RedisSlot("foo"), 12182);
}

TEST(RedisSlotTest, ATextInBracesCountsAlone) {
  EXPECT_EQ(RedisSlot("{user1000}.following"), RedisSlot("user1000"));
  EXPECT_EQ(RedisSlot("a{user1000}b{c}"), RedisSlot("user1000"));
  EXPECT_EQ(RedisSlot("foo{{bar}}zap"), RedisSlot("{bar"));
  EXPECT_NE(RedisSlot("foo{}{bar}"), RedisSlot("bar"));
  EXPECT_NE(RedisSlot("foo{bar"), RedisSlot("bar"));
}

TEST(RedisSlotTest, IsWhatRedisSays) {
  RedisServer::Options options;
  options.cluster = true;
  RedisServer server(options);
  for (const std::string key :
       {"a", "foo{}{bar}", "foo{bar", "}{x}", "{a}{b}", "\xff\x80{\xfe}",
        "llmgw:limit:{caller-1}:requests"}) {
    EXPECT_EQ(server.Ask({"CLUSTER", "KEYSLOT", key}),
              std::to_string(RedisSlot(key)))
        << key;
  }
}

}  // namespace
}  // namespace gateway
