// The loop over planned targets, without a socket, a process or real time.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/sleep.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/registry/registry.h"
#include "service/pipeline/attempts.h"
#include "service/pipeline/call.h"
#include "service/pipeline/plan.h"
#include "service/resilience/target_board.h"
#include "service/routing/router.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/no_http_client.h"
#include "tests/testing/scripted_provider.h"
#include "tests/testing/simulated_time.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AskTargetsTest : public testing::Test {
 protected:
  AskTargetsTest() {
    std::vector<ProviderRegistry::Entry> entries;
    for (const char* name : {"first", "second"}) {
      auto provider = std::make_unique<ScriptedProvider>(name);
      (entries.empty() ? first_ : second_) = provider.get();
      entries.push_back({.name = name, .provider = std::move(provider)});
    }
    runtime_ = MakeTestRuntimeWith(
        "providers: [{name: mock, mock: {}}]\n"
        "resilience: {retry: {attempts_limit: 2, backoff_base: 2s, "
        "backoff_limit: 8s}}\n",
        std::make_unique<const ProviderRegistry>(std::move(entries)),
        {.clock = &time_, .random = &random_});
  }

  // Asks both in turn, and keeps what each attempt was.
  absl::Status Ask(bool stream = false) {
    google::protobuf::Arena arena;
    CancelSignal cancel;
    Call call(runtime_, runner_.loop(), client_, cancel, arena,
              runner_.loop().Now());
    call.request = &request_;
    call.planned.next = google::protobuf::Arena::Create<TargetWalk>(
        &arena, call, call.admitted,
        RoutePlan{.targets = {{"first", "m"}, {"second", "m"}}});
    call.planned.first = *call.planned.next->First();
    OpenStream open;
    const absl::Status outcome =
        runner_.Run(AskTargets(call, call.attempts, stream ? &open : nullptr));
    kinds_.clear();
    began_.clear();
    for (const Attempt& attempt : call.attempts) {
      kinds_.emplace_back(attempt.provider, attempt.kind);
      began_.push_back(attempt.start_time - call.start_time);
    }
    EXPECT_EQ(outcome.ok(),
              !call.attempts.empty() && call.DecidingAttempt()->answered);
    return outcome;
  }

  TargetState& Target(const char* provider) {
    return runtime_->resilience().targets.Find(provider, "m");
  }

  void Disable(const char* provider) {
    Target(provider).availability.Disable(TargetAvailability::By::kOperator,
                                          "by alice");
  }

  static absl::Status Down() {
    return MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down");
  }

  SimulatedTime time_;
  FakeRandom random_{7};
  LoopRunner runner_{time_};
  NoHttpClient client_;
  v1::GenerateRequest request_;
  ScriptedProvider* first_ = nullptr;
  ScriptedProvider* second_ = nullptr;
  std::shared_ptr<const RuntimeSnapshot> runtime_;
  std::vector<std::pair<std::string, v1::Attempt::Kind>> kinds_;
  std::vector<absl::Duration> began_;  // After the call.
};

TEST_F(AskTargetsTest, TheFirstThatAnswersIsTheLastAsked) {
  first_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(second_->asked(), 0u);
  EXPECT_THAT(kinds_, ElementsAre(std::pair("first", v1::Attempt::KIND_FIRST)));
}

TEST_F(AskTargetsTest,
       OneThatStaysDownIsAskedAsOftenAsConfiguredAndThenTheNext) {
  first_->Fail(Down());
  second_->Fail(Down());
  second_->Answer("forty-two");
  for (const bool stream : {false, true}) {
    EXPECT_TRUE(Ask(stream).ok());
    if (stream) continue;  // The script of the second is at its end.
    EXPECT_THAT(kinds_,
                ElementsAre(std::pair("first", v1::Attempt::KIND_FIRST),
                            std::pair("first", v1::Attempt::KIND_RETRY),
                            std::pair("second", v1::Attempt::KIND_FALLBACK),
                            std::pair("second", v1::Attempt::KIND_RETRY)));
  }
}

TEST_F(AskTargetsTest, ARetryWaitsForItsBackOffAndAnotherTargetForNothing) {
  first_->TakeTime(absl::Seconds(5));
  first_->Fail(Down());
  second_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  ASSERT_EQ(began_.size(), 3u);
  EXPECT_EQ(began_[0], absl::ZeroDuration());
  EXPECT_GT(began_[1], absl::Seconds(5));
  EXPECT_LE(began_[1], absl::Seconds(5 + 8));
  EXPECT_EQ(began_[2], began_[1] + absl::Seconds(5));
}

TEST_F(AskTargetsTest, WhatWouldFailAnywhereIsAskedOnce) {
  first_->Fail(MakeFault(v1::ERROR_REASON_INVALID_REQUEST, "no"));
  EXPECT_EQ(FaultReason(Ask()), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(first_->asked(), 1u);
  EXPECT_EQ(second_->asked(), 0u);
}

TEST_F(AskTargetsTest,
       ARefusedCredentialIsNotShownAgainButAnotherProviderAsked) {
  first_->Fail(MakeFault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED, "no"));
  second_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  EXPECT_THAT(kinds_,
              ElementsAre(std::pair("first", v1::Attempt::KIND_FIRST),
                          std::pair("second", v1::Attempt::KIND_FALLBACK)));
}

TEST_F(AskTargetsTest, TheLastFailureIsTheCalls) {
  first_->Fail(Down());
  second_->Fail(MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, "odd"));
  EXPECT_EQ(FaultReason(Ask()), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST_F(AskTargetsTest, WhatIsTooLongForAModelIsNotAskedOfItElsewhere) {
  first_->Fail(MakeFault(v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED, "too long"));
  second_->Answer("forty-two");
  // The same model elsewhere is no longer.
  EXPECT_EQ(FaultReason(Ask()), v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED);
  EXPECT_EQ(second_->asked(), 0u);
}

TEST_F(AskTargetsTest, ATargetThatKeepsFailingRestsAndIsProbedAfterwards) {
  first_->Fail(Down());
  second_->Answer("forty-two");
  // Two attempts each; the fifth failure opens its breaker.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(first_->asked(), 5u);
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(first_->asked(), 5u);
  EXPECT_THAT(kinds_,
              ElementsAre(std::pair("second", v1::Attempt::KIND_FALLBACK)));
  CancelSignal cancel;
  EXPECT_TRUE(
      runner_.Run(Sleep(runner_.loop(), absl::Seconds(30), cancel)).ok());
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(first_->asked(), 6u);
  // Opened again by the probe that failed, it is not retried.
  EXPECT_THAT(kinds_,
              ElementsAre(std::pair("first", v1::Attempt::KIND_FIRST),
                          std::pair("second", v1::Attempt::KIND_FALLBACK)));
}

TEST_F(AskTargetsTest, WhereAllRestNobodyIsAsked) {
  first_->Fail(Down());
  second_->Fail(Down());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(FaultReason(Ask()), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  }
  const absl::Status refused = Ask();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_CIRCUIT_OPEN);
  EXPECT_EQ(FaultMetadata(refused, "provider"), "first");
  EXPECT_LE(RetryDelay(refused).value(), absl::Seconds(30));
  EXPECT_THAT(kinds_, IsEmpty());
  EXPECT_EQ(first_->asked(), 5u);
  EXPECT_EQ(second_->asked(), 5u);
}

TEST_F(AskTargetsTest, OneThatIsDisabledIsPassedOver) {
  first_->Answer("not to be heard");
  second_->Answer("forty-two");
  Disable("first");
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(first_->asked(), 0u);
  EXPECT_THAT(kinds_,
              ElementsAre(std::pair("second", v1::Attempt::KIND_FALLBACK)));
}

TEST_F(AskTargetsTest, WhereAllAreDisabledTheCallSaysSo) {
  Disable("first");
  Disable("second");
  const absl::Status refused = Ask();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_MODEL_DISABLED);
  EXPECT_EQ(FaultMetadata(refused, "provider"), "first");
  EXPECT_EQ(FaultMetadata(refused, "model"), "m");
  EXPECT_EQ(RetryDelay(refused), std::nullopt);
  EXPECT_THAT(kinds_, IsEmpty());
}

TEST_F(AskTargetsTest, WhereOneRestsTheCallMayBeMadeAgain) {
  Disable("first");
  Target("second").breaker.Force(CircuitBreaker::State::kOpen,
                                 time_.SteadyTime());
  const absl::Status refused = Ask();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_CIRCUIT_OPEN);
  EXPECT_EQ(RetryDelay(refused), absl::Seconds(30));
}

}  // namespace
}  // namespace gateway
