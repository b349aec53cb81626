#include "service/pipeline/call.h"

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "proto/proto_time.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

class CallTest : public testing::Test {
 protected:
  CallTest() {
    call_.facts.request_id = "req-1";
    call_.planned.first = {.provider = call_.runtime->providers().Find("mock"),
                           .model = "m"};
    call_.planned.reason = "default";
  }

  void AddAttempt(const char* provider, const absl::Status& status) {
    Attempt& one = call_.attempts.Add();
    one.provider = provider;
    one.model = "m";
    one.start_time = absl::FromUnixNanos(1'767'323'045'250'000'000);
    one.progress.http.reused_connection = true;
    one.progress.http_status = status.ok() ? 200 : 503;
    one.progress.dispatched = call_.arrival + absl::Milliseconds(2);
    one.progress.first_byte = call_.arrival + absl::Milliseconds(9);
    one.End(status, absl::Milliseconds(1500));
  }

  v1::StreamEnd::Outcome OutcomeOf(const absl::Status& status) {
    return call_.MakeEnd(status).end().outcome();
  }

  LoopClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  Call call_{MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"),
             client_.loop(),
             client_.http(),
             cancel_,
             arena_,
             client_.loop().Now()};
};

TEST_F(CallTest, AnEndSaysHowItEnded) {
  EXPECT_EQ(OutcomeOf(absl::OkStatus()), v1::StreamEnd::OUTCOME_FINISHED);
  EXPECT_EQ(OutcomeOf(absl::CancelledError("left")),
            v1::StreamEnd::OUTCOME_CANCELLED);
  EXPECT_EQ(OutcomeOf(absl::DeadlineExceededError("late")),
            v1::StreamEnd::OUTCOME_CANCELLED);
  EXPECT_EQ(OutcomeOf(MakeFault(v1::ERROR_REASON_STREAM_INTERRUPTED, "x")),
            v1::StreamEnd::OUTCOME_TRUNCATED);
  EXPECT_EQ(OutcomeOf(MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "x")),
            v1::StreamEnd::OUTCOME_ERROR);
}

TEST_F(CallTest, AnEndTellsAllThatIsKnown) {
  AddAttempt("openai",
             MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"));
  AddAttempt("openai", absl::OkStatus());
  call_.attempts.back().answer.facts.usage.set_output_tokens(7);
  call_.attempts.back().first_content = call_.arrival + absl::Milliseconds(12);
  const v1::StreamEnd end =
      call_.MakeEnd(MakeFault(v1::ERROR_REASON_INTERNAL, "why")).end();
  EXPECT_EQ(end.error().reason(), v1::ERROR_REASON_INTERNAL);
  EXPECT_EQ(end.error().message(), "why");
  EXPECT_EQ(end.usage().output_tokens(), 7);
  EXPECT_EQ(end.route().provider(), "openai");
  EXPECT_EQ(end.route().reason(), "default");
  ASSERT_EQ(end.attempts_size(), 2);
  EXPECT_EQ(end.attempts(0).failure(),
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(end.attempts(0).failure_message(), "down");
  EXPECT_EQ(end.attempts(0).http_status(), 503);
  EXPECT_EQ(end.attempts(0).start_time().seconds(), 1'767'323'045);
  EXPECT_EQ(end.attempts(0).start_time().nanos(), 250'000'000);
  EXPECT_EQ(ToAbsl(end.attempts(0).duration()), absl::Milliseconds(1500));
  EXPECT_TRUE(end.attempts(1).reused_connection());
  EXPECT_EQ(end.attempts(1).failure(), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ToAbsl(end.timings().overhead()), absl::Milliseconds(2));
  EXPECT_EQ(ToAbsl(end.timings().upstream_first_byte()),
            absl::Milliseconds(7));
  EXPECT_EQ(ToAbsl(end.timings().time_to_first_token()),
            absl::Milliseconds(12));
}

TEST_F(CallTest, AnAttemptSaysWhetherItAnsweredAndWhatItWas) {
  AddAttempt("openai",
             MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"));
  call_.attempts[0].kind = v1::Attempt::KIND_FIRST;
  AddAttempt("mock", MakeFault(v1::ERROR_REASON_STREAM_INTERRUPTED, "cut"));
  Attempt& second = call_.attempts[1];
  second.kind = v1::Attempt::KIND_RETRY;
  second.answered = true;
  second.began = call_.arrival + absl::Milliseconds(5);
  second.first_content = call_.arrival + absl::Milliseconds(12);
  second.progress.credential = "second-key";
  second.End(second.status, second.duration);
  // Tried beside it, and not the one whose answer the caller got.
  AddAttempt("openai", absl::CancelledError("the other was quicker"));
  second.answer.facts.usage.set_output_tokens(7);
  const v1::StreamEnd end = call_.MakeEnd(second.status).end();
  EXPECT_EQ(end.route().provider(), "mock");
  ASSERT_EQ(end.attempts_size(), 3);
  EXPECT_EQ(end.attempts(0).kind(), v1::Attempt::KIND_FIRST);
  EXPECT_FALSE(end.attempts(0).answered());
  EXPECT_FALSE(end.attempts(0).has_usage());
  const v1::Attempt& answered = end.attempts(1);
  EXPECT_EQ(answered.kind(), v1::Attempt::KIND_RETRY);
  EXPECT_TRUE(answered.answered());
  EXPECT_EQ(answered.failure(), v1::ERROR_REASON_STREAM_INTERRUPTED);
  EXPECT_EQ(answered.usage().output_tokens(), 7);
  EXPECT_EQ(ToAbsl(answered.time_to_first_token()), absl::Milliseconds(7));
  EXPECT_EQ(answered.credential(), "second-key");
  EXPECT_FALSE(end.attempts(2).answered());
}

TEST_F(CallTest, ACallThatWentNowhereHasARouteButNoTimes) {
  const v1::StreamEnd end = call_.MakeEnd(absl::CancelledError("x")).end();
  EXPECT_EQ(end.route().provider(), "mock");
  EXPECT_EQ(end.attempts_size(), 0);
  EXPECT_FALSE(end.timings().has_overhead());
  EXPECT_FALSE(end.timings().has_time_to_first_token());
  call_.planned.first = {};
  EXPECT_EQ(call_.MakeEnd(absl::CancelledError("x")).end().route().provider(),
            "");
}

TEST_F(CallTest, DescribesAnAnswer) {
  AddAttempt("mock", absl::OkStatus());
  call_.attempts.back().warnings.emplace_back().set_field("sampling.top_k");
  v1::GenerateResponse response;
  call_.Describe(&response);
  EXPECT_EQ(response.request_id(), "req-1");
  EXPECT_EQ(response.route().provider(), "mock");
  EXPECT_EQ(response.attempts_size(), 1);
  EXPECT_EQ(response.warnings(0).field(), "sampling.top_k");
  v1::StreamStarted started;
  call_.Describe(&started);
  EXPECT_EQ(started.request_id(), "req-1");
  EXPECT_EQ(started.warnings_size(), 1);
}

constexpr char kSelection[] = R"(
providers:
- {name: mock, mock: {}, model_aliases: {short: long}}
- {name: other, mock: {}}
routing:
  selection:
    policies:
    - {id: first, target: mock/short}
    - {id: second, target: other/n}
)";

TEST(SelectedPolicyTest, ItIsTheOneThatLedToWhoAnswered) {
  LoopClient client;
  CancelSignal cancel;
  google::protobuf::Arena arena;
  Call call(MakeTestRuntime(kSelection), client.loop(), client.http(), cancel,
            arena, client.loop().Now());
  const auto answered_by = [&call](const char* provider, const char* model) {
    call.attempts.Clear();
    Attempt& one = call.attempts.Add();
    one.provider = provider;
    one.model = model;
    one.End(absl::OkStatus(), absl::Milliseconds(1));
    return call.SelectedPolicy();
  };
  EXPECT_EQ(answered_by("mock", "long"), "");

  auto selection = std::make_shared<RouteSelection>();
  const PolicyTable& table = call.runtime->router().selector().table();
  selection->result.model = table.FindPolicy("first");
  selection->result.fallback_chain.push_back(table.FindPolicy("second"));
  call.planned.selection = selection;
  // By the name that the provider has for the model.
  EXPECT_EQ(answered_by("mock", "long"), "first");
  EXPECT_EQ(answered_by("mock", "short"), "");
  EXPECT_EQ(answered_by("other", "n"), "second");
  EXPECT_EQ(answered_by("other", "long"), "");
  call.attempts.Clear();
  EXPECT_EQ(call.SelectedPolicy(), "");
}

TEST(SelectedPolicyTest, AnAnswerNamesWhoGaveItAndInWhosePlace) {
  LoopClient client;
  CancelSignal cancel;
  google::protobuf::Arena arena;
  Call call(MakeTestRuntime(kSelection), client.loop(), client.http(), cancel,
            arena, client.loop().Now());
  auto selection = std::make_shared<RouteSelection>();
  const PolicyTable& table = call.runtime->router().selector().table();
  selection->result.model = table.FindPolicy("first");
  selection->result.qualified = 2;
  selection->result.score = 70;
  selection->result.confidence = 0.7;
  selection->result.cost_estimate_usd_nanos = 7;
  selection->result.alternatives.push_back(table.FindPolicy("second"));
  selection->result.fallback_chain.push_back(table.FindPolicy("second"));
  selection->result.fallback_scores.push_back(50);
  call.planned.selection = selection;
  call.planned.first.provider = call.runtime->providers().Find("mock");
  const auto told = [&call](const char* provider, const char* model) {
    call.attempts.Clear();
    Attempt& one = call.attempts.Add();
    one.provider = provider;
    one.model = model;
    one.End(absl::OkStatus(), absl::Milliseconds(1));
    v1::GenerateResponse response;
    call.Describe(&response);
    return response.route().selection();
  };
  v1::ModelSelection first = told("mock", "long");
  EXPECT_EQ(first.model_id(), "first");
  EXPECT_EQ(first.estimated_cost_usd_nanos(), 7);
  EXPECT_EQ(first.fallback_chain_size(), 1);
  EXPECT_EQ(first.alternatives_size(), 1);
  EXPECT_EQ(first.confidence(), 0.7);
  v1::ModelSelection other = told("other", "n");
  EXPECT_EQ(other.model_id(), "second");
  EXPECT_EQ(other.reasoning(), "in place of first, which was chosen first: " +
                                   first.reasoning() + "; second has 50.0");
  EXPECT_EQ(other.confidence(), 0.5);
  EXPECT_EQ(other.alternatives_size(), 0);
  EXPECT_NE(other.estimated_cost_usd_nanos(), 7);
  EXPECT_EQ(other.fallback_chain_size(), 0);
}

}  // namespace
}  // namespace gateway
