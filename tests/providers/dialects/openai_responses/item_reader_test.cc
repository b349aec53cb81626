#include "providers/dialects/openai_responses/item_reader.h"

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "providers/dialects/openai_responses/vendor_names.h"

namespace gateway::responses {
namespace {

absl::Status ReadItems(std::string_view list, MessageList* messages) {
  return ReadJson(list, [&](JsonValue& root) {
    return root.EachElement(
        [&](JsonValue& item) { return ReadInputItem(item, messages); });
  });
}

MessageList Items(std::string_view list) {
  MessageList messages;
  const absl::Status status = ReadItems(list, &messages);
  EXPECT_TRUE(status.ok()) << status;
  return messages;
}

TEST(ReadInputItemTest, WhatTheModelDidInARowIsOneTurn) {
  const MessageList messages = Items(R"([
      {"role":"user","content":"Hi"},
      {"type":"reasoning","id":"rs_1","summary":[]},
      {"role":"assistant","content":"I look."},
      {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
      {"type":"function_call","call_id":"c2","name":"f","arguments":"{}"},
      {"type":"web_search_call","id":"ws_1"},
      {"type":"function_call_output","call_id":"c1","output":"1"},
      {"type":"function_call_output","call_id":"c2","output":"2"}])");
  ASSERT_EQ(messages.size(), 4);
  EXPECT_EQ(messages[1].role(), v1::ROLE_ASSISTANT);
  ASSERT_EQ(messages[1].parts_size(), 5);
  EXPECT_TRUE(messages[1].parts(0).has_reasoning());
  EXPECT_EQ(messages[1].parts(1).text(), "I look.");
  EXPECT_EQ(messages[1].parts(3).tool_call().id(), "c2");
  EXPECT_TRUE(messages[1].parts(4).has_opaque());
  EXPECT_EQ(messages[2].role(), v1::ROLE_TOOL);
  EXPECT_EQ(messages[3].parts(0).tool_result().parts(0).text(), "2");
}

TEST(ReadInputItemTest, WordsThatNothingTellsApartAreTurnsOfTheirOwn) {
  EXPECT_EQ(Items(R"([{"role":"assistant","content":"a"},
                      {"role":"assistant","content":"b"}])")
                .size(),
            2);
  EXPECT_EQ(Items(R"([{"role":"assistant","content":"a"},
                      {"type":"message","id":"msg_1","status":"completed",
                       "role":"assistant","content":[]}])")
                .size(),
            1);
}

TEST(ReadInputItemTest, IdsThatWeMadeAreForgotten) {
  const MessageList messages = Items(R"([
      {"type":"message","id":"msg_gw_1_0","status":"completed",
       "role":"assistant",
       "content":[{"type":"output_text","text":"a","annotations":[]}]},
      {"type":"function_call","id":"fc_gw_1_1","status":"completed",
       "call_id":"c","name":"f","arguments":"{}"}])");
  ASSERT_EQ(messages.size(), 1);
  for (const v1::Part& part : messages[0].parts()) {
    EXPECT_TRUE(part.extensions().empty()) << part.DebugString();
  }
}

TEST(ReadInputItemTest, SeveralSummariesAreOneText) {
  const MessageList messages = Items(R"([
      {"type":"reasoning","id":"rs_1","summary":[
        {"type":"summary_text","text":"One."},
        {"type":"summary_text","text":"Two."}]}])");
  EXPECT_EQ(messages[0].parts(0).reasoning().text(), "One.\n\nTwo.");
}

TEST(ReadInputItemTest, RawReasoningIsTheTextWhereNothingIsSummed) {
  const MessageList messages = Items(R"([
      {"type":"reasoning","id":"rs_1","summary":[],
       "content":[{"type":"reasoning_text","text":"Raw."}]}])");
  EXPECT_EQ(messages[0].parts(0).reasoning().text(), "Raw.");
}

TEST(ReadInputItemTest, ALeadingSystemItemIsNotTakenForInstructions) {
  const MessageList messages = Items(R"([
      {"role":"system","content":"a"},{"role":"system","content":"b"}])");
  EXPECT_EQ(messages[0].extensions_size(), 1);
  EXPECT_EQ(messages[1].extensions_size(), 0);
}

TEST(ReadInputItemTest, AMessageWithAPartOfAnyNatureIsKeptWhole) {
  const MessageList messages = Items(R"([
      {"role":"user","content":[{"type":"input_text","text":"a"},
                                {"type":"hologram"}]}])");
  ASSERT_EQ(messages[0].parts_size(), 1);
  EXPECT_TRUE(messages[0].parts(0).has_opaque());
}

TEST(ReadInputItemTest, FaultsNameTheField) {
  const std::pair<std::string_view, std::string_view> kFaults[] = {
      {R"([{"content":"x"}])", "[0].role"},
      {R"([{"role":"user"}])", "[0].content"},
      {R"([{"role":"tool","content":"x"}])", "[0].role"},
      {R"([{"role":"user","content":[{"type":"input_text"}]}])",
       "[0].content[0].text"},
      {R"([{"type":"function_call","name":"f","arguments":""}])",
       "[0].call_id"},
      {R"([{"type":"function_call_output","call_id":"c"}])", "[0].output"},
      {R"([{"type":"custom_tool_call","call_id":"c","name":"f"}])",
       "[0].input"},
      {R"([{"type":"reasoning","summary":[7]}])", "[0].summary[0]"},
      {R"(["x"])", "[0]"}};
  for (const auto& [text, field] : kFaults) {
    MessageList messages;
    const absl::Status status = AsFieldFault(ReadItems(text, &messages));
    const auto violations = FieldViolations(status);
    ASSERT_EQ(violations.size(), 1u) << text << status;
    EXPECT_EQ(violations[0].first, field);
  }
}

}  // namespace
}  // namespace gateway::responses
