#include "base/redis/redis_reply.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace gateway {
namespace {

TEST(RedisReplyTest, OneThatHoldsNothingIsNil) {
  const RedisReply reply;
  EXPECT_TRUE(reply.is_nil());
  EXPECT_EQ(reply.integer(), 0);
  EXPECT_EQ(reply.text(), "");
  EXPECT_EQ(reply.size(), 0u);
}

TEST(RedisReplyTest, AValueOfAnotherTypeIsEmpty) {
  RedisReply integer;
  integer.AddInteger(-7);
  EXPECT_EQ(integer.type(), RedisType::kInteger);
  EXPECT_EQ(integer.integer(), -7);
  EXPECT_EQ(integer.text(), "");
  RedisReply text;
  text.AddText(RedisType::kBulkString, "12");
  EXPECT_EQ(text.integer(), 0);
  EXPECT_EQ(text.text(), "12");
  EXPECT_EQ(text.size(), 0u);
  EXPECT_FALSE(text.is_error());
}

// [1, ["a", [], nil], "12345678", ERR]
RedisReply MakeNested() {
  RedisReply reply;
  const size_t outer = reply.AddArray(4);
  reply.Belongs(reply.AddInteger(1), outer);
  const size_t inner = reply.AddArray(3);
  reply.Belongs(inner, outer);
  for (int i = 0; i < 3; ++i) {
    const size_t at = i == 0   ? reply.AddText(RedisType::kBulkString, "a")
                      : i == 1 ? reply.AddArray(0)
                               : reply.AddNil();
    reply.Belongs(at, inner);
    reply.Belongs(at, outer);
  }
  reply.Belongs(reply.AddText(RedisType::kSimpleString, "12345678"), outer);
  reply.Belongs(reply.AddText(RedisType::kError, "ERR"), outer);
  return reply;
}

TEST(RedisReplyTest, ElementsAreFoundBehindNestedArrays) {
  const RedisReply reply = MakeNested();
  ASSERT_EQ(reply.size(), 4u);
  EXPECT_EQ(reply[0].integer(), 1);
  ASSERT_EQ(reply[1].size(), 3u);
  EXPECT_EQ(reply[1][0].text(), "a");
  EXPECT_EQ(reply[1][1].type(), RedisType::kArray);
  EXPECT_EQ(reply[1][1].size(), 0u);
  EXPECT_TRUE(reply[1][2].is_nil());
  EXPECT_EQ(reply[2].text(), "12345678");
  EXPECT_TRUE(reply[3].is_error());
  EXPECT_EQ(reply[3].text(), "ERR");
}

TEST(RedisReplyTest, ElementsAreGoneThroughInOrder) {
  const RedisReply reply = MakeNested();
  std::vector<RedisType> types;
  for (const RedisValue value : reply.value()) types.push_back(value.type());
  EXPECT_EQ(types, (std::vector<RedisType>{
                       RedisType::kInteger, RedisType::kArray,
                       RedisType::kSimpleString, RedisType::kError}));
}

TEST(RedisReplyTest, AViewStaysValidWhenItsReplyIsMoved) {
  RedisReply reply = MakeNested();
  const std::string_view text = reply[2].text();
  const RedisReply moved = std::move(reply);
  EXPECT_EQ(text.data(), moved[2].text().data());
}

}  // namespace
}  // namespace gateway
