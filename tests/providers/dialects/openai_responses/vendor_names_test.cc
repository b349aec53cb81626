#include "providers/dialects/openai_responses/vendor_names.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "gtest/gtest.h"
#include "providers/dialects/named_signature.h"

namespace gateway::responses {
namespace {

constexpr Contents kText = {.any = true};
constexpr Contents kCalls = {.any = true, .tool_calls = true};
constexpr Contents kRefusal = {.any = true, .refusal = true};

absl::Status ReadUsageFrom(std::string_view text, v1::Usage* usage) {
  return ReadJson(text,
                  [&](JsonValue& root) { return ReadUsage(root, usage); });
}

TEST(VendorNamesTest, AStatusMeansWhatTheAnswerHolds) {
  EXPECT_EQ(FinishReasonOf("completed", "", kText), v1::FINISH_REASON_STOP);
  EXPECT_EQ(FinishReasonOf("completed", "", kCalls),
            v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_EQ(FinishReasonOf("completed", "", kRefusal),
            v1::FINISH_REASON_CONTENT_FILTER);
  EXPECT_EQ(FinishReasonOf("incomplete", "max_output_tokens", kCalls),
            v1::FINISH_REASON_LENGTH);
  EXPECT_EQ(FinishReasonOf("incomplete", "content_filter", kText),
            v1::FINISH_REASON_CONTENT_FILTER);
  EXPECT_EQ(FinishReasonOf("incomplete", "a new reason", kText),
            v1::FINISH_REASON_STOP);
  EXPECT_EQ(FinishReasonOf("incomplete", "a new reason", {}),
            v1::FINISH_REASON_ERROR);
  EXPECT_EQ(FinishReasonOf("cancelled", "", kText), v1::FINISH_REASON_ERROR);
  EXPECT_EQ(FinishReasonOf("queued", "", {}), v1::FINISH_REASON_UNSPECIFIED);
}

TEST(VendorNamesTest, EveryReasonHasAStatus) {
  EXPECT_EQ(EndingOf(v1::FINISH_REASON_STOP, "", kText).status, "completed");
  EXPECT_EQ(EndingOf(v1::FINISH_REASON_TOOL_CALLS, "", kCalls).status,
            "completed");
  EXPECT_EQ(EndingOf(v1::FINISH_REASON_PAUSE, "", kText).status, "completed");
  EXPECT_EQ(EndingOf(v1::FINISH_REASON_ERROR, "", kText).status, "failed");
  EXPECT_EQ(EndingOf(v1::FINISH_REASON_LENGTH, "", kText).incomplete_reason,
            "max_output_tokens");
  EXPECT_EQ(
      EndingOf(v1::FINISH_REASON_CONTENT_FILTER, "", kText).incomplete_reason,
      "content_filter");
  EXPECT_EQ(EndingOf(v1::FINISH_REASON_CONTENT_FILTER, "stop", kRefusal).status,
            "completed");
  EXPECT_EQ(EndingOf(v1::FINISH_REASON_UNSPECIFIED, "queued", {}).status,
            "queued");
}

TEST(VendorNamesTest, UsageOfOlderServersLacksSomeCounts) {
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

TEST(VendorNamesTest, SoundAndImagesAreOfInputAndOfOutput) {
  v1::Usage usage;
  ASSERT_TRUE(ReadUsageFrom(R"({"input_tokens":50,"output_tokens":300,
                       "input_tokens_details":{"cached_tokens":2,
                         "text_tokens":10,"audio_tokens":3,"image_tokens":37},
                       "output_tokens_details":{"reasoning_tokens":4,
                         "image_tokens":272,"audio_tokens":5}})",
                            &usage)
                  .ok());
  EXPECT_EQ(usage.audio_input_tokens(), 3);
  EXPECT_EQ(usage.image_input_tokens(), 37);
  EXPECT_EQ(usage.audio_output_tokens(), 5);
  EXPECT_EQ(usage.image_output_tokens(), 272);
  std::string written;
  JsonWriter json(&written);
  WriteUsage(usage, json);
  v1::Usage again;
  ASSERT_TRUE(ReadUsageFrom(written, &again).ok());
  EXPECT_EQ(again.ShortDebugString(), usage.ShortDebugString());
  EXPECT_FALSE(
      ReadUsageFrom(R"({"output_tokens_details":{"image_tokens":-1}})", &usage)
          .ok());
}

TEST(VendorNamesTest, PartsOfUsageAreNotMoreThanTheWhole) {
  v1::Usage usage;
  ASSERT_TRUE(ReadUsageFrom(R"({"input_tokens":5,"input_tokens_details":
                       {"cached_tokens":4,"cache_write_tokens":9}})",
                            &usage)
                  .ok());
  EXPECT_EQ(usage.cached_input_tokens(), 4);
  EXPECT_EQ(usage.cache_write_tokens(), 1);
}

TEST(VendorNamesTest, ImplausibleCountsAreErrors) {
  v1::Usage usage;
  EXPECT_FALSE(ReadUsageFrom(R"({"input_tokens":-1})", &usage).ok());
  EXPECT_FALSE(
      ReadUsageFrom(R"({"output_tokens":1000000000001})", &usage).ok());
  EXPECT_FALSE(ReadUsageFrom(R"({"output_tokens":"3"})", &usage).ok());
}

TEST(VendorNamesTest, IdsOfOtherVendorsBecomeIdsOfThisFormat) {
  EXPECT_EQ(WireResponseId("resp_1"), "resp_1");
  EXPECT_EQ(WireResponseId("chatcmpl-1"), "resp_chatcmpl-1");
}

TEST(VendorNamesTest, MadeItemIdsAreOfTheirPlaceAndRecognised) {
  EXPECT_EQ(MadeItemId("msg", "resp_1", 0), "msg_gw_1_0");
  EXPECT_TRUE(IsMadeItemId(MadeItemId("rs", "resp_1", 2)));
  EXPECT_FALSE(IsMadeItemId("msg_0001"));
  EXPECT_FALSE(IsMadeItemId(""));
}

TEST(VendorNamesTest, AnOwnSignatureGoesBackByteForByte) {
  v1::Reasoning reasoning;
  ReadSignature({.id = "rs_1", .encrypted_content = "gAAAA:x=="}, &reasoning);
  EXPECT_TRUE(IsNamedSignature(reasoning.signature()));
  ItemSignature signature;
  ASSERT_TRUE(OwnSignature(reasoning, &signature));
  EXPECT_EQ(signature.id, "rs_1");
  EXPECT_EQ(signature.encrypted_content, "gAAAA:x==");
  EXPECT_EQ(ClientSignature(reasoning, "rs_1"), "gAAAA:x==");
}

TEST(VendorNamesTest, ASignatureUnderAnotherIdIsMarkedAndUnderstoodAgain) {
  v1::Reasoning reasoning;
  ReadSignature({.id = "rs_1", .encrypted_content = "gAAAA"}, &reasoning);
  const std::string told = ClientSignature(reasoning, "rs_gw_1_0");
  EXPECT_NE(told, "gAAAA");
  v1::Reasoning again;
  ReadSignature({.id = "rs_gw_1_0", .encrypted_content = told}, &again);
  EXPECT_EQ(again.signature(), reasoning.signature());
}

TEST(VendorNamesTest, SignaturesOfOthersTravelThroughClients) {
  v1::Reasoning signed_by_other;
  signed_by_other.set_signature("EqQB");
  ItemSignature signature;
  EXPECT_FALSE(OwnSignature(signed_by_other, &signature));
  v1::Reasoning again;
  ReadSignature(
      {.id = "rs_gw_1_0",
       .encrypted_content = ClientSignature(signed_by_other, "rs_gw_1_0")},
      &again);
  EXPECT_EQ(again.signature(), "EqQB");

  v1::Reasoning encrypted_by_other;
  encrypted_by_other.set_redacted_data("opaque");
  v1::Reasoning data;
  ReadSignature(
      {.id = "rs_gw_1_1",
       .encrypted_content = ClientSignature(encrypted_by_other, "rs_gw_1_1")},
      &data);
  EXPECT_EQ(data.redacted_data(), "opaque");
}

TEST(VendorNamesTest, WhatWeMadeUpIsNoSignature) {
  v1::Reasoning reasoning;
  ReadSignature({.id = "rs_gw_1_0", .encrypted_content = ""}, &reasoning);
  EXPECT_EQ(reasoning.signature(), "");
  EXPECT_EQ(ClientSignature(reasoning, "rs_gw_1_0"), "");
}

}  // namespace
}  // namespace gateway::responses
