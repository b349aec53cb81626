#include "providers/dialects/openai_chat/event_reader.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text/literal.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/citations.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/json_progress.h"
#include "providers/dialects/object_fields.h"
#include "providers/dialects/openai_chat/chunk_reader.h"
#include "providers/dialects/openai_chat/errors.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/repeated_chunk.h"
#include "providers/dialects/openai_chat/vendor_names.h"
#include "providers/dialects/told_usage.h"

namespace gateway::chat {
namespace {

// How many bytes of arguments are held back, at most, until their calls have
// names.
constexpr size_t kHeldBytesLimit = 64 << 10;

// The state of a choice over the whole stream.
struct ChoiceState {
  int part_count = 0;
  int text_part = -1;
  int refusal_part = -1;
  int reasoning_part = -1;
  int audio_part = -1;
  struct Call {
    int part = -1;
    std::string id;  // The vendor's; empty if there is none.
    std::string name;
    v1::ToolKind kind = v1::TOOL_KIND_UNSPECIFIED;
    // Came before the name, without which some formats cannot begin a call.
    std::string held_arguments;
    bool told = false;
    // Of a call without an id of the vendor's: how far its arguments are, and
    // whether they were whole when its name was repeated.
    ObjectProgress progress;
    bool named_again = false;
  };
  std::map<int32_t, Call> calls;
  // From the vendor's index to ours, for calls that share one.
  std::map<int32_t, int32_t> moved;
  int32_t last_call = -1;
  bool holds_calls = false;
  ChoiceContents contents;
  // Its calls came with a finish reason without letters.
  bool called = false;
  bool ended = false;
};

class ChunkEventReader final : public EventReader {
 public:
  explicit ChunkEventReader(bool done_marker) : done_marker_(done_marker) {}

  absl::Status Read(std::string_view name, std::string_view data,
                    EventList* events) override {
    told_output_ = false;
    if (done_ || data.empty()) return absl::OkStatus();
    if (data.front() == '[' && data.starts_with("[DONE]")) {
      done_ = true;
      EndBlankChoices(events);
      return absl::OkStatus();
    }
    if (Is(name, "error")) return ReadErrorEvent(data);
    const std::string_view text = repeated_.TextOf(data);
    if (!text.empty()) {
      AddDelta(repeated_choice_, repeated_part_, events)
          ->set_text(std::string(text));
      return absl::OkStatus();
    }
    return ReadChunk(data, events);
  }

  bool done() const override { return done_; }
  bool CompleteAtClose() const override {
    if (done_marker_ || choices_.empty()) return done_;
    for (const auto& [index, choice] : choices_) {
      if (!choice.ended) return false;
    }
    return true;
  }
  const v1::Usage& usage() const override { return usage_; }
  bool told_output() const override { return told_output_; }
  std::string_view service_tier() const override { return service_tier_; }

 private:
  absl::Status ReadChunk(std::string_view data, EventList* events) {
    ChatChunk chunk;
    const absl::Status status =
        ReadChatChunk(data, /*with_preface=*/!started_, &chunk);
    if (chunk.failed) return ReadErrorEvent(data);
    if (!status.ok()) return AsBadResponse(status);
    events_ = events;
    if (!chunk.service_tier.empty()) service_tier_ = chunk.service_tier;
    const bool started = started_;
    const size_t before = events->size();
    Emit(chunk);
    if (chunk.has_usage) {
      told_output_ = ReplaceUsage(chunk.usage, &usage_);
      *events_->emplace_back().mutable_usage() = usage_;
    }
    if (!chunk.usage_fault.ok()) return AsBadResponse(chunk.usage_fault);
    if (started && events->size() == before + 1) Learn(data, chunk.raw_text);
    return absl::OkStatus();
  }

  // Remembers a chunk that became one event. If that is a text and nothing
  // else, chunks that differ by the text only become the same event.
  void Learn(std::string_view data, std::string_view raw_text) {
    const v1::Delta& delta = events_->back().delta();
    if (delta.text().empty() || delta.text() != raw_text ||
        delta.has_logprobs() || !delta.extensions().empty()) {
      return;
    }
    repeated_.Learn(data, raw_text.data() - data.data(), raw_text.size());
    repeated_choice_ = delta.choice_index();
    repeated_part_ = delta.part_index();
  }

  static v1::Delta* AddDelta(int32_t choice, int32_t part, EventList* events) {
    v1::Delta* const delta = events->emplace_back().mutable_delta();
    delta->set_choice_index(choice);
    delta->set_part_index(part);
    return delta;
  }

  void Emit(ChatChunk& chunk) {
    // A chunk without choices before the first one with some is a preface,
    // whose id and model may be blank.
    if (!started_) {
      constexpr auto kMax = static_cast<int>(wire::kObjectFieldsLimit);
      for (v1::Extension& extension : chunk.extensions) {
        // Any number of prefaces may come.
        if (start_extensions_.size() == kMax) break;
        *start_extensions_.Add() = std::move(extension);
      }
      chunk.extensions.Clear();
      if (chunk.choices.empty()) return;
      EmitStarted(chunk);
    }
    for (ChoiceFragment& choice : chunk.choices) {
      AddChunkExtensions(chunk, &choice.extensions);
      EmitChoice(choice);
    }
  }

  void EmitStarted(ChatChunk& chunk) {
    started_ = true;
    v1::StreamStarted* started = events_->emplace_back().mutable_started();
    started->set_id(chunk.id);
    started->set_model(chunk.model);
    started->set_service_tier(service_tier_);
    started->set_system_fingerprint(chunk.system_fingerprint);
    if (chunk.created_seconds > 0) {
      started->mutable_create_time()->set_seconds(chunk.created_seconds);
    }
    answer_id_ = std::move(chunk.id);
    created_seconds_ = chunk.created_seconds;
    *started->mutable_extensions() = start_extensions_;
  }

  // Adds the extensions that are not repeated by every chunk: those were told
  // at the start.
  void AddChunkExtensions(ChatChunk& chunk, ExtensionList* extensions) {
    for (v1::Extension& extension : chunk.extensions) {
      const v1::Extension* known =
          FindExtension(start_extensions_, extension.name());
      if (known != nullptr && known->json() == extension.json()) continue;
      extension.set_name(absl::StrCat("chunk.", extension.name()));
      *extensions->Add() = std::move(extension);
    }
    chunk.extensions.Clear();
  }

  void EmitChoice(ChoiceFragment& choice) {
    ChoiceState& state = choices_[choice.index];
    first_delta_ = nullptr;
    EmitTexts(choice, state);
    for (CallFragment& call : choice.calls) {
      EmitCall(choice.index, std::move(call), state);
    }
    if (choice.audio.has_value()) {
      state.contents.content = true;
      *NewDelta(choice.index, state.audio_part, state)->mutable_audio() =
          *std::move(choice.audio);
    }
    const bool ends = !choice.finish_reason.empty() && !state.ended;
    if (choice.logprobs.has_value()) {
      *AnyDelta(choice.index, state)->mutable_logprobs() =
          *std::move(choice.logprobs);
    }
    if (!choice.extensions.empty() && (!ends || first_delta_ != nullptr)) {
      v1::Delta* const delta = AnyDelta(choice.index, state);
      *delta->mutable_extensions() = std::exchange(choice.extensions, {});
      if (const v1::Extension* annotations =
              FindExtension(delta->extensions(), "delta.annotations")) {
        AddUrlCitations(annotations->json(), delta->mutable_citations());
      }
    }
    if (choice.blank_reason && state.contents.tool_calls) state.called = true;
    if (ends) EmitEnd(choice, state);
  }

  void EmitTexts(ChoiceFragment& choice, ChoiceState& state) {
    if (!choice.reasoning.empty()) {
      state.contents.content = true;
      NewDelta(choice.index, state.reasoning_part, state)
          ->set_reasoning(std::move(choice.reasoning));
    }
    if (!choice.content.empty()) {
      state.contents.content = true;
      NewDelta(choice.index, state.text_part, state)
          ->set_text(std::move(choice.content));
    }
    for (v1::Part& part : choice.content_parts) {
      EmitContentPart(part, choice.index, state);
    }
    if (!choice.refusal.empty()) {
      state.contents.content = true;
      state.contents.refusal = true;
      NewDelta(choice.index, state.refusal_part, state)
          ->set_refusal(std::move(choice.refusal));
    }
  }

  // Delivers an entry of a content that is a list.
  void EmitContentPart(v1::Part& part, int32_t choice_index,
                       ChoiceState& state) {
    v1::Delta* delta = nullptr;
    if (part.has_text()) {
      if (part.text().empty()) return;
      delta = NewDelta(choice_index, state.text_part, state);
      delta->mutable_text()->swap(*part.mutable_text());
    } else if (part.has_reasoning()) {
      if (part.reasoning().text().empty()) return;
      delta = NewDelta(choice_index, state.reasoning_part, state);
      delta->mutable_reasoning()->swap(
          *part.mutable_reasoning()->mutable_text());
    } else if (part.has_refusal()) {
      state.contents.refusal = true;
      delta = NewDelta(choice_index, state.refusal_part, state);
      delta->mutable_refusal()->swap(*part.mutable_refusal());
    } else if (part.has_opaque() || part.has_image()) {
      int whole = -1;
      delta = NewDelta(choice_index, whole, state);
      if (part.has_image()) {
        delta->mutable_image()->Swap(part.mutable_image());
      } else {
        delta->mutable_opaque()->Swap(part.mutable_opaque());
      }
    } else {
      return;
    }
    state.contents.content = true;
    delta->mutable_extensions()->Swap(part.mutable_extensions());
  }

  void EmitCall(int32_t choice_index, CallFragment call, ChoiceState& state) {
    const int32_t index = IndexOf(call, state);
    if (index > kToolCallIndexMax) return;
    ChoiceState::Call& known = state.calls[index];
    state.last_call = index;
    state.contents.content = true;
    state.contents.tool_calls = true;
    // Taken once: some vendors repeat id and name with every fragment.
    if (known.id.empty()) known.id = std::move(call.id);
    if (known.name.empty()) {
      known.name = std::move(call.name);
      known.kind = call.kind;
    }
    if (known.id.empty()) known.progress.Feed(call.arguments);
    const bool waits = known.name.empty() && !known.told;
    if (waits && held_bytes_ + call.arguments.size() <= kHeldBytesLimit) {
      held_bytes_ += call.arguments.size();
      known.held_arguments += call.arguments;
      state.holds_calls = true;
      return;
    }
    TellCall(choice_index, index, std::move(call.arguments), known, state);
  }

  void TellCall(int32_t choice_index, int32_t index, std::string arguments,
                ChoiceState::Call& known, ChoiceState& state) {
    v1::ToolCallDelta* delta =
        NewDelta(choice_index, known.part, state)->mutable_tool_call();
    delta->set_index(index);
    if (std::exchange(known.told, true)) {
      delta->set_arguments(std::move(arguments));
      return;
    }
    delta->set_arguments(std::exchange(known.held_arguments, {}) + arguments);
    delta->set_id(known.id.empty()
                      ? MadeUpCallId(answer_id_, created_seconds_, choice_index,
                                     index, known.name)
                      : known.id);
    delta->set_name(known.name);
    delta->set_kind(known.kind);
  }

  // Tells, at the end of a choice, its calls that got no name.
  void TellHeldCalls(int32_t choice_index, ChoiceState& state) {
    for (auto& [index, call] : state.calls) {
      if (!call.told) TellCall(choice_index, index, {}, call, state);
    }
  }

  // Returns whether a fragment begins a call, though its index, or that it has
  // none, has it go on with `known`. If a vendor leaves out the index, a new id
  // does. Others, as Google's OpenAI-compatible service, give all calls of a
  // turn the same index: there a new id with a name does. Where there are no
  // ids, another name does, and the same one if the arguments are whole and
  // more of them come.
  static bool Begins(CallFragment& call, ChoiceState::Call& known) {
    if (!call.id.empty()) {
      if (call.id == known.id) return false;
      if (!call.index.has_value()) return true;
      if (!known.id.empty()) return !call.name.empty();
    }
    if (known.name.empty()) return false;
    if (!call.name.empty() && call.name != known.name) return true;
    if (!known.id.empty() || !known.progress.complete()) return false;
    known.named_again = known.named_again || !call.name.empty();
    if (!known.named_again ||
        call.arguments.find_first_not_of(" \t\r\n") == std::string::npos) {
      return false;
    }
    call.name = known.name;
    return true;
  }

  // Returns which call a fragment belongs to.
  static int32_t IndexOf(CallFragment& call, ChoiceState& state) {
    if (call.index.has_value()) {
      const auto moved = state.moved.find(*call.index);
      const int32_t index =
          moved == state.moved.end() ? *call.index : moved->second;
      const auto known = state.calls.find(index);
      if (known == state.calls.end() || !Begins(call, known->second)) {
        return index;
      }
      return state.moved[*call.index] = state.calls.rbegin()->first + 1;
    }
    if (state.last_call < 0) return 0;
    return Begins(call, state.calls.at(state.last_call))
               ? state.calls.rbegin()->first + 1
               : state.last_call;
  }

  // Ends, at the end of the stream, choices whose calls came with a finish
  // reason without letters: xAI writes it for choices that called tools, others
  // write it beside every piece.
  void EndBlankChoices(EventList* events) {
    events_ = events;
    for (auto& [index, state] : choices_) {
      if (!state.called || state.ended) continue;
      ChoiceFragment end;
      end.index = index;
      EmitEnd(end, state);
    }
  }

  void EmitEnd(ChoiceFragment& choice, ChoiceState& state) {
    state.ended = true;
    if (state.holds_calls) TellHeldCalls(choice.index, state);
    v1::ChoiceEnd* end = events_->emplace_back().mutable_choice_end();
    end->set_choice_index(choice.index);
    end->set_finish_reason(
        ReadFinishReason(choice.finish_reason, state.contents));
    end->set_provider_finish_reason(std::move(choice.finish_reason));
    *end->mutable_extensions() = std::move(choice.extensions);
  }

  // Adds a delta of the part `part`, which gets its number with the first.
  v1::Delta* NewDelta(int32_t choice_index, int& part, ChoiceState& state) {
    if (part < 0) part = state.part_count++;
    const bool first = first_delta_ == nullptr;
    v1::Delta* const delta = AddDelta(choice_index, part, events_);
    // The pointer stays valid: a message's address outlives the growth of the
    // vector around it.
    if (first) first_delta_ = delta;
    return delta;
  }

  // Returns this chunk's first delta of the choice; adds one if there is none.
  v1::Delta* AnyDelta(int32_t choice_index, ChoiceState& state) {
    if (first_delta_ != nullptr) return first_delta_;
    return NewDelta(choice_index, state.text_part, state);
  }

  const bool done_marker_;
  bool started_ = false;
  bool done_ = false;
  v1::Usage usage_;
  bool told_output_ = false;
  std::string service_tier_;
  std::string answer_id_;
  int64_t created_seconds_ = 0;
  size_t held_bytes_ = 0;  // Of arguments, so far.
  ExtensionList start_extensions_;
  std::map<int32_t, ChoiceState> choices_;

  // The last chunk that was nothing but text, and the choice and part it was
  // of.
  RepeatedChunk repeated_;
  int32_t repeated_choice_ = 0;
  int32_t repeated_part_ = 0;

  // Set while a chunk is read.
  EventList* events_ = nullptr;
  v1::Delta* first_delta_ = nullptr;
};

}  // namespace

std::unique_ptr<EventReader> NewEventReader(bool done_marker) {
  return std::make_unique<ChunkEventReader>(done_marker);
}

}  // namespace gateway::chat
