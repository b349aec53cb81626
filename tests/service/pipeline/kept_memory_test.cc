#include "service/pipeline/kept_memory.h"

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "gtest/gtest.h"
#include "service/cache/idempotency_table.h"
#include "service/cache/kept_answer.h"
#include "service/cache/request_key.h"
#include "service/cache/response_cache.h"
#include "service/cache/resumable_streams.h"
#include "service/pipeline/answer_cache.h"
#include "service/pipeline/response_store.h"
#include "service/pipeline/shared_calls.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

class KeptMemoryTest : public testing::Test {
 public:
  KeptMemoryTest() {
    Ports ports;
    ports.clock = &clock_;
    runtime_ = MakeTestRuntime(
        "providers: [{name: mock, mock: {}}]\n"
        "cache: {ttl: 10s, entries_limit: 100}\n"
        "idempotency: {ttl: 60s}\n"
        "resumable_streams: {grace: 10s}\n",
        {}, ports);
  }

  ResponseCache& Answers() { return runtime_->answer_cache()->answers(); }
  IdempotencyTable& Keys() { return *runtime_->shared_calls().keys(); }
  void Keep() {
    for (int i = 0; i < 16; ++i) {
      Answers().Put(KeyOfBytes({}, absl::StrCat(i)),
                    std::make_shared<KeptAnswer>());
    }
    const RequestKey body = KeyOfBytes({}, "body");
    Keys().Begin("alice", "k", body, "call_1")->run->Finish({});
    responses_.Put("alice", "resp_1", {.response = "hello"});
    runtime_->resumable_streams()->Open("alice", "1")->End(absl::OkStatus());
  }
  void Free() { runner_.Run(FreeExpired(*runtime_, &responses_, never_)); }

  FakeClock clock_;
  LoopRunner runner_;
  CancelSignal never_;
  std::shared_ptr<const RuntimeSnapshot> runtime_;
  ResponseStore responses_{
      {.ttl = absl::Seconds(10), .entries = 10, .size_bytes = 1000}, clock_};
};

TEST_F(KeptMemoryTest, WhatHasExpiredIsFreedOfEachKind) {
  Keep();
  clock_.Advance(absl::Seconds(9));
  Free();
  EXPECT_EQ(Answers().stats().entries, 16u);
  EXPECT_EQ(Keys().stats().ended, 1u);
  EXPECT_GT(responses_.size_bytes(), 0);
  EXPECT_EQ(runtime_->resumable_streams()->stats().streams, 1u);
  clock_.Advance(absl::Seconds(51));
  Free();
  EXPECT_EQ(Answers().stats().entries, 0u);
  EXPECT_EQ(Keys().stats().ended, 0u);
  EXPECT_EQ(responses_.size_bytes(), 0);
  EXPECT_EQ(runtime_->resumable_streams()->stats().streams, 0u);
}

TEST_F(KeptMemoryTest, WhatIsNotConfiguredIsNotLookedFor) {
  runtime_ = MakeTestRuntime("providers: [{name: mock, mock: {}}]\n");
  runner_.Run(FreeExpired(*runtime_, nullptr, never_));
  FreeForWantOfMemory(*runtime_);
}

TEST_F(KeptMemoryTest, ForWantOfMemoryTheCacheGoesAndNoPromise) {
  Keep();
  FreeForWantOfMemory(*runtime_);
  EXPECT_EQ(Answers().stats().entries, 12u);
  for (int i = 0; i < 20; ++i) FreeForWantOfMemory(*runtime_);
  EXPECT_EQ(Answers().stats().entries, 0u);
  EXPECT_EQ(Answers().stats().for_memory, 16u);
  EXPECT_EQ(Keys().stats().ended, 1u);
  EXPECT_GT(responses_.size_bytes(), 0);
  EXPECT_EQ(runtime_->resumable_streams()->stats().streams, 1u);
}

}  // namespace
}  // namespace gateway
