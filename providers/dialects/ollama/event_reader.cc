#include "providers/dialects/ollama/event_reader.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "providers/dialects/error_reason.h"

namespace gateway::ollama {

absl::Status ChatEventReader::Read(std::string_view, std::string_view data,
                                   Events* events) {
  if (done_) return absl::OkStatus();
  ChatLine line;
  GATEWAY_RETURN_IF_ERROR(AsBadResponse(ReadChatLine(data, &line, calls_)));
  if (line.is_error) return ReadErrorReport(data);
  if (!started_) AddStarted(line, events);
  DropKnown(&line.extensions);
  AddDeltas(line, events);
  if (line.done) AddEnd(line, events);
  if (!line.usage_fault.ok()) return AsBadResponse(line.usage_fault);
  return absl::OkStatus();
}

void ChatEventReader::AddStarted(ChatLine& line, Events* events) {
  started_ = true;
  v1::StreamStarted* started = events->emplace_back().mutable_started();
  started->set_model(line.model);
  google::protobuf::Timestamp moment;
  if (ReadMoment(line.created_at, &moment)) {
    *started->mutable_create_time() = moment;
  }
  // Not from a last line: an answer in one line has them at its end.
  if (line.done) return;
  known_ = line.extensions;
  *started->mutable_extensions() = known_;
}

void ChatEventReader::DropKnown(ExtensionList* extensions) const {
  for (int i = extensions->size() - 1; i >= 0; --i) {
    const v1::Extension& extension = extensions->at(i);
    const bool is_known = std::any_of(
        known_.begin(), known_.end(), [&](const v1::Extension& known) {
          return known.name() == extension.name() &&
                 known.json() == extension.json();
        });
    if (is_known) extensions->erase(extensions->begin() + i);
  }
}

v1::Delta* ChatEventReader::AddDelta(PartKind kind, Events* events) {
  if (kind == PartKind::kNone || kind != open_) ++parts_;
  open_ = kind;
  v1::Delta* delta = events->emplace_back().mutable_delta();
  delta->set_part_index(parts_ - 1);
  return delta;
}

void ChatEventReader::AddDeltas(ChatLine& line, Events* events) {
  const size_t before = events->size();
  if (!line.thinking.empty()) {
    AddDelta(PartKind::kReasoning, events)
        ->set_reasoning(std::move(line.thinking));
  }
  if (!line.text.empty()) {
    AddDelta(PartKind::kText, events)->set_text(std::move(line.text));
  }
  for (v1::Part& call : line.calls) AddCall(call, events);
  const bool has_more = !line.logprobs.content().empty() ||
                        !line.message_extensions.empty() ||
                        (!line.done && !line.extensions.empty());
  if (!has_more) return;
  // Logprobs and extensions without a piece go with the part that is open.
  if (events->size() == before) {
    AddDelta(open_ == PartKind::kNone ? PartKind::kText : open_, events);
  }
  v1::Delta* delta = events->back().mutable_delta();
  if (!line.logprobs.content().empty()) {
    delta->mutable_logprobs()->Swap(&line.logprobs);
  }
  delta->mutable_extensions()->MergeFrom(line.message_extensions);
  if (!line.done) delta->mutable_extensions()->MergeFrom(line.extensions);
}

void ChatEventReader::AddCall(v1::Part& part, Events* events) {
  v1::Delta* delta = AddDelta(PartKind::kNone, events);
  v1::ToolCallDelta* call = delta->mutable_tool_call();
  v1::ToolCall& whole = *part.mutable_tool_call();
  call->set_id(std::move(*whole.mutable_id()));
  call->set_name(std::move(*whole.mutable_name()));
  call->set_arguments(std::move(*whole.mutable_arguments()));
  call->set_kind(whole.kind());
  call->set_index(calls_++);
  delta->mutable_extensions()->Swap(part.mutable_extensions());
}

void ChatEventReader::AddEnd(ChatLine& line, Events* events) {
  done_ = true;
  usage_ = line.ToUsage();
  *events->emplace_back().mutable_usage() = usage_;
  v1::ChoiceEnd* end = events->emplace_back().mutable_choice_end();
  end->set_finish_reason(
      FinishReasonOfTurn(line.done_reason, calls_ > 0, parts_ > 0));
  end->set_provider_finish_reason(std::move(line.done_reason));
  end->mutable_extensions()->Swap(&line.extensions);
}

}  // namespace gateway::ollama
