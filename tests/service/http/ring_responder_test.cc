#include "service/http/ring_responder.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "gtest/gtest.h"
#include "service/cache/resumable_streams.h"
#include "service/cache/stream_ring.h"
#include "service/pipeline/resumable_call.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

// A client who can leave.
class Client final : public HttpResponder {
 public:
  Task<absl::Status> Send(HttpAnswerHead,
                          absl::Span<const std::string_view>) override {
    co_return status;
  }
  void Start(HttpAnswerHead) override { ++starts; }
  Task<absl::Status> Write(absl::Span<const std::string_view> pieces) override {
    ++writes;
    if (status.ok()) {
      for (const std::string_view piece : pieces) text.append(piece);
    }
    co_return status;
  }
  Task<absl::Status> Finish() override {
    ++finishes;
    co_return status;
  }
  void Abort() override { ++aborts; }
  CancelSignal& gone() override { return gone_; }
  std::string_view peer() const override { return "127.0.0.1:1"; }

  absl::Status status;
  std::string text;
  int starts = 0;
  int writes = 0;
  int finishes = 0;
  int aborts = 0;

 private:
  CancelSignal gone_;
};

class RingResponderTest : public testing::Test {
 public:
  RingResponderTest() {
    runner_.Run(
        Do([this] { call_.Open(streams_, "http alice", "req", route_); }));
    EXPECT_TRUE(call_.is_open());
  }
  ~RingResponderTest() override {
    runner_.Run(Do([this] { call_.End(absl::OkStatus()); }));
  }

  template <typename Deed>
  static Task<void> Do(Deed deed) {
    deed();
    co_return;
  }

  void Write(std::string_view first, std::string_view second = "") {
    const std::string_view pieces[] = {first, second};
    EXPECT_TRUE(runner_.Run(responder_.Write(pieces)).ok());
  }

  // What is kept behind an event.
  std::string Kept(uint64_t after = 0) {
    CancelSignal never;
    const absl::StatusOr<StreamPiece> piece =
        runner_.Run((*streams_.Find("http alice", "req"))
                        ->Read(after, 1 << 30, runner_.loop(), never));
    std::string text;
    if (!piece.ok()) return piece.status().ToString();
    end_ = piece->end;
    for (const StreamRingEvent& event : piece->events) text += *event.bytes;
    return text;
  }

  LoopRunner runner_;
  FakeClock clock_;
  ResumableStreams streams_{
      {.streams = 9, .ring = {.size_bytes = 1 << 24, .keep = absl::Hours(1)}},
      clock_};
  Client client_;
  const std::string_view route_ = "default";
  ResumableCall call_{runner_.loop(), client_.gone()};
  RingResponder responder_{client_, call_, "req"};
  absl::Status end_;
};

TEST_F(RingResponderTest, EachEventHasAnIdAndIsKept) {
  responder_.Start({200, {}});
  Write("data: 1\n\ndata: 2\n\n", "data: ");
  EXPECT_EQ(client_.text, "data: 1\nid: req:1\n\ndata: 2\nid: req:2\n\n");
  EXPECT_EQ(Kept(), client_.text);
  Write("3\n\n: ping\n\n");
  EXPECT_EQ(Kept(2), "data: 3\nid: req:3\n\n") << "a comment is no event";
  EXPECT_TRUE(client_.text.ends_with(": ping\n\n"));
  EXPECT_TRUE(runner_.Run(responder_.Finish()).ok());
  EXPECT_EQ(client_.finishes, 1);
}

TEST_F(RingResponderTest, WhoLeavesMissesNothingThatIsKept) {
  Write("data: 1\n\n");
  client_.status = absl::CancelledError("gone");
  Write("data: 2\n\n");
  Write("data: 3\n\n");
  EXPECT_EQ(client_.writes, 2) << "a client who is gone is sent no more";
  EXPECT_EQ(Kept(1), "data: 2\nid: req:2\n\ndata: 3\nid: req:3\n\n");
  EXPECT_TRUE(runner_.Run(responder_.Finish()).ok());
  EXPECT_EQ(client_.finishes, 0);
}

TEST_F(RingResponderTest, WhatIsBrokenOffIsKnownAsThat) {
  Write("data: 1\n\n");
  responder_.Abort();
  EXPECT_EQ(client_.aborts, 1);
  Kept();
  EXPECT_EQ(end_, BrokenOff());
}

TEST_F(RingResponderTest, AnEndWithoutAnEmptyLineIsSentToo) {
  Write("data: 1");
  EXPECT_EQ(client_.text, "");
  EXPECT_TRUE(runner_.Run(responder_.Finish()).ok());
  EXPECT_EQ(client_.text, "data: 1");
}

TEST_F(RingResponderTest, AnEventWithoutEndIsPassedOnAndNobodyComesBack) {
  const std::string huge(9 * 1024 * 1024, 'x');
  Write("data: 1\n\n");
  Write(huge);
  Write("y\n\n");
  EXPECT_EQ(client_.text, "data: 1\nid: req:1\n\n" + huge + "y\n\n");
  EXPECT_EQ(Kept(), "data: 1\nid: req:1\n\n");
  EXPECT_EQ(end_, BrokenOff());
}

}  // namespace
}  // namespace gateway
