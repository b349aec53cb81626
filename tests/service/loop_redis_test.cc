#include "service/loop_redis.h"

#include <memory>

#include "base/async/task.h"
#include "base/net/resolver.h"
#include "base/redis/redis_health.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

Task<void> FindIt(bool* found, bool* gone) {
  auto options = std::make_shared<RedisOptions>();
  options->addresses.push_back({"127.0.0.1", 1});
  Resolver resolver;
  RedisHealth health;
  LoopRedis redis(resolver, {options, &health});
  *found = LoopRedis::OfThisLoop() == &redis.client();
  co_await redis.Close();
  *gone = LoopRedis::OfThisLoop() == nullptr;
}

TEST(LoopRedisTest, IsFoundOnItsLoopUntilItIsClosed) {
  EXPECT_EQ(LoopRedis::OfThisLoop(), nullptr);
  LoopRunner runner;
  bool found = false;
  bool gone = false;
  runner.Run(FindIt(&found, &gone));
  EXPECT_TRUE(found);
  EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace gateway
