#include "service/pipeline/call_limits.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
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

// Looks at how the call stands when a batch is sent, and its end.
class LookingSink final : public AnswerSink {
 public:
  explicit LookingSink(std::function<void(const Call&)> look)
      : look_(std::move(look)) {}

  Task<absl::Status> SendBatch(Call& call, StreamBatch&) override {
    look_(call);
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

 private:
  const std::function<void(const Call&)> look_;
};

class CallLimitsTest : public testing::Test {
 protected:
  CallLimitsTest() { Configure(""); }

  // `limits` are entries of the list, `resilience` is the text of the section.
  void Configure(const std::string& limits,
                 const std::string& resilience = "") {
    std::vector<ProviderRegistry::Entry> entries;
    for (const char* name : {"first", "second"}) {
      auto provider = std::make_unique<ScriptedProvider>(name);
      (entries.empty() ? first_ : second_) = provider.get();
      entries.push_back({.name = name, .provider = std::move(provider)});
    }
    first_->Answer("one");
    second_->Answer("two");
    runtime_ = MakeTestRuntimeWith(
        absl::StrCat(
            "providers: [{name: first, mock: {}}, {name: second, mock: {}}]\n"
            "routing: {model_rules: [{exact: m, targets: [{provider: first, "
            "model: m}, {provider: second, model: m, priority: 1}]}, "
            "{glob: '*', targets: [first]}]}\n"
            "prices: {models: [{model: m, input: '1', output: '1'}]}\n"
            "resilience: {",
            resilience, "}\n", "rate_limits:\n",
            limits.empty() ? "[]" : limits),
        std::make_unique<const ProviderRegistry>(std::move(entries)),
        {.clock = &time_, .random = &random_, .secure_random = &random_});
  }

  absl::Status Ask(bool stream = false, const std::string& text = "hi") {
    google::protobuf::Arena arena;
    CancelSignal cancel;
    v1::GenerateRequest request;
    v1::Message& message = *request.add_messages();
    message.set_role(v1::ROLE_USER);
    message.add_parts()->set_text(text);
    request.set_model(model_);
    request.mutable_scope()->set_user_id(user_);
    Call call(runtime_, runner_.loop(), client_, cancel, arena,
              runner_.loop().Now());
    call.request = &request;
    call.facts.model = model_;
    call.facts.stream = stream;
    LookingSink sink([this](const Call& seen) {
      const FullestLimits fullest = FullestLimitsOf(seen);
      requests_ = fullest.requests;
      tokens_ = fullest.tokens;
      if (look_ != nullptr) look_(seen);
    });
    return runner_.Run(RunCall(call, sink, recorder_));
  }

  void Wait(absl::Duration time) {
    CancelSignal cancel;
    EXPECT_TRUE(runner_.Run(Sleep(runner_.loop(), time, cancel)).ok());
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
  std::string user_ = "u";
  std::string model_ = "m";
  std::function<void(const Call&)> look_;
  // As of the end of the last call.
  std::optional<LimitStatus> requests_;
  std::optional<LimitStatus> tokens_;
};

TEST_F(CallLimitsTest, WithoutLimitsACallHasNone) {
  look_ = [](const Call& call) { EXPECT_EQ(call.limits, nullptr); };
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(requests_, std::nullopt);
}

TEST_F(CallLimitsTest, ACallBeyondALimitIsRefusedAndNobodyIsAsked) {
  Configure("- {name: rpm, unit: requests, limit: 2, per: [user]}\n");
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(requests_->remaining, 1);
  EXPECT_TRUE(Ask().ok());
  const absl::Status refused = Ask();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_EQ(FaultMetadata(refused, "limit"), "rpm");
  EXPECT_EQ(RetryDelay(refused), absl::Seconds(30));
  EXPECT_EQ(requests_->remaining, 0);
  EXPECT_EQ(first_->asked(), 2);
  user_ = "v";
  EXPECT_TRUE(Ask().ok()) << "another user";
  user_ = "u";
  Wait(absl::Seconds(30));
  EXPECT_TRUE(Ask().ok());
}

TEST_F(CallLimitsTest, AFullProviderLimitSendsTheCallToAnotherTargetFirst) {
  Configure(
      "- {name: p, unit: requests, limit: 1, per: [provider]}\n"
      "- {name: all, unit: requests, limit: 5}\n");
  EXPECT_TRUE(Ask().ok());
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(first_->asked(), 1);
  EXPECT_EQ(second_->asked(), 1);
  const absl::Status refused = Ask();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_EQ(FaultMetadata(refused, "limit"), "p");
  EXPECT_EQ(FaultMetadata(refused, "provider"), "first");
  // What refuses is told of.
  EXPECT_EQ(requests_->rule->name(), "p");
  EXPECT_EQ(requests_->remaining, 0);
}

TEST_F(CallLimitsTest, WhereAllTargetsAreFullTheShortestWaitIsTold) {
  const std::string cheap =
      "- {name: cheap-rpm, unit: requests, limit: 1, window: 1h, match: "
      "{providers: [%s]}}\n"
      "- {name: cheap-tpm, unit: total_tokens, limit: 1000000, match: "
      "{providers: [%s]}}\n";
  const std::string spare =
      "- {name: spare-rps, unit: requests, limit: 1, window: 1s, match: "
      "{providers: [%s]}}\n"
      "- {name: spare-rpm, unit: requests, limit: 1, window: 10s, match: "
      "{providers: [%s]}}\n";
  for (const bool cheap_is_first : {true, false}) {
    const std::string cheap_name = cheap_is_first ? "first" : "second";
    const std::string spare_name = cheap_is_first ? "second" : "first";
    Configure(absl::StrReplaceAll(cheap, {{"%s", cheap_name}}) +
              absl::StrReplaceAll(spare, {{"%s", spare_name}}));
    EXPECT_TRUE(Ask().ok());
    EXPECT_TRUE(Ask().ok());
    const absl::Status refused = Ask();
    EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_RATE_LIMITED);
    // Of one target's limits it is the longest.
    EXPECT_EQ(FaultMetadata(refused, "limit"), "spare-rpm");
    EXPECT_EQ(FaultMetadata(refused, "provider"), spare_name);
    EXPECT_EQ(RetryDelay(refused), absl::Seconds(10));
    // The answer's headers are of the same target.
    ASSERT_TRUE(requests_.has_value());
    EXPECT_EQ(requests_->rule->name().substr(0, 5), "spare");
    EXPECT_EQ(tokens_, std::nullopt) << "the other's";
    Wait(absl::Seconds(10));
    EXPECT_TRUE(Ask().ok());
    EXPECT_EQ((cheap_is_first ? second_ : first_)->asked(), 2);
  }
}

TEST_F(CallLimitsTest, WhatMayBeWaitedForIsToldBeforeWhatNeverConforms) {
  Configure(
      "- {name: small, unit: input_tokens, limit: 10, match: "
      "{providers: [first]}}\n"
      "- {name: rpm, unit: requests, limit: 1, match: "
      "{providers: [second]}}\n");
  const std::string text(1000, 'x');
  EXPECT_TRUE(Ask(/*stream=*/false, text).ok());
  const absl::Status refused = Ask(/*stream=*/false, text);
  EXPECT_EQ(FaultMetadata(refused, "limit"), "rpm");
  EXPECT_EQ(RetryDelay(refused), absl::Minutes(1));
}

TEST_F(CallLimitsTest, AModelIsTheOneThatTheProviderIsAskedFor) {
  Configure(
      "- {name: m, unit: requests, limit: 1, match: {models: ['m'], "
      "providers: [first]}}\n");
  EXPECT_TRUE(Ask().ok());
  EXPECT_TRUE(Ask().ok());
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(first_->asked(), 1);
  EXPECT_EQ(second_->asked(), 2);
}

TEST_F(CallLimitsTest, AnEstimateIsCorrectedBeforeTheAnswerIsSent) {
  Configure("- {name: in, unit: input_tokens, limit: 1000}\n");
  // A thousand characters of text are some 250 tokens; the provider says 1.
  EXPECT_TRUE(Ask(/*stream=*/false, std::string(1000, 'x')).ok());
  ASSERT_TRUE(tokens_.has_value());
  EXPECT_EQ(tokens_->remaining, 999);
  const absl::Status refused = Ask(/*stream=*/false, std::string(5000, 'x'));
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_EQ(RetryDelay(refused), std::nullopt) << "more than ever conforms";
}

TEST_F(CallLimitsTest, AStreamIsChargedAsItGoes) {
  Configure(
      "- {name: out, unit: output_tokens, limit: 1000}\n"
      "- {name: p, unit: output_tokens, limit: 2000, per: [provider]}\n");
  EXPECT_TRUE(Ask().ok());
  first_->Answer(std::string(3000, 'x'));
  std::vector<int64_t> left;
  look_ = [&](const Call& call) {
    left.push_back(call.limits->charges().Fullest().tokens->remaining);
    left.push_back(call.attempts.back().limits->Fullest().tokens->remaining);
  };
  EXPECT_TRUE(Ask(/*stream=*/true).ok());
  // 3000 characters are 750 tokens; one was taken before. In the end the
  // provider says that it was one.
  EXPECT_EQ(left, (std::vector<int64_t>{249, 1249, 998, 1998}));
}

TEST_F(CallLimitsTest, AStreamThatBreaksOffHasCostWhatWasSaid) {
  Configure("- {name: out, unit: output_tokens, limit: 1000}\n");
  EXPECT_TRUE(Ask().ok());
  first_->Answer(std::string(3000, 'x'));
  first_->BreakStreams(
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "broke"));
  EXPECT_FALSE(Ask(/*stream=*/true).ok());
  EXPECT_EQ(tokens_->remaining, 249);
}

TEST_F(CallLimitsTest, CallsAtOnceEndBeforeTheirAnswerDoes) {
  Configure(
      "- {name: calls, unit: concurrent_calls, limit: 1}\n"
      "- {name: target, unit: concurrent_calls, limit: 1, per: [model]}\n");
  look_ = [this](const Call&) {
    for (const auto& rule : runtime_->limits().rules()) {
      int64_t calls = 0;
      rule->counters().calls->ForEach(
          [&](const std::string&, int64_t count) { calls += count; });
      EXPECT_EQ(calls, 0) << rule->name();
    }
  };
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Ask().ok()) << i;
}

TEST_F(CallLimitsTest, WhatEachAttemptAsksOfItsTargetIsCounted) {
  Configure(
      "- {name: p, unit: requests, limit: 100, per: [provider]}\n"
      "- {name: rpm, unit: requests, limit: 50}\n");
  first_->Fail(MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"));
  EXPECT_TRUE(Ask().ok());
  EXPECT_TRUE(Ask().ok()) << "the second answers";
  const LimitRule& rule = *runtime_->limits().Find("p");
  std::vector<std::string> subjects;
  rule.counters().rates->ForEach(absl::ToInt64Nanoseconds(time_.SteadyTime()),
                                 [&](const std::string& subject, int64_t) {
                                   subjects.push_back(subject);
                                 });
  std::sort(subjects.begin(), subjects.end());
  EXPECT_EQ(subjects, (std::vector<std::string>{"first", "second"}));
  EXPECT_EQ(requests_->rule->name(), "rpm") << "the fuller one";
}

TEST_F(CallLimitsTest, ModelsThatAreKeysAreToldApartAndNotShown) {
  const std::string key = "sk-proj-0123456789abcdefghij";
  Configure(
      "- {name: each, unit: requests, limit: 1, window: 1h, burst: 1, "
      "per: [model]}\n"
      "- {name: named, unit: requests, limit: 9, window: 1h, per: [model], "
      "match: {models: ['" +
      key + "1']}}\n");
  for (const char* const each : {"1", "2"}) {
    model_ = key + each;
    EXPECT_TRUE(Ask().ok()) << each;
    EXPECT_FALSE(Ask().ok()) << each;
  }
  const auto subjects = [this](std::string_view rule) {
    std::vector<std::string> found;
    runtime_->limits().Find(rule)->counters().rates->ForEach(
        absl::ToInt64Nanoseconds(time_.SteadyTime()),
        [&](const std::string& subject, int64_t) { found.push_back(subject); });
    return found;
  };
  const std::vector<std::string> two = subjects("each");
  ASSERT_EQ(two.size(), 2U);
  EXPECT_NE(two[0], two[1]);
  for (const std::string& subject : two) {
    EXPECT_TRUE(subject.starts_with("[redacted:keys]#")) << subject;
  }
  EXPECT_EQ(subjects("named").size(), 1U);
}

TEST_F(CallLimitsTest, ATargetThatIsNotAskedInTheEndHasItBack) {
  // A hedge is due, and not worth its cost.
  Configure(
      "- {name: p, unit: requests, limit: 100, window: 1h, per: "
      "[provider]}\n",
      "hedging: {enabled: true, delay: 1s, cost_limit_usd_nanos: 1}");
  first_->TakeTime(absl::Seconds(2));
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(second_->asked(), 0);
  std::vector<std::string> subjects;
  runtime_->limits().Find("p")->counters().rates->ForEach(
      absl::ToInt64Nanoseconds(time_.SteadyTime()),
      [&](const std::string& subject, int64_t) {
        subjects.push_back(subject);
      });
  EXPECT_EQ(subjects, std::vector<std::string>{"first"});
}

TEST_F(CallLimitsTest, CostIsWhatWasBilled) {
  // A token costs a millionth of a dollar, and an answer has two of them.
  Configure("- {name: cost, unit: cost, limit_usd: '0.000004'}\n");
  EXPECT_TRUE(Ask().ok());
  EXPECT_TRUE(Ask().ok());
  const absl::Status refused = Ask();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_EQ(FaultMetadata(refused, "limit"), "cost");
}

TEST_F(CallLimitsTest, AnObservedLimitIsNotTold) {
  Configure("- {name: rpm, unit: requests, limit: 1, mode: observe}\n");
  EXPECT_TRUE(Ask().ok());
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(requests_, std::nullopt);
  EXPECT_EQ(runtime_->limits().Find("rpm")->counters().observed, 1);
}

TEST(PeerAddressTest, AnIpV6AddressIsItsNetworkAndNoneHasAPort) {
  EXPECT_EQ(PeerAddressOf("203.0.113.7:40312"), "203.0.113.7");
  EXPECT_EQ(PeerAddressOf("[2001:db8:1:2:3:4:5:6]:40312"), "2001:db8:1:2::");
  EXPECT_EQ(PeerAddressOf("[2001:db8:1:2::9]:1"), "2001:db8:1:2::");
  EXPECT_EQ(PeerAddressOf("[::ffff:203.0.113.7]:1"), "203.0.113.7");
  // As proxies say it.
  EXPECT_EQ(PeerAddressOf("203.0.113.7"), "203.0.113.7");
  EXPECT_EQ(PeerAddressOf("2001:db8:1:2::9"), "2001:db8:1:2::");
  EXPECT_EQ(PeerAddressOf(""), "");
}

}  // namespace
}  // namespace gateway
