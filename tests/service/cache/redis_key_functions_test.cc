#include "service/cache/redis_key_functions.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/redis/redis_client.h"
#include "base/redis/redis_command.h"
#include "base/redis/redis_reply.h"
#include "gtest/gtest.h"
#include "tests/service/cache/connected_redis.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

RedisCommand KeyCommand(size_t function, std::string_view token,
                        std::string_view fingerprint = "f", size_t most = 3) {
  RedisCommand call = RedisKeyLibrary().Call(function, 1);
  call.Add(RedisKey("k")).Add(token).Add(fingerprint);
  call.Add("call_of_" + std::string(token)).Add(60'000).Add(3'600'000);
  if (function == kRedisEndKey) call.Add("how");
  if (function == kRedisClaimKey) call.Add(most);
  return call;
}

// As a function of a library and, where Redis has none, as a script.
class RedisKeyFunctionsTest : public testing::TestWithParam<bool> {
 public:
  // What the functions return, or its first part, one after the other.
  void Expect(std::vector<std::pair<RedisCommand, int64_t>> calls) {
    runner_.Run(Ask(*this, std::move(calls)));
  }

  static Task<void> Ask(RedisKeyFunctionsTest& test,
                        std::vector<std::pair<RedisCommand, int64_t>> calls) {
    ConnectedRedis redis(test.server_.port());
    co_await redis.AwaitUp();
    const auto loaded = co_await redis.client().Call(RedisKeyLibrary().Load());
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    for (size_t i = 0; i < calls.size(); ++i) {
      RedisCommand command = std::move(calls[i].first);
      const bool is_function = command.second() != "k";
      if (test.GetParam() && is_function)
        command = RedisKeyLibrary().AsEval(command);
      const absl::StatusOr<RedisReply> reply =
          co_await redis.client().Call(std::move(command));
      EXPECT_TRUE(reply.ok()) << i << ": " << reply.status();
      if (!reply.ok()) break;
      const int64_t state =
          reply->size() > 0 ? (*reply)[0].integer() : reply->integer();
      EXPECT_EQ(state, calls[i].second) << i;
    }
    co_await redis.client().Close();
  }

  RedisServer server_;
  LoopRunner runner_;
};

INSTANTIATE_TEST_SUITE_P(Ways, RedisKeyFunctionsTest, testing::Bool());

TEST_P(RedisKeyFunctionsTest, OneHasTheKeyUntilItHasEnded) {
  std::vector<std::pair<RedisCommand, int64_t>> calls;
  const auto add = [&](size_t function, std::string_view token, int64_t state) {
    calls.emplace_back(KeyCommand(function, token), state);
  };
  add(kRedisClaimKey, "a", 1);
  // The same claim, asked for again.
  add(kRedisClaimKey, "a", 1);
  add(kRedisClaimKey, "b", 2);
  add(kRedisRenewKey, "a", 1);
  for (const size_t of_another :
       {kRedisRenewKey, kRedisEndKey, kRedisReleaseKey}) {
    add(of_another, "b", 0);
  }
  calls.emplace_back(KeyCommand(kRedisClaimKey, "b", "another"), 5);
  add(kRedisEndKey, "a", 1);
  add(kRedisEndKey, "a", 1);
  add(kRedisRenewKey, "a", 0);
  add(kRedisReleaseKey, "a", 0);
  add(kRedisClaimKey, "b", 3);
  // It is told of alone if it is larger than is wanted.
  calls.emplace_back(KeyCommand(kRedisClaimKey, "b", "f", /*most=*/2), 6);
  Expect(std::move(calls));
  EXPECT_EQ(server_.Ask({"HGET", "k", "request"}), "call_of_a");
  EXPECT_EQ(server_.Ask({"HGET", "k", "end"}), "how");
  const int64_t left = std::stoll(server_.Ask({"PTTL", "k"}));
  EXPECT_GT(left, 3'500'000);
  EXPECT_LE(left, 3'600'000);
}

TEST_P(RedisKeyFunctionsTest, WhoRunsItHasItAgainAfterItCountedAsBroken) {
  std::vector<std::pair<RedisCommand, int64_t>> calls;
  const auto add = [&](size_t function, std::string_view token, int64_t state) {
    calls.emplace_back(KeyCommand(function, token), state);
  };
  const auto set = [&](std::string_view field, std::string_view value) {
    RedisCommand command("HSET", RedisKey("k"));
    command.Add(field).Add(value);
    calls.emplace_back(std::move(command), 0);
  };
  add(kRedisClaimKey, "a", 1);
  add(kRedisClaimKey, "b", 2);
  // Passed, and not watched for long.
  set("until", "1");
  add(kRedisClaimKey, "b", 2);
  // Watched, and not passed.
  add(kRedisRenewKey, "a", 1);
  add(kRedisClaimKey, "b", 2);
  set("watched", "60000");
  add(kRedisClaimKey, "b", 2);
  set("until", "1");
  add(kRedisClaimKey, "b", 4);
  add(kRedisRenewKey, "b", 0);
  add(kRedisRenewKey, "a", 1);
  add(kRedisClaimKey, "b", 2);
  Expect(std::move(calls));
  EXPECT_EQ(server_.Ask({"HGET", "k", "watched"}), "0");
}

TEST_P(RedisKeyFunctionsTest, WhatIsReleasedIsFreeButForALateClaimOfItsOwn) {
  std::vector<std::pair<RedisCommand, int64_t>> calls;
  const auto add = [&](size_t function, std::string_view token, int64_t state) {
    calls.emplace_back(KeyCommand(function, token), state);
  };
  add(kRedisReleaseKey, "a", 1);
  // Sent before, and come by another way.
  add(kRedisClaimKey, "a", 4);
  add(kRedisRenewKey, "a", 0);
  calls.emplace_back(KeyCommand(kRedisClaimKey, "b", "another"), 1);
  add(kRedisReleaseKey, "a", 0);
  Expect(std::move(calls));
  EXPECT_EQ(server_.Ask({"HGET", "k", "state"}), "running");
}

}  // namespace
}  // namespace gateway
