#include "providers/answer_texts.h"

#include <string>

namespace gateway {
namespace {

// Replaced and not cleared, which would keep the memory.
void Release(std::string* text) {
  if (text->size() >= kLongTextBytes) std::string().swap(*text);
}

void Release(v1::Reasoning* reasoning) {
  Release(reasoning->mutable_text());
  Release(reasoning->mutable_signature());
  Release(reasoning->mutable_redacted_data());
}

void Release(v1::Part* part) {
  switch (part->kind_case()) {
    case v1::Part::kText:
      return Release(part->mutable_text());
    case v1::Part::kRefusal:
      return Release(part->mutable_refusal());
    case v1::Part::kReasoning:
      return Release(part->mutable_reasoning());
    case v1::Part::kToolCall:
      return Release(part->mutable_tool_call()->mutable_arguments());
    case v1::Part::kImage:
      if (part->image().has_data()) {
        Release(part->mutable_image()->mutable_data());
      }
      return;
    case v1::Part::kAudio:
      return Release(part->mutable_audio()->mutable_data());
    default:
      return;
  }
}

}  // namespace

void ReleaseTexts(v1::GenerateEvent* event) {
  if (!event->has_delta()) return;
  v1::Delta* const delta = event->mutable_delta();
  switch (delta->piece_case()) {
    case v1::Delta::kText:
      return Release(delta->mutable_text());
    case v1::Delta::kRefusal:
      return Release(delta->mutable_refusal());
    case v1::Delta::kReasoning:
      return Release(delta->mutable_reasoning());
    case v1::Delta::kReasoningSignature:
      return Release(delta->mutable_reasoning_signature());
    case v1::Delta::kRedactedReasoning:
      return Release(delta->mutable_redacted_reasoning());
    case v1::Delta::kToolCall:
      return Release(delta->mutable_tool_call()->mutable_arguments());
    case v1::Delta::kAudio:
      return Release(delta->mutable_audio()->mutable_data());
    case v1::Delta::kImage:
      if (delta->image().has_data()) {
        Release(delta->mutable_image()->mutable_data());
      }
      return;
    default:
      return;
  }
}

void ReleaseTexts(v1::GenerateResponse* response) {
  for (v1::Choice& choice : *response->mutable_choices()) {
    for (v1::Part& part : *choice.mutable_message()->mutable_parts()) {
      Release(&part);
    }
  }
}

}  // namespace gateway
