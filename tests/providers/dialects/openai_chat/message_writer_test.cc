#include "providers/dialects/openai_chat/message_writer.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/quirks.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::chat {
namespace {

// Parses turns, each the text of a message.
MessageList MessagesOf(const std::vector<std::string>& texts) {
  MessageList messages;
  for (const std::string& text : texts) {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text,
                                                              messages.Add()));
  }
  return messages;
}

struct MessageWriting {
  std::string json;
  std::vector<std::string> dropped;
};

// Writes the entries of `messages` that the turns amount to.
MessageWriting WriteMessages(const std::vector<std::string>& texts,
                             const OpenAiChatQuirks& quirks = {}) {
  MessageWriting writing;
  std::vector<v1::Warning> warnings;
  DroppedFields dropped(kDialect, &warnings);
  JsonWriter json(&writing.json);
  json.StartArray();
  const absl::Status status =
      chat::WriteMessages(MessagesOf(texts), json, dropped, quirks);
  EXPECT_TRUE(status.ok()) << status;
  json.EndArray();
  for (const v1::Warning& warning : warnings) {
    writing.dropped.push_back(warning.field());
  }
  return writing;
}

MessageWriting WriteMessage(const std::string& text,
                            const OpenAiChatQuirks& quirks = {}) {
  return WriteMessages({text}, quirks);
}

using Names = std::vector<std::string>;

TEST(OpenAiChatMessageWriterTest, EachToolResultIsAMessage) {
  const MessageWriting writing = WriteMessage(R"pb(
    role: ROLE_USER
    parts {
      tool_result {
        tool_call_id: "a"
        parts { text: "1" }
      }
    }
    parts { text: "and now?" }
    parts {
      tool_result {
        tool_call_id: "b"
        is_error: true
        parts { text: "2" }
        parts { image { url: "https://example.org/i" } }
      }
    })pb");
  EXPECT_TRUE(SameJson(writing.json,
                       R"([{"role":"tool","tool_call_id":"a","content":"1"},)"
                       R"({"role":"tool","tool_call_id":"b","content":"2"},)"
                       R"({"role":"user","content":[{"type":"text","text":)"
                       R"("From the result of tool call b:"},)"
                       R"({"type":"image_url","image_url":)"
                       R"({"url":"https://example.org/i"}},)"
                       R"({"type":"text","text":"and now?"}]}])"));
  EXPECT_EQ(writing.dropped,
            (Names{"tool_result.is_error", "tool_result.parts"}));
}

// A turn of one result, which is one picture.
std::string PictureOf(const std::string& call) {
  return "role: ROLE_TOOL parts { tool_result { tool_call_id: '" + call +
         "' parts { image { media_type: 'image/png' data: 'x' } } } }";
}

// What the picture is shown as, behind the label of its call.
std::string Shown(const std::string& call) {
  return R"({"type":"text","text":"From the result of tool call )" + call +
         R"(:"},{"type":"image_url","image_url":)"
         R"({"url":"data:image/png;base64,eA=="}})";
}

TEST(OpenAiChatMessageWriterTest, PicturesOfResultsFollowTheRunOfThem) {
  const std::string tools =
      R"=([{"role":"tool","tool_call_id":"a",)="
      R"=("content":"(See the user's message below.)"},)="
      R"=({"role":"tool","tool_call_id":"b",)="
      R"=("content":"(See the user's message below.)"},)=";
  const std::string shown = Shown("a") + "," + Shown("b");
  EXPECT_EQ(WriteMessages({PictureOf("a"), PictureOf("b")}).json,
            tools + R"({"role":"user","content":[)" + shown + "]}]");
  EXPECT_EQ(WriteMessages({PictureOf("a"), PictureOf("b"),
                           "role: ROLE_ASSISTANT parts { text: 'c' }"})
                .json,
            tools + R"({"role":"user","content":[)" + shown +
                R"(]},{"role":"assistant","content":"c"}])");
  EXPECT_EQ(WriteMessages({PictureOf("a"), PictureOf("b"),
                           "role: ROLE_USER parts { text: 'd' } "
                           "parts { image { file_id: 'f' } }"})
                .json,
            tools + R"({"role":"user","content":[)" + shown +
                R"(,{"type":"text","text":"d"}]}])");
}

TEST(OpenAiChatMessageWriterTest, FilesOfResultsFollowThemToo) {
  const MessageWriting writing = WriteMessage(R"pb(
    role: ROLE_TOOL
    parts {
      tool_result {
        tool_call_id: "a"
        parts { document { data: "%PDF" media_type: "application/pdf" } }
        parts { document { text: "t" } }
        parts { document { url: "https://example.org/d.pdf" } }
      }
    })pb");
  EXPECT_TRUE(SameJson(
      writing.json,
      R"([{"role":"tool","tool_call_id":"a","content":)"
      R"([{"type":"text","text":"t"}]},)"
      R"({"role":"user","content":[{"type":"text","text":)"
      R"("From the result of tool call a:"},)"
      R"({"type":"file","file":{"filename":"document.pdf","file_data":)"
      R"("data:application/pdf;base64,JVBERg=="}}]}])"))
      << writing.json;
  EXPECT_EQ(writing.dropped, (Names{"tool_result.parts", "document.url"}));
}

TEST(OpenAiChatMessageWriterTest, EncryptedReasoningOfOthersIsLeftOut) {
  const MessageWriting writing = WriteMessage(R"pb(
    role: ROLE_ASSISTANT
    parts { reasoning { text: "a" signature: "c2ln" } }
    parts { reasoning { redacted_data: "x" } }
    parts { reasoning { text: "b" } }
    parts { text: "c" })pb");
  EXPECT_TRUE(SameJson(writing.json, R"([{"role":"assistant","content":"c",)"
                                     R"("reasoning_content":"b"}])"));
  EXPECT_EQ(writing.dropped, Names{"reasoning"});
}

TEST(OpenAiChatMessageWriterTest, CarriesWhatAnotherApiBrings) {
  const MessageWriting writing = WriteMessage(R"pb(
    role: ROLE_USER
    parts {
      text: "x"
      cache_hint {}
    }
    parts {
      text: "y"
      cache_hint {}
    }
    parts { document { text: "z" title: "t" context: "c" citations: true } }
    parts { document { data: "%PDF" media_type: "application/pdf" title: "T" } }
    parts { document { data: "%PDF" media_type: "application/pdf" } }
    parts { document { url: "https://example.org/d.pdf" } }
    parts { opaque { dialect: "anthropic_messages" json: "{}" } }
    parts { image { file_id: "file-1" } })pb");
  EXPECT_TRUE(SameJson(
      writing.json,
      R"([{"role":"user","content":[{"type":"text","text":"x"},)"
      R"({"type":"text","text":"y"},{"type":"text","text":"z"},)"
      R"({"type":"file","file":{"filename":"T","file_data":)"
      R"("data:application/pdf;base64,JVBERg=="}},)"
      R"({"type":"file","file":{"filename":"document.pdf","file_data":)"
      R"("data:application/pdf;base64,JVBERg=="}}]}])"));
  EXPECT_EQ(writing.dropped,
            (Names{"cache_hint", "document.context", "document.citations",
                   "document.url", "opaque", "image"}));
}

TEST(OpenAiChatMessageWriterTest, InstructionsAreTextOnly) {
  const MessageWriting writing = WriteMessage(R"pb(
    role: ROLE_SYSTEM
    parts { text: "a" }
    parts { image { url: "https://example.org/i" } })pb");
  EXPECT_EQ(writing.json, R"([{"role":"system","content":"a"}])");
  EXPECT_EQ(writing.dropped, Names{"image"});
}

TEST(OpenAiChatMessageWriterTest, ContentThatIsNotJsonIsRefused) {
  std::string out;
  JsonWriter json(&out);
  DroppedFields dropped(kDialect, nullptr);
  EXPECT_FALSE(chat::WriteMessages(
                   MessagesOf({R"pb(role: ROLE_USER
                                    parts {
                                      opaque {
                                        dialect: "openai_chat"
                                        json: "{"
                                      }
                                    })pb"}),
                   json, dropped)
                   .ok());
}

TEST(OpenAiChatMessageWriterTest,
     ADeveloperSpeaksAsTheSystemWhereNobodyKnowsHim) {
  const char* const message = R"pb(role: ROLE_DEVELOPER
                                   parts { text: "be brief" })pb";
  EXPECT_EQ(WriteMessage(message).json,
            R"([{"role":"developer","content":"be brief"}])");
  const MessageWriting renamed =
      WriteMessage(message, {.developer_role = false});
  EXPECT_EQ(renamed.json, R"([{"role":"system","content":"be brief"}])");
  EXPECT_EQ(renamed.dropped, Names{});
}

TEST(OpenAiChatMessageWriterTest, PastReasoningGoesWhereTheServiceReadsIt) {
  const char* const message = R"pb(
    role: ROLE_ASSISTANT
    parts { reasoning { text: "hm" } }
    parts { text: "yes" })pb";
  EXPECT_EQ(WriteMessage(message).json,
            R"([{"role":"assistant","content":"yes",)"
            R"("reasoning_content":"hm"}])");
  EXPECT_EQ(WriteMessage(message, {.reasoning_field = "reasoning"}).json,
            R"([{"role":"assistant","content":"yes","reasoning":"hm"}])");
  const MessageWriting none = WriteMessage(message, {.reasoning_field = ""});
  EXPECT_EQ(none.json, R"([{"role":"assistant","content":"yes"}])");
  EXPECT_EQ(none.dropped, Names{"reasoning"});
}

TEST(OpenAiChatMessageWriterTest, PastReasoningMayBeAnEntryOfTheContent) {
  OpenAiChatQuirks mistral;
  mistral.reasoning_in_content = true;
  const MessageWriting writing =
      WriteMessage(R"pb(
                     role: ROLE_ASSISTANT
                     parts { reasoning { text: "Hm." } }
                     parts { text: "Four." }
                     parts { reasoning { text: "x" signature: "c2ln" } }
                   )pb",
                   mistral);
  EXPECT_EQ(writing.json,
            R"([{"role":"assistant","content":[{"type":"thinking",)"
            R"("thinking":[{"type":"text","text":"Hm."}]},)"
            R"({"type":"text","text":"Four."}]}])");
  EXPECT_EQ(writing.dropped, Names{"reasoning"});
  EXPECT_EQ(
      WriteMessage("role: ROLE_ASSISTANT parts { text: 'Four.' }", mistral)
          .json,
      R"([{"role":"assistant","content":"Four."}])");
}

TEST(OpenAiChatMessageWriterTest, WhatAModelDrewGoesBackWhereItCanBeRead) {
  const std::string turn =
      "role: ROLE_ASSISTANT parts { text: 'Here.' } "
      "parts { image { media_type: 'image/png' data: 'hi' } }";
  const MessageWriting lost = WriteMessage(turn);
  EXPECT_EQ(lost.json, R"([{"role":"assistant","content":"Here."}])");
  EXPECT_EQ(lost.dropped, Names{"image"});
  OpenAiChatQuirks openrouter;
  openrouter.images = true;
  EXPECT_EQ(WriteMessage(turn, openrouter).json,
            R"([{"role":"assistant","content":"Here.","images":[)"
            R"({"type":"image_url","image_url":)"
            R"({"url":"data:image/png;base64,aGk="}}]}])");
}

}  // namespace
}  // namespace gateway::chat
