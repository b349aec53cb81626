// Usage of which a count cannot be read means the same in every format, of a
// whole answer as of a stream, forwarded as read: the answer is bad, what can
// be read of the usage holds, and it is marked as estimated.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/gemini/gemini.h"
#include "providers/dialects/ollama/ollama.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/dialects/openai_responses/openai_responses.h"

namespace gateway {
namespace {

struct StreamedEvent {
  std::string_view name;
  std::string_view data;
};

// An answer of one word, USAGE standing for the object of its usage.
struct Format {
  const Dialect* dialect;
  bool forwards = true;
  std::string_view input;
  std::string_view output;
  std::string_view cached;  // A part of the input, and where it stands.
  std::string_view cached_after;
  std::string_view whole;
  std::vector<StreamedEvent> stream;
};

Format ChatFormat() {
  static const auto* const kChat = new OpenAiChat();
  return {.dialect = kChat,
          .input = "prompt_tokens",
          .output = "completion_tokens",
          .cached = R"("prompt_tokens_details":{"cached_tokens":)",
          .cached_after = "}",
          .whole = R"({"id":"c","choices":[{"index":0,"finish_reason":"stop",
                    "message":{"role":"assistant","content":"word"}}],
                    "usage":{USAGE}})",
          .stream = {{"", R"({"id":"c","choices":[{"index":0,"delta":
                           {"role":"assistant","content":"word"}}]})"},
                     // As some servers have it: with the end, and before it.
                     {"", R"({"id":"c","usage":{USAGE},"choices":[{"index":0,
                           "delta":{},"finish_reason":"stop"}]})"}}};
}

Format ResponsesFormat() {
  static const auto* const kResponses = new OpenAiResponses();
  return {.dialect = kResponses,
          .input = "input_tokens",
          .output = "output_tokens",
          .cached = R"("input_tokens_details":{"cached_tokens":)",
          .cached_after = "}",
          .whole = R"({"id":"resp_1","object":"response","status":"completed",
                    "model":"m","output":[{"type":"message","id":"msg_1",
                    "role":"assistant","status":"completed","content":[
                    {"type":"output_text","text":"word","annotations":[]}]}],
                    "usage":{USAGE}})",
          .stream = {{"response.output_text.delta",
                      R"({"type":"response.output_text.delta","item_id":"msg_1",
                       "sequence_number":1,"output_index":0,"content_index":0,
                       "delta":"word"})"},
                     {"response.completed",
                      R"({"type":"response.completed","sequence_number":2,
                       "response":{"id":"resp_1","object":"response",
                       "status":"completed","model":"m","output":[],
                       "usage":{USAGE}}})"}}};
}

Format MessagesFormat() {
  static const auto* const kMessages = new AnthropicMessages();
  return {.dialect = kMessages,
          .input = "input_tokens",
          .output = "output_tokens",
          .cached = R"("cache_creation":{"ephemeral_1h_input_tokens":)",
          .cached_after = "}",
          .whole = R"({"id":"msg_1","type":"message","role":"assistant",
                    "model":"m","content":[{"type":"text","text":"word"}],
                    "stop_reason":"end_turn","usage":{USAGE}})",
          .stream = {{"message_start",
                      R"({"type":"message_start","message":{"id":"msg_1",
                       "type":"message","role":"assistant","model":"m",
                       "content":[],"usage":{"input_tokens":0,
                       "output_tokens":0}}})"},
                     {"content_block_start",
                      R"({"type":"content_block_start","index":0,
                       "content_block":{"type":"text","text":""}})"},
                     {"content_block_delta",
                      R"({"type":"content_block_delta","index":0,
                       "delta":{"type":"text_delta","text":"word"}})"},
                     {"message_delta",
                      R"({"type":"message_delta","usage":{USAGE},
                       "delta":{"stop_reason":"end_turn"}})"}}};
}

Format GeminiFormat() {
  static const auto* const kGemini = new Gemini();
  return {.dialect = kGemini,
          .input = "promptTokenCount",
          .output = "candidatesTokenCount",
          .cached = R"("cachedContentTokenCount":)",
          .whole = R"({"usageMetadata":{USAGE},"candidates":[{"index":0,
                    "finishReason":"STOP","content":{"role":"model",
                    "parts":[{"text":"word"}]}}]})",
          .stream = {{"", R"({"usageMetadata":{USAGE},"candidates":[{"index":0,
                           "finishReason":"STOP","content":{"role":"model",
                           "parts":[{"text":"word"}]}}]})"}}};
}

Format OllamaFormat() {
  static const auto* const kOllama = new Ollama("");
  return {.dialect = kOllama,
          .forwards = false,
          .input = "prompt_eval_count",
          .output = "eval_count",
          .whole = R"({"model":"m","message":{"role":"assistant",
                    "content":"word"},USAGE,"done":true,
                    "done_reason":"stop"})",
          .stream = {{"", R"({"model":"m","message":{"role":"assistant",
                           "content":"word"},USAGE,"done":true,
                           "done_reason":"stop"})"}}};
}

std::vector<Format> Formats() {
  return {ChatFormat(), ResponsesFormat(), MessagesFormat(), GeminiFormat(),
          OllamaFormat()};
}

struct Told {
  friend bool operator==(const Told&, const Told&) = default;

  int64_t input = 0;
  int64_t output = 0;
  bool estimated = false;
};

std::ostream& operator<<(std::ostream& out, const Told& told) {
  return out << told.input << " + " << told.output
             << (told.estimated ? ", estimated" : "");
}

Told ToldBy(const v1::Usage& usage) {
  return {usage.input_tokens(), usage.output_tokens(), usage.estimated()};
}

std::string Filled(std::string_view text, const std::string& usage) {
  return absl::StrReplaceAll(std::string(text), {{"USAGE", usage}});
}

// Checks that this usage is bad, and what is told all the same.
void Check(const Format& format, const std::string& usage, const Told& told) {
  const Dialect& dialect = *format.dialect;
  SCOPED_TRACE(absl::StrCat(std::string(dialect.name()), ": ", usage));
  const std::string body = Filled(format.whole, usage);
  v1::GenerateResponse response;
  EXPECT_FALSE(dialect.ReadResponse(body, &response).ok());
  EXPECT_EQ(ToldBy(response.usage()), told) << "whole, read";
  // What was said is read all the same: it may be billed by that.
  ASSERT_EQ(response.choices_size(), 1);
  ASSERT_EQ(response.choices(0).message().parts_size(), 1);
  EXPECT_EQ(response.choices(0).message().parts(0).text(), "word");

  const std::unique_ptr<EventReader> reader = dialect.NewEventReader();
  EventList events;
  absl::Status read;
  for (const StreamedEvent& event : format.stream) {
    ASSERT_TRUE(read.ok()) << read;
    read = reader->Read(event.name, Filled(event.data, usage), &events);
  }
  EXPECT_FALSE(read.ok());
  EXPECT_EQ(ToldBy(reader->usage()), told) << "stream, read";
  const bool ended = std::any_of(
      events.begin(), events.end(),
      [](const v1::GenerateEvent& event) { return event.has_choice_end(); });
  EXPECT_TRUE(ended || reader->usage_is_final());

  if (!format.forwards) return;
  ResponseFacts facts;
  EXPECT_FALSE(dialect.ScanResponse(body, &facts).ok());
  EXPECT_EQ(ToldBy(facts.usage), told) << "whole, forwarded";
  const std::unique_ptr<StreamTap> tap = dialect.NewStreamTap();
  absl::Status tapped;
  for (const StreamedEvent& event : format.stream) {
    ASSERT_TRUE(tapped.ok()) << tapped;
    tapped = tap->OnEvent(event.name, Filled(event.data, usage)).status();
  }
  EXPECT_FALSE(tapped.ok());
  EXPECT_EQ(ToldBy(tap->facts().usage), told) << "stream, forwarded";
  EXPECT_TRUE(tap->facts().usage_is_final);
}

TEST(BrokenUsageTest, WhatCanBeReadHoldsInEveryFormat) {
  for (const Format& format : Formats()) {
    const auto usage = [&format](std::string_view input,
                                 std::string_view output) {
      return absl::StrCat(
          "\"", std::string(format.input), "\":", std::string(input), ",\"",
          std::string(format.output), "\":", std::string(output));
    };
    for (const std::string_view broken :
         {"-1", "9223372036854775808", "1.5", "\"5\"", "[5]", "true"}) {
      Check(format, usage("12", broken), {12, 0, true});
      Check(format, usage(broken, "5"), {0, 5, true});
      if (format.cached.empty()) continue;
      Check(
          format,
          absl::StrCat(std::string(format.cached), std::string(broken),
                       std::string(format.cached_after), ",", usage("12", "5")),
          {12, 5, true});
    }
  }
}

}  // namespace
}  // namespace gateway
