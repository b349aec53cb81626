#include "providers/mock/mock_provider.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "providers/provider_kind.h"
#include "providers/registry/all_providers.h"
#include "service/config/defaults.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

// What came of one call.
struct Outcome {
  absl::Status status;
  v1::GenerateResponse response;
  EventList events;
  ResponseFacts facts;
  AttemptProgress progress;
  absl::Duration took;

  int Count(v1::GenerateEvent::EventCase kind) const {
    int count = 0;
    for (const v1::GenerateEvent& event : events) {
      count += event.event_case() == kind;
    }
    return count;
  }

  std::string Text() const {
    std::string text;
    for (const v1::GenerateEvent& event : events) text += event.delta().text();
    return text;
  }
};

class MockProviderTest : public testing::Test {
 protected:
  void Configure(const std::string& mock) {
    llmgateway::config::v1::GatewayConfig config;
    auto* provider = config.add_providers();
    provider->set_name("dummy");
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
        mock, provider->mutable_mock()));
    ApplyDefaults(AllProviderKinds(), &config);
    provider_ = std::make_unique<MockProvider>("dummy",
                                               config.providers(0).mock());
  }

  ProviderCall MakeCall(Outcome* outcome) {
    ProviderCall call;
    call.loop = &runner_.loop();
    call.cancel = &cancel_;
    call.model = "mock-model";
    call.request = &request_;
    call.progress = &outcome->progress;
    call.warnings = &warnings_;
    return call;
  }

  Outcome Generate() {
    Outcome outcome;
    runner_.Run(RunGenerate(&outcome));
    return outcome;
  }

  Outcome Stream() {
    Outcome outcome;
    runner_.Run(RunStream(&outcome));
    return outcome;
  }

  // Cancels the call while it runs.
  void CancelSoon() {
    timer_ = std::make_unique<Timer>(
        [this] { cancel_.Cancel(absl::CancelledError("the client left")); });
    runner_.loop().ArmTimer(*timer_, absl::Milliseconds(5));
  }

  LoopRunner runner_;
  CancelSignal cancel_;
  std::unique_ptr<Timer> timer_;
  v1::GenerateRequest request_;
  std::vector<v1::Warning> warnings_;
  std::unique_ptr<MockProvider> provider_;

 private:
  Task<void> RunGenerate(Outcome* outcome) {
    const absl::Duration began = runner_.loop().Now();
    ProviderCall call = MakeCall(outcome);
    ProviderAnswer answer;
    answer.response = &outcome->response;
    outcome->status = co_await provider_->Generate(call, &answer);
    outcome->facts = answer.facts;
    outcome->took = runner_.loop().Now() - began;
  }

  Task<void> RunStream(Outcome* outcome) {
    const absl::Duration began = runner_.loop().Now();
    ProviderCall call = MakeCall(outcome);
    absl::StatusOr<std::unique_ptr<ProviderStream>> stream =
        co_await provider_->Stream(call);
    outcome->status = stream.status();
    StreamBatch batch;
    while (stream.ok()) {
      const absl::StatusOr<bool> more = co_await (*stream)->Next(&batch);
      outcome->facts = (*stream)->facts();
      outcome->status = more.status();
      if (!more.ok() || !*more) break;
      EXPECT_EQ(batch.events.size(), 1u);
      EXPECT_EQ(batch.content_events > 0, batch.events[0].has_delta() ||
                                   batch.events[0].has_choice_end());
      outcome->events.push_back(batch.events[0]);
    }
    outcome->took = runner_.loop().Now() - began;
  }
};

TEST_F(MockProviderTest, SaysItsReplyAndItsUsage) {
  Configure("reply: \"hi\" input_tokens: 7 output_tokens: 9");
  const Outcome outcome = Generate();
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.response.choices(0).message().parts(0).text(), "hi");
  EXPECT_EQ(outcome.response.usage().input_tokens(), 7);
  EXPECT_EQ(outcome.facts.usage.output_tokens(), 9);
  EXPECT_TRUE(outcome.facts.has_usage);
  EXPECT_EQ(outcome.progress.http_status, 200);
}

TEST_F(MockProviderTest, StreamsTheSameInPieces) {
  Configure("reply: \"abcdef\" chunk_count: 3");
  const Outcome outcome = Stream();
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.Text(), "abcdef");
  EXPECT_EQ(outcome.Count(v1::GenerateEvent::kDelta), 3);
  EXPECT_TRUE(outcome.events[0].has_started());
  EXPECT_TRUE(outcome.events.back().has_usage());
  EXPECT_EQ(outcome.facts.usage.output_tokens(), 20);
}

TEST_F(MockProviderTest, ThinksBeforeItAnswersAndPausesBetweenPieces) {
  Configure("delay { nanos: 20000000 } chunk_interval { nanos: 10000000 } "
            "chunk_count: 3");
  EXPECT_GE(Generate().took, absl::Milliseconds(20));
  const Outcome outcome = Stream();
  ASSERT_TRUE(outcome.status.ok());
  EXPECT_GE(outcome.took, absl::Milliseconds(40));  // Two pauses.
  EXPECT_GE(outcome.progress.first_byte - outcome.progress.dispatched,
            absl::Milliseconds(20));
}

TEST_F(MockProviderTest, ACallThatIsOverDoesNotWait) {
  Configure("delay { seconds: 3600 }");
  cancel_.Cancel(absl::CancelledError("before it began"));
  EXPECT_EQ(Generate().status.message(), "before it began");
}

struct FaultCase {
  const char* fault;
  v1::ErrorReason reason;
  int http_status;
};

constexpr FaultCase kFaults[] = {
    {"FAULT_RATE_LIMITED", v1::ERROR_REASON_PROVIDER_RATE_LIMITED, 429},
    {"FAULT_SERVER_ERROR", v1::ERROR_REASON_PROVIDER_UNAVAILABLE, 500},
    {"FAULT_OVERLOADED", v1::ERROR_REASON_PROVIDER_UNAVAILABLE, 529},
    {"FAULT_AUTH_FAILED", v1::ERROR_REASON_PROVIDER_AUTH_FAILED, 401},
    {"FAULT_INVALID_REQUEST", v1::ERROR_REASON_INVALID_REQUEST, 400},
    {"FAULT_INTERRUPTED", v1::ERROR_REASON_PROVIDER_UNAVAILABLE, 0},
};

TEST_F(MockProviderTest, FailsAsItIsTold) {
  for (const FaultCase& each : kFaults) {
    Configure(std::string("fault: ") + each.fault);
    for (const Outcome& outcome : {Generate(), Stream()}) {
      EXPECT_EQ(FaultReason(outcome.status), each.reason) << each.fault;
      EXPECT_EQ(FaultMetadata(outcome.status, "provider"), "dummy");
      EXPECT_EQ(outcome.progress.http_status, each.http_status);
      EXPECT_TRUE(outcome.events.empty());
      EXPECT_THAT(std::string(outcome.status.message()),
                  HasSubstr(each.fault));
      EXPECT_EQ(RetryDelay(outcome.status).has_value(),
                each.http_status == 429);
    }
  }
}

TEST_F(MockProviderTest, FailsAfterAsManyPiecesAsItIsTold) {
  for (const int pieces : {1, 2, 4}) {
    Configure("chunk_count: 4 fault: FAULT_SERVER_ERROR fault_after_chunks: " +
              std::to_string(pieces));
    const Outcome outcome = Stream();
    EXPECT_EQ(FaultReason(outcome.status),
              v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
    EXPECT_EQ(outcome.Count(v1::GenerateEvent::kDelta), pieces);
    EXPECT_EQ(outcome.Count(v1::GenerateEvent::kChoiceEnd), 0);
    EXPECT_EQ(outcome.progress.http_status, 200);
  }
}

TEST_F(MockProviderTest, AFaultThatIsNeverReachedDoesNotHappen) {
  Configure("chunk_count: 4 fault: FAULT_SERVER_ERROR fault_after_chunks: 5");
  EXPECT_TRUE(Stream().status.ok());
}

TEST_F(MockProviderTest, SaysOneReplyAfterAnotherAndThenTheSame) {
  Configure("reply: \"last\" replies: \"one\" replies: \"two\"");
  EXPECT_EQ(Generate().response.choices(0).message().parts(0).text(), "one");
  EXPECT_EQ(Stream().Text(), "two");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Stream().Text(), "last");
}

TEST_F(MockProviderTest, ACallThatFailsTakesNoReply) {
  Configure("replies: \"one\" fault: FAULT_OVERLOADED fault_calls: 2");
  EXPECT_FALSE(Generate().status.ok());
  EXPECT_FALSE(Stream().status.ok());
  EXPECT_EQ(Stream().Text(), "one");
}

TEST_F(MockProviderTest, FailsFromTheCallThatItIsToldFor) {
  Configure("fault: FAULT_SERVER_ERROR fault_after_calls: 2");
  EXPECT_TRUE(Generate().status.ok());
  EXPECT_TRUE(Stream().status.ok());
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(Generate().status.ok());
}

TEST_F(MockProviderTest, IsWellAgainAfterAsManyFaultsAsItIsTold) {
  Configure(
      "fault: FAULT_INTERRUPTED fault_after_calls: 1 fault_calls: 2 "
      "fault_after_chunks: 1");
  EXPECT_TRUE(Stream().status.ok());
  for (int i = 0; i < 2; ++i) {
    const Outcome broken = Stream();
    EXPECT_FALSE(broken.status.ok());
    EXPECT_EQ(broken.Count(v1::GenerateEvent::kDelta), 1);
  }
  EXPECT_TRUE(Stream().status.ok());
  EXPECT_TRUE(Generate().status.ok());
}

TEST_F(MockProviderTest, TheLengthOfEachReplyIsLimited) {
  ProviderKind::Config config;
  config.mutable_mock()->add_replies(std::string(1024 * 1024, 'x'));
  EXPECT_TRUE(kMockKind.check(config).empty());
  config.mutable_mock()->add_replies(std::string(1024 * 1024 + 1, 'x'));
  const std::vector<SettingProblem> problems = kMockKind.check(config);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].field, "replies[1]");
}

TEST_F(MockProviderTest, HangsUntilItIsCancelled) {
  Configure("fault: FAULT_HANG");
  CancelSoon();
  EXPECT_EQ(Generate().status.message(), "the client left");
}

TEST_F(MockProviderTest, HangsInTheMiddleOfAStreamUntilItIsCancelled) {
  Configure("fault: FAULT_HANG fault_after_chunks: 2");
  CancelSoon();
  const Outcome outcome = Stream();
  EXPECT_EQ(outcome.status.message(), "the client left");
  EXPECT_EQ(outcome.Count(v1::GenerateEvent::kDelta), 2);
}

TEST_F(MockProviderTest, CancelEndsAPauseBetweenPieces) {
  Configure("chunk_interval { seconds: 3600 }");
  CancelSoon();
  const Outcome outcome = Stream();
  EXPECT_EQ(outcome.status.message(), "the client left");
  EXPECT_EQ(outcome.Count(v1::GenerateEvent::kDelta), 1);
}

TEST_F(MockProviderTest, CountsWhatItReports) {
  Configure("input_tokens: 42");
  Outcome outcome;
  ProviderCall call = MakeCall(&outcome);
  const absl::StatusOr<int64_t> count =
      runner_.Run(provider_->CountTokens(call));
  ASSERT_TRUE(count.ok());
  EXPECT_EQ(*count, 42);
}

TEST_F(MockProviderTest, TakesNoRawCalls) {
  Configure("");
  EXPECT_EQ(provider_->FindDialect("openai_chat"), nullptr);
  EXPECT_EQ(provider_->name(), "dummy");
}

}  // namespace
}  // namespace gateway
