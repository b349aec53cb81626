#include "service/rpc/rpc_calls.h"

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "base/async/event_loop.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

class FakeCall final : public RpcCalls::Entry {
 public:
  void Cancel(const absl::Status& why) override {
    cancels.push_back(why);
    if (leaves != nullptr) leaves->Leave(*this);
  }

  void OnTurnEnded() override { ++stays; }

  std::vector<absl::Status> cancels;
  int stays = 0;
  RpcCalls* leaves = nullptr;  // When cancelled.
};

TEST(RpcCallsTest, RefuseOnlyWhatWouldHoldTheDrainUp) {
  RpcCalls calls;
  FakeCall call;
  FakeCall watcher;
  FakeCall late;
  FakeCall late_watcher;
  EXPECT_TRUE(calls.Enter(call, true));
  EXPECT_TRUE(calls.Enter(watcher, false));
  EXPECT_EQ(calls.running(), 1u);
  calls.StartDraining();
  EXPECT_FALSE(calls.Enter(late, true));
  EXPECT_TRUE(calls.Enter(late_watcher, false));
  EXPECT_EQ(calls.running(), 1u);
}

TEST(RpcCallsTest, TellOnceThatNothingHoldsTheDrainUp) {
  RpcCalls calls;
  FakeCall call;
  FakeCall watcher;
  ASSERT_TRUE(calls.Enter(call, true));
  ASSERT_TRUE(calls.Enter(watcher, false));
  int idle = 0;
  int gone = 0;
  calls.WhenIdle([&] { ++idle; });
  calls.WhenGone([&] { ++gone; });
  EXPECT_EQ(idle, 0);
  calls.Leave(call);
  EXPECT_EQ(idle, 1);
  EXPECT_EQ(gone, 0);
  calls.Leave(watcher);
  EXPECT_EQ(idle, 1);
  EXPECT_EQ(gone, 1);
}

TEST(RpcCallsTest, TellThoseThatStayOnceAndOfManyAtOnce) {
  constexpr int kManyCalls = 300;
  const std::unique_ptr<EventLoop> loop = *EventLoop::Create();
  RpcCalls calls;
  std::vector<FakeCall> many(kManyCalls);
  for (FakeCall& call : many) {
    calls.OnNew(*loop);
    EXPECT_TRUE(calls.Enter(call, true));
  }
  // Before the turn ends, and none when it has just come.
  EXPECT_EQ(many.front().stays, 1);
  EXPECT_EQ(many.back().stays, 0);
  loop->Post([&] { loop->Stop(); });
  loop->Run();
  for (const FakeCall& call : many) EXPECT_EQ(call.stays, 1);
  for (FakeCall& call : many) calls.Leave(call);
}

TEST(RpcCallsTest, TellAtOnceWhenThereIsNone) {
  RpcCalls calls;
  bool idle = false;
  bool gone = false;
  calls.WhenIdle([&] { idle = true; });
  calls.WhenGone([&] { gone = true; });
  EXPECT_TRUE(idle);
  EXPECT_TRUE(gone);
}

TEST(RpcCallsTest, TheLaterWaiterReplacesTheEarlier) {
  RpcCalls calls;
  FakeCall call;
  ASSERT_TRUE(calls.Enter(call, true));
  int earlier = 0;
  int later = 0;
  calls.WhenIdle([&] { ++earlier; });
  calls.WhenIdle([&] { ++later; });
  calls.Leave(call);
  EXPECT_EQ(earlier, 0);
  EXPECT_EQ(later, 1);
}

TEST(RpcCallsTest, CancelWhoeverIsStillThere) {
  RpcCalls calls;
  FakeCall entries[5];
  for (FakeCall& call : entries) ASSERT_TRUE(calls.Enter(call, true));
  calls.Leave(entries[4]);  // The first, the middle and the last of the list.
  calls.Leave(entries[2]);
  calls.Leave(entries[0]);
  calls.CancelAll(absl::UnavailableError("closing"));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(entries[i].cancels.size(), i % 2 == 0 ? 0u : 1u) << i;
  }
  EXPECT_EQ(entries[1].cancels[0], absl::UnavailableError("closing"));
  EXPECT_EQ(calls.running(), 2u);
}

TEST(RpcCallsTest, ACancelMayEndTheCall) {
  RpcCalls calls;
  FakeCall entries[3];
  for (FakeCall& call : entries) {
    call.leaves = &calls;
    ASSERT_TRUE(calls.Enter(call, true));
  }
  bool gone = false;
  calls.WhenGone([&] { gone = true; });
  calls.CancelAll(absl::UnavailableError("closing"));
  EXPECT_TRUE(gone);
  EXPECT_EQ(calls.running(), 0u);
  // An entry that has left may enter again.
  ASSERT_TRUE(calls.Enter(entries[1], true));
  calls.CancelAll(absl::UnavailableError("closing"));
  EXPECT_EQ(entries[1].cancels.size(), 2u);
  EXPECT_EQ(entries[0].cancels.size(), 1u);
}

}  // namespace
}  // namespace gateway
