#include "providers/schema/output_mode.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename Message>
Message Parsed(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message))
      << text;
  return message;
}

v1::GenerateRequest Asking(const std::string& more = "") {
  return Parsed<v1::GenerateRequest>(
      R"(model: "m" messages { role: ROLE_USER parts { text: "hi" } }
         response_format { kind: KIND_JSON_SCHEMA name: "person"
                           description: "a person" strict: true
                           schema: "{\"type\":\"object\"}" } )" +
      more);
}

class OutputModeTest : public testing::Test {
 protected:
  std::string Warning() const {
    EXPECT_EQ(warnings_.size(), 1u);
    if (warnings_.empty()) return "";
    EXPECT_EQ(warnings_[0].field(), "response_format");
    return warnings_[0].message();
  }

  // How a request is sent.
  OutputMode Sent(OutputMode mode, const v1::GenerateRequest& request,
                  OutputMode fallback = OutputMode::kPrompt) {
    warnings_.clear();
    const OutputRewrite rewrite(mode, fallback, request, &warnings_);
    EXPECT_EQ(warnings_.empty(), rewrite.mode() == OutputMode::kNative);
    return rewrite.mode();
  }

  std::vector<v1::Warning> warnings_;
};

constexpr OutputMode kAll[] = {OutputMode::kNative, OutputMode::kForcedTool,
                               OutputMode::kJsonMode, OutputMode::kPrompt};

TEST_F(OutputModeTest, WhatAsksForNoJsonStaysAsItIs) {
  for (const char* format : {"", "response_format { kind: KIND_TEXT }"}) {
    const auto request = Parsed<v1::GenerateRequest>(format);
    for (const OutputMode mode : kAll) {
      const OutputRewrite rewrite(mode, OutputMode::kPrompt, request,
                                  &warnings_);
      EXPECT_EQ(rewrite.request(), &request);
      EXPECT_EQ(rewrite.mode(), OutputMode::kNative);
    }
  }
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(OutputModeTest, ANativeSchemaIsNotTouched) {
  const v1::GenerateRequest request = Asking();
  const OutputRewrite rewrite(OutputMode::kNative, OutputMode::kPrompt, request,
                              &warnings_);
  EXPECT_EQ(rewrite.request(), &request);
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(OutputModeTest, AForcedToolTakesTheSchemaForItsParameters) {
  const v1::GenerateRequest request = Asking();
  const OutputRewrite rewrite(OutputMode::kForcedTool, OutputMode::kPrompt,
                              request, &warnings_);
  const v1::GenerateRequest& sent = *rewrite.request();
  ASSERT_EQ(sent.tools_size(), 1);
  EXPECT_EQ(sent.tools(0).function().name(), "person");
  EXPECT_EQ(sent.tools(0).function().description(), "a person");
  EXPECT_EQ(sent.tools(0).function().parameters_schema(),
            R"({"type":"object"})");
  EXPECT_TRUE(sent.tools(0).function().strict());
  EXPECT_EQ(sent.tool_choice().mode(), v1::ToolChoice::MODE_TOOL);
  EXPECT_EQ(sent.tool_choice().tool_name(), "person");
  EXPECT_TRUE(sent.has_parallel_tool_calls());
  EXPECT_FALSE(sent.parallel_tool_calls());
  EXPECT_FALSE(sent.has_response_format());
  EXPECT_EQ(sent.messages_size(), 1);
  EXPECT_THAT(Warning(), HasSubstr("a tool that the model must call"));
  // The caller's own request is as it was.
  EXPECT_EQ(request.tools_size(), 0);
  EXPECT_TRUE(request.has_response_format());
}

TEST_F(OutputModeTest, JsonModeAsksForAnObjectAndShowsTheSchema) {
  const v1::GenerateRequest request = Asking();
  const OutputRewrite rewrite(OutputMode::kJsonMode, OutputMode::kPrompt,
                              request, &warnings_);
  const v1::GenerateRequest& sent = *rewrite.request();
  EXPECT_EQ(sent.response_format().kind(),
            v1::ResponseFormat::KIND_JSON_OBJECT);
  EXPECT_EQ(sent.response_format().schema(), "");
  ASSERT_EQ(sent.messages_size(), 2);
  EXPECT_EQ(sent.messages(0).role(), v1::ROLE_SYSTEM);
  EXPECT_THAT(sent.messages(0).parts(0).text(),
              testing::AllOf(HasSubstr(R"({"type":"object"})"),
                             HasSubstr("JSON"), HasSubstr("a person")));
  EXPECT_EQ(sent.messages(1).parts(0).text(), "hi");
  EXPECT_THAT(Warning(), HasSubstr("any JSON object"));
}

TEST_F(OutputModeTest, APromptIsAddedToTheSystemsWords) {
  v1::GenerateRequest request = Asking();
  v1::Message* const system = request.add_messages();
  system->set_role(v1::ROLE_SYSTEM);
  system->add_parts()->set_text("Be brief.");
  request.mutable_messages()->SwapElements(0, 1);
  const OutputRewrite rewrite(OutputMode::kPrompt, OutputMode::kPrompt, request,
                              &warnings_);
  const v1::GenerateRequest& sent = *rewrite.request();
  EXPECT_FALSE(sent.has_response_format());
  ASSERT_EQ(sent.messages_size(), 2);
  ASSERT_EQ(sent.messages(0).parts_size(), 2);
  EXPECT_EQ(sent.messages(0).parts(0).text(), "Be brief.");
  EXPECT_THAT(sent.messages(0).parts(1).text(),
              HasSubstr(R"({"type":"object"})"));
  EXPECT_THAT(Warning(), HasSubstr("by the prompt"));
}

TEST_F(OutputModeTest, AToolIsNotForcedBesideTheCallersOwn) {
  const v1::GenerateRequest request =
      Asking(R"(tools { function { name: "f" } })");
  EXPECT_EQ(Sent(OutputMode::kForcedTool, request, OutputMode::kJsonMode),
            OutputMode::kJsonMode);
  EXPECT_THAT(Warning(), HasSubstr("tools of its own"));
  EXPECT_EQ(Sent(OutputMode::kForcedTool, request), OutputMode::kPrompt);
}

TEST_F(OutputModeTest, AToolIsNotForcedOnAModelThatReasons) {
  for (const char* reasoning :
       {"mode: MODE_ENABLED", "budget_tokens: 1024", "effort: EFFORT_HIGH"}) {
    EXPECT_EQ(Sent(OutputMode::kForcedTool,
                   Asking("reasoning { " + std::string(reasoning) + " }")),
              OutputMode::kPrompt)
        << reasoning;
    EXPECT_THAT(Warning(), HasSubstr("reason"));
  }
  for (const char* none :
       {"mode: MODE_DISABLED effort: EFFORT_HIGH", "effort: EFFORT_NONE"}) {
    EXPECT_EQ(Sent(OutputMode::kForcedTool,
                   Asking("reasoning { " + std::string(none) + " }")),
              OutputMode::kForcedTool)
        << none;
  }
}

TEST_F(OutputModeTest, WhatIsNoObjectGoesIntoThePrompt) {
  for (const char* schema : {R"({"type":"array"})", "true", R"({"anyOf":[]})",
                             R"({"type":["object","null"]})"}) {
    v1::GenerateRequest request = Asking();
    request.mutable_response_format()->set_schema(schema);
    for (const OutputMode mode :
         {OutputMode::kForcedTool, OutputMode::kJsonMode}) {
      EXPECT_EQ(Sent(mode, request, OutputMode::kJsonMode),
                OutputMode::kPrompt);
      EXPECT_THAT(Warning(), HasSubstr("not object"));
    }
  }
}

TEST_F(OutputModeTest, AnyObjectNeedsNoSchema) {
  const auto request =
      Parsed<v1::GenerateRequest>("response_format { kind: KIND_JSON_OBJECT }");
  EXPECT_EQ(Sent(OutputMode::kNative, request), OutputMode::kNative);
  EXPECT_EQ(Sent(OutputMode::kJsonMode, request), OutputMode::kNative);
  EXPECT_EQ(Sent(OutputMode::kForcedTool, request, OutputMode::kJsonMode),
            OutputMode::kNative);
  EXPECT_EQ(Sent(OutputMode::kForcedTool, request), OutputMode::kPrompt);
  const OutputRewrite rewrite(OutputMode::kPrompt, OutputMode::kPrompt, request,
                              &warnings_);
  EXPECT_THAT(rewrite.request()->messages(0).parts(0).text(),
              HasSubstr("one JSON object"));
}

TEST_F(OutputModeTest, TheForcedCallBecomesTheAnswersText) {
  const v1::GenerateRequest request = Asking();
  const OutputRewrite rewrite(OutputMode::kForcedTool, OutputMode::kPrompt,
                              request, &warnings_);
  auto response = Parsed<v1::GenerateResponse>(
      R"(choices {
           message { role: ROLE_ASSISTANT
             parts { tool_call { id: "1" name: "person" arguments: "{}" } }
             parts { tool_call { id: "2" name: "person" arguments: "[]" } } }
           finish_reason: FINISH_REASON_TOOL_CALLS
           provider_finish_reason: "tool_use" }
         choices {
           message { parts { text: "I would rather not" } }
           finish_reason: FINISH_REASON_STOP provider_finish_reason: "stop" }
         choices {
           message { parts { tool_call { name: "other" } } }
           finish_reason: FINISH_REASON_TOOL_CALLS })");
  rewrite.RestoreAnswer(&response);
  ASSERT_EQ(response.choices(0).message().parts_size(), 1);
  EXPECT_EQ(response.choices(0).message().parts(0).text(), "{}");
  EXPECT_EQ(response.choices(0).finish_reason(), v1::FINISH_REASON_STOP);
  EXPECT_EQ(response.choices(0).provider_finish_reason(), "");
  // That there were two is told.
  EXPECT_EQ(response.warnings_size(), 1);
  EXPECT_EQ(response.choices(1).message().parts(0).text(),
            "I would rather not");
  EXPECT_EQ(response.choices(1).provider_finish_reason(), "stop");
  EXPECT_TRUE(response.choices(2).message().parts(0).has_tool_call());
  EXPECT_EQ(response.choices(2).finish_reason(), v1::FINISH_REASON_TOOL_CALLS);
}

TEST_F(OutputModeTest, ACutOffCallStaysCutOff) {
  const v1::GenerateRequest request = Asking();
  const OutputRewrite rewrite(OutputMode::kForcedTool, OutputMode::kPrompt,
                              request, &warnings_);
  auto response = Parsed<v1::GenerateResponse>(
      R"(choices { message { parts { tool_call { name: "person"
                                                 arguments: "{\"a\":" } } }
                   finish_reason: FINISH_REASON_LENGTH })");
  rewrite.RestoreAnswer(&response);
  EXPECT_EQ(response.choices(0).message().parts(0).text(), "{\"a\":");
  EXPECT_EQ(response.choices(0).finish_reason(), v1::FINISH_REASON_LENGTH);
}

TEST_F(OutputModeTest, AStreamedCallBecomesTextPieceByPiece) {
  const v1::GenerateRequest request = Asking();
  OutputRewrite rewrite(OutputMode::kForcedTool, OutputMode::kPrompt, request,
                        &warnings_);
  std::vector<std::string> texts;
  for (const char* text : {R"(delta { tool_call { id: "1" name: "person" } })",
                           R"(delta { tool_call { arguments: "{\"a\"" } })",
                           R"(delta { tool_call { arguments: ":1}" } })"}) {
    auto event = Parsed<v1::GenerateEvent>(text);
    rewrite.RestoreEvent(&event);
    ASSERT_TRUE(event.delta().has_text());
    texts.push_back(event.delta().text());
  }
  EXPECT_THAT(texts, ElementsAre("", "{\"a\"", ":1}"));
  auto second = Parsed<v1::GenerateEvent>(
      R"(delta { part_index: 1 tool_call { name: "person" arguments: "x" } })");
  rewrite.RestoreEvent(&second);
  EXPECT_EQ(second.delta().piece_case(), v1::Delta::PIECE_NOT_SET);
  auto end = Parsed<v1::GenerateEvent>(
      R"(choice_end { finish_reason: FINISH_REASON_TOOL_CALLS
                      provider_finish_reason: "tool_calls" })");
  rewrite.RestoreEvent(&end);
  EXPECT_EQ(end.choice_end().finish_reason(), v1::FINISH_REASON_STOP);
  EXPECT_EQ(end.choice_end().provider_finish_reason(), "");
}

TEST_F(OutputModeTest, EventsOfNoForcedCallStayAsTheyAre) {
  const v1::GenerateRequest request = Asking();
  OutputRewrite forced(OutputMode::kForcedTool, OutputMode::kPrompt, request,
                       &warnings_);
  OutputRewrite prompted(OutputMode::kPrompt, OutputMode::kPrompt, request,
                         &warnings_);
  for (const char* text :
       {R"(delta { text: "plain" })",
        R"(delta { tool_call { name: "other" arguments: "{}" } })",
        R"(delta { choice_index: 1 tool_call { arguments: "{}" } })",
        R"(choice_end { finish_reason: FINISH_REASON_TOOL_CALLS })",
        R"(usage { output_tokens: 1 })"}) {
    const auto event = Parsed<v1::GenerateEvent>(text);
    v1::GenerateEvent restored = event;
    forced.RestoreEvent(&restored);
    prompted.RestoreEvent(&restored);
    EXPECT_EQ(restored.SerializeAsString(), event.SerializeAsString()) << text;
  }
}

}  // namespace
}  // namespace gateway
