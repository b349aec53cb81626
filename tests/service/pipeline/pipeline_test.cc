#include "service/pipeline/pipeline.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/call_record.h"
#include "tests/service/pipeline/upstream_calls.h"
#include "tests/testing/call_runner.h"
#include "tests/testing/mock_upstream_process.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class PipelineTest : public UpstreamCalls {
 protected:
  // A record tells the usage that the upstream counted as served.
  void ExpectUsageAgrees(const CallResult& result, const std::string& model) {
    EXPECT_EQ(result.record().usage->input_tokens(),
              Stat(model, "usage.prompt_tokens"));
    EXPECT_EQ(result.record().usage->output_tokens(),
              Stat(model, "usage.completion_tokens"));
  }
};

TEST_F(PipelineTest, AnAnswerGoesOutOnceAndIsRecordedOnce) {
  ScriptBoth(R"({"text": "forty-two", "usage": {"prompt_tokens": 30,
      "completion_tokens": 4, "cached_tokens": 10, "reasoning_tokens": 2}})");
  for (const CallQuestion& question : Wholes()) {
    ASSERT_TRUE(upstream_->Reset(/*keep_scripts=*/true).ok());
    const CallResult result = runner_->Run(question);
    ASSERT_EQ(Reason(result.status), "OK") << result.status;
    ExpectToldOnce(result, /*stream=*/false);
    EXPECT_THAT(result.Text() + result.bytes, HasSubstr("forty-two"));
    const CallRecord& record = result.record();
    ExpectUsageAgrees(result, std::string(record.model_asked));
    EXPECT_EQ(record.usage->input_tokens(), 30);
    EXPECT_EQ(record.usage->cached_input_tokens(), 10);
    EXPECT_EQ(record.error_reason, v1::ERROR_REASON_UNSPECIFIED);
    EXPECT_EQ(record.request_id, "req-test-1");
    EXPECT_EQ(record.operation, "test");
    EXPECT_TRUE(record.overhead.has_value());
    EXPECT_TRUE(record.upstream_first_byte.has_value());
    EXPECT_FALSE(record.stream);
  }
}

TEST_F(PipelineTest, AStreamEndsOnceAndIsRecordedOnce) {
  ScriptBoth(R"({"text": "one two three", "usage": {"prompt_tokens": 30,
                 "completion_tokens": 4}})");
  for (const CallQuestion& question : Streams()) {
    ASSERT_TRUE(upstream_->Reset(/*keep_scripts=*/true).ok());
    const CallResult result = runner_->Run(question);
    ASSERT_EQ(Reason(result.status), "OK") << result.status;
    ExpectToldOnce(result, /*stream=*/true);
    const CallRecord& record = result.record();
    ExpectUsageAgrees(result, std::string(record.model_asked));
    EXPECT_EQ(record.usage->output_tokens(), 4);
    EXPECT_TRUE(record.stream);
    EXPECT_TRUE(record.time_to_first_token.has_value());
    EXPECT_EQ(result.stream_end.outcome(), v1::StreamEnd::OUTCOME_FINISHED);
    EXPECT_EQ(result.stream_end.usage().output_tokens(), 4);
    EXPECT_EQ(result.stream_end.attempts_size(), 1);
    EXPECT_EQ(result.stream_end.route().provider(), record.provider);
    EXPECT_FALSE(result.stream_end.has_error());
  }
}

TEST_F(PipelineTest, AParsedAnswerTellsWhereItCameFrom) {
  const CallResult result = runner_->Run(Whole("o-1"));
  ASSERT_TRUE(result.status.ok());
  EXPECT_EQ(result.response.request_id(), "req-test-1");
  EXPECT_EQ(result.response.route().provider(), "openai");
  EXPECT_EQ(result.response.route().model(), "o-1");
  EXPECT_EQ(result.response.route().reason(), "model_rule:o-");
  EXPECT_EQ(result.response.attempts_size(), 1);
  EXPECT_TRUE(result.response.timings().has_total());
  const CallResult stream = runner_->Run(Streamed("a-1"));
  ASSERT_TRUE(stream.status.ok());
  ASSERT_TRUE(stream.events[0].has_started());
  EXPECT_EQ(stream.events[0].started().request_id(), "req-test-1");
  EXPECT_EQ(stream.events[0].started().route().reason(), "model_rule:a-");
}

TEST_F(PipelineTest, BytesAreForwardedWhereTheProviderSpeaksTheDialect) {
  EXPECT_TRUE(runner_->Run(RawOpenAi("o-1")).answers_raw);
  EXPECT_TRUE(runner_->Run(RawAnthropic("a-1")).answers_raw);
  EXPECT_TRUE(runner_->Run(RawOpenAi("o-1", ",\"stream\":true")).answers_raw);
  EXPECT_FALSE(runner_->Run(Whole("o-1")).answers_raw);
}

TEST_F(PipelineTest, BytesForAProviderOfAnotherDialectAreRead) {
  Script("a-1", R"({"text": "from the other", "usage":
                    {"prompt_tokens": 30, "completion_tokens": 4}})");
  const CallResult whole = runner_->Run(RawOpenAi("a-1"));
  ASSERT_EQ(Reason(whole.status), "OK") << whole.status;
  EXPECT_FALSE(whole.answers_raw);
  EXPECT_EQ(whole.Text(), "from the other");
  EXPECT_EQ(whole.record().usage->output_tokens(), 4);
  EXPECT_EQ(Stat("a-1", "paths./v1/messages"), 1);
  const CallResult stream =
      runner_->Run(RawOpenAi("a-1", ",\"stream\":true"));
  ASSERT_EQ(Reason(stream.status), "OK") << stream.status;
  EXPECT_EQ(stream.Text(), "from the other");
  const CallResult mock = runner_->Run(RawOpenAi("mock-model"));
  ASSERT_EQ(Reason(mock.status), "OK") << mock.status;
  EXPECT_FALSE(mock.answers_raw);
  EXPECT_EQ(mock.Text(), "This is the mock provider speaking.");
  EXPECT_EQ(mock.record().route_reason, "default");
  const CallResult reverse = runner_->Run(RawAnthropic("o-1"));
  ASSERT_EQ(Reason(reverse.status), "OK") << reverse.status;
  EXPECT_FALSE(reverse.answers_raw);
}

TEST_F(PipelineTest, ABodyThatOnlyItsReaderCanRefuseIsRefusedUnsent) {
  // The scan does not look inside messages; the reader does.
  CallQuestion question = RawOpenAi("a-1");
  question.body = R"({"model":"a-1","messages":[{"role":7}]})";
  const CallResult result = runner_->Run(question);
  EXPECT_EQ(Reason(result.status), "INVALID_REQUEST") << result.status;
  EXPECT_EQ(Stat("a-1", "requests"), 0);
  ExpectToldOnce(result, /*stream=*/false);
}

TEST_F(PipelineTest, ABadRequestIsRefusedBeforeAnythingIsSent) {
  CallQuestion question = Whole("o-1");
  question.request.mutable_sampling()->set_temperature(9);
  for (const bool stream : {false, true}) {
    question.stream = stream;
    const CallResult result = runner_->Run(question);
    EXPECT_EQ(Reason(result.status), "INVALID_REQUEST");
    EXPECT_EQ(FieldViolations(result.status)[0].first,
              "sampling.temperature");
    EXPECT_TRUE(result.attempts.empty());
    EXPECT_EQ(result.record().provider, "");
    ExpectToldOnce(result, stream);
  }
  EXPECT_EQ(Stat("o-1", "requests"), 0);
}

TEST_F(PipelineTest,
       AnUnauthenticatedCallerIsRefusedBeforeTheRequestIsLookedAt) {
  runner_->SetRuntime(MakeTestRuntime(
      "providers: [{name: mock, mock: {}}]\n"
      "routing: {default_target: mock}\n"
      "auth: {callers: {api_keys: [{id: alice, key: 'env:A'}]}}\n",
      {{"A", "alice-0123456789"}}));
  CallQuestion question = Whole("m");
  question.request.mutable_sampling()->set_temperature(9);
  EXPECT_EQ(Reason(runner_->Run(question).status), "API_KEY_INVALID");
  CallQuestion raw = RawOpenAi("m");
  raw.body = "{broken";
  EXPECT_EQ(Reason(runner_->Run(raw).status), "API_KEY_INVALID");
  question.authorization = "Bearer alice-0123456789";
  EXPECT_EQ(Reason(runner_->Run(question).status), "INVALID_REQUEST");
  raw.authorization = question.authorization;
  EXPECT_EQ(Reason(runner_->Run(raw).status), "INVALID_REQUEST");
  CallQuestion good = Whole("m");
  good.authorization = question.authorization;
  const CallResult result = runner_->Run(good);
  EXPECT_EQ(Reason(result.status), "OK");
  EXPECT_EQ(result.record().caller, "alice");
}

TEST_F(PipelineTest, AModelThatNobodyServesIsNotFound) {
  runner_->SetRuntime(
      MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"
                      "routing: {default_target: mock, "
                      "strict: true}\n"));
  const CallResult result = runner_->Run(Streamed("unknown"));
  EXPECT_EQ(Reason(result.status), "MODEL_NOT_FOUND");
  EXPECT_EQ(result.stream_end.outcome(), v1::StreamEnd::OUTCOME_ERROR);
  ExpectToldOnce(result, /*stream=*/true);
}

TEST_F(PipelineTest, ACallerWhoIsGoneEndsTheStreamUpstreamToo) {
  for (const CallQuestion& question : Streams()) {
    ASSERT_TRUE(upstream_->Reset().ok());
    ScriptBoth(R"({"text": "one two three", "stall_after_chunks": 2})");
    const CallResult result =
        runner_->Run(question, [](const CallResult&) -> absl::Status {
          return absl::CancelledError("nobody reads");
        });
    EXPECT_EQ(result.status.message(), "nobody reads");
    EXPECT_EQ(result.batches, 1);
    EXPECT_EQ(result.stream_end.outcome(),
              v1::StreamEnd::OUTCOME_CANCELLED);
    EXPECT_TRUE(upstream_->WaitFor("cancelled", "", 1).ok());
    ExpectToldOnce(result, /*stream=*/true);
  }
}

TEST_F(PipelineTest, CancelInTheMiddleSettlesWhatTheProviderTold) {
  ScriptBoth(R"({"text": "one two three four", "stall_after_chunks": 2,
      "usage_in": "every_chunk",
      "usage": {"prompt_tokens": 30, "completion_tokens": 4}})");
  for (const CallQuestion& question : Streams()) {
    runner_->RenewCancel();
    const CallResult result =
        runner_->Run(question, [this](const CallResult& so_far) {
          if (absl::StrContains(so_far.Text() + so_far.bytes, "two")) {
            runner_->cancel().Cancel(absl::CancelledError("the client left"));
          }
          return absl::OkStatus();
        });
    EXPECT_EQ(result.status.message(), "the client left");
    EXPECT_EQ(result.record().error_reason, v1::ERROR_REASON_CANCELLED);
    EXPECT_EQ(result.record().usage->input_tokens(), 30);
    EXPECT_EQ(result.stream_end.usage().input_tokens(), 30);
    EXPECT_THAT(result.Text() + result.bytes, HasSubstr("two"));
    ExpectToldOnce(result, /*stream=*/true);
  }
}

TEST_F(PipelineTest, TheMocksFaultsAreTriedAgainOnlyBeforeContent) {
  Rewire("", kQuickRetries, "fault: server_error, fault_after_chunks: 2");
  const CallResult interrupted = runner_->Run(Streamed("m"));
  EXPECT_EQ(Reason(interrupted.status), "STREAM_INTERRUPTED");
  EXPECT_EQ(interrupted.attempts.size(), 1u);
  EXPECT_FALSE(interrupted.Text().empty());
  Rewire("", kQuickRetries, "fault: server_error");
  const CallResult failed = runner_->Run(Streamed("m"));
  EXPECT_EQ(Reason(failed.status), "PROVIDER_UNAVAILABLE");
  EXPECT_EQ(failed.attempts.size(), 3u);
  EXPECT_EQ(failed.batches, 0);
}

TEST_F(PipelineTest, AnAliasOfTheProviderIsWhatItIsAskedFor) {
  runner_->SetRuntime(
      MakeTestRuntime(absl::StrCat("providers:\n"
                                   "- name: openai\n"
                                   "  model_aliases: {fast: o-mini}\n"
                                   "  openai: {base_url: 'http://",
                                   upstream_->address(),
                                   "/v1'}\n"
                                   "routing: {default_target: openai}\n")));
  const CallResult result = runner_->Run(RawOpenAi("fast"));
  ASSERT_EQ(Reason(result.status), "OK") << result.status;
  EXPECT_EQ(Stat("o-mini", "requests"), 1);
  EXPECT_EQ(result.record().model_asked, "fast");
  EXPECT_EQ(result.record().model_served, "o-mini");
}

TEST_F(PipelineTest, CountsWhereTheProviderCanAndEstimatesOtherwise) {
  Script("a-1", R"({"usage": {"prompt_tokens": 321}})");
  const CallResult counted = runner_->Run(Count(Whole("a-1")));
  ASSERT_TRUE(counted.status.ok()) << counted.status;
  EXPECT_EQ(counted.answers, 1);
  EXPECT_EQ(counted.count.tokens, 321);
  EXPECT_FALSE(counted.count.estimated);
  EXPECT_EQ(counted.record().provider, "anthropic");
  Script("o-1", R"({"status": 404, "body": "no such path"})");
  const CallResult guessed = runner_->Run(Count(Whole("o-1")));
  ASSERT_TRUE(guessed.status.ok()) << guessed.status;
  EXPECT_EQ(guessed.count.tokens, 5);  // "hi" and a message's frame.
  EXPECT_TRUE(guessed.count.estimated);
  EXPECT_EQ(guessed.records.size(), 1u);
  EXPECT_EQ(guessed.record().error_reason, v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(PipelineTest, ARawRequestIsReadToBeCounted) {
  Script("a-1", R"({"usage": {"prompt_tokens": 321}})");
  const CallResult exact = runner_->Run(Count(RawAnthropic("a-1")));
  ASSERT_TRUE(exact.status.ok()) << exact.status;
  EXPECT_EQ(exact.count.tokens, 321);
  Script("o-1", R"({"usage": {"prompt_tokens": 77}})");
  const CallResult asked = runner_->Run(Count(Whole("o-1")));
  ASSERT_TRUE(asked.status.ok()) << asked.status;
  EXPECT_EQ(asked.count.tokens, 77);
}

TEST_F(PipelineTest, ACountThatFailsIsToldAndRecordedAsOne) {
  Script("a-1", R"({"status": 400})");
  const CallResult result = runner_->Run(Count(Whole("a-1")));
  EXPECT_EQ(Reason(result.status), "INVALID_REQUEST");
  EXPECT_EQ(result.record().error_reason, v1::ERROR_REASON_INVALID_REQUEST);
  CallQuestion broken = Count(RawAnthropic("a-1"));
  broken.body =
      R"({"model":"a-1","max_tokens":1,"messages":[{"role":7}]})";
  const CallResult unread = runner_->Run(broken);
  EXPECT_EQ(Reason(unread.status), "INVALID_REQUEST");
  EXPECT_EQ(unread.record().attempts[0]->error_reason,
            v1::ERROR_REASON_INVALID_REQUEST);
}

// An end of its own, whatever was asked: a failure is told in its place.
TEST_F(PipelineTest, ACountEndsOnceWhateverBecomesOfIt) {
  Script("a-1", R"([{"status": 401}, {"usage": {"prompt_tokens": 1}}])");
  for (const bool fails : {true, false}) {
    const CallResult result = runner_->Run(Count(Whole("a-1")));
    EXPECT_EQ(result.status.ok(), !fails);
    EXPECT_EQ(result.ends, fails ? 1 : 0);
    EXPECT_EQ(result.answers, fails ? 0 : 1);
    EXPECT_EQ(result.records.size(), 1u);
  }
}

}  // namespace
}  // namespace gateway
