#include "providers/dialects/openai_responses/words.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "gtest/gtest.h"
#include "providers/dialects/seal.h"

namespace gateway::responses {
namespace {

constexpr Contents kWords = {.any = true};
constexpr Contents kCalls = {.any = true, .tool_calls = true};
constexpr Contents kRefusal = {.any = true, .refusal = true};

absl::Status ReadUsageFrom(std::string_view text, v1::Usage* usage) {
  return ReadJson(text, JsonPadding::kAbsent,
                  [&](JsonValue& root) { return ReadUsage(root, usage); });
}

TEST(WordsTest, AStatusMeansWhatTheAnswerHolds) {
  EXPECT_EQ(FinishReasonOf("completed", "", kWords), v1::FINISH_REASON_STOP);
  EXPECT_EQ(FinishReasonOf("completed", "", kCalls),
            v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_EQ(FinishReasonOf("completed", "", kRefusal),
            v1::FINISH_REASON_CONTENT_FILTER);
  EXPECT_EQ(FinishReasonOf("incomplete", "max_output_tokens", kCalls),
            v1::FINISH_REASON_LENGTH);
  EXPECT_EQ(FinishReasonOf("incomplete", "content_filter", kWords),
            v1::FINISH_REASON_CONTENT_FILTER);
  EXPECT_EQ(FinishReasonOf("incomplete", "a new reason", kWords),
            v1::FINISH_REASON_STOP);
  EXPECT_EQ(FinishReasonOf("incomplete", "a new reason", {}),
            v1::FINISH_REASON_ERROR);
  EXPECT_EQ(FinishReasonOf("cancelled", "", kWords), v1::FINISH_REASON_ERROR);
  EXPECT_EQ(FinishReasonOf("queued", "", {}), v1::FINISH_REASON_UNSPECIFIED);
}

TEST(WordsTest, EveryReasonHasAStatus) {
  EXPECT_EQ(EndingOf(v1::FINISH_REASON_STOP, "", kWords).status, "completed");
  EXPECT_EQ(EndingOf(v1::FINISH_REASON_TOOL_CALLS, "", kCalls).status,
            "completed");
  EXPECT_EQ(EndingOf(v1::FINISH_REASON_PAUSE, "", kWords).status, "completed");
  EXPECT_EQ(EndingOf(v1::FINISH_REASON_ERROR, "", kWords).status, "failed");
  EXPECT_EQ(EndingOf(v1::FINISH_REASON_LENGTH, "", kWords).incomplete_reason,
            "max_output_tokens");
  EXPECT_EQ(
      EndingOf(v1::FINISH_REASON_CONTENT_FILTER, "", kWords).incomplete_reason,
      "content_filter");
  EXPECT_EQ(EndingOf(v1::FINISH_REASON_CONTENT_FILTER, "stop", kRefusal).status,
            "completed");
  EXPECT_EQ(EndingOf(v1::FINISH_REASON_UNSPECIFIED, "queued", {}).status,
            "queued");
}

TEST(WordsTest, EveryEffortHasAWord) {
  for (const std::string_view word :
       {"none", "minimal", "low", "medium", "high", "xhigh", "max"}) {
    EXPECT_EQ(WordOfEffort(EffortOfWord(word)), word);
  }
  EXPECT_EQ(EffortOfWord("boundless"),
            v1::ReasoningSettings::EFFORT_UNSPECIFIED);
}

TEST(WordsTest, UsageOfOlderServersLacksSomeCounts) {
  v1::Usage usage;
  ASSERT_TRUE(
      ReadUsageFrom(R"({"input_tokens":5,"output_tokens":3,"total_tokens":8,
                       "input_tokens_details":{"cached_tokens":2},
                       "output_tokens_details":null,"new":1})",
                    &usage)
          .ok());
  EXPECT_EQ(usage.input_tokens(), 5);
  EXPECT_EQ(usage.cached_input_tokens(), 2);
  EXPECT_EQ(usage.cache_write_tokens(), 0);
  EXPECT_EQ(usage.output_tokens(), 3);
}

TEST(WordsTest, PartsOfUsageAreNotMoreThanTheWhole) {
  v1::Usage usage;
  ASSERT_TRUE(ReadUsageFrom(R"({"input_tokens":5,"input_tokens_details":
                       {"cached_tokens":4,"cache_write_tokens":9}})",
                            &usage)
                  .ok());
  EXPECT_EQ(usage.cached_input_tokens(), 4);
  EXPECT_EQ(usage.cache_write_tokens(), 1);
}

TEST(WordsTest, ImplausibleCountsAreErrors) {
  v1::Usage usage;
  EXPECT_FALSE(ReadUsageFrom(R"({"input_tokens":-1})", &usage).ok());
  EXPECT_FALSE(
      ReadUsageFrom(R"({"output_tokens":1000000000001})", &usage).ok());
  EXPECT_FALSE(ReadUsageFrom(R"({"output_tokens":"3"})", &usage).ok());
}

TEST(WordsTest, IdsOfOtherVendorsBecomeIdsOfThisFormat) {
  EXPECT_EQ(WireResponseId("resp_1"), "resp_1");
  EXPECT_EQ(WireResponseId("chatcmpl-1"), "resp_chatcmpl-1");
}

TEST(WordsTest, MadeItemIdsAreOfTheirPlaceAndRecognised) {
  EXPECT_EQ(MadeItemId("msg", "resp_1", 0), "msg_gw_1_0");
  EXPECT_TRUE(IsMadeItemId(MadeItemId("rs", "resp_1", 2)));
  EXPECT_FALSE(IsMadeItemId("msg_0001"));
  EXPECT_FALSE(IsMadeItemId(""));
}

TEST(WordsTest, AnOwnSealGoesBackByteForByte) {
  v1::Reasoning reasoning;
  ReadSeal({.id = "rs_1", .encrypted_content = "gAAAA:x=="}, &reasoning);
  EXPECT_TRUE(IsNamedSeal(reasoning.signature()));
  ItemSeal seal;
  ASSERT_TRUE(OwnSeal(reasoning, &seal));
  EXPECT_EQ(seal.id, "rs_1");
  EXPECT_EQ(seal.encrypted_content, "gAAAA:x==");
  EXPECT_EQ(ClientSeal(reasoning, "rs_1"), "gAAAA:x==");
}

TEST(WordsTest, ASealUnderAnotherIdIsMarkedAndUnderstoodAgain) {
  v1::Reasoning reasoning;
  ReadSeal({.id = "rs_1", .encrypted_content = "gAAAA"}, &reasoning);
  const std::string told = ClientSeal(reasoning, "rs_gw_1_0");
  EXPECT_NE(told, "gAAAA");
  v1::Reasoning again;
  ReadSeal({.id = "rs_gw_1_0", .encrypted_content = told}, &again);
  EXPECT_EQ(again.signature(), reasoning.signature());
}

TEST(WordsTest, SealsOfOthersTravelThroughClients) {
  v1::Reasoning signed_by_other;
  signed_by_other.set_signature("EqQB");
  ItemSeal seal;
  EXPECT_FALSE(OwnSeal(signed_by_other, &seal));
  v1::Reasoning again;
  ReadSeal({.id = "rs_gw_1_0",
            .encrypted_content = ClientSeal(signed_by_other, "rs_gw_1_0")},
           &again);
  EXPECT_EQ(again.signature(), "EqQB");

  v1::Reasoning sealed_by_other;
  sealed_by_other.set_redacted_data("opaque");
  v1::Reasoning data;
  ReadSeal({.id = "rs_gw_1_1",
            .encrypted_content = ClientSeal(sealed_by_other, "rs_gw_1_1")},
           &data);
  EXPECT_EQ(data.redacted_data(), "opaque");
}

TEST(WordsTest, WhatWeMadeUpIsNoSeal) {
  v1::Reasoning reasoning;
  ReadSeal({.id = "rs_gw_1_0", .encrypted_content = ""}, &reasoning);
  EXPECT_EQ(reasoning.signature(), "");
  EXPECT_EQ(ClientSeal(reasoning, "rs_gw_1_0"), "");
}

}  // namespace
}  // namespace gateway::responses
