#include "providers/dialects/openai_responses/event_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "providers/dialects/openai_chat/logprobs.h"
#include "providers/dialects/openai_responses/content.h"
#include "providers/dialects/openai_responses/errors.h"
#include "providers/dialects/openai_responses/item_reader.h"
#include "providers/dialects/openai_responses/part_deltas.h"
#include "providers/dialects/openai_responses/response.h"
#include "providers/dialects/told_usage.h"

namespace gateway::responses {
namespace {

// Returns the rest of a text of which so many bytes were delivered.
std::string_view Rest(std::string_view text, size_t delivered) {
  return text.substr(std::min(delivered, text.size()));
}

// Removes the status, which says nothing of an item that has begun.
void DropStatus(ExtensionList* extensions) {
  ExtensionList rest = Without(*extensions, {"status", "item.status"});
  extensions->Swap(&rest);
}

absl::Status ReadItem(
    std::string_view json,
    absl::FunctionRef<absl::Status(ObjectFields& fields)> visit) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::ReadRaw(kFormat, json, "item"));
  return visit(fields);
}

// Takes a field that must hold an object.
absl::StatusOr<std::string_view> Object(ObjectFields& event,
                                        std::string_view key) {
  const ObjectFields::Either value = event.TextOrJson(key);
  if (!value.json.has_value() || value.json->front() != '{') {
    return event.Fault(key, "expected an object");
  }
  return *value.json;
}

absl::Status Index(ObjectFields& event, std::string_view key, int32_t* index) {
  std::optional<int32_t> number;
  GATEWAY_RETURN_IF_ERROR(event.Int32(key, &number));
  if (!number.has_value() || *number > ResponsesEventReader::kIndexMax) {
    return event.Fault(key, "required, in bounds");
  }
  *index = *number;
  return absl::OkStatus();
}

}  // namespace

const absl::flat_hash_map<std::string_view, ResponsesEventReader::EventMethod>&
ResponsesEventReader::Methods() {
  static const auto* const kMethods =
      new absl::flat_hash_map<std::string_view, EventMethod>{
          {"response.created", &Self::OnResponse},
          {"response.queued", &Self::OnResponse},
          {"response.in_progress", &Self::OnResponse},
          {"response.completed", &Self::OnTerminal},
          {"response.incomplete", &Self::OnTerminal},
          {"response.failed", &Self::OnTerminal},
          {"response.output_item.added", &Self::OnItemAdded},
          {"response.output_item.done", &Self::OnItemDone},
          {"response.content_part.added", &Self::OnPartAdded},
          {"response.content_part.done", &Self::OnPartDone},
          {"response.output_text.delta", &Self::OnTextDelta},
          {"response.output_text.done", &Self::OnTextDone},
          // Annotations come again with the part.
          {"response.output_text.annotation.added", &Self::OnNothing},
          {"response.refusal.delta", &Self::OnTextDelta},
          {"response.refusal.done", &Self::OnTextDone},
          {"response.function_call_arguments.delta", &Self::OnCallDelta},
          {"response.function_call_arguments.done", &Self::OnCallDone},
          {"response.custom_tool_call_input.delta", &Self::OnCallDelta},
          {"response.custom_tool_call_input.done", &Self::OnCallDone},
          {"response.reasoning_summary_part.added", &Self::OnSummaryAdded},
          {"response.reasoning_summary_part.done", &Self::OnNothing},
          {"response.reasoning_summary_text.delta", &Self::OnReasoningDelta},
          {"response.reasoning_summary_text.done", &Self::OnReasoningDone},
          {"response.reasoning_text.delta", &Self::OnReasoningDelta},
          {"response.reasoning_text.done", &Self::OnReasoningDone},
          // May come between events of the answer.
          {"keepalive", &Self::OnNothing}};
  return *kMethods;
}

absl::Status ResponsesEventReader::Read(std::string_view name,
                                        std::string_view data, Events* events) {
  // Ignored: some servers repeat what the terminal event has said.
  if (data.starts_with("[DONE]") || done_) return absl::OkStatus();
  if (name == "error") return ReadErrorEvent(data);
  const absl::Status status = ReadJson(
      data, [&](JsonValue& root) { return ReadEvent(root, name, events); });
  return status.ok() ? failure_ : AsBadResponse(status);
}

absl::Status ResponsesEventReader::ReadEvent(JsonValue& root,
                                             std::string_view name,
                                             Events* events) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields event,
                           ObjectFields::Read(kFormat, root));
  std::string type;
  GATEWAY_RETURN_IF_ERROR(event.Text("type", &type));
  if (type.empty()) type = std::string(name);
  type_ = type;
  if (type == "error") {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view whole, root.VisitedRaw());
    failure_ = ReadErrorEvent(whole);
    return absl::OkStatus();
  }
  const auto method = Methods().find(type);
  if (method != Methods().end()) {
    const bool starts = method->second == &Self::OnResponse ||
                        method->second == &Self::OnTerminal;
    if (!starts) EnsureStarted(events);
    return (this->*method->second)(event, events);
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view whole, root.VisitedRaw());
  EnsureStarted(events);
  return DeliverOpaque(event, whole, events);
}

void ResponsesEventReader::EnsureStarted(Events* events) {
  if (std::exchange(started_, true)) return;
  events->emplace_back().mutable_started();
}

v1::Delta* ResponsesEventReader::AddDelta(int32_t part_index, Events* events) {
  v1::Delta* delta = events->emplace_back().mutable_delta();
  delta->set_part_index(part_index);
  contents_.any = true;
  return delta;
}

absl::Status ResponsesEventReader::OnResponse(ObjectFields& event,
                                              Events* events) {
  if (std::exchange(started_, true)) return absl::OkStatus();
  v1::StreamStarted* started = events->emplace_back().mutable_started();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view json,
                           Object(event, "response"));
  // Read as a whole response, which one that has only begun looks like.
  v1::GenerateResponse response;
  GATEWAY_RETURN_IF_ERROR(ReadResponse(json, &response));
  started->set_id(response.id());
  started->set_model(response.model());
  if (response.has_create_time()) {
    *started->mutable_create_time() = response.create_time();
  }
  usage_ = response.usage();
  service_tier_ = response.service_tier();
  started->set_service_tier(service_tier_);
  started->mutable_extensions()->Swap(response.mutable_extensions());
  return absl::OkStatus();
}

absl::Status ResponsesEventReader::OnTerminal(ObjectFields& event,
                                              Events* events) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view json,
                           Object(event, "response"));
  v1::GenerateResponse response;
  failure_ = ReadResponse(json, &response);
  if (!response.service_tier().empty()) {
    service_tier_ = response.service_tier();
  }
  usage_is_final_ =
      response.has_usage() && ReplaceUsage(response.usage(), &usage_);
  if (failure_.ok() && type_ == "response.failed") {
    failure_ = GaveUpFault("failed");
  }
  if (!failure_.ok()) return absl::OkStatus();
  if (!std::exchange(started_, true)) {
    v1::StreamStarted* started = events->emplace_back().mutable_started();
    started->set_id(response.id());
    started->set_model(response.model());
  }
  const v1::Choice& choice = response.choices(0);
  // Some servers send everything with the terminal event.
  if (items_.empty()) {
    for (const v1::Part& part : choice.message().parts()) {
      DeliverPart(part, next_part_++, events);
    }
  }
  if (response.has_usage()) *events->emplace_back().mutable_usage() = usage_;
  v1::ChoiceEnd* end = events->emplace_back().mutable_choice_end();
  const std::string& word = choice.provider_finish_reason();
  const bool incomplete = type_ == "response.incomplete";
  end->set_provider_finish_reason(word.empty() ? "completed" : word);
  end->set_finish_reason(FinishReasonOf(incomplete ? "incomplete" : "completed",
                                        incomplete ? word : "", contents_));
  if (const v1::Extension* time =
          FindExtension(response.extensions(), "completed_at");
      time != nullptr) {
    *end->add_extensions() = *time;
  }
  // Only the end tells the tier that served.
  if (!response.service_tier().empty()) {
    AddTextExtension(end->mutable_extensions(), "service_tier",
                     response.service_tier());
  }
  done_ = true;
  return absl::OkStatus();
}

absl::Status ResponsesEventReader::ItemOf(ObjectFields& event, Item** item) {
  int32_t index = 0;
  GATEWAY_RETURN_IF_ERROR(Index(event, "output_index", &index));
  *item = &items_[index];
  return absl::OkStatus();
}

absl::Status ResponsesEventReader::OnItemAdded(ObjectFields& event,
                                               Events* events) {
  Item* item = nullptr;
  GATEWAY_RETURN_IF_ERROR(ItemOf(event, &item));
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, Object(event, "item"));
  *item = Item();
  return ReadItem(json, [&](ObjectFields& fields) -> absl::Status {
    const std::string type(fields.type());
    std::string text;
    if (type == "message") {
      item->kind = ItemKind::kText;
      GATEWAY_RETURN_IF_ERROR(fields.Text("type", &text));
      GATEWAY_RETURN_IF_ERROR(fields.Text("role", &text));
      fields.TextOrJson("content");
      GATEWAY_RETURN_IF_ERROR(ReadMessageFields(fields, &item->extensions));
      DropStatus(&item->extensions);
    } else if (type == "function_call" || type == "custom_tool_call") {
      item->kind = ItemKind::kCall;
      item->call_index = calls_++;
      v1::Part part;
      GATEWAY_RETURN_IF_ERROR(ReadToolCallItem(fields, &part));
      item->extensions.Swap(part.mutable_extensions());
      DropStatus(&item->extensions);
      v1::ToolCallDelta* call = DeltaOf(*item, events)->mutable_tool_call();
      call->set_id(part.tool_call().id());
      call->set_name(part.tool_call().name());
      call->set_kind(part.tool_call().kind());
      call->set_arguments(part.tool_call().arguments());
      item->bytes = part.tool_call().arguments().size();
    } else if (type == "reasoning") {
      item->kind = ItemKind::kReasoning;
      GATEWAY_RETURN_IF_ERROR(fields.Text("id", &text));
      if (!text.empty() && !IsMadeItemId(text)) {
        AddTextExtension(&item->extensions, "id", text);
      }
    } else {
      item->kind = ItemKind::kOpaque;
      std::string whole;
      JsonWriter writer(&whole);
      writer.StartObject();
      writer.StringField("type", type_);
      writer.RawField("item", json);
      writer.EndObject();
      v1::OpaquePart* opaque = DeltaOf(*item, events)->mutable_opaque();
      opaque->set_dialect(std::string(kDialect));
      opaque->set_json(std::move(whole));
    }
    return absl::OkStatus();
  });
}

v1::Delta* ResponsesEventReader::DeltaOf(Item& item, Events* events) {
  const bool first = item.part_index < 0;
  if (first) item.part_index = next_part_++;
  v1::Delta* delta = AddDelta(item.part_index, events);
  if (first) delta->mutable_extensions()->Swap(&item.extensions);
  if (item.kind == ItemKind::kCall) {
    contents_.tool_calls = true;
    delta->mutable_tool_call()->set_index(item.call_index);
  }
  return delta;
}

absl::Status ResponsesEventReader::StreamedTextOf(ObjectFields& event,
                                                  Item& item, Events* events,
                                                  StreamedText** words) {
  int32_t index = 0;
  GATEWAY_RETURN_IF_ERROR(Index(event, "content_index", &index));
  const auto [found, added] = item.words.try_emplace(index);
  *words = &found->second;
  if (!added) return absl::OkStatus();
  item.kind = ItemKind::kText;
  found->second.part_index = next_part_++;
  if (item.extensions.empty()) return absl::OkStatus();
  AddDelta(found->second.part_index, events)
      ->mutable_extensions()
      ->Swap(&item.extensions);
  return absl::OkStatus();
}

absl::Status ResponsesEventReader::OnPartAdded(ObjectFields& event,
                                               Events* events) {
  Item* item = nullptr;
  GATEWAY_RETURN_IF_ERROR(ItemOf(event, &item));
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, Object(event, "part"));
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields part,
                           ObjectFields::ReadRaw(kFormat, json, "part"));
  // The content of reasoning is no text of a message.
  if (part.type() != "output_text" && part.type() != "refusal") {
    return absl::OkStatus();
  }
  StreamedText* words = nullptr;
  GATEWAY_RETURN_IF_ERROR(StreamedTextOf(event, *item, events, &words));
  std::string text;
  const bool refusal = part.type() == "refusal";
  GATEWAY_RETURN_IF_ERROR(part.Text(refusal ? "refusal" : "text", &text));
  words->bytes = text.size();
  v1::Delta* delta = AddDelta(words->part_index, events);
  if (refusal) {
    contents_.refusal = true;
    delta->set_refusal(std::move(text));
  } else {
    delta->set_text(std::move(text));
  }
  return absl::OkStatus();
}

absl::Status ResponsesEventReader::OnTextDelta(ObjectFields& event,
                                               Events* events) {
  Item* item = nullptr;
  StreamedText* words = nullptr;
  GATEWAY_RETURN_IF_ERROR(ItemOf(event, &item));
  GATEWAY_RETURN_IF_ERROR(StreamedTextOf(event, *item, events, &words));
  std::string text;
  GATEWAY_RETURN_IF_ERROR(event.RequiredText("delta", &text));
  words->bytes += text.size();
  v1::Delta* delta = AddDelta(words->part_index, events);
  if (type_ == "response.refusal.delta") {
    contents_.refusal = true;
    delta->set_refusal(std::move(text));
    return absl::OkStatus();
  }
  delta->set_text(std::move(text));
  const ObjectFields::Either logprobs = event.TextOrJson("logprobs");
  if (!logprobs.json.has_value()) return absl::OkStatus();
  GATEWAY_RETURN_IF_ERROR(
      ReadNested(*logprobs.json, "logprobs", [&](JsonValue& list) {
        return chat::ReadTokenLogprobs(
            list, delta->mutable_logprobs()->mutable_content());
      }));
  if (delta->logprobs().content().empty()) delta->clear_logprobs();
  return absl::OkStatus();
}

absl::Status ResponsesEventReader::OnTextDone(ObjectFields& event,
                                              Events* events) {
  Item* item = nullptr;
  StreamedText* words = nullptr;
  GATEWAY_RETURN_IF_ERROR(ItemOf(event, &item));
  GATEWAY_RETURN_IF_ERROR(StreamedTextOf(event, *item, events, &words));
  const bool refusal = type_ == "response.refusal.done";
  std::string text;
  GATEWAY_RETURN_IF_ERROR(event.Text(refusal ? "refusal" : "text", &text));
  const std::string_view rest = Rest(text, words->bytes);
  if (rest.empty()) return absl::OkStatus();
  words->bytes = text.size();
  v1::Delta* delta = AddDelta(words->part_index, events);
  if (refusal) {
    contents_.refusal = true;
    delta->set_refusal(std::string(rest));
  } else {
    delta->set_text(std::string(rest));
  }
  return absl::OkStatus();
}

absl::Status ResponsesEventReader::OnPartDone(ObjectFields& event,
                                              Events* events) {
  Item* item = nullptr;
  GATEWAY_RETURN_IF_ERROR(ItemOf(event, &item));
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, Object(event, "part"));
  v1::Part part;
  GATEWAY_RETURN_IF_ERROR(ReadNested(json, "part", [&](JsonValue& value) {
    return ReadContentPart(value, &part);
  }));
  if (!part.has_text() && !part.has_refusal()) return absl::OkStatus();
  StreamedText* words = nullptr;
  GATEWAY_RETURN_IF_ERROR(StreamedTextOf(event, *item, events, &words));
  words->finished = true;
  v1::Logprobs told_already;
  GATEWAY_RETURN_IF_ERROR(TakeLogprobs(&part, &told_already));
  if (part.extensions().empty()) return absl::OkStatus();
  AddDelta(words->part_index, events)
      ->mutable_extensions()
      ->Swap(part.mutable_extensions());
  return absl::OkStatus();
}

absl::Status ResponsesEventReader::OnCallDelta(ObjectFields& event,
                                               Events* events) {
  Item* item = nullptr;
  GATEWAY_RETURN_IF_ERROR(ItemOf(event, &item));
  if (item->kind != ItemKind::kCall) {
    return event.Fault("output_index", "no such call has begun");
  }
  std::string piece;
  GATEWAY_RETURN_IF_ERROR(event.RequiredText("delta", &piece));
  item->bytes += piece.size();
  DeltaOf(*item, events)->mutable_tool_call()->set_arguments(std::move(piece));
  return absl::OkStatus();
}

absl::Status ResponsesEventReader::OnCallDone(ObjectFields& event,
                                              Events* events) {
  Item* item = nullptr;
  GATEWAY_RETURN_IF_ERROR(ItemOf(event, &item));
  if (item->kind != ItemKind::kCall) {
    return event.Fault("output_index", "no such call has begun");
  }
  const bool custom = type_ == "response.custom_tool_call_input.done";
  std::string text;
  GATEWAY_RETURN_IF_ERROR(event.Text(custom ? "input" : "arguments", &text));
  const std::string_view rest = Rest(text, item->bytes);
  if (rest.empty()) return absl::OkStatus();
  item->bytes = text.size();
  DeltaOf(*item, events)->mutable_tool_call()->set_arguments(std::string(rest));
  return absl::OkStatus();
}

absl::Status ResponsesEventReader::OnSummaryAdded(ObjectFields& event,
                                                  Events*) {
  Item* item = nullptr;
  GATEWAY_RETURN_IF_ERROR(ItemOf(event, &item));
  item->kind = ItemKind::kReasoning;
  int32_t index = 0;
  GATEWAY_RETURN_IF_ERROR(Index(event, "summary_index", &index));
  item->separate = index > 0;
  return absl::OkStatus();
}

void ResponsesEventReader::AddReasoning(Item& item, std::string_view text,
                                        Events* events) {
  std::string piece;
  if (std::exchange(item.separate, false)) piece = kSummarySeparator;
  piece.append(text);
  item.bytes += piece.size();
  DeltaOf(item, events)->set_reasoning(std::move(piece));
}

absl::Status ResponsesEventReader::OnReasoningDelta(ObjectFields& event,
                                                    Events* events) {
  Item* item = nullptr;
  GATEWAY_RETURN_IF_ERROR(ItemOf(event, &item));
  item->kind = ItemKind::kReasoning;
  std::string text;
  GATEWAY_RETURN_IF_ERROR(event.RequiredText("delta", &text));
  // If there are both, the one that comes first becomes the text.
  if (item->reasoning_source.empty()) {
    item->reasoning_source = std::string(type_);
  }
  if (item->reasoning_source == type_) AddReasoning(*item, text, events);
  return absl::OkStatus();
}

absl::Status ResponsesEventReader::OnReasoningDone(ObjectFields& event,
                                                   Events* events) {
  Item* item = nullptr;
  GATEWAY_RETURN_IF_ERROR(ItemOf(event, &item));
  if (!item->reasoning_source.empty()) return absl::OkStatus();
  item->kind = ItemKind::kReasoning;
  std::string text;
  GATEWAY_RETURN_IF_ERROR(event.Text("text", &text));
  if (!text.empty()) AddReasoning(*item, text, events);
  return absl::OkStatus();
}

absl::Status ResponsesEventReader::OnItemDone(ObjectFields& event,
                                              Events* events) {
  Item* item = nullptr;
  GATEWAY_RETURN_IF_ERROR(ItemOf(event, &item));
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, Object(event, "item"));
  item->done = true;
  switch (item->kind) {
    case ItemKind::kText:
      return FinishText(*item, json, events);
    case ItemKind::kCall:
      return FinishCall(*item, json, events);
    case ItemKind::kReasoning:
      return FinishReasoning(*item, json, events);
    case ItemKind::kOpaque: {
      v1::OpaquePart* opaque = DeltaOf(*item, events)->mutable_opaque();
      opaque->set_dialect(std::string(kDialect));
      opaque->set_json(std::string(json));
      return absl::OkStatus();
    }
    case ItemKind::kNone:
      break;
  }
  // An item that never began is delivered whole.
  PartList parts;
  GATEWAY_RETURN_IF_ERROR(ReadNested(json, "item", [&](JsonValue& value) {
    return ReadOutputItem(value, &parts);
  }));
  for (const v1::Part& part : parts) DeliverPart(part, next_part_++, events);
  return absl::OkStatus();
}

// Delivers parts that were never announced, and what is known only at the end.
absl::Status ResponsesEventReader::FinishText(Item& item, std::string_view json,
                                              Events* events) {
  PartList parts;
  GATEWAY_RETURN_IF_ERROR(ReadNested(json, "item", [&](JsonValue& value) {
    return ReadOutputItem(value, &parts);
  }));
  for (int i = 0; i < parts.size(); ++i) {
    const auto [found, added] = item.words.try_emplace(i);
    if (!added) continue;
    found->second.part_index = next_part_++;
    DeliverPart(parts[i], found->second.part_index, events);
  }
  if (parts.empty()) return absl::OkStatus();
  const v1::Extension* status =
      FindExtension(parts[0].extensions(), "item.status");
  if (status != nullptr) {
    *AddDelta(item.words.begin()->second.part_index, events)->add_extensions() =
        *status;
  }
  return absl::OkStatus();
}

absl::Status ResponsesEventReader::FinishCall(Item& item, std::string_view json,
                                              Events* events) {
  v1::Part part;
  GATEWAY_RETURN_IF_ERROR(ReadItem(json, [&](ObjectFields& fields) {
    return ReadToolCallItem(fields, &part);
  }));
  const std::string_view rest = Rest(part.tool_call().arguments(), item.bytes);
  const v1::Extension* status = FindExtension(part.extensions(), "status");
  if (rest.empty() && status == nullptr) return absl::OkStatus();
  v1::Delta* delta = DeltaOf(item, events);
  delta->mutable_tool_call()->set_arguments(std::string(rest));
  if (status != nullptr) *delta->add_extensions() = *status;
  return absl::OkStatus();
}

absl::Status ResponsesEventReader::FinishReasoning(Item& item,
                                                   std::string_view json,
                                                   Events* events) {
  v1::Part part;
  GATEWAY_RETURN_IF_ERROR(ReadItem(json, [&](ObjectFields& fields) {
    return ReadReasoningItem(fields, &part);
  }));
  const v1::Reasoning& reasoning = part.reasoning();
  item.separate = false;
  if (item.bytes == 0) AddReasoning(item, reasoning.text(), events);
  if (!reasoning.signature().empty()) {
    DeltaOf(item, events)->set_reasoning_signature(reasoning.signature());
  } else if (!reasoning.redacted_data().empty()) {
    DeltaOf(item, events)->set_redacted_reasoning(reasoning.redacted_data());
  }
  if (!part.extensions().empty()) {
    DeltaOf(item, events)
        ->mutable_extensions()
        ->Swap(part.mutable_extensions());
  }
  return absl::OkStatus();
}

// Delivers an event that is kept whole: as a piece of its item's part until
// that is delivered, otherwise as a part of its own.
absl::Status ResponsesEventReader::DeliverOpaque(ObjectFields& event,
                                                 std::string_view whole,
                                                 Events* events) {
  std::optional<int32_t> index;
  GATEWAY_RETURN_IF_ERROR(event.Int32("output_index", &index));
  v1::Delta* delta = nullptr;
  if (index.has_value()) {
    const auto item = items_.find(*index);
    if (item != items_.end() && item->second.kind == ItemKind::kOpaque &&
        !item->second.done) {
      delta = DeltaOf(item->second, events);
    }
  }
  if (delta == nullptr) delta = AddDelta(next_part_++, events);
  delta->mutable_opaque()->set_dialect(std::string(kDialect));
  delta->mutable_opaque()->set_json(std::string(whole));
  return absl::OkStatus();
}

void ResponsesEventReader::DeliverPart(const v1::Part& part, int32_t index,
                                       Events* events) {
  contents_.Add(part);
  AppendPart(part, index, part.has_tool_call() ? calls_++ : 0, events);
}

}  // namespace gateway::responses
