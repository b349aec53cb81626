#include "providers/dialects/gemini/candidate.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::gemini {
namespace {

TEST(GeminiCandidateTest, ReadsWhatIsNewAndKeepsTheRest) {
  Answer answer;
  const absl::Status status = ReadAnswer(
      R"({"candidates":[{"content":{"parts":[{"text":"a"}]},"index":1,
          "finishReason":"STOP","novel":1,"finishMessage":null}],
          "responseId":"r","modelVersion":"m","novel":{"x":2},
          "usageMetadata":{"promptTokenCount":1}})",
      &answer);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(answer.id, "r");
  EXPECT_EQ(answer.model, "m");
  ASSERT_EQ(answer.candidates.size(), 1u);
  EXPECT_EQ(answer.candidates[0].index, 1);
  EXPECT_EQ(answer.candidates[0].finish_word, "STOP");
  ASSERT_EQ(answer.candidates[0].extensions.size(), 1);
  ASSERT_EQ(answer.extensions.size(), 1);
  EXPECT_EQ(answer.extensions[0].json(), R"({"x":2})");
  EXPECT_TRUE(answer.has_usage);
  EXPECT_FALSE(answer.is_error);
}

TEST(GeminiCandidateTest, KnowsABlockedPromptAndAnError) {
  Answer blocked;
  ASSERT_TRUE(
      ReadAnswer(R"({"promptFeedback":{"blockReason":"JAILBREAK"}})", &blocked)
          .ok());
  EXPECT_EQ(blocked.block_word, "JAILBREAK");
  for (const std::string_view text :
       {R"({"error":{"code":500}})", R"([{"error":{"code":500}}])"}) {
    Answer failed;
    ASSERT_TRUE(ReadAnswer(text, &failed).ok());
    EXPECT_TRUE(failed.is_error) << text;
  }
}

TEST(GeminiCandidateTest, AListThatTellsNoErrorIsNoneAndQuotesNothing) {
  for (const std::string_view text :
       {R"([{"candidates":[{"content":{"parts":[{"text":"hush"}]}}]}])",
        R"([[{"error":{"code":500,"message":"hush"}}]])", "[]", "[null]"}) {
    Answer answer;
    EXPECT_EQ(ReadAnswer(text, &answer),
              absl::InvalidArgumentError("expected an object"))
        << text;
  }
}

TEST(GeminiCandidateTest, LikelihoodsGoThereAndBack) {
  const std::string_view result =
      R"({"chosenCandidates":[{"token":"a","logProbability":-0.5},
                              {"token":"b","logProbability":-1.5}],
          "topCandidates":[{"candidates":[{"token":"a","logProbability":-0.5},
                                          {"token":"c","logProbability":-2}]},
                           {"candidates":[]}]})";
  Answer answer;
  std::string text = R"({"candidates":[{"logprobsResult":)";
  ASSERT_TRUE(ReadAnswer(text.append(result).append("}]}"), &answer).ok());
  const v1::Logprobs& logprobs = answer.candidates.at(0).logprobs;
  ASSERT_EQ(logprobs.content_size(), 2);
  EXPECT_EQ(logprobs.content(0).top(1).token(), "c");
  std::string out;
  JsonWriter json(&out);
  ObjectWriter object(kFormat, json);
  WriteLogprobs(logprobs, object);
  object.End();
  std::string expected = R"({"logprobsResult":)";
  EXPECT_TRUE(SameJson(out, expected.append(result).append("}")));
}

TEST(GeminiCandidateTest, AnIdIsTheSameEachTimeAndOnlyWhereThereIsNone) {
  v1::ToolCall call;
  call.set_name("f");
  v1::ToolCall again = call;
  v1::ToolCall second = call;
  NameCall("r", 0, 0, &call);
  NameCall("r", 0, 0, &again);
  NameCall("r", 0, 1, &second);
  EXPECT_TRUE(IsMadeUpCallId(call.id()));
  EXPECT_EQ(call.id(), again.id());
  EXPECT_NE(call.id(), second.id());
  call.set_id("own");
  NameCall("r", 0, 0, &call);
  EXPECT_EQ(call.id(), "own");
}

TEST(GeminiCandidateTest, WhatIsNoAnswerIsTheProvidersFault) {
  for (const std::string_view text :
       {"", "<html>", R"({"candidates":7})",
        R"({"candidates":[{"index":128}]})",
        R"({"candidates":[{"content":{"parts":[{"text":1}]}}]})"}) {
    Answer answer;
    EXPECT_EQ(FaultReason(AsBadResponse(ReadAnswer(text, &answer))),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << text;
  }
}

}  // namespace
}  // namespace gateway::gemini
