#include "service/limits/redis_limit_functions.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "base/redis/redis_client.h"
#include "base/redis/redis_command.h"
#include "gtest/gtest.h"
#include "tests/service/limits/shared_replicas.h"
#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

class RedisLimitFunctionsTest : public testing::Test {
 protected:
  RedisLimitFunctionsTest() : two_(server_.port()) { two_.test = &server_; }

  RedisServer server_;
  SharedReplicas two_;
};

RedisCommand LeaseCommand(std::string_view key) {
  RedisCommand call = RedisLimitLibrary().Call(kRedisLease, 1);
  call.Add(RedisKey(key)).Add(1000).Add(600).Add(0).Add(100);
  return call;
}

TEST_F(RedisLimitFunctionsTest, RedisTakesThemAsALibraryAndAsScripts) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    const auto loaded =
        co_await two.clients[0]->Call(RedisLimitLibrary().Load());
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    const auto called = co_await two.clients[0]->Call(LeaseCommand("a"));
    EXPECT_TRUE(called.ok()) << called.status();
    EXPECT_EQ((*called)[1].integer(), 700);
    const auto script = co_await two.clients[0]->Call(
        RedisLimitLibrary().AsEval(LeaseCommand("b")));
    EXPECT_TRUE(script.ok()) << script.status();
    EXPECT_EQ((*script)[1].integer(), 700);
  });
}

TEST_F(RedisLimitFunctionsTest, TimesAreKeptByTheSecondAndTheNanosecond) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisServer& server = *static_cast<RedisServer*>(two.test);
    RedisCommand call = RedisLimitLibrary().Call(kRedisLease, 1);
    call.Add(RedisKey("a")).Add(0).Add(kRedisLongest).Add(0);
    const auto far = co_await two.clients[0]->CallFunction(RedisLimitLibrary(),
                                                           std::move(call));
    EXPECT_EQ((*far)[1].integer(), kRedisLongest);
    const std::string kept = server.Ask({"GET", "a"});
    const size_t colon = kept.find(':');
    const int64_t now = std::stoll(server.Ask({"TIME"}));
    EXPECT_NEAR(static_cast<double>(std::stoll(kept.substr(0, colon)) - now),
                4'500'000.0, 2.0);
    EXPECT_LT(std::stoll(kept.substr(colon + 1)), 1'000'000'000);
  });
}

TEST_F(RedisLimitFunctionsTest, AKeyOfSomebodyElseIsAnError) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisServer& server = *static_cast<RedisServer*>(two.test);
    server.Ask({"LPUSH", "a", "x"});
    const auto called = co_await two.clients[0]->CallFunction(
        RedisLimitLibrary(), LeaseCommand("a"));
    EXPECT_FALSE(called.ok());
  });
}

}  // namespace
}  // namespace gateway
