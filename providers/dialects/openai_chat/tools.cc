#include "providers/dialects/openai_chat/tools.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/json_token.h"
#include "errors/fault.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/object_fields.h"
#include "providers/dialects/openai_chat/fields.h"

namespace gateway::chat {
namespace {

using wire::ReadText;

// Reads a JSON Schema, kept byte for byte.
absl::Status ReadSchema(JsonValue& value, std::string* schema) {
  if (value.IsNull()) return absl::OkStatus();
  if (!value.IsObject()) return value.Error("expected an object");
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
  if (HasLoneSurrogate(raw)) return value.Error(kLoneSurrogate);
  schema->assign(raw);
  return absl::OkStatus();
}

absl::Status ReadFunction(JsonValue& value, v1::Tool* tool) {
  v1::FunctionTool* function = tool->mutable_function();
  Leftovers leftovers;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "name") return ReadText(field, function->mutable_name());
        if (key == "description") {
          return ReadText(field, function->mutable_description());
        }
        if (key == "parameters") {
          return ReadSchema(field, function->mutable_parameters_schema());
        }
        if (key != "strict") return leftovers.Keep(key, field);
        if (field.IsNull()) return absl::OkStatus();
        GATEWAY_ASSIGN_OR_RETURN(const bool strict, field.Bool());
        function->set_strict(strict);
        return absl::OkStatus();
      }));
  if (function->name().empty()) return value.Error("name must be set");
  leftovers.AddTo("function", tool->mutable_extensions());
  return absl::OkStatus();
}

// Reads `{"type": "text"}` or `{"type": "grammar", "grammar": {...}}`.
absl::Status ReadCustomFormat(JsonValue& value, v1::CustomTool* custom,
                              Leftovers* leftovers) {
  std::string type;
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "type") return ReadText(field, &type);
        if (key != "grammar") return leftovers->Keep(key, field);
        return field.EachField(
            [&](std::string_view name, JsonValue& rule) -> absl::Status {
              if (name == "syntax") {
                return ReadText(rule, custom->mutable_grammar_syntax());
              }
              if (name == "definition") {
                return ReadText(rule, custom->mutable_grammar_definition());
              }
              return absl::OkStatus();
            });
      });
}

absl::Status ReadCustom(JsonValue& value, v1::Tool* tool) {
  v1::CustomTool* custom = tool->mutable_custom();
  Leftovers leftovers;
  Leftovers format_leftovers;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "name") return ReadText(field, custom->mutable_name());
        if (key == "description") {
          return ReadText(field, custom->mutable_description());
        }
        if (key == "format" && field.IsObject()) {
          return ReadCustomFormat(field, custom, &format_leftovers);
        }
        return leftovers.Keep(key, field);
      }));
  if (custom->name().empty()) return value.Error("name must be set");
  leftovers.AddTo("custom", tool->mutable_extensions());
  format_leftovers.AddTo("custom.format", tool->mutable_extensions());
  return absl::OkStatus();
}

// The tool that a choice names: `{"type": "function", "function": {"name"}}`.
struct NamedTool {
  std::string type;
  std::string name;
  bool plain = true;  // It has no other field.
};

absl::Status ReadNamedToolField(std::string_view key, JsonValue& field,
                                NamedTool* tool) {
  if (key == "type") return ReadText(field, &tool->type);
  if ((key != "function" && key != "custom") || !field.IsObject()) {
    tool->plain = false;
    return absl::OkStatus();
  }
  return field.EachField(
      [&](std::string_view name, JsonValue& value) -> absl::Status {
        if (name == "name") return ReadText(value, &tool->name);
        tool->plain = false;
        return absl::OkStatus();
      });
}

bool IsCallable(const NamedTool& tool) {
  return tool.plain && !tool.name.empty() &&
         (tool.type == "function" || tool.type == "custom");
}

absl::Status ReadAllowedTools(JsonValue& value, v1::ToolChoice* choice,
                              bool* understood) {
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "mode") {
          std::string mode;
          GATEWAY_RETURN_IF_ERROR(ReadText(field, &mode));
          choice->set_mode(mode == "required" ? v1::ToolChoice::MODE_REQUIRED
                                              : v1::ToolChoice::MODE_AUTO);
          return absl::OkStatus();
        }
        if (key != "tools") {
          *understood = false;
          return absl::OkStatus();
        }
        return field.EachElement([&](JsonValue& element) -> absl::Status {
          NamedTool tool;
          GATEWAY_RETURN_IF_ERROR(
              element.EachField([&](std::string_view name, JsonValue& each) {
                return ReadNamedToolField(name, each, &tool);
              }));
          *understood = *understood && IsCallable(tool);
          choice->add_allowed_tools(std::move(tool.name));
          return absl::OkStatus();
        });
      });
}

absl::Status ReadChoiceObject(JsonValue& value, v1::ToolChoice* choice,
                              bool* understood) {
  NamedTool tool;
  bool restricts = false;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "allowed_tools" && field.IsObject()) {
          restricts = true;
          return ReadAllowedTools(field, choice, understood);
        }
        // The old form is the function's name alone.
        if (key == "name") {
          tool.type = "function";
          return ReadText(field, &tool.name);
        }
        return ReadNamedToolField(key, field, &tool);
      }));
  if (restricts) {
    *understood = *understood && tool.type == "allowed_tools" && tool.plain;
    return absl::OkStatus();
  }
  *understood = IsCallable(tool);
  choice->set_mode(v1::ToolChoice::MODE_TOOL);
  choice->set_tool_name(std::move(tool.name));
  choice->set_tool_kind(tool.type == "custom" ? v1::TOOL_KIND_CUSTOM
                                              : v1::TOOL_KIND_FUNCTION);
  return absl::OkStatus();
}

absl::Status ReadJsonSchema(JsonValue& value, v1::GenerateRequest* request) {
  v1::ResponseFormat* format = request->mutable_response_format();
  Leftovers leftovers;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "name") return ReadText(field, format->mutable_name());
        if (key == "description") {
          return ReadText(field, format->mutable_description());
        }
        if (key == "schema") {
          return ReadSchema(field, format->mutable_schema());
        }
        if (key != "strict") return leftovers.Keep(key, field);
        if (field.IsNull()) return absl::OkStatus();
        GATEWAY_ASSIGN_OR_RETURN(const bool strict, field.Bool());
        format->set_strict(strict);
        return absl::OkStatus();
      }));
  leftovers.AddTo("response_format.json_schema", request->mutable_extensions());
  return absl::OkStatus();
}

// Writes a schema, which may be any text of a caller: it is checked.
absl::Status WriteSchema(std::string_view key, const std::string& schema,
                         std::string_view field, JsonWriter& json) {
  if (schema.empty()) return absl::OkStatus();
  const absl::Status status = CheckJson(schema);
  if (!status.ok()) return InvalidField(field, ToStd(status.message()));
  json.RawField(key, schema);
  return absl::OkStatus();
}

absl::Status WriteFunction(const v1::Tool& tool, std::string_view place,
                           JsonWriter& json) {
  const v1::FunctionTool& function = tool.function();
  json.StringField("type", "function");
  json.StartObjectField("function");
  json.StringField("name", function.name());
  if (!function.description().empty()) {
    json.StringField("description", function.description());
  }
  GATEWAY_RETURN_IF_ERROR(WriteSchema(
      "parameters", function.parameters_schema(),
      absl::StrCat(ToAbsl(place), ".function.parameters_schema"), json));
  if (function.has_strict()) json.BoolField("strict", function.strict());
  GATEWAY_RETURN_IF_ERROR(
      MergeLeftovers(tool.extensions(), "function",
                     {"name", "description", "parameters", "strict"}, json));
  json.EndObject();
  return absl::OkStatus();
}

absl::Status WriteCustom(const v1::Tool& tool, JsonWriter& json) {
  const v1::CustomTool& custom = tool.custom();
  json.StringField("type", "custom");
  json.StartObjectField("custom");
  json.StringField("name", custom.name());
  if (!custom.description().empty()) {
    json.StringField("description", custom.description());
  }
  const bool grammar = !custom.grammar_syntax().empty();
  if (grammar) {
    json.StartObjectField("format");
    json.StringField("type", "grammar");
    json.StartObjectField("grammar");
    json.StringField("definition", custom.grammar_definition());
    json.StringField("syntax", custom.grammar_syntax());
    json.EndObject();
    GATEWAY_RETURN_IF_ERROR(MergeLeftovers(tool.extensions(), "custom.format",
                                           {"type", "grammar"}, json));
    json.EndObject();
  }
  // `format` is among the leftovers if it was not understood.
  constexpr std::string_view kTaken[] = {"name", "description", "format"};
  GATEWAY_RETURN_IF_ERROR(
      MergeLeftovers(tool.extensions(), "custom",
                     absl::MakeConstSpan(kTaken).first(grammar ? 3 : 2), json));
  json.EndObject();
  return absl::OkStatus();
}

absl::Status WriteTool(const v1::Tool& tool, std::string_view place,
                       JsonWriter& json, DroppedFields& dropped) {
  if (tool.has_cache_hint()) {
    dropped.Changed("cache_hint", "OpenAI caches prompts of its own accord");
  }
  if (tool.has_provider()) {
    if (tool.provider().dialect() != kDialect) {
      dropped.Changed(place,
                      absl::StrCat("a tool of ", tool.provider().dialect(),
                                   " that Chat Completions does not have; "
                                   "left out"));
      return absl::OkStatus();
    }
    const absl::Status status = CheckJson(tool.provider().json());
    if (!status.ok()) {
      return InvalidField(absl::StrCat(ToAbsl(place), ".provider.json"),
                          ToStd(status.message()));
    }
    json.Raw(tool.provider().json());
    return absl::OkStatus();
  }
  json.StartObject();
  if (tool.has_custom()) {
    GATEWAY_RETURN_IF_ERROR(WriteCustom(tool, json));
  } else {
    GATEWAY_RETURN_IF_ERROR(WriteFunction(tool, place, json));
  }
  constexpr std::string_view kTaken[] = {"type", "function", "custom",
                                         "custom.format"};
  GATEWAY_RETURN_IF_ERROR(
      WriteExtensions(tool.extensions(), kTaken, json, dropped));
  json.EndObject();
  return absl::OkStatus();
}

void WriteNamedTool(const std::string& name, bool custom, JsonWriter& json) {
  const std::string_view kind = custom ? "custom" : "function";
  json.StartObject();
  json.StringField("type", kind);
  json.StartObjectField(kind);
  json.StringField("name", name);
  json.EndObject();
  json.EndObject();
}

bool IsCustom(const v1::GenerateRequest& request, const std::string& name) {
  for (const v1::Tool& tool : request.tools()) {
    if (tool.has_custom() && tool.custom().name() == name) return true;
  }
  return false;
}

void WriteAllowedTools(const v1::GenerateRequest& request, JsonWriter& json) {
  const v1::ToolChoice& choice = request.tool_choice();
  const bool required = choice.mode() == v1::ToolChoice::MODE_REQUIRED;
  json.StartObject();
  json.StringField("type", "allowed_tools");
  json.StartObjectField("allowed_tools");
  json.StringField("mode", required ? "required" : "auto");
  json.StartArrayField("tools");
  for (const std::string& name : choice.allowed_tools()) {
    WriteNamedTool(name, IsCustom(request, name), json);
  }
  json.EndArray();
  json.EndObject();
  json.EndObject();
}

}  // namespace

absl::Status ReadTool(JsonValue& value, v1::Tool* tool) {
  std::string type;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "type") return ReadText(field, &type);
        if (key == "function" && field.IsObject()) {
          return ReadFunction(field, tool);
        }
        if (key == "custom" && field.IsObject()) return ReadCustom(field, tool);
        return KeepField(key, field, tool->mutable_extensions());
      }));
  if (type.empty()) return value.Error("type must be set");
  if (type == "function" || type == "custom") {
    const bool set =
        type == "function" ? tool->has_function() : tool->has_custom();
    if (!set) return value.Error(absl::StrCat(type, " must be an object"));
    return absl::OkStatus();
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.VisitedRaw());
  tool->Clear();
  tool->mutable_provider()->set_dialect(std::string(kDialect));
  tool->mutable_provider()->set_json(std::string(raw));
  return absl::OkStatus();
}

absl::Status ReadLegacyFunction(JsonValue& value, v1::Tool* tool) {
  return ReadFunction(value, tool);
}

absl::Status ReadToolChoice(JsonValue& value, v1::GenerateRequest* request) {
  v1::ToolChoice choice;
  if (value.IsString()) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view word, value.String());
    if (word == "auto") {
      choice.set_mode(v1::ToolChoice::MODE_AUTO);
    } else if (word == "none") {
      choice.set_mode(v1::ToolChoice::MODE_NONE);
    } else if (word == "required") {
      choice.set_mode(v1::ToolChoice::MODE_REQUIRED);
    } else {
      return value.Error("expected none, auto, required or an object");
    }
    *request->mutable_tool_choice() = std::move(choice);
    return absl::OkStatus();
  }
  bool understood = true;
  GATEWAY_RETURN_IF_ERROR(ReadChoiceObject(value, &choice, &understood));
  if (understood) {
    *request->mutable_tool_choice() = std::move(choice);
    return absl::OkStatus();
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.VisitedRaw());
  AddExtension(request->mutable_extensions(), "tool_choice", raw);
  return absl::OkStatus();
}

absl::Status ReadResponseFormat(JsonValue& value,
                                v1::GenerateRequest* request) {
  std::string type;
  ExtensionList before = request->extensions();
  Leftovers leftovers;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "type") return ReadText(field, &type);
        if (key == "json_schema" && field.IsObject()) {
          return ReadJsonSchema(field, request);
        }
        return leftovers.Keep(key, field);
      }));
  v1::ResponseFormat* format = request->mutable_response_format();
  if (type == "text") {
    format->set_kind(v1::ResponseFormat::KIND_TEXT);
  } else if (type == "json_object") {
    format->set_kind(v1::ResponseFormat::KIND_JSON_OBJECT);
  } else if (type == "json_schema") {
    format->set_kind(v1::ResponseFormat::KIND_JSON_SCHEMA);
    if (format->schema().empty() && format->name().empty()) {
      return value.Error("json_schema must be set");
    }
  } else {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.VisitedRaw());
    request->clear_response_format();
    *request->mutable_extensions() = std::move(before);
    AddExtension(request->mutable_extensions(), "response_format", raw);
    return absl::OkStatus();
  }
  leftovers.AddTo("response_format", request->mutable_extensions());
  return absl::OkStatus();
}

absl::Status WriteTools(const v1::GenerateRequest& request, JsonWriter& json,
                        DroppedFields& dropped) {
  if (request.tools().empty()) return absl::OkStatus();
  json.StartArrayField("tools");
  for (int i = 0; i < request.tools_size(); ++i) {
    GATEWAY_RETURN_IF_ERROR(WriteTool(
        request.tools(i), absl::StrCat("tools[", i, "]"), json, dropped));
  }
  json.EndArray();
  return absl::OkStatus();
}

void WriteToolChoice(const v1::GenerateRequest& request, JsonWriter& json) {
  const v1::ToolChoice& choice = request.tool_choice();
  switch (choice.mode()) {
    case v1::ToolChoice::MODE_AUTO:
    case v1::ToolChoice::MODE_REQUIRED:
      json.Key("tool_choice");
      if (!choice.allowed_tools().empty()) {
        WriteAllowedTools(request, json);
      } else {
        json.String(choice.mode() == v1::ToolChoice::MODE_AUTO ? "auto"
                                                               : "required");
      }
      break;
    case v1::ToolChoice::MODE_NONE:
      json.StringField("tool_choice", "none");
      break;
    case v1::ToolChoice::MODE_TOOL:
      json.Key("tool_choice");
      WriteNamedTool(choice.tool_name(),
                     choice.tool_kind() == v1::TOOL_KIND_CUSTOM ||
                         (choice.tool_kind() == v1::TOOL_KIND_UNSPECIFIED &&
                          IsCustom(request, choice.tool_name())),
                     json);
      break;
    default:
      break;
  }
}

absl::Status WriteResponseFormat(const v1::GenerateRequest& request,
                                 JsonWriter& json) {
  const v1::ResponseFormat& format = request.response_format();
  json.StartObjectField("response_format");
  switch (format.kind()) {
    case v1::ResponseFormat::KIND_JSON_OBJECT:
      json.StringField("type", "json_object");
      break;
    case v1::ResponseFormat::KIND_JSON_SCHEMA: {
      json.StringField("type", "json_schema");
      json.StartObjectField("json_schema");
      // A name is made up: it is required here, and other dialects do without.
      json.StringField("name",
                       format.name().empty() ? "response" : format.name());
      if (!format.description().empty()) {
        json.StringField("description", format.description());
      }
      GATEWAY_RETURN_IF_ERROR(WriteSchema("schema", format.schema(),
                                          "response_format.schema", json));
      if (format.has_strict()) json.BoolField("strict", format.strict());
      GATEWAY_RETURN_IF_ERROR(
          MergeLeftovers(request.extensions(), "response_format.json_schema",
                         {"name", "description", "schema", "strict"}, json));
      json.EndObject();
      break;
    }
    default:
      json.StringField("type", "text");
  }
  GATEWAY_RETURN_IF_ERROR(MergeLeftovers(
      request.extensions(), "response_format", {"type", "json_schema"}, json));
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace gateway::chat
