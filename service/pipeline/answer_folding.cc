#include "service/pipeline/answer_folding.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/piece_bytes.h"

namespace gateway {
namespace {

// Names of dialects' extensions: single ones in a stream make up a list.
constexpr char kCitation[] = "citation";
constexpr char kCitations[] = "citations";

// How much a part takes besides its text, about: with its node of a map.
constexpr int64_t kPartBytes = sizeof(v1::Part) + 48;

void AddToolCall(const v1::ToolCallDelta& delta, v1::ToolCall* call) {
  if (!delta.id().empty()) call->set_id(delta.id());
  if (!delta.name().empty()) call->set_name(delta.name());
  if (delta.kind() != v1::TOOL_KIND_UNSPECIFIED) call->set_kind(delta.kind());
  call->mutable_arguments()->append(delta.arguments());
}

void AddAudio(const v1::Audio& delta, v1::Audio* audio) {
  std::string data = std::move(*audio->mutable_data());
  std::string transcript = std::move(*audio->mutable_transcript());
  data += delta.data();
  transcript += delta.transcript();
  audio->MergeFrom(delta);
  audio->set_data(std::move(data));
  audio->set_transcript(std::move(transcript));
}

void AddExtension(const v1::Extension& extension, v1::Part* part) {
  if (extension.name() != kCitation) {
    *part->add_extensions() = extension;
    return;
  }
  for (v1::Extension& known : *part->mutable_extensions()) {
    if (known.name() != kCitations) continue;
    known.mutable_json()->back() = ',';
    absl::StrAppend(known.mutable_json(), extension.json(), "]");
    return;
  }
  v1::Extension* const list = part->add_extensions();
  list->set_dialect(extension.dialect());
  list->set_name(kCitations);
  list->set_json(absl::StrCat("[", extension.json(), "]"));
}

// Returns how many bytes of an answer a delta makes, without what frames it in
// the stream: pieces are often a few letters long.
size_t BytesOf(const v1::Delta& delta) {
  if (!delta.extensions().empty() || !delta.citations().empty()) {
    return delta.ByteSizeLong();
  }
  return PieceBytes(delta);
}

void AddPiece(const v1::Delta& delta, v1::Part* part) {
  switch (delta.piece_case()) {
    case v1::Delta::kText:
      part->mutable_text()->append(delta.text());
      break;
    case v1::Delta::kRefusal:
      part->mutable_refusal()->append(delta.refusal());
      break;
    case v1::Delta::kReasoning:
      part->mutable_reasoning()->mutable_text()->append(delta.reasoning());
      break;
    case v1::Delta::kReasoningSignature:
      part->mutable_reasoning()->set_signature(delta.reasoning_signature());
      break;
    case v1::Delta::kRedactedReasoning:
      part->mutable_reasoning()->set_redacted_data(delta.redacted_reasoning());
      break;
    case v1::Delta::kToolCall:
      AddToolCall(delta.tool_call(), part->mutable_tool_call());
      break;
    case v1::Delta::kAudio:
      AddAudio(delta.audio(), part->mutable_audio());
      break;
    case v1::Delta::kOpaque:
      *part->mutable_opaque() = delta.opaque();
      break;
    case v1::Delta::kImage:
      *part->mutable_image() = delta.image();
      break;
    case v1::Delta::PIECE_NOT_SET:
      break;
  }
}

}  // namespace

void AnswerFolding::Add(const v1::GenerateEvent& event) {
  if (event.has_started()) {
    const v1::StreamStarted& started = event.started();
    size_bytes_ += static_cast<int64_t>(started.ByteSizeLong());
    response_.set_id(started.id());
    response_.set_model(started.model());
    response_.set_service_tier(started.service_tier());
    response_.set_system_fingerprint(started.system_fingerprint());
    *response_.mutable_create_time() = started.create_time();
    *response_.mutable_extensions() = started.extensions();
  } else if (event.has_usage()) {
    *response_.mutable_usage() = event.usage();
  } else if (event.has_delta()) {
    size_bytes_ += static_cast<int64_t>(BytesOf(event.delta()));
    AddDelta(event.delta());
  } else if (event.has_choice_end()) {
    const v1::ChoiceEnd& end = event.choice_end();
    size_bytes_ += static_cast<int64_t>(end.ByteSizeLong());
    v1::Choice& choice = AnswerAt(end.choice_index()).choice;
    choice.set_finish_reason(end.finish_reason());
    choice.set_provider_finish_reason(end.provider_finish_reason());
    choice.set_stop_sequence(end.stop_sequence());
    *choice.mutable_extensions() = end.extensions();
  }
}

AnswerFolding::Answer& AnswerFolding::AnswerAt(int choice_index) {
  const auto [found, is_new] = answers_.try_emplace(choice_index);
  if (is_new) size_bytes_ += sizeof(Answer);
  return found->second;
}

void AnswerFolding::AddDelta(const v1::Delta& delta) {
  std::map<int, v1::Part>& parts = AnswerAt(delta.choice_index()).parts;
  const auto [found, is_new] = parts.try_emplace(delta.part_index());
  if (is_new) size_bytes_ += kPartBytes;
  v1::Part& part = found->second;
  AddPiece(delta, &part);
  for (const v1::Extension& extension : delta.extensions()) {
    AddExtension(extension, &part);
  }
  part.mutable_citations()->MergeFrom(delta.citations());
}

v1::GenerateResponse AnswerFolding::Finish() {
  for (auto& [index, answer] : answers_) {
    answer.choice.set_index(index);
    v1::Message* const message = answer.choice.mutable_message();
    message->set_role(v1::ROLE_ASSISTANT);
    for (auto& [place, part] : answer.parts) {
      *message->add_parts() = std::move(part);
    }
    *response_.add_choices() = std::move(answer.choice);
  }
  answers_.clear();
  size_bytes_ = 0;
  return std::exchange(response_, v1::GenerateResponse());
}

}  // namespace gateway
