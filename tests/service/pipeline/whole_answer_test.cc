#include "service/pipeline/whole_answer.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/registry/registry.h"
#include "service/limits/limit_rule.h"
#include "service/observability/call_metrics.h"
#include "service/observability/metrics.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/answer_sink.h"
#include "service/pipeline/call.h"
#include "service/pipeline/pipeline.h"
#include "service/pipeline/recorder.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/no_http_client.h"
#include "tests/testing/scripted_provider.h"
#include "tests/testing/simulated_time.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

// The provider takes ten seconds for an answer.
class WholeAnswerTest : public testing::Test {
 public:
  static constexpr absl::Duration kAnswerTime = absl::Seconds(10);

  // A caller, and what it gets.
  struct Asker final : AnswerSink {
    Task<absl::Status> SendAnswer(Call& call) override {
      text = call.DecidingAttempt()
                 ->answer.response->choices(0)
                 .message()
                 .parts(0)
                 .text();
      is_reused = call.reused != nullptr;
      at = call.loop.Now();
      co_return absl::OkStatus();
    }
    Task<absl::Status> SendEnd(Call& call, const absl::Status& end) override {
      failure = end;
      at = call.loop.Now();
      co_return absl::OkStatus();
    }

    v1::GenerateRequest request;
    CancelSignal cancel;
    std::string text;
    bool is_reused = false;
    absl::Status failure;
    absl::Duration at;  // When it was told.
    bool done = false;
  };

  void Configure(const std::string& more) {
    std::vector<ProviderRegistry::Entry> entries;
    auto provider = std::make_unique<ScriptedProvider>("first");
    provider_ = provider.get();
    provider_->Answer("one");
    provider_->TakeTime(kAnswerTime);
    entries.push_back({.name = "first", .provider = std::move(provider)});
    runtime_ = MakeTestRuntimeWith(
        "providers: [{name: first, mock: {}}]\n"
        "routing: {default_target: first}\n" +
            more,
        std::make_unique<const ProviderRegistry>(std::move(entries)),
        {.clock = &time_, .random = &random_, .secure_random = &random_});
  }

  // Asks, with a key unless that is empty.
  Task<void> Ask(Asker& asker, std::string key = "") {
    asker.request.set_model("m");
    asker.request.set_idempotency_key(key);
    v1::Message& message = *asker.request.add_messages();
    message.set_role(v1::ROLE_USER);
    message.add_parts()->set_text(std::string(400, 'x'));
    google::protobuf::Arena arena;
    Call call(runtime_, runner_.loop(), client_, asker.cancel, arena,
              runner_.loop().Now());
    call.request = &asker.request;
    call.facts.model = "m";
    (co_await RunCall(call, asker, recorder_)).IgnoreError();
    asker.done = true;
  }

  Task<void> Wait(absl::Duration time) {
    CancelSignal never;
    (co_await Sleep(runner_.loop(), time, never)).IgnoreError();
  }

  // What is owed of the limit: calls, or the nanoseconds until all is back.
  int64_t Taken(std::string_view rule) {
    const int64_t now = absl::ToInt64Nanoseconds(time_.SteadyTime());
    int64_t taken = 0;
    LimitCounters& counters = runtime_->limits().Find(rule)->counters();
    if (counters.calls.has_value()) {
      counters.calls->ForEach(
          [&](const std::string&, int64_t count) { taken += count; });
    } else {
      counters.rates->ForEach(now, [&](const std::string&, int64_t back_at) {
        taken += std::max<int64_t>(back_at - now, 0);
      });
    }
    return taken;
  }

  SimulatedTime time_;
  FakeRandom random_{7};
  LoopRunner runner_{time_};
  NoHttpClient client_;
  MetricRegistry registry_{time_};
  CallMetrics metrics_{registry_, {}};
  RequestFeed feed_{{}};
  Recorder recorder_{nullptr, metrics_.AddShard(), feed_};
  ScriptedProvider* provider_ = nullptr;
  std::shared_ptr<const RuntimeSnapshot> runtime_;
};

TEST_F(WholeAnswerTest, CallsThatAreTheSameAtTheSameTimeGetOneAnswer) {
  Configure("coalescing: {}\n");
  const auto run = [](WholeAnswerTest& test) -> Task<void> {
    Asker first;
    Asker second;
    Spawn(test.Ask(first));
    co_await test.Wait(absl::Seconds(9));
    co_await test.Ask(second);
    EXPECT_EQ(second.text, "one");
    EXPECT_TRUE(second.is_reused);
    co_await test.Wait(absl::Seconds(1));
    EXPECT_EQ(first.text, "one");
    EXPECT_FALSE(first.is_reused);
    EXPECT_EQ(test.provider_->asked(), 1);
  };
  runner_.Run(run(*this));
}

// The request is estimated to have a hundred tokens; the provider says one.
TEST_F(WholeAnswerTest, WhoOnlyWaitsIsChargedARequestAndNoTokens) {
  Configure(
      "coalescing: {}\n"
      "prices: {models: [{model: m, input: '1', output: '1'}]}\n"
      "rate_limits:\n"
      "- {name: requests, unit: requests, limit: 100, window: 24h}\n"
      "- {name: tokens, unit: total_tokens, limit: 1000, window: 24h}\n"
      "- {name: dollars, unit: cost, limit_usd: '0.0001', window: 24h}\n"
      "- {name: calls, unit: concurrent_calls, limit: 9}\n");
  const auto run = [](WholeAnswerTest& test) -> Task<void> {
    Asker alone;
    co_await test.Ask(alone);
    const int64_t requests = test.Taken("requests");
    const int64_t tokens = test.Taken("tokens");
    const int64_t dollars = test.Taken("dollars");
    EXPECT_GT(tokens, 0);
    EXPECT_GT(dollars, 0);
    Asker first;
    Asker second;
    Spawn(test.Ask(first));
    co_await test.Wait(absl::Seconds(1));
    const int64_t estimated = test.Taken("tokens");
    Spawn(test.Ask(second));
    co_await test.Wait(absl::Seconds(1));
    EXPECT_EQ(test.Taken("calls"), 2);
    // A hundred were estimated of the first; what is not known yet is one.
    EXPECT_LT(test.Taken("tokens"), estimated + tokens);
    co_await test.Wait(kAnswerTime);
    EXPECT_TRUE(second.is_reused);
    EXPECT_EQ(test.Taken("calls"), 0);
    EXPECT_NEAR(test.Taken("requests"), 3 * requests, requests / 2.0);
    EXPECT_NEAR(test.Taken("tokens"), 2 * tokens, tokens / 2.0);
    EXPECT_NEAR(test.Taken("dollars"), 2 * dollars, dollars / 2.0);
  };
  runner_.Run(run(*this));
}

TEST_F(WholeAnswerTest, WhoWaitsInVainIsChargedARequestToo) {
  Configure(
      "idempotency: {}\n"
      "resilience: {retry: {attempts_limit: 1}}\n"
      "rate_limits:\n"
      "- {name: requests, unit: requests, limit: 100, window: 24h}\n");
  provider_->Fail(MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"));
  const auto run = [](WholeAnswerTest& test) -> Task<void> {
    Asker alone;
    co_await test.Ask(alone);  // The script's answer.
    const int64_t requests = test.Taken("requests");
    Asker first;
    Asker second;
    Spawn(test.Ask(first, "k"));
    co_await test.Wait(absl::Seconds(1));
    co_await test.Ask(second, "k");
    EXPECT_EQ(FaultReason(second.failure),
              v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
    EXPECT_EQ(test.provider_->asked(), 2);
    EXPECT_NEAR(test.Taken("requests"), 3 * requests, requests / 2.0);
  };
  runner_.Run(run(*this));
}

TEST_F(WholeAnswerTest, WhoLeavesIsToldAtOnceAndTheCallGoesOn) {
  Configure("idempotency: {}\n");
  const auto run = [](WholeAnswerTest& test) -> Task<void> {
    Asker first;
    const absl::Duration begin = test.runner_.loop().Now();
    Spawn(test.Ask(first, "k"));
    co_await test.Wait(absl::Seconds(1));
    first.cancel.Cancel(absl::CancelledError("gone"));
    co_await test.Wait(absl::Seconds(1));
    EXPECT_EQ(first.failure, absl::CancelledError("gone"));
    EXPECT_EQ(first.at - begin, absl::Seconds(1));
    EXPECT_FALSE(first.done);
    Asker again;
    co_await test.Ask(again, "k");
    EXPECT_EQ(again.text, "one");
    EXPECT_EQ(again.at - begin, kAnswerTime);
    EXPECT_EQ(test.provider_->asked(), 1);
    co_await YieldToLoop();
    EXPECT_TRUE(first.done);
  };
  runner_.Run(run(*this));
}

TEST_F(WholeAnswerTest, NoCallGoesOnForLongerThanCallsMay) {
  Configure(
      "idempotency: {}\n"
      "resilience: {call_timeout: 60s}\n");
  provider_->TakeTime(absl::Hours(1));
  const auto run = [](WholeAnswerTest& test) -> Task<void> {
    Asker first;
    Spawn(test.Ask(first, "k"));
    co_await test.Wait(absl::Seconds(1));
    first.cancel.Cancel(absl::CancelledError("gone"));
    co_await test.Wait(absl::Seconds(58));
    EXPECT_FALSE(first.done);
    co_await test.Wait(absl::Seconds(2));
    EXPECT_TRUE(first.done);
  };
  runner_.Run(run(*this));
}

TEST_F(WholeAnswerTest, WhatALimitRefusesIsNotMadeAndMayBeAskedForAgain) {
  Configure(
      "idempotency: {}\n"
      "rate_limits:\n"
      "- {name: requests, unit: requests, limit: 1, window: 1h}\n");
  const auto run = [](WholeAnswerTest& test) -> Task<void> {
    Asker alone;
    co_await test.Ask(alone);
    Asker refused;
    co_await test.Ask(refused, "k");
    EXPECT_EQ(FaultReason(refused.failure), v1::ERROR_REASON_RATE_LIMITED);
    co_await test.Wait(absl::Hours(1));
    Asker again;
    co_await test.Ask(again, "k");
    EXPECT_EQ(again.text, "one");
    EXPECT_FALSE(again.is_reused);
  };
  runner_.Run(run(*this));
}

TEST_F(WholeAnswerTest, WhatIsKeptIsNotTakenPastALimit) {
  Configure(
      "cache: {}\n"
      "rate_limits:\n"
      "- {name: requests, unit: requests, limit: 1, window: 1h}\n");
  const auto run = [](WholeAnswerTest& test) -> Task<void> {
    Asker first;
    co_await test.Ask(first);
    EXPECT_EQ(first.text, "one");
    Asker refused;
    co_await test.Ask(refused);
    EXPECT_EQ(FaultReason(refused.failure), v1::ERROR_REASON_RATE_LIMITED);
    EXPECT_EQ(refused.text, "");
  };
  runner_.Run(run(*this));
}

}  // namespace
}  // namespace gateway
