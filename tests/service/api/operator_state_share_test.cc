#include "service/api/operator_state_share.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "gtest/gtest.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/target_availability.h"
#include "service/resilience/target_board.h"
#include "service/routing/rollout_switch.h"
#include "service/routing/selection/node_overrides.h"
#include "service/store/memory_record_store.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

constexpr std::string_view kYaml =
    "providers: [{name: a, mock: {}}, {name: b, mock: {}}]\n"
    "routing:\n"
    "  selection:\n"
    "    policies: [{id: one, target: a/1}, {id: two, target: b/2}]\n";

// A store that can be out of reach.
class ReachableStore : public MemoryRecordStore {
 public:
  ReachableStore() : MemoryRecordStore({}, SystemClock()) {}

  Task<absl::StatusOr<RecordChanges>> ChangesSince(
      std::string_view collection, int64_t sequence, int limit,
      CancelSignal& cancel) override {
    if (away) return Fail();
    return MemoryRecordStore::ChangesSince(collection, sequence, limit, cancel);
  }

  bool away = false;

 private:
  static Task<absl::StatusOr<RecordChanges>> Fail() {
    co_return absl::UnavailableError("away");
  }
};

// One process.
class Replica {
 public:
  explicit Replica(RecordStore& store, std::string_view yaml = kYaml)
      : current_(MakeTestRuntime(yaml)), store_(store) {}

  const RuntimeSnapshot& runtime() { return *current_.Get(); }
  const CurrentRuntime& current() const { return current_; }

  absl::Status Share(LoopRunner& runner) {
    if (share_ == nullptr) {
      share_ = std::make_unique<OperatorStateShare>(store_, current_);
    }
    CancelSignal never;
    return runner.Run(share_->Share(never));
  }

  TargetState& Target(const char* provider, const char* model) {
    return *runtime().resilience().targets.FindOwn(provider, model);
  }
  void Disable(const char* provider, const char* model) {
    Target(provider, model)
        .availability.Disable(TargetAvailability::By::kOperator, "by ann");
  }
  bool IsDisabled(const char* provider, const char* model) {
    return Target(provider, model).availability.disabled();
  }
  void Force(CircuitBreaker::State state) {
    Target("a", "").breaker.Force(state, runtime().clock().SteadyTime());
  }
  bool IsForced() {
    return Target("a", "")
        .breaker.Read(runtime().clock().SteadyTime())
        .is_forced;
  }
  void Override(const char* node, const char* policy) {
    const NodeOverride next = {.node = node,
                               .model = policy,
                               .set_by = "ann",
                               .set_time = runtime().clock().WallTime()};
    EXPECT_TRUE(runtime()
                    .selection()
                    .overrides.Set(runtime().router().selector().table(), next)
                    .ok());
  }
  std::string OverrideOf(const char* node) {
    const auto all = runtime().selection().overrides.Get();
    const NodeOverride* const found =
        all->Find(node, runtime().clock().WallTime());
    return found == nullptr ? "" : found->model;
  }

 private:
  CurrentRuntime current_;
  RecordStore& store_;
  std::unique_ptr<OperatorStateShare> share_;
};

class OperatorStateShareTest : public testing::Test {
 protected:
  // Both have looked after whatever was said before.
  void ShareAll() {
    for (Replica* each : {&one_, &other_, &one_}) {
      const absl::Status shared = each->Share(runner_);
      EXPECT_TRUE(shared.ok()) << shared;
    }
  }

  LoopRunner runner_;
  ReachableStore store_;
  Replica one_{store_};
  Replica other_{store_};
};

TEST_F(OperatorStateShareTest, WhatIsSaidOfModelsHoldsAtAll) {
  ShareAll();
  one_.Disable("b", "m/x");
  ShareAll();
  EXPECT_TRUE(other_.IsDisabled("b", "m/x"));
  EXPECT_EQ(other_.Target("b", "m/x").availability.Read().why, "by ann");
  other_.Target("b", "m/x").availability.Enable();
  ShareAll();
  EXPECT_FALSE(one_.IsDisabled("b", "m/x"));
}

TEST_F(OperatorStateShareTest, CircuitsAreForcedAndLetGo) {
  ShareAll();
  one_.Force(CircuitBreaker::State::kForcedOpen);
  ShareAll();
  EXPECT_TRUE(other_.IsForced());
  other_.Force(CircuitBreaker::State::kClosed);
  ShareAll();
  EXPECT_FALSE(one_.IsForced());
}

TEST_F(OperatorStateShareTest, WhatFailuresHaveDisabledIsNobodyElses) {
  ShareAll();
  one_.Target("a", "m").availability.Disable(TargetAvailability::By::kFailures,
                                             "10 failures");
  ShareAll();
  EXPECT_FALSE(other_.IsDisabled("a", "m"));
  EXPECT_TRUE(one_.IsDisabled("a", "m"));
}

TEST_F(OperatorStateShareTest, OverridesOfNodesAreEachForThemselves) {
  ShareAll();
  one_.Override("writer", "one");
  other_.Override("reader", "two");
  ShareAll();
  ShareAll();
  for (Replica* each : {&one_, &other_}) {
    EXPECT_EQ(each->OverrideOf("writer"), "one");
    EXPECT_EQ(each->OverrideOf("reader"), "two");
  }
  one_.Override("writer", "");
  ShareAll();
  EXPECT_EQ(other_.OverrideOf("writer"), "");
  EXPECT_EQ(other_.OverrideOf("reader"), "two");
}

TEST_F(OperatorStateShareTest, TheRolloutIsOneWhereItIsConfiguredTheSame) {
  Replica elsewhere(store_,
                    "providers: [{name: a, mock: {}}]\n"
                    "routing: {rollout: {percentage: 30}}\n");
  ShareAll();
  EXPECT_TRUE(elsewhere.Share(runner_).ok());
  one_.runtime().rollout().Override({.enabled = true, .percentage = 50});
  ShareAll();
  EXPECT_TRUE(elsewhere.Share(runner_).ok());
  EXPECT_EQ(other_.runtime().rollout().state().percentage, 50);
  EXPECT_EQ(elsewhere.runtime().rollout().state().percentage, 30);
  one_.runtime().rollout().Reset();
  one_.runtime().rollout().Override({.enabled = false});
  ShareAll();
  EXPECT_FALSE(other_.runtime().rollout().state().enabled);
  EXPECT_EQ(other_.runtime().rollout().said().percentage, std::nullopt);
  one_.runtime().rollout().Reset();
  ShareAll();
  EXPECT_FALSE(other_.runtime().rollout().state().overridden);
}

TEST_F(OperatorStateShareTest, OfTwoWhoSpeakOfTheSameTheLaterCounts) {
  ShareAll();
  one_.Override("writer", "one");
  other_.Override("writer", "two");
  ShareAll();
  ShareAll();
  EXPECT_EQ(one_.OverrideOf("writer"), "two");
  EXPECT_EQ(other_.OverrideOf("writer"), "two");
}

TEST_F(OperatorStateShareTest, AStoreThatHasNothingHasWhatTheFirstHas) {
  one_.Disable("a", "m");
  ShareAll();
  EXPECT_TRUE(one_.IsDisabled("a", "m"));
  EXPECT_TRUE(other_.IsDisabled("a", "m"));
}

TEST_F(OperatorStateShareTest, WhoComesBackGivesUpWhatWasTakenBackMeanwhile) {
  one_.Disable("a", "m");
  ShareAll();
  one_.Target("a", "m").availability.Enable();
  one_.Disable("a", "n");
  ShareAll();
  Replica back(store_);
  back.Disable("a", "m");  // As it had kept it.
  EXPECT_TRUE(back.Share(runner_).ok());
  EXPECT_FALSE(back.IsDisabled("a", "m"));
  EXPECT_TRUE(back.IsDisabled("a", "n"));
  ShareAll();
  EXPECT_FALSE(one_.IsDisabled("a", "m"));
}

TEST_F(OperatorStateShareTest, WhatCouldNotBeToldIsToldLater) {
  ShareAll();
  store_.away = true;
  one_.Disable("a", "m");
  EXPECT_TRUE(absl::IsUnavailable(one_.Share(runner_)));
  EXPECT_TRUE(one_.IsDisabled("a", "m"));
  store_.away = false;
  ShareAll();
  EXPECT_TRUE(other_.IsDisabled("a", "m"));
}

TEST_F(OperatorStateShareTest, ItemsOfOtherConfigurationsStayAsTheyAre) {
  ShareAll();
  one_.Disable("b", "m");
  ShareAll();
  Replica less(store_, "providers: [{name: a, mock: {}}]\n");
  EXPECT_TRUE(less.Share(runner_).ok());
  EXPECT_TRUE(less.Share(runner_).ok());
  ShareAll();
  EXPECT_TRUE(one_.IsDisabled("b", "m"));
  EXPECT_TRUE(other_.IsDisabled("b", "m"));
}

TEST_F(OperatorStateShareTest, SharesUntilItIsStopped) {
  OperatorStateShare share(store_, one_.current());
  LoopThread thread;
  thread.loop().Post([&] { Spawn(share.Run(thread.loop())); });
  share.Stop(thread.loop());
}

}  // namespace
}  // namespace gateway
