#include "providers/dialects/openai_responses/item_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/dialects/data_url.h"
#include "providers/dialects/openai_responses/vendor_names.h"
#include "providers/dialects/part_signatures.h"

namespace gateway::responses {
namespace {

std::string_view RoleWord(v1::Role role) {
  switch (role) {
    case v1::ROLE_SYSTEM:
      return "system";
    case v1::ROLE_DEVELOPER:
      return "developer";
    case v1::ROLE_ASSISTANT:
      return "assistant";
    default:
      return "user";
  }
}

bool IsText(const v1::Part& part) {
  switch (part.kind_case()) {
    case v1::Part::kToolCall:
    case v1::Part::kToolResult:
    case v1::Part::kReasoning:
    case v1::Part::KIND_NOT_SET:
      return false;
    case v1::Part::kOpaque:
      return part.opaque().dialect() != kDialect ||
             OpaqueKindOf(part.opaque()) == OpaqueKind::kContent;
    default:
      return true;
  }
}

bool IsPlain(const v1::Part* part) {
  return part->has_text() && Without(part->extensions(), {}).empty();
}

std::string ItemExtension(const ExtensionList& extensions,
                          std::string_view field) {
  return TextExtension(extensions, absl::StrCat("item.", ToAbsl(field)));
}

// Returns the extensions of a message item that are not written by name.
ExtensionList RestOfItem(const ExtensionList& extensions) {
  return Without(extensions,
                 {"item.id", "item.status", "item.type", "item.role"});
}

}  // namespace

bool IsPicture(const v1::Part& part) {
  return part.has_image() && part.image().has_data();
}

bool BeginsItem(const ExtensionList& extensions) {
  return HasNestedExtension(extensions, kItem);
}

std::string ItemWriter::IdOf(const v1::Part& part, std::string_view response_id,
                             int index) {
  std::string id;
  std::string_view kind = "msg";
  if (part.has_reasoning()) {
    kind = "rs";
    ItemSignature signature;
    if (OwnSignature(part.reasoning(), &signature)) id = signature.id;
    if (id.empty()) id = TextExtension(part.extensions(), "id");
  } else if (part.has_image()) {
    kind = "ig";
  } else if (part.has_tool_call()) {
    kind = part.tool_call().kind() == v1::TOOL_KIND_CUSTOM ? "ctc" : "fc";
    id = TextExtension(part.extensions(), "id");
  } else {
    id = ItemExtension(part.extensions(), "id");
  }
  return id.empty() ? MadeItemId(kind, response_id, index) : id;
}

absl::Status ItemWriter::WriteInput(const MessageList& messages, int begin,
                                    JsonWriter& json) {
  for (const v1::Message& message : messages) {
    for (const v1::Part& part : message.parts()) {
      if (part.has_tool_call() &&
          part.tool_call().kind() == v1::TOOL_KIND_CUSTOM) {
        custom_calls_.insert(part.tool_call().id());
      }
    }
  }
  json.StartArray();
  for (int i = begin; i < messages.size(); ++i) {
    place_ = absl::StrCat("messages[", i, "]");
    GATEWAY_RETURN_IF_ERROR(WriteMessage(messages[i], json));
  }
  json.EndArray();
  return absl::OkStatus();
}

absl::Status ItemWriter::WriteOutput(const v1::Message& message,
                                     const Answer& answer, JsonWriter& json) {
  if (HasSignedParts(message)) {
    return WriteOutput(WithSignaturesAsReasoning(message), answer, json);
  }
  place_ = "message";
  index_ = 0;
  json.StartArray();
  GATEWAY_RETURN_IF_ERROR(WriteTurn(message, &answer, json));
  json.EndArray();
  return absl::OkStatus();
}

absl::Status ItemWriter::WriteMessage(const v1::Message& message,
                                      JsonWriter& json) {
  if (!message.name().empty()) content_.dropped().LeftOut("messages[].name");
  content_.dropped().Foreign("messages[]", message.extensions());
  if (message.role() == v1::ROLE_ASSISTANT) {
    return WriteTurn(message, nullptr, json);
  }
  Parts parts;
  for (const v1::Part& part : message.parts()) {
    if (!IsText(part)) {
      GATEWAY_RETURN_IF_ERROR(WritePart(part, nullptr, json));
    } else if (content_.Carries(part, Speaker::kCaller)) {
      parts.push_back(&part);
    }
  }
  // Nothing is written for a message whose parts were all results or dropped.
  if (parts.empty() && !message.parts().empty()) return absl::OkStatus();
  ObjectWriter object(kFormat, json);
  object.Text("role", RoleWord(message.role()));
  GATEWAY_RETURN_IF_ERROR(content_.WriteShort(parts, Speaker::kCaller, place_,
                                              object.Field("content")));
  GATEWAY_RETURN_IF_ERROR(object.Extensions(
      Without(message.extensions(), {"role", "content"}), place_));
  object.End();
  return absl::OkStatus();
}

// Writes the items of an answer. Texts in a row are one item.
absl::Status ItemWriter::WriteTurn(const v1::Message& message,
                                   const Answer* answer, JsonWriter& json) {
  Answer rest = answer != nullptr ? *answer : Answer();
  // Only the last item can be cut off.
  rest.status = "completed";
  Parts words;
  const auto flush = [&]() -> absl::Status {
    if (words.empty()) return absl::OkStatus();
    const Parts parts = std::exchange(words, {});
    if (answer == nullptr) return WritePastText(parts, json);
    const std::string id = IdOf(*parts.front(), rest.response_id, index_++);
    GATEWAY_RETURN_IF_ERROR(WriteText(parts, id, rest, json));
    rest.logprobs = nullptr;
    return absl::OkStatus();
  };
  for (const v1::Part& part : message.parts()) {
    const bool is_last = &part == &*message.parts().rbegin();
    if (IsText(part) && !(answer != nullptr && IsPicture(part))) {
      if (BeginsItem(part.extensions())) GATEWAY_RETURN_IF_ERROR(flush());
      if (content_.Carries(part, Speaker::kModel)) words.push_back(&part);
      continue;
    }
    GATEWAY_RETURN_IF_ERROR(flush());
    if (is_last && answer != nullptr) rest.status = answer->status;
    GATEWAY_RETURN_IF_ERROR(
        WritePart(part, answer == nullptr ? nullptr : &rest, json));
  }
  if (answer != nullptr) rest.status = answer->status;
  return flush();
}

absl::Status ItemWriter::WritePart(const v1::Part& part, const Answer* answer,
                                   JsonWriter& json) {
  if (part.has_opaque()) return WriteOpaque(part, json);
  if (part.has_tool_result()) return WriteResult(part, json);
  if (part.has_reasoning()) {
    if (answer == nullptr) return WritePastReasoning(part, json);
    const std::string id = IdOf(part, answer->response_id, index_++);
    return WriteReasoning(part, id, ClientSignature(part.reasoning(), id),
                          json);
  }
  if (part.has_image() && answer != nullptr) {
    const std::string id = IdOf(part, answer->response_id, index_++);
    WritePicture(part, id, "completed", json);
    return absl::OkStatus();
  }
  if (!part.has_tool_call()) return absl::OkStatus();
  if (answer == nullptr) {
    const std::string id = TextExtension(part.extensions(), "id");
    return WriteCall(part, id, id.empty() ? "" : "completed", json);
  }
  const std::string id = IdOf(part, answer->response_id, index_++);
  return WriteCall(part, id, answer->status, json);
}

absl::Status ItemWriter::WritePastText(const Parts& parts, JsonWriter& json) {
  const ExtensionList& extensions = parts.front()->extensions();
  const std::string id = ItemExtension(extensions, "id");
  if (!id.empty()) return WriteText(parts, id, Answer(), json);
  // Several texts without an id become an item each, with one string.
  if (parts.size() > 1 && std::all_of(parts.begin(), parts.end(), IsPlain)) {
    for (const v1::Part* part : parts) {
      GATEWAY_RETURN_IF_ERROR(WritePastText({part}, json));
    }
    return absl::OkStatus();
  }
  ObjectWriter object(kFormat, json);
  object.Text("role", "assistant");
  if (BeginsItem(extensions)) {
    const std::string status = ItemExtension(extensions, "status");
    if (!status.empty()) object.Text("status", status);
    GATEWAY_RETURN_IF_ERROR(
        object.Extensions(RestOfItem(extensions), place_, kItem));
    GATEWAY_RETURN_IF_ERROR(content_.WriteList(parts, Speaker::kModel,
                                               /*full=*/false, nullptr, place_,
                                               object.Field("content")));
  } else {
    GATEWAY_RETURN_IF_ERROR(content_.WriteShort(parts, Speaker::kModel, place_,
                                                object.Field("content")));
  }
  object.End();
  return absl::OkStatus();
}

absl::Status ItemWriter::WriteText(const Parts& parts, std::string_view id,
                                   const Answer& answer, JsonWriter& json) {
  const ExtensionList& extensions = parts.front()->extensions();
  const std::string status = ItemExtension(extensions, "status");
  ObjectWriter object(kFormat, json);
  object.Text("id", id);
  object.Text("type", "message");
  const bool own_status = !status.empty() && !answer.no_content;
  object.Text("status", own_status ? status : answer.status);
  object.Text("role", "assistant");
  GATEWAY_RETURN_IF_ERROR(content_.WriteList(
      answer.no_content ? Parts() : parts, Speaker::kModel, /*full=*/true,
      answer.logprobs, place_, object.Field("content")));
  GATEWAY_RETURN_IF_ERROR(
      object.Extensions(RestOfItem(extensions), place_, kItem));
  object.End();
  return absl::OkStatus();
}

absl::Status ItemWriter::WriteCall(const v1::Part& part, std::string_view id,
                                   std::string_view status, JsonWriter& json) {
  content_.ReportDropped(part);
  const v1::ToolCall& call = part.tool_call();
  const bool custom = call.kind() == v1::TOOL_KIND_CUSTOM;
  const std::string own_status = TextExtension(part.extensions(), "status");
  if (!own_status.empty()) status = own_status;
  ObjectWriter object(kFormat, json);
  object.Text("type", custom ? "custom_tool_call" : "function_call");
  if (!id.empty()) object.Text("id", id);
  if (!status.empty()) object.Text("status", status);
  object.Text("call_id", call.id());
  object.Text("name", call.name());
  object.Text(custom ? "input" : "arguments", call.arguments());
  GATEWAY_RETURN_IF_ERROR(object.Extensions(
      Without(part.extensions(), {"id", "status", "type"}), place_));
  object.End();
  return absl::OkStatus();
}

// Writes past reasoning, if the provider has signed it; other reasoning is
// nothing to it.
absl::Status ItemWriter::WritePastReasoning(const v1::Part& part,
                                            JsonWriter& json) {
  ItemSignature signature;
  if (!OwnSignature(part.reasoning(), &signature)) {
    content_.dropped().Changed("messages[].parts[].reasoning",
                               "left out: this provider has not signed it");
    return absl::OkStatus();
  }
  return WriteReasoning(part, signature.id, signature.encrypted_content, json);
}

absl::Status ItemWriter::WriteReasoning(const v1::Part& part,
                                        std::string_view id,
                                        std::string_view signature,
                                        JsonWriter& json) {
  content_.ReportDropped(part);
  const v1::Reasoning& reasoning = part.reasoning();
  const v1::Extension* summary = FindExtension(part.extensions(), "summary");
  ObjectWriter object(kFormat, json);
  if (!id.empty()) object.Text("id", id);
  object.Text("type", "reasoning");
  if (summary != nullptr) {
    GATEWAY_RETURN_IF_ERROR(object.Json("summary", summary->json(), place_));
  } else {
    object.Field("summary").StartArray();
    if (!reasoning.text().empty()) {
      json.StartObject();
      json.StringField("type", "summary_text");
      json.StringField("text", reasoning.text());
      json.EndObject();
    }
    json.EndArray();
  }
  if (!signature.empty()) object.Text("encrypted_content", signature);
  GATEWAY_RETURN_IF_ERROR(object.Extensions(
      Without(part.extensions(), {"id", "type", "summary"}), place_));
  object.End();
  return absl::OkStatus();
}

void ItemWriter::WritePicture(const v1::Part& part, std::string_view id,
                              std::string_view status, JsonWriter& json) {
  ObjectWriter object(kFormat, json);
  object.Text("id", id);
  object.Text("type", kPictureType);
  object.Text("status", status);
  if (status == "in_progress") {
    object.Null("result");
  } else {
    object.Text("result", Base64(part.image().data()));
  }
  object.End();
}

absl::Status ItemWriter::WriteResult(const v1::Part& part, JsonWriter& json) {
  content_.ReportDropped(part);
  const v1::ToolResult& result = part.tool_result();
  if (result.is_error()) {
    content_.dropped().LeftOut("messages[].parts[].tool_result.is_error");
  }
  std::string type = TextExtension(part.extensions(), "type");
  if (type.empty()) {
    type = custom_calls_.contains(result.tool_call_id())
               ? "custom_tool_call_output"
               : "function_call_output";
  }
  Parts parts;
  for (const v1::Part& piece : result.parts()) {
    if (content_.Carries(piece, Speaker::kCaller)) parts.push_back(&piece);
  }
  const std::string id = TextExtension(part.extensions(), "id");
  const std::string status = TextExtension(part.extensions(), "status");
  ObjectWriter object(kFormat, json);
  object.Text("type", type);
  object.Text("call_id", result.tool_call_id());
  if (!result.name().empty()) object.Text("name", result.name());
  if (!id.empty()) object.Text("id", id);
  if (!id.empty() || !status.empty()) {
    object.Text("status",
                status.empty() ? std::string_view("completed") : status);
  }
  if (parts.empty()) {
    object.Text("output", "");
  } else {
    GATEWAY_RETURN_IF_ERROR(content_.WriteShort(parts, Speaker::kCaller, place_,
                                                object.Field("output")));
  }
  GATEWAY_RETURN_IF_ERROR(object.Extensions(
      Without(part.extensions(), {"id", "status", "type"}), place_));
  object.End();
  return absl::OkStatus();
}

// Writes an item as it came; events of a stream are no items.
absl::Status ItemWriter::WriteOpaque(const v1::Part& part, JsonWriter& json) {
  const std::string& raw = part.opaque().json();
  if (absl::Status status = CheckJson(raw); !status.ok()) {
    return InvalidField(absl::StrCat(place_, ".opaque.json"),
                        ToStd(status.message()));
  }
  if (OpaqueKindOf(part.opaque()) == OpaqueKind::kEvent) {
    return absl::OkStatus();
  }
  json.Raw(raw);
  ++index_;
  return absl::OkStatus();
}

}  // namespace gateway::responses
