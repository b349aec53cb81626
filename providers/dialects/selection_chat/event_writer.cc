#include "providers/dialects/selection_chat/event_writer.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"

namespace gateway::selection_chat {
namespace {

// An event that is being written: its name, and an object of which the type is
// the first field. The end of its life ends it.
class OpenEvent {
 public:
  OpenEvent(std::string_view type, std::string* out)
      : out_(*out), json_(Begin(type, out)) {
    json_.StartObject();
    json_.StringField("type", type);
  }
  OpenEvent(const OpenEvent&) = delete;
  OpenEvent& operator=(const OpenEvent&) = delete;
  ~OpenEvent() {
    json_.EndObject();
    out_.append("\n\n");
  }

  JsonWriter* operator->() { return &json_; }

 private:
  static std::string* Begin(std::string_view type, std::string* out) {
    absl::StrAppend(out, "event: ", ToAbsl(type), "\ndata: ");
    return out;
  }

  std::string& out_;
  JsonWriter json_;
};

// Returns the name of a piece that has no place in the format; empty if it has
// one, or says nothing.
std::string_view NameOfOtherPiece(const v1::Delta& delta) {
  switch (delta.piece_case()) {
    case v1::Delta::kReasoning:
    case v1::Delta::kReasoningSignature:
    case v1::Delta::kRedactedReasoning:
      return "reasoning";
    case v1::Delta::kToolCall:
      return "tool_call";
    case v1::Delta::kAudio:
      return "audio";
    case v1::Delta::kImage:
      return "image";
    case v1::Delta::kOpaque:
      return "part";
    default:
      return delta.citations().empty() ? "" : "citations";
  }
}

}  // namespace

absl::Status ChatEventWriter::Write(const v1::GenerateEvent& event,
                                    std::string* out) {
  switch (event.event_case()) {
    case v1::GenerateEvent::kStarted:
      WriteMetadata(event.started(), out);
      break;
    case v1::GenerateEvent::kDelta:
      WriteDelta(event.delta(), out);
      break;
    case v1::GenerateEvent::kChoiceEnd:
      if (event.choice_end().choice_index() == 0) {
        finish_reason_ = event.choice_end().finish_reason();
      }
      break;
    case v1::GenerateEvent::kEnd:
      WriteEnd(event.end(), out);
      break;
    case v1::GenerateEvent::kUsage:
    case v1::GenerateEvent::EVENT_NOT_SET:
      break;
  }
  return absl::OkStatus();
}

void ChatEventWriter::WriteMetadata(const v1::StreamStarted& started,
                                    std::string* out) {
  const v1::Route& route = started.route();
  trace_id_ = started.request_id();
  provider_ = route.provider();
  model_ = route.model();
  OpenEvent event("metadata", out);
  event->StringField("model", options_.model_policy.empty()
                                  ? std::string_view(model_)
                                  : std::string_view(options_.model_policy));
  event->StringField("provider", provider_);
  event->StringField("reasoning", route.has_selection()
                                      ? route.selection().reasoning()
                                      : route.reason());
  event->StringField("trace_id", trace_id_);
  if (route.has_selection()) {
    event->DoubleField("estimated_cost",
                       DollarsOf(route.selection().estimated_cost_usd_nanos()));
  } else {
    event->NullField("estimated_cost");
  }
}

void ChatEventWriter::WriteDelta(const v1::Delta& delta, std::string* out) {
  if (delta.choice_index() != 0) return warnings_.LeftOut("choices", out);
  const std::string_view other = NameOfOtherPiece(delta);
  if (!other.empty()) warnings_.LeftOut(other, out);
  const std::string_view text =
      delta.has_refusal() ? delta.refusal() : delta.text();
  if (!text.empty()) WritePiece(text, out);
}

void ChatEventWriter::WritePiece(std::string_view text, std::string* out) {
  {
    OpenEvent event("content", out);
    event->StringField("token", text);
    event->StringField("model", model_);
    event->StringField("provider", provider_);
    event->StringField("trace_id", trace_id_);
  }
  CountWords(text);
  if (++chunks_ % kChunksPerProgress == 0) WriteProgress(out);
}

void ChatEventWriter::WriteProgress(std::string* out) const {
  OpenEvent event("progress", out);
  // Nobody has counted tokens yet.
  event->Int64Field("tokens_generated", words_);
  event->Int64Field("chunk_count", chunks_);
}

void ChatEventWriter::WriteEnd(const v1::StreamEnd& end, std::string* out) {
  if (end.outcome() == v1::StreamEnd::OUTCOME_FINISHED) {
    WriteDone(end, out);
  } else {
    WriteFailure(end, out);
  }
}

void ChatEventWriter::WriteDone(const v1::StreamEnd& end,
                                std::string* out) const {
  OpenEvent event("done", out);
  event->Int64Field("total_tokens", end.usage().output_tokens());
  event->Int64Field("chunk_count", chunks_);
  event->StringField("trace_id", trace_id_);
  const std::string_view reason = FinishReasonWord(finish_reason_);
  if (reason.empty()) {
    event->NullField("finish_reason");
  } else {
    event->StringField("finish_reason", reason);
  }
}

void ChatEventWriter::WriteFailure(const v1::StreamEnd& end,
                                   std::string* out) const {
  const absl::Status failure = FailureOf(end);
  OpenEvent event("error", out);
  // ToRpcStatus bounds the message and makes it UTF-8.
  event->StringField("error", ToRpcStatus(failure).message());
  event->StringField("reason", ReasonName(FaultReason(failure)));
  event->StringField("provider", provider_);
  event->StringField("trace_id", trace_id_);
}

void ChatEventWriter::CountWords(std::string_view text) {
  for (const char c : text) {
    const bool is_space = absl::ascii_isspace(static_cast<unsigned char>(c));
    if (!is_space && !in_word_) ++words_;
    in_word_ = !is_space;
  }
}

}  // namespace gateway::selection_chat
