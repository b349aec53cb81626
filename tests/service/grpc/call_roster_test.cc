#include "service/grpc/call_roster.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

class FakeCall final : public CallRoster::Entry {
 public:
  const std::vector<absl::Status>& cancels() const { return cancels_; }

 private:
  void RequestCancel(const absl::Status& why) override {
    cancels_.push_back(why);
  }

  std::vector<absl::Status> cancels_;
};

TEST(CallRosterTest, RefusesOnlyWhatWouldHoldTheDrainUp) {
  CallRoster roster;
  FakeCall call;
  FakeCall watcher;
  FakeCall late;
  FakeCall late_watcher;
  EXPECT_TRUE(roster.Enter(call, true));
  EXPECT_TRUE(roster.Enter(watcher, false));
  EXPECT_EQ(roster.running(), 1u);
  roster.StartDraining();
  EXPECT_FALSE(roster.Enter(late, true));
  EXPECT_TRUE(roster.Enter(late_watcher, false));
  EXPECT_FALSE(roster.AwaitIdle(absl::Milliseconds(1)));
  roster.Leave(call);
  EXPECT_TRUE(roster.AwaitIdle(absl::ZeroDuration()));
}

TEST(CallRosterTest, CancelsWhoeverIsStillThere) {
  CallRoster roster;
  FakeCall calls[5];
  for (FakeCall& call : calls) ASSERT_TRUE(roster.Enter(call, true));
  roster.Leave(calls[4]);  // The first, the middle and the last of the list.
  roster.Leave(calls[2]);
  roster.Leave(calls[0]);
  roster.CancelAll(absl::UnavailableError("closing"));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(calls[i].cancels().size(), i % 2 == 0 ? 0u : 1u) << i;
  }
  EXPECT_EQ(calls[1].cancels()[0], absl::UnavailableError("closing"));
}

TEST(CallRosterTest, WaitsForTheLastToGo) {
  constexpr int kCalls = 1000;
  CallRoster roster;
  std::vector<FakeCall> calls(2 * kCalls);
  for (FakeCall& call : calls) ASSERT_TRUE(roster.Enter(call, true));
  const auto end = [&](int first) {
    for (int i = first; i < first + kCalls; ++i) {
      roster.Leave(calls[i]);
      roster.Forget();
    }
  };
  Thread one("one", [&] { end(0); });
  Thread two("two", [&] { end(kCalls); });
  EXPECT_TRUE(roster.AwaitIdle(absl::Seconds(20)));
  roster.AwaitGone();
  EXPECT_EQ(roster.running(), 0u);
}

}  // namespace
}  // namespace gateway
