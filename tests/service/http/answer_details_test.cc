#include "service/http/answer_details.h"

#include <string>

#include "base/async/cancellation.h"
#include "gmock/gmock.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/pipeline/call.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::MatchesRegex;

class AnswerDetailsTest : public testing::Test {
 protected:
  AnswerDetailsTest() {
    Attempt& attempt = call_.attempts.Add();
    attempt.provider = "openai";
    attempt.model = "gpt-5";
    call_.planned.reason = "default";
    v1::Usage& usage = attempt.answer.facts.usage;
    usage.set_input_tokens(7);
    usage.set_cost_usd_nanos(1'500'000);
    usage.set_cost_known(true);
    usage.mutable_cost_breakdown()->set_input_nanos(700'000);
    usage.mutable_cost_breakdown()->set_image_input_nanos(100'000);
    usage.mutable_cost_breakdown()->set_image_output_nanos(200'000);
    usage.mutable_cost_breakdown()->set_reasoning_nanos(500'000);
    usage.set_provider_cost_usd_nanos(1'400'001);
    v1::Warning& warning = attempt.warnings.emplace_back();
    warning.set_field("top_k");
    warning.set_message("left\nout");
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

TEST_F(AnswerDetailsTest, FieldsGoBehindTheLastOfAnObject) {
  EXPECT_EQ(EndOfFields("{\"a\":1 }\n"), 6u);
  for (const char* other : {"", "{}", "{ }", "[1]", "}"}) {
    EXPECT_EQ(EndOfFields(other), std::string_view::npos) << other;
  }
  EXPECT_THAT(AnswerDetails(call_, DetailForm::kFull),
              MatchesRegex(",\"provider\":\"openai\",\"latency_ms\":[0-9]+,"
                           "\"cost_usd\":0.0015,\"cost_breakdown\":\\{"
                           "\"input_usd\":0.0007,\"reasoning_usd\":0.0005,"
                           "\"image_input_usd\":0.0001,"
                           "\"image_output_usd\":0.0002\\},"
                           "\"provider_cost_usd\":0.001400001"));
}

TEST_F(AnswerDetailsTest, InBriefACostIsAlwaysTold) {
  EXPECT_THAT(AnswerDetails(call_, DetailForm::kBrief),
              MatchesRegex(",\"provider\":\"openai\",\"latency_ms\":[0-9]+,"
                           "\"cost_usd\":0.0015"));
  call_.attempts.back().answer.facts.usage.Clear();
  EXPECT_THAT(AnswerDetails(call_, DetailForm::kBrief),
              MatchesRegex(".*,\"latency_ms\":[0-9]+,\"cost_usd\":0"));
  EXPECT_THAT(AnswerDetails(call_, DetailForm::kFull),
              MatchesRegex(".*,\"latency_ms\":[0-9]+"));
}

TEST_F(AnswerDetailsTest, AStreamEndsInACommentOfOneLine) {
  call_.attempts.back().first_content = call_.arrival + absl::Milliseconds(12);
  EXPECT_THAT(
      StreamDetails(call_, /*as_comment=*/true),
      MatchesRegex(": x-llmgateway-details: \\{\"provider\":\"openai\","
                   "\"latency_ms\":[0-9]+,\"cost_usd\":0.0015,"
                   "\"cost_breakdown\":\\{\"input_usd\":0.0007,"
                   "\"reasoning_usd\":0.0005,\"image_input_usd\":0.0001,"
                   "\"image_output_usd\":0.0002\\},"
                   "\"provider_cost_usd\":0.001400001,\"model\":\"gpt-5\","
                   "\"reason\":\"default\",\"attempts\":1,"
                   "\"time_to_first_token_ms\":12,"
                   "\"usage\":\\{\"input_tokens\":7,\"output_tokens\":0,"
                   "\"cached_input_tokens\":0,\"cache_write_tokens\":0,"
                   "\"reasoning_tokens\":0,\"estimated\":false\\},"
                   "\"warnings\":\\[\"top_k: left\\\\nout\"\\]\\}\n\n"));
}

TEST_F(AnswerDetailsTest, OrInAnEventWhereCommentsAreNotSkipped) {
  EXPECT_THAT(
      StreamDetails(call_, /*as_comment=*/false),
      MatchesRegex("data: \\{\"llmgatewayDetails\":\\{.*\\]\\}\\}\n\n"));
}

}  // namespace
}  // namespace gateway
