#include "providers/dialects/openai_responses/tools.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json_token.h"
#include "errors/fault.h"

namespace gateway::responses {
namespace {

using Choice = v1::ToolChoice;
using Format = v1::ResponseFormat;

absl::Status ReadFunction(ObjectFields& fields, v1::FunctionTool* function) {
  GATEWAY_RETURN_IF_ERROR(
      fields.RequiredText("name", function->mutable_name()));
  GATEWAY_RETURN_IF_ERROR(
      fields.Text("description", function->mutable_description()));
  function->set_parameters_schema(fields.Json("parameters"));
  if (HasLoneSurrogate(function->parameters_schema())) {
    return fields.Fault("parameters", kLoneSurrogate);
  }
  std::optional<bool> strict;
  GATEWAY_RETURN_IF_ERROR(fields.Bool("strict", &strict));
  if (strict.has_value()) function->set_strict(*strict);
  return absl::OkStatus();
}

// Reads a custom tool; `format` is a grammar or text, which is the default.
absl::Status ReadCustom(ObjectFields& fields, v1::Tool* tool) {
  v1::CustomTool* custom = tool->mutable_custom();
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("name", custom->mutable_name()));
  GATEWAY_RETURN_IF_ERROR(
      fields.Text("description", custom->mutable_description()));
  const ObjectFields::Either format = fields.TextOrJson("format");
  if (!format.json.has_value()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(
      ObjectFields inner,
      ObjectFields::ReadRaw(kFormat, *format.json, fields.PathOf("format")));
  std::string type;
  GATEWAY_RETURN_IF_ERROR(inner.RequiredText("type", &type));
  if (type == "grammar") {
    GATEWAY_RETURN_IF_ERROR(
        inner.RequiredText("syntax", custom->mutable_grammar_syntax()));
    GATEWAY_RETURN_IF_ERROR(
        inner.RequiredText("definition", custom->mutable_grammar_definition()));
  }
  if (!inner.AllTaken() || type != "grammar") {
    custom->clear_grammar_syntax();
    custom->clear_grammar_definition();
    AddExtension(tool->mutable_extensions(), "format", *format.json);
  }
  return absl::OkStatus();
}

// Reads a choice that is an object.
absl::Status ReadChoiceObject(std::string_view json, bool* known,
                              Choice* choice) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::ReadRaw(kFormat, json, "tool_choice"));
  std::string type;
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("type", &type));
  *known = true;
  if (type == "function" || type == "custom") {
    choice->set_mode(Choice::MODE_TOOL);
    choice->set_tool_kind(type == "custom" ? v1::TOOL_KIND_CUSTOM
                                           : v1::TOOL_KIND_FUNCTION);
    GATEWAY_RETURN_IF_ERROR(
        fields.RequiredText("name", choice->mutable_tool_name()));
    *known = fields.AllTaken();
    return absl::OkStatus();
  }
  if (type != "allowed_tools") {
    *known = false;
    return absl::OkStatus();
  }
  std::string mode;
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("mode", &mode));
  choice->set_mode(mode == "required" ? Choice::MODE_REQUIRED
                                      : Choice::MODE_AUTO);
  const ObjectFields::Either tools = fields.TextOrJson("tools");
  if (!tools.json.has_value()) return fields.Fault("tools", "required");
  GATEWAY_RETURN_IF_ERROR(
      ReadNested(*tools.json, fields.PathOf("tools"), [&](JsonValue& list) {
        return list.EachElement([&](JsonValue& value) -> absl::Status {
          GATEWAY_ASSIGN_OR_RETURN(ObjectFields tool,
                                   ObjectFields::Read(kFormat, value));
          std::string kind;
          GATEWAY_RETURN_IF_ERROR(tool.Text("type", &kind));
          GATEWAY_RETURN_IF_ERROR(
              tool.Text("name", choice->add_allowed_tools()));
          *known &= (kind == "function" || kind == "custom") && tool.AllTaken();
          return absl::OkStatus();
        });
      }));
  *known &= fields.AllTaken() && !choice->allowed_tools().empty();
  return absl::OkStatus();
}

absl::Status ReadFormat(std::string_view json, std::string_view path,
                        v1::GenerateRequest* request) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::ReadRaw(kFormat, json, path));
  Format format;
  std::string type;
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("type", &type));
  if (type == "text") {
    format.set_kind(Format::KIND_TEXT);
  } else if (type == "json_object") {
    format.set_kind(Format::KIND_JSON_OBJECT);
  } else if (type == "json_schema") {
    format.set_kind(Format::KIND_JSON_SCHEMA);
    GATEWAY_RETURN_IF_ERROR(fields.RequiredText("name", format.mutable_name()));
    GATEWAY_RETURN_IF_ERROR(
        fields.Text("description", format.mutable_description()));
    format.set_schema(fields.Json("schema"));
    if (format.schema().empty()) return fields.Fault("schema", "required");
    std::optional<bool> strict;
    GATEWAY_RETURN_IF_ERROR(fields.Bool("strict", &strict));
    if (strict.has_value()) format.set_strict(*strict);
  }
  if (format.kind() == Format::KIND_UNSPECIFIED || !fields.AllTaken()) {
    AddExtension(request->mutable_extensions(), "text.format", json);
  } else {
    *request->mutable_response_format() = std::move(format);
  }
  return absl::OkStatus();
}

void WriteOptional(std::string_view key, std::string_view text,
                   ObjectWriter& object) {
  if (!text.empty()) object.Text(key, text);
}

absl::Status WriteFunction(const v1::FunctionTool& function,
                           std::string_view place, ObjectWriter& object) {
  object.Text("type", "function");
  object.Text("name", function.name());
  WriteOptional("description", function.description(), object);
  if (function.parameters_schema().empty()) {
    object.Null("parameters");
  } else {
    GATEWAY_RETURN_IF_ERROR(object.Json(
        "parameters", function.parameters_schema(),
        absl::StrCat(ToAbsl(place), ".function.parameters_schema")));
  }
  // Written if the request has it, whatever its value.
  if (function.has_strict()) {
    object.Bool("strict", function.strict());
  } else {
    object.Null("strict");
  }
  return absl::OkStatus();
}

void WriteCustom(const v1::CustomTool& custom, ObjectWriter& object) {
  object.Text("type", "custom");
  object.Text("name", custom.name());
  WriteOptional("description", custom.description(), object);
  if (custom.grammar_syntax().empty()) return;
  ObjectWriter format(kFormat, object.Field("format"));
  format.Text("type", "grammar");
  format.Text("syntax", custom.grammar_syntax());
  format.Text("definition", custom.grammar_definition());
  format.End();
}

absl::Status WriteTool(const v1::Tool& tool, std::string_view place,
                       JsonWriter& json) {
  if (tool.has_provider()) {
    const std::string& raw = tool.provider().json();
    if (absl::Status status = CheckJson(raw); !status.ok()) {
      return InvalidField(absl::StrCat(ToAbsl(place), ".provider.json"),
                          ToStd(status.message()));
    }
    json.Raw(raw);
    return absl::OkStatus();
  }
  ObjectWriter object(kFormat, json);
  if (tool.has_custom()) {
    WriteCustom(tool.custom(), object);
  } else {
    GATEWAY_RETURN_IF_ERROR(WriteFunction(tool.function(), place, object));
  }
  GATEWAY_RETURN_IF_ERROR(object.Extensions(tool.extensions(), place));
  object.End();
  return absl::OkStatus();
}

bool IsCustom(std::string_view name, const v1::GenerateRequest& request) {
  for (const v1::Tool& tool : request.tools()) {
    if (tool.has_custom() && tool.custom().name() == name) return true;
  }
  return false;
}

std::string_view ModeWord(Choice::Mode mode) {
  switch (mode) {
    case Choice::MODE_NONE:
      return "none";
    case Choice::MODE_REQUIRED:
      return "required";
    default:
      return "auto";
  }
}

}  // namespace

absl::Status ReadTool(JsonValue& value, v1::Tool* tool) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::Read(kFormat, value));
  std::string type;
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("type", &type));
  if (type == "function") {
    GATEWAY_RETURN_IF_ERROR(ReadFunction(fields, tool->mutable_function()));
  } else if (type == "custom") {
    GATEWAY_RETURN_IF_ERROR(ReadCustom(fields, tool));
  } else {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view whole, value.VisitedRaw());
    tool->mutable_provider()->set_dialect(std::string(kDialect));
    tool->mutable_provider()->set_json(std::string(whole));
    return absl::OkStatus();
  }
  fields.Rest(tool->mutable_extensions());
  return absl::OkStatus();
}

absl::Status ReadToolChoice(JsonValue& value, v1::GenerateRequest* request) {
  Choice choice;
  if (value.IsString()) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view word, value.String());
    if (word == "auto") {
      choice.set_mode(Choice::MODE_AUTO);
    } else if (word == "none") {
      choice.set_mode(Choice::MODE_NONE);
    } else if (word == "required") {
      choice.set_mode(Choice::MODE_REQUIRED);
    } else {
      return value.Error("must be none, auto, required or an object");
    }
  } else {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, value.Raw());
    bool known = false;
    GATEWAY_RETURN_IF_ERROR(ReadChoiceObject(json, &known, &choice));
    if (!known) {
      AddExtension(request->mutable_extensions(), "tool_choice", json);
      return absl::OkStatus();
    }
  }
  *request->mutable_tool_choice() = std::move(choice);
  return absl::OkStatus();
}

absl::Status ReadTextSettings(JsonValue& value, v1::GenerateRequest* request) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::Read(kFormat, value));
  GATEWAY_RETURN_IF_ERROR(
      fields.Text("verbosity", request->mutable_verbosity()));
  const ObjectFields::Either format = fields.TextOrJson("format");
  if (format.json.has_value()) {
    GATEWAY_RETURN_IF_ERROR(
        ReadFormat(*format.json, fields.PathOf("format"), request));
  }
  fields.Rest(request->mutable_extensions(), "text");
  return absl::OkStatus();
}

absl::Status WriteTools(const v1::GenerateRequest& request,
                        DroppedFields& dropped, ObjectWriter& object) {
  JsonWriter* json = nullptr;
  for (int i = 0; i < request.tools_size(); ++i) {
    const v1::Tool& tool = request.tools(i);
    const std::string place = absl::StrCat("tools[", i, "]");
    dropped.Foreign("tools[]", tool.extensions());
    if (tool.has_cache_hint()) {
      dropped.Changed("tools[].cache_hint",
                      "left out: OpenAI caches prompts of its own accord");
    }
    if (tool.has_provider() && tool.provider().dialect() != kDialect) {
      dropped.Changed("tools[].provider",
                      absl::StrCat("left out: only ", tool.provider().dialect(),
                                   " knows this tool"));
      continue;
    }
    if (tool.kind_case() == v1::Tool::KIND_NOT_SET) {
      return InvalidField(place, "function, custom or provider is required");
    }
    if (json == nullptr) {
      json = &object.Field("tools");
      json->StartArray();
    }
    GATEWAY_RETURN_IF_ERROR(WriteTool(tool, place, *json));
  }
  if (json != nullptr) json->EndArray();
  return absl::OkStatus();
}

absl::Status WriteToolChoice(const v1::GenerateRequest& request,
                             ObjectWriter& object) {
  const Choice& choice = request.tool_choice();
  if (choice.mode() == Choice::MODE_UNSPECIFIED) return absl::OkStatus();
  JsonWriter& json = object.Field("tool_choice");
  if (choice.mode() == Choice::MODE_TOOL) {
    const bool custom = choice.tool_kind() == v1::TOOL_KIND_CUSTOM ||
                        IsCustom(choice.tool_name(), request);
    json.StartObject();
    json.StringField("type", custom ? "custom" : "function");
    json.StringField("name", choice.tool_name());
    json.EndObject();
  } else if (choice.allowed_tools().empty() ||
             choice.mode() == Choice::MODE_NONE) {
    json.String(ModeWord(choice.mode()));
  } else {
    json.StartObject();
    json.StringField("type", "allowed_tools");
    json.StringField("mode", ModeWord(choice.mode()));
    json.StartArrayField("tools");
    for (const std::string& name : choice.allowed_tools()) {
      json.StartObject();
      json.StringField("type", IsCustom(name, request) ? "custom" : "function");
      json.StringField("name", name);
      json.EndObject();
    }
    json.EndArray();
    json.EndObject();
  }
  return absl::OkStatus();
}

absl::Status WriteTextSettings(const v1::GenerateRequest& request,
                               ObjectWriter& object) {
  const Format& format = request.response_format();
  const bool formatted = format.kind() != Format::KIND_UNSPECIFIED;
  if (!formatted && request.verbosity().empty() &&
      !HasNestedExtension(request.extensions(), "text")) {
    return absl::OkStatus();
  }
  ObjectWriter text(kFormat, object.Field("text"));
  if (formatted) {
    ObjectWriter form(kFormat, text.Field("format"));
    if (format.kind() == Format::KIND_JSON_SCHEMA) {
      form.Text("type", "json_schema");
      // A name is made up, since the format requires one.
      form.Text("name", format.name().empty() ? std::string_view("answer")
                                              : format.name());
      WriteOptional("description", format.description(), form);
      GATEWAY_RETURN_IF_ERROR(
          form.Json("schema", format.schema(), "response_format.schema"));
      if (format.has_strict()) form.Bool("strict", format.strict());
    } else {
      form.Text("type", format.kind() == Format::KIND_JSON_OBJECT
                            ? "json_object"
                            : "text");
    }
    form.End();
  }
  WriteOptional("verbosity", request.verbosity(), text);
  GATEWAY_RETURN_IF_ERROR(text.Extensions(request.extensions(), "", "text"));
  text.End();
  return absl::OkStatus();
}

}  // namespace gateway::responses
