#include "providers/dialects/gemini/event_writer.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "providers/dialects/gemini/candidate.h"
#include "providers/dialects/gemini/errors.h"
#include "providers/dialects/gemini/fields.h"
#include "providers/dialects/gemini/part_writer.h"
#include "providers/dialects/gemini/vendor_names.h"

namespace gateway::gemini {
namespace {

// How much a call that waits takes besides its arguments, about: with its nodes
// in two maps.
constexpr size_t kCallBytes = sizeof(v1::Part) + sizeof(v1::ToolCall) + 192;

// Ends an event whose data is `out` from `begin` on. Replaces line breaks,
// which JSON from elsewhere may have between its tokens: one would end the line
// of data.
void EndEvent(size_t begin, std::string* out) {
  std::replace_if(
      out->begin() + static_cast<std::ptrdiff_t>(begin), out->end(),
      [](char c) { return c == '\n' || c == '\r'; }, ' ');
  out->append("\n\n");
}

// Makes the part for a delta. Returns false if the format has none.
bool PartOf(const v1::Delta& delta, v1::Part* part) {
  switch (delta.piece_case()) {
    case v1::Delta::kText:
      part->set_text(delta.text());
      break;
    case v1::Delta::kRefusal:
      part->set_text(delta.refusal());
      break;
    case v1::Delta::kReasoning:
      part->mutable_reasoning()->set_text(delta.reasoning());
      break;
    case v1::Delta::kReasoningSignature:
      part->mutable_reasoning()->set_signature(delta.reasoning_signature());
      break;
    case v1::Delta::kAudio:
      *part->mutable_audio() = delta.audio();
      break;
    case v1::Delta::kImage:
      *part->mutable_image() = delta.image();
      break;
    case v1::Delta::kOpaque:
      if (delta.opaque().dialect() != kDialect) return false;
      *part->mutable_opaque() = delta.opaque();
      break;
    case v1::Delta::PIECE_NOT_SET:
      part->set_text("");
      break;
    default:
      return false;
  }
  for (const v1::Extension& extension : delta.extensions()) {
    if (extension.dialect() == kDialect && extension.name() != kCitations) {
      *part->add_extensions() = extension;
    }
  }
  return !part->has_text() || !part->text().empty() ||
         !part->extensions().empty();
}

}  // namespace

absl::Status ChunkWriter::Write(const v1::GenerateEvent& event,
                                std::string* out) {
  switch (event.event_case()) {
    case v1::GenerateEvent::kStarted:
      started_ = event.started();
      return absl::OkStatus();
    case v1::GenerateEvent::kUsage:
      usage_ = event.usage();
      return absl::OkStatus();
    case v1::GenerateEvent::kDelta:
      return TakeDelta(event.delta(), out);
    case v1::GenerateEvent::kChoiceEnd:
      ends_.push_back(event.choice_end());
      AddHeldBytes(sizeof(v1::ChoiceEnd) + event.choice_end().ByteSizeLong());
      return EndCalls(event.choice_end().choice_index(), out);
    case v1::GenerateEvent::kEnd:
      return WriteEnd(event.end(), out);
    case v1::GenerateEvent::EVENT_NOT_SET:
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status ChunkWriter::TakeDelta(const v1::Delta& delta, std::string* out) {
  if (delta.has_tool_call()) return TakeCall(delta, out);
  v1::Part part;
  const bool has_part = PartOf(delta, &part);
  if (delta.has_redacted_reasoning()) {
    TellLeftOut("redacted_reasoning");
  } else if (delta.has_opaque() && !has_part) {
    TellLeftOut("opaque");
  }
  if (!delta.citations().empty()) TellLeftOut("citations");
  const bool has_more =
      delta.has_logprobs() ||
      FindExtension(delta.extensions(), kCitations) != nullptr;
  if (!has_part && !has_more) return absl::OkStatus();
  return WritePiece(delta.choice_index(), has_part ? &part : nullptr, &delta,
                    out);
}

ChunkWriter::WaitingCall* ChunkWriter::FindCall(const v1::Delta& delta) {
  const v1::ToolCallDelta& piece = delta.tool_call();
  const std::pair<int32_t, int32_t> key{delta.choice_index(), piece.index()};
  const auto found = call_arrivals_.find(key);
  if (found != call_arrivals_.end()) return &calls_.at(found->second);
  // Dropped, since the call was whole already.
  if (piece.name().empty()) return nullptr;
  const Arrival arrival{delta.choice_index(), begun_calls_++};
  call_arrivals_[key] = arrival;
  WaitingCall& call = calls_[arrival];
  call.choice_index = delta.choice_index();
  call.call_index = piece.index();
  return &call;
}

void ChunkWriter::CountWaiting(WaitingCall& call, size_t bytes) {
  call.bytes += bytes;
  waiting_bytes_ += bytes;
  const size_t held = waiting_bytes_ + calls_.size() * kCallBytes;
  if (held > waiting_held_) {
    AddHeldBytes(held - std::exchange(waiting_held_, held));
  }
}

absl::Status ChunkWriter::TakeCall(const v1::Delta& delta, std::string* out) {
  const v1::ToolCallDelta& piece = delta.tool_call();
  WaitingCall* const waiting = FindCall(delta);
  if (waiting == nullptr) return absl::OkStatus();
  v1::ToolCall& call = *waiting->part.mutable_tool_call();
  if (!piece.id().empty()) call.set_id(piece.id());
  if (!piece.name().empty()) call.set_name(piece.name());
  if (piece.kind() != v1::TOOL_KIND_UNSPECIFIED) call.set_kind(piece.kind());
  call.mutable_arguments()->append(piece.arguments());
  waiting->part.mutable_extensions()->MergeFrom(delta.extensions());
  CountWaiting(*waiting, piece.arguments().size());
  for (const v1::Extension& extension : delta.extensions()) {
    AddHeldBytes(sizeof(v1::Extension) + extension.ByteSizeLong());
  }
  if (waiting_bytes_ > kWaitingBytesLimit) {
    return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                     "a tool call is too long to be written in one piece");
  }
  // JSON that ends so is an object.
  const bool may_be_whole =
      piece.arguments().ends_with('}') && call.kind() != v1::TOOL_KIND_CUSTOM;
  if (!may_be_whole || !waiting->arguments.IsWhole(call.arguments())) {
    return absl::OkStatus();
  }
  const auto place =
      call_arrivals_.find({waiting->choice_index, waiting->call_index});
  const WaitingCall whole = std::move(*waiting);
  calls_.erase(place->second);
  call_arrivals_.erase(place);
  waiting_bytes_ -= whole.bytes;
  has_calls_ = true;
  return WritePiece(whole.choice_index, &whole.part, nullptr, out);
}

absl::Status ChunkWriter::EndCalls(int32_t choice_index, std::string* out) {
  auto at = calls_.lower_bound({choice_index, 0});
  while (at != calls_.end() && at->first.first == choice_index) {
    const WaitingCall call = std::move(at->second);
    at = calls_.erase(at);
    call_arrivals_.erase({choice_index, call.call_index});
    waiting_bytes_ -= call.bytes;
    has_calls_ = true;
    GATEWAY_RETURN_IF_ERROR(WritePiece(choice_index, &call.part, nullptr, out));
  }
  return absl::OkStatus();
}

absl::Status ChunkWriter::EndAllCalls(std::string* out) {
  // The choices in the order in which their first calls came.
  std::vector<std::pair<int64_t, int32_t>> choices;
  for (const auto& [arrival, call] : calls_) {
    if (!choices.empty() && choices.back().second == arrival.first) continue;
    choices.emplace_back(arrival.second, arrival.first);
  }
  std::sort(choices.begin(), choices.end());
  for (const auto& [begun, choice_index] : choices) {
    GATEWAY_RETURN_IF_ERROR(EndCalls(choice_index, out));
  }
  return absl::OkStatus();
}

absl::Status ChunkWriter::WritePiece(int32_t choice_index, const v1::Part* part,
                                     const v1::Delta* delta, std::string* out) {
  DroppedFields dropped(kDialect, nullptr);
  PartWriter writer(dropped, PartWriter::Side::kAnswer);
  if (part != nullptr && !writer.Carries(*part)) return absl::OkStatus();
  out->append("data: ");
  const size_t begin = out->size();
  JsonWriter json(out);
  ObjectWriter object(kFormat, json);
  object.Field("candidates").StartArray();
  ObjectWriter candidate(kFormat, json);
  ObjectWriter content(kFormat, candidate.Field("content"));
  if (part != nullptr) {
    content.Field("parts").StartArray();
    GATEWAY_RETURN_IF_ERROR(writer.Write(*part, "delta", json));
    json.EndArray();
  }
  content.Text("role", "model");
  content.End();
  candidate.Int64("index", choice_index);
  if (delta != nullptr) {
    WriteLogprobs(delta->logprobs(), candidate);
    const v1::Extension* citations =
        FindExtension(delta->extensions(), kCitations);
    if (citations != nullptr) {
      GATEWAY_RETURN_IF_ERROR(
          candidate.Json(kCitations, citations->json(), kCitations));
    }
  }
  candidate.End();
  json.EndArray();
  GATEWAY_RETURN_IF_ERROR(FinishChunk(object));
  EndEvent(begin, out);
  return absl::OkStatus();
}

// Writes what each event repeats, and what only the first one says.
absl::Status ChunkWriter::FinishChunk(ObjectWriter& object) {
  object.Text("modelVersion",
              started_.model().empty() ? options_.model : started_.model());
  const std::string& id =
      started_.id().empty() ? started_.request_id() : started_.id();
  if (!id.empty()) object.Text("responseId", id);
  if (!std::exchange(has_chunk_, true)) {
    GATEWAY_RETURN_IF_ERROR(object.Extensions(started_.extensions(), ""));
  }
  if (!untold_.empty()) {
    JsonWriter& json = object.Field("llmgatewayWarnings");
    json.StartArray();
    for (const std::string& text : untold_) json.String(text);
    json.EndArray();
    untold_.clear();
  }
  object.End();
  return absl::OkStatus();
}

void ChunkWriter::TellLeftOut(std::string_view what) {
  std::string text = warnings_.Text(what);
  if (!text.empty()) untold_.push_back(std::move(text));
}

bool ChunkWriter::IsBlockedPrompt() const {
  return !has_chunk_ &&
         FindExtension(started_.extensions(), "promptFeedback") != nullptr;
}

absl::Status ChunkWriter::WriteLastCandidate(const v1::ChoiceEnd& end,
                                             JsonWriter& json) {
  v1::FinishReason reason = end.finish_reason();
  if (reason == v1::FINISH_REASON_UNSPECIFIED && has_calls_) {
    reason = v1::FINISH_REASON_TOOL_CALLS;
  }
  ObjectWriter candidate(kFormat, json);
  // With an empty text, since clients take an event without a part for a broken
  // one.
  candidate.Field("content").Raw(R"({"parts":[{"text":""}],"role":"model"})");
  candidate.Text("finishReason",
                 FinishWord(reason, end.provider_finish_reason()));
  candidate.Int64("index", end.choice_index());
  GATEWAY_RETURN_IF_ERROR(candidate.Extensions(end.extensions(), ""));
  candidate.End();
  return absl::OkStatus();
}

absl::Status ChunkWriter::WriteEnd(const v1::StreamEnd& end, std::string* out) {
  if (end.outcome() != v1::StreamEnd::OUTCOME_FINISHED) {
    absl::StrAppend(out, "data: ", ErrorBodyOf(FailureOf(end)), "\n\n");
    return absl::OkStatus();
  }
  if (end.has_usage()) usage_ = end.usage();
  GATEWAY_RETURN_IF_ERROR(EndAllCalls(out));
  if (ends_.empty()) ends_.emplace_back();
  out->append("data: ");
  const size_t begin = out->size();
  JsonWriter json(out);
  ObjectWriter object(kFormat, json);
  if (!IsBlockedPrompt()) {
    object.Field("candidates").StartArray();
    for (const v1::ChoiceEnd& each : ends_) {
      GATEWAY_RETURN_IF_ERROR(WriteLastCandidate(each, json));
    }
    json.EndArray();
  }
  GATEWAY_RETURN_IF_ERROR(WriteUsage(usage_, ends_.front().extensions(),
                                     object.Field("usageMetadata")));
  GATEWAY_RETURN_IF_ERROR(FinishChunk(object));
  EndEvent(begin, out);
  return absl::OkStatus();
}

}  // namespace gateway::gemini
