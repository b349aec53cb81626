#include "providers/dialects/openai_chat/vendor_names.h"

#include <string_view>

#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"

namespace gateway::chat {
namespace {

constexpr ChoiceContents kText = {.content = true};
constexpr ChoiceContents kCall = {.content = true, .tool_calls = true};
constexpr ChoiceContents kRefusal = {.content = true, .refusal = true};

TEST(OpenAiChatVendorNamesTest, ReadsFinishReasons) {
  EXPECT_EQ(ReadFinishReason("stop", kText), v1::FINISH_REASON_STOP);
  EXPECT_EQ(ReadFinishReason("length", kText), v1::FINISH_REASON_LENGTH);
  EXPECT_EQ(ReadFinishReason("tool_calls", kCall),
            v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_EQ(ReadFinishReason("function_call", kText),
            v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_EQ(ReadFinishReason("content_filter", {}),
            v1::FINISH_REASON_CONTENT_FILTER);
  EXPECT_EQ(ReadFinishReason("insufficient_system_resource", kText),
            v1::FINISH_REASON_ERROR);
}

TEST(OpenAiChatVendorNamesTest, AToolCallCountsMoreThanTheWordUnlessCutOff) {
  EXPECT_EQ(ReadFinishReason("stop", kCall), v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_EQ(ReadFinishReason("eos", kCall), v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_EQ(ReadFinishReason("length", kCall), v1::FINISH_REASON_LENGTH);
  EXPECT_EQ(ReadFinishReason("content_filter", kCall),
            v1::FINISH_REASON_CONTENT_FILTER);
}

TEST(OpenAiChatVendorNamesTest,
     TiersOfOtherVendorsAreSaidInOpenAisWordsOrNotAtAll) {
  EXPECT_EQ(ServiceTierWord("flex"), "flex");
  EXPECT_EQ(ServiceTierWord("standard"), "default");
  EXPECT_EQ(ServiceTierWord("standard_only"), "default");
  EXPECT_EQ(ServiceTierWord("batch"), "");
  EXPECT_EQ(ServiceTierWord("on_demand"), "");
  EXPECT_EQ(ServiceTierWord(""), "");
}

TEST(OpenAiChatVendorNamesTest, ARefusalIsAFilter) {
  EXPECT_EQ(ReadFinishReason("stop", kRefusal),
            v1::FINISH_REASON_CONTENT_FILTER);
}

TEST(OpenAiChatVendorNamesTest, AnUnknownWordIsASuccessOnlyAfterContent) {
  EXPECT_EQ(ReadFinishReason("eos", kText), v1::FINISH_REASON_STOP);
  EXPECT_EQ(ReadFinishReason("eos", {}), v1::FINISH_REASON_ERROR);
  EXPECT_EQ(ReadFinishReason("", {}), v1::FINISH_REASON_ERROR);
}

TEST(OpenAiChatVendorNamesTest, WritesTheProvidersWordWhereItMeansTheSame) {
  EXPECT_EQ(
      WriteFinishReason(v1::FINISH_REASON_CONTENT_FILTER, "stop", kRefusal),
      "stop");
  EXPECT_EQ(
      WriteFinishReason(v1::FINISH_REASON_CONTENT_FILTER, "refusal", kRefusal),
      "content_filter");
  EXPECT_EQ(WriteFinishReason(v1::FINISH_REASON_STOP, "end_turn", kText),
            "stop");
  EXPECT_EQ(WriteFinishReason(v1::FINISH_REASON_LENGTH, "stop", kText),
            "length");
  for (const std::string_view word : {"function_call", "stop", "tool_calls"}) {
    EXPECT_EQ(WriteFinishReason(v1::FINISH_REASON_TOOL_CALLS, word, kCall),
              "tool_calls");
  }
  EXPECT_EQ(WriteFinishReason(v1::FINISH_REASON_PAUSE, "pause_turn", kText),
            "stop");
}

TEST(OpenAiChatVendorNamesTest, RolesAndEffortsComeBack) {
  for (const std::string_view word :
       {"user", "assistant", "system", "developer", "tool"}) {
    EXPECT_EQ(WriteRole(ReadRole(word)), word);
  }
  EXPECT_EQ(ReadRole("function"), v1::ROLE_TOOL);
  EXPECT_EQ(ReadRole("king"), v1::ROLE_UNSPECIFIED);
  for (const std::string_view word :
       {"none", "minimal", "low", "medium", "high", "xhigh", "max"}) {
    EXPECT_EQ(WriteEffort(ReadEffort(word)), word);
  }
  EXPECT_EQ(ReadEffort("ludicrous"), v1::ReasoningSettings::EFFORT_UNSPECIFIED);
  EXPECT_EQ(WriteEffort(v1::ReasoningSettings::EFFORT_UNSPECIFIED), "");
}

}  // namespace
}  // namespace gateway::chat
