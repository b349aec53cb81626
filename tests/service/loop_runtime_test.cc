#include "service/loop_runtime.h"

#include <atomic>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/worker_pool.h"
#include "base/http/http_handler.h"
#include "base/net/listener.h"
#include "base/net/resolver.h"
#include "base/os/clock.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/observability/call_metrics.h"
#include "service/observability/metrics.h"
#include "service/observability/provider_health.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/loop_services.h"
#include "tests/testing/event.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

// What handlers do and what became of their requests. It outlives the loop,
// whose handlers come and go.
struct Script {
  // Answers wait until it opens, or until the request is cancelled.
  bool open = true;
  Event asked;
  WakeUp news;            // Of the loop.
  absl::Status ended_by;  // Why a request was not answered.
  int handlers = 0;
};

class ScriptedHandler final : public HttpHandler {
 public:
  explicit ScriptedHandler(Script& script) : script_(script) {
    ++script_.handlers;
  }
  ~ScriptedHandler() override { --script_.handlers; }

  Task<void> Handle(const HttpRequest&, HttpResponder& responder) override {
    script_.asked.Set();
    if (!script_.open) {
      CancelListener gone(responder.gone(), [this, &responder] {
        script_.ended_by = responder.gone().status();
        script_.news.Set();
      });
      co_await script_.news.Wait();
    }
    const std::string_view body[] = {script_.open ? "answered" : "sent away"};
    (co_await responder.Send({script_.open ? 200 : 503, {}}, body))
        .IgnoreError();
  }

 private:
  Script& script_;
};

class LoopRuntimeTest : public testing::Test {
 protected:
  ~LoopRuntimeTest() override { Stop(); }

  absl::Status Start(Script& script, const ListenAddress& address,
                     bool outlives_drain = false) {
    LoopRuntime::HttpListener listener;
    listener.address = &address;
    listener.outlives_drain = outlives_drain;
    listener.handler = [&script](LoopServices&) {
      return std::make_unique<ScriptedHandler>(script);
    };
    return runtime_.Start(0, {std::move(listener)});
  }

  void Stop() {
    if (!std::exchange(stopped_, true)) runtime_.Stop();
  }

  // False if it is not over in time.
  bool Drain(absl::Duration grace) {
    StartDraining(grace);
    return drained_.Wait();
  }
  void StartDraining(absl::Duration grace) {
    runtime_.Drain(grace, [this] { drained_.Set(); });
  }

  // Waits until the loop has come so far.
  bool Settle() {
    const auto done = std::make_shared<Event>();
    runtime_.loop().Post([done] { done->Set(); });
    return done->Wait();
  }

  absl::StatusOr<ListenAddress> address_ = BindAddress("127.0.0.1:0");
  Resolver resolver_;
  CurrentRuntime snapshot_{
      MakeTestRuntime("providers: [{name: mock, mock: {}}]\n")};
  MetricRegistry registry_{SystemClock()};
  CallMetrics metrics_{registry_, {}};
  RequestFeed feed_{{}};
  ProviderHealthBoard health_;
  Event drained_;
  bool stopped_ = false;
  WorkerPool work_{/*threads_each=*/1};
  LoopRuntime runtime_{{resolver_, snapshot_, work_, /*access_log=*/nullptr,
                        metrics_, feed_, health_, registry_}};
};

TEST_F(LoopRuntimeTest, ServesItsListenersOnItsOwnThread) {
  Script script;
  ASSERT_TRUE(Start(script, *address_).ok());
  RawClient client = RawClient::Connect(address_->port());
  client.Send(kGet);
  EXPECT_EQ(client.ReceiveAnswer().body, "answered");
  Event seen;
  runtime_.loop().Post([&] {
    LoopServices& services = runtime_.services();
    EXPECT_EQ(&services.loop, EventLoop::Current());
    EXPECT_EQ(services.runtime.Get(), snapshot_.Get());
    seen.Set();
  });
  EXPECT_TRUE(seen.Wait());
  EXPECT_TRUE(Drain(absl::ZeroDuration()));
  Stop();
  EXPECT_EQ(script.handlers, 0);
}

TEST_F(LoopRuntimeTest, AllLoopsHaveDoneWhatTheyWereToldBefore) {
  std::vector<std::unique_ptr<LoopRuntime>> loops;
  for (int i = 0; i < 3; ++i) {
    loops.push_back(std::make_unique<LoopRuntime>(
        LoopRuntime::Shared{resolver_, snapshot_, work_, /*access_log=*/nullptr,
                            metrics_, feed_, health_, registry_}));
    ASSERT_TRUE(loops.back()->Start(i, {}).ok());
  }
  std::atomic<int> done = 0;
  for (const auto& each : loops) each->loop().Post([&done] { ++done; });
  AwaitLoops(loops);
  EXPECT_EQ(done, 3);
  for (const auto& each : loops) {
    Event drained;
    each->Drain(absl::ZeroDuration(), [&drained] { drained.Set(); });
    EXPECT_TRUE(drained.Wait());
    each->Stop();
  }
  ASSERT_TRUE(runtime_.Start(0, {}).ok());
}

TEST_F(LoopRuntimeTest, AnIdleConnectionDoesNotHoldADrainUp) {
  Script script;
  ASSERT_TRUE(Start(script, *address_).ok());
  RawClient client = RawClient::Connect(address_->port());
  client.Send(kGet);
  EXPECT_EQ(client.ReceiveAnswer().status, 200);
  EXPECT_TRUE(Drain(absl::InfiniteDuration()));
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(LoopRuntimeTest, ARequestMayFinishWithinTheGrace) {
  Script script{.open = false};
  ASSERT_TRUE(Start(script, *address_).ok());
  RawClient client = RawClient::Connect(address_->port());
  client.Send(kGet);
  ASSERT_TRUE(script.asked.Wait());
  StartDraining(absl::InfiniteDuration());
  ASSERT_TRUE(Settle());
  EXPECT_FALSE(drained_.IsSet());
  runtime_.loop().Post([&script] {
    script.open = true;
    script.news.Set();
  });
  EXPECT_TRUE(drained_.Wait());
  EXPECT_TRUE(script.ended_by.ok());
  EXPECT_EQ(client.ReceiveAnswer().body, "answered");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(LoopRuntimeTest, WhatIsLeftAfterTheGraceIsToldThatTheGatewayDrains) {
  Script script{.open = false};
  ASSERT_TRUE(Start(script, *address_).ok());
  RawClient client = RawClient::Connect(address_->port());
  client.Send(kGet);
  ASSERT_TRUE(script.asked.Wait());
  EXPECT_TRUE(Drain(absl::Milliseconds(1)));
  EXPECT_EQ(FaultReason(script.ended_by), v1::ERROR_REASON_DRAINING);
  // It still got its answer.
  const RawAnswer answer = client.ReceiveAnswer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "sent away");
}

TEST_F(LoopRuntimeTest, AnApiMayServeUntilTheStop) {
  Script script;
  ASSERT_TRUE(Start(script, *address_, /*outlives_drain=*/true).ok());
  EXPECT_TRUE(Drain(absl::ZeroDuration()));
  RawClient client = RawClient::Connect(address_->port());
  client.Send(kGet);
  EXPECT_EQ(client.ReceiveAnswer().body, "answered");
  Stop();
  EXPECT_TRUE(client.AtEnd());
  EXPECT_EQ(script.handlers, 0);
}

TEST_F(LoopRuntimeTest, AListenerThatCannotBeOpenedIsAnErrorAndNoMore) {
  const ListenAddress moved_away = *std::move(address_);
  Script script;
  // NOLINTNEXTLINE(bugprone-use-after-move): it holds no socket any more.
  const absl::Status status = Start(script, *address_);
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(Drain(absl::ZeroDuration()));
}

TEST_F(LoopRuntimeTest, OneThatWasNeverStartedIsDrainedAtOnce) {
  StartDraining(absl::InfiniteDuration());
  EXPECT_TRUE(drained_.IsSet());
  Stop();
}

}  // namespace
}  // namespace gateway
