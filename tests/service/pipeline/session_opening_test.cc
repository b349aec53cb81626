#include "service/pipeline/session_opening.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/sessions/session_store.h"
#include "service/store/memory_record_store.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// One whose caller is gone, or which is broken, when the test says so.
class LeavableStore final : public MemoryRecordStore {
 public:
  using MemoryRecordStore::MemoryRecordStore;

  Task<absl::StatusOr<int64_t>> Put(std::string_view collection,
                                    std::string_view key, std::string value,
                                    PutOptions options,
                                    CancelSignal& cancel) override {
    if (!broken.ok()) co_return broken;
    const absl::StatusOr<int64_t> put = co_await MemoryRecordStore::Put(
        collection, key, std::move(value), options, cancel);
    if (leaves == nullptr) co_return put;
    leaves->Cancel(absl::CancelledError("left"));
    co_return leaves->status();
  }

  absl::Status broken;
  CancelSignal* leaves = nullptr;
};

class SessionOpeningTest : public testing::Test {
 protected:
  absl::StatusOr<v1::Session> Open(CancelSignal& cancel) {
    const SessionOpener opener = {.runtime = *runtime_,
                                  .loop = runner_.loop(),
                                  .caller = caller_,
                                  .api = ScopedApi::kGrpc,
                                  .peer = "127.0.0.1:1",
                                  .scope = scope_};
    const v1::CreateSessionRequest request;
    return runner_.Run(OpenSession(opener, request, cancel));
  }

  LoopRunner runner_;
  LeavableStore records_{{}, SystemClock()};
  FakeRandom random_{5};
  SessionStore sessions_{records_, SystemClock(), random_};
  std::shared_ptr<const RuntimeSnapshot> runtime_ = MakeTestRuntime(
      "providers: [{name: mock, mock: {}}]\nsessions: {ttl: 5m}\n"
      "rate_limits: [{name: rph, unit: requests, limit: 1, window: 1h}]\n",
      {},
      {.sessions = &sessions_});
  Caller caller_{.id = "alice"};
  CallScope scope_;
  CancelSignal never_;
};

TEST_F(SessionOpeningTest, WhatCannotBeKeptGivesBackWhatItTook) {
  records_.broken = absl::UnavailableError("the disk is gone");
  EXPECT_EQ(FaultReason(Open(never_).status()),
            v1::ERROR_REASON_STORE_UNAVAILABLE);
  records_.broken = absl::OkStatus();
  EXPECT_TRUE(Open(never_).ok());
  EXPECT_EQ(FaultReason(Open(never_).status()), v1::ERROR_REASON_RATE_LIMITED);
}

TEST_F(SessionOpeningTest, WhoLeavesMayHaveOneAndHasTakenARequest) {
  CancelSignal gone;
  records_.leaves = &gone;
  EXPECT_TRUE(absl::IsCancelled(Open(gone).status()));
  records_.leaves = nullptr;
  EXPECT_EQ(FaultReason(Open(never_).status()), v1::ERROR_REASON_RATE_LIMITED);
}

}  // namespace
}  // namespace gateway
