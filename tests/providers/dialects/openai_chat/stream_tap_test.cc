#include "providers/dialects/openai_chat/stream_tap.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/dialect.h"

namespace gateway::chat {
namespace {

class OpenAiChatStreamTapTest : public testing::Test {
 protected:
  absl::StatusOr<EventKind> OnEvent(std::string_view data,
                                    std::string_view name = "") {
    return tap_->OnEvent(name, data);
  }

  // A choice of a chunk.
  absl::StatusOr<EventKind> OnChoice(std::string_view choice) {
    return OnEvent(R"({"id":"i","model":"m","choices":[)" +
                   std::string(choice) + R"(],"usage":null})");
  }

  std::unique_ptr<StreamTap> tap_ = NewStreamTap();
};

TEST_F(OpenAiChatStreamTapTest, TellsTheEventsApart) {
  EXPECT_EQ(*OnEvent(R"({"choices":[],"id":"","prompt_filter_results":[]})"),
            EventKind::kIgnorable);
  EXPECT_EQ(*OnChoice(R"({"index":0,"delta":{"role":"assistant"},)"
                      R"("finish_reason":null})"),
            EventKind::kIgnorable);
  EXPECT_EQ(*OnChoice(R"({"index":0,"delta":{"content":"a"},)"
                      R"("finish_reason":null})"),
            EventKind::kContent);
  EXPECT_FALSE(tap_->finished());
  EXPECT_EQ(*OnChoice(R"({"index":0,"delta":{},"finish_reason":"length"})"),
            EventKind::kContent);
  EXPECT_TRUE(tap_->finished());
  EXPECT_EQ(*OnEvent(R"({"id":"i","choices":[],"usage":{"prompt_tokens":3}})"),
            EventKind::kUsage);
  EXPECT_EQ(*OnEvent("[DONE]"), EventKind::kTerminal);
  EXPECT_EQ(tap_->facts().usage.input_tokens(), 3);
  EXPECT_EQ(tap_->facts().finish_reason, v1::FINISH_REASON_LENGTH);
}

// Until the model has said something, another provider may be asked.
TEST_F(OpenAiChatStreamTapTest, TheRoleAloneIsNotOutput) {
  EXPECT_EQ(*OnChoice(R"({"index":0,"delta":{"role":"assistant",)"
                      R"("content":"","refusal":null}})"),
            EventKind::kIgnorable);
  EXPECT_EQ(*OnChoice(R"({"index":1,"delta":{"role":"assistant",)"
                      R"("content":"a"}})"),
            EventKind::kContent);
  EXPECT_EQ(*OnChoice(R"({"index":2,"delta":{"role":"assistant",)"
                      R"("content":null,"tool_calls":[{"index":0}]}})"),
            EventKind::kContent);
}

TEST_F(OpenAiChatStreamTapTest, WhatTheModelSaysIsNotMistakenForFields) {
  ASSERT_TRUE(OnChoice(R"({"index":0,"delta":{"role":"assistant"}})").ok());
  EXPECT_EQ(*OnChoice(R"({"index":0,"delta":{"content":"\"error\":{},)"
                      R"(\"finish_reason\":\"stop\",\"usage\":{}"}})"),
            EventKind::kContent);
  EXPECT_FALSE(tap_->finished());
  EXPECT_FALSE(tap_->facts().has_usage);
}

// Pieces that differ by their text are looked at no closer; nor does a text
// hide what else differs.
TEST_F(OpenAiChatStreamTapTest, KnowsPiecesAgain) {
  ASSERT_TRUE(OnChoice(R"({"index":0,"delta":{"role":"assistant"}})").ok());
  const auto piece = [&](const std::string& text, const std::string& end) {
    return OnChoice(R"({"index":0,"delta":{"content":")" + text +
                    R"("},"finish_reason":)" + end + "}");
  };
  for (const char* const text :
       {"four", "ty", " two", "\xc3\xa4", "\\n", "", R"(\")", "role: x"}) {
    EXPECT_EQ(*piece(text, "null"), EventKind::kContent) << text;
  }
  EXPECT_FALSE(tap_->finished());
  EXPECT_FALSE(piece("\xff", "null").ok());
  EXPECT_FALSE(piece("\xc3", "null").ok());
  EXPECT_EQ(*piece("!", R"("stop")"), EventKind::kContent);
  EXPECT_TRUE(tap_->finished());
}

TEST_F(OpenAiChatStreamTapTest, EveryPieceMayHaveSomethingNewBesideItsText) {
  ASSERT_TRUE(OnChoice(R"({"index":0,"delta":{"role":"assistant"}})").ok());
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(*OnChoice(R"({"index":0,"delta":{"content":"a"},"padding":)" +
                        std::to_string(i) + "}"),
              EventKind::kContent);
  }
  EXPECT_EQ(*OnChoice(R"({"index":0,"delta":{},"finish_reason":"stop"})"),
            EventKind::kContent);
  EXPECT_TRUE(tap_->finished());
}

TEST_F(OpenAiChatStreamTapTest, ReadsSpacedOutText) {
  ASSERT_TRUE(OnChoice(R"({"index":0,"delta":{"role":"assistant"}})").ok());
  ASSERT_TRUE(
      OnChoice(R"({"index":0,"delta":{},"finish_reason" : "stop"})").ok());
  EXPECT_TRUE(tap_->finished());
  EXPECT_EQ(
      *OnEvent("{\"choices\": [], \"usage\" :\t{ \"prompt_tokens\": 3 } }"),
      EventKind::kUsage);
  EXPECT_EQ(tap_->facts().usage.input_tokens(), 3);
  EXPECT_EQ(*OnEvent("{\"choices\":[],\"usage\"\n:\n{\"prompt_tokens\":4}}"),
            EventKind::kUsage);
  EXPECT_EQ(tap_->facts().usage.input_tokens(), 4);
}

TEST_F(OpenAiChatStreamTapTest, FindsATellingKeyBehindOneThatIsNull) {
  ASSERT_TRUE(OnChoice(R"({"index":0,"delta":{"role":"assistant"}})").ok());
  EXPECT_EQ(*OnEvent(R"({"error":null,"usage": null,"choices":[{"index":0,)"
                     R"("delta":{"content":": \"error\" :"},)"
                     R"("finish_reason":"stop"}]})"),
            EventKind::kContent);
  EXPECT_TRUE(tap_->finished());
}

TEST_F(OpenAiChatStreamTapTest, IsFinishedWhenEveryChoiceIs) {
  for (const std::string_view index : {"0", "1", "2"}) {
    ASSERT_TRUE(OnChoice("{\"index\":" + std::string(index) +
                         R"(,"delta":{"role":"assistant"}})")
                    .ok());
  }
  for (const std::string_view index : {"1", "0", "2"}) {
    EXPECT_FALSE(tap_->finished());
    ASSERT_TRUE(OnChoice("{\"index\":" + std::string(index) +
                         R"(,"delta":{},"finish_reason":"stop"})")
                    .ok());
  }
  EXPECT_TRUE(tap_->finished());
}

TEST_F(OpenAiChatStreamTapTest, UsageBesideAChoiceIsContent) {
  EXPECT_EQ(*OnEvent(R"({"id":"i","choices":[{"index":0,"delta":{},)"
                     R"("finish_reason":"stop"}],"usage":)"
                     R"({"prompt_tokens":5,"completion_tokens":6}})"),
            EventKind::kContent);
  EXPECT_TRUE(tap_->facts().has_usage);
  EXPECT_EQ(tap_->facts().usage.output_tokens(), 6);
}

// As Moonshot has it.
TEST_F(OpenAiChatStreamTapTest, UsageWithinAChoiceIsRead) {
  EXPECT_EQ(*OnEvent(R"({"id":"i","choices":[{"index":0,"delta":{},)"
                     R"("finish_reason":"stop","usage":{"prompt_tokens":5,)"
                     R"("completion_tokens":6,"cached_tokens":4}}]})"),
            EventKind::kContent);
  EXPECT_TRUE(tap_->facts().has_usage);
  EXPECT_TRUE(tap_->facts().usage_is_final);
  EXPECT_EQ(tap_->facts().usage.output_tokens(), 6);
  EXPECT_EQ(tap_->facts().usage.cached_input_tokens(), 4);
}

TEST_F(OpenAiChatStreamTapTest, OnlyTheFirstFinishWordCounts) {
  for (const std::string_view word : {"length", "stop"}) {
    ASSERT_TRUE(OnChoice(R"({"index":0,"delta":{},"finish_reason":")" +
                         std::string(word) + "\"}")
                    .ok());
  }
  EXPECT_EQ(tap_->facts().finish_reason, v1::FINISH_REASON_LENGTH);
}

TEST_F(OpenAiChatStreamTapTest, TellsThatAnotherChoiceWasCut) {
  for (const std::string_view index : {"0", "1"}) {
    ASSERT_TRUE(OnChoice(R"({"index":)" + std::string(index) +
                         R"(,"delta":{"content":"a"},"finish_reason":"stop"})")
                    .ok());
    EXPECT_FALSE(tap_->facts().other_choice_cut);
  }
  ASSERT_TRUE(OnChoice(R"({"index":2,"delta":{"content":"a"},)"
                       R"("finish_reason":"length"})")
                  .ok());
  EXPECT_TRUE(tap_->facts().other_choice_cut);
  EXPECT_EQ(tap_->facts().finish_reason, v1::FINISH_REASON_STOP);
}

TEST_F(OpenAiChatStreamTapTest, SaysWhatAnErrorEventSaid) {
  ASSERT_TRUE(OnChoice(R"({"index":0,"delta":{"role":"assistant"}})").ok());
  EXPECT_EQ(*OnEvent(R"({"error":{"message":"m","type":"server_error"}})"),
            EventKind::kError);
  EXPECT_EQ(FaultReason(tap_->error()), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(*OnEvent("overloaded", "error"), EventKind::kError);
  EXPECT_EQ(*OnChoice(R"({"index":0,"error":{"code":429,"message":"m"},)"
                      R"("finish_reason":"error"})"),
            EventKind::kError);
  EXPECT_EQ(FaultReason(tap_->error()), v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
}

TEST_F(OpenAiChatStreamTapTest, NonsenseIsABadResponse) {
  for (const std::string_view data :
       {"<html>", "[]", "{", "{\"id\":\"\xff\"}",
        R"({"id":"i","usage":{"prompt_tokens":-1}})"}) {
    EXPECT_EQ(FaultReason(OnEvent(data).status()),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << data;
  }
  ASSERT_TRUE(OnChoice(R"({"index":0,"delta":{"role":"assistant"}})").ok());
  EXPECT_FALSE(OnEvent("<html>").ok());
  EXPECT_FALSE(OnEvent("{\"choices\":[\"\xc3(\"]}").ok());
}

TEST_F(OpenAiChatStreamTapTest, AnEventThatWasCutOffIsABadResponse) {
  ASSERT_TRUE(OnChoice(R"({"index":0,"delta":{"role":"assistant"}})").ok());
  EXPECT_EQ(FaultReason(OnEvent(R"({"choices":[{"del)").status()),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  EXPECT_EQ(*OnEvent("{\"choices\":[{\"delta\":{}}]} \t\r\n"),
            EventKind::kContent);
}

TEST_F(OpenAiChatStreamTapTest, AStreamWithoutAWordOfItsEndIsUnfinished) {
  EXPECT_FALSE(tap_->finished());
  ASSERT_TRUE(OnChoice(R"({"index":0,"delta":{"content":"a"}})").ok());
  EXPECT_EQ(*OnEvent("[DONE]"), EventKind::kTerminal);
  EXPECT_FALSE(tap_->finished());
  EXPECT_EQ(*OnEvent(""), EventKind::kIgnorable);
}

TEST_F(OpenAiChatStreamTapTest, ClosingEndsAStreamOnlyWhereThereIsNoMarker) {
  constexpr std::string_view kEnd =
      R"({"index":0,"delta":{},"finish_reason":"stop"})";
  ASSERT_TRUE(OnChoice(kEnd).ok());
  EXPECT_TRUE(tap_->finished());
  EXPECT_FALSE(tap_->CompleteAtClose());

  tap_ = NewStreamTap(/*done_marker=*/false);
  EXPECT_FALSE(tap_->CompleteAtClose());
  ASSERT_TRUE(OnChoice(R"({"index":0,"delta":{"content":"a"}})").ok());
  EXPECT_FALSE(tap_->CompleteAtClose());
  ASSERT_TRUE(OnChoice(kEnd).ok());
  EXPECT_TRUE(tap_->CompleteAtClose());
  EXPECT_EQ(tap_->MissingEnd(), "data: [DONE]\n\n");
}

TEST_F(OpenAiChatStreamTapTest, AListOfEmptyTextsIsNotOutput) {
  EXPECT_EQ(*OnChoice(R"({"index":0,"delta":{"role":"assistant","content":[)"
                      R"({"type":"thinking","thinking":[{"type":"text",)"
                      R"("text":""}]},{"type":"text","text":""}]}})"),
            EventKind::kIgnorable);
  for (const std::string_view entry :
       {R"({"type":"text","text":"a"})",
        R"({"type":"thinking","thinking":[{"type":"text","text":"a"}]})",
        R"({"type":"reference","reference_ids":[0]})"}) {
    EXPECT_EQ(*OnChoice(R"({"index":0,"delta":{"role":"assistant",)"
                        R"("content":[)" +
                        std::string(entry) + "]}}"),
              EventKind::kContent)
        << entry;
  }
}

}  // namespace
}  // namespace gateway::chat
