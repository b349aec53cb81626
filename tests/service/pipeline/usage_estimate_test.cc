#include "service/pipeline/usage_estimate.h"

#include <algorithm>
#include <cstdint>
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
  facts.usage_is_final = true;
  CompleteUsage(absl::OkStatus(), call_, InputMeasure(call_),
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
    for (const absl::Status& outcome :
         {absl::OkStatus(), absl::UnavailableError("broken off")}) {
      ResponseFacts facts;
      facts.usage = told;
      facts.usage_is_final = true;
      CompleteUsage(outcome, call_, InputMeasure(call_), Delivered(text),
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
  for (const absl::Status& outcome :
       {absl::OkStatus(), absl::UnavailableError("broken off")}) {
    for (const int64_t told : {1, 150}) {
      ResponseFacts facts;
      facts.usage.set_input_tokens(3);
      facts.usage.set_output_tokens(told);
      CompleteUsage(outcome, call_, InputMeasure(call_),
                    Delivered(std::string(400, 'x')), stream_, &facts);
      EXPECT_EQ(facts.usage.input_tokens(), 3);
      EXPECT_EQ(facts.usage.output_tokens(), std::max<int64_t>(told, 100));
      EXPECT_TRUE(facts.usage.estimated());
    }
  }
}

TEST_F(UsageEstimateTest, ARunningCountIsTheBaseOfWhatCameSince) {
  call_.request = &request_;
  StreamBatch batch;
  batch.events.emplace_back().mutable_delta()->set_text(std::string(400, 'x'));
  batch.events.emplace_back().mutable_usage()->set_output_tokens(30);
  batch.events.emplace_back().mutable_delta()->set_text(std::string(40, 'x'));
  DeliveredTokens delivered;
  delivered.Add(batch);
  ResponseFacts facts;
  facts.usage.set_input_tokens(3);
  facts.usage.set_output_tokens(30);
  CompleteUsage(absl::CancelledError("left"), call_, InputMeasure(call_),
                delivered, stream_, &facts);
  EXPECT_EQ(facts.usage.input_tokens(), 3);
  EXPECT_EQ(facts.usage.output_tokens(), 40);
  EXPECT_TRUE(facts.usage.estimated());
}

TEST_F(UsageEstimateTest, AnAnswerInTheBackgroundGoesOnWithoutItsStream) {
  call_.request = &request_;
  call_.facts.background = true;
  const absl::Status left = absl::CancelledError("the caller left");
  const auto output_tokens = [&](const absl::Status& outcome, int64_t bytes,
                                 const ResponseFacts& told) {
    ResponseFacts facts = told;
    CompleteUsage(outcome, call_, InputMeasure(call_),
                  Delivered(std::string(bytes, 'x')), stream_, &facts);
    return facts.usage.output_tokens();
  };
  EXPECT_EQ(output_tokens(left, 8, {}), kOutputTokensNobodyTells);
  EXPECT_EQ(output_tokens(left, 8000, {}), 2000);
  EXPECT_EQ(output_tokens(absl::UnavailableError("closed"), 8, {}),
            kOutputTokensNobodyTells);
  // Not if it is over: it came to its end, told its usage, or failed.
  EXPECT_EQ(output_tokens(absl::OkStatus(), 8, {}), 2);
  ResponseFacts told;
  told.usage.set_output_tokens(5);
  told.usage_is_final = true;
  EXPECT_EQ(output_tokens(left, 8, told), 5);
  absl::Status failed = MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "out");
  MarkForeignWords(failed, ForeignWords::kOfProvider, "out");
  EXPECT_EQ(output_tokens(failed, 8, {}), 2);
  request_.set_max_output_tokens(200);
  EXPECT_EQ(output_tokens(left, 8, {}), 200);
}

TEST_F(UsageEstimateTest, OneThatNobodyWaitedForIsBilledWhatItWillConsume) {
  call_.request = &request_;
  call_.facts.background = true;
  const absl::Status left = absl::CancelledError("the caller left");
  cancel_.Cancel(left);
  const auto output_tokens = [&](const HttpProgress& http,
                                 const absl::Status& status) {
    Attempt attempt;
    attempt.progress.http = http;
    if (http.answered) {
      attempt.progress.answer = AttemptProgress::Answer::kStream;
    }
    attempt.status = status;
    EstimateUnanswered(call_, &attempt);
    const v1::Usage& usage = attempt.answer.facts.usage;
    EXPECT_EQ(usage.estimated(), usage.input_tokens() > 0);
    return usage.output_tokens();
  };
  EXPECT_EQ(output_tokens({.sent = true}, left), kOutputTokensNobodyTells);
  EXPECT_EQ(output_tokens({}, left), 0);
  absl::Status broken =
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "closed");
  const HttpProgress begun = {
      .sent = true, .answered = true, .body_bytes = 500};
  EXPECT_EQ(output_tokens(begun, broken), kOutputTokensNobodyTells);
  EXPECT_EQ(output_tokens({.sent = true, .answered = true}, broken),
            kOutputTokensNobodyTells);
  MarkForeignWords(broken, ForeignWords::kOfProvider, "closed");
  EXPECT_EQ(output_tokens(begun, broken), 0);
}

TEST_F(UsageEstimateTest, AnAnswerInTheBackgroundHasBegunUntilItSaysItsEnd) {
  Attempt forwarded;
  EXPECT_FALSE(IsOnlyBegun(call_, forwarded));
  call_.facts.background = true;
  EXPECT_TRUE(IsOnlyBegun(call_, forwarded));
  forwarded.answer.facts.finish_reason = v1::FINISH_REASON_STOP;
  EXPECT_FALSE(IsOnlyBegun(call_, forwarded));
  v1::GenerateResponse response;
  Attempt read;
  read.answer.response = &response;
  response.add_choices();
  EXPECT_TRUE(IsOnlyBegun(call_, read));
  response.mutable_choices(0)->set_finish_reason(v1::FINISH_REASON_LENGTH);
  EXPECT_FALSE(IsOnlyBegun(call_, read));
  // What its input is told to be stands.
  call_.request = &request_;
  forwarded.answer.facts.usage.set_input_tokens(7);
  EstimateBackgroundUsage(call_, &forwarded);
  EXPECT_EQ(forwarded.answer.facts.usage.input_tokens(), 7);
  EXPECT_EQ(forwarded.answer.facts.usage.output_tokens(),
            kOutputTokensNobodyTells);
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
                         int64_t limit = 0, int64_t unsent = 0) {
    Attempt attempt;
    attempt.unsent_output_tokens = unsent;
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
  EXPECT_EQ(usage(Answer::kStream, broken, 0, 7).output_tokens(), 7);
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

TEST_F(UsageEstimateTest, WhatIsReadOfABrokenAnswerIsAllThatCame) {
  call_.request = &request_;
  for (const int64_t read : {0, 7}) {
    for (const int64_t told : {0, 5}) {
      Attempt attempt;
      attempt.progress.http = {.answered = true, .body_bytes = 4400};
      attempt.progress.answer = AttemptProgress::Answer::kWhole;
      attempt.progress.unasked = std::make_unique<UnaskedAnswer>();
      attempt.progress.unasked->output_tokens = read;
      attempt.progress.unasked->response.mutable_usage()->set_output_tokens(
          told);
      attempt.status =
          MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "closed");
      EstimateUnanswered(call_, &attempt);
      const v1::Usage& usage = attempt.answer.facts.usage;
      EXPECT_EQ(usage.output_tokens(), told > 0 ? told : read);
      EXPECT_TRUE(usage.estimated());
    }
  }
}

TEST_F(UsageEstimateTest, AnAnswerInTheOtherFormIsBilledAsItTells) {
  call_.request = &request_;
  using Answer = AttemptProgress::Answer;
  for (const Answer form : {Answer::kWhole, Answer::kStream}) {
    for (const bool is_final : {true, false}) {
      Attempt attempt;
      attempt.progress.http = {.answered = true, .body_bytes = 4400};
      attempt.progress.answer = form;
      attempt.progress.unasked = std::make_unique<UnaskedAnswer>();
      UnaskedAnswer& unasked = *attempt.progress.unasked;
      unasked.response.mutable_usage()->set_input_tokens(7);
      unasked.response.mutable_usage()->set_output_tokens(is_final ? 5 : 0);
      unasked.output_tokens = 2;
      unasked.usage_is_final = is_final;
      attempt.status =
          MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, "not JSON");
      EstimateUnanswered(call_, &attempt);
      const v1::Usage& usage = attempt.answer.facts.usage;
      EXPECT_EQ(usage.input_tokens(), 7);
      EXPECT_EQ(usage.output_tokens(), is_final ? 5 : 2);
      EXPECT_EQ(usage.estimated(), !is_final);
    }
  }
}

TEST_F(UsageEstimateTest, SoAreTextsThatWereToBecomeVectors) {
  v1::EmbedRequest embed;
  embed.add_inputs()->set_text("12345678");
  embed.add_inputs()->set_text("1234");
  embed.add_inputs()->set_text("123456789");
  call_.embed = &embed;
  const auto tokens = [&](int begin, int end, int64_t told) {
    Attempt attempt;
    attempt.progress.http = {.sent = true, .timed_out = true};
    attempt.status = absl::UnavailableError("timeout");
    attempt.embed_begin = begin;
    attempt.embed_end = end;
    attempt.answer.facts.usage.set_input_tokens(told);
    EstimateUnanswered(call_, &attempt);
    const v1::Usage& usage = attempt.answer.facts.usage;
    EXPECT_EQ(usage.estimated(), begin < end);
    return usage.input_tokens();
  };
  EXPECT_EQ(tokens(0, 3, 0), 6);
  // Of those that were asked for in parts, the last part.
  EXPECT_EQ(tokens(1, 2, 100), 101);
  EXPECT_EQ(tokens(3, 3, 100), 100);
}

}  // namespace
}  // namespace gateway
