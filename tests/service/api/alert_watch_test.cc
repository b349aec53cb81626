#include "service/api/alert_watch.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/cancellation.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/resilience/target_board.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/no_http_client.h"
#include "tests/testing/simulated_time.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kErrors[] =
    "{name: errors, condition: 'error_rate > 5%', action: note, window: 10s, "
    "calls_min: 1}";
constexpr char kModels[] =
    "{name: models, condition: 'model_consecutive_failures > 5', action: off, "
    "window: 1h}";
constexpr char kPaged[] =
    "{name: errors, condition: 'error_rate > 5%', action: page, window: 2h, "
    "calls_min: 1}";
constexpr char kActions[] =
    "{name: note, log: {}}, {name: off, disable_model: {}}, "
    "{name: page, webhook: {url: 'http://127.0.0.1:9/'}}";

// As a process before had it.
AlertRule FailuresTellGone() {
  const std::string text = "model_consecutive_failures > 5";
  return {.name = "failures",
          .text = text,
          .condition = *ParseAlertCondition(text),
          .action = "gone"};
}

// What a webhook takes is in alert_sender_test.cc, and by a whole gateway in
// alerts_test.py.
class AlertWatchTest : public testing::Test {
 public:
  // Of these rules, at which it looks each `interval`.
  std::shared_ptr<const RuntimeSnapshot> Configured(
      const std::string& rules, const std::string& interval = "2s",
      const std::string& actions = kActions) {
    return MakeTestRuntime(
        absl::StrCat("providers: [{name: a, mock: {}}]\nalerts:\n  interval: ",
                     interval, "\n  rules: [", rules,
                     "]\n  actions: [", actions, "]\n"),
        {}, ports_);
  }
  std::shared_ptr<const RuntimeSnapshot> WithoutAlerts() {
    return MakeTestRuntime("providers: [{name: a, mock: {}}]\n", {}, ports_);
  }

  void Begin(const std::string& rules) {
    current_ = std::make_unique<CurrentRuntime>(Configured(rules));
    watch_ =
        std::make_unique<AlertWatch>(AlertWatch::Sources{.current = *current_,
                                                         .board = board_,
                                                         .counts = counts_,
                                                         .state = state_,
                                                         .worker = worker_});
    Spawn(watch_->Run(runner_.loop(), http_));
  }
  Task<void> End() {
    watch_->StopOnLoop();
    co_await Pass(absl::Seconds(1));
  }
  Task<void> Pass(absl::Duration time) {
    (co_await Sleep(runner_.loop(), time, never_)).IgnoreError();
  }

  void Calls(int good, int bad) {
    for (int i = 0; i < good; ++i) shard_.Count({});
    for (int i = 0; i < bad; ++i) shard_.Count({.failed = true});
  }
  TargetState& Model() {
    return current_->Get()->resilience().targets.Find("a", "m");
  }
  void FailModel(int times) {
    for (int i = 0; i < times; ++i) Model().RecordFailure();
  }
  // The worker is a thread, for which no simulated time waits. It counts the
  // model after it has disabled it.
  Task<void> AwaitDisabled(int64_t times = 1) {
    while (watch_->disabled_models() < times || !board_.Pending().empty()) {
      co_await Pass(absl::Milliseconds(1));
    }
  }
  AlertBoard::View View() { return board_.List(time_.WallTime()).at(0); }

  SimulatedTime time_;
  const Ports ports_{.clock = &time_};
  LoopRunner runner_{time_};
  NoHttpClient http_;
  CancelSignal never_;
  AlertCounts counts_;
  AlertShard& shard_ = counts_.AddShard();
  AlertBoard board_{time_.WallTime()};
  StateStore state_;
  BlockingWorker worker_{{.name = "test"}};
  std::unique_ptr<CurrentRuntime> current_;
  std::unique_ptr<AlertWatch> watch_;
};

TEST_F(AlertWatchTest, ItLooksEachIntervalAndTellsOnce) {
  runner_.Run([](AlertWatchTest* test) -> Task<void> {
    test->Begin(kErrors);
    co_await test->Pass(absl::Milliseconds(100));
    test->Calls(0, 1);
    co_await test->Pass(absl::Milliseconds(1800));
    EXPECT_FALSE(test->View().firing);
    co_await test->Pass(absl::Milliseconds(200));
    EXPECT_TRUE(test->View().firing);
    co_await test->Pass(absl::Seconds(5));
    EXPECT_EQ(test->board_.counts().told, 1);
    test->Calls(1000, 0);
    co_await test->Pass(absl::Seconds(15));
    EXPECT_FALSE(test->View().firing);
    EXPECT_EQ(test->board_.counts().told, 2);
    EXPECT_THAT(test->board_.Pending(), IsEmpty());
    co_await test->End();
  }(this));
}

TEST_F(AlertWatchTest, AnotherConfigurationIsFollowedWithinATick) {
  runner_.Run([](AlertWatchTest* test) -> Task<void> {
    test->Begin(kErrors);
    test->Calls(0, 1);
    co_await test->Pass(absl::Seconds(3));
    EXPECT_TRUE(test->View().firing);
    test->current_->Swap(test->Configured(
        absl::StrCat(kErrors,
                     ", {name: b, condition: 'hourly_cost >= $0', "
                     "action: note}"),
        "1h"));
    co_await test->Pass(AlertWatch::kTick);
    const auto views = test->board_.List(test->time_.WallTime());
    EXPECT_THAT(views, SizeIs(2));
    EXPECT_TRUE(views[0].firing);  // `b`, at once.
    EXPECT_TRUE(views[1].firing);  // `errors`, still.
    EXPECT_EQ(test->board_.counts().told, 2);
    co_await test->End();
  }(this));
}

TEST_F(AlertWatchTest, WhatIsToBeToldByAnActionThatIsGoneIsToldByTheRules) {
  runner_.Run([](AlertWatchTest* test) -> Task<void> {
    AlertRule rule = {.name = "errors",
                      .text = "error_rate > 5%",
                      .condition = *ParseAlertCondition("error_rate > 5%"),
                      .action = "gone"};
    test->board_.SetRules({rule}, test->time_.WallTime());
    test->board_.Look({.now = test->time_.WallTime(),
                       .totals = {.calls = 10, .failures = 10}});
    EXPECT_THAT(test->board_.Pending(), SizeIs(1));
    test->Begin(kErrors);
    co_await test->Pass(absl::Milliseconds(1));
    EXPECT_THAT(test->board_.Pending(), IsEmpty());
    EXPECT_EQ(test->board_.counts().told, 1);
    EXPECT_EQ(test->board_.counts().given_up, 0);
    EXPECT_THAT(test->board_.ActionsInUse(), ElementsAre("note"));
    co_await test->End();
  }(this));
}

TEST_F(AlertWatchTest, WhatFiresWhenItsActionIsRenamedIsResolvedByTheNewOne) {
  runner_.Run([](AlertWatchTest* test) -> Task<void> {
    test->Begin(kErrors);
    test->Calls(0, 1);
    co_await test->Pass(absl::Seconds(3));
    EXPECT_EQ(test->board_.counts().told, 1);
    test->current_->Swap(test->Configured(
        absl::StrReplaceAll(kErrors, {{"action: note", "action: called"}}),
        "2s", "{name: called, log: {}}"));
    co_await test->Pass(absl::Seconds(25));
    EXPECT_FALSE(test->View().firing);
    EXPECT_EQ(test->board_.counts().told, 2);
    EXPECT_EQ(test->board_.counts().given_up, 0);
    co_await test->End();
  }(this));
}

TEST_F(AlertWatchTest, WhatFiresWhenAllIsTakenAwayIsResolvedByWhatWas) {
  runner_.Run([](AlertWatchTest* test) -> Task<void> {
    test->Begin(kErrors);
    test->Calls(0, 1);
    co_await test->Pass(absl::Seconds(3));
    test->current_->Swap(test->WithoutAlerts());
    co_await test->Pass(absl::Seconds(2));
    EXPECT_THAT(test->board_.Pending(), IsEmpty());
    EXPECT_EQ(test->board_.counts().told, 2);
    EXPECT_EQ(test->board_.counts().given_up, 0);
    EXPECT_EQ(test->board_.counts().action_gone, 0);
    co_await test->End();
  }(this));
}

// The receiver cannot be reached, so that there is something to wait for.
TEST_F(AlertWatchTest, WhatWasIsKeptThroughOtherConfigurations) {
  runner_.Run([](AlertWatchTest* test) -> Task<void> {
    test->Begin(kPaged);
    test->Calls(0, 1);
    co_await test->Pass(absl::Seconds(3));
    test->current_->Swap(test->WithoutAlerts());
    co_await test->Pass(absl::Seconds(2));
    test->current_->Swap(
        test->Configured(kErrors, "3s", "{name: note, log: {}}"));
    co_await test->Pass(absl::Seconds(2));
    test->current_->Swap(test->WithoutAlerts());
    co_await test->Pass(absl::Seconds(2));
    const int64_t failed = test->board_.counts().failed_attempts;
    EXPECT_THAT(test->board_.Pending(), Not(IsEmpty()));
    co_await test->Pass(absl::Minutes(2));
    EXPECT_GT(test->board_.counts().failed_attempts, failed);
    EXPECT_EQ(test->board_.counts().action_gone, 0);
    // Which is the receiver's fault.
    co_await test->Pass(absl::Minutes(20));
    EXPECT_THAT(test->board_.Pending(), IsEmpty());
    EXPECT_GT(test->board_.counts().given_up, 0);
    EXPECT_EQ(test->board_.counts().action_gone, 0);
    co_await test->End();
  }(this));
}

TEST_F(AlertWatchTest, WhatNoActionIsKnownForAfterARestartIsSaidOnce) {
  testing::internal::CaptureStderr();
  runner_.Run([](AlertWatchTest* test) -> Task<void> {
    test->board_.SetRules({FailuresTellGone()}, test->time_.WallTime());
    const std::vector<AlertEvent> events =
        test->board_.Look({.now = test->time_.WallTime(),
                           .failures = {{"a", "m", 6}, {"a", "n", 6}}});
    for (const AlertEvent& event : events) {
      test->board_.Told(event.id, absl::OkStatus());
    }
    test->Begin(kErrors);
    co_await test->Pass(absl::Seconds(10));
    EXPECT_THAT(test->board_.Pending(), IsEmpty());
    EXPECT_EQ(test->board_.counts().told, 2);
    EXPECT_EQ(test->board_.counts().given_up, 0);
    EXPECT_EQ(test->board_.counts().action_gone, 2);
    co_await test->End();
  }(this));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("\"action\":\"gone\",\"events\":2}"));
  EXPECT_THAT(log, Not(HasSubstr("could not be told")));
}

TEST_F(AlertWatchTest, WhatIsResolvedDisablesNothingInItsActionsPlace) {
  testing::internal::CaptureStderr();
  runner_.Run([](AlertWatchTest* test) -> Task<void> {
    test->Begin(
        absl::StrReplaceAll(kModels, {{"action: off", "action: note"}}));
    test->FailModel(6);
    co_await test->Pass(absl::Seconds(3));
    EXPECT_EQ(test->board_.counts().told, 1);
    test->current_->Swap(test->Configured(
        "{name: models, condition: 'model_consecutive_failures > 50', "
        "action: off}",
        "2s", "{name: off, disable_model: {}}"));
    co_await test->Pass(absl::Seconds(3));
    EXPECT_EQ(test->board_.counts().told, 2);
    EXPECT_FALSE(test->Model().availability.disabled());
    co_await test->End();
  }(this));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("An alert is resolved"));
}

TEST_F(AlertWatchTest, ThatTooManyWaitIsLogged) {
  testing::internal::CaptureStderr();
  runner_.Run([](AlertWatchTest* test) -> Task<void> {
    test->Begin(
        "{name: models, condition: 'model_consecutive_failures > 0', "
        "action: page}");
    for (size_t i = 0; i < AlertBoard::kPendingMax + 3; ++i) {
      test->current_->Get()
          ->resilience()
          .targets.Find("a", absl::StrCat("m", i))
          .RecordFailure();
    }
    co_await test->Pass(absl::Seconds(4));
    EXPECT_EQ(test->board_.counts().crowded_out, 3);
    co_await test->End();
  }(this));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("given up, since too many wait\",\"events\":3,"
                        "\"waiting\":256}"));
}

TEST_F(AlertWatchTest, AModelThatFailsIsDisabledAsAnOperatorDoes) {
  runner_.Run([](AlertWatchTest* test) -> Task<void> {
    test->Begin(kModels);
    test->FailModel(5);
    co_await test->Pass(absl::Seconds(3));
    EXPECT_FALSE(test->Model().availability.disabled());
    test->FailModel(1);
    co_await test->AwaitDisabled();
    const TargetAvailability::Snapshot why = test->Model().availability.Read();
    EXPECT_EQ(why.by, TargetAvailability::By::kOperator);
    EXPECT_EQ(why.why, "by alert models: model_consecutive_failures > 5");
    EXPECT_EQ(test->watch_->disabled_models(), 1);
    EXPECT_EQ(test->View().subject, "a/m");
    co_await test->End();
  }(this));
}

TEST_F(AlertWatchTest, OneThatIsEnabledAndFailsAgainIsDisabledAgain) {
  runner_.Run([](AlertWatchTest* test) -> Task<void> {
    test->Begin(kModels);
    test->FailModel(6);
    co_await test->AwaitDisabled();
    test->Model().availability.Enable();
    test->Model().RecordSuccess();
    co_await test->Pass(absl::Seconds(5));
    EXPECT_FALSE(test->Model().availability.disabled());
    EXPECT_TRUE(test->View().firing);  // For an hour more.
    test->FailModel(6);
    co_await test->AwaitDisabled(2);
    EXPECT_EQ(test->watch_->disabled_models(), 2);
    EXPECT_EQ(test->board_.counts().told, 1);
    co_await test->End();
  }(this));
}

// The receiver cannot be reached, so that it is told again and again.
TEST_F(AlertWatchTest, WhatIsToldAgainStopsWhenItIsSilenced) {
  runner_.Run([](AlertWatchTest* test) -> Task<void> {
    test->Begin(kPaged);
    test->Calls(0, 1);
    co_await test->Pass(absl::Seconds(20));
    const int64_t failed = test->board_.counts().failed_attempts;
    EXPECT_GE(failed, 2);
    const absl::Time now = test->time_.WallTime();
    test->board_.Silence("errors", now, now + absl::Hours(1));
    co_await test->Pass(absl::Minutes(50));
    EXPECT_EQ(test->board_.counts().failed_attempts, failed);
    EXPECT_EQ(test->board_.counts().given_up, 0);
    // It fires still, and is told when the silence is over, for ten minutes.
    co_await test->Pass(absl::Minutes(10) + absl::Seconds(5));
    EXPECT_GE(test->board_.counts().failed_attempts, failed + 2);
    EXPECT_THAT(test->board_.Pending(), SizeIs(1));
    co_await test->End();
  }(this));
}

TEST_F(AlertWatchTest, ASilencedAlertDisablesNothing) {
  runner_.Run([](AlertWatchTest* test) -> Task<void> {
    test->Begin(kModels);
    co_await test->Pass(absl::Seconds(1));
    EXPECT_TRUE(
        test->board_.Silence("models", test->time_.WallTime(),
                             test->time_.WallTime() + absl::Seconds(10)));
    test->FailModel(6);
    co_await test->Pass(absl::Seconds(8));
    EXPECT_FALSE(test->Model().availability.disabled());
    co_await test->AwaitDisabled();
    co_await test->End();
  }(this));
}

}  // namespace
}  // namespace gateway
