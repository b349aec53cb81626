#include "service/pipeline/resumable_call.h"

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/cache/resumable_streams.h"
#include "service/cache/stream_ring.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/simulated_time.h"

namespace gateway {
namespace {

class ResumableCallTest : public testing::Test {
 public:
  Task<void> Wait(absl::Duration time) {
    CancelSignal never;
    (co_await Sleep(runner_.loop(), time, never)).IgnoreError();
  }

  absl::StatusOr<std::shared_ptr<StreamRing>> Ring() {
    return streams_.Find("http alice", "call_1");
  }

  SimulatedTime time_;
  LoopRunner runner_{time_};
  ResumableStreams streams_{
      {.streams = 1, .ring = {.size_bytes = 10'000, .keep = absl::Seconds(30)}},
      time_};
  CancelSignal gone_;
  std::string_view route_ = "default";
};

TEST_F(ResumableCallTest, ItEndsWithItsCallerWhereItIsNotOpen) {
  const auto run = [](ResumableCallTest& test) -> Task<void> {
    ResumableCall call(test.runner_.loop(), test.gone_);
    EXPECT_FALSE(call.is_open());
    test.gone_.Cancel(absl::CancelledError("gone"));
    EXPECT_EQ(call.cancel().status(), absl::CancelledError("gone"));
    // Nor does it open then.
    call.Open(test.streams_, "http alice", "call_1", test.route_);
    EXPECT_FALSE(call.is_open());
    co_return;
  };
  runner_.Run(run(*this));
}

TEST_F(ResumableCallTest, ItOutlivesItsCallerByTheGrace) {
  const auto run = [](ResumableCallTest& test) -> Task<void> {
    ResumableCall call(test.runner_.loop(), test.gone_);
    call.Open(test.streams_, "http alice", "call_1", test.route_);
    EXPECT_TRUE(call.is_open());
    call.Append("1");
    test.gone_.Cancel(absl::CancelledError("gone"));
    co_await test.Wait(absl::Seconds(29));
    EXPECT_FALSE(call.cancel().cancelled());
    call.Append("2");
    co_await test.Wait(absl::Seconds(2));
    EXPECT_TRUE(call.cancel().cancelled());
    call.End(call.cancel().status());
    // The end is remembered.
    const std::shared_ptr<StreamRing> ring = *test.Ring();
    CancelSignal never;
    const absl::StatusOr<StreamPiece> piece =
        co_await ring->Read(1, 100, test.runner_.loop(), never);
    EXPECT_TRUE(piece.ok() && piece->ended && piece->events.size() == 1);
    EXPECT_EQ(FaultReason(piece->end), v1::ERROR_REASON_CANCELLED);
  };
  runner_.Run(run(*this));
}

TEST_F(ResumableCallTest, WhoComesBackInTimeKeepsItGoing) {
  const auto run = [](ResumableCallTest& test) -> Task<void> {
    ResumableCall call(test.runner_.loop(), test.gone_);
    call.Open(test.streams_, "http alice", "call_1", test.route_);
    test.gone_.Cancel(absl::CancelledError("gone"));
    co_await test.Wait(absl::Seconds(20));
    const std::shared_ptr<StreamRing> ring = *test.Ring();
    auto seat = ring->audience().Join();
    co_await test.Wait(absl::Seconds(100));
    EXPECT_FALSE(call.cancel().cancelled());
    seat.reset();
    co_await test.Wait(absl::Seconds(31));
    EXPECT_TRUE(call.cancel().cancelled());
  };
  runner_.Run(run(*this));
}

// Which is not known yet when it is opened.
TEST_F(ResumableCallTest, WhoComesBackFindsHowItWasRouted) {
  const auto run = [](ResumableCallTest& test) -> Task<void> {
    ResumableCall call(test.runner_.loop(), test.gone_);
    test.route_ = "";
    call.Open(test.streams_, "http alice", "call_1", test.route_);
    test.route_ = "alias:fast";
    EXPECT_EQ((*test.Ring())->route(), "");
    call.Append("1");
    EXPECT_EQ((*test.Ring())->route(), "alias:fast");
    co_return;
  };
  runner_.Run(run(*this));
}

TEST_F(ResumableCallTest, WhenTheProcessEndsNobodyComesBack) {
  const auto run = [](ResumableCallTest& test) -> Task<void> {
    ResumableCall call(test.runner_.loop(), test.gone_);
    call.Open(test.streams_, "http alice", "call_1", test.route_);
    test.gone_.Cancel(MakeFault(v1::ERROR_REASON_DRAINING, "ending"));
    EXPECT_EQ(FaultReason(call.cancel().status()), v1::ERROR_REASON_DRAINING);
    co_return;
  };
  runner_.Run(run(*this));
}

TEST_F(ResumableCallTest, WithoutRoomItIsACallAsAnyOther) {
  const auto run = [](ResumableCallTest& test) -> Task<void> {
    ResumableCall first(test.runner_.loop(), test.gone_);
    first.Open(test.streams_, "http alice", "call_1", test.route_);
    CancelSignal gone;
    ResumableCall second(test.runner_.loop(), gone);
    second.Open(test.streams_, "http alice", "call_2", test.route_);
    EXPECT_FALSE(second.is_open());
    gone.Cancel(absl::CancelledError("gone"));
    EXPECT_TRUE(second.cancel().cancelled());
    co_return;
  };
  runner_.Run(run(*this));
}

TEST_F(ResumableCallTest, WhatNobodyCanGoOnWithEndsWithItsCaller) {
  for (const bool leaves_first : {true, false}) {
    CancelSignal gone;
    ResumableStreams streams(
        {.streams = 1, .ring = {.size_bytes = 100, .keep = absl::Hours(1)}},
        time_);
    const auto run = [](ResumableCallTest& test, CancelSignal& gone,
                        ResumableStreams& streams,
                        bool leaves_first) -> Task<void> {
      ResumableCall call(test.runner_.loop(), gone);
      call.Open(streams, "http alice", "call_1", test.route_);
      if (leaves_first) gone.Cancel(absl::CancelledError("gone"));
      call.GiveUp(absl::AbortedError("too long"));
      EXPECT_EQ(call.cancel().cancelled(), leaves_first);
      if (!leaves_first) gone.Cancel(absl::CancelledError("gone"));
      EXPECT_TRUE(call.cancel().cancelled());
      call.Append("ignored");
      co_return;
    };
    runner_.Run(run(*this, gone, streams, leaves_first));
  }
}

TEST(OwnerOfTest, EachFormHasItsOwn) {
  Caller alice;
  alice.id = "alice";
  EXPECT_EQ(OwnerOf(alice, "grpc"), "grpc alice");
  EXPECT_NE(OwnerOf(alice, "grpc"), OwnerOf(alice, "http:openai_chat"));
}

}  // namespace
}  // namespace gateway
