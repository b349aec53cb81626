#include "service/overload/concurrency_limit.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/identity/caller.h"
#include "tests/testing/event.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/simulated_time.h"

namespace gateway {
namespace {

using Asker = ConcurrencyLimit::Asker;
using Permit = ConcurrencyLimit::Permit;
using Shed = ConcurrencyLimit::Shed;

// Calls that run one after the other or at once, in simulated time.
class ConcurrencyLimitTest : public testing::Test {
 public:
  struct Call {
    explicit Call(std::string its_name) : name(std::move(its_name)) {}
    const std::string name;
    CancelSignal cancel;
    std::optional<absl::Status> outcome;
    absl::Duration waited;
  };

  void Use(const ConcurrencyLimit::Options& options) {
    limit_.SetOptions(options);
  }

  // Begins a call, which runs for `duration` once it has a place.
  Call& Begin(const std::string& name, absl::Duration duration,
              const Asker& asker = {}) {
    Call& call = *calls_.emplace_back(std::make_unique<Call>(name));
    Spawn(RunCall(this, &call, duration, asker));
    return call;
  }

  static Task<void> RunCall(ConcurrencyLimitTest* test, Call* call,
                            absl::Duration duration, Asker asker) {
    const absl::Duration arrived = test->Now();
    std::optional<Permit> permit = test->limit_.TryAcquire(asker.priority);
    if (!permit.has_value()) {
      absl::StatusOr<Permit> waited_for =
          co_await test->limit_.Acquire(test->loop(), call->cancel, asker);
      if (!waited_for.ok()) {
        call->waited = test->Now() - arrived;
        call->outcome = waited_for.status();
        co_return;
      }
      permit = *std::move(waited_for);
    }
    call->waited = test->Now() - arrived;
    test->began_.push_back(call->name);
    test->CheckLimit();
    (co_await Sleep(test->loop(), duration, test->never_)).IgnoreError();
    permit.reset();
    call->outcome = absl::OkStatus();
  }

  void CheckLimit() {
    EXPECT_LE(limit_.active(), limit_.Read().limit);
    most_active_ = std::max(most_active_, limit_.active());
  }

  // Memory was why it got no place.
  static void ExpectHeldBack(const Call& call) {
    const absl::Status& told = *call.outcome;
    EXPECT_EQ(FaultReason(told), v1::ERROR_REASON_OVERLOADED);
    EXPECT_EQ(RetryDelay(told), absl::Seconds(5));
    EXPECT_EQ(FaultMetadata(told, "limit"), "overload.memory.soft_percent");
    EXPECT_EQ(told.message(),
              "memory is short, and calls that matter more go first; ask again "
              "later, or of another replica");
  }

  Task<void> Pass(absl::Duration time) {
    (co_await Sleep(loop(), time, never_)).IgnoreError();
  }

  std::string Began() const {
    std::string names;
    for (const std::string& each : began_) {
      absl::StrAppend(&names, names.empty() ? "" : " ", each);
    }
    return names;
  }

  EventLoop& loop() { return runner_.loop(); }
  absl::Duration Now() { return time_.SteadyTime(); }

  SimulatedTime time_;
  LoopRunner runner_{time_};
  CancelSignal never_;
  ConcurrencyLimit limit_{time_, {.limit = 2}};
  std::deque<std::unique_ptr<Call>> calls_;
  std::vector<std::string> began_;
  int64_t most_active_ = 0;
};

constexpr absl::Duration kSecond = absl::Seconds(1);

TEST_F(ConcurrencyLimitTest, AsManyRunAtOnceAsMay) {
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    for (int i = 0; i < 6; ++i) test->Begin(absl::StrCat(i), kSecond / 10);
    EXPECT_EQ(test->limit_.active(), 2);
    EXPECT_EQ(test->limit_.Read().waiting[2], 4);
    co_await test->Pass(kSecond / 2);
  }(this));
  EXPECT_EQ(Began(), "0 1 2 3 4 5");
  EXPECT_EQ(most_active_, 2);
  EXPECT_EQ(limit_.active(), 0);
  EXPECT_EQ(limit_.Read().waited[2], 4);
  for (const auto& call : calls_) EXPECT_EQ(call->outcome, absl::OkStatus());
  EXPECT_LT(calls_[1]->waited, absl::Milliseconds(1));
  EXPECT_GE(calls_[5]->waited, kSecond / 5);
}

TEST_F(ConcurrencyLimitTest, APlaceIsTakenOnceAndGivenBackOnce) {
  std::optional<Permit> one = limit_.TryAcquire(CallerPriority::kNormal);
  ASSERT_TRUE(one.has_value());
  Permit moved = *std::move(one);
  one.reset();  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(limit_.active(), 1);
  std::optional<Permit> two = limit_.TryAcquire(CallerPriority::kNormal);
  EXPECT_FALSE(limit_.TryAcquire(CallerPriority::kCritical).has_value());
  moved = *std::move(two);
  two.reset();  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(limit_.active(), 1);
}

TEST_F(ConcurrencyLimitTest, WhoWaitsTooLongIsToldSoAndWhenToAskAgain) {
  Use({.limit = 1, .queue = {.wait_limit = 3 * kSecond}});
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    test->Begin("long", absl::Minutes(1));
    test->Begin("waits", kSecond);
    co_await test->Pass(3 * kSecond - absl::Milliseconds(10));
    EXPECT_EQ(test->calls_[1]->outcome, std::nullopt);
    co_await test->Pass(absl::Milliseconds(20));
    EXPECT_TRUE(test->calls_[1]->outcome.has_value());
    co_await test->Pass(absl::Minutes(2));
  }(this));
  const absl::Status& told = *calls_[1]->outcome;
  EXPECT_EQ(FaultReason(told), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(RetryDelay(told), absl::Seconds(5));
  EXPECT_EQ(FaultMetadata(told, "limit"), "overload.concurrency.calls_limit");
  EXPECT_EQ(told.message(),
            "the gateway serves 1 calls, as many at once as it may, and this "
            "one has had no turn for as long as it may wait; ask again later, "
            "or of another replica");
  EXPECT_EQ(limit_.Read().shed[2][static_cast<size_t>(Shed::kWaitedTooLong)],
            1);
  EXPECT_EQ(limit_.active(), 0);
}

TEST_F(ConcurrencyLimitTest, WhereTooManyWaitOneMoreIsToldAtOnce) {
  Use({.limit = 1, .queue = {.waiting_limit = 1}});
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    test->Begin("runs", kSecond);
    test->Begin("waits", kSecond);
    test->Begin("refused", kSecond);
    EXPECT_TRUE(test->calls_[2]->outcome.has_value());
    co_await test->Pass(3 * kSecond);
  }(this));
  EXPECT_EQ(Began(), "runs waits");
  const absl::Status& told = *calls_[2]->outcome;
  EXPECT_EQ(FaultReason(told), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(RetryDelay(told), absl::Seconds(5));
  EXPECT_EQ(FaultMetadata(told, "limit"), "overload.concurrency.calls_limit");
  EXPECT_EQ(limit_.Read().shed[2][static_cast<size_t>(Shed::kTooManyWait)], 1);
}

TEST_F(ConcurrencyLimitTest, WhoMakesRoomForAnotherIsToldSo) {
  Use({.limit = 1, .queue = {.waiting_limit = 1}});
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    test->Begin("runs", kSecond);
    test->Begin("low", kSecond, {.priority = CallerPriority::kLow});
    test->Begin("high", kSecond, {.priority = CallerPriority::kHigh});
    co_await test->Pass(3 * kSecond);
  }(this));
  EXPECT_EQ(Began(), "runs high");
  EXPECT_EQ(FaultReason(*calls_[1]->outcome), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(limit_.Read().shed[3][static_cast<size_t>(Shed::kTooManyWait)], 1);
}

TEST_F(ConcurrencyLimitTest, WhatMattersMostRunsFirst) {
  Use({.limit = 1});
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    test->Begin("runs", absl::Milliseconds(100));
    int caller = 0;
    for (const CallerPriority priority :
         {CallerPriority::kLow, CallerPriority::kNormal, CallerPriority::kHigh,
          CallerPriority::kCritical}) {
      test->Begin(std::string(CallerPriorityName(priority)),
                  absl::Milliseconds(100),
                  {.priority = priority, .caller = ++caller + 0u});
    }
    co_await test->Pass(kSecond);
  }(this));
  EXPECT_EQ(Began(), "runs critical high normal low");
}

TEST_F(ConcurrencyLimitTest, WhoLeavesTakesNoPlace) {
  Use({.limit = 1});
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    test->Begin("runs", kSecond);
    Call& leaves = test->Begin("leaves", kSecond);
    test->Begin("stays", kSecond);
    co_await test->Pass(absl::Milliseconds(10));
    leaves.cancel.Cancel(absl::CancelledError("the client hung up"));
    co_await test->Pass(absl::Milliseconds(10));
    EXPECT_EQ(leaves.outcome, absl::CancelledError("the client hung up"));
    EXPECT_EQ(test->limit_.Read().waiting[2], 1);
    co_await test->Pass(3 * kSecond);
  }(this));
  EXPECT_EQ(Began(), "runs stays");
  EXPECT_EQ(limit_.active(), 0);
}

TEST_F(ConcurrencyLimitTest, WhoLeavesAsItsPlaceComesGivesItBack) {
  Use({.limit = 1});
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    std::optional<Permit> permit =
        test->limit_.TryAcquire(CallerPriority::kNormal);
    Call& leaves = test->Begin("leaves", kSecond);
    permit.reset();
    // It has a place and does not know it yet.
    EXPECT_EQ(test->limit_.active(), 1);
    leaves.cancel.Cancel(absl::CancelledError("the client hung up"));
    co_await test->Pass(absl::Milliseconds(10));
    EXPECT_EQ(leaves.outcome, absl::CancelledError("the client hung up"));
  }(this));
  EXPECT_EQ(Began(), "");
  EXPECT_EQ(limit_.active(), 0);
}

TEST_F(ConcurrencyLimitTest, WhoHasLeftBeforeDoesNotWait) {
  Use({.limit = 1});
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    const std::optional<Permit> permit =
        test->limit_.TryAcquire(CallerPriority::kNormal);
    CancelSignal cancel;
    cancel.Cancel(absl::CancelledError("gone"));
    const absl::StatusOr<Permit> none =
        co_await test->limit_.Acquire(test->loop(), cancel, {});
    EXPECT_EQ(none.status(), absl::CancelledError("gone"));
  }(this));
}

TEST_F(ConcurrencyLimitTest, ACallWhoseDeadlinePassesGetsNoPlace) {
  Use({.limit = 1});
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    test->Begin("runs", kSecond);
    test->Begin("late", kSecond,
                {.deadline = test->Now() + absl::Milliseconds(500)});
    co_await test->Pass(absl::Milliseconds(510));
    EXPECT_TRUE(test->calls_[1]->outcome.has_value());
    co_await test->Pass(2 * kSecond);
  }(this));
  EXPECT_EQ(Began(), "runs");
  EXPECT_EQ(FaultReason(*calls_[1]->outcome),
            v1::ERROR_REASON_DEADLINE_EXCEEDED);
}

TEST_F(ConcurrencyLimitTest, ALowerLimitLetsThoseWhoRunEnd) {
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    test->Begin("a", kSecond);
    test->Begin("b", 2 * kSecond);
    test->Begin("c", kSecond);
    test->Use({.limit = 1});
    co_await test->Pass(kSecond + absl::Milliseconds(10));
    EXPECT_EQ(test->Began(), "a b");
    EXPECT_EQ(test->limit_.active(), 1);
    co_await test->Pass(kSecond);
    EXPECT_EQ(test->Began(), "a b c");
    co_await test->Pass(2 * kSecond);
  }(this));
}

TEST_F(ConcurrencyLimitTest, AHigherLimitLetsThoseWhoWaitBegin) {
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    for (int i = 0; i < 5; ++i) test->Begin(absl::StrCat(i), kSecond);
    test->Use({.limit = 4});
    co_await test->Pass(absl::Milliseconds(10));
    EXPECT_EQ(test->Began(), "0 1 2 3");
    co_await test->Pass(3 * kSecond);
  }(this));
}

TEST_F(ConcurrencyLimitTest, AClassThatIsHeldBackWaitsThoughPlacesAreFree) {
  limit_.ServeDownTo(CallerPriority::kNormal);
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    test->Begin("low", kSecond, {.priority = CallerPriority::kLow});
    test->Begin("a", kSecond);
    test->Begin("b", kSecond);
    test->Begin("c", kSecond);
    co_await test->Pass(kSecond + absl::Milliseconds(500));
    EXPECT_EQ(test->Began(), "a b c");
    EXPECT_EQ(test->limit_.Read().waiting[3], 1);
    test->limit_.ServeDownTo(CallerPriority::kLow);
    co_await test->Pass(3 * kSecond);
  }(this));
  EXPECT_EQ(Began(), "a b c low");
}

TEST_F(ConcurrencyLimitTest, AClassThatIsHeldBackTooLongIsRefused) {
  // However many calls may run at once.
  for (const int64_t limit : {ConcurrencyLimit::kUnlimited, int64_t{50}}) {
    calls_.clear();
    Use({.limit = limit, .queue = {.wait_limit = kSecond}});
    limit_.ServeDownTo(CallerPriority::kNormal);
    runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
      test->Begin("low", kSecond, {.priority = CallerPriority::kLow});
      co_await test->Pass(2 * kSecond);
    }(this));
    ExpectHeldBack(*calls_[0]);
  }
  EXPECT_EQ(limit_.Read().shed[3],
            (std::array<int64_t, ConcurrencyLimit::kSheds>{0, 0, 2}));
}

TEST_F(ConcurrencyLimitTest, AClassThatIsHeldBackIsToldSoWhereNoneMayWait) {
  Use({.limit = 50, .queue = {.waiting_limit = 0}});
  limit_.ServeDownTo(CallerPriority::kNormal);
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    test->Begin("low", kSecond, {.priority = CallerPriority::kLow});
    test->Begin("normal", kSecond);
    co_await test->Pass(2 * kSecond);
  }(this));
  ExpectHeldBack(*calls_[0]);
  EXPECT_EQ(calls_[1]->outcome, absl::OkStatus());
  EXPECT_EQ(limit_.Read().shed[3],
            (std::array<int64_t, ConcurrencyLimit::kSheds>{0, 0, 1}));
}

TEST_F(ConcurrencyLimitTest, AllWhoWaitMayBeTurnedAwayAtOnce) {
  Use({.limit = 1});
  limit_.ServeDownTo(CallerPriority::kNormal);
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    test->Begin("runs", kSecond);
    test->Begin("late", kSecond,
                {.deadline = test->Now() + absl::Milliseconds(5)});
    test->Begin("waits", kSecond);
    test->Begin("held back", kSecond, {.priority = CallerPriority::kLow});
    co_await test->Pass(absl::Milliseconds(10));
    test->limit_.TurnAwayAll(absl::UnavailableError("no memory"));
    co_await test->Pass(absl::Milliseconds(10));
    for (const size_t waiting : test->limit_.Read().waiting) {
      EXPECT_EQ(waiting, 0);
    }
    for (const int i : {2, 3}) {
      EXPECT_EQ(test->calls_[i]->outcome, absl::UnavailableError("no memory"));
      EXPECT_LT(test->calls_[i]->waited, absl::Milliseconds(20));
    }
    // Who runs goes on, and who comes waits as before.
    test->Begin("comes", kSecond);
    co_await test->Pass(3 * kSecond);
  }(this));
  EXPECT_EQ(Began(), "runs comes");
  EXPECT_EQ(limit_.Read().shed[2],
            (std::array<int64_t, ConcurrencyLimit::kSheds>{0, 1, 0, 1}));
  EXPECT_EQ(limit_.Read().shed[3],
            (std::array<int64_t, ConcurrencyLimit::kSheds>{0, 0, 0, 1}));
  EXPECT_EQ(limit_.active(), 0);
}

TEST_F(ConcurrencyLimitTest, WhoIsServedAgainAndFindsNoPlaceIsToldOfTheLimit) {
  Use({.limit = 1, .queue = {.wait_limit = 2 * kSecond}});
  limit_.ServeDownTo(CallerPriority::kNormal);
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    test->Begin("runs", absl::Minutes(1));
    test->Begin("low", kSecond, {.priority = CallerPriority::kLow});
    co_await test->Pass(kSecond);
    test->limit_.ServeDownTo(CallerPriority::kLow);
    co_await test->Pass(absl::Minutes(2));
  }(this));
  EXPECT_EQ(FaultMetadata(*calls_[1]->outcome, "limit"),
            "overload.concurrency.calls_limit");
  EXPECT_EQ(limit_.Read().shed[3],
            (std::array<int64_t, ConcurrencyLimit::kSheds>{0, 1, 0}));
}

// Ten times as much as can be served, for minutes: as much is served as can be,
// and no queue grows.
TEST_F(ConcurrencyLimitTest, InAStandingOverloadAllPlacesAreInUse) {
  Use({.limit = 10, .queue = {.waiting_limit = 1000}});
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    FakeRandom random{1};
    for (int i = 0; i < 40'000; ++i) {
      test->Begin("", absl::Milliseconds(100), {.caller = random.Below(50)});
      co_await test->Pass(absl::Milliseconds(1));
      if (i > 10'000) {
        EXPECT_LE(test->limit_.Read().waiting[2], 600) << i;
        EXPECT_GE(test->limit_.active(), 9) << i;
      }
    }
    co_await test->Pass(absl::Seconds(10));
  }(this));
  int served = 0;
  std::vector<absl::Duration> refused_after;
  for (const auto& call : calls_) {
    served += call->outcome->ok();
    if (!call->outcome->ok()) refused_after.push_back(call->waited);
    EXPECT_LE(call->waited, absl::Milliseconds(5010));
  }
  std::sort(refused_after.begin(), refused_after.end());
  // Each millisecond of the simulated loop takes two, at most.
  EXPECT_GE(served, 0.95 * 10 *
                        absl::ToDoubleSeconds(Now() - absl::Hours(1) -
                                              absl::Seconds(10)) /
                        0.1);
  // Older ones make room for the newest, of which half are served at once.
  EXPECT_LE(refused_after[refused_after.size() / 2], absl::Milliseconds(700));
  EXPECT_EQ(limit_.active(), 0);
}

// How long 99 callers wait beside one who asks a hundred times as much as each.
TEST_F(ConcurrencyLimitTest, ACallerWhoAsksForMuchMakesOthersWaitNoLonger) {
  Use({.limit = 20, .queue = {.waiting_limit = 1000}});
  runner_.Run([](ConcurrencyLimitTest* test) -> Task<void> {
    FakeRandom random{1};
    for (int i = 0; i < 20'000; ++i) {
      const auto service = absl::Milliseconds(50 + random.Below(100));
      if (random.Below(10) == 0) {
        test->Begin("", service, {.caller = 1 + random.Below(99)});
      }
      test->Begin("greedy", service, {.caller = 0});
      co_await test->Pass(absl::Milliseconds(1));
    }
    co_await test->Pass(absl::Seconds(10));
  }(this));
  std::vector<absl::Duration> waits;
  for (const auto& call : calls_) {
    if (call->name == "greedy") continue;
    EXPECT_EQ(call->outcome, absl::OkStatus());
    waits.push_back(call->waited);
  }
  std::sort(waits.begin(), waits.end());
  ASSERT_GT(waits.size(), 1000);
  // One of 20 places is free every 5 ms, and the next one is theirs.
  EXPECT_LE(waits[waits.size() * 50 / 100], absl::Milliseconds(8));
  EXPECT_LE(waits[waits.size() * 99 / 100], absl::Milliseconds(35));
}

// Several loops at once, under ThreadSanitizer too: the limit holds, everybody
// ends, and nobody is forgotten.
class ConcurrencyLimitThreadsTest : public testing::Test {
 protected:
  static constexpr int kLoops = 4;
  static constexpr int kCallsPerLoop = 200;
  static constexpr int kRounds = 20;

  struct Shared {
    explicit Shared(const ConcurrencyLimit::Options& options)
        : limit(SystemClock(), options) {}
    ConcurrencyLimit limit;
    std::atomic<int> running = 0;
    std::atomic<int> most = 0;
    std::atomic<int> served = 0;
    std::atomic<int> refused = 0;
    std::atomic<int> left = kLoops * kCallsPerLoop;
    Event all_have_ended;
  };

  static Task<void> RunCalls(Shared* shared, EventLoop* loop, uint64_t seed) {
    FakeRandom random{seed};
    for (int i = 0; i < kRounds; ++i) {
      CancelSignal cancel;
      // Some leave while they wait.
      Timer leave([&] { cancel.Cancel(absl::CancelledError("left")); });
      if (random.Below(5) == 0) loop->ArmTimer(leave, absl::Milliseconds(1));
      const auto priority =
          static_cast<CallerPriority>(random.Below(kCallerPriorities));
      std::optional<Permit> permit = shared->limit.TryAcquire(priority);
      if (!permit.has_value()) {
        absl::StatusOr<Permit> waited_for = co_await shared->limit.Acquire(
            *loop, cancel, {.priority = priority, .caller = seed});
        if (!waited_for.ok()) {
          ++shared->refused;
          continue;
        }
        permit = *std::move(waited_for);
      }
      const int running = ++shared->running;
      int most = shared->most.load();
      while (running > most &&
             !shared->most.compare_exchange_weak(most, running)) {
      }
      for (uint64_t turns = random.Below(3); turns > 0; --turns) {
        co_await YieldToLoop();
      }
      --shared->running;
      ++shared->served;
    }
    if (--shared->left == 0) shared->all_have_ended.Set();
  }

  void RunAll(Shared& shared) {
    std::vector<std::unique_ptr<LoopThread>> threads;
    for (int i = 0; i < kLoops; ++i) {
      threads.push_back(std::make_unique<LoopThread>());
      EventLoop& loop = threads.back()->loop();
      loop.Post([&shared, &loop, i] {
        for (int j = 0; j < kCallsPerLoop; ++j) {
          Spawn(RunCalls(&shared, &loop, i * kCallsPerLoop + j));
        }
      });
    }
    ASSERT_TRUE(shared.all_have_ended.Wait()) << "a call was not woken";
    EXPECT_EQ(shared.limit.active(), 0);
    for (const size_t waiting : shared.limit.Read().waiting) {
      EXPECT_EQ(waiting, 0);
    }
    EXPECT_EQ(shared.served + shared.refused, kLoops * kCallsPerLoop * kRounds);
  }
};

TEST_F(ConcurrencyLimitThreadsTest, TheLimitHoldsAndNobodyIsForgotten) {
  Shared shared(
      {.limit = 3,
       .queue = {.waiting_limit = 1000, .wait_limit = absl::Seconds(60)}});
  RunAll(shared);
  EXPECT_LE(shared.most, 3);
  EXPECT_GT(shared.served, shared.refused);
}

TEST_F(ConcurrencyLimitThreadsTest, TheSameWhereMostAreRefused) {
  Shared shared({.limit = 3,
                 .queue = {.waiting_limit = 10,
                           .wait_limit = absl::Milliseconds(2),
                           .overload_time = absl::Milliseconds(1)}});
  RunAll(shared);
  EXPECT_LE(shared.most, 3);
}

TEST_F(ConcurrencyLimitThreadsTest, TheLimitMayChangeMeanwhile) {
  Shared shared({.limit = 3});
  LoopThread changes;
  Timer* timer = nullptr;
  ASSERT_TRUE(changes.Run([&] {
    timer = new Timer([&] {
      const int64_t limit = shared.limit.Read().limit == 3 ? 5 : 3;
      shared.limit.SetOptions({.limit = limit});
      shared.limit.ServeDownTo(limit == 3 ? CallerPriority::kNormal
                                          : CallerPriority::kLow);
      changes.loop().ArmTimer(*timer, absl::Milliseconds(1));
    });
    changes.loop().ArmTimer(*timer, absl::Milliseconds(1));
  }));
  RunAll(shared);
  EXPECT_LE(shared.most, 5);
  ASSERT_TRUE(changes.Run([&] { delete timer; }));
}

}  // namespace
}  // namespace gateway
