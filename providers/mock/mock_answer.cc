#include "providers/mock/mock_answer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/utf8.h"

namespace gateway {
namespace {

// The time of every answer, so that answers compare equal.
constexpr int64_t kCreatedSeconds = 1767225600;

// Writes a value that satisfies a schema's types and required fields, as far
// as types, enums, consts and required properties go.
absl::Status WriteExample(JsonValue& schema, JsonWriter* json);

absl::Status WriteExampleObject(std::string_view properties,
                                JsonWriter* json) {
  json->StartObject();
  if (!properties.empty()) {
    GATEWAY_RETURN_IF_ERROR(ReadJson(properties, [&](JsonValue& fields) {
      return fields.EachField([&](std::string_view name, JsonValue& field) {
        json->Key(name);
        return WriteExample(field, json);
      });
    }));
  }
  json->EndObject();
  return absl::OkStatus();
}

absl::Status WriteExample(JsonValue& schema, JsonWriter* json) {
  std::string type;  // The first one, if there are several.
  std::string properties;
  std::string given;  // A const, or the first value of an enum.
  if (!schema.IsObject()) {
    json->Null();
    return absl::OkStatus();
  }
  GATEWAY_RETURN_IF_ERROR(schema.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "type" && value.IsString()) {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view text,
                                   value.String());
          type = text;
        } else if (key == "type" && value.IsArray()) {
          return value.EachElement([&](JsonValue& element) -> absl::Status {
            GATEWAY_ASSIGN_OR_RETURN(const std::string_view text,
                                     element.String());
            if (type.empty()) type = text;
            return absl::OkStatus();
          });
        } else if (key == "properties") {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
          properties = raw;
        } else if (key == "const") {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
          given = raw;
        } else if (key == "enum" && value.IsArray()) {
          return value.EachElement([&](JsonValue& element) -> absl::Status {
            if (!given.empty()) return absl::OkStatus();
            GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw,
                                     element.Raw());
            given = raw;
            return absl::OkStatus();
          });
        }
        return absl::OkStatus();
      }));
  if (!given.empty()) {
    json->Raw(given);
  } else if (type == "string") {
    json->String("mock");
  } else if (type == "integer" || type == "number") {
    json->Int64(1);
  } else if (type == "boolean") {
    json->Bool(true);
  } else if (type == "array") {
    json->StartArray();
    json->EndArray();
  } else if (type == "null") {
    json->Null();
  } else {
    return WriteExampleObject(properties, json);
  }
  return absl::OkStatus();
}

// Returns an example of what `schema` describes; `{}` if it is empty or
// unreadable.
std::string ExampleOf(std::string_view schema) {
  std::string example;
  JsonWriter json(&example);
  const absl::Status written = ReadJson(
      schema, [&](JsonValue& root) { return WriteExample(root, &json); });
  return written.ok() && !json.too_deep() ? example : "{}";
}

// Returns the tool that must be called; null if none must.
const v1::FunctionTool* RequiredTool(const v1::GenerateRequest& request) {
  const v1::ToolChoice& choice = request.tool_choice();
  const bool required = choice.mode() == v1::ToolChoice::MODE_REQUIRED;
  const bool named = choice.mode() == v1::ToolChoice::MODE_TOOL;
  for (const v1::Tool& tool : request.tools()) {
    if (!tool.has_function()) continue;
    if (required || (named && tool.function().name() == choice.tool_name())) {
      return &tool.function();
    }
  }
  return nullptr;
}

void WriteChoice(const v1::GenerateRequest& request, std::string_view reply,
                 v1::Choice* choice) {
  v1::Message* const message = choice->mutable_message();
  message->set_role(v1::ROLE_ASSISTANT);
  choice->set_finish_reason(v1::FINISH_REASON_STOP);
  choice->set_provider_finish_reason("stop");
  if (const v1::FunctionTool* const tool = RequiredTool(request)) {
    v1::ToolCall* const call = message->add_parts()->mutable_tool_call();
    call->set_id(absl::StrCat("call_mock_", choice->index()));
    call->set_name(tool->name());
    call->set_kind(v1::TOOL_KIND_FUNCTION);
    call->set_arguments(ExampleOf(tool->parameters_schema()));
    choice->set_finish_reason(v1::FINISH_REASON_TOOL_CALLS);
    choice->set_provider_finish_reason("tool_calls");
    return;
  }
  std::string text(reply);
  const v1::ResponseFormat& format = request.response_format();
  if (format.kind() == v1::ResponseFormat::KIND_JSON_SCHEMA) {
    text = ExampleOf(format.schema());
  } else if (format.kind() == v1::ResponseFormat::KIND_JSON_OBJECT) {
    text.clear();
    JsonWriter json(&text);
    json.StartObject();
    json.StringField("reply", reply);
    json.EndObject();
  }
  for (const std::string& stop : request.sampling().stop()) {
    const size_t at = stop.empty() ? std::string::npos : text.find(stop);
    if (at == std::string::npos) continue;
    text.resize(at);
    choice->set_stop_sequence(stop);
  }
  message->add_parts()->set_text(text);
}

void AddDeltas(const v1::Choice& choice, int pieces, EventList* events) {
  const auto add = [&](int part) {
    v1::Delta* const delta = events->emplace_back().mutable_delta();
    delta->set_choice_index(choice.index());
    delta->set_part_index(part);
    return delta;
  };
  for (int i = 0; i < choice.message().parts_size(); ++i) {
    const v1::Part& part = choice.message().parts(i);
    const std::string& text =
        part.has_tool_call() ? part.tool_call().arguments() : part.text();
    if (part.has_tool_call()) {
      v1::ToolCallDelta* const call = add(i)->mutable_tool_call();
      call->set_id(part.tool_call().id());
      call->set_name(part.tool_call().name());
      call->set_kind(part.tool_call().kind());
    }
    size_t at = 0;
    for (int cut = 1; cut <= pieces; ++cut) {
      const size_t end = NextCharacter(text, text.size() * cut / pieces);
      if (end <= at) continue;
      const std::string piece = text.substr(at, end - at);
      if (part.has_tool_call()) {
        add(i)->mutable_tool_call()->set_arguments(piece);
      } else {
        add(i)->set_text(piece);
      }
      at = end;
    }
  }
}

}  // namespace

void WriteMockAnswer(const v1::GenerateRequest& request,
                     std::string_view model, std::string_view reply,
                     v1::GenerateResponse* response) {
  response->set_id("mock-answer-1");
  response->set_model(std::string(model));
  response->mutable_create_time()->set_seconds(kCreatedSeconds);
  const int count = std::max(1, request.sampling().choice_count());
  for (int i = 0; i < count; ++i) {
    v1::Choice* const choice = response->add_choices();
    choice->set_index(i);
    WriteChoice(request, reply, choice);
  }
}

EventList CutMockAnswer(const v1::GenerateResponse& answer, int pieces) {
  EventList events;
  v1::StreamStarted* const started = events.emplace_back().mutable_started();
  started->set_id(answer.id());
  started->set_model(answer.model());
  *started->mutable_create_time() = answer.create_time();
  for (const v1::Choice& choice : answer.choices()) {
    AddDeltas(choice, pieces, &events);
    v1::ChoiceEnd* const end = events.emplace_back().mutable_choice_end();
    end->set_choice_index(choice.index());
    end->set_finish_reason(choice.finish_reason());
    end->set_provider_finish_reason(choice.provider_finish_reason());
    end->set_stop_sequence(choice.stop_sequence());
  }
  *events.emplace_back().mutable_usage() = answer.usage();
  return events;
}

}  // namespace gateway
