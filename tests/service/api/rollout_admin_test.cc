#include "service/api/rollout_admin.h"

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/blocking_worker.h"
#include "base/async/cancellation.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/pipeline/current_runtime.h"
#include "service/state/state_store.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kQuarter[] =
    "providers: [{name: mock, mock: {}}]\n"
    "routing: {default_target: mock, rollout: {percentage: 25}}\n";
constexpr char kThreeQuarters[] =
    "providers: [{name: mock, mock: {}}]\n"
    "routing: {default_target: mock, rollout: {percentage: 75}}\n";

class RolloutAdminTest : public testing::Test {
 protected:
  RolloutAdminTest() {
    std::string parent = testing::TempDir() + "/rollout.XXXXXX";
    EXPECT_NE(mkdtemp(parent.data()), nullptr);
    state_ = *StateStore::Open(parent + "/kept");
    rollout_ = std::make_unique<RolloutAdmin>(RolloutAdmin::Sources{
        .runtime = runtime_, .state = *state_, .worker = worker_});
    rollout_->AddTo(table_);
  }

  absl::StatusOr<v1::UpdateRolloutResponse> Update(
      const v1::UpdateRolloutRequest& request) {
    CallContext call(loop_.loop(), {.peer = "127.0.0.1:1"});
    v1::UpdateRolloutResponse response;
    absl::Status status;
    EXPECT_TRUE(loop_.RunTask([&]() -> Task<void> {
      if (before_update_) before_update_();
      HandlerArguments arguments;
      arguments.request = &request;
      arguments.response = &response;
      status =
          co_await table_.Find("/llmgateway.v1.AdminService/UpdateRollout")
              ->Run(call, arguments);
    }));
    if (!status.ok()) return status;
    return response;
  }
  absl::StatusOr<v1::UpdateRolloutResponse> SetPercentage(double percentage) {
    v1::UpdateRolloutRequest request;
    request.set_percentage(percentage);
    return Update(request);
  }

  // The share after a restart with this configuration, in hundredths.
  int ShareAfterRestart(const char* yaml) {
    const std::shared_ptr<const RuntimeSnapshot> next = MakeTestRuntime(yaml);
    RestoreRollout(*state_, *next);
    return next->rollout().now().share();
  }

  std::function<void()> before_update_;  // In the same turn of the loop.
  LoopThread loop_;
  BlockingWorker worker_{{.name = "worker"}};
  CurrentRuntime runtime_{MakeTestRuntime(kQuarter)};
  std::unique_ptr<StateStore> state_;
  std::unique_ptr<RolloutAdmin> rollout_;
  MethodTable table_;
};

TEST_F(RolloutAdminTest, OneThatSaysNothingAsksHowItIs) {
  const auto state = Update({});
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_TRUE(state->enabled());
  EXPECT_EQ(state->percentage(), 25);
  EXPECT_FALSE(state->overridden());
}

TEST_F(RolloutAdminTest, WhatIsSaidIsInForceAtOnce) {
  testing::internal::CaptureStderr();
  const auto state = SetPercentage(50);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("\"percentage\":\"50\",\"overridden\":true,"
                        "\"operator\":\"an operator\"}"));
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->percentage(), 50);
  EXPECT_TRUE(state->overridden());
  EXPECT_EQ(runtime_.Get()->rollout().now().share(), 5000);
  v1::UpdateRolloutRequest off;
  off.set_enabled(false);
  EXPECT_FALSE(Update(off)->enabled());
  EXPECT_EQ(runtime_.Get()->rollout().now().share(), 0);
}

TEST_F(RolloutAdminTest, WhatIsOnlyCheckedIsNeitherInForceNorKept) {
  ASSERT_TRUE(SetPercentage(50).ok());
  v1::UpdateRolloutRequest request;
  request.set_validate_only(true);
  EXPECT_EQ(Update(request)->percentage(), 50);
  request.set_percentage(75);
  EXPECT_EQ(Update(request)->percentage(), 75);
  request.set_percentage(101);
  EXPECT_EQ(FaultReason(Update(request).status()),
            v1::ERROR_REASON_INVALID_REQUEST);
  request.clear_percentage();
  request.set_reset(true);
  EXPECT_EQ(Update(request)->percentage(), 25);
  EXPECT_FALSE(Update(request)->overridden());
  EXPECT_EQ(runtime_.Get()->rollout().now().share(), 5000);
  EXPECT_EQ(ShareAfterRestart(kQuarter), 5000);
}

TEST_F(RolloutAdminTest, ItOutlastsTheProcessUnlessTheConfigurationHasChanged) {
  ASSERT_TRUE(SetPercentage(50).ok());
  EXPECT_EQ(ShareAfterRestart(kQuarter), 5000);
  EXPECT_EQ(ShareAfterRestart(kThreeQuarters), 7500);
  v1::UpdateRolloutRequest reset;
  reset.set_reset(true);
  EXPECT_FALSE(Update(reset)->overridden());
  EXPECT_EQ(ShareAfterRestart(kQuarter), 2500);
}

TEST_F(RolloutAdminTest, WhatCannotBeKeptIsNotInForce) {
  std::filesystem::remove_all(state_->folder());
  const absl::Status status = SetPercentage(50).status();
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_STATE_NOT_KEPT);
  EXPECT_EQ(runtime_.Get()->rollout().now().share(), 2500);
  EXPECT_FALSE(Update({})->overridden());
}

TEST_F(RolloutAdminTest, WhatIsSaidIsAddedToWhatWasSaid) {
  v1::UpdateRolloutRequest off;
  off.set_enabled(false);
  ASSERT_TRUE(Update(off).ok());
  ASSERT_TRUE(SetPercentage(50).ok());
  EXPECT_EQ(ShareAfterRestart(kQuarter), 0);
  off.set_enabled(true);
  ASSERT_TRUE(Update(off).ok());
  EXPECT_EQ(ShareAfterRestart(kQuarter), 5000);
}

Task<void> DoOnWorker(BlockingWorker& worker, std::function<bool()> deed) {
  CancelSignal never;
  const absl::StatusOr<bool> done = co_await worker.Run(std::move(deed), never);
  EXPECT_TRUE(done.ok()) << done.status();
}

TEST_F(RolloutAdminTest, WhatIsSaidAsAnotherConfigurationComesIsInForceThere) {
  Latch is_said;
  auto reload = [&] {
    is_said.Wait();
    runtime_.Swap(MakeTestRuntime(kThreeQuarters));
    return true;
  };
  before_update_ = [&] {
    Spawn(DoOnWorker(worker_, reload));
    // In the next turn what is said waits for the worker.
    loop_.loop().Post([&] { is_said.Open(); });
  };
  const auto state = SetPercentage(50);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->percentage(), 50);
  EXPECT_EQ(runtime_.Get()->rollout().now().share(), 5000);
  EXPECT_EQ(ShareAfterRestart(kThreeQuarters), 5000);
}

TEST_F(RolloutAdminTest, WhatIsNoRolloutIsSetAsideAndNotFollowed) {
  const std::string configured = absl::StrCat(
      R"({"configured":")", runtime_.Get()->rollout().configured(), R"(")");
  for (const std::string& text : {
           std::string(R"({"configured":)"),
           std::string("{}"),
           std::string(R"({"foo":1})"),
           std::string(R"({"enabled":false})"),
           configured + "}",
           configured + R"(,"enabeld":false})",
           configured + R"(,"enabled":false,"percentagf":50})",
           configured + R"(,"enabled":0})",
           configured + R"(,"percentage":"50"})",
           configured + R"(,"percentage":400})",
           configured + R"(,"percentage":-5})",
           configured + R"(,"enabled":false,"percentage":0.001})",
       }) {
    SCOPED_TRACE(text);
    ASSERT_TRUE(state_->Write("rollout.json", text).ok());
    EXPECT_EQ(ShareAfterRestart(kQuarter), 2500);
    EXPECT_EQ(*state_->Read("rollout.json"), std::nullopt);
    EXPECT_THAT(state_->damaged(), SizeIs(1));
    for (const std::string& kept : state_->damaged()) {
      EXPECT_THAT(kept,
                  StartsWith(state_->folder() + "/rollout.json.damaged-"));
      std::filesystem::remove(kept);
    }
    state_->FindDamaged();
  }
  // All of these but the damage.
  ASSERT_TRUE(
      state_->Write("rollout.json", configured + R"(,"enabled":false})").ok());
  EXPECT_EQ(ShareAfterRestart(kQuarter), 0);
  EXPECT_THAT(state_->damaged(), IsEmpty());
}

TEST_F(RolloutAdminTest, WhatIsWrongIsRefusedAndChangesNothing) {
  EXPECT_TRUE(absl::IsInvalidArgument(SetPercentage(101).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(SetPercentage(0.001).status()));
  v1::UpdateRolloutRequest both;
  both.set_reset(true);
  both.set_percentage(1);
  EXPECT_TRUE(absl::IsInvalidArgument(Update(both).status()));
  EXPECT_EQ(runtime_.Get()->rollout().now().share(), 2500);
}

}  // namespace
}  // namespace gateway
