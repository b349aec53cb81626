#include "providers/dialects/gemini/tools.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json_token.h"
#include "errors/fault.h"
#include "providers/dialects/gemini/part_reader.h"
#include "providers/dialects/gemini/schema.h"
#include "providers/dialects/gemini/vendor_names.h"

namespace gateway::gemini {
namespace {

using Choice = v1::ToolChoice;

constexpr std::string_view kCallingConfig = "functionCallingConfig";
constexpr std::string_view kModeExtension = "functionCallingConfig.mode";

// The schema of a tool whose input is free text.
constexpr std::string_view kFreeTextSchema =
    R"({"type":"object","properties":{"input":{"type":"string"}},)"
    R"("required":["input"]})";

absl::Status ReadFunction(JsonValue& value, v1::Tool* tool) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::Read(kFormat, value));
  v1::FunctionTool* function = tool->mutable_function();
  GATEWAY_RETURN_IF_ERROR(
      fields.RequiredText("name", function->mutable_name()));
  GATEWAY_RETURN_IF_ERROR(
      fields.Text("description", function->mutable_description()));
  const ObjectFields::Either schema = fields.TextOrJson("parametersJsonSchema");
  const ObjectFields::Either parameters = fields.TextOrJson("parameters");
  if (schema.json.has_value()) {
    function->set_parameters_schema(std::string(*schema.json));
  } else if (parameters.json.has_value()) {
    GATEWAY_ASSIGN_OR_RETURN(
        std::string converted,
        JsonSchemaOf(*parameters.json, fields.PathOf("parameters")));
    function->set_parameters_schema(std::move(converted));
  }
  if (HasLoneSurrogate(function->parameters_schema())) {
    return fields.Fault(
        schema.json.has_value() ? "parametersJsonSchema" : "parameters",
        kLoneSurrogate);
  }
  fields.Rest(tool->mutable_extensions());
  return absl::OkStatus();
}

// Reads one tool: its functions are the caller's; what else it holds is the
// provider's.
absl::Status ReadTool(JsonValue& value, v1::GenerateRequest* request) {
  std::string rest;
  JsonWriter json(&rest);
  json.StartObject();
  bool has_functions = false;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (CamelCase(key) == "functionDeclarations") {
          has_functions = true;
          if (field.IsNull()) return absl::OkStatus();
          return EachOf(field, [&](JsonValue& function) {
            return ReadFunction(function, request->add_tools());
          });
        }
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, field.Raw());
        json.RawField(key, raw);
        return absl::OkStatus();
      }));
  json.EndObject();
  if (has_functions && rest == "{}") return absl::OkStatus();
  v1::ProviderTool* tool = request->add_tools()->mutable_provider();
  tool->set_dialect(std::string(kDialect));
  tool->set_json(std::move(rest));
  return absl::OkStatus();
}

std::string_view ModeWord(Choice::Mode mode, bool restricted) {
  switch (mode) {
    case Choice::MODE_NONE:
      return "NONE";
    case Choice::MODE_REQUIRED:
    case Choice::MODE_TOOL:
      return "ANY";
    default:
      // Restricted calls need this mode, in which arguments are checked.
      return restricted ? "VALIDATED" : "AUTO";
  }
}

Choice::Mode ModeOfWord(std::string_view word) {
  if (word == "ANY") return Choice::MODE_REQUIRED;
  if (word == "NONE") return Choice::MODE_NONE;
  return Choice::MODE_AUTO;
}

absl::Status ReadCallingConfig(JsonValue& value, v1::GenerateRequest* request) {
  Choice& choice = *request->mutable_tool_choice();
  std::string mode;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view name, JsonValue& field) -> absl::Status {
        if (field.IsNull()) return absl::OkStatus();
        const std::string key = CamelCase(name);
        if (key == "mode") {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view word, field.String());
          mode = std::string(word);
          return absl::OkStatus();
        }
        if (key == "allowedFunctionNames") {
          return field.EachElement([&](JsonValue& element) -> absl::Status {
            GATEWAY_ASSIGN_OR_RETURN(const std::string_view tool,
                                     element.String());
            choice.add_allowed_tools(std::string(tool));
            return absl::OkStatus();
          });
        }
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, field.Raw());
        AddExtension(request->mutable_extensions(),
                     absl::StrCat(ToAbsl(kCallingConfig), ".", key), raw);
        return absl::OkStatus();
      }));
  if (mode.empty() && choice.allowed_tools().empty()) {
    request->clear_tool_choice();
    return absl::OkStatus();
  }
  choice.set_mode(ModeOfWord(mode));
  if (choice.mode() == Choice::MODE_REQUIRED &&
      choice.allowed_tools_size() == 1) {
    choice.set_mode(Choice::MODE_TOOL);
    choice.set_tool_name(choice.allowed_tools(0));
    choice.clear_allowed_tools();
  }
  if (ModeWord(choice.mode(), !choice.allowed_tools().empty()) != mode) {
    AddExtension(request->mutable_extensions(), kModeExtension, Quoted(mode));
  }
  return absl::OkStatus();
}

absl::Status WriteFunction(const v1::Tool& tool, std::string_view place,
                           JsonWriter& json, DroppedFields& dropped) {
  ObjectWriter object(kFormat, json);
  if (tool.has_custom()) {
    dropped.Changed("tools[].custom",
                    "became a function whose argument `input` is the text");
    if (!tool.custom().grammar_syntax().empty()) {
      dropped.LeftOut("tools[].custom.grammar_definition");
    }
  }
  const bool strict = tool.function().strict();
  if (strict) dropped.LeftOut("tools[].function.strict");
  object.Text("name", tool.has_custom() ? tool.custom().name()
                                        : tool.function().name());
  const std::string& description = tool.has_custom()
                                       ? tool.custom().description()
                                       : tool.function().description();
  if (!description.empty()) object.Text("description", description);
  const std::string& schema = tool.function().parameters_schema();
  if (tool.has_custom()) {
    object.Field("parametersJsonSchema").Raw(kFreeTextSchema);
  } else if (!schema.empty()) {
    // JSON Schema is preferred: it says all that the other language does, and
    // more.
    GATEWAY_RETURN_IF_ERROR(object.Json(
        "parametersJsonSchema", schema,
        absl::StrCat(ToAbsl(place), ".function.parameters_schema")));
  }
  GATEWAY_RETURN_IF_ERROR(object.Extensions(tool.extensions(), place));
  object.End();
  return absl::OkStatus();
}

absl::Status WriteFunctions(const v1::GenerateRequest& request,
                            JsonWriter& json, DroppedFields& dropped) {
  ObjectWriter tool(kFormat, json);
  tool.Field("functionDeclarations").StartArray();
  for (int i = 0; i < request.tools_size(); ++i) {
    if (request.tools(i).has_provider()) continue;
    GATEWAY_RETURN_IF_ERROR(WriteFunction(
        request.tools(i), absl::StrCat("tools[", i, "]"), json, dropped));
  }
  json.EndArray();
  tool.End();
  return absl::OkStatus();
}

absl::Status WriteProviderTool(const v1::ProviderTool& tool,
                               std::string_view place, JsonWriter& json) {
  if (absl::Status status = CheckJson(tool.json()); !status.ok()) {
    return InvalidField(absl::StrCat(ToAbsl(place), ".provider.json"),
                        ToStd(status.message()));
  }
  json.Raw(tool.json());
  return absl::OkStatus();
}

absl::Status WriteCallingConfig(const v1::GenerateRequest& request,
                                ObjectWriter& config) {
  const Choice& choice = request.tool_choice();
  const bool restricted = !choice.allowed_tools().empty();
  ObjectWriter object(kFormat, config.Field(kCallingConfig));
  if (choice.mode() != Choice::MODE_UNSPECIFIED &&
      FindExtension(request.extensions(), kModeExtension) == nullptr) {
    object.Text("mode", ModeWord(choice.mode(), restricted));
  }
  if (choice.mode() == Choice::MODE_TOOL || restricted) {
    JsonWriter& json = object.Field("allowedFunctionNames");
    json.StartArray();
    if (choice.mode() == Choice::MODE_TOOL) {
      json.String(choice.tool_name());
    } else {
      for (const std::string& name : choice.allowed_tools()) json.String(name);
    }
    json.EndArray();
  }
  GATEWAY_RETURN_IF_ERROR(
      object.Extensions(request.extensions(), "", kCallingConfig));
  object.End();
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadTools(JsonValue& value, v1::GenerateRequest* request) {
  if (value.IsNull()) return absl::OkStatus();
  return AsFieldFault(EachOf(
      value, [&](JsonValue& tool) { return ReadTool(tool, request); }));
}

absl::Status ReadToolConfig(JsonValue& value, v1::GenerateRequest* request) {
  if (value.IsNull()) return absl::OkStatus();
  return AsFieldFault(value.EachField(
      [&](std::string_view name, JsonValue& field) -> absl::Status {
        if (field.IsNull()) return absl::OkStatus();
        const std::string key = CamelCase(name);
        if (key == kCallingConfig) return ReadCallingConfig(field, request);
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, field.Raw());
        AddExtension(request->mutable_extensions(),
                     absl::StrCat("toolConfig.", key), raw);
        return absl::OkStatus();
      }));
}

absl::Status WriteTools(const v1::GenerateRequest& request,
                        ObjectWriter& object, DroppedFields& dropped) {
  std::string tools;
  JsonWriter json(&tools);
  json.StartArray();
  bool has_functions = false;
  for (int i = 0; i < request.tools_size(); ++i) {
    const v1::Tool& tool = request.tools(i);
    const std::string place = absl::StrCat("tools[", i, "]");
    dropped.Foreign("tools[]", tool.extensions());
    if (tool.has_cache_hint()) dropped.LeftOut("tools[].cache_hint");
    if (tool.kind_case() == v1::Tool::KIND_NOT_SET) {
      return InvalidField(place, "function, custom or provider is required");
    }
    if (!tool.has_provider()) {
      if (!has_functions) {
        GATEWAY_RETURN_IF_ERROR(WriteFunctions(request, json, dropped));
      }
      has_functions = true;
    } else if (tool.provider().dialect() == kDialect) {
      GATEWAY_RETURN_IF_ERROR(WriteProviderTool(tool.provider(), place, json));
    } else {
      dropped.Changed("tools[].provider",
                      absl::StrCat("left out: only ", tool.provider().dialect(),
                                   " knows this tool"));
    }
  }
  json.EndArray();
  if (tools != "[]") object.Field("tools").Raw(tools);
  return absl::OkStatus();
}

absl::Status WriteToolConfig(const v1::GenerateRequest& request,
                             ObjectWriter& object, DroppedFields& dropped) {
  if (request.has_parallel_tool_calls() && !request.parallel_tool_calls()) {
    dropped.LeftOut("parallel_tool_calls");
  }
  const bool has_calling =
      request.tool_choice().mode() != Choice::MODE_UNSPECIFIED ||
      HasNestedExtension(request.extensions(), kCallingConfig);
  // No choice is written if no tool could be carried.
  const bool has_tools = object.Has("tools") || request.tools().empty();
  if ((!has_calling || !has_tools) &&
      !HasNestedExtension(request.extensions(), "toolConfig")) {
    return absl::OkStatus();
  }
  ObjectWriter config(kFormat, object.Field("toolConfig"));
  if (has_calling && has_tools) {
    GATEWAY_RETURN_IF_ERROR(WriteCallingConfig(request, config));
  }
  GATEWAY_RETURN_IF_ERROR(
      config.Extensions(request.extensions(), "", "toolConfig"));
  config.End();
  return absl::OkStatus();
}

}  // namespace gateway::gemini
