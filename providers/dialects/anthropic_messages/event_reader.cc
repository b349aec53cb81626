#include "providers/dialects/anthropic_messages/event_reader.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/dialects/anthropic_messages/content_reader.h"
#include "providers/dialects/anthropic_messages/response.h"
#include "providers/dialects/citations.h"
#include "providers/dialects/compact_json.h"
#include "providers/dialects/error_reason.h"

namespace gateway::anthropic {
namespace {

// Returns the value of `type`, for streams without event names.
absl::StatusOr<std::string> TypeOf(std::string_view data) {
  std::string type;
  GATEWAY_RETURN_IF_ERROR(ReadJson(data, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key != "type") return absl::OkStatus();
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
          type = std::string(text);
          return absl::OkStatus();
        });
  }));
  return type;
}

constexpr int32_t kBlockIndexMax = 1 << 20;

}  // namespace

absl::Status MessagesEventReader::Read(std::string_view name,
                                       std::string_view data, Events* events) {
  told_output_ = false;
  std::string type;
  if (name.empty()) {
    absl::StatusOr<std::string> found = TypeOf(data);
    if (!found.ok()) return AsBadResponse(found.status());
    type = *std::move(found);
    name = type;
  }
  if (name == "message_stop") {
    EndMessage(events);
    return absl::OkStatus();
  }
  if (name == "error") return ReadErrorReport(data);
  absl::Status (MessagesEventReader::*read)(JsonValue&, Events*) = nullptr;
  if (name == "content_block_delta") {
    read = &MessagesEventReader::ReadBlockDelta;
  } else if (name == "content_block_start") {
    read = &MessagesEventReader::ReadBlockStart;
  } else if (name == "content_block_stop") {
    if (overlapped_) {
      read = &MessagesEventReader::ReadBlockStop;
    } else {
      EndBlock(events);
    }
  } else if (name == "message_start") {
    read = &MessagesEventReader::ReadMessageStart;
  } else if (name == "message_delta") {
    read = &MessagesEventReader::ReadMessageDelta;
  }
  if (read == nullptr) return absl::OkStatus();
  if (name == "content_block_delta" && ReadPlainText(data, events)) {
    return absl::OkStatus();
  }
  return AsBadResponse(ReadJson(
      data, [&](JsonValue& root) { return (this->*read)(root, events); }));
}

v1::Delta* MessagesEventReader::AddDelta(Events* events) {
  v1::Delta* delta = events->emplace_back().mutable_delta();
  delta->set_part_index(block_.index);
  block_.delivered = true;
  has_content_ = true;
  return delta;
}

void MessagesEventReader::AddUsage(Events* events) {
  usage_ = wire_usage_.ToUsage();
  *events->emplace_back().mutable_usage() = usage_;
}

absl::Status MessagesEventReader::ReadMessageStart(JsonValue& root,
                                                   Events* events) {
  if (std::exchange(started_, true)) {
    return root.Error("a second message has started");
  }
  v1::StreamStarted started;
  std::vector<std::string_view> blocks;  // That the message begins with.
  bool has_message = false;
  const absl::Status read = root.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key != "message") return absl::OkStatus();
        has_message = true;
        return value.EachField([&](std::string_view name, JsonValue& field) {
          return ReadMessageField(name, field, &started, &blocks);
        });
      });
  if (!read.ok()) {
    usage_ = wire_usage_.ToUsage();
    return read;
  }
  if (!has_message) return root.Error("message: required");
  // Only of a message that has ended already it is no placeholder.
  told_output_ = !first_end_.provider_finish_reason().empty();
  started.set_service_tier(std::string(wire_usage_.service_tier()));
  *events->emplace_back().mutable_started() = std::move(started);
  AddUsage(events);
  for (const std::string_view block : blocks) {
    GATEWAY_RETURN_IF_ERROR(ReadFirstBlock(block, first_blocks_++, events));
  }
  return absl::OkStatus();
}

absl::Status MessagesEventReader::ReadMessageField(
    std::string_view key, JsonValue& value, v1::StreamStarted* started,
    std::vector<std::string_view>* blocks) {
  if (key == "usage") {
    return wire_usage_.Read(value, started->mutable_extensions());
  }
  // Skips what is not known yet, and what is always the same.
  if (value.IsNull() || key == "type" || key == "role") return absl::OkStatus();
  if (key == "content") {
    return value.EachElement([&](JsonValue& block) -> absl::Status {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, block.Raw());
      blocks->push_back(json);
      return absl::OkStatus();
    });
  }
  std::string* const text =
      key == "id"              ? started->mutable_id()
      : key == "model"         ? started->mutable_model()
      : key == "stop_reason"   ? first_end_.mutable_provider_finish_reason()
      : key == "stop_sequence" ? first_end_.mutable_stop_sequence()
                               : nullptr;
  if (text != nullptr) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view word, value.String());
    text->assign(word);
    return absl::OkStatus();
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, value.Raw());
  AddExtension(started->mutable_extensions(), key, json);
  return absl::OkStatus();
}

absl::Status MessagesEventReader::ReadFirstBlock(std::string_view json,
                                                 int32_t index,
                                                 Events* events) {
  block_ = Block{.index = index};
  GATEWAY_RETURN_IF_ERROR(ReadBlock(json, "message.content[]", events));
  EndBlock(events);
  return absl::OkStatus();
}

int32_t MessagesEventReader::PartIndexOf(int32_t block_index) {
  // Servers that count blocks from 0 again must not overwrite those that the
  // message began with.
  if (!block_shift_.has_value()) {
    block_shift_ =
        block_index < first_blocks_ ? first_blocks_ - block_index : 0;
  }
  return block_index + *block_shift_;
}

absl::Status MessagesEventReader::ReadBlockStart(JsonValue& root,
                                                 Events* events) {
  // Ends a block that was cut off without an end of its own.
  overlapped_ = overlapped_ || block_.kind != BlockKind::kNone;
  EndBlock(events);
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields event,
                           ObjectFields::Read(kFormat, root));
  std::optional<int32_t> index;
  GATEWAY_RETURN_IF_ERROR(event.Int32("index", &index));
  if (!index.has_value() || *index > kBlockIndexMax) {
    return event.Fault("index", "required, in bounds");
  }
  const ObjectFields::Either json = event.TextOrJson("content_block");
  if (!json.json.has_value()) return event.Fault("content_block", "required");
  block_ = Block{.index = PartIndexOf(*index)};
  return ReadBlock(*json.json, "content_block", events);
}

absl::Status MessagesEventReader::ReadBlock(std::string_view json,
                                            std::string_view path,
                                            Events* events) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::ReadRaw(kFormat, json, path));
  if (fields.type() == "text" || fields.type() == "thinking" ||
      fields.type() == "redacted_thinking" || fields.type() == "tool_use") {
    return StartBlock(fields, events);
  }
  return StartOpaque(json, path);
}

absl::Status MessagesEventReader::StartBlock(ObjectFields& fields,
                                             Events* events) {
  std::string type;
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("type", &type));
  if (type == "text") return StartText(fields, events);
  if (type == "tool_use") return StartToolCall(fields, events);
  return StartReasoning(fields, events);
}

absl::Status MessagesEventReader::StartText(ObjectFields& fields,
                                            Events* events) {
  block_.kind = BlockKind::kText;
  std::string text;
  GATEWAY_RETURN_IF_ERROR(fields.Text("text", &text));
  if (!text.empty()) AddDelta(events)->set_text(std::move(text));
  const ObjectFields::Either citations = fields.TextOrJson("citations");
  if (!citations.json.has_value() || citations.json->front() != '[') {
    return absl::OkStatus();
  }
  return ReadNested(
      *citations.json, "content_block.citations", [&](JsonValue& list) {
        return list.EachElement([&](JsonValue& citation) -> absl::Status {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, citation.Raw());
          return TakeCitation(json, events);
        });
      });
}

absl::Status MessagesEventReader::TakeCitation(std::string_view json,
                                               Events* events) {
  v1::Delta* const delta = AddDelta(events);
  AddExtension(delta->mutable_extensions(), "citation", json);
  return ReadNested(json, "citation", [delta](JsonValue& citation) {
    return ReadMessagesCitation(citation, delta->add_citations());
  });
}

absl::Status MessagesEventReader::StartReasoning(ObjectFields& fields,
                                                 Events* events) {
  block_.kind = BlockKind::kReasoning;
  std::string text;
  std::string signature;
  std::string encrypted;
  GATEWAY_RETURN_IF_ERROR(fields.Text("thinking", &text));
  GATEWAY_RETURN_IF_ERROR(fields.Text("signature", &signature));
  GATEWAY_RETURN_IF_ERROR(fields.Text("data", &encrypted));
  if (!text.empty()) AddDelta(events)->set_reasoning(std::move(text));
  if (!signature.empty()) {
    AddDelta(events)->set_reasoning_signature(std::move(signature));
  }
  if (!encrypted.empty()) {
    AddDelta(events)->set_redacted_reasoning(std::move(encrypted));
  }
  return absl::OkStatus();
}

absl::Status MessagesEventReader::StartToolCall(ObjectFields& fields,
                                                Events* events) {
  block_.kind = BlockKind::kToolCall;
  block_.call_index = calls_++;
  v1::Delta delta;
  v1::ToolCallDelta* call = delta.mutable_tool_call();
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("id", call->mutable_id()));
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("name", call->mutable_name()));
  call->set_kind(v1::TOOL_KIND_FUNCTION);
  call->set_index(block_.call_index);
  block_.whole_input = CompactJson(fields.Json("input"));
  if (block_.whole_input.empty()) block_.whole_input = "{}";
  GATEWAY_RETURN_IF_ERROR(ReadCaller(fields, delta.mutable_extensions()));
  delta.set_part_index(block_.index);
  AddDelta(events)->Swap(&delta);
  return absl::OkStatus();
}

absl::Status MessagesEventReader::StartOpaque(std::string_view json,
                                              std::string_view path) {
  block_.kind = BlockKind::kOpaque;
  block_.opaque_bytes = json.size();
  return ReadNested(json, path, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
          if (block_.fields.size() == kObjectFieldsLimit) {
            return value.Error("too many fields");
          }
          block_.fields.emplace_back(key, raw);
          return absl::OkStatus();
        });
  });
}

bool MessagesEventReader::ReadPlainText(std::string_view data,
                                        Events* events) {
  if (block_.kind != BlockKind::kText || overlapped_) return false;
  int deltas = 0;
  int types = 0;
  int texts = 0;
  bool plain = true;
  const auto read_delta = [&](std::string_view key,
                              JsonValue& value) -> absl::Status {
    plain = plain && value.IsString() && (key == "type" || key == "text");
    if (!plain) return absl::OkStatus();
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
    if (key == "type") {
      ++types;
      plain = text == "text_delta";
    } else {
      ++texts;
      text_.assign(text);
    }
    return absl::OkStatus();
  };
  const absl::Status read = ReadJson(data, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      if (key != "delta") return absl::OkStatus();
      ++deltas;
      return value.EachField(read_delta);
    });
  });
  if (!read.ok() || !plain || deltas != 1 || types != 1 || texts != 1) {
    return false;
  }
  AddDelta(events)->set_text(text_);
  return true;
}

absl::Status MessagesEventReader::ReadBlockDelta(JsonValue& root,
                                                 Events* events) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields event,
                           ObjectFields::Read(kFormat, root));
  const ObjectFields::Either json = event.TextOrJson("delta");
  if (!json.json.has_value()) return event.Fault("delta", "required");
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::ReadRaw(kFormat, *json.json, "delta"));
  if (block_.kind == BlockKind::kNone) {
    return event.Fault("index", "no such block has started");
  }
  if (overlapped_) {
    std::optional<int32_t> index;
    GATEWAY_RETURN_IF_ERROR(event.Int32("index", &index));
    if (!IsOpen(index)) {
      return event.Fault("index", "the block has ended: another has started");
    }
  }
  return ReadDelta(fields, events);
}

bool MessagesEventReader::IsOpen(std::optional<int32_t> index) const {
  return !index.has_value() ||
         int64_t{*index} + block_shift_.value_or(0) == block_.index;
}

absl::Status MessagesEventReader::ReadBlockStop(JsonValue& root,
                                                Events* events) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields event,
                           ObjectFields::Read(kFormat, root));
  std::optional<int32_t> index;
  GATEWAY_RETURN_IF_ERROR(event.Int32("index", &index));
  if (IsOpen(index)) EndBlock(events);
  return absl::OkStatus();
}

absl::Status MessagesEventReader::ReadDelta(ObjectFields& fields,
                                            Events* events) {
  if (block_.kind == BlockKind::kOpaque) return ReadOpaqueDelta(fields);
  const std::string_view type = fields.type();
  if (type == "text_delta") {
    return fields.RequiredText("text", AddDelta(events)->mutable_text());
  }
  if (type == "thinking_delta") {
    return fields.RequiredText("thinking",
                               AddDelta(events)->mutable_reasoning());
  }
  if (type == "signature_delta") {
    return fields.RequiredText("signature",
                               AddDelta(events)->mutable_reasoning_signature());
  }
  if (type == "citations_delta") {
    const std::string citation = fields.Json("citation");
    if (citation.empty()) return fields.Fault("citation", "required");
    return TakeCitation(citation, events);
  }
  if (type == "input_json_delta" && block_.kind == BlockKind::kToolCall) {
    std::string piece;
    GATEWAY_RETURN_IF_ERROR(fields.RequiredText("partial_json", &piece));
    // The first piece is usually empty.
    if (piece.empty()) return absl::OkStatus();
    block_.whole_input.clear();
    v1::ToolCallDelta* call = AddDelta(events)->mutable_tool_call();
    call->set_index(block_.call_index);
    call->set_arguments(std::move(piece));
  }
  return absl::OkStatus();
}

// A delta of input is a piece of JSON text; any other delta holds new values of
// the block's fields.
absl::Status MessagesEventReader::ReadOpaqueDelta(ObjectFields& fields) {
  if (fields.type() == "input_json_delta") {
    std::string piece;
    GATEWAY_RETURN_IF_ERROR(fields.RequiredText("partial_json", &piece));
    block_.opaque_bytes += piece.size();
    block_.partial_input += piece;
  } else {
    std::string type;
    GATEWAY_RETURN_IF_ERROR(fields.Text("type", &type));
    ExtensionList values;
    fields.Rest(&values);
    for (v1::Extension& value : values) {
      block_.opaque_bytes += value.name().size() + value.json().size();
      bool replaced = false;
      for (auto& [key, json] : block_.fields) {
        if (key != value.name()) continue;
        json = std::move(*value.mutable_json());
        replaced = true;
        break;
      }
      if (replaced) continue;
      if (block_.fields.size() == kObjectFieldsLimit) {
        return fields.Fault("type", "the block has too many fields");
      }
      block_.fields.emplace_back(value.name(), value.json());
    }
  }
  if (block_.opaque_bytes > kOpaqueBytesLimit) {
    return fields.Fault("type", "the block is too large");
  }
  return absl::OkStatus();
}

void MessagesEventReader::EndOpaque(Events* events) {
  const bool has_input =
      !block_.partial_input.empty() && CheckJson(block_.partial_input).ok();
  std::string whole;
  JsonWriter json(&whole);
  json.StartObject();
  for (const auto& [key, value] : block_.fields) {
    json.RawField(key,
                  has_input && key == "input" ? block_.partial_input : value);
  }
  json.EndObject();
  v1::OpaquePart* opaque = AddDelta(events)->mutable_opaque();
  opaque->set_dialect(std::string(kDialect));
  opaque->set_json(std::move(whole));
}

void MessagesEventReader::EndBlock(Events* events) {
  switch (block_.kind) {
    case BlockKind::kNone:
      return;
    case BlockKind::kText:
      if (!block_.delivered) AddDelta(events)->mutable_text();
      break;
    case BlockKind::kReasoning:
      if (!block_.delivered) AddDelta(events)->mutable_reasoning();
      break;
    case BlockKind::kToolCall:
      if (!block_.whole_input.empty()) {
        v1::ToolCallDelta* call = AddDelta(events)->mutable_tool_call();
        call->set_index(block_.call_index);
        call->set_arguments(std::move(block_.whole_input));
      }
      break;
    case BlockKind::kOpaque:
      EndOpaque(events);
      break;
  }
  block_ = Block();
}

absl::Status MessagesEventReader::ReadMessageDelta(JsonValue& root,
                                                   Events* events) {
  v1::ChoiceEnd end;
  absl::Status usage_fault;  // Told once the rest of the event was read.
  GATEWAY_RETURN_IF_ERROR(root.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "usage") {
          usage_fault = wire_usage_.Read(value, end.mutable_extensions());
          told_output_ = wire_usage_.told_output();
          return absl::OkStatus();
        }
        if (key != "delta") return absl::OkStatus();
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, value.Raw());
        return ReadDeltaOfMessage(json, &end);
      }));
  if (end.provider_finish_reason().empty() || ended_) {
    AddUsage(events);
    return usage_fault;
  }
  EndChoice(&end, events);
  return usage_fault;
}

void MessagesEventReader::EndChoice(v1::ChoiceEnd* end, Events* events) {
  ended_ = true;
  // The last block may lack its end. A tool call that was cut off keeps the
  // arguments that came.
  if (block_.kind == BlockKind::kToolCall) block_ = Block();
  EndBlock(events);
  AddUsage(events);
  end->set_finish_reason(FinishReasonOfTurn(end->provider_finish_reason(),
                                            calls_ > 0, has_content_));
  events->emplace_back().mutable_choice_end()->Swap(end);
}

// A message that began with its stop reason need not say it again.
void MessagesEventReader::EndMessage(Events* events) {
  done_ = true;
  if (ended_ || first_end_.provider_finish_reason().empty()) return;
  EndChoice(&first_end_, events);
}

absl::Status MessagesEventReader::ReadDeltaOfMessage(std::string_view json,
                                                     v1::ChoiceEnd* end) {
  return ReadNested(json, "delta", [&](JsonValue& root) {
    return root.EachField([&](std::string_view key,
                              JsonValue& value) -> absl::Status {
      if (value.IsNull()) return absl::OkStatus();
      if (key == "stop_reason" || key == "stop_sequence") {
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
        (key == "stop_reason" ? end->mutable_provider_finish_reason()
                              : end->mutable_stop_sequence())
            ->assign(text);
        return absl::OkStatus();
      }
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
      AddExtension(end->mutable_extensions(), key, raw);
      return absl::OkStatus();
    });
  });
}

}  // namespace gateway::anthropic
