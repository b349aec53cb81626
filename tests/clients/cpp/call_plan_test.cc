#include "clients/cpp/call_plan.h"

#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/time/time.h"
#include "base/os/thread.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

FailedAttempt Overloaded(const std::string& pushback) {
  google::rpc::ErrorInfo info;
  info.set_reason("OVERLOADED");
  info.set_domain("llmgateway.dev");
  absl::Status status = absl::UnavailableError("not now");
  status.SetPayload("type.googleapis.com/google.rpc.ErrorInfo",
                    absl::Cord(info.SerializeAsString()));
  return {status, pushback};
}

class CallPlanTest : public testing::Test {
 protected:
  static void Begin(CallPlan& plan) {
    plan.Begin(std::make_shared<grpc::ClientContext>());
  }

  RetryBudget budget_;
};

TEST_F(CallPlanTest, ThereAreSoManyAttempts) {
  CallPlan plan({absl::InfiniteDuration(), 3, Repetition::kAlways}, budget_);
  Begin(plan);
  EXPECT_TRUE(plan.AwaitNext(Overloaded("0")));
  Begin(plan);
  EXPECT_TRUE(plan.AwaitNext(Overloaded("1")));
  Begin(plan);
  EXPECT_FALSE(plan.AwaitNext(Overloaded("1")));
}

TEST_F(CallPlanTest, NoWaitOutlastsTheDeadline) {
  CallPlan plan({absl::Seconds(10), 3, Repetition::kAlways}, budget_);
  Begin(plan);
  EXPECT_FALSE(plan.AwaitNext(Overloaded("10001")));
  EXPECT_TRUE(plan.AwaitNext(Overloaded("1")));
}

TEST_F(CallPlanTest, TheBudgetIsOfAllCalls) {
  for (int i = 0; i < 4; ++i) {
    CallPlan plan({absl::Seconds(10), 2, Repetition::kAlways}, budget_);
    Begin(plan);
    EXPECT_TRUE(plan.AwaitNext(Overloaded("0")));
  }
  CallPlan plan({absl::Seconds(10), 2, Repetition::kAlways}, budget_);
  Begin(plan);
  EXPECT_FALSE(plan.AwaitNext(Overloaded("0")));
}

TEST_F(CallPlanTest, WhoCancelsEndsAWait) {
  CallPlan plan({absl::InfiniteDuration(), 3, Repetition::kAlways}, budget_);
  Begin(plan);
  Thread cancelling("cancelling", [&] { plan.Cancel(); });
  // The next attempt says that it is cancelled.
  EXPECT_TRUE(plan.AwaitNext(Overloaded("29000")));
  cancelling.Join();
  EXPECT_TRUE(plan.AwaitNext(Overloaded("29000")));
}

}  // namespace
}  // namespace gateway
