// Whole calls through the pipeline on simulated time: without a socket, a
// process, a thread or a second of waiting, and the same each time.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "errors/time_limit.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/registry/registry.h"
#include "service/observability/call_metrics.h"
#include "service/observability/call_record.h"
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

class SilentSink final : public AnswerSink {
 public:
  // Takes so long to take each batch of a stream.
  explicit SilentSink(absl::Duration takes) : takes_(takes) {}

  Task<absl::Status> SendBatch(Call& call, StreamBatch&) override {
    co_return co_await Sleep(call.loop, takes_, call.cancel);
  }
  Task<absl::Status> SendAnswer(Call&) override { co_return absl::OkStatus(); }
  Task<absl::Status> SendEnd(Call&, const absl::Status&) override {
    co_return absl::OkStatus();
  }

 private:
  const absl::Duration takes_;
};

// All that a simulation is made of.
class Simulation {
 public:
  Simulation() {
    std::vector<ProviderRegistry::Entry> entries;
    auto provider = std::make_unique<ScriptedProvider>("only");
    provider_ = provider.get();
    entries.push_back({.name = "only", .provider = std::move(provider)});
    runtime_ = MakeTestRuntimeWith(
        "providers: [{name: only, mock: {}}]\n"
        "routing: {default_target: {provider: only, model: m}}\n"
        "resilience: {retry: {attempts_limit: 3, backoff_base: 2s, "
        "backoff_limit: 30s}, call_timeout: 600s}\n",
        std::make_unique<const ProviderRegistry>(std::move(entries)),
        {.clock = &time_, .random = &random_});
    watching_ = *feed_.Subscribe({}, [] {});
  }

  ScriptedProvider& provider() { return *provider_; }
  SimulatedTime& clock() { return time_; }

  absl::Status Run() { return Run(/*stream=*/false, absl::ZeroDuration()); }

  // The caller takes so long to take each piece.
  absl::Status RunStream(absl::Duration caller_takes) {
    return Run(/*stream=*/true, caller_takes);
  }

  // That count against the target.
  int64_t failures() {
    return runtime_->resilience()
        .targets.Find("only", "m")
        .breaker.Read(time_.SteadyTime())
        .failures;
  }

  // How long each attempt of the last call took, after when it had begun.
  std::vector<std::pair<absl::Duration, absl::Duration>> Attempts() {
    std::vector<std::pair<absl::Duration, absl::Duration>> times;
    const std::optional<FeedEvent> event = watching_->Take();
    const CallRecord& record = event->call->record();
    for (const CallAttempt* attempt : record.attempts) {
      times.emplace_back(attempt->start_time - record.start_time,
                         attempt->duration);
    }
    return times;
  }

 private:
  absl::Status Run(bool stream, absl::Duration caller_takes) {
    google::protobuf::Arena arena;
    CancelSignal cancel;
    v1::GenerateRequest request;
    v1::Message& message = *request.add_messages();
    message.set_role(v1::ROLE_USER);
    message.add_parts()->set_text("What is six times seven?");
    Call call(runtime_, runner_.loop(), client_, cancel, arena,
              runner_.loop().Now());
    call.request = &request;
    call.facts.stream = stream;
    SilentSink sink(caller_takes);
    return runner_.Run(RunCall(call, sink, recorder_));
  }

  SimulatedTime time_;
  FakeRandom random_{7};
  LoopRunner runner_{time_};
  NoHttpClient client_;
  ScriptedProvider* provider_ = nullptr;
  std::shared_ptr<const RuntimeSnapshot> runtime_;
  MetricRegistry registry_{time_};
  CallMetrics metrics_{registry_, {}};
  RequestFeed feed_{{}};
  Recorder recorder_{nullptr, metrics_.AddShard(), feed_};
  std::unique_ptr<RequestFeed::Subscription> watching_;
};

absl::Status Down() {
  return MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down");
}

TEST(SimulatedCallsTest, AThousandCallsOfAMinuteTakeNoTime) {
  Simulation simulation;
  simulation.provider().TakeTime(absl::Minutes(1));
  simulation.provider().Answer("forty-two");
  const absl::Duration begin = simulation.clock().SteadyTime();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(simulation.Run().ok());
  EXPECT_EQ(simulation.clock().SteadyTime() - begin, absl::Minutes(1000));
}

TEST(SimulatedCallsTest, TheSameHappensEachTime) {
  std::optional<std::vector<std::pair<absl::Duration, absl::Duration>>> first;
  for (int i = 0; i < 3; ++i) {
    Simulation simulation;
    simulation.provider().TakeTime(absl::Seconds(3));
    simulation.provider().Fail(Down());
    simulation.provider().Fail(Down());
    simulation.provider().Answer("forty-two");
    EXPECT_TRUE(simulation.Run().ok());
    const auto attempts = simulation.Attempts();
    ASSERT_EQ(attempts.size(), 3u);
    EXPECT_EQ(attempts[2].second, absl::Seconds(3));
    if (!first.has_value()) first = attempts;
    EXPECT_EQ(attempts, *first);
  }
}

TEST(SimulatedCallsTest, WhoDoesNotTakeAnAnswerIsNoFaultOfTheProviders) {
  Simulation simulation;
  simulation.provider().Answer("forty-");
  absl::Status too_long =
      MakeFault(v1::ERROR_REASON_PROVIDER_TIMEOUT, "took too long");
  AddTimeLimit(too_long, kTotalTimeout);
  simulation.provider().BreakStreams(too_long);
  const absl::Status held_up = simulation.RunStream(absl::Seconds(1));
  EXPECT_EQ(FaultReason(held_up), v1::ERROR_REASON_DEADLINE_EXCEEDED);
  EXPECT_EQ(held_up.message(),
            "the stream broke off: took too long; its caller had not taken "
            "what had come for 1s");
  EXPECT_EQ(simulation.failures(), 0);
  const absl::Status took_too_long =
      simulation.RunStream(absl::Milliseconds(999));
  EXPECT_EQ(FaultReason(took_too_long), v1::ERROR_REASON_STREAM_INTERRUPTED);
  EXPECT_EQ(FaultMetadata(took_too_long, kTimeLimitKey), kTotalTimeout);
  EXPECT_EQ(simulation.failures(), 1);
  // What breaks off for another reason is its own fault, whoever is slow.
  simulation.provider().BreakStreams(Down());
  EXPECT_EQ(FaultReason(simulation.RunStream(absl::Seconds(9))),
            v1::ERROR_REASON_STREAM_INTERRUPTED);
  EXPECT_EQ(simulation.failures(), 2);
}

TEST(SimulatedCallsTest, AProviderThatSaysNothingIsLeftWithTheCallsTime) {
  Simulation simulation;
  simulation.provider().TakeTime(absl::Hours(1));
  simulation.provider().Answer("too late");
  EXPECT_EQ(FaultReason(simulation.Run()), v1::ERROR_REASON_DEADLINE_EXCEEDED);
  const auto attempts = simulation.Attempts();
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].second, absl::Minutes(10));
}

}  // namespace
}  // namespace gateway
