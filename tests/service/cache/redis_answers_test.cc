#include "service/cache/redis_answers.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/cache/connected_redis.h"
#include "tests/service/cache/kept_answers.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

using ::testing::UnorderedElementsAre;

using Hit = std::optional<RedisAnswers::Hit>;

// Two replicas on one loop, which ask by the same client.
class RedisAnswersTest : public testing::Test {
 public:
  using Body = Task<void> (*)(RedisAnswersTest&);

  // A lambda without captures, since it is a coroutine.
  void Run(Body body) { runner_.Run(OnLoop(*this, body)); }

  Task<Hit> Find(RedisAnswers& answers, int key,
                 absl::Duration age_max = absl::InfiniteDuration()) {
    return answers.Find("alice", KeyNumber(key), absl::Hours(1), age_max);
  }

  // Until what was put is written, or is not to be.
  Task<void> AwaitWritten(RedisAnswers& answers, uint64_t count) {
    for (;;) {
      const RedisAnswers::Stats stats = answers.stats();
      if (stats.kept + stats.not_written >= count) co_return;
      co_await YieldToLoop();
    }
  }

  std::string NameOf(int key) {
    return absl::StrCat("llmgw:answer:1:", KeyNumber(key).Hex());
  }

  // What each connection has asked for last.
  std::vector<std::string> Connections() {
    std::vector<std::string> commands;
    const std::string list = server_.Ask({"CLIENT", "LIST"});
    for (const absl::string_view line : absl::StrSplit(list, '\n')) {
      const std::vector<absl::string_view> parts = absl::StrSplit(line, "cmd=");
      if (parts.size() < 2) continue;
      commands.emplace_back(parts[1].substr(0, parts[1].find(' ')));
    }
    return commands;
  }

  static Task<void> OnLoop(RedisAnswersTest& test, Body body) {
    test.redis_ = std::make_unique<ConnectedRedis>(test.server_.port());
    co_await test.redis_->AwaitUp();
    co_await body(test);
    co_await test.redis_->client().Close();
    test.redis_ = nullptr;
  }

  RedisClient* client() {
    return redis_ == nullptr ? nullptr : &redis_->client();
  }

  RedisServer server_;
  FakeClock clock_;
  FakeClock other_clock_;
  LoopRunner runner_;
  std::unique_ptr<ConnectedRedis> redis_;
  RedisAnswers one_{{}, [this] { return client(); }, clock_};
  RedisAnswers other_{{}, [this] { return client(); }, other_clock_};
};

TEST_F(RedisAnswersTest, WhatOneKeepsTheOtherFindsWithItsAge) {
  Run([](RedisAnswersTest& test) -> Task<void> {
    const Hit none = co_await test.Find(test.other_, 1);
    EXPECT_FALSE(none);
    test.one_.Put("alice", KeyNumber(1), AnswerOf("hello", "call_7"),
                  absl::Hours(1));
    co_await test.AwaitWritten(test.one_, 1);
    test.other_clock_.Advance(absl::Seconds(40));
    const Hit hit = co_await test.Find(test.other_, 1);
    EXPECT_TRUE(hit);
    if (!hit) co_return;
    EXPECT_EQ(hit->answer->body, "hello");
    EXPECT_EQ(hit->answer->request_id, "call_7");
    EXPECT_EQ(hit->age, absl::Seconds(40));
    const Hit another = co_await test.Find(test.other_, 2);
    EXPECT_FALSE(another);
    EXPECT_EQ(test.one_.stats().kept, 1u);
    EXPECT_EQ(test.other_.stats().hits, 1u);
    EXPECT_EQ(test.other_.stats().misses, 2u);
  });
}

TEST_F(RedisAnswersTest, WhatIsTooOldIsAMiss) {
  Run([](RedisAnswersTest& test) -> Task<void> {
    test.one_.Put("alice", KeyNumber(1), AnswerOf("hello"), absl::Hours(2));
    co_await test.AwaitWritten(test.one_, 1);
    test.other_clock_.Advance(absl::Seconds(40));
    const Hit fresh = co_await test.Find(test.other_, 1, absl::Seconds(40));
    EXPECT_TRUE(fresh);
    const Hit stale = co_await test.Find(test.other_, 1, absl::Seconds(39));
    EXPECT_FALSE(stale);
    // As long as its own `ttl` at each.
    test.other_clock_.Advance(absl::Hours(1) - absl::Seconds(41));
    const Hit last = co_await test.Find(test.other_, 1);
    EXPECT_TRUE(last);
    test.other_clock_.Advance(absl::Seconds(1));
    const Hit gone = co_await test.Find(test.other_, 1);
    EXPECT_FALSE(gone);
    // A clock that is behind makes nothing younger than now.
    const Hit now = co_await test.Find(test.one_, 1, absl::ZeroDuration());
    EXPECT_TRUE(now && now->age == absl::ZeroDuration());
    test.clock_.StepWallTime(test.clock_.WallTime() - absl::Minutes(5));
    const Hit behind = co_await test.Find(test.one_, 1);
    EXPECT_TRUE(behind && behind->age == absl::ZeroDuration());
  });
}

TEST_F(RedisAnswersTest, RedisDropsItWithItsTime) {
  Run([](RedisAnswersTest& test) -> Task<void> {
    test.one_.Put("alice", KeyNumber(1), AnswerOf("hello"), absl::Seconds(90));
    co_await test.AwaitWritten(test.one_, 1);
    int64_t left = 0;
    EXPECT_TRUE(
        absl::SimpleAtoi(test.server_.Ask({"PTTL", test.NameOf(1)}), &left));
    EXPECT_GT(left, 60'000);
    EXPECT_LE(left, 90'000);
  });
}

TEST_F(RedisAnswersTest, WhatIsNoRecordOfOursIsAMiss) {
  Run([](RedisAnswersTest& test) -> Task<void> {
    test.one_.Put("alice", KeyNumber(1), AnswerOf("hello"), absl::Hours(1));
    co_await test.AwaitWritten(test.one_, 1);
    // Another's answer, under another key.
    test.server_.Ask({"COPY", test.NameOf(1), test.NameOf(2)});
    test.server_.Ask({"SET", test.NameOf(3), "a text"});
    test.server_.Ask({"SET", test.NameOf(4), ""});
    test.server_.Ask({"APPEND", test.NameOf(1), "x"});
    for (int key = 1; key <= 4; ++key) {
      const Hit hit = co_await test.Find(test.other_, key);
      EXPECT_FALSE(hit) << key;
    }
    // An empty text is there as little as none.
    EXPECT_EQ(test.other_.stats().unreadable, 3u);
    test.server_.Ask({"LPUSH", test.NameOf(5), "a list"});
    const Hit list = co_await test.Find(test.other_, 5);
    EXPECT_FALSE(list);
    EXPECT_EQ(test.other_.stats().failed, 1u);
  });
}

TEST_F(RedisAnswersTest, WhatIsLargeOrTooMuchAtOnceIsNotWritten) {
  Run([](RedisAnswersTest& test) -> Task<void> {
    test.one_.Put("alice", KeyNumber(1),
                  AnswerOf(RedisAnswers::kAnswerBytesMax), absl::Hours(1));
    EXPECT_EQ(test.one_.stats().too_large, 1u);
    const size_t large = RedisAnswers::kAnswerBytesMax - 4096;
    for (int key = 2; key <= 10; ++key) {
      test.one_.Put("alice", KeyNumber(key), AnswerOf(large), absl::Hours(1));
    }
    EXPECT_EQ(test.one_.stats().no_room, 1u);
    co_await test.AwaitWritten(test.one_, 8);
    EXPECT_EQ(test.one_.stats().kept, 8u);
    // There is room again.
    test.one_.Put("alice", KeyNumber(11), AnswerOf(large), absl::Hours(1));
    co_await test.AwaitWritten(test.one_, 9);
    const Hit hit = co_await test.Find(test.other_, 11);
    EXPECT_TRUE(hit && hit->answer->body.size() == large);
  });
}

TEST_F(RedisAnswersTest, WhatIsLargeGoesByAConnectionOfItsOwn) {
  Run([](RedisAnswersTest& test) -> Task<void> {
    test.one_.Put("alice", KeyNumber(1), AnswerOf("hello"), absl::Hours(1));
    co_await test.AwaitWritten(test.one_, 1);
    const Hit small = co_await test.Find(test.other_, 1);
    EXPECT_TRUE(small);
    // The test's own, and one that has asked for the beginning.
    EXPECT_THAT(test.Connections(),
                UnorderedElementsAre("client|list", "getrange"));
    const size_t bytes = 2 * kRedisSmallBytesMax;
    test.one_.Put("alice", KeyNumber(2), AnswerOf(bytes), absl::Hours(1));
    co_await test.AwaitWritten(test.one_, 2);
    EXPECT_THAT(test.Connections(),
                UnorderedElementsAre("client|list", "getrange", "set"));
    const Hit large = co_await test.Find(test.other_, 2);
    EXPECT_TRUE(large && large->answer->body.size() == bytes);
    EXPECT_THAT(test.Connections(),
                UnorderedElementsAre("client|list", "getrange", "get"));
  });
}

TEST_F(RedisAnswersTest, WhileRedisIsAwayItIsNotAsked) {
  Run([](RedisAnswersTest& test) -> Task<void> {
    test.server_.Kill();
    co_await test.redis_->AwaitUp(false);
    const Hit hit = co_await test.Find(test.one_, 1);
    EXPECT_FALSE(hit);
    test.one_.Put("alice", KeyNumber(1), AnswerOf("hello"), absl::Hours(1));
    EXPECT_EQ(test.one_.stats().away, 1u);
    EXPECT_EQ(test.one_.stats().not_written, 1u);
    test.server_.Restart();
    co_await test.redis_->AwaitUp();
    test.one_.Put("alice", KeyNumber(1), AnswerOf("hello"), absl::Hours(1));
    co_await test.AwaitWritten(test.one_, 2);
    const Hit back = co_await test.Find(test.other_, 1);
    EXPECT_TRUE(back);
  });
}

TEST_F(RedisAnswersTest, AThreadWithoutAClientHasNone) {
  RedisAnswers alone({}, [] { return nullptr; }, clock_);
  EXPECT_FALSE(runner_.Run(alone.Find("alice", KeyNumber(1), absl::Hours(1),
                                      absl::InfiniteDuration())));
  alone.Put("alice", KeyNumber(1), AnswerOf("hello"), absl::Hours(1));
  EXPECT_EQ(alone.stats().away, 1u);
  EXPECT_EQ(alone.stats().not_written, 1u);
}

}  // namespace
}  // namespace gateway
