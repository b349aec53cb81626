#include "service/pipeline/leavable_sink.h"

#include <memory>

#include "absl/status/status.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "gtest/gtest.h"
#include "providers/provider.h"
#include "service/cache/shared_answer.h"
#include "service/pipeline/answer_sink.h"
#include "service/pipeline/shared_call.h"
#include "tests/service/pipeline/planned_call.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

// A caller who takes the end of its stream once it may.
class HeldSink final : public AnswerSink {
 public:
  Task<absl::Status> SendAnswer(Call&) override {
    co_return absl::InternalError("a stream was answered whole");
  }
  Task<absl::Status> SendBatch(Call&, StreamBatch&) override {
    ++batches;
    co_return absl::OkStatus();
  }
  Task<absl::Status> SendEnd(Call&, const absl::Status& outcome) override {
    ++ends;
    end = outcome;
    if (holds) co_await may_end.Wait();
    co_return absl::OkStatus();
  }
  void GoOnAfterEnd() override { goes_on = true; }

  int batches = 0;
  int ends = 0;
  absl::Status end;
  bool goes_on = false;
  bool holds = false;
  WakeUp may_end;
};

class LeavableSinkTest : public PlannedCallTest {
 public:
  LeavableSinkTest() {
    call_.shared = std::make_unique<SharedCall>(
        *SharedAnswer::Join(std::make_shared<SharedAnswer>("call_1")));
  }

  // Its time is over.
  void Leave() {
    cancel_.Cancel(absl::DeadlineExceededError("late"));
    leavable_.LeaveIfIdle(call_);
  }
  // Returns what the end of the work is then told.
  Task<absl::Status> GoOn() {
    co_await call_.shared->BeginCompleting();
    StreamBatch batch;
    EXPECT_TRUE((co_await leavable_.SendBatch(call_, batch)).ok());
    co_return co_await leavable_.SendEnd(call_, absl::OkStatus());
  }
  Task<void> LetGo() {
    EXPECT_FALSE(call_.ended);
    sink_.may_end.Set();
    co_return;
  }

 protected:
  LoopRunner runner_;
  HeldSink sink_;
  LeavableSink leavable_{sink_};
};

TEST_F(LeavableSinkTest, WhoLeavesWhileNothingComesIsToldAtOnce) {
  Leave();
  EXPECT_EQ(sink_.end, absl::DeadlineExceededError("late"));
  EXPECT_TRUE(sink_.goes_on);
  EXPECT_TRUE(call_.ended);
  EXPECT_EQ(runner_.Run(GoOn()), absl::DeadlineExceededError("late"));
  EXPECT_EQ(sink_.batches, 0);
  EXPECT_EQ(sink_.ends, 1);
}

TEST_F(LeavableSinkTest, WhileTheCallIsBusyItIsTheNextSendThatTells) {
  call_.shared->completing = true;
  Leave();
  EXPECT_EQ(sink_.ends, 0);
  EXPECT_FALSE(call_.ended);
  EXPECT_EQ(runner_.Run(GoOn()), absl::DeadlineExceededError("late"));
  EXPECT_TRUE(call_.ended);
  EXPECT_EQ(sink_.batches, 0);
  EXPECT_EQ(sink_.ends, 1);
}

TEST_F(LeavableSinkTest, TheWorkWaitsUntilItIsTold) {
  sink_.holds = true;
  Leave();
  EXPECT_EQ(sink_.ends, 1);
  const auto both = [this]() -> Task<absl::Status> {
    Spawn(LetGo());
    co_return co_await GoOn();
  };
  EXPECT_EQ(runner_.Run(both()), absl::DeadlineExceededError("late"));
  EXPECT_TRUE(call_.ended);
  EXPECT_EQ(sink_.ends, 1);
}

TEST_F(LeavableSinkTest, WhoStaysGetsTheEnd) {
  EXPECT_TRUE(runner_.Run(GoOn()).ok());
  EXPECT_EQ(sink_.batches, 1);
  EXPECT_TRUE(sink_.end.ok());
  EXPECT_FALSE(sink_.goes_on);
}

}  // namespace
}  // namespace gateway
