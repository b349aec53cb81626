#include "base/redis/redis_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

// The reply that `bytes` are, or null with the test failed.
RedisReply ReadOne(std::string_view bytes) {
  RedisReader reader({});
  EXPECT_TRUE(reader.Feed(bytes).ok());
  RedisReply reply;
  const absl::StatusOr<bool> whole = reader.Next(&reply);
  EXPECT_TRUE(whole.ok() && *whole) << whole.status();
  return reply;
}

// What refuses `bytes`; OK if they are waited on for more.
absl::Status ReadStatus(std::string_view bytes,
                        const RedisReplyLimits& limits = {}) {
  RedisReader reader(limits);
  EXPECT_TRUE(reader.Feed(bytes).ok());
  RedisReply reply;
  return reader.Next(&reply).status();
}

TEST(RedisReaderTest, ReadsEveryType) {
  EXPECT_EQ(ReadOne("+OK\r\n").type(), RedisType::kSimpleString);
  EXPECT_EQ(ReadOne("+OK\r\n").text(), "OK");
  EXPECT_EQ(ReadOne(":-42\r\n").integer(), -42);
  EXPECT_EQ(ReadOne(":9223372036854775807\r\n").integer(), INT64_MAX);
  EXPECT_EQ(ReadOne("$5\r\na\r\nbc\r\n").text(), "a\r\nbc");
  EXPECT_EQ(ReadOne("$0\r\n\r\n").type(), RedisType::kBulkString);
  EXPECT_TRUE(ReadOne("$-1\r\n").is_nil());
  EXPECT_TRUE(ReadOne("*-1\r\n").is_nil());
  EXPECT_EQ(ReadOne("*0\r\n").type(), RedisType::kArray);
  EXPECT_TRUE(ReadOne("-ERR no\r\n").is_error());
  EXPECT_EQ(ReadOne("-ERR no\r\n").text(), "ERR no");
}

TEST(RedisReaderTest, ReadsNestedArrays) {
  const RedisReply reply =
      ReadOne("*3\r\n*2\r\n:1\r\n$1\r\na\r\n*0\r\n-ERR x\r\n");
  ASSERT_EQ(reply.size(), 3u);
  EXPECT_EQ(reply[0][1].text(), "a");
  EXPECT_EQ(reply[1].size(), 0u);
  EXPECT_TRUE(reply[2].is_error());
}

TEST(RedisReaderTest, RepliesInOnePieceComeOutOneByOne) {
  RedisReader reader({});
  ASSERT_TRUE(reader.Feed(":1\r\n+two\r\n:").ok());
  RedisReply reply;
  ASSERT_TRUE(*reader.Next(&reply));
  EXPECT_EQ(reply.integer(), 1);
  ASSERT_TRUE(*reader.Next(&reply));
  EXPECT_EQ(reply.text(), "two");
  EXPECT_FALSE(*reader.Next(&reply));
  ASSERT_TRUE(reader.Feed("3\r\n").ok());
  ASSERT_TRUE(*reader.Next(&reply));
  EXPECT_EQ(reply.integer(), 3);
}

TEST(RedisReaderTest, OneByteAtATimeIsAsGood) {
  RedisReader reader({});
  RedisReply reply;
  const std::string_view bytes = "*2\r\n$3\r\nabc\r\n:7\r\n";
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(*reader.Next(&reply));
    ASSERT_TRUE(reader.Feed(bytes.substr(i, 1)).ok());
  }
  ASSERT_TRUE(*reader.Next(&reply));
  EXPECT_EQ(reply[0].text(), "abc");
  EXPECT_EQ(reply[1].integer(), 7);
}

TEST(RedisReaderTest, WhatIsNoReplyIsRefusedForGood) {
  RedisReader reader({});
  ASSERT_TRUE(reader.Feed("HTTP/1.1 400 Bad Request\r\n").ok());
  RedisReply reply;
  EXPECT_EQ(reader.Next(&reply).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(reader.Feed("+OK\r\n").code(), absl::StatusCode::kInternal);
  EXPECT_EQ(reader.Next(&reply).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ReadStatus(":1x\r\n").code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ReadStatus("$-2\r\n").code(), absl::StatusCode::kInternal);
}

TEST(RedisReaderTest, ATextBeyondTheLimitIsRefusedWhenItIsAnnounced) {
  RedisReplyLimits limits;
  limits.bytes = 1024;
  EXPECT_TRUE(ReadStatus("$900\r\n", limits).ok());
  EXPECT_TRUE(ReadStatus("$1024\r", limits).ok());
  EXPECT_EQ(ReadStatus("$1025\r", limits).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReadStatus("*2\r\n:1\r\n$99999999999999999999", limits).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(RedisReaderTest, AllOfAReplyTogetherHasTheLimit) {
  RedisReplyLimits limits;
  limits.bytes = 100;
  const std::string text = "$40\r\n" + std::string(40, 'x') + "\r\n";
  EXPECT_TRUE(ReadStatus("*1\r\n" + text, limits).ok());
  EXPECT_EQ(ReadStatus("*2\r\n" + text + text, limits).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(RedisReaderTest, ElementsOfAllArraysTogetherHaveALimit) {
  RedisReplyLimits limits;
  limits.elements = 5;
  EXPECT_TRUE(ReadStatus("*2\r\n*3\r\n", limits).ok());
  EXPECT_EQ(ReadStatus("*2\r\n*4\r\n", limits).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReadStatus("*2147483647\r\n", limits).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(RedisReaderTest, ALimitIsOfOneReply) {
  RedisReplyLimits limits;
  limits.elements = 2;
  RedisReader reader(limits);
  RedisReply reply;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(reader.Feed("*2\r\n:1\r\n:2\r\n").ok());
    ASSERT_TRUE(reader.Next(&reply).value_or(false));
  }
}

TEST(RedisReaderTest, ALineWithoutAnEndIsRefused) {
  EXPECT_TRUE(
      ReadStatus("+" + std::string(RedisReader::kLineBytesMax, 'x')).ok());
  EXPECT_EQ(
      ReadStatus("+" + std::string(RedisReader::kLineBytesMax + 1, 'x')).code(),
      absl::StatusCode::kResourceExhausted);
}

TEST(RedisReaderTest, ArraysAreNestedSevenTimesAtMost) {
  std::string seven;
  for (int i = 0; i < 7; ++i) seven += "*1\r\n";
  EXPECT_TRUE(ReadStatus(seven + ":1\r\n").ok());
  EXPECT_EQ(ReadStatus(seven + "*1\r\n*1\r\n:1\r\n").code(),
            absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace gateway
