#include "providers/dialects/gemini/event_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "google/protobuf/util/message_differencer.h"
#include "providers/dialects/error_reason.h"
#include "providers/dialects/gemini/fields.h"
#include "providers/dialects/gemini/part_writer.h"
#include "providers/dialects/gemini/vendor_names.h"
#include "providers/dialects/object_fields.h"
#include "providers/dialects/told_usage.h"

namespace gateway::gemini {
namespace {

using ::google::protobuf::util::MessageDifferencer;

void Replace(v1::Extension& extension, ExtensionList* extensions) {
  for (v1::Extension& known : *extensions) {
    if (known.name() != extension.name()) continue;
    known.Swap(&extension);
    return;
  }
  extensions->Add()->Swap(&extension);
}

// Removes an extension from the part and returns its JSON; empty if there is
// none.
std::string TakeExtension(std::string_view name, v1::Part* part) {
  ExtensionList& extensions = *part->mutable_extensions();
  for (int i = 0; i < extensions.size(); ++i) {
    if (extensions[i].name() != name) continue;
    std::string json = extensions[i].json();
    extensions.DeleteSubrange(i, 1);
    return json;
  }
  return {};
}

}  // namespace

absl::Status ChunkReader::Read(std::string_view, std::string_view data,
                               Events* events) {
  told_output_ = false;
  if (absl::StripAsciiWhitespace(ToAbsl(data)).empty()) return absl::OkStatus();
  Answer answer;
  const absl::Status status = ReadAnswer(data, &answer);
  if (!status.ok()) return AsBadResponse(status);
  if (answer.is_error) return ReadErrorReport(data);
  Start(answer, events);
  for (Candidate& candidate : answer.candidates) {
    GATEWAY_RETURN_IF_ERROR(TakeParts(candidate, events));
  }
  TakeUsage(answer, events);
  for (Candidate& candidate : answer.candidates) {
    EndChoice(candidate.index, candidate.finish_word, choices_[candidate.index],
              events);
  }
  // The prompt was refused: any block reason, known or new, without a candidate
  // says so.
  if (choices_.empty() && !answer.block_word.empty()) {
    EndChoice(0, answer.block_word, choices_[0], events);
    events->back().mutable_choice_end()->set_finish_reason(
        v1::FINISH_REASON_CONTENT_FILTER);
  }
  if (!answer.usage_fault.ok()) return AsBadResponse(answer.usage_fault);
  return absl::OkStatus();
}

bool ChunkReader::CompleteAtClose() const {
  return !choices_.empty() &&
         std::all_of(choices_.begin(), choices_.end(),
                     [](const auto& each) { return each.second.ended; });
}

void ChunkReader::Start(Answer& answer, Events* events) {
  if (started_) return;
  started_ = true;
  seed_ = SeedOfCallIds(answer);
  v1::StreamStarted* started = events->emplace_back().mutable_started();
  started->set_id(answer.id);
  started->set_model(answer.model);
  started->mutable_extensions()->Swap(&answer.extensions);
}

v1::Delta* ChunkReader::AddDelta(int32_t choice_index, Choice& choice,
                                 Open open, bool appends, Events* events) {
  if (!appends || choice.open != open || choice.part_index < 0) {
    ++choice.part_index;
  }
  choice.open = open;
  choice.has_content = true;
  v1::Delta* delta = events->emplace_back().mutable_delta();
  delta->set_choice_index(choice_index);
  delta->set_part_index(choice.part_index);
  return delta;
}

absl::Status ChunkReader::TakeParts(Candidate& candidate, Events* events) {
  Choice& choice = choices_[candidate.index];
  const size_t before = events->size();
  for (v1::Part& part : candidate.parts) {
    GATEWAY_RETURN_IF_ERROR(TakePart(part, candidate.index, choice, events));
  }
  if (!candidate.logprobs.content().empty()) {
    if (events->size() == before) {
      AddDelta(candidate.index, choice, choice.open, /*appends=*/true, events);
    }
    (*events)[before].mutable_delta()->mutable_logprobs()->Swap(
        &candidate.logprobs);
  }
  return TakeExtensions(candidate, choice, events);
}

absl::Status ChunkReader::TakePart(v1::Part& part, int32_t choice_index,
                                   Choice& choice, Events* events) {
  const bool is_plain = part.extensions().empty();
  switch (part.kind_case()) {
    case v1::Part::kText: {
      // An empty text, as the last event has beside the finish reason, is no
      // piece.
      if (part.text().empty() && is_plain) return absl::OkStatus();
      v1::Delta* delta =
          AddDelta(choice_index, choice, Open::kText, is_plain, events);
      delta->mutable_text()->swap(*part.mutable_text());
      delta->mutable_extensions()->Swap(part.mutable_extensions());
      if (!is_plain) choice.open = Open::kNothing;
      return absl::OkStatus();
    }
    case v1::Part::kReasoning:
      TakeReasoning(part, choice_index, choice, events);
      return absl::OkStatus();
    case v1::Part::kToolCall:
      return TakeCall(part, choice_index, choice, events);
    case v1::Part::kAudio: {
      const bool appends = choice.open == Open::kAudio;
      v1::Delta* delta =
          AddDelta(choice_index, choice, Open::kAudio, appends, events);
      delta->mutable_audio()->Swap(part.mutable_audio());
      // Extensions go with the first piece only.
      if (!appends)
        delta->mutable_extensions()->Swap(part.mutable_extensions());
      return absl::OkStatus();
    }
    case v1::Part::kImage: {
      v1::Delta* delta = AddDelta(choice_index, choice, Open::kNothing,
                                  /*appends=*/false, events);
      delta->mutable_image()->Swap(part.mutable_image());
      delta->mutable_extensions()->Swap(part.mutable_extensions());
      return absl::OkStatus();
    }
    default:
      return TakeWhole(part, AddDelta(choice_index, choice, Open::kNothing,
                                      /*appends=*/false, events));
  }
}

// Delivers a call that came in pieces with its last one: what names places of
// values is no text that callers could append.
absl::Status ChunkReader::TakeCall(v1::Part& part, int32_t choice_index,
                                   Choice& choice, Events* events) {
  const std::string list = TakeExtension(kPartialArguments, &part);
  const bool goes_on = TakeExtension(kWillContinue, &part) == "true";
  if (!part.tool_call().name().empty()) {
    CloseCall(choice_index, choice, events);
    if (list.empty() && !goes_on) {
      AddCall(part, choice_index, choice, events);
      return absl::OkStatus();
    }
    choice.call = std::make_unique<OpenCall>();
    choice.call->part.Swap(&part);
  }
  if (choice.call == nullptr) return absl::OkStatus();
  if (!list.empty()) {
    GATEWAY_RETURN_IF_ERROR(AsBadResponse(choice.call->arguments.Add(list)));
  }
  if (!goes_on) CloseCall(choice_index, choice, events);
  return absl::OkStatus();
}

void ChunkReader::CloseCall(int32_t choice_index, Choice& choice,
                            Events* events) {
  if (choice.call == nullptr) return;
  const std::unique_ptr<OpenCall> call = std::move(choice.call);
  const std::string arguments = call->arguments.Json();
  v1::ToolCall* const whole = call->part.mutable_tool_call();
  if (arguments != "{}") whole->set_arguments(arguments);
  AddCall(call->part, choice_index, choice, events);
}

void ChunkReader::AddCall(v1::Part& part, int32_t choice_index, Choice& choice,
                          Events* events) {
  v1::ToolCall& call = *part.mutable_tool_call();
  NameCall(seed_, choice_index, choice.calls, &call);
  v1::Delta* delta = AddDelta(choice_index, choice, Open::kNothing,
                              /*appends=*/false, events);
  v1::ToolCallDelta* piece = delta->mutable_tool_call();
  piece->set_id(call.id());
  piece->set_name(call.name());
  piece->set_arguments(call.arguments());
  piece->set_kind(call.kind());
  piece->set_index(choice.calls++);
  delta->mutable_extensions()->Swap(part.mutable_extensions());
}

void ChunkReader::TakeReasoning(const v1::Part& part, int32_t choice_index,
                                Choice& choice, Events* events) {
  const v1::Reasoning& reasoning = part.reasoning();
  const bool is_plain =
      part.extensions().empty() && reasoning.signature().empty();
  v1::Delta* delta =
      AddDelta(choice_index, choice, Open::kThought, is_plain, events);
  delta->set_reasoning(reasoning.text());
  *delta->mutable_extensions() = part.extensions();
  if (!reasoning.signature().empty()) {
    AddDelta(choice_index, choice, Open::kThought, /*appends=*/true, events)
        ->set_reasoning_signature(reasoning.signature());
  }
  if (!is_plain) choice.open = Open::kNothing;
}

// Delivers what has no form as a delta: a stream of the contract has no files
// of its own.
absl::Status ChunkReader::TakeWhole(const v1::Part& part, v1::Delta* delta) {
  DroppedFields dropped(kDialect, nullptr);
  v1::OpaquePart* opaque = delta->mutable_opaque();
  opaque->set_dialect(std::string(kDialect));
  JsonWriter json(opaque->mutable_json());
  return PartWriter(dropped).Write(part, "candidates[]", json);
}

absl::Status ChunkReader::TakeExtensions(Candidate& candidate, Choice& choice,
                                         Events* events) {
  for (v1::Extension& extension : candidate.extensions) {
    if (extension.name() == kCitations) {
      v1::Delta* delta = events->emplace_back().mutable_delta();
      delta->set_choice_index(candidate.index);
      delta->set_part_index(std::max(choice.part_index, 0));
      delta->add_extensions()->Swap(&extension);
    } else if (extension.name() != "logprobsResult") {
      Replace(extension, &choice.extensions);
    }
  }
  // They are kept until the answer ends, and each looked for among all.
  if (choice.extensions.size() <= static_cast<int>(wire::kObjectFieldsLimit)) {
    return absl::OkStatus();
  }
  return AsBadResponse(
      absl::InvalidArgumentError("candidates[]: too many fields"));
}

void ChunkReader::TakeUsage(Answer& answer, Events* events) {
  if (!answer.has_usage) return;
  usage_extensions_.Swap(&answer.usage_extensions);
  if (!answer.usage.service_tier().empty()) {
    service_tier_ = answer.usage.service_tier();
  }
  v1::Usage usage = usage_;
  told_output_ = ReplaceUsage(answer.usage.ToUsage(), &usage);
  if (MessageDifferencer::Equals(usage, usage_)) return;
  usage_ = usage;
  *events->emplace_back().mutable_usage() = usage;
}

void ChunkReader::EndChoice(int32_t index, std::string_view word,
                            Choice& choice, Events* events) {
  if (word.empty() || choice.ended) return;
  CloseCall(index, choice, events);
  choice.ended = true;
  v1::ChoiceEnd* end = events->emplace_back().mutable_choice_end();
  end->set_choice_index(index);
  end->set_provider_finish_reason(std::string(word));
  end->set_finish_reason(
      FinishReasonOfTurn(word, choice.calls > 0, choice.has_content));
  end->mutable_extensions()->Swap(&choice.extensions);
  if (index == 0) end->mutable_extensions()->MergeFrom(usage_extensions_);
}

}  // namespace gateway::gemini
