#include "providers/dialects/openai_responses/tools.h"

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

using Choice = v1::ToolChoice;

v1::GenerateRequest RequestOf(const std::string& text) {
  v1::GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return request;
}

// The tools, the choice and the text settings of a request.
std::string WriteToolFields(const v1::GenerateRequest& request,
                            std::vector<v1::Warning>* warnings = nullptr) {
  DroppedFields dropped(kDialect, warnings);
  std::string out;
  JsonWriter json(&out);
  ObjectWriter object(kFormat, json);
  absl::Status status = WriteTools(request, dropped, object);
  status.Update(WriteToolChoice(request, object));
  status.Update(WriteTextSettings(request, object));
  object.End();
  return status.ok() ? out : std::string(status.message());
}

absl::Status ReadChoice(std::string_view choice, v1::GenerateRequest* request) {
  return ReadJson(choice, [&](JsonValue& root) {
    return root.EachElement(
        [&](JsonValue& value) { return ReadToolChoice(value, request); });
  });
}

TEST(ToolsTest, ToolsOfOtherVendorsAreFlat) {
  std::vector<v1::Warning> warnings;
  EXPECT_TRUE(SameJson(
      WriteToolFields(
          RequestOf(
              "tools { function { name: 'f' description: 'd' "
              "parameters_schema: '{\"type\":\"object\"}' } cache_hint {} } "
              "tools { custom { name: 'c' grammar_syntax: 'regex' "
              "grammar_definition: 'a+' } } "
              "tools { provider { dialect: 'anthropic_messages' "
              "json: '{}' } } "
              "tool_choice { mode: MODE_TOOL tool_name: 'c' }"),
          &warnings),
      R"({"tools":[{"type":"function","name":"f","description":"d",
                    "parameters":{"type":"object"},"strict":null},
                   {"type":"custom","name":"c","format":{"type":"grammar",
                    "syntax":"regex","definition":"a+"}}],
          "tool_choice":{"type":"custom","name":"c"}})"));
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0].field(), "tools[].cache_hint");
  EXPECT_EQ(warnings[1].field(), "tools[].provider");
}

TEST(ToolsTest, AToolWithoutAKindIsRefused) {
  EXPECT_NE(WriteToolFields(RequestOf("tools {}"))
                .find("function, custom or provider"),
            std::string::npos);
  EXPECT_NE(WriteToolFields(RequestOf("tools { function { name: 'f' "
                                      "parameters_schema: '{' } }"))
                .find("parameters_schema"),
            std::string::npos);
}

TEST(ToolsTest, AChoiceIsAWordOrAnObject) {
  v1::GenerateRequest request;
  ASSERT_TRUE(ReadChoice(R"(["required"])", &request).ok());
  EXPECT_EQ(request.tool_choice().mode(), Choice::MODE_REQUIRED);
  ASSERT_TRUE(ReadChoice(R"([{"type":"function","name":"f"}])", &request).ok());
  EXPECT_EQ(request.tool_choice().mode(), Choice::MODE_TOOL);
  EXPECT_EQ(request.tool_choice().tool_name(), "f");
  EXPECT_FALSE(ReadChoice(R"(["sometimes"])", &request).ok());
  EXPECT_FALSE(ReadChoice(R"([{"name":"f"}])", &request).ok());
  EXPECT_FALSE(ReadChoice(R"([{"type":"allowed_tools"}])", &request).ok());
}

TEST(ToolsTest, AChoiceThatNobodyModelsIsKept) {
  for (const std::string_view choice :
       {R"({"type":"web_search"})",
        R"({"type":"allowed_tools","mode":"auto","tools":[{"type":"mcp"}]})",
        R"({"type":"function","name":"f","new":1})"}) {
    v1::GenerateRequest request;
    ASSERT_TRUE(ReadChoice("[" + std::string(choice) + "]", &request).ok());
    EXPECT_FALSE(request.has_tool_choice());
    ASSERT_EQ(request.extensions_size(), 1);
    EXPECT_EQ(request.extensions(0).json(), choice);
  }
}

TEST(ToolsTest, ASchemaWithoutANameGetsOne) {
  EXPECT_TRUE(SameJson(
      WriteToolFields(RequestOf("response_format { kind: KIND_JSON_SCHEMA "
                                "schema: '{}' } verbosity: 'low'")),
      R"({"text":{"format":{"type":"json_schema","name":"answer","schema":{}},
                  "verbosity":"low"}})"));
  EXPECT_TRUE(SameJson(
      WriteToolFields(RequestOf("response_format { kind: KIND_JSON_OBJECT }")),
      R"({"text":{"format":{"type":"json_object"}}})"));
}

}  // namespace
}  // namespace gateway::responses
