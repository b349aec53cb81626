#include "service/pipeline/stream_recording.h"

#include <string_view>
#include <utility>

#include "service/pipeline/reused_answer.h"

namespace gateway {

void StreamRecording::Add(const StreamBatch& batch) {
  if (answer_ == nullptr) return;
  size_t bytes = answer_->body.size();
  for (const std::string_view piece : batch.raw) bytes += piece.size();
  for (const v1::GenerateEvent& event : batch.events) {
    bytes += event.ByteSizeLong();
  }
  if (bytes > bytes_max_) return GiveUp();
  if (!batch.raw.empty()) {
    for (const std::string_view piece : batch.raw) answer_->body.append(piece);
    answer_->event_ends.push_back(answer_->body.size());
  }
  for (const v1::GenerateEvent& event : batch.events) AddEvent(event);
}

void StreamRecording::AddEvent(const v1::GenerateEvent& event) {
  answer_->is_message = true;
  event.AppendToString(&answer_->body);
  answer_->event_ends.push_back(answer_->body.size());
  if (event.has_choice_end() && event.choice_end().choice_index() > 0 &&
      !IsEndOfModel(event.choice_end().finish_reason())) {
    other_choice_cut_ = true;
  }
}

KeptAnswerPtr StreamRecording::Keep(const Call& call, const Attempt& attempt) {
  if (answer_ == nullptr || !answer_->is_stream()) return nullptr;
  FillOrigin(call, attempt, answer_.get());
  answer_->body.shrink_to_fit();
  return std::move(answer_);
}

}  // namespace gateway
