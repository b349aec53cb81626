// Usage that is told before the last content is not that of the whole answer,
// in any format, forwarded as read.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/gemini/gemini.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/dialects/openai_responses/openai_responses.h"
#include "providers/dialects/told_usage.h"

namespace gateway {
namespace {

struct NamedEvent {
  std::string name;
  std::string data;
};

using Events = std::vector<NamedEvent>;

// Plays a stream; returns the output that is told, negative if it is not that
// of all of the answer. Both ways through the dialect have to agree.
int64_t Told(const Dialect& dialect, const Events& events) {
  const std::unique_ptr<StreamTap> tap = dialect.NewStreamTap();
  const std::unique_ptr<EventReader> reader = dialect.NewEventReader();
  ToldOutput told;
  bool ended = false;
  for (const NamedEvent& event : events) {
    tap->OnEvent(event.name, event.data).status().IgnoreError();
    EventList read;
    reader->Read(event.name, event.data, &read).IgnoreError();
    const bool has_output = std::any_of(
        read.begin(), read.end(),
        [](const v1::GenerateEvent& each) { return each.has_delta(); });
    ended = ended || std::any_of(read.begin(), read.end(),
                                 [](const v1::GenerateEvent& each) {
                                   return each.has_choice_end();
                                 });
    told.Take({.has_output = has_output,
               .is_told = reader->told_output(),
               .has_ended = ended});
  }
  const ResponseFacts& facts = tap->facts();
  EXPECT_EQ(facts.usage.input_tokens(), 50);
  EXPECT_EQ(reader->usage().input_tokens(), 50);
  EXPECT_EQ(facts.usage.output_tokens(), reader->usage().output_tokens());
  EXPECT_EQ(facts.usage_is_final, ended && told.counts_all());
  const int64_t tokens = facts.usage.output_tokens();
  return facts.usage_is_final ? tokens : -tokens;
}

std::string Piece(std::string_view text, std::string_view reason,
                  std::string_view usage) {
  return absl::StrCat(
      R"({"id":"c","choices":[{"index":0,"delta":{"content":")",
      std::string(text), R"("},"finish_reason":)",
      reason.empty() ? "null" : absl::StrCat("\"", std::string(reason), "\""),
      "}]", usage.empty() ? "" : ",\"usage\":", std::string(usage), "}");
}

TEST(EarlyUsageTest, Chat) {
  const OpenAiChat chat;
  const std::string placeholder =
      R"({"prompt_tokens":50,"completion_tokens":1})";
  const std::string whole = R"({"prompt_tokens":50,"completion_tokens":400})";
  const NamedEvent end{"", "[DONE]"};
  const NamedEvent first{"", Piece("w", "", placeholder)};
  const NamedEvent text{"", Piece("many words", "", "")};
  const NamedEvent stop{"", Piece("", "stop", "")};
  EXPECT_EQ(Told(chat, {first, text, stop, end}), -1);
  EXPECT_EQ(Told(chat, {first, text, text, text, stop, end}), -1);
  EXPECT_EQ(Told(chat, {first, stop, end}), 1);
  EXPECT_EQ(Told(chat, {first, text, {"", Piece("", "stop", whole)}, end}),
            400);
  const NamedEvent usage{
      "", absl::StrCat(R"({"id":"c","choices":[],"usage":)", whole, "}")};
  EXPECT_EQ(Told(chat, {first, text, stop, usage, end}), 400);
  EXPECT_EQ(Told(chat, {first, text, usage, stop, end}), 400);
  EXPECT_EQ(Told(chat, {first, text, usage, text, stop, end}), -400);
  // Input that was told stands.
  for (const char* unsaid :
       {R"({"completion_tokens":400})",
        R"({"prompt_tokens":0,"completion_tokens":400})"}) {
    EXPECT_EQ(Told(chat, {first, text, {"", Piece("", "stop", unsaid)}, end}),
              400);
  }
  // What trails the usage at the end is no answer, and what says nothing
  // changes nothing before it.
  EXPECT_EQ(Told(chat, {first, text, stop, usage, text, end}), 400);
  const NamedEvent verdict{
      "", R"({"id":"c","choices":[{"index":0,"delta":{},"finish_reason":null,)"
          R"("content_filter_offsets":{"check_offset":1}}]})"};
  EXPECT_EQ(Told(chat, {first, text, stop, usage, verdict, end}), 400);
  const NamedEvent cited{
      "", R"({"id":"c","choices":[{"index":0,"delta":{"content":"",)"
          R"("tool_calls":[],"annotations":[{"type":"url_citation"}]}}]})"};
  EXPECT_EQ(Told(chat, {first, text, stop, usage, cited, end}), 400);
  EXPECT_EQ(
      Told(chat,
           {first, text, stop, usage, {"", R"({"id":"c","choices":[]})"}, end}),
      400);
  for (const char* unread :
       {"null", "-7", "7.5", "\"text\"", "9223372036854775808"}) {
    EXPECT_EQ(Told(chat, {first,
                          text,
                          {"", Piece("", "stop",
                                     absl::StrCat(R"({"prompt_tokens":50,)"
                                                  R"("completion_tokens":)",
                                                  unread, "}"))}}),
              -1)
        << unread;
  }
}

TEST(EarlyUsageTest, Messages) {
  const AnthropicMessages messages;
  const Events begin = {
      {"message_start",
       R"({"type":"message_start","message":{"id":"m","type":"message",
        "role":"assistant","model":"m","content":[],"usage":
        {"input_tokens":50,"output_tokens":1}}})"},
      {"content_block_start",
       R"({"type":"content_block_start","index":0,
        "content_block":{"type":"text","text":""}})"},
      {"content_block_delta",
       R"({"type":"content_block_delta","index":0,
        "delta":{"type":"text_delta","text":"many words"}})"},
      {"content_block_stop", R"({"type":"content_block_stop","index":0})"}};
  const auto told = [&](std::string_view usage) {
    Events events = begin;
    events.push_back(
        {"message_delta",
         absl::StrCat(R"({"type":"message_delta","delta":{"stop_reason":)"
                      R"("end_turn"})",
                      std::string(usage), "}")});
    events.push_back({"message_stop", R"({"type":"message_stop"})"});
    return Told(messages, events);
  };
  EXPECT_EQ(told(R"(,"usage":{"output_tokens":400})"), 400);
  EXPECT_EQ(told(R"(,"usage":{"output_tokens":0})"), -1);
  EXPECT_EQ(told(R"(,"usage":{"input_tokens":0,"output_tokens":400})"), 400);
  EXPECT_EQ(told(R"(,"usage":{"input_tokens":0,"cache_read_input_tokens":0,
                   "output_tokens":400})"),
            400);
  EXPECT_EQ(told(""), -1);
  EXPECT_EQ(told(R"(,"usage":{})"), -1);
  EXPECT_EQ(told(R"(,"usage":null)"), -1);
  EXPECT_EQ(told(R"(,"usage":{"input_tokens":50})"), -1);
  for (const char* unread :
       {"null", "-7", "7.5", "\"text\"", "9223372036854775808"}) {
    EXPECT_EQ(told(absl::StrCat(R"(,"usage":{"output_tokens":)", unread, "}")),
              -1)
        << unread;
  }
}

TEST(EarlyUsageTest, Gemini) {
  const class Gemini gemini;
  const auto event = [](std::string_view text, std::string_view reason,
                        std::string_view usage) -> NamedEvent {
    return {"", absl::StrCat(
                    R"({"candidates":[{"index":0,"content":{"role":"model",)"
                    R"("parts":[{"text":")",
                    std::string(text), "\"}]}",
                    reason.empty() ? "" : R"(,"finishReason":"STOP")", "}]",
                    usage.empty() ? "" : ",\"usageMetadata\":",
                    std::string(usage), "}")};
  };
  const std::string placeholder =
      R"({"promptTokenCount":50,"candidatesTokenCount":1})";
  const std::string whole =
      R"({"promptTokenCount":50,"candidatesTokenCount":400})";
  EXPECT_EQ(Told(gemini, {event("w", "", placeholder), event("words", "", ""),
                          event("x", "STOP", "")}),
            -1);
  EXPECT_EQ(Told(gemini, {event("w", "", placeholder), event("words", "", ""),
                          event("x", "STOP", R"({"promptTokenCount":50})")}),
            -1);
  EXPECT_EQ(Told(gemini, {event("w", "", placeholder), event("words", "", ""),
                          event("x", "STOP", whole)}),
            400);
  EXPECT_EQ(Told(gemini, {event("w", "", placeholder),
                          event("x", "STOP", R"({"candidatesTokenCount":9})")}),
            9);
  // Told twice alike.
  EXPECT_EQ(
      Told(gemini, {event("words", "", whole), event("x", "STOP", whole)}),
      400);
}

TEST(EarlyUsageTest, Responses) {
  const OpenAiResponses responses;
  const auto event = [](std::string_view type, std::string_view status,
                        std::string_view usage) -> NamedEvent {
    return {std::string(type),
            absl::StrCat(R"({"type":")", std::string(type),
                         R"(","sequence_number":0,"response":{"id":"resp_1",)",
                         R"("object":"response","model":"m","output":[],)",
                         R"("status":")", std::string(status),
                         R"(","usage":)", std::string(usage), "}}")};
  };
  const auto told = [&](std::string_view begin, std::string_view end) {
    return Told(responses,
                {event("response.created", "in_progress", begin),
                 {"response.output_text.delta",
                  R"({"type":"response.output_text.delta","output_index":0,)"
                  R"("item_id":"m","content_index":0,"delta":"words"})"},
                 event("response.completed", "completed", end)});
  };
  const std::string whole = R"({"input_tokens":50,"output_tokens":400})";
  EXPECT_EQ(told("null", whole), 400);
  EXPECT_EQ(told(R"({"input_tokens":50,"output_tokens":1})",
                 R"({"input_tokens":0,"output_tokens":400})"),
            400);
  EXPECT_EQ(told(R"({"input_tokens":50,"output_tokens":1})", "null"), -1);
}

}  // namespace
}  // namespace gateway
