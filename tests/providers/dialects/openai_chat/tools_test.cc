#include "providers/dialects/openai_chat/tools.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_chat/fields.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::chat {
namespace {

absl::Status ReadTool(std::string_view json, v1::Tool* tool) {
  return ReadJson(json,
                  [&](JsonValue& root) { return chat::ReadTool(root, tool); });
}

v1::GenerateRequest RequestWithChoice(std::string_view json) {
  v1::GenerateRequest request;
  const absl::Status status = ReadJson(
      json, [&](JsonValue& root) { return ReadToolChoice(root, &request); });
  EXPECT_TRUE(status.ok()) << status;
  return request;
}

v1::GenerateRequest RequestOf(const std::string& text) {
  v1::GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return request;
}

std::string ToolChoiceOf(const v1::GenerateRequest& request) {
  std::string out;
  JsonWriter json(&out);
  json.StartObject();
  WriteToolChoice(request, json);
  json.EndObject();
  return out;
}

TEST(OpenAiChatToolsTest, KeepsASchemaByteForByte) {
  v1::Tool tool;
  ASSERT_TRUE(ReadTool(R"({"type":"function","function":{"name":"f",)"
                       R"("parameters":{ "a":1.0 , "a":2 },"strict":null}})",
                       &tool)
                  .ok());
  EXPECT_EQ(tool.function().parameters_schema(), R"({ "a":1.0 , "a":2 })");
  EXPECT_FALSE(tool.function().has_strict());
}

TEST(OpenAiChatToolsTest, KeepsAnUnknownToolWhole) {
  v1::Tool tool;
  ASSERT_TRUE(ReadTool(R"({"custom":{"name":"x"},"type":"mcp"})", &tool).ok());
  EXPECT_EQ(tool.provider().dialect(), "openai_chat");
  EXPECT_EQ(tool.provider().json(), R"({"custom":{"name":"x"},"type":"mcp"})");
  EXPECT_TRUE(tool.extensions().empty());
}

TEST(OpenAiChatToolsTest, RefusesAToolThatIsNotWhatItSays) {
  v1::Tool tool;
  EXPECT_EQ(
      ReadTool(R"({"type":"custom","function":{"name":"x"}})", &tool).message(),
      "custom must be an object");
  v1::Tool other;
  EXPECT_EQ(ReadTool(R"({"type":"function","function":"x"})", &other).message(),
            "function must be an object");
}

TEST(OpenAiChatToolsTest, UnderstandsEachFormOfChoice) {
  const v1::ToolChoice named =
      RequestWithChoice(R"({"type":"function","function":{"name":"f"}})")
          .tool_choice();
  EXPECT_EQ(named.mode(), v1::ToolChoice::MODE_TOOL);
  EXPECT_EQ(named.tool_name(), "f");
  EXPECT_EQ(RequestWithChoice(R"({"name":"f"})").tool_choice().tool_name(),
            "f");
  const v1::ToolChoice allowed =
      RequestWithChoice(R"({"type":"allowed_tools","allowed_tools":)"
                        R"({"mode":"auto","tools":[{"type":"function",)"
                        R"("function":{"name":"f"}}]}})")
          .tool_choice();
  EXPECT_EQ(allowed.mode(), v1::ToolChoice::MODE_AUTO);
  EXPECT_EQ(allowed.allowed_tools(0), "f");
}

TEST(OpenAiChatToolsTest, KeepsAChoiceItDoesNotUnderstandWhole) {
  for (const std::string_view json :
       {R"({"type":"hosted"})",
        R"({"type":"function","function":{"name":"f","x":1}})",
        R"({"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":)"
        R"([{"type":"mcp","server":"s"}]}})"}) {
    const v1::GenerateRequest request = RequestWithChoice(json);
    EXPECT_FALSE(request.has_tool_choice());
    ASSERT_EQ(request.extensions_size(), 1);
    EXPECT_EQ(request.extensions(0).name(), "tool_choice");
    EXPECT_EQ(request.extensions(0).json(), std::string(json));
  }
}

TEST(OpenAiChatToolsTest, ANamedToolIsWrittenAsTheKindItIs) {
  const std::string custom = R"pb(
    tools { custom { name: "g" } }
    tool_choice { mode: MODE_TOOL tool_name: "g" })pb";
  EXPECT_EQ(ToolChoiceOf(RequestOf(custom)),
            R"({"tool_choice":{"type":"custom","custom":{"name":"g"}}})");
  EXPECT_EQ(ToolChoiceOf(RequestOf(
                R"pb(tool_choice { mode: MODE_TOOL tool_name: "f" })pb")),
            R"({"tool_choice":{"type":"function","function":{"name":"f"}}})");
  EXPECT_EQ(ToolChoiceOf(RequestOf("tool_choice { mode: MODE_AUTO }")),
            R"({"tool_choice":"auto"})");
  EXPECT_EQ(ToolChoiceOf(RequestOf("tool_choice {}")), "{}");
}

TEST(OpenAiChatToolsTest, ToolsOfOthersAreDropped) {
  const v1::GenerateRequest request = RequestOf(R"pb(
    tools { provider { dialect: "anthropic_messages" json: "{}" } }
    tools {
      function { name: "f" parameters_schema: "{\"type\":\"object\"}" }
      cache_hint {}
    })pb");
  std::string out;
  JsonWriter json(&out);
  std::vector<v1::Warning> warnings;
  DroppedFields dropped(kDialect, &warnings);
  json.StartObject();
  ASSERT_TRUE(WriteTools(request, json, dropped).ok());
  json.EndObject();
  EXPECT_TRUE(SameJson(out,
                       R"({"tools":[{"type":"function","function":)"
                       R"({"name":"f","parameters":{"type":"object"}}}]})"));
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0].field(), "tools[0]");
  EXPECT_EQ(warnings[1].field(), "cache_hint");
}

TEST(OpenAiChatToolsTest, ASchemaThatIsNotJsonIsRefused) {
  const v1::GenerateRequest request = RequestOf(
      R"pb(tools { function { name: "f" parameters_schema: "{},\"x\":1" } }
           response_format { kind: KIND_JSON_SCHEMA schema: "{" })pb");
  std::string out;
  JsonWriter json(&out);
  DroppedFields dropped(kDialect, nullptr);
  json.StartObject();
  const absl::Status tools = WriteTools(request, json, dropped);
  EXPECT_EQ(FieldViolations(tools).at(0).first,
            "tools[0].function.parameters_schema");
  std::string format_out;
  JsonWriter format_json(&format_out);
  format_json.StartObject();
  EXPECT_EQ(
      FieldViolations(WriteResponseFormat(request, format_json)).at(0).first,
      "response_format.schema");
}

TEST(OpenAiChatToolsTest, ASchemaWithoutANameGetsOne) {
  const v1::GenerateRequest request = RequestOf(
      R"pb(response_format { kind: KIND_JSON_SCHEMA schema: "{}" })pb");
  std::string out;
  JsonWriter json(&out);
  json.StartObject();
  ASSERT_TRUE(WriteResponseFormat(request, json).ok());
  json.EndObject();
  EXPECT_EQ(out, R"({"response_format":{"type":"json_schema","json_schema":)"
                 R"({"name":"response","schema":{}}}})");
}

}  // namespace
}  // namespace gateway::chat
