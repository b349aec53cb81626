#include "service/overload/overload_control.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/os/file.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/overload.pb.h"
#include "service/identity/caller.h"
#include "service/overload/concurrency_limit.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/simulated_time.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::OverloadConfig;

// A control group that may have 1000 bytes, in a folder of the test's own.
class OverloadControlTest : public testing::Test {
 public:
  OverloadControlTest() {
    std::string folder = absl::StrCat(testing::TempDir(), "control.XXXXXX");
    root_ = mkdtemp(folder.data());
    Write("memory.max", 1000);
    UseMemory(100);
  }

  void Write(const char* name, int64_t bytes) {
    EXPECT_TRUE(
        ReplaceFile(absl::StrCat(root_, "/", name), absl::StrCat(bytes)).ok());
  }
  void UseMemory(int64_t bytes) { Write("memory.current", bytes); }

  OverloadConfig Config(int calls_limit, bool with_memory) const {
    OverloadConfig config;
    if (calls_limit > 0) {
      auto& concurrency = *config.mutable_concurrency();
      concurrency.set_calls_limit(calls_limit);
      concurrency.set_waiting_limit(10);
      concurrency.mutable_wait_timeout()->set_seconds(1);
      concurrency.mutable_overload_time()->set_seconds(1);
    }
    if (with_memory) {
      config.mutable_memory()->set_soft_percent(80);
      config.mutable_memory()->set_cgroup_root(root_);
    }
    return config;
  }

  // What becomes of a call that has to ask.
  absl::Status Enter(OverloadControl& control, CallerPriority priority) {
    const absl::StatusOr<OverloadControl::Permit> permit = runner_.Run(
        control.Enter(runner_.loop(), never_, {.priority = priority}));
    return permit.status();
  }

  std::string root_;
  SimulatedTime time_;
  LoopRunner runner_{time_};
  CancelSignal never_;
};

TEST_F(OverloadControlTest, CallsAreLimitedAsConfigured) {
  OverloadControl control(time_, Config(1, false));
  std::optional<OverloadControl::Permit> permit =
      control.TryEnter(CallerPriority::kNormal);
  EXPECT_TRUE(permit.has_value());
  EXPECT_FALSE(control.TryEnter(CallerPriority::kCritical).has_value());
  const absl::Status refused = Enter(control, CallerPriority::kNormal);
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_OVERLOADED);
  permit.reset();
  EXPECT_EQ(Enter(control, CallerPriority::kNormal), absl::OkStatus());
}

TEST_F(OverloadControlTest, WhoMayWaitForNoTimeIsRefusedAtOnce) {
  OverloadConfig config = Config(1, false);
  config.mutable_concurrency()->mutable_wait_timeout()->set_seconds(0);
  OverloadControl control(time_, config);
  const std::optional<OverloadControl::Permit> permit =
      control.TryEnter(CallerPriority::kNormal);
  const absl::Duration before = time_.SteadyTime();
  EXPECT_FALSE(Enter(control, CallerPriority::kNormal).ok());
  EXPECT_EQ(time_.SteadyTime(), before);
}

TEST_F(OverloadControlTest, WithoutSectionsNothingIsLimited) {
  OverloadControl control(time_, OverloadConfig());
  EXPECT_FALSE(LimitsAnything(OverloadConfig()));
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(control.TryEnter(CallerPriority::kLow).has_value());
  }
}

TEST_F(OverloadControlTest, WithoutMemoryNoCallBegins) {
  OverloadControl control(time_, Config(0, true));
  EXPECT_TRUE(LimitsAnything(Config(0, true)));
  EXPECT_TRUE(control.TryEnter(CallerPriority::kLow).has_value());
  UseMemory(960);
  EXPECT_TRUE(control.SampleMemory());
  EXPECT_FALSE(control.TryEnter(CallerPriority::kCritical).has_value());
  const absl::Status refused = Enter(control, CallerPriority::kCritical);
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(RetryDelay(refused), absl::Seconds(5));
  EXPECT_EQ(FaultMetadata(refused, "limit"),
            "overload.memory.size_bytes_limit");
  EXPECT_EQ(control.refused_by_memory(CallerPriority::kCritical), 1);
  EXPECT_EQ(control.CheckMemory(CallerPriority::kCritical), refused);
  EXPECT_EQ(control.refused_by_memory(CallerPriority::kCritical), 2);
  UseMemory(100);
  EXPECT_TRUE(control.SampleMemory());
  EXPECT_EQ(control.CheckMemory(CallerPriority::kLow), absl::OkStatus());
  EXPECT_TRUE(control.TryEnter(CallerPriority::kLow).has_value());
}

TEST_F(OverloadControlTest, WhoWaitsAsMemoryRunsOutIsRefusedAtOnce) {
  OverloadControl control(time_, Config(1, true));
  const std::optional<OverloadControl::Permit> runs =
      control.TryEnter(CallerPriority::kNormal);
  ASSERT_TRUE(runs.has_value());
  runner_.Run([](OverloadControlTest* test,
                 OverloadControl* under_test) -> Task<void> {
    Spawn([](OverloadControlTest* of, OverloadControl* filled) -> Task<void> {
      (co_await Sleep(of->runner_.loop(), absl::Milliseconds(10), of->never_))
          .IgnoreError();
      EXPECT_EQ(filled->calls().Read().waiting[0], 1);
      of->UseMemory(960);
      EXPECT_TRUE(filled->SampleMemory());
    }(test, under_test));
    const absl::Duration before = test->time_.SteadyTime();
    const absl::StatusOr<OverloadControl::Permit> permit =
        co_await under_test->Enter(test->runner_.loop(), test->never_,
                                   {.priority = CallerPriority::kCritical});
    EXPECT_LT(test->time_.SteadyTime() - before, absl::Milliseconds(100));
    EXPECT_EQ(FaultReason(permit.status()), v1::ERROR_REASON_OVERLOADED);
    EXPECT_EQ(RetryDelay(permit.status()), absl::Seconds(5));
    EXPECT_EQ(FaultMetadata(permit.status(), "limit"),
              "overload.memory.size_bytes_limit");
  }(this, &control));
  using Shed = ConcurrencyLimit::Shed;
  EXPECT_EQ(
      control.calls().Read().shed[0][static_cast<size_t>(Shed::kTurnedAway)],
      1);
  EXPECT_EQ(control.calls().active(), 1);
}

TEST_F(OverloadControlTest, WhoseTurnComesAsMemoryRunsOutIsRefused) {
  OverloadControl control(time_, Config(1, true));
  std::optional<OverloadControl::Permit> runs =
      control.TryEnter(CallerPriority::kNormal);
  runner_.Run([](OverloadControlTest* test, OverloadControl* under_test,
                 std::optional<OverloadControl::Permit>* first) -> Task<void> {
    Spawn([](OverloadControlTest* of, OverloadControl* filled,
             std::optional<OverloadControl::Permit>* ends) -> Task<void> {
      (co_await Sleep(of->runner_.loop(), absl::Milliseconds(10), of->never_))
          .IgnoreError();
      ends->reset();  // It has a place and does not know it yet.
      of->UseMemory(960);
      filled->SampleMemory();
    }(test, under_test, first));
    const absl::StatusOr<OverloadControl::Permit> permit =
        co_await under_test->Enter(test->runner_.loop(), test->never_, {});
    EXPECT_EQ(FaultMetadata(permit.status(), "limit"),
              "overload.memory.size_bytes_limit");
  }(this, &control, &runs));
  EXPECT_EQ(control.calls().active(), 0);
}

TEST_F(OverloadControlTest, WhileMemoryIsShortThoseThatMatterLeastWait) {
  OverloadControl control(time_, Config(0, true));
  UseMemory(800);
  EXPECT_TRUE(control.SampleMemory());
  EXPECT_TRUE(control.TryEnter(CallerPriority::kNormal).has_value());
  EXPECT_FALSE(control.TryEnter(CallerPriority::kLow).has_value());
  runner_.Run([](OverloadControlTest* test,
                 OverloadControl* under_test) -> Task<void> {
    Spawn([](OverloadControlTest* of, OverloadControl* relieved) -> Task<void> {
      (co_await Sleep(of->runner_.loop(), absl::Seconds(2), of->never_))
          .IgnoreError();
      of->UseMemory(100);
      relieved->SampleMemory();
    }(test, under_test));
    const absl::Duration before = test->time_.SteadyTime();
    const absl::StatusOr<OverloadControl::Permit> permit =
        co_await under_test->Enter(test->runner_.loop(), test->never_,
                                   {.priority = CallerPriority::kLow});
    EXPECT_EQ(permit.status(), absl::OkStatus());
    EXPECT_GE(test->time_.SteadyTime() - before, absl::Seconds(2));
  }(this, &control));
}

TEST_F(OverloadControlTest, AnotherConfigurationHoldsForThoseWhoRun) {
  OverloadControl control(time_, Config(2, true));
  std::optional<OverloadControl::Permit> one =
      control.TryEnter(CallerPriority::kNormal);
  std::optional<OverloadControl::Permit> two =
      control.TryEnter(CallerPriority::kNormal);
  control.Apply(Config(1, false));
  one.reset();
  EXPECT_EQ(control.calls().active(), 1);
  EXPECT_FALSE(control.TryEnter(CallerPriority::kNormal).has_value());
  two.reset();
  EXPECT_TRUE(control.TryEnter(CallerPriority::kNormal).has_value());
  // And memory is watched no more.
  UseMemory(1000);
  EXPECT_FALSE(control.SampleMemory());
  control.Apply(Config(0, true));
  EXPECT_FALSE(control.TryEnter(CallerPriority::kNormal).has_value());
}

}  // namespace
}  // namespace gateway
