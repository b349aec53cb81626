#include "service/pipeline/context_service.h"

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "google/protobuf/util/time_util.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/overload.pb.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/simulated_time.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::CmsConfig;

// An answer without a body.
class BareExchange final : public HttpExchange {
 public:
  explicit BareExchange(int status) : status_(status) {}

  int status() const override { return status_; }
  std::string_view Find(std::string_view) const override { return {}; }
  absl::Span<const HttpField> Fields(FieldViews&) const override { return {}; }
  Task<absl::StatusOr<absl::Span<const std::string_view>>> Read() override {
    co_return absl::Span<const std::string_view>();
  }
  Task<absl::StatusOr<std::string_view>> ReadAll() override {
    co_return std::string_view();
  }
  void DropBody() override {}
  bool Keep(size_t) override { return true; }
  void FinishInBackground() override {}

 private:
  const int status_;
};

// Says how the service is, or nothing.
class HealthClient final : public HttpClient {
 public:
  explicit HealthClient(EventLoop& loop) : loop_(loop) {}

  Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> Send(
      const HttpCall& call) override {
    ++asked;
    asked_for = std::string(call.head->path());
    unused = call.head->destination()->unused;
    if (hangs) {
      co_return co_await Sleep(loop_, absl::InfiniteDuration(), *call.cancel);
    }
    if (!fails.ok()) co_return fails;
    co_return std::make_unique<BareExchange>(status);
  }

  int asked = 0;
  std::string asked_for;
  std::shared_ptr<const std::atomic<bool>> unused;  // Of its destination.
  bool hangs = false;
  absl::Status fails;
  int status = 200;

 private:
  EventLoop& loop_;
};

class ContextServiceTest : public testing::Test {
 protected:
  static CmsConfig Config(const std::string& url) {
    CmsConfig config;
    config.set_url(url);
    config.set_enabled(true);
    *config.mutable_timeout() =
        google::protobuf::util::TimeUtil::SecondsToDuration(5);
    config.add_aware_providers("behind");
    return config;
  }

  bool IsThere() {
    return runner_.Run(service_->IsThere(runner_.loop(), client_, cancel_));
  }
  void Pass(absl::Duration time) {
    CancelSignal never;
    runner_.Run(Sleep(runner_.loop(), time, never)).IgnoreError();
  }

  SimulatedTime time_;
  LoopRunner runner_{time_};
  HealthClient client_{runner_.loop()};
  CancelSignal cancel_;
  std::unique_ptr<ContextService> service_ =
      *ContextService::Make(Config("http://cms.example:8086/base"));
};

TEST_F(ContextServiceTest, IsThereIfItsHealthIsWell) {
  EXPECT_TRUE(IsThere());
  EXPECT_EQ(client_.asked_for, "/base/health");
}

TEST_F(ContextServiceTest, AnyOtherAnswerIsNone) {
  client_.status = 503;
  EXPECT_FALSE(IsThere());
  Pass(ContextService::kRememberedFor);
  client_.fails = absl::UnavailableError("refused");
  EXPECT_FALSE(IsThere());
}

TEST_F(ContextServiceTest, SilenceIsWaitedForBriefly) {
  client_.hangs = true;
  const absl::Duration before = time_.SteadyTime();
  EXPECT_FALSE(IsThere());
  EXPECT_GE(time_.SteadyTime() - before, absl::Seconds(5));
  EXPECT_LE(time_.SteadyTime() - before, absl::Seconds(6));
}

TEST_F(ContextServiceTest, WhatItSaidIsRememberedForASecond) {
  EXPECT_TRUE(IsThere());
  client_.status = 500;
  Pass(ContextService::kRememberedFor - absl::Milliseconds(10));
  EXPECT_TRUE(IsThere());
  EXPECT_EQ(client_.asked, 1);
  Pass(absl::Milliseconds(20));
  EXPECT_FALSE(IsThere());
  EXPECT_EQ(client_.asked, 2);
}

TEST_F(ContextServiceTest, ACallerWhoLeavesFindsNothingOut) {
  cancel_.Cancel(absl::CancelledError("gone"));
  client_.hangs = true;
  EXPECT_FALSE(IsThere());
  EXPECT_FALSE(IsThere());
  EXPECT_EQ(client_.asked, 2);
}

// A reload makes another service.
TEST_F(ContextServiceTest, NobodyUsesItsAddressOnceItIsGone) {
  EXPECT_TRUE(IsThere());
  EXPECT_FALSE(client_.unused->load());
  service_.reset();
  EXPECT_TRUE(client_.unused->load());
}

TEST_F(ContextServiceTest, TellsThoseWhoWantToKnow) {
  EXPECT_TRUE(service_->Tells("behind"));
  EXPECT_FALSE(service_->Tells("before"));
}

TEST_F(ContextServiceTest, IsMadeIfItIsEnabled) {
  CmsConfig config = Config("http://cms.example");
  config.set_enabled(false);
  EXPECT_EQ(*ContextService::Make(config), nullptr);
  EXPECT_EQ(*ContextService::Make(CmsConfig()), nullptr);
  EXPECT_FALSE(ContextService::Make(Config("cms.example")).ok());
}

}  // namespace
}  // namespace gateway
