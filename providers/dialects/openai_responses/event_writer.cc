#include "providers/dialects/openai_responses/event_writer.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/dialects/openai_chat/logprobs.h"
#include "providers/dialects/openai_responses/errors.h"
#include "providers/dialects/openai_responses/part_deltas.h"
#include "providers/dialects/openai_responses/response.h"
#include "providers/dialects/part_signatures.h"

namespace gateway::responses {
namespace {

constexpr std::string_view kAddedEvent = "response.output_item.added";

// How much a part takes besides its text until its item is done, about.
constexpr size_t kPartBytes = sizeof(v1::Part) + sizeof(v1::ToolCall);
// How much an entry of a map takes besides what it holds, about.
constexpr size_t kNodeBytes = 48;

absl::Status NotJson(std::string_view what) {
  return MakeFault(v1::ERROR_REASON_INTERNAL,
                   absl::StrCat(ToAbsl(what), " is not JSON"));
}

}  // namespace

absl::Status ResponsesEventWriter::Write(const v1::GenerateEvent& event,
                                         std::string* out) {
  emitter_.WriteTo(out);
  switch (event.event_case()) {
    case v1::GenerateEvent::kStarted:
      started_ = event.started();
      return EnsureStarted();
    case v1::GenerateEvent::kUsage:
      usage_ = event.usage();
      has_usage_ = true;
      return absl::OkStatus();
    case v1::GenerateEvent::kDelta:
      // Only the first choice is written: the format has one answer.
      if (event.delta().choice_index() != 0) return absl::OkStatus();
      AddHeldBytes(BytesOf(event.delta()));
      GATEWAY_RETURN_IF_ERROR(EnsureStarted());
      TakeCitations(event.delta(), out);
      return TakeDelta(event.delta(), out);
    case v1::GenerateEvent::kChoiceEnd: {
      if (event.choice_end().choice_index() != 0) return absl::OkStatus();
      choice_end_ = event.choice_end();
      GATEWAY_RETURN_IF_ERROR(EnsureStarted());
      const Ending ending =
          EndingOf(choice_end_.finish_reason(),
                   choice_end_.provider_finish_reason(), contents_);
      return CloseAll(ending.status == "completed" ? "completed"
                                                   : "incomplete");
    }
    case v1::GenerateEvent::kEnd:
      return WriteEnd(event.end());
    case v1::GenerateEvent::EVENT_NOT_SET:
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

void ResponsesEventWriter::GoOnFrom(const ResponseFacts& facts) {
  if (facts.next_event_number == 0) return;  // No event was numbered.
  created_ = true;
  response_id_ = std::string_view(facts.kept_id);
  emitter_.CountFrom(facts.next_event_number);
}

ResponsesEventWriter::Place* ResponsesEventWriter::Find(const Key& key) {
  const auto found = places_.find(key);
  return found == places_.end() ? nullptr : &found->second;
}

ResponsesEventWriter::Place* ResponsesEventWriter::Open(const Key& key,
                                                        Item* item) {
  v1::Part& part = item->parts.emplace_back();
  if (auto waiting = waiting_.extract(key.part_index); !waiting.empty()) {
    for (const v1::Extension& extension : waiting.mapped()) {
      AddOnce(extension, part.mutable_extensions());
    }
  }
  const auto [found, is_new] = places_.insert_or_assign(
      key, Place{.item = item, .part = item->parts.size() - 1});
  AddHeldBytes(kPartBytes);
  if (is_new) AddHeldBytes(sizeof(Key) + sizeof(Place) + kNodeBytes);
  return &found->second;
}

ResponsesEventWriter::Item* ResponsesEventWriter::NewItem(Kind kind) {
  Item* item = &items_.emplace_back();
  item->kind = kind;
  item->index = static_cast<int>(items_.size()) - 1;
  if (kind != Kind::kOpaque) SetChanged(item);
  AddHeldBytes(sizeof(Item));
  return item;
}

void ResponsesEventWriter::SetChanged(Item* item) {
  if (!std::exchange(item->changed, true)) changed_.push_back(item);
}

absl::Status ResponsesEventWriter::AddItem(const Item& item) {
  return emitter_.Emit(kAddedEvent, [&](ObjectWriter& object) -> absl::Status {
    object.Int64("output_index", item.index);
    return WriteItem(item, "in_progress", object.Field("item"));
  });
}

void ResponsesEventWriter::TakeCitations(const v1::Delta& delta,
                                         std::string* out) {
  if (delta.citations().empty()) return;
  if (HasOneWithoutUrl(delta.citations())) warnings_.LeftOut("citations", out);
  const Place* place = Find({Kind::kText, delta.part_index(), 0});
  if (place == nullptr) {
    waiting_citations_[delta.part_index()].MergeFrom(delta.citations());
  } else if (place->item->done) {
    warnings_.LeftOut("citations", out);
  } else {
    place->item->parts[place->part].mutable_citations()->MergeFrom(
        delta.citations());
  }
}

absl::Status ResponsesEventWriter::TakeDelta(const v1::Delta& delta,
                                             std::string* out) {
  if (!PartSignature(delta.extensions()).empty()) {
    GATEWAY_RETURN_IF_ERROR(TakeReasoning(SignatureAsReasoning(delta)));
  }
  switch (delta.piece_case()) {
    case v1::Delta::kText:
      return TakeText(delta, delta.text());
    case v1::Delta::kRefusal:
      contents_.refusal = true;
      return TakeText(delta, delta.refusal());
    case v1::Delta::kAudio:
      if (!delta.audio().data().empty()) warnings_.LeftOut("audio", out);
      if (delta.audio().transcript().empty()) return absl::OkStatus();
      return TakeText(delta, delta.audio().transcript());
    case v1::Delta::kReasoning:
    case v1::Delta::kReasoningSignature:
    case v1::Delta::kRedactedReasoning:
      return TakeReasoning(delta);
    case v1::Delta::kToolCall:
      return TakeCall(delta);
    case v1::Delta::kImage:
      if (delta.image().has_data()) return TakePicture(delta);
      warnings_.LeftOut("image.url", out);
      return absl::OkStatus();
    case v1::Delta::kOpaque:
      if (delta.opaque().dialect() == kDialect) return TakeOpaque(delta);
      warnings_.LeftOut("opaque", out);
      return absl::OkStatus();
    case v1::Delta::PIECE_NOT_SET:
      return TakeExtensions(delta);
  }
  return absl::OkStatus();
}

// Takes a delta's extensions; those of a part that has not begun are kept until
// it does.
absl::Status ResponsesEventWriter::TakeExtensions(const v1::Delta& delta) {
  for (const Kind kind : {Kind::kText, Kind::kReasoning, Kind::kOpaque}) {
    const Place* place = Find({kind, delta.part_index(), 0});
    if (place != nullptr && !place->item->done) {
      return AddExtensions(delta.extensions(), *place);
    }
  }
  if (delta.extensions().empty()) return absl::OkStatus();
  waiting_[delta.part_index()].MergeFrom(delta.extensions());
  return absl::OkStatus();
}

absl::Status ResponsesEventWriter::AddExtensions(
    const ExtensionList& extensions, const Place& place) {
  v1::Part& part = place.item->parts[place.part];
  for (const v1::Extension& extension : extensions) {
    const bool known =
        FindExtension(part.extensions(), extension.name()) != nullptr;
    AddOnce(extension, part.mutable_extensions());
    if (!known && extension.dialect() == kDialect &&
        extension.name() == "annotations") {
      GATEWAY_RETURN_IF_ERROR(item_events_.AddAnnotations(
          extension.json(), place.item->Place(), place.part));
    }
  }
  return absl::OkStatus();
}

absl::Status ResponsesEventWriter::OpenText(const v1::Delta& delta,
                                            Place** place) {
  const Key key{Kind::kText, delta.part_index(), 0};
  const bool begins = BeginsItem(delta.extensions()) ||
                      (waiting_.contains(key.part_index) &&
                       BeginsItem(waiting_.at(key.part_index)));
  if (text_item_ != nullptr && !begins) {
    GATEWAY_RETURN_IF_ERROR(item_events_.EndPart(text_item_->parts.back(),
                                                 text_item_->Place(),
                                                 text_item_->parts.size() - 1));
    *place = Open(key, text_item_);
  } else {
    GATEWAY_RETURN_IF_ERROR(CloseOthers());
    text_item_ = NewItem(Kind::kText);
    *place = Open(key, text_item_);
  }
  Item& item = *text_item_;
  v1::Part& part = item.parts.back();
  for (const v1::Extension& extension : delta.extensions()) {
    if (extension.name() != "annotations") {
      AddOnce(extension, part.mutable_extensions());
    }
  }
  if (delta.has_opaque()) {
    *part.mutable_opaque() = delta.opaque();
  } else if (delta.has_refusal()) {
    part.mutable_refusal();
  } else {
    part.mutable_text();
  }
  if (item.parts.size() == 1) {
    item.id = ItemWriter::IdOf(part, response_id_, item.index);
    GATEWAY_RETURN_IF_ERROR(AddItem(item));
  }
  GATEWAY_RETURN_IF_ERROR(emitter_.EmitInContent(
      "response.content_part.added", item.Place(), (*place)->part,
      [&](ObjectWriter& object) {
        return content_.WriteOne(part, Speaker::kModel, object.Field("part"));
      }));
  if (auto waiting = waiting_citations_.extract(key.part_index);
      !waiting.empty()) {
    part.mutable_citations()->Swap(&waiting.mapped());
  }
  return absl::OkStatus();
}

absl::Status ResponsesEventWriter::TakeText(const v1::Delta& delta,
                                            std::string_view text) {
  contents_.any = true;
  Place* place = Find({Kind::kText, delta.part_index(), 0});
  const bool open = place != nullptr && !place->item->done &&
                    place->part + 1 == place->item->parts.size();
  if (!open) GATEWAY_RETURN_IF_ERROR(OpenText(delta, &place));
  Item& item = *place->item;
  v1::Part& part = item.parts[place->part];
  const bool refusal = part.has_refusal();
  (refusal ? part.mutable_refusal() : part.mutable_text())->append(text);
  if (!refusal) AddHeldBytes(AddLogprobs(delta.logprobs(), &part));
  if (!text.empty()) {
    GATEWAY_RETURN_IF_ERROR(emitter_.EmitInContent(
        refusal ? "response.refusal.delta" : "response.output_text.delta",
        item.Place(), place->part, [&](ObjectWriter& object) {
          object.Text("delta", text);
          if (!refusal) {
            chat::WriteTokenLogprobs(delta.logprobs().content(),
                                     object.Field("logprobs"));
          }
          return absl::OkStatus();
        }));
  }
  return AddExtensions(delta.extensions(), *place);
}

absl::Status ResponsesEventWriter::OpenReasoning(const v1::Delta& delta,
                                                 Place** place) {
  GATEWAY_RETURN_IF_ERROR(CloseOthers());
  Item* item = NewItem(Kind::kReasoning);
  *place = Open({Kind::kReasoning, delta.part_index(), 0}, item);
  v1::Part& part = item->parts.front();
  part.mutable_reasoning();
  for (const v1::Extension& extension : delta.extensions()) {
    AddOnce(extension, part.mutable_extensions());
  }
  item->id = ItemWriter::IdOf(part, response_id_, item->index);
  return AddItem(*item);
}

absl::Status ResponsesEventWriter::TakeReasoning(const v1::Delta& delta) {
  contents_.any = true;
  Place* place = Find({Kind::kReasoning, delta.part_index(), 0});
  if (place == nullptr || place->item->done) {
    GATEWAY_RETURN_IF_ERROR(OpenReasoning(delta, &place));
  }
  const Item& item = *place->item;
  v1::Part& part = place->item->parts.front();
  GATEWAY_RETURN_IF_ERROR(AddExtensions(delta.extensions(), *place));
  v1::Reasoning* reasoning = part.mutable_reasoning();
  if (delta.has_reasoning_signature()) {
    reasoning->set_signature(delta.reasoning_signature());
  } else if (delta.has_redacted_reasoning()) {
    reasoning->set_redacted_data(delta.redacted_reasoning());
  }
  if (delta.reasoning().empty()) return absl::OkStatus();
  if (reasoning->text().empty()) {
    GATEWAY_RETURN_IF_ERROR(emitter_.EmitSummary(
        "response.reasoning_summary_part.added", item.Place(), ""));
  }
  reasoning->mutable_text()->append(delta.reasoning());
  return emitter_.EmitInSummary("response.reasoning_summary_text.delta",
                                item.Place(), [&](ObjectWriter& object) {
                                  object.Text("delta", delta.reasoning());
                                  return absl::OkStatus();
                                });
}

absl::Status ResponsesEventWriter::TakeCall(const v1::Delta& delta) {
  contents_.any = true;
  contents_.tool_calls = true;
  const v1::ToolCallDelta& piece = delta.tool_call();
  const Key key{Kind::kCall, delta.part_index(), piece.index()};
  Place* place = Find(key);
  // Dropped, since the call's arguments are a whole object already.
  if (place != nullptr && place->item->done) return absl::OkStatus();
  if (place == nullptr) {
    GATEWAY_RETURN_IF_ERROR(CloseOthers());
    Item* item = NewItem(Kind::kCall);
    place = Open(key, item);
    v1::Part& part = item->parts.front();
    v1::ToolCall* call = part.mutable_tool_call();
    call->set_id(piece.id().empty() ? absl::StrCat("call_", piece.index())
                                    : piece.id());
    call->set_name(piece.name());
    call->set_kind(piece.kind());
    for (const v1::Extension& extension : delta.extensions()) {
      AddOnce(extension, part.mutable_extensions());
    }
    item->id = ItemWriter::IdOf(part, response_id_, item->index);
    GATEWAY_RETURN_IF_ERROR(AddItem(*item));
  }
  GATEWAY_RETURN_IF_ERROR(AddExtensions(delta.extensions(), *place));
  if (piece.arguments().empty()) return absl::OkStatus();
  v1::ToolCall* call = place->item->parts.front().mutable_tool_call();
  call->mutable_arguments()->append(piece.arguments());
  SetChanged(place->item);
  return emitter_.EmitFor(call->kind() == v1::TOOL_KIND_CUSTOM
                              ? "response.custom_tool_call_input.delta"
                              : "response.function_call_arguments.delta",
                          place->item->Place(), [&](ObjectWriter& object) {
                            object.Text("delta", piece.arguments());
                            return absl::OkStatus();
                          });
}

// Writes a picture, which comes whole.
absl::Status ResponsesEventWriter::TakePicture(const v1::Delta& delta) {
  contents_.any = true;
  GATEWAY_RETURN_IF_ERROR(CloseOthers());
  Item* item = NewItem(Kind::kPicture);
  v1::Part& part =
      item->parts[Open({Kind::kPicture, delta.part_index(), 0}, item)->part];
  *part.mutable_image() = delta.image();
  item->id = ItemWriter::IdOf(part, response_id_, item->index);
  GATEWAY_RETURN_IF_ERROR(AddItem(*item));
  return Close(*item, "completed");
}

absl::Status ResponsesEventWriter::TakeOpaque(const v1::Delta& delta) {
  contents_.any = true;
  if (!CheckJson(delta.opaque().json()).ok()) return NotJson("an opaque part");
  switch (OpaqueKindOf(delta.opaque())) {
    case OpaqueKind::kEvent:
      return TakeOpaqueEvent(delta);
    case OpaqueKind::kContent: {
      Place* place = nullptr;
      return OpenText(delta, &place);
    }
    case OpaqueKind::kItem:
      break;
  }
  const Key key{Kind::kOpaque, delta.part_index(), 0};
  const Place* place = Find(key);
  const bool open = place != nullptr && !place->item->done;
  Item* item = open ? place->item : nullptr;
  if (!open) {
    GATEWAY_RETURN_IF_ERROR(CloseOthers());
    item = NewItem(Kind::kOpaque);
    Open(key, item);
    *item->parts.front().mutable_opaque() = delta.opaque();
    GATEWAY_RETURN_IF_ERROR(AddItem(*item));
  }
  *item->parts.front().mutable_opaque() = delta.opaque();
  return Close(*item, "completed");
}

// Writes an event as it came, with its number and its place replaced.
absl::Status ResponsesEventWriter::TakeOpaqueEvent(const v1::Delta& delta) {
  const Key key{Kind::kOpaque, delta.part_index(), 0};
  const std::string& json = delta.opaque().json();
  return ReadJson(json, [&](JsonValue& root) {
    std::map<std::string, std::string> fields;
    GATEWAY_RETURN_IF_ERROR(root.EachField(
        [&](std::string_view name, JsonValue& value) -> absl::Status {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
          fields[std::string(name)] = std::string(raw);
          return absl::OkStatus();
        }));
    // A plain word without escapes, as every event's type is.
    const std::string quoted = fields["type"];
    const std::string type = quoted.substr(1, quoted.size() - 2);
    if (type == kAddedEvent && Find(key) == nullptr) {
      GATEWAY_RETURN_IF_ERROR(CloseOthers());
      Item* item = NewItem(Kind::kOpaque);
      Open(key, item);
      v1::OpaquePart* opaque = item->parts.front().mutable_opaque();
      opaque->set_dialect(std::string(kDialect));
      opaque->set_json(fields["item"]);
    }
    const Place* place = Find(key);
    if (place != nullptr) {
      fields["output_index"] = absl::StrCat(place->item->index);
    }
    return emitter_.Emit(type, [&](ObjectWriter& object) {
      for (const auto& [name, raw] : fields) {
        if (!object.Has(name)) object.Field(name).Raw(raw);
      }
      return absl::OkStatus();
    });
  });
}

absl::Status ResponsesEventWriter::CloseOthers() {
  text_item_ = nullptr;
  std::vector<Item*> changed = std::exchange(changed_, {});
  std::sort(changed.begin(), changed.end(),
            [](const Item* a, const Item* b) { return a->index < b->index; });
  for (Item* item : changed) {
    item->changed = false;
    if (item->done) continue;
    if (item->kind == Kind::kCall &&
        !item->arguments.IsWhole(item->parts.front().tool_call().arguments())) {
      continue;
    }
    GATEWAY_RETURN_IF_ERROR(Close(*item, "completed"));
  }
  return absl::OkStatus();
}

absl::Status ResponsesEventWriter::CloseAll(std::string_view status) {
  text_item_ = nullptr;
  for (; closed_items_ < items_.size(); ++closed_items_) {
    Item& item = items_[closed_items_];
    if (item.done) continue;
    const bool last = &item == &items_.back();
    GATEWAY_RETURN_IF_ERROR(Close(item, last ? status : "completed"));
  }
  return absl::OkStatus();
}

absl::Status ResponsesEventWriter::Close(Item& item, std::string_view status) {
  const v1::Part& last = item.parts.back();
  if (item.kind == Kind::kText) {
    GATEWAY_RETURN_IF_ERROR(
        item_events_.EndPart(last, item.Place(), item.parts.size() - 1));
  } else if (item.kind == Kind::kReasoning) {
    GATEWAY_RETURN_IF_ERROR(
        item_events_.EndReasoning(last.reasoning(), item.Place()));
  } else if (item.kind == Kind::kCall) {
    GATEWAY_RETURN_IF_ERROR(
        item_events_.EndCall(last.tool_call(), item.Place()));
  }
  item.done = true;
  // From here on its JSON alone is held, in the room that its parts had.
  size_t counted = 0;
  for (const v1::Part& part : item.parts) counted += kPartBytes + BytesOf(part);
  item.json.reserve(counted);
  JsonWriter json(&item.json);
  GATEWAY_RETURN_IF_ERROR(WriteItem(item, status, json));
  if (item.json.size() < item.json.capacity() / 4 * 3) {
    item.json.shrink_to_fit();
  }
  if (item.json.capacity() > counted) {
    AddHeldBytes(item.json.capacity() - counted);
  }
  std::vector<v1::Part>().swap(item.parts);
  return emitter_.Emit("response.output_item.done", [&](ObjectWriter& object) {
    object.Int64("output_index", item.index);
    object.Field("item").Raw(item.json);
    return absl::OkStatus();
  });
}

absl::Status ResponsesEventWriter::WriteItem(const Item& item,
                                             std::string_view status,
                                             JsonWriter& json) {
  const bool begins = status == "in_progress";
  switch (item.kind) {
    case Kind::kOpaque: {
      const std::string& raw = item.parts.front().opaque().json();
      if (!CheckJson(raw).ok()) return NotJson("an item");
      json.Raw(raw);
      return absl::OkStatus();
    }
    case Kind::kCall:
      return item_writer_.WriteCall(item.parts.front(), item.id, status, json);
    case Kind::kReasoning:
      return item_writer_.WriteReasoning(
          item.parts.front(), item.id,
          ClientSignature(item.parts.front().reasoning(), item.id), json);
    case Kind::kPicture:
      item_writer_.WritePicture(item.parts.front(), item.id, status, json);
      return absl::OkStatus();
    case Kind::kText:
      break;
  }
  ItemWriter::Parts parts;
  for (const v1::Part& part : item.parts) parts.push_back(&part);
  return item_writer_.WriteText(parts, item.id,
                                {.status = status, .no_content = begins}, json);
}

absl::Status ResponsesEventWriter::EnsureStarted() {
  if (std::exchange(created_, true)) return absl::OkStatus();
  response_id_ = WireResponseId(started_.id().empty() ? started_.request_id()
                                                      : started_.id());
  GATEWAY_RETURN_IF_ERROR(
      WriteResponse("response.created", "in_progress", "", nullptr));
  return WriteResponse("response.in_progress", "in_progress", "", nullptr);
}

std::string ResponsesEventWriter::TakeOutput() {
  std::string output = "[";
  for (Item& item : items_) {
    if (!item.done) continue;
    absl::StrAppend(&output, output.size() > 1 ? "," : "", item.json);
    std::string().swap(item.json);
  }
  output.append("]");
  return output;
}

absl::Status ResponsesEventWriter::WriteResponse(
    std::string_view type, std::string_view status,
    std::string_view incomplete_reason, const v1::StreamError* error) {
  const std::string output = TakeOutput();
  std::string tier = TextExtension(choice_end_.extensions(), "service_tier");
  if (tier.empty()) tier = started_.service_tier();
  return emitter_.Emit(type, [&](ObjectWriter& object) {
    return WriteResponseObject(
        {.id = response_id_,
         .model = started_.model().empty() ? options_.model : started_.model(),
         .created_seconds = started_.has_create_time()
                                ? started_.create_time().seconds()
                                : options_.created_seconds,
         .status = status,
         .incomplete_reason = incomplete_reason,
         .error_code = error == nullptr ? "" : FailureCode(error->reason()),
         .error_message =
             error == nullptr ? std::string_view() : error->message(),
         .output = output,
         .service_tier = tier,
         .usage = has_usage_ && status != "in_progress" ? &usage_ : nullptr,
         .extensions = &started_.extensions(),
         .more_extensions = &choice_end_.extensions()},
        object.Field("response"));
  });
}

// Writes the end. A caller of this format learns of a failure twice: clients
// that raise errors do so at the first event, others wait for the end of the
// response. A response that runs in the background has not ended: it can be
// asked for.
absl::Status ResponsesEventWriter::WriteEnd(const v1::StreamEnd& end) {
  GATEWAY_RETURN_IF_ERROR(EnsureStarted());
  if (end.has_usage()) {
    usage_ = end.usage();
    has_usage_ = true;
  }
  if (end.outcome() != v1::StreamEnd::OUTCOME_FINISHED) {
    GATEWAY_RETURN_IF_ERROR(emitter_.Emit("error", [&](ObjectWriter& object) {
      object.Field("error").Raw(WriteErrorObject(FailureOf(end)));
      return absl::OkStatus();
    }));
    if (options_.background) return absl::OkStatus();
    return WriteResponse("response.failed", "failed", "", &end.error());
  }
  const Ending ending =
      EndingOf(choice_end_.finish_reason(),
               choice_end_.provider_finish_reason(), contents_);
  GATEWAY_RETURN_IF_ERROR(
      CloseAll(ending.status == "completed" ? "completed" : "incomplete"));
  if (ending.status == "failed") {
    v1::StreamError error;
    error.set_reason(v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
    error.set_message("the provider failed while answering");
    return WriteResponse("response.failed", "failed", "", &error);
  }
  return WriteResponse(ending.status == "incomplete" ? "response.incomplete"
                                                     : "response.completed",
                       ending.status, ending.incomplete_reason, nullptr);
}

}  // namespace gateway::responses
