#include "service/pipeline/forwarded_text.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/provider.h"
#include "service/pipeline/answer_folding.h"
#include "service/pipeline/prompt_text.h"

namespace gateway {
namespace {

constexpr std::string_view kChunk =
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,"
    "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"forty"
    "-\"},\"finish_reason\":null},{\"index\":1,\"delta\":{\"content\":\"x\"},"
    "\"finish_reason\":null}]}\n\n";

std::string TextOf(AnswerFolding& answer) {
  return AnswerText(answer.Finish());
}

void AddPieces(std::string_view bytes, size_t size, ForwardedText* text,
               AnswerFolding* answer) {
  while (!bytes.empty()) {
    StreamBatch batch;
    batch.raw.push_back(bytes.substr(0, size));
    text->Add(batch, answer);
    bytes.remove_prefix(batch.raw[0].size());
  }
}

TEST(ForwardedTextTest, TheAnswersOfAStreamAreReadHoweverTheyAreCut) {
  const OpenAiChat dialect;
  const std::string stream = std::string(kChunk) + ": a comment\n\n" +
                             std::string(kChunk) + "data: [DONE]\n\n" +
                             "data: what follows the end\n\n";
  for (const size_t size : {size_t{1}, size_t{7}, stream.size()}) {
    ForwardedText text(dialect);
    AnswerFolding answer;
    AddPieces(stream, size, &text, &answer);
    EXPECT_FALSE(text.failed()) << size;
    EXPECT_EQ(TextOf(answer), R"(["forty-forty-", "xx"])") << size;
  }
}

TEST(ForwardedTextTest, WhatCannotBeReadEndsItsReading) {
  const OpenAiChat dialect;
  const std::string stream =
      std::string(kChunk) + "data: {broken\n\n" + std::string(kChunk);
  ForwardedText text(dialect);
  AnswerFolding answer;
  AddPieces(stream, stream.size(), &text, &answer);
  EXPECT_TRUE(text.failed());
  EXPECT_EQ(TextOf(answer), R"(["forty-", "x"])");
}

TEST(ForwardedTextTest, AWholeAnswerIsReadInItsDialect) {
  EXPECT_EQ(TextOfForwarded(
                AnthropicMessages(),
                R"({"id":"a","type":"message","role":"assistant","model":"m",)"
                R"("content":[{"type":"text","text":"forty-two"}],)"
                R"("stop_reason":"end_turn",)"
                R"("usage":{"input_tokens":1,"output_tokens":1}})"),
            "forty-two");
  EXPECT_EQ(TextOfForwarded(OpenAiChat(), "{}"), "");
  EXPECT_EQ(TextOfForwarded(OpenAiChat(), "{broken"), "");
}

}  // namespace
}  // namespace gateway
