#include "service/config/redis_url.h"

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RedisUrlTest, EverythingButTheHostMayBeLeftOut) {
  const absl::StatusOr<RedisUrl> url = ParseRedisUrl("redis://cache");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->address, "cache:6379");
  EXPECT_FALSE(url->tls);
  EXPECT_EQ(url->user, "");
  EXPECT_TRUE(url->password.empty());
  EXPECT_EQ(url->database, std::nullopt);
  EXPECT_EQ(ParseRedisUrl("redis://localhost:6379/")->address,
            "localhost:6379");
}

TEST(RedisUrlTest, UserPasswordAndDatabaseAreDecoded) {
  const absl::StatusOr<RedisUrl> url =
      ParseRedisUrl("rediss://a%40b:c%3a%2fd@[::1]:7/12");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->user, "a@b");
  EXPECT_EQ(url->password.Reveal(), "c:/d");
  EXPECT_EQ(url->address, "[::1]:7");
  EXPECT_EQ(url->database, 12);
  EXPECT_EQ(ParseRedisUrl("redis://:x@cache")->password.Reveal(), "x");
  EXPECT_EQ(ParseRedisUrl("redis://:x@cache")->user, "");
}

TEST(RedisUrlTest, WhatIsNoneIsRefusedAndNotRepeated) {
  for (const char* text :
       {"", "cache:6379", "http://secret@cache", "redis://", "redis://secret@",
        "redis://cache/secret", "redis://cache/-1", "redis://cache/1/2",
        "redis://cache?secret=1", "redis://cache#secret",
        "redis://cache:secret", "redis://u:%zzsecret@cache"}) {
    const absl::Status status = ParseRedisUrl(text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("secret")));
  }
}

TEST(RedisUrlTest, ASecretMayBeAUrl) {
  const auto in = [](const char* text) {
    return std::string(RedisPasswordIn(Secret(text)).Reveal());
  };
  EXPECT_EQ(in("redis://gw:word@cache"), "word");
  EXPECT_EQ(in("rediss://cache"), "");
  EXPECT_EQ(in("a password"), "a password");
}

}  // namespace
}  // namespace gateway
