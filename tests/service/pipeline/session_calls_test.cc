// Whole calls that go on with a session, on simulated time.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/registry/registry.h"
#include "service/observability/call_metrics.h"
#include "service/observability/metrics.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/answer_sink.h"
#include "service/pipeline/call.h"
#include "service/pipeline/pipeline.h"
#include "service/pipeline/recorder.h"
#include "service/sessions/session_store.h"
#include "service/store/memory_record_store.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/no_http_client.h"
#include "tests/testing/scripted_provider.h"
#include "tests/testing/simulated_time.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

// The caller, who looks at the session as soon as it is told the end, and goes
// on with it.
class CallersSink final : public AnswerSink {
 public:
  CallersSink(SessionStore& sessions, std::string id)
      : sessions_(sessions), id_(std::move(id)) {}

  Task<absl::Status> SendBatch(Call&, StreamBatch&) override {
    ++batches;
    co_return taken;
  }
  Task<absl::Status> SendAnswer(Call&) override {
    co_await Look();
    co_return absl::OkStatus();
  }
  Task<absl::Status> SendEnd(Call&, const absl::Status&) override {
    co_await Look();
    co_return absl::OkStatus();
  }

  absl::Status taken;
  int batches = 0;
  int messages = -1;
  absl::Status goes_on = absl::UnknownError("was not told");

 private:
  Task<void> Look() {
    CancelSignal never;
    const SessionLimits limits = {
        .messages = 100, .session_bytes = 1 << 20, .size_bytes = 1 << 20};
    const SessionStore::TurnOptions options;
    const auto turn = co_await sessions_.Begin(limits, "", id_, options, never);
    goes_on = turn.status();
    if (turn.ok()) messages = (*turn)->messages().size();
  }

  SessionStore& sessions_;
  const std::string id_;
};

class SessionCallsTest : public testing::Test {
 protected:
  SessionCallsTest() {
    std::vector<ProviderRegistry::Entry> entries;
    auto provider = std::make_unique<ScriptedProvider>("only");
    provider_ = provider.get();
    entries.push_back({.name = "only", .provider = std::move(provider)});
    runtime_ = MakeTestRuntimeWith(
        "providers: [{name: only, mock: {}}]\n"
        "routing: {default_target: {provider: only, model: m}}\n"
        "resilience: {retry: {attempts_limit: 1}}\n"
        "sessions: {}\n",
        std::make_unique<const ProviderRegistry>(std::move(entries)),
        {.clock = &time_, .random = &random_, .sessions = &sessions_});
    const v1::CreateSessionRequest request;
    CancelSignal never;
    id_ = runner_
              .Run(sessions_.Create(
                  SessionLimits::Of(runtime_->config().sessions()), "", request,
                  never))
              ->id();
  }

  absl::Status Run(bool stream, CallersSink& sink, CancelSignal& cancel) {
    google::protobuf::Arena arena;
    v1::GenerateRequest request;
    v1::Message& message = *request.add_messages();
    message.set_role(v1::ROLE_USER);
    message.add_parts()->set_text("What is six times seven?");
    request.set_session(id_);
    Call call(runtime_, runner_.loop(), client_, cancel, arena,
              runner_.loop().Now());
    call.request = &request;
    call.facts.session = request.session();
    call.facts.stream = stream;
    return runner_.Run(RunCall(call, sink, recorder_));
  }

  SimulatedTime time_;
  FakeRandom random_{7};
  LoopRunner runner_{time_};
  MemoryRecordStore records_{{}, time_};
  SessionStore sessions_{records_, time_, random_};
  NoHttpClient client_;
  ScriptedProvider* provider_ = nullptr;
  std::shared_ptr<const RuntimeSnapshot> runtime_;
  MetricRegistry registry_{time_};
  CallMetrics metrics_{registry_, {}};
  RequestFeed feed_{{}};
  Recorder recorder_{nullptr, metrics_.AddShard(), feed_};
  std::string id_;
};

TEST_F(SessionCallsTest, WhoeverIsToldTheEndFindsTheTurnAndMayGoOn) {
  provider_->Answer("forty-two");
  int messages = 0;
  for (const bool stream : {false, true}) {
    CallersSink sink(sessions_, id_);
    CancelSignal cancel;
    const absl::Status ended = Run(stream, sink, cancel);
    ASSERT_TRUE(ended.ok()) << ended;
    EXPECT_TRUE(sink.goes_on.ok()) << sink.goes_on;
    EXPECT_EQ(sink.messages, messages += 2);
  }
}

TEST_F(SessionCallsTest, OfAFailedCallNothingIsAddedAndItsCallerMayGoOn) {
  for (const bool stream : {false, true}) {
    provider_->Fail(MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"));
    CallersSink sink(sessions_, id_);
    CancelSignal cancel;
    EXPECT_FALSE(Run(stream, sink, cancel).ok());
    EXPECT_TRUE(sink.goes_on.ok()) << sink.goes_on;
    EXPECT_EQ(sink.messages, 0);
  }
}

TEST_F(SessionCallsTest, OfAStreamThatBreaksOffNothingIsAdded) {
  provider_->Answer("forty-");
  provider_->BreakStreams(
      MakeFault(v1::ERROR_REASON_STREAM_INTERRUPTED, "broken"));
  CallersSink sink(sessions_, id_);
  CancelSignal cancel;
  EXPECT_FALSE(Run(/*stream=*/true, sink, cancel).ok());
  EXPECT_GT(sink.batches, 0);
  EXPECT_EQ(sink.messages, 0);
}

TEST_F(SessionCallsTest, OfAStreamThatNobodyTakesNothingIsAdded) {
  provider_->Answer("forty-two");
  CallersSink sink(sessions_, id_);
  sink.taken = absl::CancelledError("the caller is gone");
  CancelSignal cancel;
  EXPECT_FALSE(Run(/*stream=*/true, sink, cancel).ok());
  EXPECT_EQ(sink.messages, 0);
}

TEST_F(SessionCallsTest, ACallThatIsCancelledBeforeItBeginsAddsNothing) {
  provider_->Answer("forty-two");
  CallersSink sink(sessions_, id_);
  CancelSignal cancel;
  cancel.Cancel(absl::CancelledError("the caller is gone"));
  EXPECT_FALSE(Run(/*stream=*/false, sink, cancel).ok());
  EXPECT_EQ(sink.messages, 0);
}

}  // namespace
}  // namespace gateway
