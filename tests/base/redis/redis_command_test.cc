#include "base/redis/redis_command.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>

namespace gateway {
namespace {

TEST(RedisCommandTest, ArgumentsAreTextsAndNumbers) {
  EXPECT_EQ(RedisCommand("PING").bytes(), "*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(RedisCommand("SET", RedisKey("k"), "a\r\nb", "PX", 1500).bytes(),
            "*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n$2\r\nPX\r\n"
            "$4\r\n1500\r\n");
  EXPECT_EQ(RedisCommand("X", INT64_MIN, UINT64_MAX, "").bytes(),
            "*4\r\n$1\r\nX\r\n$20\r\n-9223372036854775808\r\n"
            "$20\r\n18446744073709551615\r\n$0\r\n\r\n");
}

TEST(RedisCommandTest, MoreArgumentsMayBeAdded) {
  RedisCommand command("DEL");
  for (int i = 0; i < 9; ++i) command.Add(RedisKey(std::to_string(i)));
  EXPECT_TRUE(command.bytes().starts_with("*10\r\n$3\r\nDEL\r\n$1\r\n0\r\n"));
  for (int i = 0; i < 90; ++i) command.Add("x");
  EXPECT_TRUE(command.bytes().starts_with("*100\r\n$3\r\nDEL\r\n"));
  EXPECT_EQ(command.key(), "0");
}

TEST(RedisCommandTest, TheFirstKeyIsKnown) {
  EXPECT_FALSE(RedisCommand("PING").has_key());
  EXPECT_EQ(RedisCommand("PING").key(), "");
  RedisCommand command("EVAL", "return 1", 2, RedisKey("first"));
  command.Add(RedisKey("second")).Add(std::string(1000, 'x'));
  EXPECT_TRUE(command.has_key());
  EXPECT_EQ(command.key(), "first");
  const RedisCommand moved = std::move(command);
  EXPECT_EQ(moved.key(), "first");
  EXPECT_TRUE(RedisCommand("GET", RedisKey("")).has_key());
}

TEST(RedisCommandTest, NothingIsLeftOfOneThatWasWiped) {
  RedisCommand command("AUTH");
  command.Reserve(1000);
  const char* const memory = command.bytes().data();
  command.Add(std::string(900, 's'));
  EXPECT_EQ(command.bytes().data(), memory);
  command.Wipe();
  EXPECT_EQ(command.bytes().find('s'), std::string::npos);
}

}  // namespace
}  // namespace gateway
