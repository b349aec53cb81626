#include "providers/dialects/openai_chat/message_reader.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "base/text/literal.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/bounded_reading.h"
#include "providers/dialects/compact_json.h"
#include "providers/dialects/object_fields.h"
#include "providers/dialects/openai_chat/assistant_turn.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/part_reader.h"
#include "providers/dialects/openai_chat/part_writer.h"
#include "providers/dialects/openai_chat/vendor_names.h"

namespace gateway::chat {
namespace {

// Reads arguments: a text, kept byte for byte. Some vendors send the object
// itself, which becomes its shortest text.
absl::Status ReadArguments(JsonValue& value, std::string* arguments) {
  if (value.IsNull()) return absl::OkStatus();
  if (!value.IsObject()) return ReadString(value, arguments);
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
  *arguments = CompactJson(raw);
  return absl::OkStatus();
}

// Reads the `function` or `custom` object of a call.
absl::Status ReadCalled(JsonValue& value, std::string_view arguments_key,
                        std::string_view name, v1::Part* part) {
  v1::ToolCall* call = part->mutable_tool_call();
  Leftovers leftovers;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (Is(key, "name")) return ReadString(field, call->mutable_name());
        if (key == arguments_key) {
          return ReadArguments(field, call->mutable_arguments());
        }
        return leftovers.Keep(key, field);
      }));
  leftovers.AddTo(name, part->mutable_extensions());
  return absl::OkStatus();
}

// Reads `extra_content` of a call: what Google has signed it with, and else
// what only its vendor knows.
absl::Status ReadExtraContent(JsonValue& value, v1::Part* part) {
  std::string signature;
  bool alone = value.IsObject();
  if (alone) {
    GATEWAY_RETURN_IF_ERROR(
        value.EachField([&](std::string_view vendor, JsonValue& facts) {
          alone = alone && vendor == "google" && facts.IsObject();
          if (!alone) return absl::OkStatus();
          return facts.EachField(
              [&](std::string_view key, JsonValue& field) -> absl::Status {
                alone = Is(key, "thought_signature") && field.IsString();
                if (!alone) return absl::OkStatus();
                GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw,
                                         field.Raw());
                signature = std::string(raw);
                return absl::OkStatus();
              });
        }));
  }
  if (!alone || signature.empty()) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.VisitedRaw());
    AddExtension(part->mutable_extensions(), "extra_content", raw);
    return absl::OkStatus();
  }
  v1::Extension* const extension = part->add_extensions();
  extension->set_dialect(std::string(kGoogleDialect));
  extension->set_name(std::string(kGoogleSignature));
  extension->set_json(std::move(signature));
  return absl::OkStatus();
}

absl::Status ReadToolCall(JsonValue& value, v1::Part* part) {
  v1::ToolCall* call = part->mutable_tool_call();
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (Is(key, "id")) {
          if (field.IsNull()) return absl::OkStatus();
          return ReadString(field, call->mutable_id());
        }
        // Skipped: `index` belongs to streams, but DeepSeek sends it
        // everywhere.
        if (Is(key, "type") || Is(key, "index")) return absl::OkStatus();
        if (Is(key, "extra_content") && field.IsObject()) {
          return ReadExtraContent(field, part);
        }
        if (Is(key, "function")) {
          call->set_kind(v1::TOOL_KIND_FUNCTION);
          return ReadCalled(field, "arguments", "function", part);
        }
        if (Is(key, "custom")) {
          call->set_kind(v1::TOOL_KIND_CUSTOM);
          return ReadCalled(field, "input", "custom", part);
        }
        return KeepField(key, field, part->mutable_extensions());
      }));
  if (call->kind() == v1::TOOL_KIND_UNSPECIFIED) {
    return value.Error("function or custom must be set");
  }
  return absl::OkStatus();
}

absl::Status ReadAudio(JsonValue& value, v1::Part* part) {
  v1::Audio* audio = part->mutable_audio();
  Leftovers leftovers;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (Is(key, "id")) return ReadString(field, audio->mutable_id());
        if (Is(key, "data")) {
          return ReadBase64String(field, audio->mutable_data());
        }
        if (Is(key, "transcript")) {
          return ReadString(field, audio->mutable_transcript());
        }
        if (Is(key, "expires_at")) {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t seconds, field.Int64());
          audio->set_expires_at_seconds(seconds);
          return absl::OkStatus();
        }
        return leftovers.Keep(key, field);
      }));
  leftovers.AddTo("audio", part->mutable_extensions());
  return absl::OkStatus();
}

// Takes `reasoning_details` apart if they are what our message writer makes of
// signed reasoning. Others must go back unmodified and are kept whole.
absl::Status ReadReasoningDetails(JsonValue& value,
                                  std::vector<v1::Part>* parts,
                                  ExtensionList* extensions) {
  std::vector<v1::Part> read;
  bool understood = true;
  GATEWAY_RETURN_IF_ERROR(value.EachElement([&](JsonValue& detail) {
    CountReadMemory(kPartMemoryBytes);
    v1::Reasoning* reasoning = read.emplace_back().mutable_reasoning();
    bool streamed = false;
    const absl::Status taken = detail.EachField(
        [&](std::string_view key, JsonValue& field) -> absl::Status {
          // Says which piece of a stream belongs to which thought.
          if (Is(key, "index")) {
            streamed = true;
            return absl::OkStatus();
          }
          if (!field.IsString()) {
            understood = false;
            return absl::OkStatus();
          }
          if (Is(key, "text"))
            return ReadString(field, reasoning->mutable_text());
          if (Is(key, "signature")) {
            return ReadString(field, reasoning->mutable_signature());
          }
          if (Is(key, "data")) {
            return ReadString(field, reasoning->mutable_redacted_data());
          }
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, field.String());
          understood =
              understood && Is(key, "type") &&
              (text == "reasoning.text" || text == "reasoning.encrypted");
          return absl::OkStatus();
        });
    // Streamed entries are ours only if they are signed.
    understood = understood && (!streamed || IsSigned(*reasoning));
    return taken;
  }));
  if (understood) {
    *parts = std::move(read);
    return absl::OkStatus();
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.VisitedRaw());
  AddExtension(extensions, "reasoning_details", raw);
  return absl::OkStatus();
}

class MessageReader {
 public:
  MessageReader(LegacyCalls* legacy, v1::Message* message)
      : legacy_(legacy), message_(*message) {}

  absl::Status Read(JsonValue& value) {
    GATEWAY_RETURN_IF_ERROR(
        value.EachField([this](std::string_view key, JsonValue& field) {
          return ReadField(key, field);
        }));
    if (role_.empty() && legacy_ != nullptr) {
      return value.Error("role must be set");
    }
    message_.set_role(role_.empty() ? v1::ROLE_ASSISTANT : ReadRole(role_));
    if (message_.role() == v1::ROLE_UNSPECIFIED) {
      return value.Error("unknown role");
    }
    if (message_.role() == v1::ROLE_TOOL) return FinishToolResult(value);
    if (message_.role() != v1::ROLE_ASSISTANT && !content_.has_value()) {
      return value.Error("content must be set");
    }
    FinishParts();
    return absl::OkStatus();
  }

 private:
  absl::Status ReadField(std::string_view key, JsonValue& value) {
    if (Is(key, "role")) return ReadString(value, &role_);
    if (Is(key, "content")) return ReadContent(value);
    if (Is(key, "name") || Is(key, "tool_call_id") || Is(key, "refusal") ||
        Is(key, "reasoning_content") || Is(key, "reasoning")) {
      return ReadText(key, value);
    }
    if (Is(key, "tool_calls") || Is(key, "function_call") || Is(key, "audio")) {
      if (value.IsNull()) return absl::OkStatus();
      if (Is(key, "audio")) return ReadAudio(value, &audio_.emplace());
      if (Is(key, "function_call")) return ReadFunctionCall(value);
      return value.EachElement([this](JsonValue& call) -> absl::Status {
        if (tool_calls_.size() >= wire::kPartsLimit) {
          return call.Error("too many calls");
        }
        return ReadToolCall(call, &tool_calls_.emplace_back());
      });
    }
    if (Is(key, "images") && value.IsArray()) return ReadImages(value);
    if (Is(key, "reasoning_details") && value.IsArray()) {
      return ReadReasoningDetails(value, &reasoning_,
                                  message_.mutable_extensions());
    }
    return KeepField(key, value, message_.mutable_extensions());
  }

  // Reads a field that is a text or null.
  absl::Status ReadText(std::string_view key, JsonValue& value) {
    if (value.IsNull()) return absl::OkStatus();
    if (Is(key, "name")) return ReadString(value, message_.mutable_name());
    if (Is(key, "tool_call_id")) return ReadString(value, &tool_call_id_);
    if (Is(key, "refusal")) return ReadString(value, &refusal_.emplace());
    // Two vendors' names of one field; a message has one of them.
    return ReadString(value, &reasoning_text_);
  }

  absl::Status ReadContent(JsonValue& value) {
    content_.reset();
    text_.reset();
    if (value.IsNull()) return absl::OkStatus();
    content_.emplace();
    if (value.IsArray()) {
      return value.EachElement([this](JsonValue& part) -> absl::Status {
        if (content_->size() >= wire::kPartsLimit) {
          return part.Error("too many parts");
        }
        return ReadPart(part, &content_->emplace_back());
      });
    }
    if (!value.IsString()) return value.Error("expected a string or an array");
    return ReadString(value, &text_.emplace());
  }

  // Reads the pictures that OpenRouter's models draw. If an entry is no
  // picture, all are kept whole.
  absl::Status ReadImages(JsonValue& value) {
    bool are_pictures = true;
    GATEWAY_RETURN_IF_ERROR(value.EachElement([&](JsonValue& part) {
      absl::Status read = ReadPart(part, &images_.emplace_back());
      are_pictures = are_pictures && images_.back().has_image();
      return read;
    }));
    if (are_pictures) return absl::OkStatus();
    images_.clear();
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.VisitedRaw());
    AddExtension(message_.mutable_extensions(), "images", raw);
    return absl::OkStatus();
  }

  absl::Status ReadFunctionCall(JsonValue& value) {
    v1::Part& part = tool_calls_.emplace_back();
    part.mutable_tool_call()->set_kind(v1::TOOL_KIND_FUNCTION);
    const int count = legacy_ == nullptr ? 1 : ++legacy_->count;
    part.mutable_tool_call()->set_id(absl::StrCat("call_legacy_", count));
    if (legacy_ != nullptr) legacy_->open_id = part.tool_call().id();
    return ReadCalled(value, "arguments", "function", &part);
  }

  absl::Status FinishToolResult(JsonValue& value) {
    if (role_ == "function" && legacy_ != nullptr && tool_call_id_.empty()) {
      tool_call_id_ = std::exchange(legacy_->open_id, std::string());
    }
    if (tool_call_id_.empty()) return value.Error("tool_call_id must be set");
    v1::ToolResult* result = message_.add_parts()->mutable_tool_result();
    result->set_tool_call_id(std::move(tool_call_id_));
    result->set_name(std::move(*message_.mutable_name()));
    message_.clear_name();
    if (!content_.has_value()) return absl::OkStatus();
    AddContent(result->mutable_parts());
    return absl::OkStatus();
  }

  // Moves a content that is one text. A part would be copied with its text,
  // since the message is on an arena and the part is not.
  void AddContent(google::protobuf::RepeatedPtrField<v1::Part>* parts) {
    if (text_.has_value()) parts->Add()->set_text(*std::move(text_));
    for (v1::Part& part : *content_) *parts->Add() = std::move(part);
  }

  // A client that put the pieces of a stream together may have the text of a
  // signed thought beside its signature only.
  void TakeTextOfSignature() {
    v1::Reasoning* signed_reasoning = nullptr;
    for (v1::Part& part : reasoning_) {
      v1::Reasoning* const each = part.mutable_reasoning();
      if (each->signature().empty()) continue;
      if (signed_reasoning != nullptr || !each->text().empty()) return;
      signed_reasoning = each;
    }
    if (signed_reasoning != nullptr)
      signed_reasoning->set_text(std::move(reasoning_text_));
  }

  void FinishParts() {
    if (reasoning_.empty() && !reasoning_text_.empty()) {
      message_.add_parts()->mutable_reasoning()->set_text(
          std::move(reasoning_text_));
    }
    TakeTextOfSignature();
    for (v1::Part& part : reasoning_) *message_.add_parts() = std::move(part);
    if (content_.has_value()) AddContent(message_.mutable_parts());
    for (v1::Part& part : images_) *message_.add_parts() = std::move(part);
    if (refusal_.has_value()) {
      message_.add_parts()->set_refusal(*std::move(refusal_));
    }
    if (audio_.has_value()) *message_.add_parts() = *std::move(audio_);
    for (v1::Part& part : tool_calls_) *message_.add_parts() = std::move(part);
  }

  LegacyCalls* legacy_;
  v1::Message& message_;

  std::string role_;
  std::string tool_call_id_;
  std::string reasoning_text_;
  std::optional<std::string> refusal_;
  std::optional<std::vector<v1::Part>> content_;
  std::optional<std::string> text_;  // Of a content that is one.
  std::optional<v1::Part> audio_;
  std::vector<v1::Part> reasoning_;
  std::vector<v1::Part> images_;
  std::vector<v1::Part> tool_calls_;
};

}  // namespace

absl::Status ReadMessage(JsonValue& value, LegacyCalls* legacy,
                         v1::Message* message) {
  return MessageReader(legacy, message).Read(value);
}

}  // namespace gateway::chat
