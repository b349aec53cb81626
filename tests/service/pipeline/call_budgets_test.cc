#include "service/pipeline/call_budgets.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/registry/registry.h"
#include "service/budgets/budget_table.h"
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

// Looks at the call when its answer, or its end, is sent.
class BudgetSink final : public AnswerSink {
 public:
  using Look = std::function<void(Call&)>;

  explicit BudgetSink(Look look) : look_(std::move(look)) {}

  Task<absl::Status> SendBatch(Call& call, StreamBatch&) override {
    if (on_batch != nullptr) on_batch(call);
    co_return absl::OkStatus();
  }
  Task<absl::Status> SendAnswer(Call& call) override {
    look_(call);
    co_return absl::OkStatus();
  }
  Task<absl::Status> SendEnd(Call& call, const absl::Status&) override {
    look_(call);
    co_return absl::OkStatus();
  }

  Look on_batch;

 private:
  const Look look_;
};

class CallBudgetsTest : public testing::Test {
 protected:
  // A token costs a thousandth of a dollar. The first provider answers, unless
  // it fails.
  void Configure(const std::string& budgets,
                 const absl::Status& first_fails = absl::OkStatus(),
                 const std::string& resilience = "retry: {attempts_limit: 1}") {
    std::vector<ProviderRegistry::Entry> entries;
    for (const char* name : {"first", "second"}) {
      auto provider = std::make_unique<ScriptedProvider>(name);
      (entries.empty() ? first_ : second_) = provider.get();
      entries.push_back({.name = name, .provider = std::move(provider)});
    }
    if (first_fails.ok()) {
      first_->Answer("one");
    } else {
      first_->Fail(first_fails);
    }
    second_->Answer("two");
    runtime_ = MakeTestRuntimeWith(
        absl::StrCat(
            "providers: [{name: first, mock: {}}, {name: second, mock: {}}]\n"
            "routing: {model_rules: [{glob: '*', targets: [{provider: first}, "
            "{provider: second, priority: 1}]}]}\n"
            "prices: {models: [{model: m, input: '1000', output: '1000'}]}\n"
            "resilience: {circuit_breaker: {mode: metrics_only}, ",
            resilience, "}\n",
            budgets.empty() ? "" : absl::StrCat("budgets: ", budgets, "\n")),
        std::make_unique<const ProviderRegistry>(std::move(entries)),
        {.clock = &time_, .random = &random_, .secure_random = &random_});
  }

  absl::Status Ask(bool stream = false) {
    google::protobuf::Arena arena;
    CancelSignal cancel;
    v1::GenerateRequest request;
    v1::Message& message = *request.add_messages();
    message.set_role(v1::ROLE_USER);
    message.add_parts()->set_text("hi");
    request.set_model(model_);
    request.set_max_output_tokens(max_output_tokens_);
    request.mutable_sampling()->set_choice_count(choice_count_);
    request.mutable_scope()->set_session_id(session_);
    request.mutable_scope()->set_work_order_id(work_order_);
    Call call(runtime_, runner_.loop(), client_, cancel, arena,
              runner_.loop().Now());
    call.request = &request;
    call.facts.model = model_;
    call.facts.stream = stream;
    BudgetSink sink([this](Call& seen) {
      warnings_.clear();
      remaining_.reset();
      google::protobuf::RepeatedPtrField<v1::Warning> warnings;
      seen.FillWarnings(&warnings);
      for (const v1::Warning& warning : warnings) {
        warnings_.push_back(warning.message());
      }
      if (seen.budgets != nullptr) {
        remaining_ = seen.budgets->remaining_tokens();
      }
      if (look_ != nullptr) look_(seen);
    });
    sink.on_batch = on_batch_;
    return runner_.Run(RunCall(call, sink, recorder_));
  }

  BudgetAmounts SpentOf(const BudgetScope& scope) {
    const auto standing = runtime_->budget_table().Find(
        scope, absl::ToUnixSeconds(time_.WallTime()));
    if (!standing.has_value()) return {};
    EXPECT_EQ(standing->reserved, BudgetAmounts()) << scope.Text();
    return standing->account.spend.sum();
  }

  SimulatedTime time_;
  FakeRandom random_{7};
  LoopRunner runner_{time_};
  NoHttpClient client_;
  MetricRegistry registry_{time_};
  CallMetrics metrics_{registry_, {}};
  RequestFeed feed_{{}};
  Recorder recorder_{nullptr, metrics_.AddShard(), feed_};
  ScriptedProvider* first_ = nullptr;
  ScriptedProvider* second_ = nullptr;
  std::shared_ptr<const RuntimeSnapshot> runtime_;
  std::string model_ = "m";
  std::string session_;
  std::string work_order_;
  int32_t max_output_tokens_ = 10;
  int32_t choice_count_ = 1;
  BudgetSink::Look look_;
  BudgetSink::Look on_batch_;
  // As of the end of the last call.
  std::vector<std::string> warnings_;
  std::optional<int64_t> remaining_;
};

TEST_F(CallBudgetsTest, WithoutBudgetsACallHasNone) {
  Configure("");
  look_ = [](Call& call) { EXPECT_EQ(call.budgets, nullptr); };
  EXPECT_TRUE(Ask().ok());
  EXPECT_TRUE(Ask(/*stream=*/true).ok());
}

TEST_F(CallBudgetsTest, ACallIsChargedWhatItHasTaken) {
  Configure("{rules: [{name: b, unit: total_tokens, limit: 1000}]}");
  int64_t tokens = 0;
  look_ = [&](Call& call) {
    const v1::Usage& usage = *call.DecidingAttempt()->usage;
    tokens = usage.input_tokens() + usage.output_tokens();
  };
  for (const bool stream : {false, true}) {
    const int64_t before = SpentOf({.budget = "b"}).total_tokens();
    ASSERT_TRUE(Ask(stream).ok());
    EXPECT_GT(tokens, 0);
    EXPECT_EQ(SpentOf({.budget = "b"}).total_tokens(), before + tokens);
    EXPECT_EQ(remaining_, 1000 - before - tokens);
  }
  EXPECT_EQ(SpentOf({.budget = "b"}).turns, 2);
}

TEST_F(CallBudgetsTest, ACallThatDoesNotFitIsRefusedAndNobodyIsAsked) {
  Configure("{sessions: {session_tokens: 10, work_order_tokens: 10}}");
  session_ = "SES-1";
  work_order_ = "WO-1";
  max_output_tokens_ = 5000;
  const absl::Status refused = Ask();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_BUDGET_EXCEEDED);
  EXPECT_EQ(FaultMetadata(refused, "code"), "BUDGET_EXHAUSTED");
  EXPECT_EQ(FaultMetadata(refused, "limit"), "work_order");
  EXPECT_EQ(first_->asked() + second_->asked(), 0);
  EXPECT_EQ(
      SpentOf({.budget = "session",
               .subject = {{::llmgateway::config::v1::LIMIT_DIMENSION_SESSION,
                            "SES-1"}}}),
      BudgetAmounts());
}

TEST_F(CallBudgetsTest, WhatACallLetsItsAnswerHaveIsEnoughToReserve) {
  Configure(
      "{expected_output_tokens: 500, "
      "rules: [{name: b, unit: output_tokens, limit: 100}]}");
  max_output_tokens_ = 100;
  EXPECT_TRUE(Ask().ok());
  max_output_tokens_ = 5000;
  EXPECT_EQ(FaultMetadata(Ask(), "requested"), "500");
}

TEST_F(CallBudgetsTest, OutputIsReservedForEachAnswerThatIsAskedFor) {
  Configure(
      "{expected_output_tokens: 500, "
      "rules: [{name: b, unit: output_tokens, limit: 5000}, "
      "{name: each, unit: output_tokens, request_limit: 80}]}");
  max_output_tokens_ = 10;
  choice_count_ = 8;
  EXPECT_TRUE(Ask().ok());
  choice_count_ = 9;
  absl::Status refused = Ask();
  EXPECT_EQ(FaultMetadata(refused, "code"), "REQUEST_BUDGET_EXCEEDED");
  EXPECT_EQ(FaultMetadata(refused, "requested"), "90");
  choice_count_ = 8;
  max_output_tokens_ = 100;
  refused = Ask();
  EXPECT_EQ(FaultMetadata(refused, "limit"), "each");
  EXPECT_EQ(FaultMetadata(refused, "requested"), "800");
}

TEST_F(CallBudgetsTest, ACallThatNobodyBillsIsChargedNothing) {
  Configure("{rules: [{name: b, unit: total_tokens, limit: 1000}]}");
  first_->Fail(MakeFault(v1::ERROR_REASON_INVALID_REQUEST, "no"));
  ASSERT_TRUE(Ask().ok());
  const BudgetAmounts before = SpentOf({.budget = "b"});
  ASSERT_FALSE(Ask().ok());
  EXPECT_EQ(SpentOf({.budget = "b"}), before);
}

TEST_F(CallBudgetsTest, AStreamThatBreaksOffIsChargedWhatHasCome) {
  Configure("{rules: [{name: b, unit: total_tokens, limit: 1000}]}");
  first_->BreakStreams(
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "gone"));
  ASSERT_FALSE(Ask(/*stream=*/true).ok());
  EXPECT_GT(SpentOf({.budget = "b"}).total_tokens(), 0);
  EXPECT_EQ(SpentOf({.budget = "b"}).turns, 1);
}

TEST_F(CallBudgetsTest, AStreamReservesMoreAsItGoes) {
  Configure(
      "{expected_output_tokens: 1, "
      "rules: [{name: b, unit: output_tokens, limit: 1000}]}");
  first_->Answer(std::string(4000, 'x'));
  max_output_tokens_ = 10'000;
  ASSERT_TRUE(Ask(/*stream=*/true).ok());
  int64_t reserved = 0;
  on_batch_ = [&](Call& call) {
    const auto standing = call.runtime->budget_table().Find(
        {.budget = "b"}, absl::ToUnixSeconds(time_.WallTime()));
    reserved = std::max(reserved, standing->reserved.output_tokens);
  };
  Ask(/*stream=*/true).IgnoreError();
  EXPECT_GT(reserved, 500);
}

// Nothing was reserved for the one token that it has taken.
TEST_F(CallBudgetsTest, ACallWhoseChargeUsesABudgetUpSaysSo) {
  const std::string told =
      "the budget b of 1 output tokens is used up: calls are refused";
  for (const bool stream : {false, true}) {
    Configure(
        "{expected_output_tokens: 0, "
        "rules: [{name: b, unit: output_tokens, limit: 1}]}");
    std::string in_answer;
    look_ = [&](Call& seen) {
      const v1::GenerateResponse* const response =
          seen.DecidingAttempt()->answer.response;
      if (response == nullptr) return;
      ASSERT_EQ(response->warnings_size(), 1);
      in_answer = response->warnings(0).message();
    };
    ASSERT_TRUE(Ask(stream).ok());
    EXPECT_EQ(warnings_, std::vector<std::string>{told});
    EXPECT_EQ(in_answer, stream ? "" : told);
    look_ = nullptr;
    EXPECT_FALSE(Ask(stream).ok());
  }
}

TEST_F(CallBudgetsTest, OneThatUsesUpABudgetOfItsTargetSaysSo) {
  Configure(
      "{expected_output_tokens: 0, rules: [{name: b, unit: output_tokens, "
      "limit: 1, per: [provider]}]}");
  ASSERT_TRUE(Ask().ok());
  EXPECT_EQ(warnings_, std::vector<std::string>{
                           "the budget b of 1 output tokens for each "
                           "provider is used up: calls are refused"});
}

TEST_F(CallBudgetsTest, ModelsAreChargedForWhoeverHasAnswered) {
  Configure(
      "{rules: [{name: b, unit: total_tokens, limit: 1000, "
      "per: [provider]}]}");
  ASSERT_TRUE(Ask().ok());
  const auto of = [](const std::string& provider) {
    return BudgetScope{
        .budget = "b",
        .subject = {
            {::llmgateway::config::v1::LIMIT_DIMENSION_PROVIDER, provider}}};
  };
  EXPECT_GT(SpentOf(of("first")).total_tokens(), 0);
  EXPECT_EQ(SpentOf(of("second")), BudgetAmounts());
}

TEST_F(CallBudgetsTest, ATargetWhoseBudgetIsSpentIsNotAskedInPlaceOfAnother) {
  for (const bool stream : {false, true}) {
    Configure(
        "{rules: [{name: each, unit: total_tokens, limit: 40, "
        "per: [provider]}, {name: spare, unit: total_tokens, limit: 30, "
        "match: {providers: [second]}}]}",
        MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"));
    absl::Status status;
    while (status.ok()) status = Ask(stream);
    const int asked = second_->asked();
    EXPECT_GT(asked, 0);
    EXPECT_LE(SpentOf({.budget = "spare"}).total_tokens(), 30);
    // The caller hears how the first has failed, and what kept him from others.
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
    EXPECT_EQ(FaultMetadata(status, "passed_over_by_budget"), "spare");
    EXPECT_FALSE(Ask(stream).ok());
    EXPECT_EQ(second_->asked(), asked);
    EXPECT_GT(runtime_->budgets()->Find("spare")->counts().refused.load(), 1);
  }
}

TEST_F(CallBudgetsTest, WhereNobodyElseMayBeAskedTheBudgetIsWhatIsTold) {
  Configure(
      "{rules: [{name: spare, unit: total_tokens, limit: 5, "
      "match: {providers: [second]}}]}");
  runtime_->resilience()
      .targets.Find("first", "m")
      .availability.Disable(TargetAvailability::By::kOperator, "by alice");
  const absl::Status refused = Ask();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_BUDGET_EXCEEDED);
  EXPECT_EQ(FaultMetadata(refused, "limit"), "spare");
  EXPECT_EQ(first_->asked() + second_->asked(), 0);
}

TEST_F(CallBudgetsTest, WhatIsLeftIsTheLeastOfAllTargetsThatWereAsked) {
  Configure(
      "{rules: [{name: each, unit: total_tokens, limit: 1000, "
      "per: [provider]}, {name: spare, unit: total_tokens, limit: 500, "
      "match: {providers: [second]}}]}",
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"));
  ASSERT_TRUE(Ask().ok());
  const int64_t spent = SpentOf({.budget = "spare"}).total_tokens();
  EXPECT_GT(spent, 0);
  EXPECT_EQ(remaining_, 500 - spent);
}

TEST_F(CallBudgetsTest, BudgetsOfOtherTargetsThatOnlyWarnKeepNobodyFromThem) {
  for (const char* mode : {"warn", "off"}) {
    Configure(absl::StrCat("{rules: [{name: spare, unit: total_tokens, "
                           "limit: 1, match: {providers: [second]}, mode: ",
                           mode, "}]}"),
              MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"));
    EXPECT_TRUE(Ask().ok());
    EXPECT_TRUE(Ask().ok());
    EXPECT_GT(SpentOf({.budget = "spare"}).total_tokens(), 1);
  }
}

TEST_F(CallBudgetsTest, TargetsOfOneScopeHaveOneReservation) {
  const std::string budgets =
      "{expected_output_tokens: 10, rules: [{name: b, unit: output_tokens, "
      "limit: 10, per: [model]}]}";
  Configure(budgets, MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"));
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(second_->asked(), 1);
}

TEST_F(CallBudgetsTest, AStreamOfAnotherTargetReservesMoreAsItGoes) {
  Configure(
      "{expected_output_tokens: 1, rules: [{name: spare, "
      "unit: output_tokens, limit: 5000, match: {providers: [second]}}]}",
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"));
  second_->Answer(std::string(4000, 'x'));
  max_output_tokens_ = 10'000;
  int64_t reserved = 0;
  on_batch_ = [&](Call& call) {
    const auto standing = call.runtime->budget_table().Find(
        {.budget = "spare"}, absl::ToUnixSeconds(time_.WallTime()));
    reserved = std::max(reserved, standing->reserved.output_tokens);
  };
  ASSERT_TRUE(Ask(/*stream=*/true).ok());
  ASSERT_TRUE(Ask(/*stream=*/true).ok());
  EXPECT_GT(reserved, 500);
}

TEST_F(CallBudgetsTest, AndNothingOfTheOneThatHasNothingToSay) {
  Configure(
      "{expected_output_tokens: 1, rules: [{name: each, per: [provider], "
      "unit: output_tokens, limit: 5000}]}",
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"));
  second_->Answer(std::string(4000, 'x'));
  max_output_tokens_ = 10'000;
  const auto reserved = [&](Call& call, const char* provider) {
    const auto standing = call.runtime->budget_table().Find(
        {.budget = "each",
         .subject = {{::llmgateway::config::v1::LIMIT_DIMENSION_PROVIDER,
                      provider}}},
        absl::ToUnixSeconds(time_.WallTime()));
    return standing.has_value() ? standing->reserved.output_tokens : 0;
  };
  int64_t of_first = 0;
  int64_t of_second = 0;
  on_batch_ = [&](Call& call) {
    of_first = std::max(of_first, reserved(call, "first"));
    of_second = std::max(of_second, reserved(call, "second"));
  };
  ASSERT_TRUE(Ask(/*stream=*/true).ok());
  ASSERT_TRUE(Ask(/*stream=*/true).ok());
  EXPECT_LE(of_first, 1);
  EXPECT_GT(of_second, 500);
}

TEST_F(CallBudgetsTest, ATargetWhoseBudgetIsSpentIsNoHedge) {
  Configure(
      "{rules: [{name: spare, unit: total_tokens, limit: 5, "
      "match: {providers: [second]}}]}",
      absl::OkStatus(), "hedging: {enabled: true, delay: 1s}");
  first_->TakeTime(absl::Seconds(3));
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(second_->asked(), 0);
  Configure(
      "{rules: [{name: spare, unit: total_tokens, limit: 500, "
      "match: {providers: [second]}}]}",
      absl::OkStatus(), "hedging: {enabled: true, delay: 1s}");
  first_->TakeTime(absl::Seconds(3));
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(second_->asked(), 1);
}

TEST_F(CallBudgetsTest, AHedgeIsNoCallOfItsOwn) {
  Configure(
      "{rules: [{name: ours, unit: total_tokens, limit: 500, "
      "match: {models: [m]}}, "
      "{name: each, unit: total_tokens, limit: 500, per: [provider]}]}",
      absl::OkStatus(), "hedging: {enabled: true, delay: 1s}");
  first_->TakeTime(absl::Seconds(3));
  ASSERT_TRUE(Ask().ok());
  ASSERT_EQ(first_->asked() + second_->asked(), 2);
  const auto turns_at = [this](const char* provider) {
    return SpentOf({.budget = "each",
                    .subject = {{::llmgateway::config::v1::
                                     LIMIT_DIMENSION_PROVIDER,
                                 provider}}})
        .turns;
  };
  EXPECT_EQ(SpentOf({.budget = "ours"}).turns, 1);
  EXPECT_EQ(turns_at("first"), 1);
  EXPECT_EQ(turns_at("second"), 1);
}

TEST_F(CallBudgetsTest, WhatNobodyWillKnowIsChargedToTheTargetThatWasAsked) {
  Configure(
      "{rules: [{name: all, unit: total_tokens, limit: 1000}, "
      "{name: each, unit: total_tokens, limit: 1000, "
      "per: [provider, model]}, "
      "{name: spare, unit: total_tokens, limit: 1000, "
      "match: {providers: [second]}}]}",
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"));
  v1::Usage usage;
  usage.set_input_tokens(7);
  std::vector<std::vector<std::string>> scopes;
  look_ = [&](Call& call) {
    for (const Attempt& attempt : call.attempts) {
      std::vector<std::string>& of_attempt = scopes.emplace_back();
      for (const BudgetChange& change : call.budgets->IfBilled(
               call, attempt, usage, /*turns=*/0, time_.WallTime())) {
        EXPECT_EQ(change.amounts.input_tokens, 7);
        EXPECT_EQ(change.amounts.turns, 1);
        of_attempt.push_back(change.scope.Text());
      }
    }
  };
  ASSERT_TRUE(Ask().ok());
  ASSERT_EQ(scopes.size(), 2);
  EXPECT_EQ(scopes[0],
            std::vector<std::string>({"each/model=m/provider=first"}));
  EXPECT_EQ(scopes[1], std::vector<std::string>(
                           {"each/model=m/provider=second", "spare"}));
}

TEST_F(CallBudgetsTest, AModelWithoutAPriceIsRefusedWhereOneIsNeeded) {
  Configure(
      "{rules: [{name: b, unit: cost, limit_usd: '1', require_price: true}]}");
  EXPECT_TRUE(Ask().ok());
  model_ = "unpriced";
  EXPECT_EQ(FaultMetadata(Ask(), "code"), "BUDGET_ENFORCEMENT_ERROR");
}

TEST_F(CallBudgetsTest, ACostThatIsReachedExactlyRefusesAndAWarningIsTold) {
  // An answer takes some thousandths of a dollar.
  Configure(
      "{rules: [{name: limit, unit: cost, limit_usd: '0.02'}, "
      "{name: warning, unit: cost, limit_usd: '0.001', mode: warn}]}");
  max_output_tokens_ = 1;
  ASSERT_TRUE(Ask().ok());
  ASSERT_TRUE(Ask().ok());
  ASSERT_EQ(warnings_.size(), 1);
  EXPECT_NE(warnings_[0].find("the budget warning of 0.001 US dollars"),
            std::string::npos);
  absl::Status status;
  while (status.ok()) status = Ask();
  EXPECT_EQ(FaultMetadata(status, "limit"), "limit");
  EXPECT_EQ(FaultMetadata(status, "code"), "BUDGET_EXHAUSTED");
  EXPECT_EQ(runtime_->budgets()->Find("limit")->counts().refused.load(), 1);
  EXPECT_GT(runtime_->budgets()->Find("warning")->counts().warned.load(), 0);
}

TEST_F(CallBudgetsTest, OnlyACallThatWasLetPassHasGoneBeyondAWarning) {
  Configure(
      "{rules: [{name: limit, unit: cost, limit_usd: '0.04'}, "
      "{name: warning, unit: cost, limit_usd: '0.001', mode: warn}]}");
  max_output_tokens_ = 1;
  size_t exceeded = 0;
  look_ = [&exceeded](Call& seen) {
    exceeded = seen.budgets->exceeded().size();
  };
  ASSERT_TRUE(Ask().ok());
  EXPECT_EQ(exceeded, 1);
  absl::Status status;
  while (status.ok()) status = Ask();
  EXPECT_EQ(FaultMetadata(status, "limit"), "limit");
  EXPECT_EQ(exceeded, 0);
}

TEST_F(CallBudgetsTest, AnAllocationIsRequiredWhereTheConfigurationSaysSo) {
  Configure("{sessions: {require_allocation: true}}");
  EXPECT_EQ(FaultMetadata(Ask(), "code"), "NOT_ALLOCATED");
  Configure("{sessions: {require_allocation: true, mode: warn}}");
  EXPECT_TRUE(Ask().ok());
}

TEST_F(CallBudgetsTest, AnotherConfigurationKnowsWhatWasSpent) {
  Configure("{rules: [{name: b, unit: total_tokens, limit: 1000}]}");
  ASSERT_TRUE(Ask().ok());
  const BudgetAmounts spent = SpentOf({.budget = "b"});
  const auto config = MakeTestRuntime(
      "providers: [{name: first, mock: {}}]\n"
      "budgets: {rules: [{name: b, unit: cost, limit_usd: '5'}]}\n");
  const auto next = RuntimeSnapshot::Make(
      std::shared_ptr<const ConfigSnapshot>(config, &config->snapshot()),
      {.clock = &time_}, runtime_.get());
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(&(*next)->budget_table(), &runtime_->budget_table());
  EXPECT_EQ((*next)
                ->budget_table()
                .Find({.budget = "b"}, absl::ToUnixSeconds(time_.WallTime()))
                ->account.spend.sum(),
            spent);
}

}  // namespace
}  // namespace gateway
