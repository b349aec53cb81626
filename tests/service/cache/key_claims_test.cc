#include "service/cache/key_claims.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/os/logging.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/cache/connected_redis.h"
#include "tests/service/cache/kept_answers.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

int64_t NumberOf(std::string_view text) {
  int64_t number = -1;
  EXPECT_TRUE(absl::SimpleAtoi(ToAbsl(text), &number)) << text;
  return number;
}

using ::testing::HasSubstr;
using ::testing::Not;

using Found = absl::StatusOr<KeyClaims::Found>;

// Two replicas on one loop, which ask by the same client.
class KeyClaimsTest : public testing::Test {
 public:
  using Body = Task<void> (*)(KeyClaimsTest&);

  // A lambda without captures, since it is a coroutine.
  void Run(Body body, absl::Duration patience = absl::Seconds(10)) {
    runner_.Run(OnLoop(*this, body, patience));
  }

  // As the call of that number comes with the key.
  Task<Found> Claim(KeyClaims& claims, std::string_view call, uint64_t body = 1,
                    std::string_view key = "k",
                    std::string_view caller = "alice") {
    KeyClaims::Ask ask = {.caller = caller,
                          .key = key,
                          .fingerprint = KeyNumber(body),
                          .request_id = call,
                          .ttl = absl::Hours(1)};
    ask.answer_bytes_max = answer_bytes_max_;
    co_return co_await claims.Claim(ask, cancel_);
  }

  // Until Redis knows of all ends.
  static Task<void> AwaitTold(KeyClaims& claims) {
    while (claims.stats().untold > 0) co_await YieldToLoop();
  }

  // A field of what Redis has of the only key.
  std::string InRedis(std::string_view field) {
    const std::string name = server_.Ask({"KEYS", "llmgw:key:1:*"});
    return server_.Ask({"HGET", name, std::string(field)});
  }
  // Sets one, as it would be by now had time passed.
  void SetInRedis(std::string_view field, std::string_view value) {
    const std::string name = server_.Ask({"KEYS", "llmgw:key:1:*"});
    server_.Ask({"HSET", name, std::string(field), std::string(value)});
  }

  // Whether whoever comes with the key waits, as for a call that runs.
  Task<bool> Waits(KeyClaims& claims) {
    const Found found = co_await Claim(claims, "call_n");
    co_return found.ok() && !found->claim && !found->end;
  }

  static Task<void> OnLoop(KeyClaimsTest& test, Body body,
                           absl::Duration patience) {
    test.redis_ =
        std::make_unique<ConnectedRedis>(test.server_.port(), patience);
    co_await test.redis_->AwaitUp();
    Spawn(RunOne(test, test.one_));
    Spawn(RunOne(test, test.other_));
    Spawn(RunOne(test, test.patient_));
    co_await body(test);
    test.one_.StopOnLoop();
    test.other_.StopOnLoop();
    test.patient_.StopOnLoop();
    while (test.running_ > 0) co_await test.ended_.Wait();
    co_await test.redis_->client().Close();
    test.redis_ = nullptr;
  }
  static Task<void> RunOne(KeyClaimsTest& test, KeyClaims& claims) {
    ++test.running_;
    co_await claims.Run(test.runner_.loop());
    --test.running_;
    test.ended_.Set();
  }

  RedisClient* client() {
    return redis_ == nullptr ? nullptr : &redis_->client();
  }

  RedisServer server_;
  LoopRunner runner_;
  CancelSignal cancel_;
  size_t answer_bytes_max_ = KeyClaims::kAnswerBytesMax;
  std::unique_ptr<ConnectedRedis> redis_;
  int running_ = 0;
  WakeUp ended_;
  KeyClaims one_{{.renew_interval = absl::Milliseconds(20)},
                 [this] { return client(); }};
  KeyClaims other_{{.renew_interval = absl::Milliseconds(20)},
                   [this] { return client(); }};
  KeyClaims patient_{{}, [this] { return client(); }};  // As the gateway's.
  // One that dies: nobody renews its claims, nor tells of their ends.
  KeyClaims dying_{{.claim = absl::Milliseconds(50),
                    .renew_interval = absl::Milliseconds(20)},
                   [this] { return client(); }};
  // One that waits no longer for it than that.
  KeyClaims asking_{{.claim = absl::Milliseconds(50)},
                    [this] { return client(); }};
};

TEST_F(KeyClaimsTest, TheFirstRunsItAndTheOtherGetsItsEnd) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.one_, "call_1");
    EXPECT_TRUE(first.ok() && first->claim);
    Found running = co_await test.Claim(test.other_, "call_2");
    EXPECT_TRUE(running.ok() && !running->claim && !running->end);
    EXPECT_EQ(running->request_id, "call_1");
    EXPECT_EQ(test.one_.stats().held, 1u);
    first->claim->End(Good("hello"));
    co_await AwaitTold(test.one_);
    EXPECT_EQ(test.one_.stats().held, 0u);
    for (KeyClaims* const claims : {&test.one_, &test.other_}) {
      Found ended = co_await test.Claim(*claims, "call_3");
      EXPECT_TRUE(ended.ok() && !ended->claim && ended->end);
      EXPECT_EQ(ended->end->answer->body, "hello");
      EXPECT_EQ(ended->request_id, "call_1");
      EXPECT_EQ(claims->stats().replayed, 1u);
    }
    // Another key, and another caller's, are others.
    Found key = co_await test.Claim(test.other_, "call_4", 1, "k2");
    EXPECT_TRUE(key.ok() && key->claim);
    key->claim->Release();
  });
}

TEST_F(KeyClaimsTest, AnotherRequestIsRefusedWhileItRunsAndAfterIt) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.one_, "call_1");
    for (int turn = 0; turn < 2; ++turn) {
      const Found refused = co_await test.Claim(test.other_, "call_2", 2);
      EXPECT_EQ(FaultReason(refused.status()),
                v1::ERROR_REASON_IDEMPOTENCY_MISMATCH);
      EXPECT_EQ(FaultMetadata(refused.status(), "request_id"), "call_1");
      if (turn == 0) first->claim->End(Good("hello"));
      co_await AwaitTold(test.one_);
    }
    EXPECT_EQ(test.other_.stats().mismatches, 2u);
  });
}

TEST_F(KeyClaimsTest, WhatDidNothingIsForgotten) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.one_, "call_1");
    first->claim->Release();
    co_await AwaitTold(test.one_);
    // With whatever request.
    Found next = co_await test.Claim(test.other_, "call_2", 2);
    EXPECT_TRUE(next.ok() && next->claim);
    next->claim->Release();
  });
}

TEST_F(KeyClaimsTest, HowItBrokeIsToldToAll) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.one_, "call_1");
    absl::Status fault =
        MakeFault(v1::ERROR_REASON_STREAM_INTERRUPTED, "it broke off");
    AddFaultMetadata(fault, "provider", "openai");
    first->claim->End({.status = fault});
    co_await AwaitTold(test.one_);
    const Found ended = co_await test.Claim(test.other_, "call_2");
    EXPECT_TRUE(ended.ok() && ended->end);
    EXPECT_EQ(ended->end->status.message(), "it broke off");
    EXPECT_EQ(FaultReason(ended->end->status),
              v1::ERROR_REASON_STREAM_INTERRUPTED);
    EXPECT_EQ(FaultMetadata(ended->end->status, "provider"), "openai");
  });
}

TEST_F(KeyClaimsTest, WhatTheEndOfTheProcessCutOffIsToldAsThat) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.one_, "call_1");
    first->claim->End({.status = MakeFault(v1::ERROR_REASON_CANCELLED,
                                           "nobody waits for it")});
    co_await AwaitTold(test.one_);
    const Found ended = co_await test.Claim(test.other_, "call_2");
    EXPECT_TRUE(ended.ok() && ended->end);
    EXPECT_EQ(FaultReason(ended->end->status), v1::ERROR_REASON_CONFLICT);
    EXPECT_THAT(std::string(ended->end->status.message()),
                AllOf(HasSubstr("call_1"), HasSubstr("may have been made"),
                      HasSubstr("take another key")));
  });
}

TEST_F(KeyClaimsTest, WhoDropsAClaimHasBrokenIt) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.one_, "call_1");
    first->claim.reset();
    co_await AwaitTold(test.one_);
    const Found ended = co_await test.Claim(test.other_, "call_2");
    EXPECT_TRUE(ended.ok() && ended->end);
    EXPECT_EQ(FaultReason(ended->end->status), v1::ERROR_REASON_INTERNAL);
  });
}

TEST_F(KeyClaimsTest, AnAnswerThatIsTooLargeIsNotKept) {
  answer_bytes_max_ = 1000;
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.one_, "call_1");
    first->claim->End(Good(std::string(1000, 'x')));
    co_await AwaitTold(test.one_);
    const Found ended = co_await test.Claim(test.other_, "call_2");
    EXPECT_TRUE(ended.ok() && ended->end);
    EXPECT_EQ(FaultReason(ended->end->status), v1::ERROR_REASON_CONFLICT);
    EXPECT_EQ(test.one_.stats().answers_left, 1u);
  });
}

TEST_F(KeyClaimsTest, ALargeAnswerIsFetchedOnceAndBesideClaims) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.one_, "call_1");
    const std::string large(4 * kRedisSmallBytesMax, 'x');
    first->claim->End(Good(large));
    co_await AwaitTold(test.one_);
    for (int turn = 0; turn < 3; ++turn) {
      const Found ended = co_await test.Claim(test.other_, "call_2");
      EXPECT_TRUE(ended.ok() && ended->end && ended->end->answer);
      if (!ended.ok() || !ended->end) co_return;
      EXPECT_EQ(ended->end->answer->body, large);
      EXPECT_EQ(ended->request_id, "call_1");
    }
    EXPECT_EQ(test.other_.stats().replayed, 3u);
    EXPECT_EQ(test.other_.stats().fetched, 1u);
    EXPECT_EQ(test.other_.stats().found_here, 2u);
    // Who has made it need not fetch it.
    const Found own = co_await test.Claim(test.one_, "call_3");
    EXPECT_TRUE(own.ok() && own->end && own->end->answer);
    EXPECT_EQ(test.one_.stats().fetched, 0u);
    // One connection has carried it, another the claims.
    EXPECT_THAT(test.server_.Ask({"CLIENT", "LIST"}),
                AllOf(HasSubstr("cmd=hmget"), HasSubstr("cmd=fcall")));
    // What Redis does not know any more nobody has.
    test.server_.Ask({"FLUSHALL"});
    Found again = co_await test.Claim(test.other_, "call_4");
    EXPECT_TRUE(again.ok() && again->claim);
    if (again.ok() && again->claim) again->claim->Release();
  });
}

TEST_F(KeyClaimsTest, TheAnswersOfOneLeaveRoomForThoseOfAnother) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    const std::string large(KeyClaims::kAnswerBytesMax - 4096, 'x');
    const size_t most = KeyClaims::kEndBytesOfOneMax / large.size();
    std::vector<KeyClaims::Claimed> claims;
    for (size_t i = 0; i <= most; ++i) {
      Found found =
          co_await test.Claim(test.one_, "call", 1, std::to_string(i));
      claims.push_back(*std::move(found->claim));
    }
    Found bobs = co_await test.Claim(test.one_, "call", 1, "k", "bob");
    // In one turn, so that none is told meanwhile.
    for (KeyClaims::Claimed& claim : claims) claim.End(Good(large));
    EXPECT_EQ(test.one_.stats().answers_left, 1u);
    bobs->claim->End(Good(large));
    EXPECT_EQ(test.one_.stats().answers_left, 1u);
    co_await AwaitTold(test.one_);
    EXPECT_EQ(test.one_.stats().lost, 0u);
    const Found kept = co_await test.Claim(test.other_, "call", 1, "k", "bob");
    EXPECT_TRUE(kept.ok() && kept->end && kept->end->answer);
  });
}

TEST_F(KeyClaimsTest, AnAnswerForWhichThereIsNoRoomWaitsForIt) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    const std::string large(KeyClaims::kAnswerBytesMax - 4096, 'x');
    const size_t some = 2 * KeyClaims::kEndBytesOfOneMax / large.size();
    std::vector<KeyClaims::Claimed> claims;
    for (size_t i = 0; i < some; ++i) {
      Found found =
          co_await test.Claim(test.one_, "call", 1, std::to_string(i));
      claims.push_back(*std::move(found->claim));
    }
    // In one turn, but for those that wait.
    for (KeyClaims::Claimed& claim : claims) {
      SharedOutcome end = Good(large);
      co_await claim.AwaitRoom(HeldBytes(*end.answer), test.runner_.loop(),
                               test.cancel_);
      claim.End(std::move(end));
    }
    EXPECT_EQ(test.one_.stats().answers_left, 0u);
    co_await AwaitTold(test.one_);
    const std::string last = std::to_string(some - 1);
    const Found kept = co_await test.Claim(test.other_, "call", 1, last);
    EXPECT_TRUE(kept.ok() && kept->end && kept->end->answer);
  });
}

TEST_F(KeyClaimsTest, RoomThatIsTakenIsGivenBackWithTheClaim) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    const size_t large = KeyClaims::kAnswerBytesMax - 4096;
    const size_t most = KeyClaims::kEndBytesOfOneMax / large;
    for (size_t i = 0; i < 2 * most; ++i) {
      Found found =
          co_await test.Claim(test.one_, "call", 1, std::to_string(i));
      co_await found->claim->AwaitRoom(large, test.runner_.loop(),
                                       test.cancel_);
      found->claim->Release();
      co_await AwaitTold(test.one_);
    }
    Found last = co_await test.Claim(test.one_, "call");
    last->claim->End(Good(std::string(large - 4096, 'x')));
    EXPECT_EQ(test.one_.stats().answers_left, 0u);
    co_await AwaitTold(test.one_);
  });
}

TEST_F(KeyClaimsTest, WhatRedisRefusesIsForTheLogAlone) {
  const std::string path = testing::TempDir() + "/refused_claims.log";
  unlink(path.c_str());
  ASSERT_TRUE(StartLogging({.file = path}).ok());
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.one_, "call_1");
    first->claim->Release();
    co_await AwaitTold(test.one_);
    const std::string name = test.server_.Ask({"KEYS", "llmgw:key:1:*"});
    test.server_.Ask({"DEL", name});
    test.server_.Ask({"SET", name, "no hash"});
    const Found refused = co_await test.Claim(test.one_, "call_2");
    EXPECT_EQ(FaultReason(refused.status()),
              v1::ERROR_REASON_STORE_UNAVAILABLE);
    EXPECT_THAT(std::string(refused.status().message()),
                Not(HasSubstr("WRONGTYPE")));
  });
  StopLogging();
  std::stringstream log;
  log << std::ifstream(path).rdbuf();
  EXPECT_THAT(log.str(), HasSubstr("redis does not take idempotency keys"));
  EXPECT_THAT(log.str(), HasSubstr("WRONGTYPE"));
}

TEST_F(KeyClaimsTest, AClaimIsRenewedAsLongAsItsCallRuns) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.one_, "call_1");
    for (int turn = 0; turn < 2; ++turn) {
      const std::string before = test.InRedis("until");
      while (test.InRedis("until") == before) co_await YieldToLoop();
    }
    // As often as Redis loses it, too.
    test.server_.Ask({"FLUSHALL"});
    while (test.InRedis("state") != "running") co_await YieldToLoop();
    const Found running = co_await test.Claim(test.other_, "call_2");
    EXPECT_TRUE(running.ok() && !running->claim && !running->end);
    first->claim->Release();
  });
}

TEST_F(KeyClaimsTest, WhatRedisHasLostIsClaimedAgainWhenItIsBack) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.patient_, "call_1");
    test.server_.Kill();
    co_await test.redis_->AwaitUp(false);
    test.server_.Restart();
    const absl::Duration back = SystemClock().SteadyTime();
    while (test.InRedis("state") != "running") co_await YieldToLoop();
    EXPECT_LT(SystemClock().SteadyTime() - back, KeyClaims::kRenewInterval / 3);
    // But where another has claimed it by then, the first end is lost.
    test.server_.Ask({"FLUSHALL"});
    const Found second = co_await test.Claim(test.other_, "call_2");
    first->claim->End(Good("hello"));
    co_await AwaitTold(test.patient_);
    EXPECT_EQ(test.patient_.stats().lost, 1u);
  });
}

TEST_F(KeyClaimsTest, AClaimThatNobodyRenewsCountsAsBroken) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.dying_, "call_1");
    EXPECT_TRUE(first.ok() && first->claim);
    bool broken = false;
    while (!broken) {
      const Found found = co_await test.Claim(test.asking_, "call_2");
      EXPECT_TRUE(found.ok()) << found.status();
      if (!found.ok() || found->claim) break;
      EXPECT_EQ(found->request_id, "call_1");
      broken = found->end.has_value();
      if (!broken) continue;
      EXPECT_EQ(FaultReason(found->end->status), v1::ERROR_REASON_CONFLICT);
    }
    EXPECT_TRUE(broken) << "it would run twice";
    EXPECT_EQ(test.asking_.stats().broken, 1u);
    const Found again = co_await test.Claim(test.one_, "call_3");
    EXPECT_TRUE(again.ok() && again->end && !again->end->status.ok());
    // Should it live after all, its end is what counts.
    first->claim->End(Good("hello"));
    Spawn(test.RunOne(test, test.dying_));
    co_await AwaitTold(test.dying_);
    test.dying_.StopOnLoop();
    const Found ended = co_await test.Claim(test.other_, "call_4");
    EXPECT_TRUE(ended.ok() && ended->end && ended->end->answer);
  });
}

TEST_F(KeyClaimsTest, AClaimThatPassedWhileNobodyLookedIsNotBrokenYet) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.dying_, "call_1");
    // As after an outage of Redis.
    test.SetInRedis("until", "1");
    for (int turn = 0; turn < 3; ++turn) {
      EXPECT_TRUE(co_await test.Waits(test.other_));
    }
    const int64_t watched = NumberOf(test.InRedis("watched"));
    // However long the next one, of which Redis knows nothing either.
    test.SetInRedis("asked", "1");
    EXPECT_TRUE(co_await test.Waits(test.other_));
    EXPECT_EQ(NumberOf(test.InRedis("watched")), watched + 1000);
    first->claim->Release();
  });
}

TEST_F(KeyClaimsTest, WhoRunsItTakesItUpAgainHoweverLate) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.dying_, "call_1");
    test.SetInRedis("until", "1");
    test.SetInRedis("watched", "10000");
    EXPECT_FALSE(co_await test.Waits(test.other_));
    EXPECT_EQ(test.InRedis("state"), "broken");
    // Here nobody would say that its gateway has gone.
    EXPECT_TRUE(co_await test.Waits(test.dying_));
    Spawn(test.RunOne(test, test.dying_));
    while (test.InRedis("state") != "running") co_await YieldToLoop();
    EXPECT_TRUE(co_await test.Waits(test.other_));
    EXPECT_NE(test.InRedis("watched"), "10000");
    first->claim->End(Good("hello"));
    co_await AwaitTold(test.dying_);
    test.dying_.StopOnLoop();
    const Found ended = co_await test.Claim(test.other_, "call_3");
    EXPECT_TRUE(ended.ok() && ended->end && ended->end->answer);
  });
}

TEST_F(KeyClaimsTest, AnEndThatCannotBeToldYetKeepsItsClaimAndIsToldHere) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.one_, "call_1");
    const std::string large(4 * kRedisSmallBytesMax, 'x');
    {
      // Nothing else gets through beside it.
      const absl::StatusOr<RedisBulk::Turn> all =
          co_await test.client()->bulk().Await(
              {.whose = "bob", .bytes = RedisBulk::kBytesMax});
      EXPECT_TRUE(all.ok()) << all.status();
      first->claim->End(Good(large));
      for (int turn = 0; turn < 2; ++turn) {
        const std::string before = test.InRedis("until");
        while (test.InRedis("until") == before) co_await YieldToLoop();
      }
      EXPECT_EQ(test.one_.stats().untold, 1u);
      EXPECT_TRUE(co_await test.Waits(test.other_));
      const Found here = co_await test.Claim(test.one_, "call_2");
      EXPECT_TRUE(here.ok() && here->end && here->end->answer);
      if (!here.ok() || !here->end || !here->end->answer) co_return;
      EXPECT_EQ(here->end->answer->body, large);
      EXPECT_EQ(here->request_id, "call_1");
    }
    co_await AwaitTold(test.one_);
    const Found ended = co_await test.Claim(test.other_, "call_3");
    EXPECT_TRUE(ended.ok() && ended->end && ended->end->answer);
    EXPECT_EQ(test.one_.stats().lost, 0u);
  });
}

TEST_F(KeyClaimsTest, WhileRedisIsAwayKeysAreRefusedAndEndsWait) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.one_, "call_1");
    test.server_.Kill();
    co_await test.redis_->AwaitUp(false);
    const Found refused = co_await test.Claim(test.other_, "call_2");
    EXPECT_EQ(FaultReason(refused.status()),
              v1::ERROR_REASON_STORE_UNAVAILABLE);
    EXPECT_TRUE(RetryDelay(refused.status()));
    EXPECT_EQ(test.other_.stats().refused, 1u);
    first->claim->End(Good("hello"));
    EXPECT_EQ(test.one_.stats().untold, 1u);
    test.server_.Restart();
    co_await test.redis_->AwaitUp();
    co_await AwaitTold(test.one_);
    const Found ended = co_await test.Claim(test.other_, "call_3");
    EXPECT_TRUE(ended.ok() && ended->end && ended->end->answer);
    EXPECT_EQ(test.one_.stats().lost, 0u);
  });
}

TEST_F(KeyClaimsTest, AClaimThatNobodyHeardOfIsGivenBack) {
  const absl::Duration patience = absl::Seconds(1);
  Run(
      [](KeyClaimsTest& test) -> Task<void> {
        test.server_.Stop();
        const Found unheard = co_await test.Claim(test.one_, "call_1");
        EXPECT_EQ(FaultReason(unheard.status()),
                  v1::ERROR_REASON_STORE_UNAVAILABLE);
        EXPECT_EQ(test.one_.stats().untold, 1u);
        test.server_.GoOn();
        co_await AwaitTold(test.one_);
        co_await test.redis_->AwaitUp();
        Found next = co_await test.Claim(test.other_, "call_2");
        EXPECT_TRUE(next.ok() && next->claim) << next.status();
        if (next.ok() && next->claim) next->claim->Release();
      },
      patience);
}

TEST_F(KeyClaimsTest, AFullRedisTakesNoClaimsAndTheEndsOfThoseThatItHas) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.one_, "call_1");
    test.server_.Ask({"CONFIG", "SET", "maxmemory", "1"});
    const Found refused = co_await test.Claim(test.other_, "call_2", 1, "k2");
    EXPECT_EQ(FaultReason(refused.status()),
              v1::ERROR_REASON_STORE_UNAVAILABLE);
    first->claim->End(Good("hello"));
    co_await AwaitTold(test.one_);
    test.server_.Ask({"CONFIG", "SET", "maxmemory", "0"});
    const Found ended = co_await test.Claim(test.other_, "call_3");
    EXPECT_TRUE(ended.ok() && ended->end && ended->end->answer);
  });
}

TEST_F(KeyClaimsTest, WhoIsCancelledIsToldSo) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    test.cancel_.Cancel(absl::CancelledError("gone"));
    const Found gone = co_await test.Claim(test.one_, "call_1");
    EXPECT_TRUE(absl::IsCancelled(gone.status())) << gone.status();
  });
}

TEST_F(KeyClaimsTest, TheEndOfTheProcessHasTimeForARedisThatIsAway) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.one_, "call_1");
    test.server_.Kill();
    co_await test.redis_->AwaitUp(false);
    first->claim->End(Good("hello"));
    // Longer than ends are told at the end unless there is more time.
    test.one_.StopOnLoop(absl::Minutes(1));
    const absl::Duration by = SystemClock().SteadyTime() +
                              KeyClaims::kStopPatience +
                              absl::Milliseconds(1500);
    while (SystemClock().SteadyTime() < by) co_await YieldToLoop();
    EXPECT_EQ(test.running_, 3);
    test.server_.Restart();
    co_await test.redis_->AwaitUp();
    const absl::Duration up = SystemClock().SteadyTime();
    while (test.running_ > 2) co_await test.ended_.Wait();
    EXPECT_EQ(test.InRedis("state"), "ended");
    // At once, and not when it would have been tried again, which is 5.1 s
    // after it ended.
    EXPECT_LT(SystemClock().SteadyTime() - up, absl::Seconds(1));
  });
}

TEST_F(KeyClaimsTest, TheEndOfTheProcessTellsTheRest) {
  Run([](KeyClaimsTest& test) -> Task<void> {
    Found first = co_await test.Claim(test.one_, "call_1");
    first->claim->End(Good("hello"));
    // Before anything of it is told.
    test.one_.StopOnLoop();
    while (test.running_ > 2) co_await test.ended_.Wait();
    EXPECT_EQ(test.InRedis("state"), "ended");
  });
}

}  // namespace
}  // namespace gateway
