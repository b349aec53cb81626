#include "providers/dialects/anthropic_messages/request_reader.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/json_token.h"
#include "errors/fault.h"
#include "providers/dialects/anthropic_messages/content_reader.h"
#include "providers/dialects/anthropic_messages/fields.h"
#include "providers/dialects/anthropic_messages/vendor_names.h"
#include "providers/dialects/object_fields.h"

namespace gateway::anthropic {
namespace {

// The most top-level fields; a request has about twenty.
constexpr size_t kTopLevelFieldsLimit = 256;

// Reads one body into one request.
class RequestReader {
 public:
  RequestReader(v1::GenerateRequest* request, bool* stream)
      : request_(*request), stream_(*stream) {}

  absl::Status Read(std::string_view body, bool needs_limit);

 private:
  absl::Status ReadField(std::string_view key, JsonValue& value);
  absl::Status ReadScalar(std::string_view key, JsonValue& value, bool* known);
  absl::Status ReadObject(std::string_view key, JsonValue& value, bool* known);
  absl::Status ReadSystem(JsonValue& value);
  absl::Status ReadMessages(JsonValue& value);
  absl::Status ReadMessage(JsonValue& value);
  absl::Status AddMessage(std::string_view role, std::string_view path,
                          PartList parts, ExtensionList extensions);
  absl::Status ReadStopSequences(JsonValue& value);
  absl::Status ReadTools(JsonValue& value);
  absl::Status ReadTool(JsonValue& value);
  absl::Status ReadToolChoice(std::string_view json, std::string_view path);
  absl::Status ReadThinking(std::string_view json, std::string_view path);
  absl::Status ReadOutputConfig(std::string_view json, std::string_view path);
  absl::Status ReadMetadata(std::string_view json, std::string_view path);

  void Keep(std::string_view name, std::string_view json) {
    AddExtension(request_.mutable_extensions(), name, json);
  }

  v1::GenerateRequest& request_;
  bool& stream_;
  std::optional<v1::Message> system_;
  int parts_ = 0;
  absl::flat_hash_set<std::string> seen_;
};

absl::Status RequestReader::Read(std::string_view body, bool needs_limit) {
  GATEWAY_RETURN_IF_ERROR(AsFieldFault(ReadJson(body, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      return ReadField(key, value);
    });
  })));
  if (!seen_.contains("messages")) return InvalidField("messages", "required");
  if (request_.messages().empty()) {
    return InvalidField("messages", "must have at least one entry");
  }
  if (needs_limit && !request_.has_max_output_tokens()) {
    return InvalidField("max_tokens", "required");
  }
  if (system_.has_value() && !system_->parts().empty()) {
    // The system prompt comes first, wherever it was written.
    *request_.add_messages() = *std::move(system_);
    for (int i = request_.messages_size() - 1; i > 0; --i) {
      request_.mutable_messages()->SwapElements(i, i - 1);
    }
  }
  return absl::OkStatus();
}

absl::Status RequestReader::ReadField(std::string_view key, JsonValue& value) {
  if (!seen_.insert(std::string(key)).second) {
    return value.Error("repeated key");
  }
  if (seen_.size() > kTopLevelFieldsLimit) {
    return value.Error("too many fields");
  }
  bool known = true;
  GATEWAY_RETURN_IF_ERROR(ReadScalar(key, value, &known));
  if (known) return absl::OkStatus();
  known = true;
  GATEWAY_RETURN_IF_ERROR(ReadObject(key, value, &known));
  if (known) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, value.Raw());
  Keep(key, json);
  return absl::OkStatus();
}

absl::Status RequestReader::ReadScalar(std::string_view key, JsonValue& value,
                                       bool* known) {
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  if (key == "model") {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view model, value.String());
    request_.set_model(std::string(model));
  } else if (key == "max_tokens") {
    GATEWAY_ASSIGN_OR_RETURN(const int32_t limit, value.Int32(0, kMax));
    request_.set_max_output_tokens(limit);
  } else if (key == "temperature") {
    if (value.IsNull()) return absl::OkStatus();
    GATEWAY_ASSIGN_OR_RETURN(const double number, value.Double());
    request_.mutable_sampling()->set_temperature(number);
  } else if (key == "top_p") {
    if (value.IsNull()) return absl::OkStatus();
    GATEWAY_ASSIGN_OR_RETURN(const double number, value.Double());
    request_.mutable_sampling()->set_top_p(number);
  } else if (key == "top_k") {
    if (value.IsNull()) return absl::OkStatus();
    GATEWAY_ASSIGN_OR_RETURN(const int32_t number, value.Int32(0, kMax));
    request_.mutable_sampling()->set_top_k(number);
  } else if (key == "stream") {
    if (value.IsNull()) return absl::OkStatus();
    GATEWAY_ASSIGN_OR_RETURN(stream_, value.Bool());
  } else if (key == kAgentTypeField) {
    return wire::ReadText(value,
                          request_.mutable_scope()->mutable_agent_type());
  } else if (key == kProjectIdField) {
    return wire::ReadText(value,
                          request_.mutable_scope()->mutable_project_id());
  } else if (key == "service_tier") {
    if (value.IsNull()) return absl::OkStatus();
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view tier, value.String());
    // Written in OpenAI's names, as in all dialects.
    request_.set_service_tier(std::string(tier));
    if (tier == "standard_only") request_.set_service_tier("default");
  } else {
    *known = false;
  }
  return absl::OkStatus();
}

absl::Status RequestReader::ReadObject(std::string_view key, JsonValue& value,
                                       bool* known) {
  if (key == "messages") return ReadMessages(value);
  const bool is_list =
      key == "system" || key == "tools" || key == "stop_sequences";
  const bool is_object = key == "tool_choice" || key == "thinking" ||
                         key == "output_config" || key == "metadata" ||
                         key == "cache_control";
  *known = is_list || is_object;
  if (!*known || value.IsNull()) return absl::OkStatus();
  if (key == "system") return ReadSystem(value);
  if (key == "tools") return ReadTools(value);
  if (key == "stop_sequences") return ReadStopSequences(value);
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, value.Raw());
  if (key == "tool_choice") return ReadToolChoice(json, key);
  if (key == "thinking") return ReadThinking(json, key);
  if (key == "output_config") return ReadOutputConfig(json, key);
  if (key == "metadata") return ReadMetadata(json, key);
  std::optional<v1::CacheHint> hint;
  GATEWAY_RETURN_IF_ERROR(
      ReadCacheControlJson(json, key, &hint, request_.mutable_extensions()));
  if (hint.has_value()) *request_.mutable_cache_hint() = *hint;
  return absl::OkStatus();
}

absl::Status RequestReader::ReadSystem(JsonValue& value) {
  system_.emplace();
  system_->set_role(v1::ROLE_SYSTEM);
  return ReadContent(value, system_->mutable_parts());
}

absl::Status RequestReader::ReadMessages(JsonValue& value) {
  return value.EachElement([&](JsonValue& message) -> absl::Status {
    if (request_.messages_size() >= kMessagesLimit) {
      return message.Error("too many messages");
    }
    return ReadMessage(message);
  });
}

absl::Status RequestReader::ReadMessage(JsonValue& value) {
  std::string role;
  PartList parts;
  ExtensionList extensions;
  bool has_role = false;
  bool has_content = false;
  const std::string path = value.Path();
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "role") {
          if (std::exchange(has_role, true)) return field.Error("repeated key");
          GATEWAY_ASSIGN_OR_RETURN(role, field.String());
          return absl::OkStatus();
        }
        if (key == "content") {
          if (std::exchange(has_content, true)) {
            return field.Error("repeated key");
          }
          return ReadContent(field, &parts);
        }
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, field.Raw());
        AddExtension(&extensions, key, json);
        return absl::OkStatus();
      }));
  if (!has_role) return InvalidField(absl::StrCat(path, ".role"), "required");
  if (!has_content) {
    return InvalidField(absl::StrCat(path, ".content"), "required");
  }
  parts_ += parts.size();
  if (parts_ > wire::kPartsLimit) return value.Error("too many parts");
  return AddMessage(role, path, std::move(parts), std::move(extensions));
}

absl::Status RequestReader::AddMessage(std::string_view role,
                                       std::string_view path, PartList parts,
                                       ExtensionList extensions) {
  v1::Message rest;
  if (role == "user") {
    rest.set_role(v1::ROLE_USER);
    bool has_results = false;
    for (v1::Part& part : parts) {
      if (!part.has_tool_result()) {
        *rest.add_parts() = std::move(part);
        continue;
      }
      v1::Message* result = request_.add_messages();
      result->set_role(v1::ROLE_TOOL);
      *result->add_parts() = std::move(part);
      if (!has_results) result->mutable_extensions()->Swap(&extensions);
      has_results = true;
    }
    if (has_results && rest.parts().empty()) return absl::OkStatus();
  } else if (role == "assistant") {
    rest.set_role(v1::ROLE_ASSISTANT);
    rest.mutable_parts()->Swap(&parts);
  } else if (role == "system") {
    // It stands between turns; it is written back there, and not into the
    // leading prompt.
    rest.set_role(v1::ROLE_SYSTEM);
    rest.mutable_parts()->Swap(&parts);
    AddExtension(&extensions, "role", Quoted(role));
  } else {
    return InvalidField(absl::StrCat(ToAbsl(path), ".role"),
                        "must be user, assistant or system");
  }
  rest.mutable_extensions()->Swap(&extensions);
  *request_.add_messages() = std::move(rest);
  return absl::OkStatus();
}

absl::Status RequestReader::ReadStopSequences(JsonValue& value) {
  return value.EachElement([&](JsonValue& text) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view stop, text.String());
    request_.mutable_sampling()->add_stop(std::string(stop));
    return absl::OkStatus();
  });
}

absl::Status RequestReader::ReadTools(JsonValue& value) {
  return value.EachElement([&](JsonValue& tool) { return ReadTool(tool); });
}

absl::Status RequestReader::ReadTool(JsonValue& value) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::Read(kFormat, value));
  v1::Tool* tool = request_.add_tools();
  if (!fields.type().empty() && fields.type() != "custom") {
    tool->mutable_provider()->set_dialect(std::string(kDialect));
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view whole, value.VisitedRaw());
    tool->mutable_provider()->set_json(std::string(whole));
    return absl::OkStatus();
  }
  std::string type;
  GATEWAY_RETURN_IF_ERROR(fields.Text("type", &type));
  v1::FunctionTool* function = tool->mutable_function();
  GATEWAY_RETURN_IF_ERROR(
      fields.RequiredText("name", function->mutable_name()));
  GATEWAY_RETURN_IF_ERROR(
      fields.Text("description", function->mutable_description()));
  function->set_parameters_schema(fields.Json("input_schema"));
  if (function->parameters_schema().empty()) {
    return fields.Fault("input_schema", "required");
  }
  if (HasLoneSurrogate(function->parameters_schema())) {
    return fields.Fault("input_schema", kLoneSurrogate);
  }
  std::optional<bool> strict;
  GATEWAY_RETURN_IF_ERROR(fields.Bool("strict", &strict));
  if (strict.has_value()) function->set_strict(*strict);
  GATEWAY_RETURN_IF_ERROR(ReadCacheControl(fields, tool));
  fields.Rest(tool->mutable_extensions());
  return absl::OkStatus();
}

absl::Status RequestReader::ReadToolChoice(std::string_view json,
                                           std::string_view path) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::ReadRaw(kFormat, json, path));
  std::string type;
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("type", &type));
  v1::ToolChoice choice;
  if (type == "auto") {
    choice.set_mode(v1::ToolChoice::MODE_AUTO);
  } else if (type == "any") {
    choice.set_mode(v1::ToolChoice::MODE_REQUIRED);
  } else if (type == "none") {
    choice.set_mode(v1::ToolChoice::MODE_NONE);
  } else if (type == "tool") {
    choice.set_mode(v1::ToolChoice::MODE_TOOL);
    GATEWAY_RETURN_IF_ERROR(
        fields.RequiredText("name", choice.mutable_tool_name()));
  } else {
    Keep("tool_choice", json);
    return absl::OkStatus();
  }
  std::optional<bool> one_at_a_time;
  GATEWAY_RETURN_IF_ERROR(
      fields.Bool("disable_parallel_tool_use", &one_at_a_time));
  if (one_at_a_time.has_value()) {
    request_.set_parallel_tool_calls(!*one_at_a_time);
  }
  fields.Rest(request_.mutable_extensions(), "tool_choice");
  *request_.mutable_tool_choice() = std::move(choice);
  return absl::OkStatus();
}

absl::Status RequestReader::ReadThinking(std::string_view json,
                                         std::string_view path) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::ReadRaw(kFormat, json, path));
  std::string type;
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("type", &type));
  v1::ReasoningSettings::Mode mode;
  if (type == "enabled") {
    mode = v1::ReasoningSettings::MODE_ENABLED;
  } else if (type == "adaptive") {
    mode = v1::ReasoningSettings::MODE_ADAPTIVE;
  } else if (type == "disabled") {
    mode = v1::ReasoningSettings::MODE_DISABLED;
  } else {
    Keep("thinking", json);
    return absl::OkStatus();
  }
  v1::ReasoningSettings* settings = request_.mutable_reasoning();
  settings->set_mode(mode);
  std::optional<int32_t> budget;
  GATEWAY_RETURN_IF_ERROR(fields.Int32("budget_tokens", &budget));
  if (budget.has_value()) settings->set_budget_tokens(*budget);
  GATEWAY_RETURN_IF_ERROR(fields.Text("display", settings->mutable_display()));
  fields.Rest(request_.mutable_extensions(), "thinking");
  return absl::OkStatus();
}

absl::Status RequestReader::ReadOutputConfig(std::string_view json,
                                             std::string_view path) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::ReadRaw(kFormat, json, path));
  std::string word;
  GATEWAY_RETURN_IF_ERROR(fields.Text("effort", &word));
  const v1::ReasoningSettings::Effort effort = EffortOfWord(word);
  if (effort != v1::ReasoningSettings::EFFORT_UNSPECIFIED) {
    request_.mutable_reasoning()->set_effort(effort);
  } else if (!word.empty()) {
    Keep("output_config.effort", Quoted(word));
  }
  const ObjectFields::Either format = fields.TextOrJson("format");
  if (format.json.has_value()) {
    GATEWAY_ASSIGN_OR_RETURN(
        ObjectFields inner,
        ObjectFields::ReadRaw(kFormat, *format.json, fields.PathOf("format")));
    std::string type;
    GATEWAY_RETURN_IF_ERROR(inner.RequiredText("type", &type));
    const std::string schema = inner.Json("schema");
    if (type == "json_schema" && !schema.empty() && inner.AllTaken()) {
      v1::ResponseFormat* form = request_.mutable_response_format();
      form->set_kind(v1::ResponseFormat::KIND_JSON_SCHEMA);
      form->set_schema(schema);
    } else {
      Keep("output_config.format", *format.json);
    }
  }
  fields.Rest(request_.mutable_extensions(), "output_config");
  return absl::OkStatus();
}

absl::Status RequestReader::ReadMetadata(std::string_view json,
                                         std::string_view path) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::ReadRaw(kFormat, json, path));
  std::string user_id;
  GATEWAY_RETURN_IF_ERROR(fields.Text("user_id", &user_id));
  if (!user_id.empty()) {
    request_.mutable_scope()->set_user_id(std::move(user_id));
  }
  fields.Rest(request_.mutable_extensions(), "metadata");
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadRequest(std::string_view body, v1::GenerateRequest* request,
                         bool* stream) {
  request->Clear();
  *stream = false;
  return RequestReader(request, stream).Read(body, /*needs_limit=*/true);
}

absl::Status ReadCountTokensRequest(std::string_view body,
                                    v1::GenerateRequest* request) {
  request->Clear();
  bool stream = false;
  return RequestReader(request, &stream).Read(body, /*needs_limit=*/false);
}

}  // namespace gateway::anthropic
