#include "service/cache/idempotency_table.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/cache/kept_answer.h"
#include "service/cache/request_key.h"
#include "tests/service/cache/kept_answers.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

RequestKey Body(std::string_view body) { return KeyOfBytes({}, body); }

class IdempotencyTableTest : public testing::Test {
 public:
  using Call = IdempotencyTable::Call;

  // Begins a call of which it is expected that it may.
  Call Begin(IdempotencyTable& table, std::string_view caller,
             std::string_view key, std::string_view body,
             std::string_view request_id = "call") {
    absl::StatusOr<Call> call =
        table.Begin(caller, key, Body(body), request_id);
    EXPECT_TRUE(call.ok()) << call.status();
    return *std::move(call);
  }

  SharedOutcome OutcomeOf(Call& call) {
    absl::StatusOr<SharedOutcome> outcome =
        runner_.Run(call.share.Wait(runner_.loop(), cancel_));
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return *std::move(outcome);
  }

  // A call from its beginning to its end.
  void RunOnce(IdempotencyTable& table, std::string_view caller,
               std::string_view key, size_t bytes) {
    Call call = Begin(table, caller, key, "body");
    ASSERT_TRUE(call.run);
    call.run->Finish(Good(std::string(bytes, 'x')));
  }

  FakeClock clock_;
  LoopRunner runner_;
  CancelSignal cancel_;
  IdempotencyTable table_{
      {.ttl = absl::Hours(24), .entries = 100, .size_bytes = 1 << 20}, clock_};
};

TEST_F(IdempotencyTableTest, TheSameIsRunOnceWhileItRunsAndAfterIt) {
  Call first = Begin(table_, "alice", "k", "body", "call_1");
  Call second = Begin(table_, "alice", "k", "body", "call_2");
  ASSERT_TRUE(first.run);
  EXPECT_FALSE(second.run);
  EXPECT_EQ(table_.stats().running, 1);
  first.run->Finish(Good("hello"));
  EXPECT_EQ(table_.stats().running, 0);
  EXPECT_EQ(table_.stats().ended, 1);
  Call third = Begin(table_, "alice", "k", "body", "call_3");
  EXPECT_FALSE(third.run);
  for (Call* const call : {&first, &second, &third}) {
    EXPECT_EQ(OutcomeOf(*call).answer->body, "hello");
    EXPECT_EQ(call->share.answer().request_id(), "call_1");
  }
  EXPECT_EQ(table_.stats().replayed, 2);
  EXPECT_EQ(table_.stats().waited, 1);
}

TEST_F(IdempotencyTableTest, WhatIsKnownCanBeJoinedAndNothingIsBegun) {
  const auto join = [&](std::string_view body) {
    return table_.Join("alice", "k", KeyOfBytes({}, body));
  };
  ASSERT_TRUE(join("body").ok());
  EXPECT_FALSE(*join("body"));
  EXPECT_EQ(table_.stats().running, 0);
  Call first = Begin(table_, "alice", "k", "body", "call_1");
  EXPECT_EQ(FaultReason(join("other").status()),
            v1::ERROR_REASON_IDEMPOTENCY_MISMATCH);
  std::optional<AnswerShare> share = *join("body");
  ASSERT_TRUE(share);
  EXPECT_EQ(share->answer().request_id(), "call_1");
  first.run->Finish(Good("hello"));
  EXPECT_TRUE(*join("body"));
  EXPECT_EQ(table_.stats().replayed, 2);
  EXPECT_EQ(table_.stats().waited, 1);
}

TEST_F(IdempotencyTableTest, WhatSomebodyElseKeepsIsToldAndForgotten) {
  Call first = Begin(table_, "alice", "k", "body", "call_1");
  Call second = Begin(table_, "alice", "k", "body", "call_2");
  first.run->Forget(Good("hello"));
  EXPECT_EQ(OutcomeOf(second).answer->body, "hello");
  EXPECT_EQ(table_.stats().ended, 0);
  EXPECT_EQ(table_.stats().size_bytes, 0);
  Call third = Begin(table_, "alice", "k", "another", "call_3");
  ASSERT_TRUE(third.run);
  // Without its answer, which was too large.
  third.run->Forget({});
  EXPECT_EQ(FaultReason(OutcomeOf(third).status), v1::ERROR_REASON_CONFLICT);
}

TEST_F(IdempotencyTableTest, AnotherBodyIsRefusedAndSaysWhichCallHadTheKey) {
  Call first = Begin(table_, "alice", "k", "body", "call_1");
  for (int turn = 0; turn < 2; ++turn) {
    const absl::Status refused =
        table_.Begin("alice", "k", Body("other"), "call_2").status();
    EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_IDEMPOTENCY_MISMATCH);
    EXPECT_EQ(FaultMetadata(refused, "request_id"), "call_1");
    first.run->Finish(Good("hello"));
  }
  EXPECT_EQ(table_.stats().mismatches, 2);
}

TEST_F(IdempotencyTableTest, AnotherCallersKeyIsAnotherKey) {
  Call first = Begin(table_, "alice", "k", "body");
  Call second = Begin(table_, "bob", "k", "other body");
  Call third = Begin(table_, "alicek", "", "body");
  EXPECT_TRUE(first.run && second.run && third.run);
}

TEST_F(IdempotencyTableTest, HowABrokenCallEndedIsKept) {
  {
    Call call = Begin(table_, "alice", "k", "body");
    call.run->Finish({.status = MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE,
                                          "broke off")});
  }
  Call again = Begin(table_, "alice", "k", "body");
  EXPECT_FALSE(again.run);
  const SharedOutcome outcome = OutcomeOf(again);
  EXPECT_EQ(FaultReason(outcome.status), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(outcome.answer, nullptr);
}

TEST_F(IdempotencyTableTest, ACallThatDidNothingIsForgotten) {
  Call first = Begin(table_, "alice", "k", "body");
  Call second = Begin(table_, "alice", "k", "body");
  first.run->Release(absl::UnavailableError("no room"));
  EXPECT_EQ(OutcomeOf(second).status, absl::UnavailableError("no room"));
  EXPECT_EQ(table_.stats().running, 0);
  EXPECT_EQ(table_.stats().size_bytes, 0);
  // With another body, even.
  EXPECT_TRUE(Begin(table_, "alice", "k", "other").run);
}

TEST_F(IdempotencyTableTest, ARunThatSaysNothingHasBroken) {
  {
    Call call = Begin(table_, "alice", "k", "body");
  }
  Call again = Begin(table_, "alice", "k", "body");
  EXPECT_FALSE(again.run);
  EXPECT_EQ(FaultReason(OutcomeOf(again).status), v1::ERROR_REASON_INTERNAL);
}

TEST_F(IdempotencyTableTest, ItRunsOnWhenItsCallersHaveLeft) {
  const auto run = [](IdempotencyTableTest& test) -> Task<void> {
    EventLoop& loop = test.runner_.loop();
    std::optional<Call> first = test.Begin(test.table_, "alice", "k", "body");
    IdempotencyTable::Run work(*std::move(first->run));
    CancelSignal& cancel = work.Begin(loop);
    first.reset();
    co_await YieldToLoop();
    co_await YieldToLoop();
    EXPECT_FALSE(cancel.cancelled());
    work.Finish(Good("hello"));
    Call again = test.Begin(test.table_, "alice", "k", "body");
    const absl::StatusOr<SharedOutcome> outcome =
        co_await again.share.Wait(loop, test.cancel_);
    EXPECT_TRUE(outcome.ok() && outcome->answer->body == "hello");
  };
  runner_.Run(run(*this));
}

TEST_F(IdempotencyTableTest, ItStopsWithoutCallersWhenTheProcessEnds) {
  const auto run = [](IdempotencyTableTest& test) -> Task<void> {
    EventLoop& loop = test.runner_.loop();
    std::optional<Call> left = test.Begin(test.table_, "alice", "k", "body");
    IdempotencyTable::Run work(*std::move(left->run));
    CancelSignal& cancel = work.Begin(loop);
    left.reset();
    test.table_.Close();
    co_await YieldToLoop();
    co_await YieldToLoop();
    EXPECT_TRUE(cancel.cancelled());
    EXPECT_EQ(FaultReason(
                  test.table_.Begin("alice", "k", Body("body"), "2").status()),
              v1::ERROR_REASON_DRAINING);
    // What comes while it ends is served, and no longer.
    std::optional<Call> late = test.Begin(test.table_, "alice", "l", "body");
    IdempotencyTable::Run last(*std::move(late->run));
    CancelSignal& other = last.Begin(loop);
    co_await YieldToLoop();
    EXPECT_FALSE(other.cancelled());
    late.reset();
    co_await YieldToLoop();
    co_await YieldToLoop();
    EXPECT_TRUE(other.cancelled());
  };
  runner_.Run(run(*this));
}

TEST_F(IdempotencyTableTest, AKeyIsForgottenWithItsTimeFromTheEndOn) {
  Call call = Begin(table_, "alice", "k", "body");
  clock_.Advance(absl::Hours(48));  // It still runs.
  EXPECT_FALSE(Begin(table_, "alice", "k", "body").run);
  call.run->Finish(Good("hello"));
  clock_.Advance(absl::Hours(24) - absl::Nanoseconds(1));
  EXPECT_FALSE(Begin(table_, "alice", "k", "body").run);
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_TRUE(Begin(table_, "alice", "k", "body").run);
}

TEST_F(IdempotencyTableTest, NoKeyIsForgottenForWantOfRoom) {
  IdempotencyTable table(
      {.ttl = absl::Hours(1), .entries = 3, .size_bytes = 1 << 20}, clock_);
  for (const std::string_view caller : {"a", "b", "c"}) {
    RunOnce(table, caller, "k", 10);
  }
  const absl::Status refused =
      table.Begin("d", "k", Body("body"), "call").status();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(FaultMetadata(refused, "limit"), "idempotency.entries_limit");
  EXPECT_EQ(RetryDelay(refused), absl::Seconds(5));
  EXPECT_EQ(table.stats().refused, 1);
  for (const std::string_view caller : {"a", "b", "c"}) {
    Call again = Begin(table, caller, "k", "body");
    EXPECT_FALSE(again.run);
    EXPECT_NE(OutcomeOf(again).answer, nullptr);
  }
  clock_.Advance(absl::Hours(1));
  EXPECT_TRUE(Begin(table, "d", "k", "body").run);
}

TEST_F(IdempotencyTableTest, WhereBytesHaveNoRoomThatLimitIsNamed) {
  IdempotencyTable table(
      {.ttl = absl::Hours(1), .entries = 100, .size_bytes = 100}, clock_);
  const absl::Status refused =
      table.Begin("a", "k", Body("body"), "call").status();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(FaultMetadata(refused, "limit"), "idempotency.size_bytes_limit");
  EXPECT_EQ(RetryDelay(refused), absl::Seconds(5));
}

TEST_F(IdempotencyTableTest, ACallerWithManyKeysLeavesSomeToOthers) {
  for (int i = 0; i < 75; ++i) {
    RunOnce(table_, "alice", std::to_string(i), 10);
  }
  EXPECT_FALSE(table_.Begin("alice", "more", Body("body"), "call").ok());
  for (int i = 0; i < 25; ++i) RunOnce(table_, "bob", std::to_string(i), 10);
  EXPECT_FALSE(table_.Begin("carol", "k", Body("body"), "call").ok());
}

TEST_F(IdempotencyTableTest, WithoutRoomTheOldestAnswersGoAndTheirKeysStay) {
  IdempotencyTable table(
      {.ttl = absl::Hours(1), .entries = 100, .size_bytes = 100'000}, clock_);
  for (int i = 0; i < 20; ++i) {
    RunOnce(table, std::to_string(i), "k", 10'000);
    ASSERT_LE(table.stats().size_bytes, 100'000);
  }
  EXPECT_EQ(table.stats().ended, 20);
  EXPECT_GT(table.stats().answers_dropped, 0);
  Call oldest = Begin(table, "0", "k", "body");
  EXPECT_FALSE(oldest.run);
  const SharedOutcome outcome = OutcomeOf(oldest);
  EXPECT_EQ(FaultReason(outcome.status), v1::ERROR_REASON_CONFLICT);
  EXPECT_EQ(FaultMetadata(outcome.status, "resource"), "idempotency_key");
  Call newest = Begin(table, "19", "k", "body");
  EXPECT_NE(OutcomeOf(newest).answer, nullptr);
}

TEST_F(IdempotencyTableTest, ACallerWithManyAnswersLosesItsOwnFirst) {
  IdempotencyTable table(
      {.ttl = absl::Hours(1), .entries = 1000, .size_bytes = 100'000}, clock_);
  RunOnce(table, "bob", "k", 1000);
  for (int i = 0; i < 50; ++i) RunOnce(table, "alice", std::to_string(i), 5000);
  Call bobs = Begin(table, "bob", "k", "body");
  EXPECT_NE(OutcomeOf(bobs).answer, nullptr);
  EXPECT_GT(table.stats().answers_dropped, 0);
}

TEST_F(IdempotencyTableTest, AnAnswerTooLargeToKeepReachesThoseWhoWait) {
  Call first = Begin(table_, "alice", "k", "body");
  Call second = Begin(table_, "alice", "k", "body");
  first.run->Finish(Good(std::string((1 << 20) / 8, 'x')));
  EXPECT_EQ(OutcomeOf(second).answer->body.size(), (1 << 20) / 8);
  Call later = Begin(table_, "alice", "k", "body");
  EXPECT_FALSE(later.run);
  EXPECT_EQ(FaultReason(OutcomeOf(later).status), v1::ERROR_REASON_CONFLICT);
}

TEST_F(IdempotencyTableTest, WhatIsCountedComesBackToNothing) {
  FakeRandom random{5};
  IdempotencyTable table(
      {.ttl = absl::Minutes(10), .entries = 40, .size_bytes = 60'000}, clock_);
  std::vector<Call> running;
  for (int i = 0; i < 5000; ++i) {
    switch (random.Below(6)) {
      case 0:
      case 1:
      case 2: {
        absl::StatusOr<Call> call = table.Begin(
            std::to_string(random.Below(4)), std::to_string(random.Below(30)),
            Body(std::to_string(random.Below(2))), "call");
        if (call.ok() && call->run) running.push_back(*std::move(call));
        break;
      }
      case 3:
        clock_.Advance(absl::Seconds(random.Below(60)));
        break;
      default: {
        if (running.empty()) break;
        IdempotencyTable::Run& run = *running.back().run;
        if (random.Below(4) == 0) {
          run.Release(absl::UnavailableError("x"));
        } else if (random.Below(4) == 0) {
          run.Finish({.status = absl::UnavailableError("y")});
        } else {
          run.Finish(Good(std::string(random.Below(9000), 'x')));
        }
        running.pop_back();
      }
    }
    const IdempotencyTable::Stats stats = table.stats();
    ASSERT_EQ(stats.running, running.size());
    ASSERT_LE(stats.running + stats.ended, 40);
    // Faults are kept whatever there is room for.
    ASSERT_LE(stats.size_bytes, 60'000 + 40 * 1024);
  }
  running.clear();
  clock_.Advance(absl::Hours(1));
  EXPECT_TRUE(Begin(table, "last", "k", "body").run);
  EXPECT_EQ(table.stats().ended, 1);
  clock_.Advance(absl::Hours(1));
  Begin(table, "last", "k", "body").run->Release(absl::UnavailableError("z"));
  EXPECT_EQ(table.stats().size_bytes, 0);
}

TEST(IdempotencyKeyTest, KeysAreShortAndPrintable) {
  EXPECT_TRUE(CheckIdempotencyKey("k", "a").ok());
  EXPECT_TRUE(CheckIdempotencyKey("k", std::string(128, '~')).ok());
  for (const std::string& bad :
       {std::string(), std::string(129, 'x'), std::string("a\n"),
        std::string("\xC3\xA9"), std::string(1, '\0')}) {
    const absl::Status refused = CheckIdempotencyKey("idempotency-key", bad);
    EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_INVALID_REQUEST);
    ASSERT_EQ(FieldViolations(refused).size(), 1);
    EXPECT_EQ(FieldViolations(refused)[0].first, "idempotency-key");
  }
}

Task<void> AskWithKey(IdempotencyTable* table, EventLoop* loop, uint64_t number,
                      std::atomic<int>* runs, std::atomic<int>* wrong) {
  absl::StatusOr<IdempotencyTable::Call> call =
      table->Begin("alice", std::to_string(number), Body("body"), "call");
  if (!call.ok()) {
    ++*wrong;
    co_return;
  }
  if (call->run) {
    ++*runs;
    call->run->Begin(*loop);
    co_await YieldToLoop();
    call->run->Finish(Good(std::to_string(number)));
  }
  CancelSignal cancel;
  const absl::StatusOr<SharedOutcome> outcome =
      co_await call->share.Wait(*loop, cancel);
  if (!outcome.ok() || outcome->answer->body != std::to_string(number) ||
      EventLoop::Current() != loop) {
    ++*wrong;
  }
}

TEST(IdempotencyTableThreadsTest, EachKeyRunsExactlyOnce) {
  constexpr int kCalls = 3000;
  constexpr int kCallsEach = 10;
  FakeClock clock;
  IdempotencyTable table(
      {.ttl = absl::Hours(1), .entries = 1000, .size_bytes = 1 << 24}, clock);
  std::atomic<int> runs = 0;
  std::atomic<int> wrong = 0;
  {
    LoopThread threads[3];
    for (int i = 0; i < kCalls; ++i) {
      EventLoop* const loop = &threads[i % 3].loop();
      loop->Post([&table, &runs, &wrong, loop, i] {
        Spawn(AskWithKey(&table, loop, i / kCallsEach, &runs, &wrong));
      });
    }
    for (int turn = 0; turn < 3; ++turn) {
      for (LoopThread& thread : threads) ASSERT_TRUE(thread.Run([] {}));
    }
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(runs, kCalls / kCallsEach);
}

TEST_F(IdempotencyTableTest, WhatHasExpiredIsFreedThoughNobodyCalls) {
  for (const std::string_view key : {"1", "2", "3"}) {
    RunOnce(table_, "alice", key, 1000);
  }
  Call runs = Begin(table_, "alice", "4", "body");
  clock_.Advance(absl::Hours(24) - absl::Nanoseconds(1));
  table_.FreeExpired(100);
  EXPECT_EQ(table_.stats().ended, 3u);
  clock_.Advance(absl::Nanoseconds(1));
  table_.FreeExpired(2);
  EXPECT_EQ(table_.stats().ended, 1u);
  table_.FreeExpired(2);
  EXPECT_EQ(table_.stats().ended, 0u);
  EXPECT_EQ(table_.stats().running, 1u);
  EXPECT_LT(table_.stats().size_bytes, 1000u);
  runs.run->Finish(Good("hello"));
}

}  // namespace
}  // namespace gateway
