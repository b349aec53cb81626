#include "service/pipeline/overload_watch.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/os/file.h"
#include "gtest/gtest.h"
#include "service/cache/idempotency_table.h"
#include "service/cache/kept_answer.h"
#include "service/cache/request_key.h"
#include "service/cache/response_cache.h"
#include "service/overload/memory_gate.h"
#include "service/pipeline/answer_cache.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/response_store.h"
#include "service/pipeline/shared_calls.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/simulated_time.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

constexpr char kNothingLimited[] = "providers: [{name: mock, mock: {}}]\n";

// A gateway in a control group that may have 1000 bytes.
class OverloadWatchTest : public testing::Test {
 public:
  OverloadWatchTest() {
    std::string folder = absl::StrCat(testing::TempDir(), "watch.XXXXXX");
    root_ = mkdtemp(folder.data());
    Write("memory.max", 1000);
    UseMemory(100);
    Ports ports;
    ports.clock = &time_;
    current_ = std::make_unique<CurrentRuntime>(MakeTestRuntime(
        absl::StrCat(
            kNothingLimited, "overload:\n  concurrency: {calls_limit: 7}\n",
            "  memory: {interval: 50ms, cgroup_root: '", root_, "'}\n",
            "cache: {ttl: 20s, entries_limit: 100}\nidempotency: {ttl: 1m}\n"),
        {}, ports));
  }

  void Write(const char* name, int64_t bytes) {
    EXPECT_TRUE(
        ReplaceFile(absl::StrCat(root_, "/", name), absl::StrCat(bytes)).ok());
  }
  void UseMemory(int64_t bytes) { Write("memory.current", bytes); }

  MemoryPressure Pressure() const {
    return current_->Get()->overload()->memory().pressure();
  }
  ResponseCache& Answers() const {
    return current_->Get()->answer_cache()->answers();
  }
  Task<void> Pass(absl::Duration time) {
    (co_await Sleep(runner_.loop(), time, never_)).IgnoreError();
  }

  std::string root_;
  SimulatedTime time_;
  LoopRunner runner_{time_};
  CancelSignal never_;
  std::unique_ptr<CurrentRuntime> current_;
};

TEST_F(OverloadWatchTest, LooksAtTheMemoryOnceAnInterval) {
  runner_.Run([](OverloadWatchTest* test) -> Task<void> {
    OverloadWatch watch(*test->current_);
    Spawn(watch.Run(test->runner_.loop()));
    test->UseMemory(960);
    EXPECT_EQ(test->Pressure(), MemoryPressure::kNormal);
    co_await test->Pass(absl::Milliseconds(60));
    EXPECT_EQ(test->Pressure(), MemoryPressure::kCritical);
    test->UseMemory(100);
    co_await test->Pass(absl::Milliseconds(60));
    EXPECT_EQ(test->Pressure(), MemoryPressure::kNormal);
    watch.StopOnLoop();
    co_await test->Pass(absl::Milliseconds(1));
  }(this));
}

TEST_F(OverloadWatchTest, FollowsTheConfigurationInUse) {
  runner_.Run([](OverloadWatchTest* test) -> Task<void> {
    OverloadWatch watch(*test->current_);
    Spawn(watch.Run(test->runner_.loop()));
    const auto limited = test->current_->Get();
    test->current_->Swap(MakeTestRuntime(kNothingLimited));
    co_await test->Pass(absl::Milliseconds(60));
    test->UseMemory(960);
    co_await test->Pass(OverloadWatch::kIdleInterval * 2);
    EXPECT_EQ(limited->overload()->memory().pressure(),
              MemoryPressure::kNormal);
    test->current_->Swap(limited);
    co_await test->Pass(OverloadWatch::kIdleInterval + absl::Milliseconds(60));
    EXPECT_EQ(test->Pressure(), MemoryPressure::kCritical);
    watch.StopOnLoop();
    co_await test->Pass(absl::Milliseconds(1));
  }(this));
}

TEST_F(OverloadWatchTest, WhatHasExpiredIsFreedThoughNobodyCalls) {
  runner_.Run([](OverloadWatchTest* test) -> Task<void> {
    ResponseStore responses(
        {.ttl = absl::Seconds(10), .entries = 10, .size_bytes = 1000},
        test->time_);
    OverloadWatch watch(*test->current_, &responses);
    responses.Put("alice", "resp_1", {.response = "hello"});
    test->Answers().Put(KeyOfBytes({}, "a"), std::make_shared<KeptAnswer>());
    IdempotencyTable& keys = *test->current_->Get()->shared_calls().keys();
    keys.Begin("alice", "k", KeyOfBytes({}, "a"), "call_1")->run->Finish({});
    Spawn(watch.Run(test->runner_.loop()));
    co_await test->Pass(absl::Seconds(9));
    EXPECT_GT(responses.size_bytes(), 0);
    co_await test->Pass(absl::Seconds(3));
    EXPECT_EQ(responses.size_bytes(), 0);
    EXPECT_EQ(test->Answers().stats().entries, 1u);
    co_await test->Pass(absl::Seconds(10));
    EXPECT_EQ(test->Answers().stats().entries, 0u);
    EXPECT_EQ(keys.stats().ended, 1u);
    co_await test->Pass(absl::Seconds(40));
    EXPECT_EQ(keys.stats().ended, 0u);
    watch.StopOnLoop();
    co_await test->Pass(absl::Milliseconds(1));
  }(this));
}

TEST_F(OverloadWatchTest, WithoutMemoryAnswersOfTheCacheGoPartAfterPart) {
  runner_.Run([](OverloadWatchTest* test) -> Task<void> {
    OverloadWatch watch(*test->current_);
    for (int i = 0; i < 16; ++i) {
      test->Answers().Put(KeyOfBytes({}, absl::StrCat(i)),
                          std::make_shared<KeptAnswer>());
    }
    Spawn(watch.Run(test->runner_.loop()));
    // Elevated: they stay.
    test->UseMemory(900);
    co_await test->Pass(absl::Milliseconds(60));
    EXPECT_EQ(test->Answers().stats().entries, 16u);
    test->UseMemory(960);
    co_await test->Pass(absl::Milliseconds(50));
    EXPECT_EQ(test->Answers().stats().entries, 12u);
    co_await test->Pass(absl::Seconds(2));
    EXPECT_EQ(test->Answers().stats().entries, 0u);
    EXPECT_EQ(test->Answers().stats().for_memory, 16u);
    watch.StopOnLoop();
    co_await test->Pass(absl::Milliseconds(1));
  }(this));
}

}  // namespace
}  // namespace gateway
