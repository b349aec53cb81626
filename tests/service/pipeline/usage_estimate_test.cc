#include "service/pipeline/usage_estimate.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "errors/foreign_words.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "service/pipeline/incoming_call.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

class SilentStream final : public ProviderStream {
 public:
  Task<absl::StatusOr<bool>> Next(StreamBatch*) override { co_return false; }
  const ResponseFacts& facts() const override { return facts_; }

 private:
  ResponseFacts facts_;
};

class UsageEstimateTest : public testing::Test {
 protected:
  UsageEstimateTest() {
    v1::Message* const message = request_.add_messages();
    message->set_role(v1::ROLE_USER);
    message->add_parts()->set_text(
        "a prompt of some twenty tokens, or a few "
        "more, as it is rather long");
  }

  // As if so much text had come.
  static DeliveredTokens Delivered(const std::string& text) {
    StreamBatch batch;
    batch.events.emplace_back().mutable_delta()->set_text(text);
    DeliveredTokens delivered;
    delivered.Add(batch);
    return delivered;
  }

  LoopClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  v1::GenerateRequest request_;
  SilentStream stream_;
  IncomingCall call_{MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"),
                     client_.loop(),
                     client_.http(),
                     cancel_,
                     arena_,
                     client_.loop().Now()};
};

TEST_F(UsageEstimateTest, WhatIsToldStands) {
  call_.request = &request_;
  ResponseFacts facts;
  facts.usage.set_input_tokens(3);
  facts.usage.set_output_tokens(5);
  CompleteUsage(/*finished=*/true, call_, InputMeasure(call_),
                Delivered(std::string(400, 'x')), stream_, &facts);
  EXPECT_EQ(facts.usage.input_tokens(), 3);
  EXPECT_EQ(facts.usage.output_tokens(), 5);
  EXPECT_FALSE(facts.usage.estimated());
}

TEST_F(UsageEstimateTest, ASideThatIsMissingIsEstimatedAndMarked) {
  call_.request = &request_;
  const int64_t guess = InputMeasure(call_).Tokens(call_);
  struct Case {
    int64_t input, output, text;  // Told, told, and the bytes that came.
    int64_t input_of_call, output_of_call;
    bool estimated;
  };
  for (const Case& each :
       {Case{3, 0, 400, 3, 100, true}, Case{0, 5, 400, guess, 5, true},
        Case{0, 0, 400, guess, 100, true}, Case{0, 0, 0, guess, 0, true},
        Case{3, 0, 0, 3, 0, false}, Case{3, 5, 400, 3, 5, false}}) {
    v1::Usage told;
    told.set_input_tokens(each.input);
    told.set_output_tokens(each.output);
    const std::string text(each.text, 'x');
    v1::Usage expected;
    expected.set_input_tokens(each.input_of_call);
    expected.set_output_tokens(each.output_of_call);
    if (each.estimated) expected.set_estimated(true);

    // A stream to its end, and one whose end cannot be read.
    for (const bool finished : {true, false}) {
      ResponseFacts facts;
      facts.usage = told;
      facts.usage_is_final = true;
      CompleteUsage(finished, call_, InputMeasure(call_), Delivered(text),
                    stream_, &facts);
      EXPECT_EQ(facts.usage.ShortDebugString(), expected.ShortDebugString());
    }
    Attempt attempt;
    v1::GenerateResponse response;
    response.add_choices()->mutable_message()->add_parts()->set_text(text);
    attempt.answer.response = &response;
    attempt.answer.facts.usage = told;
    EstimateWholeUsage(call_, &attempt);
    EXPECT_EQ(attempt.answer.facts.usage.ShortDebugString(),
              expected.ShortDebugString());
  }
}

TEST_F(UsageEstimateTest, WhatWasToldBeforeTheEndIsAtLeastWhatWasSaidSince) {
  call_.request = &request_;
  ResponseFacts facts;
  facts.usage.set_input_tokens(3);
  facts.usage.set_output_tokens(1);
  CompleteUsage(/*finished=*/false, call_, InputMeasure(call_),
                Delivered(std::string(400, 'x')), stream_, &facts);
  EXPECT_EQ(facts.usage.input_tokens(), 3);
  EXPECT_EQ(facts.usage.output_tokens(), 100);
  EXPECT_TRUE(facts.usage.estimated());
}

TEST_F(UsageEstimateTest, AMessageThatWasLetGoOfIsMeasuredBefore) {
  call_.request = &request_;
  const InputMeasure input(call_);
  const int64_t there = input.Tokens(call_);
  call_.request = nullptr;
  const int64_t gone = input.Tokens(call_);
  EXPECT_GT(gone, there / 2);
  EXPECT_LT(gone, 2 * there);
}

TEST_F(UsageEstimateTest, ForwardedBytesAreMeasuredThoughTheyGo) {
  const OpenAiChat dialect;
  auto body = std::make_unique<std::string>(
      R"({"model":"m","messages":[{"role":"user","content":"one two three"}]})");
  RawRequest raw;
  raw.dialect = &dialect;
  raw.body = *body;
  call_.raw = &raw;
  const InputMeasure input(call_);
  body.reset();
  raw.body = {};
  v1::Usage usage;
  EstimateUsage(call_, input, 0, &usage);
  EXPECT_EQ(usage.input_tokens(), 8);  // The words and a frame.
  EXPECT_TRUE(usage.estimated());
}

TEST_F(UsageEstimateTest, AWholeAnswerTellsItsCallerToo) {
  call_.request = &request_;
  Attempt attempt;
  v1::GenerateResponse response;
  response.add_choices()->mutable_message()->add_parts()->set_text("12345678");
  attempt.answer.response = &response;
  EXPECT_GT(BytesToEstimate(attempt), 8u);
  EstimateWholeUsage(call_, &attempt);
  EXPECT_EQ(response.usage().output_tokens(), 2);
  EXPECT_TRUE(response.usage().estimated());
  EXPECT_EQ(attempt.answer.facts.usage.output_tokens(), 2);
}

TEST_F(UsageEstimateTest, APromptThatItsProviderWasLeftWithIsBilled) {
  call_.request = &request_;
  const absl::Status left = absl::CancelledError("the caller left");
  cancel_.Cancel(left);
  const auto input_tokens = [&](const HttpProgress& http,
                                const absl::Status& status,
                                int http_status = 0) {
    Attempt attempt;
    attempt.progress.http = http;
    attempt.progress.http_status = http_status;
    attempt.status = status;
    EstimateUnanswered(call_, &attempt);
    const v1::Usage& usage = attempt.answer.facts.usage;
    EXPECT_EQ(usage.estimated(), usage.input_tokens() > 0);
    return usage.input_tokens();
  };
  const absl::Status failed = absl::UnavailableError("500");
  EXPECT_GT(input_tokens({.sent = true}, left), 0);
  EXPECT_GT(input_tokens({.sent = true, .timed_out = true}, failed), 0);
  EXPECT_EQ(input_tokens({}, left), 0);
  EXPECT_EQ(input_tokens({.timed_out = true}, failed), 0);
  // Cancelled in the back-off after it.
  EXPECT_EQ(input_tokens({.sent = true}, failed), 0);
  // It has answered, and there was no room for that here; or had none itself.
  const absl::Status no_room =
      MakeFault(v1::ERROR_REASON_OVERLOADED, "no room");
  EXPECT_GT(input_tokens({.sent = true}, no_room, 200), 0);
  EXPECT_EQ(input_tokens({.sent = true}, no_room, 529), 0);
  call_.facts.counts = true;
  EXPECT_EQ(input_tokens({.sent = true}, left), 0);
}

TEST_F(UsageEstimateTest, WhatCameOfABrokenAnswerIsBilled) {
  call_.request = &request_;
  using Answer = AttemptProgress::Answer;
  const auto usage = [&](Answer answer, const absl::Status& status,
                         int64_t limit = 0) {
    Attempt attempt;
    attempt.progress.http = {
        .sent = true, .answered = true, .body_bytes = 4400};
    attempt.progress.http_status = 200;
    attempt.progress.answer = answer;
    attempt.output_tokens_limit = limit;
    attempt.status = status;
    EstimateUnanswered(call_, &attempt);
    return attempt.answer.facts.usage;
  };
  absl::Status broken =
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "closed");
  const v1::Usage whole = usage(Answer::kWhole, broken);
  EXPECT_GT(whole.input_tokens(), 0);
  EXPECT_EQ(whole.output_tokens(), 1000);
  EXPECT_TRUE(whole.estimated());
  EXPECT_EQ(usage(Answer::kWhole, broken, 300).output_tokens(), 300);
  // Of a stream nothing was delivered.
  EXPECT_GT(usage(Answer::kStream, broken).input_tokens(), 0);
  EXPECT_EQ(usage(Answer::kStream, broken).output_tokens(), 0);
  request_.set_max_output_tokens(200);
  EXPECT_EQ(usage(Answer::kWhole, broken).output_tokens(), 200);
  // A page in place of an answer, and a failure that the provider tells.
  EXPECT_EQ(usage(Answer::kNone, broken).input_tokens(), 0);
  MarkForeignWords(broken, ForeignWords::kOfProvider, "closed");
  EXPECT_EQ(usage(Answer::kWhole, broken).input_tokens(), 0);
}

TEST_F(UsageEstimateTest, WhatIsToldOfABrokenAnswerStands) {
  call_.request = &request_;
  Attempt attempt;
  attempt.progress.http = {.answered = true, .body_bytes = 4400};
  attempt.progress.answer = AttemptProgress::Answer::kWhole;
  attempt.status = MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, "a field");
  attempt.answer.facts.usage.set_input_tokens(7);
  EstimateUnanswered(call_, &attempt);
  EXPECT_EQ(attempt.answer.facts.usage.input_tokens(), 7);
  EXPECT_EQ(attempt.answer.facts.usage.output_tokens(), 1000);
  attempt.answer.facts.usage.set_output_tokens(5);
  EstimateUnanswered(call_, &attempt);
  EXPECT_EQ(attempt.answer.facts.usage.output_tokens(), 5);
}

TEST_F(UsageEstimateTest, SoAreTextsThatWereToBecomeVectors) {
  v1::EmbedRequest embed;
  embed.add_inputs()->set_text("12345678");
  call_.embed = &embed;
  Attempt attempt;
  attempt.progress.http = {.sent = true, .timed_out = true};
  attempt.status = absl::UnavailableError("timeout");
  EstimateUnanswered(call_, &attempt);
  EXPECT_EQ(attempt.answer.facts.usage.input_tokens(), 2);
}

}  // namespace
}  // namespace gateway
