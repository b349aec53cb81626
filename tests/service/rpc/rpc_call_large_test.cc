// Requests that are large enough to be read off the loop.

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/worker_pool.h"
#include "base/http/http2_stream.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/rpc/rpc_call.h"
#include "tests/service/rpc/rpc_client.h"
#include "tests/service/rpc/rpc_test_base.h"
#include "tests/testing/event.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr size_t kLarge = 2 * kInPlaceBytesMax;

// The loop has a pool, whose threads are busy until they are released.
class RpcCallLargeTest : public RpcTestBase {
 protected:
  void RunWithPool(const std::function<Task<void>()>& story) {
    Run([this, &story]() -> Task<void> {
      WorkerPool::SetCurrent(&pool_);
      Event begun[2];
      WakeUp idle;
      int busy = 2;
      Spawn(Occupy(WorkerPool::kModestBytesMax + 1, begun[0], busy, idle));
      EXPECT_TRUE(begun[0].Wait());
      Spawn(Occupy(kInPlaceBytesMax + 1, begun[1], busy, idle));
      EXPECT_TRUE(begun[1].Wait());
      co_await story();
      release_.Set();
      // Those that were spawned count it down.
      while (busy > 0) co_await idle.Wait();  // NOLINT(bugprone-infinite-loop)
      WorkerPool::SetCurrent(nullptr);
    });
  }

  // Until a piece of work waits for a thread.
  Task<void> AwaitWork() {
    while (pool_.waiting() == 0) co_await YieldToLoop();
  }

  WorkerPool pool_{/*threads_each=*/1};
  Event release_;

 private:
  Task<void> Occupy(size_t bytes, Event& begun, int& busy, WakeUp& idle) {
    co_await OffLoop(bytes, [this, &begun] {
      begun.Set();
      return release_.Wait();
    });
    --busy;
    idle.Set();
  }
};

TEST_F(RpcCallLargeTest, OthersAreServedWhileALargeRequestIsRead) {
  RunWithPool([&]() -> Task<void> {
    ClientCall& large = client_.CallWith("Echo", Text("large", 0, kLarge));
    co_await AwaitWork();
    ClientCall& small = client_.CallWith("Echo", Text("small"));
    co_await small.AwaitClosed();
    EXPECT_TRUE(small.status().ok()) << small.status();
    EXPECT_FALSE(large.closed());
    release_.Set();
    co_await large.AwaitClosed();
    EXPECT_TRUE(large.status().ok()) << large.status();
    EchoResponse response;
    EXPECT_TRUE(response.ParseFromString(large.messages().at(0).second));
    EXPECT_EQ(response.text(), "large");
  });
}

TEST_F(RpcCallLargeTest, ACallThatIsGivenUpLastsUntilItsRequestHasBeenRead) {
  RunWithPool([&]() -> Task<void> {
    ClientCall& large = client_.CallWith("Echo", Text("large", 0, kLarge));
    co_await AwaitWork();
    large.stream().Reset(Http2Error::kCancel);
    // The server has seen that when it answers this.
    ClientCall& small = client_.CallWith("Echo", Text("small"));
    co_await small.AwaitClosed();
    EXPECT_EQ(running(), 1u);
    release_.Set();
    co_await AwaitIdle();
    EXPECT_EQ(running(), 0u);
  });
  EXPECT_EQ(Refused("CANCELLED"), 1);
}

TEST_F(RpcCallLargeTest, ALargeRequestThatIsNoMessageIsRefused) {
  RunWithPool([&]() -> Task<void> {
    release_.Set();
    ClientCall& call = client_.Call("Echo");
    call.stream().Send(Framed(std::string(kLarge, '\xff')));
    call.stream().End();
    co_await call.AwaitClosed();
    EXPECT_EQ(FaultReason(call.status()), v1::ERROR_REASON_INVALID_REQUEST);
  });
  EXPECT_EQ(Refused("INVALID_REQUEST"), 1);
}

TEST_F(RpcCallLargeTest, BehindALargeRequestComesNoOther) {
  RunWithPool([&]() -> Task<void> {
    release_.Set();
    for (const bool at_once : {true, false}) {
      ClientCall& call = client_.Call("Echo");
      call.stream().Send(Framed(Text("one", 0, kLarge)));
      if (!at_once) co_await call.AwaitSent();
      if (!at_once) co_await Settle();
      call.stream().Send(Framed(Text("two")));
      call.stream().End();
      co_await call.AwaitClosed();
      EXPECT_THAT(std::string(call.status().message()),
                  HasSubstr("more than one request message"));
    }
  });
}

}  // namespace
}  // namespace gateway
