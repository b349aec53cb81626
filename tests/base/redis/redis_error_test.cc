#include "base/redis/redis_error.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace gateway {
namespace {

TEST(RedisErrorTest, CodesAreTold) {
  const struct {
    const char* error;
    absl::StatusCode code;
  } kCases[] = {
      {"LOADING Redis is loading the dataset in memory",
       absl::StatusCode::kUnavailable},
      {"READONLY You can't write against a read only replica.",
       absl::StatusCode::kUnavailable},
      {"CLUSTERDOWN The cluster is down", absl::StatusCode::kUnavailable},
      {"ERR max number of clients reached", absl::StatusCode::kUnavailable},
      {"OOM command not allowed when used memory > 'maxmemory'.",
       absl::StatusCode::kResourceExhausted},
      {"WRONGPASS invalid username-password pair or user is disabled.",
       absl::StatusCode::kUnauthenticated},
      {"NOPERM User default has no permissions to run the 'get' command",
       absl::StatusCode::kPermissionDenied},
      {"WRONGTYPE Operation against a key holding the wrong kind of value",
       absl::StatusCode::kFailedPrecondition},
      {"OOMPH", absl::StatusCode::kFailedPrecondition},
      {"", absl::StatusCode::kFailedPrecondition},
  };
  for (const auto& each : kCases) {
    const absl::Status status = RedisErrorStatus(each.error);
    EXPECT_EQ(status.code(), each.code) << each.error;
    EXPECT_EQ(status.message(), each.error);
  }
}

TEST(RedisErrorTest, TheCodeOfAStatusIsItsFirstWord) {
  EXPECT_EQ(RedisErrorCode("NOSCRIPT No matching script."), "NOSCRIPT");
  EXPECT_EQ(RedisErrorCode("ERR"), "ERR");
  EXPECT_EQ(RedisErrorCode(""), "");
}

TEST(RedisErrorTest, ArgumentsThatRedisRepeatsAreLeftOut) {
  EXPECT_EQ(RedisErrorStatus("ERR unknown command 'FOO', with args beginning "
                             "with: 'someone' 'hunter2' ")
                .message(),
            "ERR unknown command 'FOO'");
}

TEST(RedisErrorTest, LongErrorsAreCut) {
  EXPECT_EQ(RedisErrorStatus("ERR " + std::string(5000, 'x')).message().size(),
            256u);
}

TEST(RedisErrorTest, AReplyIsCheckedAtItsTop) {
  RedisReply error;
  error.AddText(RedisType::kError, "OOM no");
  EXPECT_EQ(CheckRedisReply(std::move(error)).status(),
            absl::ResourceExhaustedError("OOM no"));
  RedisReply array;
  const size_t at = array.AddArray(1);
  array.Belongs(array.AddText(RedisType::kError, "OOM no"), at);
  EXPECT_EQ(CheckRedisReply(std::move(array))->size(), 1u);
  EXPECT_EQ(CheckRedisReply(absl::CancelledError("x")).status(),
            absl::CancelledError("x"));
}

TEST(RedisErrorTest, TheServerIsNamedOnce) {
  const absl::Status why = absl::UnavailableError("gone");
  const absl::Status named = AtRedisServer("a:1", why);
  EXPECT_EQ(named, absl::UnavailableError("redis a:1: gone"));
  EXPECT_EQ(AtRedisServer("a:1", named), named);
  EXPECT_TRUE(AtRedisServer("a:1", absl::OkStatus()).ok());
}

}  // namespace
}  // namespace gateway
