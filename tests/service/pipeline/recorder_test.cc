#include "service/pipeline/recorder.h"

#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "errors/fault.h"
#include "errors/time_limit.h"
#include "gmock/gmock.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "service/alerts/alert_counts.h"
#include "service/identity/caller.h"
#include "service/observability/access_log.h"
#include "service/observability/call_metrics.h"
#include "service/observability/call_record.h"
#include "service/observability/metrics.h"
#include "service/observability/provider_health.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/call.h"
#include "service/pipeline/recorded_model.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/no_http_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

class RecorderTest : public testing::Test {
 protected:
  RecorderTest() {
    auto watching = feed_.Subscribe({}, [] {});
    EXPECT_TRUE(watching.ok());
    watching_ = *std::move(watching);
    call_.facts.request_id = "r-1";
    call_.facts.operation = "GenerateSomething";
    call_.facts.model = "m";
    NameModel(call_);
  }

  Attempt& AddAttempt(absl::Status status) {
    Attempt& one = call_.attempts.Add();
    one.provider = "mock";
    one.model = "mock-model";
    one.start_time = absl::FromUnixSeconds(100);
    one.End(std::move(status), absl::Seconds(2));
    return one;
  }

  static absl::Status Unavailable() {
    return MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "503");
  }

  // The sum over all labels of a metric; nothing if it is not there.
  std::optional<double> Metric(std::string_view name) {
    for (const MetricFamilyValue& family : registry_.Read().families) {
      if (family.name != name) continue;
      double sum = 0;
      for (const MetricValue& metric : family.metrics) sum += metric.number;
      return sum;
    }
    return std::nullopt;
  }

  LoopRunner runner_;
  NoHttpClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  Call call_{MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"),
             runner_.loop(),
             client_,
             cancel_,
             arena_,
             runner_.loop().Now()};

  FakeClock clock_;
  MetricRegistry registry_{clock_};
  CallMetrics metrics_{registry_, {}};
  RequestFeed feed_{{}};
  std::unique_ptr<RequestFeed::Subscription> watching_;
  ProviderHealthBoard board_;
  Recorder recorder_{nullptr, metrics_.AddShard(), feed_, &board_.AddShard()};
};

TEST_F(RecorderTest, CountsACallAsInFlightUntilItsEnd) {
  {
    const InflightCall inflight = recorder_.Begin(call_);
    EXPECT_EQ(Metric("llmgw_inflight_requests"), 1);
  }
  EXPECT_EQ(Metric("llmgw_inflight_requests"), 0);
}

// Within one turn of the loop, whose clock then stands still.
TEST_F(RecorderTest, CallersWhoAreNotKnownDoNotFillTheAccessLog) {
  const std::string path = testing::TempDir() + "/unauthenticated.log";
  auto log = AccessLog::Open({.file = path});
  ASSERT_TRUE(log.ok()) << log.status();
  {
    Recorder recorder(&(*log)->AddShard(), metrics_.AddShard(), feed_);
    const absl::Status refused =
        MakeFault(v1::ERROR_REASON_API_KEY_INVALID, "not known");
    const absl::Status guessed =
        MakeFault(v1::ERROR_REASON_RATE_LIMITED, "too many guesses");
    for (int i = 0; i < 50; ++i) {
      recorder.Record(call_, refused);
      recorder.Record(call_, guessed);
    }
    call_.caller = AnonymousCaller();
    recorder.Record(call_, absl::OkStatus());
  }
  EXPECT_EQ(Metric("llm_request_total"), 101);
  log->reset();
  std::ifstream file(path);
  int refused = 0;
  int others = 0;
  for (std::string line; std::getline(file, line);) {
    ++(line.find("\"error_reason\"") == std::string::npos ? others : refused);
  }
  EXPECT_EQ(refused, kUnknownCallersLoggedPerSecond);
  EXPECT_EQ(others, 1);
}

TEST_F(RecorderTest, RefusalsOfOneCallerDoNotFillTheAccessLog) {
  const std::string path = testing::TempDir() + "/refused.log";
  auto log = AccessLog::Open({.file = path});
  ASSERT_TRUE(log.ok()) << log.status();
  {
    Recorder recorder(&(*log)->AddShard(), metrics_.AddShard(), feed_);
    const absl::Status refused =
        MakeFault(v1::ERROR_REASON_BUDGET_EXCEEDED, "nothing is left");
    for (const std::string_view id : {"mallory", "alice"}) {
      auto caller = std::make_shared<Caller>();
      caller->id = std::string(id);
      caller->method = CallerMethod::kConfiguredKey;
      call_.caller = std::move(caller);
      for (int i = 0; i < 150; ++i) recorder.Record(call_, refused);
    }
    // What a provider was asked for is no refusal, whatever came of it.
    AddAttempt(Unavailable());
    for (int i = 0; i < 150; ++i) recorder.Record(call_, Unavailable());
  }
  EXPECT_EQ(Metric("llm_request_total"), 450);
  log->reset();
  std::ifstream file(path);
  std::map<std::string, int> lines;
  for (std::string line; std::getline(file, line);) {
    const bool failed =
        line.find("PROVIDER_UNAVAILABLE") != std::string::npos;
    const bool is_mallory = line.find("mallory") != std::string::npos;
    ++lines[failed ? "failed" : is_mallory ? "mallory" : "alice"];
  }
  EXPECT_EQ(lines["mallory"], 100);
  EXPECT_EQ(lines["alice"], 100);
  EXPECT_EQ(lines["failed"], 150);
}

TEST_F(RecorderTest, TellsWatchersAndMetricsTheSameOnce) {
  AddAttempt(Unavailable()).kind = v1::Attempt::KIND_FIRST;
  AddAttempt(absl::OkStatus()).kind = v1::Attempt::KIND_RETRY;
  call_.attempts.back().answer.facts.usage.set_input_tokens(11);
  call_.attempts.back().answer.facts.usage.set_output_tokens(5);
  recorder_.Record(call_, absl::OkStatus());

  const std::optional<FeedEvent> event = watching_->Take();
  ASSERT_TRUE(event.has_value());
  const CallRecord& record = event->call->record();
  EXPECT_EQ(record.request_id, "r-1");
  EXPECT_EQ(record.operation, "GenerateSomething");
  EXPECT_EQ(record.model_asked, "m");
  EXPECT_EQ(record.provider, "mock");
  EXPECT_EQ(record.model_served, "mock-model");
  EXPECT_EQ(record.error_reason, v1::ERROR_REASON_UNSPECIFIED);
  ASSERT_EQ(record.attempts.size(), 2u);
  EXPECT_EQ(record.attempts[0]->error_reason,
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(record.attempts[1]->error_reason, v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(record.usage->input_tokens(), 11);
  EXPECT_FALSE(watching_->Take().has_value());

  EXPECT_EQ(Metric("llm_request_total"), 1);
  EXPECT_EQ(Metric("retry_attempts_total"), 1);
  EXPECT_EQ(Metric("llm_tokens_total"), 16);
  EXPECT_EQ(Metric("llm_errors_total"), std::nullopt);
}

TEST_F(RecorderTest, ACountSaysNothingOfWhoServesAndAnAnswerDoes) {
  AddAttempt(absl::OkStatus());
  call_.facts.counts = true;
  recorder_.Record(call_, absl::OkStatus());
  EXPECT_EQ(Metric("llmgw_served_calls_total"), std::nullopt);
  call_.facts.counts = false;
  recorder_.Record(call_, absl::OkStatus());
  EXPECT_EQ(Metric("llmgw_served_calls_total"), 1);
}

TEST_F(RecorderTest, ATimeOutIsNoProvidersWhoseCallerLeftItTooLittle) {
  absl::Status timeout =
      MakeFault(v1::ERROR_REASON_PROVIDER_TIMEOUT, "no content within 1ms");
  AddTimeLimit(timeout, kDeadlineShare);
  AddAttempt(timeout);
  recorder_.Record(call_, timeout);
  EXPECT_EQ(Metric("llmgw_served_calls_total"), std::nullopt);
  AddFaultMetadata(timeout, kUsualTimeKey, "1ms");
  recorder_.Record(call_, timeout);
  EXPECT_EQ(Metric("llmgw_served_calls_total"), 1);
}

TEST_F(RecorderTest, WhoGoesOnWithAStreamNamesItsCall) {
  call_.facts.resumes = "req-begun";
  recorder_.Record(call_, absl::OkStatus());
  EXPECT_EQ(watching_->Take()->call->record().answer_of, "req-begun");
}

TEST_F(RecorderTest, SaysWhyACallFailed) {
  AddAttempt(Unavailable());
  recorder_.Record(call_, Unavailable());
  const std::optional<FeedEvent> event = watching_->Take();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->call->record().status_code, absl::StatusCode::kUnavailable);
  EXPECT_EQ(event->call->record().error_reason,
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(Metric("llm_errors_total"), 1);
}

// A watcher's messages have a limit, which a name from a caller must not break.
TEST_F(RecorderTest, LongTextsAreCutBetweenCharacters) {
  std::string name = "m";
  while (name.size() < 8'000'000) name += "\u00e9";
  call_.facts.model = name;
  NameModel(call_);
  AddAttempt(absl::InternalError(name));
  recorder_.Record(call_, absl::OkStatus());
  const std::optional<FeedEvent> event = watching_->Take();
  ASSERT_TRUE(event.has_value());
  const CallRecord& record = event->call->record();
  EXPECT_EQ(record.model_asked, name.substr(0, 1023));
  EXPECT_EQ(record.attempts[0]->error_message, name.substr(0, 1023));
}

TEST_F(RecorderTest, ACallThatWentNowhereSaysNothingOfAnyProvider) {
  recorder_.Record(call_, MakeFault(v1::ERROR_REASON_MODEL_NOT_FOUND, "no"));
  EXPECT_EQ(watching_->Take()->call->record().provider, "");
  EXPECT_EQ(board_.Read("mock").attempts, 0);
}

TEST_F(RecorderTest, EveryTryTellsOfTheHealthOfItsProvider) {
  AddAttempt(Unavailable());
  AddAttempt(Unavailable());
  recorder_.Record(call_, Unavailable());
  const ProviderHealth health = board_.Read("mock");
  EXPECT_EQ(health.attempts, 2);
  EXPECT_EQ(health.consecutive_failures, 2);
  EXPECT_EQ(health.last_failure, absl::FromUnixSeconds(102));
  EXPECT_EQ(health.last_failure_reason, v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
}

TEST_F(RecorderTest, AConnectionThatHadGoneStaleIsNoFailureOfTheProvider) {
  Attempt& stale = AddAttempt(Unavailable());
  stale.progress.http.not_processed = true;
  stale.End(stale.status, stale.duration);
  AddAttempt(absl::OkStatus());
  recorder_.Record(call_, absl::OkStatus());
  const ProviderHealth health = board_.Read("mock");
  EXPECT_EQ(health.attempts, 1);
  EXPECT_EQ(health.failures, 0);
  EXPECT_EQ(health.last_success, absl::FromUnixSeconds(102));
}

TEST_F(RecorderTest, NeedsNoBoard) {
  Recorder recorder(nullptr, metrics_.AddShard(), feed_);
  AddAttempt(absl::OkStatus());
  recorder.Record(call_, absl::OkStatus());
  EXPECT_TRUE(watching_->Take().has_value());
}

TEST_F(RecorderTest, CallsAreCountedForAlerts) {
  AlertCounts counts;
  Recorder recorder(nullptr, metrics_.AddShard(), feed_, nullptr, 0,
                    std::nullopt, nullptr, &counts.AddShard());
  AddAttempt(absl::OkStatus());
  recorder.Record(call_, absl::OkStatus());
  recorder.Record(call_, Unavailable());
  EXPECT_EQ(counts.Read().calls, 2);
  EXPECT_EQ(counts.Read().failures, 1);
}

}  // namespace
}  // namespace gateway
