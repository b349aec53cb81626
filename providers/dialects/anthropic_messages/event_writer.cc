#include "providers/dialects/anthropic_messages/event_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/dialects/anthropic_messages/content_writer.h"
#include "providers/dialects/anthropic_messages/errors.h"
#include "providers/dialects/anthropic_messages/fields.h"
#include "providers/dialects/anthropic_messages/vendor_names.h"
#include "providers/dialects/part_signatures.h"

namespace gateway::anthropic {
namespace {

// How much a node of a set or a map takes besides what it holds, about.
constexpr size_t kNodeBytes = 48;
// As much a delta that waits takes besides its fields.
constexpr size_t kDeltaBytes = sizeof(v1::Delta) + sizeof(v1::ToolCallDelta);

// Writes one event: the constructor begins it, the destructor ends it.
class Frame {
 public:
  Frame(std::string_view name, std::string* out) : out_(*out), json_(out) {
    absl::StrAppend(out, "event: ", ToAbsl(name), "\ndata: ");
    begin_ = out->size();
    json_.StartObject();
    json_.StringField("type", name);
  }
  ~Frame() {
    json_.EndObject();
    // Replaces line breaks, which JSON from elsewhere may have between its
    // tokens: one would end the line of data.
    std::replace_if(
        out_.begin() + static_cast<std::ptrdiff_t>(begin_), out_.end(),
        [](char c) { return c == '\n' || c == '\r'; }, ' ');
    out_.append("\n\n");
  }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  JsonWriter& json() { return json_; }

 private:
  std::string& out_;
  JsonWriter json_;
  size_t begin_ = 0;
};

// Returns `text` as it stands inside a JSON string.
std::string Escaped(std::string_view text) {
  const std::string quoted = wire::Quoted(text);
  return quoted.substr(1, quoted.size() - 2);
}

bool HasCitation(const v1::Delta& delta) {
  return FindExtension(delta.extensions(), "citation") != nullptr;
}

// Writes the final counts, which replace those of the start.
absl::Status WriteFinalUsage(const v1::Usage& usage,
                             const ExtensionList& extensions,
                             JsonWriter& json) {
  const int64_t uncached = usage.input_tokens() - usage.cached_input_tokens() -
                           usage.cache_write_tokens();
  ObjectWriter object(kFormat, json);
  object.Int64("input_tokens", std::max<int64_t>(0, uncached));
  object.Int64("cache_creation_input_tokens", usage.cache_write_tokens());
  object.Int64("cache_read_input_tokens", usage.cached_input_tokens());
  object.Int64("output_tokens", usage.output_tokens());
  if (usage.reasoning_tokens() > 0) {
    ObjectWriter details(kFormat, object.Field("output_tokens_details"));
    details.Int64("thinking_tokens", usage.reasoning_tokens());
    details.End();
  }
  GATEWAY_RETURN_IF_ERROR(object.Extensions(extensions, "", "usage"));
  if (!object.Has("server_tool_use")) object.Null("server_tool_use");
  object.End();
  return absl::OkStatus();
}

}  // namespace

absl::Status MessagesEventWriter::Write(const v1::GenerateEvent& event,
                                        std::string* out) {
  switch (event.event_case()) {
    case v1::GenerateEvent::kStarted:
      started_ = event.started();
      return absl::OkStatus();
    case v1::GenerateEvent::kUsage:
      usage_ = event.usage();
      return EnsureStart(out);
    case v1::GenerateEvent::kDelta:
      // Only the first choice is written: the format has one answer.
      if (event.delta().choice_index() != 0) return absl::OkStatus();
      GATEWAY_RETURN_IF_ERROR(EnsureStart(out));
      return TakeDelta(event.delta(), out);
    case v1::GenerateEvent::kChoiceEnd:
      if (event.choice_end().choice_index() != 0) return absl::OkStatus();
      choice_end_ = event.choice_end();
      GATEWAY_RETURN_IF_ERROR(EnsureStart(out));
      return Drain(/*all=*/true, out);
    case v1::GenerateEvent::kEnd:
      return WriteEnd(event.end(), out);
    case v1::GenerateEvent::EVENT_NOT_SET:
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

MessagesEventWriter::Key MessagesEventWriter::KeyOf(const v1::Delta& delta) {
  Key key{.part_index = delta.part_index()};
  switch (delta.piece_case()) {
    case v1::Delta::kText:
    case v1::Delta::kRefusal:
      key.kind = BlockKind::kText;
      break;
    case v1::Delta::kAudio:
      if (!delta.audio().transcript().empty()) key.kind = BlockKind::kText;
      break;
    case v1::Delta::kReasoning:
    case v1::Delta::kReasoningSignature:
      key.kind = BlockKind::kThinking;
      break;
    case v1::Delta::kRedactedReasoning:
      key.kind = BlockKind::kRedacted;
      break;
    case v1::Delta::kToolCall:
      key.kind = BlockKind::kToolUse;
      key.call_index = delta.tool_call().index();
      break;
    case v1::Delta::kOpaque:
      if (delta.opaque().dialect() == kDialect) key.kind = BlockKind::kOpaque;
      break;
    case v1::Delta::kImage:
      break;
    case v1::Delta::PIECE_NOT_SET:
      if (HasCitation(delta)) key.kind = BlockKind::kText;
      break;
  }
  return key;
}

absl::Status MessagesEventWriter::TakeDelta(const v1::Delta& delta,
                                            std::string* out) {
  if (!PartSignature(delta.extensions()).empty()) {
    GATEWAY_RETURN_IF_ERROR(TakeDelta(SignatureAsReasoning(delta), out));
  }
  const Key key = KeyOf(delta);
  if (!delta.citations().empty() && !HasCitation(delta)) {
    warnings_.LeftOut("citations", out);
  }
  if (key.kind == BlockKind::kNone) {
    TellLeftOut(delta, out);
    return absl::OkStatus();
  }
  refused_ |= delta.has_refusal();
  if (key == open_) {
    GATEWAY_RETURN_IF_ERROR(AppendPiece(delta, out));
    return MayClose() ? Drain(/*all=*/false, out) : absl::OkStatus();
  }
  // Dropped, since the call's arguments are a whole object already.
  if (ended_calls_.contains(key)) return absl::OkStatus();
  if (!waiting_.empty() || !MayClose()) return Wait(key, delta);
  CloseBlock(out);
  GATEWAY_RETURN_IF_ERROR(OpenBlock(key, delta, out));
  return AppendPiece(delta, out);
}

void MessagesEventWriter::TellLeftOut(const v1::Delta& delta,
                                      std::string* out) {
  if (delta.has_image()) warnings_.LeftOut("image", out);
  if (delta.has_audio() && !delta.audio().data().empty()) {
    warnings_.LeftOut("audio", out);
  }
  if (delta.has_opaque()) warnings_.LeftOut("opaque", out);
}

absl::Status MessagesEventWriter::Wait(const Key& key, const v1::Delta& delta) {
  waiting_bytes_ += delta.ByteSizeLong();
  ++waiting_deltas_;
  if (waiting_bytes_ > kWaitingBytesLimit) {
    return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                     "interleaved tool calls are too long to be put in order");
  }
  const size_t held = waiting_bytes_ + waiting_deltas_ * kDeltaBytes;
  if (held > waiting_held_) {
    AddHeldBytes(held - std::exchange(waiting_held_, held));
  }
  Waiting*& waiting = waiting_by_key_[key];
  if (waiting == nullptr) {
    waiting = &waiting_.emplace_back();
    waiting->key = key;
  }
  waiting->deltas.push_back(delta);
  return absl::OkStatus();
}

bool MessagesEventWriter::MayClose() const {
  return open_.kind != BlockKind::kToolUse || open_progress_.complete();
}

absl::Status MessagesEventWriter::Drain(bool all, std::string* out) {
  while (!waiting_.empty() && (all || MayClose())) {
    CloseBlock(out);
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_by_key_.erase(next.key);
    GATEWAY_RETURN_IF_ERROR(OpenBlock(next.key, next.deltas.front(), out));
    for (const v1::Delta& delta : next.deltas) {
      waiting_bytes_ -= std::min(waiting_bytes_, delta.ByteSizeLong());
      --waiting_deltas_;
      GATEWAY_RETURN_IF_ERROR(AppendPiece(delta, out));
    }
  }
  if (all) CloseBlock(out);
  return absl::OkStatus();
}

absl::Status MessagesEventWriter::OpenBlock(const Key& key,
                                            const v1::Delta& delta,
                                            std::string* out) {
  open_ = key;
  open_progress_ = ObjectProgress();
  open_is_free_text_ = key.kind == BlockKind::kToolUse &&
                       delta.tool_call().kind() == v1::TOOL_KIND_CUSTOM;
  {
    Frame frame("content_block_start", out);
    frame.json().Int64Field("index", next_index_++);
    frame.json().Key("content_block");
    GATEWAY_RETURN_IF_ERROR(WriteBlockStart(delta, frame.json()));
  }
  if (open_is_free_text_) {
    WritePiece("input_json_delta", "partial_json",
               absl::StrCat("{\"", ToAbsl(kFreeTextField), "\":\""), out);
  }
  // Blocks of these kinds are whole from the start.
  if (key.kind == BlockKind::kRedacted || key.kind == BlockKind::kOpaque) {
    CloseBlock(out);
  }
  return absl::OkStatus();
}

absl::Status MessagesEventWriter::WriteBlockStart(const v1::Delta& delta,
                                                  JsonWriter& json) {
  if (open_.kind == BlockKind::kOpaque) {
    const bool whole = CheckJson(delta.opaque().json()).ok();
    json.Raw(whole ? delta.opaque().json() : "null");
    if (whole) return absl::OkStatus();
    return MakeFault(v1::ERROR_REASON_INTERNAL, "an opaque part is not JSON");
  }
  ObjectWriter object(kFormat, json);
  switch (open_.kind) {
    case BlockKind::kThinking:
      object.Text("type", "thinking");
      object.Text("thinking", "");
      object.Text("signature", "");
      break;
    case BlockKind::kRedacted:
      object.Text("type", "redacted_thinking");
      object.Text("data", delta.redacted_reasoning());
      break;
    case BlockKind::kToolUse: {
      const v1::ToolCallDelta& call = delta.tool_call();
      const v1::Extension* caller = FindExtension(delta.extensions(), "caller");
      object.Text("type", "tool_use");
      object.Text("id", call.id().empty() ? absl::StrCat("call_", call.index())
                                          : call.id());
      object.Text("name", call.name());
      object.Field("input").Raw("{}");
      object.Field("caller").Raw(caller != nullptr &&
                                         CheckJson(caller->json()).ok()
                                     ? std::string_view(caller->json())
                                     : R"({"type":"direct"})");
      break;
    }
    default:
      object.Text("type", "text");
      object.Text("text", "");
      object.Null("citations");
  }
  object.End();
  return absl::OkStatus();
}

void MessagesEventWriter::WritePiece(std::string_view type,
                                     std::string_view key,
                                     std::string_view text, std::string* out) {
  if (text.empty()) return;
  Frame frame("content_block_delta", out);
  JsonWriter& json = frame.json();
  json.Int64Field("index", next_index_ - 1);
  json.StartObjectField("delta");
  json.StringField("type", type);
  json.StringField(key, text);
  json.EndObject();
}

absl::Status MessagesEventWriter::AppendPiece(const v1::Delta& delta,
                                              std::string* out) {
  switch (delta.piece_case()) {
    case v1::Delta::kText:
      WritePiece("text_delta", "text", delta.text(), out);
      break;
    case v1::Delta::kRefusal:
      WritePiece("text_delta", "text", delta.refusal(), out);
      break;
    case v1::Delta::kAudio:
      WritePiece("text_delta", "text", delta.audio().transcript(), out);
      break;
    case v1::Delta::kReasoning:
      WritePiece("thinking_delta", "thinking", delta.reasoning(), out);
      break;
    case v1::Delta::kReasoningSignature:
      WritePiece("signature_delta", "signature", delta.reasoning_signature(),
                 out);
      break;
    case v1::Delta::kToolCall:
      AppendArguments(delta.tool_call().arguments(), out);
      break;
    default:
      break;
  }
  if (open_.kind == BlockKind::kText) return AppendCitations(delta, out);
  return absl::OkStatus();
}

absl::Status MessagesEventWriter::AppendCitations(const v1::Delta& delta,
                                                  std::string* out) {
  for (const v1::Extension& extension : delta.extensions()) {
    if (extension.dialect() != kDialect || extension.name() != "citation") {
      continue;
    }
    if (!CheckJson(extension.json()).ok()) {
      return MakeFault(v1::ERROR_REASON_INTERNAL, "a citation is not JSON");
    }
    Frame frame("content_block_delta", out);
    JsonWriter& json = frame.json();
    json.Int64Field("index", next_index_ - 1);
    json.StartObjectField("delta");
    json.StringField("type", "citations_delta");
    json.RawField("citation", extension.json());
    json.EndObject();
  }
  return absl::OkStatus();
}

void MessagesEventWriter::AppendArguments(std::string_view piece,
                                          std::string* out) {
  if (open_is_free_text_) {
    WritePiece("input_json_delta", "partial_json", Escaped(piece), out);
    return;
  }
  open_progress_.Feed(piece);
  WritePiece("input_json_delta", "partial_json", piece, out);
}

void MessagesEventWriter::CloseBlock(std::string* out) {
  if (open_.kind == BlockKind::kNone) return;
  if (open_is_free_text_) {
    WritePiece("input_json_delta", "partial_json", "\"}", out);
  }
  if (open_.kind == BlockKind::kToolUse && ended_calls_.insert(open_).second) {
    AddHeldBytes(sizeof(Key) + kNodeBytes);
  }
  Frame frame("content_block_stop", out);
  frame.json().Int64Field("index", next_index_ - 1);
  open_ = Key();
  open_is_free_text_ = false;
}

absl::Status MessagesEventWriter::EnsureStart(std::string* out) {
  if (std::exchange(start_written_, true)) return absl::OkStatus();
  Frame frame("message_start", out);
  frame.json().Key("message");
  ObjectWriter message(kFormat, frame.json());
  message.Text("id",
               started_.id().empty() ? started_.request_id() : started_.id());
  message.Text("type", "message");
  message.Text("role", "assistant");
  message.Text("model",
               started_.model().empty() ? options_.model : started_.model());
  message.Field("content").StartArray();
  frame.json().EndArray();
  message.Null("stop_reason");
  message.Null("stop_sequence");
  GATEWAY_RETURN_IF_ERROR(WriteUsage(usage_, started_.service_tier(),
                                     started_.extensions(),
                                     message.Field("usage")));
  GATEWAY_RETURN_IF_ERROR(message.Extensions(started_.extensions(), ""));
  if (!message.Has("stop_details")) message.Null("stop_details");
  if (!message.Has("container")) message.Null("container");
  message.End();
  return absl::OkStatus();
}

absl::Status MessagesEventWriter::WriteEnd(const v1::StreamEnd& end,
                                           std::string* out) {
  if (end.outcome() != v1::StreamEnd::OUTCOME_FINISHED) {
    absl::StrAppend(out, "event: error\ndata: ",
                    WriteErrorBody(FailureOf(end), started_.request_id()),
                    "\n\n");
    return absl::OkStatus();
  }
  if (end.has_usage()) usage_ = end.usage();
  GATEWAY_RETURN_IF_ERROR(EnsureStart(out));
  GATEWAY_RETURN_IF_ERROR(Drain(/*all=*/true, out));
  GATEWAY_RETURN_IF_ERROR(WriteMessageDelta(out));
  Frame stop("message_stop", out);
  return absl::OkStatus();
}

absl::Status MessagesEventWriter::WriteMessageDelta(std::string* out) {
  v1::FinishReason reason = choice_end_.finish_reason();
  if (reason == v1::FINISH_REASON_UNSPECIFIED && !ended_calls_.empty()) {
    reason = v1::FINISH_REASON_TOOL_CALLS;
  }
  if (reason == v1::FINISH_REASON_STOP && refused_) {
    reason = v1::FINISH_REASON_CONTENT_FILTER;
  }
  Frame frame("message_delta", out);
  frame.json().Key("delta");
  ObjectWriter delta(kFormat, frame.json());
  delta.Text("stop_reason",
             StopReasonWord(reason, choice_end_.provider_finish_reason(),
                            choice_end_.stop_sequence()));
  if (choice_end_.stop_sequence().empty()) {
    delta.Null("stop_sequence");
  } else {
    delta.Text("stop_sequence", choice_end_.stop_sequence());
  }
  GATEWAY_RETURN_IF_ERROR(delta.Extensions(choice_end_.extensions(), ""));
  if (!delta.Has("stop_details")) delta.Null("stop_details");
  if (!delta.Has("container")) delta.Null("container");
  delta.End();
  frame.json().Key("usage");
  return WriteFinalUsage(usage_, choice_end_.extensions(), frame.json());
}

}  // namespace gateway::anthropic
