#include "service/alerts/alert_sender.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/cancellation.h"
#include "base/async/sleep.h"
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
                   done_.Set();
                 },
             .begun = [this](const AlertEvent&) { ++begun_; }}) {}

  // Sends an event that happened so long ago, and waits for what comes of it.
  void Send(absl::Duration age) {
    client_.Run([&] { return SendAndWait(age); });
  }
  Task<void> SendAndWait(absl::Duration age) {
    EXPECT_TRUE(sender_.Send(action_, Event(age)));
    co_await done_.Wait();
  }
  Task<void> SendAndStop() {
    sender_.Send(action_, Event(absl::ZeroDuration()));
    co_await sender_.Stop();
  }
  // Fails once, and is sent again when that may be.
  Task<void> SendAgain() {
    const AlertEvent event = Event(absl::ZeroDuration());
    EXPECT_TRUE(sender_.Send(action_, event));
    co_await done_.Wait();
    EXPECT_FALSE(sender_.Send(action_, event));
    AlertEvent unnamed = event;
    unnamed.id.clear();
    EXPECT_FALSE(sender_.Send(action_, unnamed));
    (co_await Sleep(client_.loop(), WebhookBackoff(1), never_)).IgnoreError();
    EXPECT_TRUE(sender_.Send(action_, event));
    co_await done_.Wait();
  }
  // Another of the same, which was withdrawn, keeps none waiting.
  Task<void> SendTheNext() {
    AlertEvent event = Event(absl::ZeroDuration());
    EXPECT_TRUE(sender_.Send(action_, event));
    co_await done_.Wait();
    event.id = "e2";
    EXPECT_TRUE(sender_.Send(action_, event));
    co_await done_.Wait();
  }
  // Returns how many of this alert's subjects are taken for this action.
  size_t Fill(const std::string& alert, const std::string& action) {
    AlertEvent event = Event(absl::ZeroDuration());
    event.alert = alert;
    event.action = action;
    size_t taken = 0;
    for (int i = 0; i < 100; ++i) {
      event.subject = absl::StrCat("q/m", i);
      taken += sender_.Send(action_, event);
    }
    return taken;
  }
  Task<void> FillAndStop() {
    AlertEvent event = Event(absl::ZeroDuration());
    event.action = "page";
    EXPECT_TRUE(sender_.Send(action_, event));
    event.id = "e2";
    EXPECT_FALSE(sender_.Send(action_, event));
    EXPECT_EQ(Fill("errors", "page"), AlertSender::kOfAlertMax - 1);
    EXPECT_EQ(Fill("b", "page"), AlertSender::kOfAlertMax);
    EXPECT_EQ(Fill("c", "page"), AlertSender::kOfAlertMax);
    EXPECT_EQ(Fill("d", "page"), AlertSender::kOfAlertMax);
    EXPECT_EQ(sender_.under_way(), AlertSender::kOfActionMax);
    EXPECT_EQ(Fill("e", "page"), 0u);
    EXPECT_EQ(Fill("e", "chat"), AlertSender::kOfAlertMax);
    EXPECT_EQ(begun_, sender_.under_way());
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
  CancelSignal never_;
  size_t begun_ = 0;
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
  client_.Run([this] { return SendAgain(); });
  EXPECT_TRUE(outcome_.ok()) << outcome_;
  EXPECT_THAT(hook_.asked(), SizeIs(2));
  EXPECT_EQ(hook_.asked()[0], hook_.asked()[1]);
  EXPECT_EQ(failed_, "e1: it answered 500");
}

TEST_F(AlertSenderTest, WhatIsSentNoMoreKeepsNothingWaiting) {
  hook_.Answer({500});
  client_.Run([this] { return SendTheNext(); });
  EXPECT_EQ(told_, "e2");
  EXPECT_THAT(hook_.asked(), SizeIs(2));
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

TEST_F(AlertSenderTest, EachReceiverAndEachAlertHasItsShare) {
  client_.Run([&] { return FillAndStop(); });
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
