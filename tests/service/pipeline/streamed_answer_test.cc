#include "service/pipeline/streamed_answer.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "tests/testing/call_runner.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

// How streams go is shown by pipeline_test.cc; here what is said again.
class StreamedAnswerTest : public testing::Test {
 public:
  static CallRunner Runner(std::string_view more) {
    return CallRunner(MakeTestRuntime(
        "providers: [{name: mock, mock: {replies: [first, second, third]}}]\n"
        "routing: {default_target: mock}\n"
        "resilience: {retry: {attempts_limit: 1}}\n"
        "prices: {models: [{model: m, input: '1', output: '1'}]}\n" +
        std::string(more)));
  }

  static CallQuestion Question(std::string key = "") {
    CallQuestion question;
    question.stream = true;
    question.request.set_model("m");
    question.request.set_idempotency_key(key);
    v1::Message& message = *question.request.add_messages();
    message.set_role(v1::ROLE_USER);
    message.add_parts()->set_text("Hello");
    return question;
  }

  // A caller who leaves with the first batch.
  static CallRunner::OnBatch Leaves() {
    return [](const CallResult&) { return absl::CancelledError("gone"); };
  }
};

TEST_F(StreamedAnswerTest, WithNothingConfiguredEachIsAskedFor) {
  CallRunner runner = Runner("");
  EXPECT_EQ(runner.Run(Question()).Text(), "first");
  EXPECT_EQ(runner.Run(Question()).Text(), "second");
}

TEST_F(StreamedAnswerTest, AKeptStreamIsStreamedAgainAtNoCost) {
  CallRunner runner = Runner("cache: {streams: true}\n");
  const CallResult miss = runner.Run(Question());
  EXPECT_EQ(miss.record().cache, "miss");
  EXPECT_GT(miss.stream_end.usage().cost_usd_nanos(), 0);
  EXPECT_FALSE(miss.stream_end.has_cache_hit());
  const CallResult hit = runner.Run(Question());
  EXPECT_TRUE(hit.status.ok());
  EXPECT_EQ(hit.record().cache, "hit");
  EXPECT_EQ(hit.Text(), "first");
  EXPECT_EQ(hit.ends, 1);
  EXPECT_EQ(hit.events.size(), miss.events.size());
  EXPECT_TRUE(hit.attempts.empty());
  EXPECT_EQ(hit.stream_end.cache_hit().request_id(), "req-test-1");
  EXPECT_EQ(hit.stream_end.usage().output_tokens(),
            miss.stream_end.usage().output_tokens());
  EXPECT_EQ(hit.stream_end.usage().cost_usd_nanos(), 0);
  EXPECT_TRUE(hit.stream_end.usage().cost_known());
}

TEST_F(StreamedAnswerTest, AStreamThatItsCallerLeftIsNotKept) {
  CallRunner runner = Runner("cache: {streams: true}\n");
  EXPECT_FALSE(runner.Run(Question(), Leaves()).status.ok());
  EXPECT_EQ(runner.Run(Question()).record().cache, "miss");
}

TEST_F(StreamedAnswerTest, AStreamWithAKeyRunsOnceWhoeverLeaves) {
  CallRunner runner = Runner("idempotency: {}\n");
  const CallResult left = runner.Run(Question("k"), Leaves());
  EXPECT_EQ(left.status, absl::CancelledError("gone"));
  EXPECT_EQ(left.end, absl::CancelledError("gone"));
  EXPECT_EQ(left.ends, 1);
  EXPECT_EQ(left.batches, 1);
  EXPECT_GT(left.record().usage->cost_usd_nanos(), 0);
  const CallResult again = runner.Run(Question("k"));
  EXPECT_TRUE(again.status.ok());
  EXPECT_EQ(again.Text(), "first");
  EXPECT_EQ(again.record().answer_of, "req-test-1");
  EXPECT_EQ(again.record().usage->cost_usd_nanos(), 0);
  // Whole, it is another request.
  CallQuestion whole = Question("k");
  whole.stream = false;
  EXPECT_EQ(FaultReason(runner.Run(whole).status),
            v1::ERROR_REASON_IDEMPOTENCY_MISMATCH);
}

TEST_F(StreamedAnswerTest, AnAnswerTooLongToRememberIsAConflict) {
  CallRunner runner(MakeTestRuntime(
      "providers: [{name: mock, mock: {reply: '" + std::string(20'000, 'x') +
      "'}}]\n"
      "routing: {default_target: mock}\n"
      "idempotency: {size_bytes_limit: 64KiB}\n"));
  EXPECT_EQ(runner.Run(Question("k")).Text().size(), 20'000);
  EXPECT_EQ(FaultReason(runner.Run(Question("k")).status),
            v1::ERROR_REASON_CONFLICT);
}

TEST_F(StreamedAnswerTest, TheCacheAndAKeyGoTogether) {
  CallRunner runner = Runner("idempotency: {}\ncache: {streams: true}\n");
  EXPECT_EQ(runner.Run(Question()).Text(), "first");
  const CallResult hit = runner.Run(Question("k"));
  EXPECT_EQ(hit.record().cache, "hit");
  EXPECT_EQ(hit.Text(), "first");
  EXPECT_EQ(runner.Run(Question("k")).Text(), "first");
}

}  // namespace
}  // namespace gateway
