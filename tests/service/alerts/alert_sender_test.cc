#include "service/alerts/alert_sender.h"

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/alerts/webhook.h"
#include "tests/service/alerts/hook_server.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class AlertSenderTest : public testing::Test {
 protected:
  AlertSenderTest()
      : sender_(
            client_.loop(), client_.http(), clock_, worker_,
            {.disable =
                 [this](const AlertEvent& event) {
                   disabled_ = event.subject;
                   return disabling_;
                 },
             .done =
                 [this](const AlertEvent& event, const absl::Status& outcome) {
                   told_ = event.id;
                   outcome_ = outcome;
                   done_.Set();
                 },
             .failed =
                 [this](const AlertEvent& event, const absl::Status& why) {
                   failed_ = absl::StrCat(event.id, ": ", why.message());
                 },
             .is_due =
                 [this](const AlertEvent&) {
                   asked_.Set();
                   return is_due_;
                 }}) {}

  // Sends an event that happened so long ago, and waits for what comes of it.
  void Send(absl::Duration age) {
    client_.Run([&] { return SendAndWait(age); });
  }
  Task<void> SendAndWait(absl::Duration age) {
    EXPECT_TRUE(sender_.Send(action_, Event(age)));
    co_await done_.Wait();
  }
  Task<void> SendAndWaitUntilAsked() {
    EXPECT_TRUE(sender_.Send(action_, Event(absl::ZeroDuration())));
    co_await asked_.Wait();
    co_await sender_.Stop();
  }
  Task<void> SendAndStop() {
    sender_.Send(action_, Event(absl::ZeroDuration()));
    co_await sender_.Stop();
  }
  Task<void> SendTwiceAndStop() {
    AlertEvent event = Event(absl::ZeroDuration());
    EXPECT_TRUE(sender_.Send(action_, event));
    event.id = "e2";
    EXPECT_FALSE(sender_.Send(action_, event));
    event.subject = "p/m";
    EXPECT_TRUE(sender_.Send(action_, event));
    for (size_t i = sender_.under_way(); i < AlertSender::kUnderWayMax; ++i) {
      event.subject = absl::StrCat("q/m", i);
      EXPECT_TRUE(sender_.Send(action_, event));
    }
    event.subject = "one more";
    EXPECT_FALSE(sender_.Send(action_, event));
    co_await sender_.Stop();
  }

  std::shared_ptr<const AlertAction> Action() const {
    return std::make_shared<const AlertAction>(AlertAction{
        .kind = AlertAction::Kind::kWebhook,
        .url = Secret(absl::StrCat("http://127.0.0.1:", server_.port(), "/"))});
  }
  AlertEvent Event(absl::Duration age) {
    return {.id = "e1",
            .alert = "errors",
            .subject = "p/m7",
            .firing = firing_,
            .time = clock_.WallTime() - age};
  }

  FakeClock clock_;
  BlockingWorker worker_{{.name = "test"}};
  HookServer hook_;
  const TestHttpServer server_{hook_};
  LoopClient client_;
  WakeUp done_;
  WakeUp asked_;
  bool is_due_ = true;
  std::string told_;
  std::string failed_;
  std::string disabled_;
  absl::Status disabling_;
  bool firing_ = true;
  std::shared_ptr<const AlertAction> action_ = Action();
  absl::Status outcome_ = absl::UnknownError("nothing yet");
  AlertSender sender_;
};

TEST_F(AlertSenderTest, WhatIsTakenIsSentOnce) {
  Send(absl::ZeroDuration());
  EXPECT_EQ(told_, "e1");
  EXPECT_TRUE(outcome_.ok()) << outcome_;
  EXPECT_THAT(hook_.asked(), SizeIs(1));
}

// By the timer of a real loop: a second.
TEST_F(AlertSenderTest, WhatIsNotTakenIsSentAgain) {
  hook_.Answer({500});
  Send(absl::ZeroDuration());
  EXPECT_TRUE(outcome_.ok()) << outcome_;
  EXPECT_THAT(hook_.asked(), SizeIs(2));
  EXPECT_EQ(hook_.asked()[0], hook_.asked()[1]);
  EXPECT_EQ(failed_, "e1: it answered 500");
}

TEST_F(AlertSenderTest, WhatIsNotDueAnyMoreIsNotSentAgain) {
  hook_.Answer({500});
  is_due_ = false;
  client_.Run([this] { return SendAndWaitUntilAsked(); });
  EXPECT_THAT(hook_.asked(), SizeIs(1));
  EXPECT_EQ(told_, "");
  EXPECT_EQ(sender_.under_way(), 0u);
}

TEST_F(AlertSenderTest, AfterTenMinutesItIsGivenUpWithTheLastAnswer) {
  hook_.Answer({500});
  Send(kAlertPatience);
  EXPECT_EQ(told_, "e1");
  EXPECT_THAT(std::string(outcome_.message()),
              HasSubstr("given up after 1 attempt: it answered 500"));
  EXPECT_THAT(hook_.asked(), SizeIs(1));
}

TEST_F(AlertSenderTest, AStopWaitsForNoAnswerAndTellsNothing) {
  hook_.Answer({500, 500, 500});
  client_.Run([&] { return SendAndStop(); });
  EXPECT_EQ(sender_.under_way(), 0u);
  EXPECT_EQ(told_, "");
}

TEST_F(AlertSenderTest, OneOfEachAlertAndSubjectIsUnderWayAndNotTooMany) {
  // None is taken, so that all are still there when the last is sent.
  hook_.Answer(std::deque<int>(1000, 500));
  client_.Run([&] { return SendTwiceAndStop(); });
  EXPECT_EQ(sender_.under_way(), 0u);
}

TEST_F(AlertSenderTest, AModelIsDisabledWhenItFiresAndNotEnabledAfter) {
  action_ = std::make_shared<const AlertAction>(
      AlertAction{.kind = AlertAction::Kind::kDisableModel});
  Send(absl::ZeroDuration());
  EXPECT_TRUE(outcome_.ok()) << outcome_;
  EXPECT_EQ(disabled_, "p/m7");
  disabled_.clear();
  firing_ = false;
  Send(absl::ZeroDuration());
  EXPECT_TRUE(outcome_.ok()) << outcome_;
  EXPECT_EQ(disabled_, "");
  EXPECT_THAT(hook_.asked(), SizeIs(0));
}

TEST_F(AlertSenderTest, AModelThatCannotBeDisabledIsTold) {
  action_ = std::make_shared<const AlertAction>(
      AlertAction{.kind = AlertAction::Kind::kDisableModel});
  disabling_ = absl::UnavailableError("the disk is full");
  Send(kAlertPatience);
  EXPECT_THAT(std::string(outcome_.message()), HasSubstr("the disk is full"));
}

TEST_F(AlertSenderTest, ALineIsWrittenAtOnce) {
  action_ = std::make_shared<const AlertAction>();
  Send(absl::ZeroDuration());
  EXPECT_TRUE(outcome_.ok()) << outcome_;
  EXPECT_THAT(hook_.asked(), SizeIs(0));
}

}  // namespace
}  // namespace gateway
