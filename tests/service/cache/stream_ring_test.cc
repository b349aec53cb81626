#include "service/cache/stream_ring.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/thread.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

constexpr size_t kAll = SIZE_MAX;

class StreamRingTest : public testing::Test {
 public:
  absl::StatusOr<StreamPiece> Read(StreamRing& ring, uint64_t after_seq,
                                   size_t bytes_max = kAll) {
    return runner_.Run(
        ring.Read(after_seq, bytes_max, runner_.loop(), cancel_));
  }

  static std::string Joined(const StreamPiece& piece) {
    std::string joined;
    for (const StreamRingEvent& event : piece.events) {
      joined += std::to_string(event.seq) + *event.bytes + " ";
    }
    return joined;
  }

  FakeClock clock_;
  LoopRunner runner_;
  CancelSignal cancel_;
  StreamRing ring_{{.size_bytes = 10'000, .keep = absl::Minutes(1)}, clock_};
};

TEST_F(StreamRingTest, EachReaderGoesOnWhereItWas) {
  EXPECT_EQ(ring_.Append("a"), 1);
  EXPECT_EQ(ring_.Append("b"), 2);
  EXPECT_EQ(ring_.Append("c"), 3);
  EXPECT_EQ(Joined(*Read(ring_, 0)), "1a 2b 3c ");
  EXPECT_EQ(Joined(*Read(ring_, 1)), "2b 3c ");
  EXPECT_EQ(Joined(*Read(ring_, 2)), "3c ");
  EXPECT_EQ(Joined(*Read(ring_, 0, 2)), "1a 2b ");
  EXPECT_FALSE(Read(ring_, 0)->ended);
  ring_.End(absl::UnavailableError("broke off"));
  EXPECT_FALSE(Read(ring_, 0, 2)->ended);
  EXPECT_TRUE(Read(ring_, 2)->ended);
  const absl::StatusOr<StreamPiece> end = Read(ring_, 3);
  ASSERT_TRUE(end.ok());
  EXPECT_TRUE(end->events.empty());
  EXPECT_TRUE(end->ended);
  EXPECT_EQ(end->end, absl::UnavailableError("broke off"));
}

TEST_F(StreamRingTest, WhoAsksForWhatHasNotBeenIsRefused) {
  ring_.Append("a");
  const absl::Status refused = Read(ring_, 2).status();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_INVALID_REQUEST);
  ASSERT_EQ(FieldViolations(refused).size(), 1);
  EXPECT_EQ(FieldViolations(refused)[0].first, "after_seq");
}

TEST_F(StreamRingTest, WhoIsTooFarBehindIsToldWhereItGoesOn) {
  while (ring_.size_bytes() + 1200 < 10'000)
    ring_.Append(std::string(1000, 'x'));
  ASSERT_TRUE(Read(ring_, 1).ok());
  ring_.Append(std::string(2500, 'x'));
  ring_.Append("last");
  EXPECT_LE(ring_.size_bytes(), 10'000);
  const absl::Status behind = Read(ring_, 1).status();
  EXPECT_EQ(FaultReason(behind), v1::ERROR_REASON_NOT_FOUND);
  const std::string first = FaultMetadata(behind, "first_seq");
  const uint64_t first_seq = std::stoull(first);
  EXPECT_GT(first_seq, 2);
  ASSERT_TRUE(Read(ring_, first_seq - 1).ok());
  EXPECT_EQ(Read(ring_, first_seq - 1)->events[0].seq, first_seq);
  EXPECT_FALSE(Read(ring_, first_seq - 2).ok());
  // Who asks for all gets what there is.
  EXPECT_EQ(Read(ring_, 0)->events[0].seq, first_seq);
}

TEST_F(StreamRingTest, EventsGoWithTheirTime) {
  ring_.Append("a");
  clock_.Advance(absl::Seconds(30));
  ring_.Append("b");
  clock_.Advance(absl::Seconds(30) - absl::Nanoseconds(1));
  EXPECT_EQ(Joined(*Read(ring_, 0)), "1a 2b ");
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_EQ(Joined(*Read(ring_, 0)), "2b ");
  EXPECT_EQ(Joined(*Read(ring_, 1)), "2b ");
}

TEST_F(StreamRingTest, AnEventLargerThanTheRingIsNotKept) {
  ring_.Append(std::string(10'000, 'x'));
  EXPECT_EQ(ring_.size_bytes(), 0);
  EXPECT_EQ(ring_.Append("b"), 2);
  EXPECT_EQ(Joined(*Read(ring_, 0)), "2b ");
  EXPECT_FALSE(Read(ring_, 0)->ended);
}

Task<void> ReadOnce(StreamRing& ring, uint64_t after_seq, EventLoop& loop,
                    CancelSignal& cancel,
                    std::optional<absl::StatusOr<StreamPiece>>* piece) {
  *piece = co_await ring.Read(after_seq, kAll, loop, cancel);
}

TEST_F(StreamRingTest, AReaderWaitsForWhatComesNextOrItsOwnEnd) {
  const auto run = [](StreamRingTest& test) -> Task<void> {
    EventLoop& loop = test.runner_.loop();
    std::optional<absl::StatusOr<StreamPiece>> first;
    std::optional<absl::StatusOr<StreamPiece>> second;
    CancelSignal gives_up;
    Spawn(ReadOnce(test.ring_, 0, loop, test.cancel_, &first));
    Spawn(ReadOnce(test.ring_, 0, loop, gives_up, &second));
    co_await YieldToLoop();
    EXPECT_FALSE(first || second);
    gives_up.Cancel(absl::CancelledError("gone"));
    co_await YieldToLoop();
    co_await YieldToLoop();
    EXPECT_TRUE(second && second->status() == absl::CancelledError("gone"));
    test.ring_.Append("a");
    co_await YieldToLoop();
    co_await YieldToLoop();
    EXPECT_TRUE(first && first->ok());
    EXPECT_EQ(Joined(**first), "1a ");
    first.reset();
    Spawn(ReadOnce(test.ring_, 1, loop, test.cancel_, &first));
    test.ring_.End(absl::OkStatus());
    co_await YieldToLoop();
    co_await YieldToLoop();
    EXPECT_TRUE(first && first->ok() && (*first)->ended);
  };
  runner_.Run(run(*this));
}

// Reads a stream to its end and checks that it is whole.
Task<void> ReadAll(StreamRing* ring, EventLoop* loop, std::atomic<int>* whole,
                   Event* done, std::atomic<int>* left) {
  CancelSignal cancel;
  uint64_t seq = 0;
  bool right = true;
  while (true) {
    const absl::StatusOr<StreamPiece> piece =
        co_await ring->Read(seq, 100, *loop, cancel);
    if (!piece.ok()) {
      right = false;
      break;
    }
    for (const StreamRingEvent& event : piece->events) {
      right = right && event.seq == seq + 1 &&
              *event.bytes == std::to_string(event.seq);
      seq = event.seq;
    }
    if (piece->ended) break;
  }
  if (right && seq == 2000 && EventLoop::Current() == loop) ++*whole;
  if (--*left == 0) done->Set();
}

TEST(StreamRingThreadsTest, ReadersOfManyLoopsSeeAllOfIt) {
  constexpr int kReadersEach = 3;
  FakeClock clock;
  StreamRing ring({.size_bytes = 1 << 20, .keep = absl::Hours(1)}, clock);
  std::atomic<int> whole = 0;
  std::atomic<int> left = 3 * kReadersEach;
  Event done;
  {
    LoopThread threads[3];
    for (LoopThread& thread : threads) {
      EventLoop* const loop = &thread.loop();
      for (int i = 0; i < kReadersEach; ++i) {
        loop->Post([&ring, loop, &whole, &done, &left] {
          Spawn(ReadAll(&ring, loop, &whole, &done, &left));
        });
      }
    }
    Thread writer("writer", [&ring] {
      for (int i = 1; i <= 2000; ++i) ring.Append(std::to_string(i));
      ring.End(absl::OkStatus());
    });
    ASSERT_TRUE(done.Wait());
    writer.Join();
  }
  EXPECT_EQ(whole, 3 * kReadersEach);
}

}  // namespace
}  // namespace gateway
