#include "providers/dialects/gemini/tools.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/gemini/fields.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::gemini {
namespace {

v1::GenerateRequest ToolRequest(const std::string& text) {
  v1::GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return request;
}

absl::StatusOr<v1::GenerateRequest> ReadWith(
    absl::Status (*read)(JsonValue&, v1::GenerateRequest*),
    std::string_view text) {
  v1::GenerateRequest request;
  const absl::Status status =
      ReadJson(text, [&](JsonValue& root) { return read(root, &request); });
  if (!status.ok()) return status;
  return request;
}

// The object that both are fields of.
absl::StatusOr<std::string> WriteToolFields(
    const v1::GenerateRequest& request, std::vector<v1::Warning>* warnings) {
  std::string out;
  JsonWriter json(&out);
  ObjectWriter object(kFormat, json);
  DroppedFields dropped(kDialect, warnings);
  absl::Status status = WriteTools(request, object, dropped);
  if (status.ok()) status = WriteToolConfig(request, object, dropped);
  if (!status.ok()) return status;
  object.End();
  return out;
}

TEST(GeminiToolsTest, ParametersOfEitherLanguageAreJsonSchema) {
  const auto request = ReadWith(ReadTools, R"([{"function_declarations":[
      {"name":"f","parameters":{"type":"OBJECT"}},
      {"name":"g","parameters_json_schema":{"type":"object"}}]}])");
  ASSERT_TRUE(request.ok()) << request.status();
  ASSERT_EQ(request->tools_size(), 2);
  EXPECT_EQ(request->tools(0).function().parameters_schema(),
            R"({"type":"object"})");
  EXPECT_EQ(request->tools(1).function().parameters_schema(),
            R"({"type":"object"})");
  EXPECT_TRUE(request->tools(0).extensions().empty());
}

TEST(GeminiToolsTest, AToolOfBothKindsIsTakenApart) {
  const auto request = ReadWith(
      ReadTools, R"([{"googleSearch":{},"functionDeclarations":[{"name":"f"}],
                      "urlContext":{}}])");
  ASSERT_TRUE(request.ok()) << request.status();
  ASSERT_EQ(request->tools_size(), 2);
  EXPECT_EQ(request->tools(0).function().name(), "f");
  EXPECT_EQ(request->tools(1).provider().json(),
            R"({"googleSearch":{},"urlContext":{}})");
}

TEST(GeminiToolsTest, AllFunctionsAreOneTool) {
  std::vector<v1::Warning> warnings;
  const auto written = WriteToolFields(ToolRequest(R"(
        tools { function { name: 'f' description: 'd' strict: true } }
        tools { provider { dialect: 'gemini' json: '{"codeExecution":{}}' } }
        tools { custom { name: 'g' grammar_syntax: 'lark' } }
        tools { provider { dialect: 'other' json: '{}' } }
        parallel_tool_calls: false)"),
                                       &warnings);
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_TRUE(SameJson(*written, R"({"tools":[
      {"functionDeclarations":[
        {"name":"f","description":"d"},
        {"name":"g","parametersJsonSchema":{"type":"object",
         "properties":{"input":{"type":"string"}},"required":["input"]}}]},
      {"codeExecution":{}}]})"));
  std::vector<std::string> fields;
  for (const v1::Warning& warning : warnings) fields.push_back(warning.field());
  EXPECT_EQ(fields, (std::vector<std::string>{
                        "tools[].function.strict", "tools[].custom",
                        "tools[].custom.grammar_definition", "tools[].provider",
                        "parallel_tool_calls"}));
}

TEST(GeminiToolsTest, EveryChoiceGoesThereAndBack) {
  struct Case {
    std::string choice;
    std::string_view config;
  };
  const Case kCases[] = {
      {"mode: MODE_AUTO", R"({"mode":"AUTO"})"},
      {"mode: MODE_NONE", R"({"mode":"NONE"})"},
      {"mode: MODE_REQUIRED", R"({"mode":"ANY"})"},
      {"mode: MODE_TOOL tool_name: 'f'",
       R"({"mode":"ANY","allowedFunctionNames":["f"]})"},
      {"mode: MODE_REQUIRED allowed_tools: ['f', 'g']",
       R"({"mode":"ANY","allowedFunctionNames":["f","g"]})"},
      {"mode: MODE_AUTO allowed_tools: 'f'",
       R"({"mode":"VALIDATED","allowedFunctionNames":["f"]})"},
  };
  for (const auto& [choice, config] : kCases) {
    SCOPED_TRACE(choice);
    const v1::GenerateRequest request =
        ToolRequest("tool_choice { " + choice + " }");
    const auto written = WriteToolFields(request, nullptr);
    ASSERT_TRUE(written.ok()) << written.status();
    std::string expected = R"({"functionCallingConfig":)";
    expected.append(config).append("}");
    EXPECT_TRUE(SameJson(*written, R"({"toolConfig":)" + expected + "}"));
    const auto read = ReadWith(ReadToolConfig, expected);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->DebugString(), request.DebugString());
  }
}

TEST(GeminiToolsTest, AModeThatTheContractLacksSurvives) {
  const auto request = ReadWith(
      ReadToolConfig, R"({"function_calling_config":{"mode":"VALIDATED"}})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->tool_choice().mode(), v1::ToolChoice::MODE_AUTO);
  EXPECT_TRUE(SameJson(
      WriteToolFields(*request, nullptr).value(),
      R"({"toolConfig":{"functionCallingConfig":{"mode":"VALIDATED"}}})"));
}

TEST(GeminiToolsTest, AChoiceAmongToolsThatWereLostIsNone) {
  EXPECT_EQ(WriteToolFields(
                ToolRequest("tools { provider { dialect: 'x' json: '{}' } } "
                            "tool_choice { mode: MODE_REQUIRED }"),
                nullptr)
                .value(),
            "{}");
}

TEST(GeminiToolsTest, NamesTheFieldAtFault) {
  const auto nameless =
      ReadWith(ReadTools, R"([{"functionDeclarations":[{}]}])");
  EXPECT_EQ(FieldViolations(nameless.status()).front().first,
            "[0].functionDeclarations[0].name");
  const auto kindless = WriteToolFields(ToolRequest("tools {}"), nullptr);
  EXPECT_EQ(FieldViolations(kindless.status()).front().first, "tools[0]");
  const auto broken = WriteToolFields(
      ToolRequest("tools { function { name: 'f' parameters_schema: '{' } }"),
      nullptr);
  EXPECT_EQ(FieldViolations(broken.status()).front().first,
            "tools[0].function.parameters_schema");
}

}  // namespace
}  // namespace gateway::gemini
