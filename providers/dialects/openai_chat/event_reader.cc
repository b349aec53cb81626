#include "providers/dialects/openai_chat/event_reader.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/data_url.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/openai_chat/errors.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/logprobs.h"
#include "providers/dialects/openai_chat/repeated_chunk.h"
#include "providers/dialects/openai_chat/usage.h"
#include "providers/dialects/openai_chat/words.h"
#include "providers/dialects/scan_values.h"

namespace gateway {
namespace {

using wire::ReadText;

// What a stream may number; more is not to be believed.
constexpr int32_t kToolCallIndexMax = 511;

// A tool call as one chunk tells of it.
struct CallFragment {
  std::optional<int32_t> index;
  std::string id;
  std::string name;
  std::string arguments;
  v1::ToolKind kind = v1::TOOL_KIND_UNSPECIFIED;
};

// A choice as one chunk tells of it.
struct ChoiceFragment {
  int32_t index = 0;
  std::string content;
  std::string_view raw_content;  // While the chunk is being read.
  std::string refusal;
  std::string reasoning;
  std::vector<CallFragment> calls;
  std::optional<v1::Audio> audio;
  std::optional<v1::Logprobs> logprobs;
  std::string finish_reason;
  Extensions extensions;
};

struct Chunk {
  std::string id;
  std::string model;
  std::string service_tier;
  std::string system_fingerprint;
  int64_t created_seconds = 0;
  absl::InlinedVector<ChoiceFragment, 1> choices;
  bool has_usage = false;
  bool failed = false;
  Extensions extensions;
};

absl::Status ReadContent(JsonValue& value, ChoiceFragment* choice) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const JsonString content, value.StringAndRaw());
  choice->content = content.text;
  choice->raw_content = content.raw;
  return absl::OkStatus();
}

// A choice over the whole stream.
struct ChoiceState {
  int part_count = 0;
  int text_part = -1;
  int refusal_part = -1;
  int reasoning_part = -1;
  int audio_part = -1;
  struct Call {
    int part = -1;
    std::string id;
    bool named = false;
  };
  std::map<int32_t, Call> calls;
  int32_t last_call = -1;
  ChoiceContents contents;
  bool ended = false;
};

absl::Status ReadCallFragment(JsonValue& value, std::string_view arguments_key,
                              CallFragment* call) {
  if (value.IsNull()) return absl::OkStatus();
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "name") return ReadText(field, &call->name);
        if (key != arguments_key) return absl::OkStatus();
        if (!field.IsObject()) return ReadText(field, &call->arguments);
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, field.Raw());
        call->arguments = raw;
        return absl::OkStatus();
      });
}

absl::Status ReadCall(JsonValue& value, CallFragment* call) {
  return value.EachField([&](std::string_view key,
                             JsonValue& field) -> absl::Status {
    if (key == "index" && !field.IsNull()) {
      GATEWAY_ASSIGN_OR_RETURN(call->index, field.Int32(0, kToolCallIndexMax));
    } else if (key == "id") {
      return ReadText(field, &call->id);
    } else if (key == "function") {
      call->kind = v1::TOOL_KIND_FUNCTION;
      return ReadCallFragment(field, "arguments", call);
    } else if (key == "custom") {
      call->kind = v1::TOOL_KIND_CUSTOM;
      return ReadCallFragment(field, "input", call);
    }
    return absl::OkStatus();
  });
}

absl::Status ReadAudioFragment(JsonValue& value, v1::Audio* audio) {
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "id") return ReadText(field, audio->mutable_id());
        if (key == "transcript") {
          return ReadText(field, audio->mutable_transcript());
        }
        if (key == "expires_at" && !field.IsNull()) {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t seconds, field.Int64());
          audio->set_expires_at_seconds(seconds);
        } else if (key == "data" && !field.IsNull()) {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, field.String());
          if (!ReadBase64(text, audio->mutable_data())) {
            return field.Error("expected base64");
          }
        }
        return absl::OkStatus();
      });
}

absl::Status ReadDeltaField(std::string_view key, JsonValue& value,
                            ChoiceFragment* choice) {
  if (key == "role") return absl::OkStatus();
  if (key == "content" && !value.IsArray()) {
    return ReadContent(value, choice);
  }
  if (key == "refusal") return ReadText(value, &choice->refusal);
  if ((key == "reasoning_content" || key == "reasoning") &&
      (value.IsString() || value.IsNull())) {
    return ReadText(value, &choice->reasoning);
  }
  if (value.IsNull()) return absl::OkStatus();
  if (key == "tool_calls") {
    return value.EachElement([&](JsonValue& call) {
      return ReadCall(call, &choice->calls.emplace_back());
    });
  }
  if (key == "function_call") {
    CallFragment& call = choice->calls.emplace_back();
    call = {.index = 0, .kind = v1::TOOL_KIND_FUNCTION};
    // The old form has no id; the answer to it must have one.
    call.id = absl::StrCat("call_legacy_", choice->index + 1);
    return ReadCallFragment(value, "arguments", &call);
  }
  if (key == "audio") return ReadAudioFragment(value, &choice->audio.emplace());
  return KeepField(absl::StrCat("delta.", ToAbsl(key)), value,
                   &choice->extensions);
}

absl::Status ReadChoiceFragment(JsonValue& value, ChoiceFragment* choice,
                                bool* failed) {
  return value.EachField([&](std::string_view key,
                             JsonValue& field) -> absl::Status {
    if (key == "index") {
      GATEWAY_ASSIGN_OR_RETURN(choice->index, field.Int32(0, kChoiceIndexMax));
      return absl::OkStatus();
    }
    if (key == "finish_reason") {
      return ReadText(field, &choice->finish_reason);
    }
    if (field.IsNull()) return absl::OkStatus();
    if (key == "delta") {
      return field.EachField([&](std::string_view name, JsonValue& piece) {
        return ReadDeltaField(name, piece, choice);
      });
    }
    if (key == "logprobs") {
      return ReadOpenAiLogprobs(field, &choice->logprobs.emplace());
    }
    if (key == "error") {
      *failed = true;
      return absl::OkStatus();
    }
    return KeepField(key, field, &choice->extensions);
  });
}

// What every chunk repeats and only the first is asked for.
bool IsPreface(std::string_view key) {
  return key == "id" || key == "model" || key == "created" ||
         key == "service_tier" || key == "system_fingerprint";
}

absl::Status ReadPreface(std::string_view key, JsonValue& value, Chunk* chunk) {
  if (key == "id") return ReadText(value, &chunk->id);
  if (key == "model") return ReadText(value, &chunk->model);
  if (key == "service_tier") return ReadText(value, &chunk->service_tier);
  if (key == "system_fingerprint") {
    return ReadText(value, &chunk->system_fingerprint);
  }
  GATEWAY_ASSIGN_OR_RETURN(chunk->created_seconds, value.Int64());
  if (chunk->created_seconds < 0 ||
      chunk->created_seconds > kTimestampSecondsMax) {
    return value.Error("not a plausible time");
  }
  return absl::OkStatus();
}

absl::Status ReadChunkField(std::string_view key, JsonValue& value,
                            Chunk* chunk, v1::Usage* usage) {
  if (value.IsNull() || key == "object" || key == "obfuscation") {
    return absl::OkStatus();
  }
  if (key == "choices") {
    return value.EachElement([&](JsonValue& choice) {
      return ReadChoiceFragment(choice, &chunk->choices.emplace_back(),
                                &chunk->failed);
    });
  }
  if (key == "usage") {
    chunk->has_usage = true;
    Leftovers others;
    GATEWAY_RETURN_IF_ERROR(ReadOpenAiUsage(value, usage, &others));
    others.AddTo("usage", &chunk->extensions);
    return absl::OkStatus();
  }
  if (key == "error") {
    // False and its kin mean that there is none.
    chunk->failed = chunk->failed || value.IsObject() || value.IsString();
    return absl::OkStatus();
  }
  return KeepField(key, value, &chunk->extensions);
}

class OpenAiEventReader final : public EventReader {
 public:
  explicit OpenAiEventReader(bool done_marker) : done_marker_(done_marker) {}

  absl::Status Read(std::string_view name, std::string_view data,
                    EventList* events) override {
    if (done_ || data.empty()) return absl::OkStatus();
    if (data.starts_with("[DONE]")) {
      done_ = true;
      return absl::OkStatus();
    }
    if (name == "error") return ReadOpenAiErrorEvent(data);
    const std::string_view text = repeated_.TextOf(data);
    if (!text.empty()) {
      AddDelta(repeated_choice_, repeated_part_, events)
          ->mutable_text()
          ->assign(text);
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

 private:
  absl::Status ReadChunk(std::string_view data, EventList* events) {
    Chunk chunk;
    v1::Usage usage;
    std::string_view raw_text;
    const absl::Status status = ReadJson(
        data, JsonPadding::kAbsent, [&](JsonValue& root) -> absl::Status {
          const char* const begin = root.FirstToken().data();
          GATEWAY_RETURN_IF_ERROR(
              root.EachField([&](std::string_view key, JsonValue& value) {
                if (!IsPreface(key)) {
                  return ReadChunkField(key, value, &chunk, &usage);
                }
                if (started_ || value.IsNull()) return absl::OkStatus();
                return ReadPreface(key, value, &chunk);
              }));
          raw_text = RawTextOf(chunk, data, begin);
          return absl::OkStatus();
        });
    if (chunk.failed) return ReadOpenAiErrorEvent(data);
    if (!status.ok()) return AsBadResponse(status);
    events_ = events;
    const bool started = started_;
    const size_t before = events->size();
    Emit(chunk);
    if (chunk.has_usage) {
      usage_ = std::move(usage);
      *events_->emplace_back().mutable_usage() = usage_;
    }
    if (started && events->size() == before + 1) Learn(data, raw_text);
    return absl::OkStatus();
  }

  // The text of a chunk's one choice as it stands in `data`, without quotes;
  // null if there is none. `begin` is where the reader has the first token.
  static std::string_view RawTextOf(const Chunk& chunk, std::string_view data,
                                    const char* begin) {
    if (chunk.choices.size() != 1) return {};
    const std::string_view raw = chunk.choices[0].raw_content;
    if (raw.empty()) return {};
    const size_t first = data.find_first_not_of(" \t\r\n");
    return data.substr(first + (raw.data() - begin) + 1, raw.size() - 2);
  }

  // A chunk that came to one event. If that is a text and nothing else, others
  // with another text come to the same.
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

  void Emit(Chunk& chunk) {
    // A chunk without choices before the first one with some is a preface,
    // whose id and model may be blank.
    if (!started_) {
      for (v1::Extension& extension : chunk.extensions) {
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

  void EmitStarted(const Chunk& chunk) {
    started_ = true;
    v1::StreamStarted* started = events_->emplace_back().mutable_started();
    started->set_id(chunk.id);
    started->set_model(chunk.model);
    started->set_service_tier(chunk.service_tier);
    started->set_system_fingerprint(chunk.system_fingerprint);
    if (chunk.created_seconds > 0) {
      started->mutable_create_time()->set_seconds(chunk.created_seconds);
    }
    *started->mutable_extensions() = start_extensions_;
  }

  // What every chunk repeats was told at the start.
  void AddChunkExtensions(Chunk& chunk, Extensions* extensions) {
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
      *AnyDelta(choice.index, state)->mutable_extensions() =
          std::exchange(choice.extensions, {});
    }
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
    if (!choice.refusal.empty()) {
      state.contents.content = true;
      state.contents.refusal = true;
      NewDelta(choice.index, state.refusal_part, state)
          ->set_refusal(std::move(choice.refusal));
    }
  }

  void EmitCall(int32_t choice_index, CallFragment call, ChoiceState& state) {
    const int32_t index = IndexOf(call, state);
    if (index > kToolCallIndexMax) return;
    ChoiceState::Call& known = state.calls[index];
    state.last_call = index;
    state.contents.content = true;
    state.contents.tool_calls = true;
    v1::ToolCallDelta* delta =
        NewDelta(choice_index, known.part, state)->mutable_tool_call();
    delta->set_index(index);
    delta->set_arguments(std::move(call.arguments));
    // Some vendors repeat id and name with every fragment.
    if (known.id.empty() && !call.id.empty()) {
      known.id = call.id;
      delta->set_id(std::move(call.id));
    }
    if (!known.named && !call.name.empty()) {
      known.named = true;
      delta->set_name(std::move(call.name));
      delta->set_kind(call.kind);
    }
  }

  // Where a vendor leaves out the index, a new id begins a new call.
  static int32_t IndexOf(const CallFragment& call, const ChoiceState& state) {
    if (call.index.has_value()) return *call.index;
    if (state.last_call < 0) return 0;
    const bool begins =
        !call.id.empty() && state.calls.at(state.last_call).id != call.id;
    return begins ? state.calls.rbegin()->first + 1 : state.last_call;
  }

  void EmitEnd(ChoiceFragment& choice, ChoiceState& state) {
    state.ended = true;
    v1::ChoiceEnd* end = events_->emplace_back().mutable_choice_end();
    end->set_choice_index(choice.index);
    end->set_finish_reason(
        ReadFinishReason(choice.finish_reason, state.contents));
    end->set_provider_finish_reason(std::move(choice.finish_reason));
    *end->mutable_extensions() = std::move(choice.extensions);
  }

  // A delta of the part `part`, which gets its number with the first.
  v1::Delta* NewDelta(int32_t choice_index, int& part, ChoiceState& state) {
    if (part < 0) part = state.part_count++;
    const bool first = first_delta_ == nullptr;
    v1::Delta* const delta = AddDelta(choice_index, part, events_);
    // A message's address outlives the growth of the vector around it.
    if (first) first_delta_ = delta;
    return delta;
  }

  // This chunk's first delta of the choice, made if there is none.
  v1::Delta* AnyDelta(int32_t choice_index, ChoiceState& state) {
    if (first_delta_ != nullptr) return first_delta_;
    return NewDelta(choice_index, state.text_part, state);
  }

  const bool done_marker_;
  bool started_ = false;
  bool done_ = false;
  v1::Usage usage_;
  Extensions start_extensions_;
  std::map<int32_t, ChoiceState> choices_;

  // The last chunk that was nothing but text, and whose that was.
  RepeatedChunk repeated_;
  int32_t repeated_choice_ = 0;
  int32_t repeated_part_ = 0;

  // Of the chunk being read.
  EventList* events_ = nullptr;
  v1::Delta* first_delta_ = nullptr;
};

}  // namespace

std::unique_ptr<EventReader> NewOpenAiEventReader(bool done_marker) {
  return std::make_unique<OpenAiEventReader>(done_marker);
}

}  // namespace gateway
