#include "base/http/http2_linger.h"

#include <sys/uio.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/stream_pair.h"

namespace gateway {
namespace {

class Http2LingerTest : public testing::Test {
 protected:
  void Run(const std::function<Task<void>()>& body) {
    runner_.Run(Tell(&body));
  }

  Task<void> Tell(const std::function<Task<void>()>* body) {
    streams_ = co_await ConnectedPair();
    co_await (*body)();
    linger_.reset();
    streams_ = {};
  }

  void Begin(absl::Duration in_all) {
    linger_.emplace(*streams_.server, in_all, [this] {
      ++over_;
      hung_up_ = streams_.server->hung_up();
      streams_.server->Close();
      changed_.Set();
    });
    linger_->Begin();
  }

  Task<bool> Say(size_t bytes) {
    std::string text(bytes, 'x');
    iovec piece{text.data(), text.size()};
    const absl::Status said = co_await streams_.client->Write(&piece, 1);
    co_return said.ok();
  }

  Task<void> AwaitOver() {
    while (over_ == 0) co_await changed_.Wait();
  }

  StreamPair streams_;
  std::optional<Http2Linger> linger_;
  int over_ = 0;
  bool hung_up_ = false;  // When it was over.
  WakeUp changed_;
  LoopRunner runner_;
};

TEST_F(Http2LingerTest, WaitsUntilThePeerHasClosed) {
  Run([this]() -> Task<void> {
    Begin(absl::InfiniteDuration());
    co_await Say(1000);
    EXPECT_EQ(over_, 0);
    streams_.client->ShutdownWrite();
    co_await AwaitOver();
    EXPECT_TRUE(hung_up_);
    for (int i = 0; i < 3; ++i) co_await YieldToLoop();
    EXPECT_EQ(over_, 1);
  });
}

TEST_F(Http2LingerTest, IsOverAtOnceIfThePeerHasClosedAlready) {
  Run([this]() -> Task<void> {
    co_await Say(1000);
    streams_.client->Close();
    while (!streams_.server->hung_up()) co_await YieldToLoop();
    Begin(absl::InfiniteDuration());
    EXPECT_EQ(over_, 1);
  });
}

TEST_F(Http2LingerTest, APeerThatSaysTooMuchIsLeft) {
  Run([this]() -> Task<void> {
    Begin(absl::InfiniteDuration());
    // More than that lies in the sockets' buffers at most.
    constexpr size_t kInBuffers = 16 * 1024 * 1024;
    size_t said = 0;
    while (over_ == 0 && said < Http2Linger::kBytesMax + kInBuffers) {
      const bool taken = co_await Say(16 * 1024);
      if (!taken) break;
      said += 16 * 1024;
    }
    EXPECT_EQ(over_, 1);
    EXPECT_GT(said, Http2Linger::kBytesMax - 16 * 1024);
    EXPECT_FALSE(hung_up_);
  });
}

TEST_F(Http2LingerTest, APeerThatFallsSilentIsLeft) {
  Run([this]() -> Task<void> {
    Begin(absl::InfiniteDuration());
    co_await Say(10);
    co_await AwaitOver();
    EXPECT_FALSE(hung_up_);
  });
}

TEST_F(Http2LingerTest, IsOverAtLastHoweverOftenThePeerSpeaks) {
  Run([this]() -> Task<void> {
    int overs = -1;
    Timer sooner_than_silence([&] {
      overs = over_;
      changed_.Set();
    });
    EventLoop::Current()->ArmTimer(sooner_than_silence,
                                   absl::Milliseconds(500));
    Begin(absl::Milliseconds(20));
    while (overs < 0) co_await changed_.Wait();
    EXPECT_EQ(overs, 1);
  });
}

}  // namespace
}  // namespace gateway
