#include "providers/said_output.h"

#include "base/text/utf8.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

void SaidOutput::Add(const v1::GenerateEvent& event) {
  if (event.has_delta()) AddDelta(event.delta());
  if (event.has_usage()) {
    counted_.Take(event.usage().output_tokens(), characters());
  }
}

void SaidOutput::Add(const v1::GenerateResponse& response) {
  for (const v1::Choice& choice : response.choices()) {
    for (const v1::Part& part : choice.message().parts()) AddPart(part);
  }
}

void SaidOutput::AddDelta(const v1::Delta& delta) {
  switch (delta.piece_case()) {
    case v1::Delta::kText:
      return AddText(delta.text());
    case v1::Delta::kRefusal:
      return AddText(delta.refusal());
    case v1::Delta::kReasoning:
      return AddText(delta.reasoning());
    case v1::Delta::kToolCall:
      return AddCall(delta.tool_call().name(), delta.tool_call().arguments());
    case v1::Delta::kAudio:
      has_sound_ = true;
      return;
    case v1::Delta::kImage:
      characters_ += kCharactersOfMedium;
      return;
    case v1::Delta::kOpaque:
      return AddOpaque(delta.opaque().json());
    case v1::Delta::kReasoningSignature:
    case v1::Delta::kRedactedReasoning:
    case v1::Delta::PIECE_NOT_SET:
      return;
  }
}

void SaidOutput::AddPart(const v1::Part& part) {
  switch (part.kind_case()) {
    case v1::Part::kText:
      return AddText(part.text());
    case v1::Part::kRefusal:
      return AddText(part.refusal());
    case v1::Part::kReasoning:
      return AddText(part.reasoning().text());
    case v1::Part::kToolCall:
      return AddCall(part.tool_call().name(), part.tool_call().arguments());
    case v1::Part::kToolResult:
      // A result has no results in it.
      for (const v1::Part& inner : part.tool_result().parts()) {
        if (!inner.has_tool_result()) AddPart(inner);
      }
      return;
    case v1::Part::kAudio:
      has_sound_ = true;
      return;
    case v1::Part::kDocument:
      if (part.document().has_text()) return AddText(part.document().text());
      characters_ += kCharactersOfMedium;
      return;
    case v1::Part::kImage:
      characters_ += kCharactersOfMedium;
      return;
    case v1::Part::kOpaque:
      return AddOpaque(part.opaque().json());
    case v1::Part::KIND_NOT_SET:
      return;
  }
}

void SaidOutput::AddText(std::string_view text) {
  characters_ += CountCharacters(text);
}

void SaidOutput::AddCall(std::string_view name, std::string_view arguments) {
  AddText(name);
  AddText(arguments);
}

void SaidOutput::AddOpaque(std::string_view json) {
  const Said said = SaidIn(json);
  characters_ += said.characters;
  has_sound_ = has_sound_ || said.has_sound;
}

}  // namespace gateway
