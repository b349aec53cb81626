#include "service/api/operator_state_share.h"

#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "gtest/gtest.h"
#include "service/api/circuit_document.h"
#include "service/api/override_document.h"
#include "service/api/rollout_admin.h"
#include "service/money/price_lines.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/target_availability.h"
#include "service/resilience/target_board.h"
#include "service/routing/rollout_switch.h"
#include "service/routing/selection/node_overrides.h"
#include "service/state/state_store.h"
#include "service/store/memory_record_store.h"
#include "tests/testing/fake_clock.h"
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
    if (away) return Fail<RecordChanges>();
    return MemoryRecordStore::ChangesSince(collection, sequence, limit, cancel);
  }
  Task<absl::StatusOr<RecordPage>> List(std::string_view collection,
                                        std::string_view after, int limit,
                                        CancelSignal& cancel) override {
    if (away) return Fail<RecordPage>();
    return MemoryRecordStore::List(collection, after, limit, cancel);
  }

  bool away = false;

 private:
  template <typename Answer>
  static Task<absl::StatusOr<Answer>> Fail() {
    co_return absl::UnavailableError("away");
  }
};

// While it is looked at somebody does something.
class InterruptedClock : public FakeClock {
 public:
  absl::Duration SteadyTime() override {
    const bool is_due = looks_left == 1;
    if (looks_left > 0) --looks_left;
    if (is_due) deed();
    return FakeClock::SteadyTime();
  }

  int looks_left = 0;
  std::function<void()> deed;
};

// A folder of a process's state, which outlasts it.
std::string FolderOfReplica() {
  std::string folder = testing::TempDir() + "/replica.XXXXXX";
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  return folder;
}

// One process; without a folder it keeps nothing.
class Replica {
 public:
  explicit Replica(RecordStore& store, std::string_view yaml = kYaml,
                   const std::string& folder = "", Clock& clock = SystemClock())
      : current_(MakeTestRuntime(yaml, {}, {.clock = &clock})), store_(store) {
    if (folder.empty()) {
      state_ = std::make_unique<StateStore>();
      return;
    }
    state_ = *StateStore::Open(folder);
    RestoreCircuits(*state_, runtime());
    RestoreOverrides(*state_, &runtime().selection().overrides);
    RestoreRollout(*state_, runtime());
  }

  const RuntimeSnapshot& runtime() { return *current_.Get(); }
  OperatorStateShare::Sources sources() {
    return {.store = store_,
            .current = current_,
            .state = *state_,
            .worker = worker_};
  }

  absl::Status Share(LoopRunner& runner) {
    if (share_ == nullptr) {
      share_ = std::make_unique<OperatorStateShare>(sources());
    }
    CancelSignal never;
    return runner.Run(share_->Share(never));
  }

  TargetState& Target(const char* provider, const char* model) {
    return *runtime().resilience().targets.FindOwn(provider, model);
  }
  void Enable(const char* provider, const char* model) {
    Target(provider, model).availability.Enable();
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
  void Override(const char* node, const char* policy,
                absl::Duration ttl = absl::InfiniteDuration()) {
    const absl::Time now = runtime().clock().WallTime();
    const NodeOverride next = {.node = node,
                               .model = policy,
                               .set_by = "ann",
                               .set_time = now,
                               .expire_time = now + ttl};
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
  std::unique_ptr<StateStore> state_;
  BlockingWorker worker_{{.name = "replica"}};
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

TEST_F(OperatorStateShareTest, WhatModelsCostHoldsAtAll) {
  const auto input_at = [](Replica& replica, const char* model) {
    const auto said = replica.runtime().operator_prices().Get();
    const ModelRates* const price =
        said == nullptr ? nullptr
                        : said->Find("mock", model, absl::UnixEpoch());
    return price == nullptr ? "none"
                            : price->steps()[0].rates[TokenKind::kInput].Text();
  };
  ShareAll();
  const PriceEntry first = ReadPriceLines("mock m in 1 out 2")->at(0);
  const PriceEntry second = ReadPriceLines("* n* in 3 out 4")->at(0);
  ASSERT_TRUE(one_.runtime().operator_prices().Set(first).ok());
  ASSERT_TRUE(other_.runtime().operator_prices().Set(second).ok());
  ShareAll();
  ShareAll();
  for (Replica* each : {&one_, &other_}) {
    EXPECT_EQ(input_at(*each, "m"), "1");
    EXPECT_EQ(input_at(*each, "n1"), "3");
  }
  ASSERT_TRUE(other_.runtime().operator_prices().Remove(first).ok());
  ShareAll();
  EXPECT_EQ(input_at(one_, "m"), "none");
  EXPECT_EQ(input_at(one_, "n1"), "3");
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

// Two processes with a folder each, which end and begin again.
class OperatorStateOnDiskTest : public testing::Test {
 protected:
  OperatorStateOnDiskTest() { BeginAll(); }

  void BeginAll() {
    Begin(one_);
    Begin(other_);
  }
  void Begin(int which) {
    replicas_[which].reset();
    replicas_[which] =
        std::make_unique<Replica>(*store_, kYaml, folders_[which]);
  }
  void EndAll() {
    for (auto& each : replicas_) each.reset();
  }
  // As a Redis that has lost all.
  void EmptyStore() { store_ = std::make_unique<ReachableStore>(); }

  Replica& one() { return *replicas_[one_]; }
  Replica& other() { return *replicas_[other_]; }
  // In this order; twice, so that all know what each has said.
  void ShareAll(std::initializer_list<int> order) {
    for (int round = 0; round < 3; ++round) {
      for (const int each : order) {
        const absl::Status shared = replicas_[each]->Share(runner_);
        EXPECT_TRUE(shared.ok()) << shared;
      }
    }
  }
  void ShareAll() { ShareAll({one_, other_}); }

  static constexpr int one_ = 0;
  static constexpr int other_ = 1;

  LoopRunner runner_;
  std::unique_ptr<ReachableStore> store_ = std::make_unique<ReachableStore>();
  const std::string folders_[2] = {FolderOfReplica(), FolderOfReplica()};
  std::unique_ptr<Replica> replicas_[2];
};

TEST_F(OperatorStateOnDiskTest, WhatOthersSayOutlastsTheProcess) {
  one().Disable("a", "m");
  one().Override("writer", "one");
  one().runtime().rollout().Override({.percentage = 25});
  ShareAll();
  store_->away = true;
  Begin(other_);
  EXPECT_TRUE(absl::IsUnavailable(other().Share(runner_)));
  EXPECT_TRUE(other().IsDisabled("a", "m"));
  EXPECT_EQ(other().OverrideOf("writer"), "one");
  EXPECT_EQ(other().runtime().rollout().state().percentage, 25);
}

TEST_F(OperatorStateOnDiskTest, WhatOthersTakeBackStaysTakenBack) {
  one().Disable("a", "m");
  one().Force(CircuitBreaker::State::kForcedOpen);
  one().Override("writer", "one");
  one().runtime().rollout().Override({.percentage = 25});
  ShareAll();
  other().Enable("a", "m");
  other().Force(CircuitBreaker::State::kClosed);
  other().Override("writer", "");
  other().runtime().rollout().Reset();
  ShareAll();
  store_->away = true;
  Begin(one_);
  EXPECT_TRUE(absl::IsUnavailable(one().Share(runner_)));
  const auto expect_nothing = [](Replica& replica) {
    EXPECT_FALSE(replica.IsDisabled("a", "m"));
    EXPECT_FALSE(replica.IsForced());
    EXPECT_EQ(replica.OverrideOf("writer"), "");
    EXPECT_FALSE(replica.runtime().rollout().state().overridden);
  };
  expect_nothing(one());
  EndAll();
  EmptyStore();
  BeginAll();
  ShareAll();
  expect_nothing(one());
  expect_nothing(other());
}

// Who was away when something was taken back begins first, with a store that
// knows nothing of it.
TEST_F(OperatorStateOnDiskTest, TheLatestCountsWhoeverBeginsFirst) {
  for (const auto& order : {std::initializer_list<int>{one_, other_},
                            std::initializer_list<int>{other_, one_}}) {
    one().Disable("a", "m");
    one().Override("writer", "one");
    ShareAll();
    replicas_[one_].reset();
    other().Enable("a", "m");
    other().Override("writer", "two");
    ShareAll({other_});
    EndAll();
    EmptyStore();
    BeginAll();
    EXPECT_TRUE(one().IsDisabled("a", "m"));
    ShareAll(order);
    for (const auto& each : replicas_) {
      EXPECT_FALSE(each->IsDisabled("a", "m"));
      EXPECT_EQ(each->OverrideOf("writer"), "two");
    }
  }
}

TEST_F(OperatorStateOnDiskTest, AStoreThatLosesAllIsToldAgain) {
  one().Disable("a", "m");
  ShareAll();
  EndAll();
  EmptyStore();
  Begin(other_);
  ShareAll({other_});
  Replica without(*store_);
  EXPECT_TRUE(without.Share(runner_).ok());
  EXPECT_TRUE(without.IsDisabled("a", "m"));
}

// A process that was killed before it could tell.
TEST_F(OperatorStateOnDiskTest, WhatNobodyWasToldIsOlderThanWhatWasSaidSince) {
  one().Disable("a", "m");
  one().Disable("a", "n");
  ASSERT_TRUE(one()
                  .sources()
                  .state.Write(kCircuitDocument, WriteCircuits(one().runtime()))
                  .ok());
  other().Disable("a", "m");
  ShareAll({other_});
  other().Enable("a", "m");
  ShareAll({other_});
  Begin(one_);
  ShareAll();
  for (const auto& each : replicas_) {
    EXPECT_FALSE(each->IsDisabled("a", "m"));
    EXPECT_TRUE(each->IsDisabled("a", "n"));
  }
}

TEST_F(OperatorStateShareTest, WhatEndsByItselfTakesNothingBack) {
  FakeClock clock(SystemClock().WallTime());  // As the store's.
  Replica one(store_, kYaml, "", clock);
  Replica other(store_, kYaml, "", clock);
  const auto share = [&](Replica& replica) {
    EXPECT_TRUE(replica.Share(runner_).ok());
  };
  share(one);
  one.Override("writer", "one", absl::Seconds(5));
  share(one);
  share(other);
  EXPECT_EQ(other.OverrideOf("writer"), "one");
  clock.Advance(absl::Seconds(6));
  other.Override("writer", "two");
  share(other);
  // It sees that the first has ended after the second was said.
  clock.Advance(absl::Seconds(1));
  for (int i = 0; i < 2; ++i) {
    share(one);
    share(other);
  }
  EXPECT_EQ(one.OverrideOf("writer"), "two");
  EXPECT_EQ(other.OverrideOf("writer"), "two");
}

// As where the clock of one of them is behind.
TEST_F(OperatorStateShareTest, WhatIsSaidOfWhatWasHeardIsLater) {
  FakeClock behind(SystemClock().WallTime());
  FakeClock ahead(behind.WallTime() + absl::Hours(1));
  Replica one(store_, kYaml, "", ahead);
  Replica other(store_, kYaml, "", behind);
  const auto share = [&] {
    for (Replica* each : {&one, &other, &one}) {
      EXPECT_TRUE(each->Share(runner_).ok());
    }
  };
  share();
  one.Disable("a", "m");
  share();
  other.Enable("a", "m");
  share();
  share();
  EXPECT_FALSE(one.IsDisabled("a", "m"));
  EXPECT_FALSE(other.IsDisabled("a", "m"));
}

TEST_F(OperatorStateShareTest, WhatIsSaidAsAnothersWordComesStandsAndIsTold) {
  InterruptedClock clock;
  Replica here(store_, kYaml, "", clock);
  for (Replica* each : {&here, &other_, &here}) {
    EXPECT_TRUE(each->Share(runner_).ok());
  }
  other_.Override("writer", "two");
  EXPECT_TRUE(other_.Share(runner_).ok());
  clock.deed = [&] { here.Override("writer", "one"); };
  // Twice for what was said here, then to put another's word into force.
  clock.looks_left = 3;
  EXPECT_TRUE(here.Share(runner_).ok());
  EXPECT_EQ(clock.looks_left, 0);
  EXPECT_TRUE(here.Share(runner_).ok());
  EXPECT_TRUE(other_.Share(runner_).ok());
  EXPECT_EQ(here.OverrideOf("writer"), "one");
  EXPECT_EQ(other_.OverrideOf("writer"), "one");
}

TEST_F(OperatorStateShareTest, WhatWasTakenBackIsForgottenInTime) {
  FakeClock clock(SystemClock().WallTime());  // As the store's.
  Replica one(store_, kYaml, FolderOfReplica(), clock);
  const auto share = [&] { EXPECT_TRUE(one.Share(runner_).ok()); };
  const auto kept = [&] {
    return ReadStatements(**one.sources().state.Read(kStatementDocument))
        ->size();
  };
  share();
  one.Disable("a", "m");
  one.Disable("a", "n");
  share();
  one.Enable("a", "m");
  share();
  EXPECT_EQ(kept(), 2u);
  clock.Advance(OperatorStateShare::kForgottenAfter - absl::Seconds(1));
  share();
  EXPECT_EQ(kept(), 2u);
  clock.Advance(absl::Seconds(2));
  share();
  EXPECT_EQ(kept(), 1u);
}

TEST_F(OperatorStateShareTest, WhatIsConfiguredLaterIsPutIntoForceThen) {
  CurrentRuntime current(MakeTestRuntime("providers: [{name: a, mock: {}}]\n"));
  StateStore forgetful;
  BlockingWorker worker({.name = "replica"});
  OperatorStateShare share({.store = store_,
                            .current = current,
                            .state = forgetful,
                            .worker = worker});
  one_.Disable("b", "m");
  ShareAll();
  CancelSignal never;
  EXPECT_TRUE(runner_.Run(share.Share(never)).ok());
  current.Swap(MakeTestRuntime(kYaml));
  EXPECT_TRUE(runner_.Run(share.Share(never)).ok());
  EXPECT_TRUE(current.Get()
                  ->resilience()
                  .targets.FindOwn("b", "m")
                  ->availability.disabled());
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
  OperatorStateShare share(one_.sources());
  LoopThread thread;
  thread.loop().Post([&] { Spawn(share.Run(thread.loop())); });
  share.Stop(thread.loop());
}

}  // namespace
}  // namespace gateway
