// Folds the neutral events of a stream into the answer that they make up, so
// that a stream can be compared with a whole answer.

#ifndef TESTS_PROVIDERS_DIALECTS_EVENT_FOLDING_H_
#define TESTS_PROVIDERS_DIALECTS_EVENT_FOLDING_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "base/text/json_lines.h"
#include "base/text/sse_parser.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/dialect.h"
#include "tests/testing/exact_copy.h"

namespace gateway {

class EventFolding {
 public:
  void Add(const v1::GenerateEvent& event) {
    if (event.has_started()) {
      response_.set_id(event.started().id());
      response_.set_model(event.started().model());
      response_.set_service_tier(event.started().service_tier());
      *response_.mutable_extensions() = event.started().extensions();
    } else if (event.has_usage()) {
      *response_.mutable_usage() = event.usage();
    } else if (event.has_delta()) {
      AddDelta(event.delta());
    } else if (event.has_choice_end()) {
      const v1::ChoiceEnd& end = event.choice_end();
      v1::Choice& choice = ChoiceAt(end.choice_index());
      choice.set_finish_reason(end.finish_reason());
      choice.set_provider_finish_reason(end.provider_finish_reason());
      choice.set_stop_sequence(end.stop_sequence());
      *choice.mutable_extensions() = end.extensions();
    }
  }

  // Empty parts that no piece named are dropped; choices are in order.
  v1::GenerateResponse Finish() {
    for (auto& [index, choice] : choices_) {
      choice.set_index(index);
      choice.mutable_message()->set_role(v1::ROLE_ASSISTANT);
      for (auto& [part_index, part] : parts_[index]) {
        *choice.mutable_message()->add_parts() = part;
      }
      *response_.add_choices() = choice;
    }
    return response_;
  }

 private:
  v1::Choice& ChoiceAt(int index) { return choices_[index]; }

  void AddDelta(const v1::Delta& delta) {
    ChoiceAt(delta.choice_index());
    v1::Part& part = parts_[delta.choice_index()][delta.part_index()];
    switch (delta.piece_case()) {
      case v1::Delta::kText:
        part.mutable_text()->append(delta.text());
        break;
      case v1::Delta::kRefusal:
        part.mutable_refusal()->append(delta.refusal());
        break;
      case v1::Delta::kReasoning:
        part.mutable_reasoning()->mutable_text()->append(delta.reasoning());
        break;
      case v1::Delta::kReasoningSignature:
        part.mutable_reasoning()->set_signature(delta.reasoning_signature());
        break;
      case v1::Delta::kRedactedReasoning:
        part.mutable_reasoning()->set_redacted_data(delta.redacted_reasoning());
        break;
      case v1::Delta::kToolCall:
        AddToolCall(delta.tool_call(), part.mutable_tool_call());
        break;
      case v1::Delta::kAudio:
        AddAudio(delta.audio(), part.mutable_audio());
        break;
      case v1::Delta::kOpaque:
        *part.mutable_opaque() = delta.opaque();
        break;
      case v1::Delta::kImage:
        *part.mutable_image() = delta.image();
        break;
      default:
        break;
    }
    for (const v1::Extension& extension : delta.extensions()) {
      AddExtension(extension, part);
    }
    part.mutable_citations()->MergeFrom(delta.citations());
  }

  static void AddToolCall(const v1::ToolCallDelta& delta, v1::ToolCall* call) {
    if (!delta.id().empty()) call->set_id(delta.id());
    if (!delta.name().empty()) call->set_name(delta.name());
    if (delta.kind() != v1::TOOL_KIND_UNSPECIFIED) call->set_kind(delta.kind());
    call->mutable_arguments()->append(delta.arguments());
  }

  static void AddAudio(const v1::Audio& delta, v1::Audio* audio) {
    if (!delta.id().empty()) audio->set_id(delta.id());
    if (!delta.format().empty()) audio->set_format(delta.format());
    if (delta.expires_at_seconds() != 0) {
      audio->set_expires_at_seconds(delta.expires_at_seconds());
    }
    audio->mutable_data()->append(delta.data());
    audio->mutable_transcript()->append(delta.transcript());
  }

  // Single citations make up the list of a whole answer.
  static void AddExtension(const v1::Extension& extension, v1::Part& part) {
    if (extension.name() != "citation") {
      *part.add_extensions() = extension;
      return;
    }
    for (v1::Extension& known : *part.mutable_extensions()) {
      if (known.name() != "citations") continue;
      known.mutable_json()->back() = ',';
      known.mutable_json()->append(extension.json() + "]");
      return;
    }
    v1::Extension* list = part.add_extensions();
    list->set_dialect(extension.dialect());
    list->set_name("citations");
    list->set_json("[" + extension.json() + "]");
  }

  v1::GenerateResponse response_;
  std::map<int, v1::Choice> choices_;
  std::map<int, std::map<int, v1::Part>> parts_;
};

// Reads `bytes` as they would arrive if cut at `cut`.
inline absl::Status ReadStream(EventReader& reader, std::string_view bytes,
                               size_t cut, EventList* events,
                               Framing framing = Framing::kServerSentEvents) {
  SseParser parser(1 << 20);
  JsonLines lines(1 << 20);
  for (const std::string_view part :
       {bytes.substr(0, cut), bytes.substr(cut)}) {
    const ExactCopy piece(part);
    if (framing == Framing::kJsonLines) {
      GATEWAY_RETURN_IF_ERROR(lines.Feed(piece.view()));
      std::string_view line;
      while (lines.Next(&line)) {
        GATEWAY_RETURN_IF_ERROR(reader.Read("", line, events));
      }
      continue;
    }
    GATEWAY_RETURN_IF_ERROR(parser.Feed(piece.view()));
    SseEvent event;
    while (parser.Next(&event)) {
      if (event.comment) continue;
      GATEWAY_RETURN_IF_ERROR(reader.Read(event.name, event.data, events));
    }
  }
  return absl::OkStatus();
}

}  // namespace gateway

#endif  // TESTS_PROVIDERS_DIALECTS_EVENT_FOLDING_H_
