#include "service/api/state_fault.h"

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/async/blocking_worker.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/errors.pb.h"
#include "service/api/call_context.h"
#include "service/state/state_store.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(StateFaultTest, NamesTheFieldAndWhatTheSystemSays) {
  const absl::Status fault = StateNotKept(absl::ResourceExhaustedError(
      "/state/circuits.json: cannot write the file: No space left on device"));
  EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_STATE_NOT_KEPT);
  EXPECT_EQ(fault.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(fault.message()),
              HasSubstr("runtime.state_dir: /state/circuits.json: cannot write "
                        "the file: No space left on device"));
}

TEST(StateFaultTest, SaysThatNothingHasChangedWhereThatIsSure) {
  EXPECT_THAT(std::string(StateNotKept(absl::UnknownError("EIO")).message()),
              HasSubstr("nothing has changed"));
  const std::string unsure(
      StateNotKept(absl::AbortedError("EIO")).message());
  EXPECT_THAT(unsure, Not(HasSubstr("nothing has changed")));
  EXPECT_THAT(unsure, HasSubstr("not known"));
}

TEST(StateFaultTest, ThatTooManyWaitIsAnOverloadAndAllElseAsItIs) {
  EXPECT_EQ(FaultReason(ChangeNotBegun(absl::ResourceExhaustedError("full"))),
            v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(ChangeNotBegun(absl::CancelledError("gone")),
            absl::CancelledError("gone"));
}

// Work that has begun goes on when its caller leaves.
TEST(KeepChangeTest, WhatIsInForceIsLoggedThoughItsCallerHasLeft) {
  const std::unique_ptr<StateStore> store =
      *StateStore::Open(testing::TempDir() + "/state_fault");
  LoopThread loop;
  BlockingWorker worker({.name = "test"});
  CallContext call(loop.loop(), {.peer = "127.0.0.1:1"});
  Latch left;
  Latch logged;
  absl::Status status;
  const std::function<absl::Status()> keep = [&] {
    loop.loop().Post(
        [&] { call.cancel().Cancel(absl::CancelledError("left")); });
    left.Wait();
    return absl::OkStatus();
  };
  const std::function<void()> log = [&] { logged.Open(); };
  ASSERT_TRUE(loop.RunTask([&]() -> Task<void> {
    status = co_await KeepChange(*store, worker, call, keep, log);
  }));
  EXPECT_EQ(status, absl::CancelledError("left"));
  left.Open();
  logged.Wait();
}

TEST(KeepChangeTest, WhatIsNotKeptIsNotLogged) {
  const StateStore store;
  LoopThread loop;
  BlockingWorker worker({.name = "test"});
  CallContext call(loop.loop(), {.peer = "127.0.0.1:1"});
  bool logged = false;
  const std::function<void()> log = [&] { logged = true; };
  for (const absl::Status& kept :
       {absl::UnknownError("EIO"), absl::OkStatus()}) {
    EXPECT_FALSE(logged);
    const std::function<absl::Status()> keep = [&] { return kept; };
    ASSERT_TRUE(loop.RunTask([&]() -> Task<void> {
      const absl::Status changed =
          co_await KeepChange(store, worker, call, keep, log);
      EXPECT_EQ(changed, kept);
    }));
  }
  EXPECT_TRUE(logged);
}

}  // namespace
}  // namespace gateway
