#include "providers/dialects/openai_responses/item_reader.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "providers/dialects/openai_responses/content.h"
#include "providers/dialects/openai_responses/vendor_names.h"

namespace gateway::responses {
namespace {

void SetOpaque(std::string_view json, v1::Part* part) {
  part->Clear();
  part->mutable_opaque()->set_dialect(std::string(kDialect));
  part->mutable_opaque()->set_json(std::string(json));
}

// Reads an id; one that we made up is not kept as the vendor's.
absl::Status ReadId(ObjectFields& fields, std::string_view name,
                    ExtensionList* extensions) {
  std::string id;
  GATEWAY_RETURN_IF_ERROR(fields.Text("id", &id));
  if (!id.empty() && !IsMadeItemId(id)) AddTextExtension(extensions, name, id);
  return absl::OkStatus();
}

// Reads a status; `completed` is not kept.
absl::Status ReadStatus(ObjectFields& fields, std::string_view name,
                        ExtensionList* extensions) {
  std::string status;
  GATEWAY_RETURN_IF_ERROR(fields.Text("status", &status));
  if (!status.empty() && status != "completed") {
    AddTextExtension(extensions, name, status);
  }
  return absl::OkStatus();
}

absl::Status ReadContentField(ObjectFields& fields, std::string_view key,
                              PartList* parts) {
  const ObjectFields::Either content = fields.TextOrJson(key);
  if (content.text.has_value()) {
    parts->Add()->set_text(std::string(*content.text));
    return absl::OkStatus();
  }
  if (!content.json.has_value()) return fields.Fault(key, "required");
  return ReadNested(*content.json, fields.PathOf(key),
                    [&](JsonValue& list) { return ReadContent(list, parts); });
}

// Returns whether a part is of an unknown type: the whole item is kept then,
// since it may be of any nature.
bool HasStrangePart(const PartList& parts) {
  for (const v1::Part& part : parts) {
    if (part.has_opaque() &&
        OpaqueKindOf(part.opaque()) != OpaqueKind::kContent) {
      return true;
    }
  }
  return false;
}

// Reads the texts of a list of summaries or of raw reasoning.
absl::Status ReadTexts(const std::string& json, std::string_view path,
                       std::string* joined, int* count) {
  const auto read = [&](JsonValue& element) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                             ObjectFields::Read(kFormat, element));
    std::string text;
    GATEWAY_RETURN_IF_ERROR(fields.Text("text", &text));
    if ((*count)++ > 0) joined->append(kSummarySeparator);
    joined->append(text);
    return absl::OkStatus();
  };
  return ReadNested(json, path,
                    [&](JsonValue& list) { return list.EachElement(read); });
}

// Reads a message of the model, with what belongs to its item.
absl::Status ReadModelMessage(ObjectFields& fields, PartList* parts) {
  const int begin = parts->size();
  GATEWAY_RETURN_IF_ERROR(ReadContentField(fields, "content", parts));
  ExtensionList extensions;
  GATEWAY_RETURN_IF_ERROR(ReadMessageFields(fields, &extensions));
  // An item without content becomes an empty text.
  if (parts->size() == begin) parts->Add()->mutable_text();
  parts->Mutable(begin)->mutable_extensions()->MergeFrom(extensions);
  return absl::OkStatus();
}

// Returns the assistant's message to add to: the last one, unless nothing would
// tell its parts from those before.
v1::Message* AssistantMessage(MessageList* messages) {
  if (!messages->empty() && messages->rbegin()->role() == v1::ROLE_ASSISTANT) {
    return &*messages->rbegin();
  }
  v1::Message* message = messages->Add();
  message->set_role(v1::ROLE_ASSISTANT);
  return message;
}

bool EndsInText(const v1::Message& message) {
  return !message.parts().empty() && (message.parts().rbegin()->has_text() ||
                                      message.parts().rbegin()->has_refusal());
}

absl::Status AddModelMessage(ObjectFields& fields, std::string_view whole,
                             MessageList* messages) {
  PartList parts;
  GATEWAY_RETURN_IF_ERROR(ReadModelMessage(fields, &parts));
  if (HasStrangePart(parts)) {
    parts.Clear();
    SetOpaque(whole, parts.Add());
  }
  v1::Message* message = AssistantMessage(messages);
  const bool tellable = HasNestedExtension(parts[0].extensions(), kItem);
  if (EndsInText(*message) && !tellable) {
    message = messages->Add();
    message->set_role(v1::ROLE_ASSISTANT);
  }
  message->mutable_parts()->MergeFrom(parts);
  return absl::OkStatus();
}

absl::Status AddMessage(ObjectFields& fields, std::string_view whole,
                        MessageList* messages) {
  std::string type;
  std::string role;
  GATEWAY_RETURN_IF_ERROR(fields.Text("type", &type));
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("role", &role));
  if (role == "assistant") return AddModelMessage(fields, whole, messages);
  v1::Message message;
  if (role == "user") {
    message.set_role(v1::ROLE_USER);
  } else if (role == "system") {
    message.set_role(v1::ROLE_SYSTEM);
    // Marked: without it, the first message would be written as `instructions`.
    if (messages->empty()) {
      AddTextExtension(message.mutable_extensions(), "type", "message");
    }
  } else if (role == "developer") {
    message.set_role(v1::ROLE_DEVELOPER);
  } else {
    return fields.Fault("role", "must be user, assistant, system or developer");
  }
  GATEWAY_RETURN_IF_ERROR(
      ReadContentField(fields, "content", message.mutable_parts()));
  ExtensionList* extensions = message.mutable_extensions();
  GATEWAY_RETURN_IF_ERROR(ReadId(fields, "id", extensions));
  GATEWAY_RETURN_IF_ERROR(ReadStatus(fields, "status", extensions));
  fields.Rest(extensions);
  if (HasStrangePart(message.parts())) {
    message.clear_parts();
    message.clear_extensions();
    SetOpaque(whole, message.add_parts());
  }
  *messages->Add() = std::move(message);
  return absl::OkStatus();
}

bool IsCustomCall(std::string_view id, const MessageList& messages) {
  for (const v1::Message& message : messages) {
    for (const v1::Part& part : message.parts()) {
      if (part.has_tool_call() && part.tool_call().id() == id) {
        return part.tool_call().kind() == v1::TOOL_KIND_CUSTOM;
      }
    }
  }
  return false;
}

absl::Status AddToolResult(ObjectFields& fields, MessageList* messages) {
  v1::Message message;
  message.set_role(v1::ROLE_TOOL);
  v1::Part* part = message.add_parts();
  v1::ToolResult* result = part->mutable_tool_result();
  std::string type;
  GATEWAY_RETURN_IF_ERROR(fields.Text("type", &type));
  GATEWAY_RETURN_IF_ERROR(
      fields.RequiredText("call_id", result->mutable_tool_call_id()));
  GATEWAY_RETURN_IF_ERROR(fields.Text("name", result->mutable_name()));
  GATEWAY_RETURN_IF_ERROR(
      ReadContentField(fields, "output", result->mutable_parts()));
  // Where the call is known, its kind says as much.
  if (type != "function_call_output" &&
      !IsCustomCall(result->tool_call_id(), *messages)) {
    AddTextExtension(part->mutable_extensions(), "type", type);
  }
  GATEWAY_RETURN_IF_ERROR(ReadId(fields, "id", part->mutable_extensions()));
  GATEWAY_RETURN_IF_ERROR(
      ReadStatus(fields, "status", part->mutable_extensions()));
  fields.Rest(part->mutable_extensions());
  *messages->Add() = std::move(message);
  return absl::OkStatus();
}

// Returns whether an unmodelled item comes from the caller's side.
bool IsOfCaller(std::string_view type) {
  return type.ends_with("_output") || type == "mcp_approval_response" ||
         type == "compaction_trigger";
}

bool IsToolCall(std::string_view type) {
  return type == "function_call" || type == "custom_tool_call";
}

}  // namespace

absl::Status ReadMessageFields(ObjectFields& fields,
                               ExtensionList* extensions) {
  GATEWAY_RETURN_IF_ERROR(ReadId(fields, "item.id", extensions));
  GATEWAY_RETURN_IF_ERROR(ReadStatus(fields, "item.status", extensions));
  fields.Rest(extensions, kItem);
  return absl::OkStatus();
}

absl::Status ReadToolCallItem(ObjectFields& fields, v1::Part* part) {
  v1::ToolCall* call = part->mutable_tool_call();
  std::string type;
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("type", &type));
  const bool custom = type == "custom_tool_call";
  call->set_kind(custom ? v1::TOOL_KIND_CUSTOM : v1::TOOL_KIND_FUNCTION);
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("call_id", call->mutable_id()));
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("name", call->mutable_name()));
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText(custom ? "input" : "arguments",
                                              call->mutable_arguments()));
  ExtensionList* extensions = part->mutable_extensions();
  GATEWAY_RETURN_IF_ERROR(ReadId(fields, "id", extensions));
  GATEWAY_RETURN_IF_ERROR(ReadStatus(fields, "status", extensions));
  fields.Rest(extensions);
  return absl::OkStatus();
}

absl::Status ReadReasoningItem(ObjectFields& fields, v1::Part* part) {
  v1::Reasoning* reasoning = part->mutable_reasoning();
  std::string type;
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("type", &type));
  ItemSignature signature;
  GATEWAY_RETURN_IF_ERROR(fields.Text("id", &signature.id));
  GATEWAY_RETURN_IF_ERROR(
      fields.Text("encrypted_content", &signature.encrypted_content));
  ReadSignature(signature, reasoning);
  const std::string summary = fields.Json("summary");
  const std::string content = fields.Json("content");
  std::string said;
  std::string thought;
  int said_count = 0;
  int thought_count = 0;
  if (!summary.empty()) {
    GATEWAY_RETURN_IF_ERROR(
        ReadTexts(summary, fields.PathOf("summary"), &said, &said_count));
  }
  if (!content.empty()) {
    GATEWAY_RETURN_IF_ERROR(
        ReadTexts(content, fields.PathOf("content"), &thought, &thought_count));
  }
  reasoning->set_text(said_count > 0 ? said : thought);
  ExtensionList* extensions = part->mutable_extensions();
  // One summary is the text itself; several are kept as a list, too.
  const bool said_whole = said_count > 1 || (said_count == 1 && said.empty());
  if (said_whole || thought_count > 0) {
    AddExtension(extensions, "summary", summary.empty() ? "[]" : summary);
  }
  if (thought_count > 0) AddExtension(extensions, "content", content);
  fields.Rest(extensions);
  return absl::OkStatus();
}

absl::Status ReadOutputItem(JsonValue& item, PartList* parts) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::Read(kFormat, item));
  const std::string type(fields.type());
  if (type.empty()) return fields.Fault("type", "required");
  if (IsToolCall(type)) return ReadToolCallItem(fields, parts->Add());
  if (type == "reasoning") return ReadReasoningItem(fields, parts->Add());
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view whole, item.VisitedRaw());
  if (type == "message") {
    std::string text;
    GATEWAY_RETURN_IF_ERROR(fields.Text("type", &text));
    GATEWAY_RETURN_IF_ERROR(fields.Text("role", &text));
    PartList words;
    GATEWAY_RETURN_IF_ERROR(ReadModelMessage(fields, &words));
    if (!HasStrangePart(words)) {
      parts->MergeFrom(words);
      return absl::OkStatus();
    }
  }
  SetOpaque(whole, parts->Add());
  return absl::OkStatus();
}

absl::Status ReadInputItem(JsonValue& item, MessageList* messages) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::Read(kFormat, item));
  const std::string type(fields.type());
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view whole, item.VisitedRaw());
  if (type.empty() || type == "message") {
    return AddMessage(fields, whole, messages);
  }
  if (type == "function_call_output" || type == "custom_tool_call_output") {
    return AddToolResult(fields, messages);
  }
  if (IsToolCall(type)) {
    return ReadToolCallItem(fields, AssistantMessage(messages)->add_parts());
  }
  if (type == "reasoning") {
    return ReadReasoningItem(fields, AssistantMessage(messages)->add_parts());
  }
  v1::Message* message = nullptr;
  if (IsOfCaller(type)) {
    message = messages->Add();
    message->set_role(v1::ROLE_USER);
  } else {
    message = AssistantMessage(messages);
  }
  SetOpaque(whole, message->add_parts());
  return absl::OkStatus();
}

}  // namespace gateway::responses
