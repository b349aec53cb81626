#include "providers/dialects/openai_chat/event_writer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "base/text/utf8.h"
#include "errors/fault.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/errors.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/citations.h"
#include "providers/dialects/data_url.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/dropped_fields.h"
#include "providers/dialects/openai_chat/answer_writer.h"
#include "providers/dialects/openai_chat/errors.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/logprobs.h"
#include "providers/dialects/openai_chat/part_writer.h"
#include "providers/dialects/openai_chat/usage.h"
#include "providers/dialects/openai_chat/vendor_names.h"

namespace gateway::chat {
namespace {

// The most citations of one choice.
constexpr size_t kCitationsMax = 1024;
// The longest thought that is kept for its signature: longer than any model's.
constexpr size_t kThoughtBytesMax = 1 << 20;
// How much a node of a set or a map takes, about.
constexpr size_t kNodeBytes = 64;

constexpr std::string_view kEmptyText = R"("delta":{"content":"")";
constexpr std::string_view kDeltaPrefix = "delta.";
constexpr std::string_view kChunkPrefix = "chunk.";
constexpr std::string_view kDeltaFields[] = {
    "role",       "content",       "refusal", "reasoning_content",
    "tool_calls", "function_call", "audio"};
constexpr std::string_view kChoiceFields[] = {"index", "delta", "logprobs",
                                              "finish_reason"};
constexpr std::string_view kChunkFields[] = {
    "id",    "object",       "created",           "model", "choices", "usage",
    "error", "service_tier", "system_fingerprint"};

// Returns our extensions whose names begin with `prefix`, without it; those
// without any prefix if it is empty.
ExtensionList Named(const ExtensionList& extensions, std::string_view prefix) {
  ExtensionList named;
  for (const v1::Extension& extension : extensions) {
    const std::string_view name = extension.name();
    if (extension.dialect() != kDialect) continue;
    if (prefix.empty()
            ? name.starts_with(kDeltaPrefix) || name.starts_with(kChunkPrefix)
            : !name.starts_with(prefix)) {
      continue;
    }
    v1::Extension* copy = named.Add();
    *copy = extension;
    copy->set_name(std::string(name.substr(prefix.size())));
  }
  return named;
}

class ChunkWriter final : public EventWriter {
 public:
  explicit ChunkWriter(const Options& options)
      : options_(options), created_seconds_(options.created_seconds) {}

  absl::Status Write(const v1::GenerateEvent& event,
                     std::string* out) override {
    switch (event.event_case()) {
      case v1::GenerateEvent::kStarted:
        Begin(event.started());
        return absl::OkStatus();
      case v1::GenerateEvent::kDelta:
        return WriteDelta(event.delta(), out);
      case v1::GenerateEvent::kUsage:
        usage_ = event.usage();
        return absl::OkStatus();
      case v1::GenerateEvent::kChoiceEnd:
        return WriteChoiceEnd(event.choice_end(), out);
      case v1::GenerateEvent::kEnd:
        return WriteEnd(event.end(), out);
      case v1::GenerateEvent::EVENT_NOT_SET:
        return absl::OkStatus();
    }
    return absl::OkStatus();
  }

 private:
  using WriteFields = absl::FunctionRef<absl::Status(JsonWriter& json)>;

  struct Cited {
    v1::Citation citation;
    int32_t part = 0;
    CitedSpan span;  // Without the citation; set if its part has ended.
  };

  struct ChoiceState {
    bool began = false;
    ChoiceContents contents;
    // The part whose text is being written, and where it begins among the
    // characters of the content.
    int32_t text_part = -1;
    int64_t text_begin = 0;
    int64_t characters = 0;
    // Citations are written at the end: before, it is not known where the text
    // ends that they belong to.
    std::vector<Cited> cited;
    // The thought whose signature may come.
    int32_t thought_part = -1;
    std::string thought;
    bool thought_too_long = false;
    // Calls of custom tools, remembered since only a call's first piece tells
    // its kind.
    std::set<int32_t> custom_calls;
    size_t held_bytes = 0;  // Counted of those two: the most so far.
  };

  ChoiceState& StateOf(int32_t index) {
    const auto [found, is_new] = choices_.try_emplace(index);
    if (is_new) AddHeldBytes(sizeof(ChoiceState) + kNodeBytes);
    return found->second;
  }

  void CountHeld(ChoiceState& state) {
    const size_t held =
        state.thought.size() + state.custom_calls.size() * kNodeBytes;
    if (held <= state.held_bytes) return;
    AddHeldBytes(held - std::exchange(state.held_bytes, held));
  }

  void Begin(const v1::StreamStarted& started) {
    id_ = started.id().empty() ? absl::StrCat("chatcmpl-", started.request_id())
                               : started.id();
    model_ = started.model().empty() ? options_.model : started.model();
    if (started.has_create_time()) {
      created_seconds_ = started.create_time().seconds();
    }
    system_fingerprint_ = started.system_fingerprint();
    service_tier_ = ServiceTierWord(started.service_tier());
    start_extensions_ = Named(started.extensions(), "");
    around_.clear();
  }

  // Writes one event: the chunk's own fields, then those of `write_choices`,
  // beginning with the array.
  absl::Status WriteChunk(const ExtensionList& extensions, bool with_usage,
                          WriteFields write_choices, std::string* out) {
    if (const v1::Extension* others = FindExtension(extensions, "usage")) {
      usage_extensions_.Clear();
      *usage_extensions_.Add() = *others;
    }
    const size_t begin = out->size();
    out->append("data: ");
    JsonWriter json(out);
    DroppedFields unheard(kDialect, nullptr);
    json.StartObject();
    json.StringField("id", id_);
    json.StringField("object", "chat.completion.chunk");
    json.Int64Field("created", created_seconds_);
    json.StringField("model", model_);
    if (!system_fingerprint_.empty()) {
      json.StringField("system_fingerprint", system_fingerprint_);
    }
    if (!service_tier_.empty()) {
      json.StringField("service_tier", service_tier_);
    }
    json.StartArrayField("choices");
    GATEWAY_RETURN_IF_ERROR(write_choices(json));
    json.EndArray();
    if (with_usage) {
      json.Key("usage");
      GATEWAY_RETURN_IF_ERROR(WriteUsage(usage_, usage_extensions_, json));
    } else if (options_.stream_usage) {
      json.NullField("usage");
    }
    GATEWAY_RETURN_IF_ERROR(
        WriteExtensions(start_extensions_, kChunkFields, json, unheard));
    // Cleared, so that what the vendor says once is written once.
    start_extensions_.Clear();
    GATEWAY_RETURN_IF_ERROR(
        WriteExtensions(extensions, kChunkFields, json, unheard));
    json.EndObject();
    // Replaces line ends, which stand only between the tokens of an extension:
    // one would end the event.
    std::replace_if(
        out->begin() + begin, out->end(),
        [](char c) { return c == '\n' || c == '\r'; }, ' ');
    out->append("\n\n");
    return absl::OkStatus();
  }

  // Writes a chunk of one choice whose `delta` has the fields `write_delta`.
  absl::Status WriteChoiceChunk(int32_t index, const ExtensionList& extensions,
                                const v1::Logprobs* logprobs,
                                std::string_view finish_reason,
                                WriteFields write_delta, std::string* out) {
    DroppedFields unheard(kDialect, nullptr);
    const auto write_choice = [&](JsonWriter& json) -> absl::Status {
      json.StartObject();
      json.Int64Field("index", index);
      json.StartObjectField("delta");
      GATEWAY_RETURN_IF_ERROR(write_delta(json));
      GATEWAY_RETURN_IF_ERROR(WriteExtensions(Named(extensions, kDeltaPrefix),
                                              kDeltaFields, json, unheard));
      json.EndObject();
      json.Key("logprobs");
      if (logprobs != nullptr) {
        WriteLogprobs(*logprobs, json);
      } else {
        json.Null();
      }
      json.Key("finish_reason");
      if (finish_reason.empty()) {
        json.Null();
      } else {
        json.String(finish_reason);
      }
      GATEWAY_RETURN_IF_ERROR(
          WriteExtensions(Named(extensions, ""), kChoiceFields, json, unheard));
      json.EndObject();
      return absl::OkStatus();
    };
    return WriteChunk(Named(extensions, kChunkPrefix), /*with_usage=*/false,
                      write_choice, out);
  }

  absl::Status WriteRole(int32_t index, ChoiceState& state, std::string* out) {
    if (state.began) return absl::OkStatus();
    state.began = true;
    return WriteChoiceChunk(
        index, {}, nullptr, "",
        [](JsonWriter& json) {
          json.StringField("role", "assistant");
          json.StringField("content", "");
          json.NullField("refusal");
          return absl::OkStatus();
        },
        out);
  }

  absl::Status WriteDelta(const v1::Delta& delta, std::string* out) {
    ChoiceState& state = StateOf(delta.choice_index());
    GATEWAY_RETURN_IF_ERROR(WriteRole(delta.choice_index(), state, out));
    Add(delta, state.contents);
    RecordCitations(delta, state, out);
    const bool bare =
        delta.piece_case() == v1::Delta::PIECE_NOT_SET ||
        (delta.has_opaque() && delta.opaque().dialect() != kDialect);
    if (delta.has_opaque() && bare) warnings_.LeftOut("opaque", out);
    // Nothing is written for other vendors' pieces and beginnings of parts.
    if (bare && !delta.has_logprobs() && !HasOwn(delta.extensions())) {
      return absl::OkStatus();
    }
    if (IsTextAlone(delta)) return WriteText(delta, state, out);
    GATEWAY_RETURN_IF_ERROR(WritePieceChunk(delta, state, out));
    CountHeld(state);
    return absl::OkStatus();
  }

  static bool HasOwn(const ExtensionList& extensions) {
    return std::any_of(
        extensions.begin(), extensions.end(),
        [](const v1::Extension& each) { return each.dialect() == kDialect; });
  }

  // Enters a part's text, which goes on until another part's begins.
  static void EnterText(int32_t part, ChoiceState& state) {
    if (part == state.text_part) return;
    EndText(state);
    state.text_part = part;
    state.text_begin = state.characters;
  }

  static void EndText(ChoiceState& state) {
    for (Cited& cited : state.cited) {
      if (cited.part != state.text_part) continue;
      cited.span = SpanOf(cited.citation, state.text_begin,
                          state.characters - state.text_begin);
    }
  }

  void RecordCitations(const v1::Delta& delta, ChoiceState& state,
                       std::string* out) {
    if (delta.has_text()) {
      EnterText(delta.part_index(), state);
      state.characters += CountCharacters(delta.text());
    }
    if (delta.citations().empty() ||
        FindExtension(delta.extensions(), "delta.annotations") != nullptr) {
      return;
    }
    EnterText(delta.part_index(), state);
    for (const v1::Citation& citation : delta.citations()) {
      if (citation.url().empty() || state.cited.size() == kCitationsMax) {
        warnings_.LeftOut("citations", out);
      } else {
        state.cited.push_back(
            {.citation = citation, .part = delta.part_index(), .span = {}});
        AddHeldBytes(sizeof(Cited) + citation.ByteSizeLong());
      }
    }
  }

  absl::Status WriteCitations(int32_t index, ChoiceState& state,
                              std::string* out) {
    if (state.cited.empty()) return absl::OkStatus();
    EndText(state);
    return WriteChoiceChunk(
        index, {}, nullptr, "",
        [&](JsonWriter& json) {
          json.StartArrayField("annotations");
          for (Cited& cited : state.cited) {
            cited.span.citation = &cited.citation;
            WriteChatCitation(cited.span, json);
          }
          json.EndArray();
          return absl::OkStatus();
        },
        out);
  }

  absl::Status WritePieceChunk(const v1::Delta& delta, ChoiceState& state,
                               std::string* out) {
    return WriteChoiceChunk(
        delta.choice_index(), delta.extensions(),
        delta.has_logprobs() ? &delta.logprobs() : nullptr, "",
        [&](JsonWriter& json) -> absl::Status {
          if (delta.has_image() || delta.has_opaque()) {
            return WriteWhole(delta, json);
          }
          WritePiece(delta, state, json);
          return absl::OkStatus();
        },
        out);
  }

  // Writes a piece that comes whole, in the form that it has in a whole answer.
  static absl::Status WriteWhole(const v1::Delta& delta, JsonWriter& json) {
    DroppedFields unheard(kDialect, nullptr);
    v1::Part part;
    if (delta.has_image()) {
      *part.mutable_image() = delta.image();
      return WriteImages({&part}, json, unheard);
    }
    if (delta.opaque().dialect() != kDialect) return absl::OkStatus();
    *part.mutable_opaque() = delta.opaque();
    json.StartArrayField("content");
    GATEWAY_RETURN_IF_ERROR(WritePart(part, json, unheard));
    json.EndArray();
    return absl::OkStatus();
  }

  static bool IsTextAlone(const v1::Delta& delta) {
    return delta.has_text() && !delta.has_logprobs() &&
           !HasOwn(delta.extensions());
  }

  // Writes a text. What stands around it is the same in each chunk of a choice,
  // so it is kept.
  absl::Status WriteText(const v1::Delta& delta, ChoiceState& state,
                         std::string* out) {
    if (around_.empty() || around_choice_ != delta.choice_index()) {
      v1::Delta empty;
      empty.set_choice_index(delta.choice_index());
      empty.set_text("");
      around_.clear();
      GATEWAY_RETURN_IF_ERROR(WritePieceChunk(empty, state, &around_));
      around_choice_ = delta.choice_index();
      // Finds the first empty text: what precedes are names, whose quotes are
      // escaped.
      around_text_ = around_.find(kEmptyText) + kEmptyText.size() - 2;
    }
    out->append(around_, 0, around_text_);
    JsonWriter(out).String(delta.text());
    out->append(around_, around_text_ + 2);
    return absl::OkStatus();
  }

  static void Add(const v1::Delta& delta, ChoiceContents& contents) {
    contents.content =
        contents.content || delta.piece_case() != v1::Delta::PIECE_NOT_SET;
    contents.tool_calls = contents.tool_calls || delta.has_tool_call();
    contents.refusal = contents.refusal || delta.has_refusal();
  }

  static void WritePiece(const v1::Delta& delta, ChoiceState& state,
                         JsonWriter& json) {
    switch (delta.piece_case()) {
      case v1::Delta::kText:
        json.StringField("content", delta.text());
        break;
      case v1::Delta::kRefusal:
        json.StringField("refusal", delta.refusal());
        break;
      case v1::Delta::kReasoning:
        json.StringField("reasoning_content", delta.reasoning());
        AddThought(delta, state);
        break;
      case v1::Delta::kReasoningSignature:
        WriteSignature("reasoning.text", "signature",
                       delta.reasoning_signature(), delta.part_index(),
                       TakeThought(delta.part_index(), state), json);
        break;
      case v1::Delta::kRedactedReasoning:
        WriteSignature("reasoning.encrypted", "data",
                       delta.redacted_reasoning(), delta.part_index(), "",
                       json);
        break;
      case v1::Delta::kToolCall:
        WriteToolCall(delta, state, json);
        break;
      case v1::Delta::kAudio:
        WriteAudio(delta.audio(), json);
        break;
      default:
        break;
    }
  }

  // Keeps a thought, since a signature is written with the whole text that it
  // belongs to, as clients who send the message back have to.
  static void AddThought(const v1::Delta& delta, ChoiceState& state) {
    if (state.thought_part != delta.part_index()) {
      state.thought_part = delta.part_index();
      state.thought.clear();
      state.thought_too_long = false;
    }
    state.thought_too_long |=
        state.thought.size() + delta.reasoning().size() > kThoughtBytesMax;
    if (state.thought_too_long) {
      state.thought.clear();
    } else {
      state.thought += delta.reasoning();
    }
  }

  static std::string TakeThought(int32_t part, ChoiceState& state) {
    return state.thought_part == part ? std::exchange(state.thought, {}) : "";
  }

  static void WriteSignature(std::string_view type, std::string_view key,
                             const std::string& signature, int part_index,
                             std::string_view text, JsonWriter& json) {
    json.StartArrayField("reasoning_details");
    json.StartObject();
    json.StringField("type", type);
    if (!text.empty()) json.StringField("text", text);
    json.StringField(key, signature);
    json.Int64Field("index", part_index);
    json.EndObject();
    json.EndArray();
  }

  static void WriteToolCall(const v1::Delta& delta, ChoiceState& state,
                            JsonWriter& json) {
    const v1::ToolCallDelta& call = delta.tool_call();
    if (call.kind() == v1::TOOL_KIND_CUSTOM) {
      state.custom_calls.insert(call.index());
    }
    const bool custom = state.custom_calls.contains(call.index());
    const std::string_view kind = custom ? "custom" : "function";
    json.StartArrayField("tool_calls");
    json.StartObject();
    json.Int64Field("index", call.index());
    if (!call.id().empty()) json.StringField("id", call.id());
    if (!call.name().empty()) json.StringField("type", kind);
    json.StartObjectField(kind);
    if (!call.name().empty()) json.StringField("name", call.name());
    json.StringField(custom ? "input" : "arguments", call.arguments());
    json.EndObject();
    WriteGoogleSignature(delta.extensions(), json);
    json.EndObject();
    json.EndArray();
  }

  static void WriteAudio(const v1::Audio& audio, JsonWriter& json) {
    json.StartObjectField("audio");
    if (!audio.id().empty()) json.StringField("id", audio.id());
    if (!audio.data().empty()) json.StringField("data", Base64(audio.data()));
    if (!audio.transcript().empty()) {
      json.StringField("transcript", audio.transcript());
    }
    if (audio.expires_at_seconds() != 0) {
      json.Int64Field("expires_at", audio.expires_at_seconds());
    }
    json.EndObject();
  }

  absl::Status WriteChoiceEnd(const v1::ChoiceEnd& end, std::string* out) {
    ChoiceState& state = StateOf(end.choice_index());
    GATEWAY_RETURN_IF_ERROR(WriteRole(end.choice_index(), state, out));
    GATEWAY_RETURN_IF_ERROR(WriteCitations(end.choice_index(), state, out));
    return WriteChoiceChunk(
        end.choice_index(), end.extensions(), nullptr,
        WriteFinishReason(end.finish_reason(), end.provider_finish_reason(),
                          state.contents),
        [](JsonWriter&) { return absl::OkStatus(); }, out);
  }

  absl::Status WriteEnd(const v1::StreamEnd& end, std::string* out) {
    if (end.outcome() == v1::StreamEnd::OUTCOME_FINISHED) {
      if (end.has_usage()) usage_ = end.usage();
      if (options_.stream_usage) {
        GATEWAY_RETURN_IF_ERROR(WriteChunk(
            {}, /*with_usage=*/true,
            [](JsonWriter&) { return absl::OkStatus(); }, out));
      }
      out->append("data: [DONE]\n\n");
      return absl::OkStatus();
    }
    out->append("data: ");
    out->append(WriteErrorBody(FailureOf(end)));
    out->append("\n\n");
    return absl::OkStatus();
  }

  const Options options_;
  wire::StreamWarnings warnings_{kDialect};
  std::string id_;
  std::string model_;
  int64_t created_seconds_;
  std::string system_fingerprint_;
  std::string service_tier_;
  ExtensionList start_extensions_;
  v1::Usage usage_;
  // Extensions of the vendor's usage.
  ExtensionList usage_extensions_;
  std::map<int32_t, ChoiceState> choices_;

  // The chunk with an empty text, whose quotes stand at around_text_.
  std::string around_;
  size_t around_text_ = 0;
  int32_t around_choice_ = 0;
};

}  // namespace

std::unique_ptr<EventWriter> NewEventWriter(
    const EventWriter::Options& options) {
  return std::make_unique<ChunkWriter>(options);
}

}  // namespace gateway::chat
