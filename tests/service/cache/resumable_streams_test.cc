#include "service/cache/resumable_streams.h"

#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/cache/stream_ring.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

class ResumableStreamsTest : public testing::Test {
 public:
  FakeClock clock_;
  LoopRunner runner_;
  ResumableStreams streams_{
      {.streams = 3, .ring = {.size_bytes = 10'000, .keep = absl::Minutes(1)}},
      clock_};
};

TEST_F(ResumableStreamsTest, AStreamIsFoundByItsCallerAlone) {
  const std::shared_ptr<StreamRing> ring = streams_.Open("alice", "call_1");
  ASSERT_NE(ring, nullptr);
  EXPECT_EQ(*streams_.Find("alice", "call_1"), ring);
  EXPECT_EQ(FaultReason(streams_.Find("bob", "call_1").status()),
            v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(FaultReason(streams_.Find("alice", "call_2").status()),
            v1::ERROR_REASON_NOT_FOUND);
  // What another caller may not see has the same words as what is not there.
  EXPECT_EQ(streams_.Find("bob", "call_1").status(),
            streams_.Find("alice", "call_2").status());
  EXPECT_EQ(streams_.Open("alice", "call_1"), nullptr);
}

TEST_F(ResumableStreamsTest, AStreamIsKeptForItsTimeAfterItsEnd) {
  const std::shared_ptr<StreamRing> ring = streams_.Open("alice", "call_1");
  clock_.Advance(absl::Hours(1));
  EXPECT_TRUE(streams_.Find("alice", "call_1").ok());
  ring->End(absl::OkStatus());
  clock_.Advance(absl::Minutes(1) - absl::Nanoseconds(1));
  EXPECT_TRUE(streams_.Find("alice", "call_1").ok());
  EXPECT_EQ(streams_.Open("alice", "call_1"), nullptr);
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_FALSE(streams_.Find("alice", "call_1").ok());
  // Another may have its id.
  EXPECT_NE(streams_.Open("alice", "call_1"), nullptr);
}

TEST_F(ResumableStreamsTest, WhenTheProcessEndsNoCallRunsOnWithoutItsCaller) {
  const auto run = [](ResumableStreamsTest& test) -> Task<void> {
    EventLoop& loop = test.runner_.loop();
    const auto before = test.streams_.Open("alice", "1");
    auto seat = before->audience().Join();
    CancelSignal& first = before->audience().Begin(loop, absl::Hours(1));
    test.streams_.Close();
    const auto after = test.streams_.Open("alice", "2");
    auto other_seat = after->audience().Join();
    CancelSignal& second = after->audience().Begin(loop, absl::Hours(1));
    seat.reset();
    other_seat.reset();
    co_await YieldToLoop();
    co_await YieldToLoop();
    EXPECT_TRUE(first.cancelled());
    EXPECT_TRUE(second.cancelled());
    before->audience().End();
    after->audience().End();
  };
  runner_.Run(run(*this));
}

TEST_F(ResumableStreamsTest, WithoutRoomWhatEndedFirstGoesAndNoneThatRuns) {
  std::vector<std::shared_ptr<StreamRing>> rings;
  for (const std::string_view id : {"1", "2", "3"}) {
    rings.push_back(streams_.Open("alice", id));
  }
  EXPECT_EQ(streams_.Open("alice", "4"), nullptr);
  rings[1]->End(absl::OkStatus());
  clock_.Advance(absl::Seconds(1));
  rings[0]->End(absl::OkStatus());
  EXPECT_NE(streams_.Open("alice", "4"), nullptr);
  EXPECT_FALSE(streams_.Find("alice", "2").ok());
  EXPECT_TRUE(streams_.Find("alice", "1").ok());
  EXPECT_NE(streams_.Open("alice", "5"), nullptr);
  EXPECT_EQ(streams_.Open("alice", "6"), nullptr);
  EXPECT_TRUE(streams_.Find("alice", "3").ok());
  const ResumableStreams::Stats stats = streams_.stats();
  EXPECT_EQ(stats.streams, 3);
  EXPECT_EQ(stats.no_room, 2);
  EXPECT_EQ(stats.found, 2);
  EXPECT_EQ(stats.not_found, 1);
}

TEST_F(ResumableStreamsTest, WhatHasExpiredIsFreedThoughNobodyCalls) {
  std::weak_ptr<StreamRing> ended = streams_.Open("alice", "1");
  ended.lock()->End(absl::OkStatus());
  const std::weak_ptr<StreamRing> runs = streams_.Open("alice", "2");
  clock_.Advance(absl::Minutes(1) - absl::Nanoseconds(1));
  streams_.FreeExpired();
  EXPECT_FALSE(ended.expired());
  clock_.Advance(absl::Nanoseconds(1));
  streams_.FreeExpired();
  EXPECT_TRUE(ended.expired());
  EXPECT_FALSE(runs.expired());
  EXPECT_EQ(streams_.stats().streams, 1u);
}

}  // namespace
}  // namespace gateway
