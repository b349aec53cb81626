#include "providers/dialects/openai_responses/item_writer.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::responses {
namespace {

class ItemWriterTest : public testing::Test {
 protected:
  static v1::Message MessageOf(const std::string& text) {
    v1::Message message;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
    return message;
  }

  std::string Input(const std::vector<std::string>& texts) {
    MessageList messages;
    for (const std::string& text : texts) *messages.Add() = MessageOf(text);
    ContentWriter content(Side::kRequest, dropped_);
    std::string out;
    JsonWriter json(&out);
    const absl::Status status =
        ItemWriter(content).WriteInput(messages, 0, json);
    return status.ok() ? out : std::string(status.message());
  }

  std::string Output(const std::string& text, std::string_view status) {
    ContentWriter content(Side::kAnswer, dropped_);
    std::string out;
    JsonWriter json(&out);
    const absl::Status written = ItemWriter(content).WriteOutput(
        MessageOf(text), {.response_id = "resp_1", .status = status}, json);
    return written.ok() ? out : std::string(written.message());
  }

  std::vector<v1::Warning> warnings_;
  DroppedFields dropped_{kDialect, &warnings_};
};

TEST_F(ItemWriterTest, ATurnOfAnotherVendorBecomesItems) {
  EXPECT_TRUE(SameJson(
      Input({"role: ROLE_ASSISTANT parts { text: 'a' } parts { text: 'b' } "
             "parts { tool_call { id: 'c' name: 'f' arguments: '{}' } }",
             "role: ROLE_TOOL parts { tool_result { tool_call_id: 'c' "
             "parts { text: 'r' } } } parts { tool_result { tool_call_id: 'd' "
             "} }"}),
      R"([{"role":"assistant","content":"a"},{"role":"assistant","content":"b"},
          {"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
          {"type":"function_call_output","call_id":"c","output":"r"},
          {"type":"function_call_output","call_id":"d","output":""}])"));
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(ItemWriterTest, TheKindOfACallIsTheKindOfItsResult) {
  EXPECT_TRUE(SameJson(
      Input({"role: ROLE_ASSISTANT parts { tool_call { id: 'c' name: 'f' "
             "arguments: 'x' kind: TOOL_KIND_CUSTOM } }",
             "role: ROLE_TOOL parts { tool_result { tool_call_id: 'c' "
             "parts { text: 'r' } } }"}),
      R"([{"type":"custom_tool_call","call_id":"c","name":"f","input":"x"},
          {"type":"custom_tool_call_output","call_id":"c","output":"r"}])"));
}

TEST_F(ItemWriterTest, ReasoningThatOthersSignedIsLeftOutAndTold) {
  EXPECT_EQ(Input({"role: ROLE_ASSISTANT parts { reasoning { text: 'a' "
                   "signature: 's' } }"}),
            "[]");
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_EQ(warnings_[0].field(), "messages[].parts[].reasoning");
}

TEST_F(ItemWriterTest, AFailedToolIsTold) {
  Input(
      {"role: ROLE_TOOL parts { tool_result { tool_call_id: 'c' "
       "is_error: true } }"});
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_EQ(warnings_[0].field(), "messages[].parts[].tool_result.is_error");
}

TEST_F(ItemWriterTest, AMessageOfWhichNothingIsLeftIsNone) {
  EXPECT_EQ(Input({"role: ROLE_USER parts { audio { data: 'x' } }"}), "[]");
  EXPECT_EQ(warnings_.size(), 1u);
}

TEST_F(ItemWriterTest, ItemsOfAnAnswerHaveIdsOfTheirPlaces) {
  EXPECT_TRUE(SameJson(
      Output("parts { reasoning { text: 'r' } } parts { text: 'a' } "
             "parts { tool_call { id: 'c' name: 'f' arguments: '{' } }",
             "incomplete"),
      R"([{"id":"rs_gw_1_0","type":"reasoning",
           "summary":[{"type":"summary_text","text":"r"}]},
          {"id":"msg_gw_1_1","type":"message","status":"completed",
           "role":"assistant","content":[{"type":"output_text","text":"a",
             "annotations":[],"logprobs":[]}]},
          {"type":"function_call","id":"fc_gw_1_2","status":"incomplete",
           "call_id":"c","name":"f","arguments":"{"}])"));
}

TEST_F(ItemWriterTest, EventsOfAStreamAreNoItems) {
  EXPECT_EQ(Output("parts { opaque { dialect: 'openai_responses' "
                   "json: '{\"type\":\"response.audio.done\"}' } }",
                   "completed"),
            "[]");
}

TEST_F(ItemWriterTest, AnItemThatIsNotJsonIsRefused) {
  EXPECT_NE(Input({"role: ROLE_ASSISTANT parts { opaque { "
                   "dialect: 'openai_responses' json: '{' } }"})
                .find("opaque.json"),
            std::string::npos);
}

}  // namespace
}  // namespace gateway::responses
