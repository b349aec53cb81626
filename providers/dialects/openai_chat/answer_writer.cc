#include "providers/dialects/openai_chat/answer_writer.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "base/text/utf8.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/citations.h"
#include "providers/dialects/data_url.h"
#include "providers/dialects/openai_chat/assistant_turn.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/part_writer.h"

namespace gateway::chat {
namespace {

// Writes texts as one string, as clients expect; as a list only if there is
// more.
absl::Status WriteAnswerContent(const AssistantTurn& turn, JsonWriter& json,
                                DroppedFields& dropped) {
  PartList carried;
  std::string text;
  bool is_text = true;
  for (const v1::Part* part : turn.content) {
    if (!HasPlace(*part, /*text_only=*/true, dropped)) continue;
    carried.push_back(part);
    text.append(part->text());
    is_text = is_text && part->has_text();
  }
  json.Key("content");
  if (carried.empty()) {
    json.Null();
  } else if (is_text) {
    json.String(text);
  } else {
    DroppedFields unheard(kDialect, nullptr);
    return WriteContent(carried, /*text_only=*/true, json, unheard);
  }
  return absl::OkStatus();
}

PartList PicturesOf(const AssistantTurn& turn, DroppedFields& dropped) {
  PartList pictures;
  for (const v1::Part* part : turn.images) {
    if (part->image().has_file_id()) {
      dropped.Changed("image", "a file that only its provider knows; left out");
    } else {
      pictures.push_back(part);
    }
  }
  return pictures;
}

void WriteAnswerReasoning(const AssistantTurn& turn, JsonWriter& json) {
  std::string text;
  bool has_signature = false;
  for (const v1::Part* part : turn.reasoning) {
    text += part->reasoning().text();
    has_signature = has_signature || IsSigned(part->reasoning());
  }
  if (!text.empty()) json.StringField("reasoning_content", text);
  if (!has_signature) return;
  json.StartArrayField("reasoning_details");
  for (const v1::Part* part : turn.reasoning) {
    const v1::Reasoning& reasoning = part->reasoning();
    json.StartObject();
    if (!reasoning.redacted_data().empty()) {
      json.StringField("type", "reasoning.encrypted");
      json.StringField("data", reasoning.redacted_data());
    } else {
      json.StringField("type", "reasoning.text");
      json.StringField("text", reasoning.text());
      if (!reasoning.signature().empty()) {
        json.StringField("signature", reasoning.signature());
      }
    }
    json.EndObject();
  }
  json.EndArray();
}

// Writes the citations. Where the content is one string, their places are
// counted in that.
void WriteAnnotations(const AssistantTurn& turn, JsonWriter& json,
                      DroppedFields& dropped) {
  std::vector<CitedSpan> spans;
  int64_t begin = 0;
  for (const v1::Part* part : turn.content) {
    const int64_t characters = CountCharacters(part->text());
    for (const v1::Citation& citation : part->citations()) {
      if (!citation.url().empty()) {
        spans.push_back(SpanOf(citation, begin, characters));
      }
    }
    if (HasOneWithoutUrl(part->citations())) {
      dropped.Changed("citations", "of what is no page; left out");
    }
    begin += characters;
  }
  if (spans.empty()) return;
  json.StartArrayField("annotations");
  for (const CitedSpan& span : spans) WriteChatCitation(span, json);
  json.EndArray();
}

absl::Status WriteAnswerAudio(const v1::Part& part, JsonWriter& json) {
  const v1::Audio& audio = part.audio();
  json.StartObjectField("audio");
  json.StringField("id", audio.id());
  json.StringField("data", Base64(audio.data()));
  json.Int64Field("expires_at", audio.expires_at_seconds());
  json.StringField("transcript", audio.transcript());
  GATEWAY_RETURN_IF_ERROR(
      MergeLeftovers(part.extensions(), "audio",
                     {"id", "data", "expires_at", "transcript"}, json));
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace

void WriteChatCitation(const CitedSpan& span, JsonWriter& json) {
  json.StartObject();
  json.StringField("type", "url_citation");
  json.StartObjectField("url_citation");
  WriteUrlCitation(span, json);
  json.EndObject();
  json.EndObject();
}

absl::Status WriteAnswer(const v1::Message& message, JsonWriter& json,
                         DroppedFields& dropped) {
  const AssistantTurn turn(message);
  DroppedFields unheard(kDialect, nullptr);
  json.StartObject();
  json.StringField("role", "assistant");
  GATEWAY_RETURN_IF_ERROR(WriteAnswerContent(turn, json, dropped));
  if (turn.refusal.has_value()) {
    json.StringField("refusal", *turn.refusal);
  } else {
    json.NullField("refusal");
  }
  if (FindExtension(message.extensions(), "annotations") == nullptr) {
    WriteAnnotations(turn, json, dropped);
  }
  WriteAnswerReasoning(turn, json);
  if (turn.audio != nullptr) {
    GATEWAY_RETURN_IF_ERROR(WriteAnswerAudio(*turn.audio, json));
  }
  GATEWAY_RETURN_IF_ERROR(
      WriteImages(PicturesOf(turn, dropped), json, unheard));
  GATEWAY_RETURN_IF_ERROR(
      WriteToolCalls(turn.calls, /*to_caller=*/true, json, unheard));
  GATEWAY_RETURN_IF_ERROR(
      WriteExtensions(message.extensions(), kMessageFields, json, unheard));
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace gateway::chat
