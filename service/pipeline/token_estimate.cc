#include "service/pipeline/token_estimate.h"

#include <algorithm>
#include <string_view>

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr int64_t kCharactersPerToken = 4;
constexpr int64_t kTokensPerMessage = 4;
constexpr int64_t kTokensPerMedium = 1000;

// Characters, not bytes: UTF-8 continuation bytes do not count.
int64_t Characters(std::string_view text) {
  int64_t count = 0;
  for (const char c : text) count += (c & 0xc0) != 0x80;
  return count;
}

int64_t MediumCharacters() { return kTokensPerMedium * kCharactersPerToken; }

int64_t CharactersOf(const v1::Part& part) {
  switch (part.kind_case()) {
    case v1::Part::kText:
      return Characters(part.text());
    case v1::Part::kRefusal:
      return Characters(part.refusal());
    case v1::Part::kReasoning:
      return Characters(part.reasoning().text());
    case v1::Part::kToolCall:
      return Characters(part.tool_call().name()) +
             Characters(part.tool_call().arguments());
    case v1::Part::kToolResult: {
      int64_t count = 0;
      for (const v1::Part& inner : part.tool_result().parts()) {
        // A result's own results are refused before this.
        if (!inner.has_tool_result()) count += CharactersOf(inner);
      }
      return count;
    }
    case v1::Part::kOpaque:
      return Characters(part.opaque().json());
    case v1::Part::kDocument:
      return part.document().has_text() ? Characters(part.document().text())
                                        : MediumCharacters();
    case v1::Part::kImage:
    case v1::Part::kAudio:
      return MediumCharacters();
    case v1::Part::KIND_NOT_SET:
      break;
  }
  return 0;
}

int64_t CharactersOf(const v1::Tool& tool) {
  if (tool.has_provider()) return Characters(tool.provider().json());
  if (tool.has_custom()) {
    return Characters(tool.custom().name()) +
           Characters(tool.custom().description()) +
           Characters(tool.custom().grammar_definition());
  }
  return Characters(tool.function().name()) +
         Characters(tool.function().description()) +
         Characters(tool.function().parameters_schema());
}

// A string that is longer than that, and has no space where texts have some, is
// a picture or a file.
constexpr size_t kMediumBytesMin = 4096;
constexpr size_t kSpacesLookedForIn = 512;

// What stands around the text of a forwarded event is hardly more.
constexpr int64_t kFrameBytesMax = 384;

int64_t CharactersOfJson(std::string_view inside) {
  if (inside.size() >= kMediumBytesMin &&
      inside.substr(0, kSpacesLookedForIn).find(' ') ==
          std::string_view::npos) {
    return MediumCharacters();
  }
  return static_cast<int64_t>(inside.size());
}

// Where a JSON string ends that begins at `begin`, behind its quote.
size_t EndOfString(std::string_view json, size_t begin) {
  for (size_t end = json.find('"', begin); end != std::string_view::npos;
       end = json.find('"', end + 1)) {
    const size_t last = json.find_last_not_of('\\', end - 1);
    if ((end - last) % 2 == 1) return end;
  }
  return json.size();
}

int64_t CharactersOf(const v1::Delta& delta) {
  return static_cast<int64_t>(
      delta.text().size() + delta.refusal().size() + delta.reasoning().size() +
      delta.tool_call().name().size() + delta.tool_call().arguments().size());
}

int64_t TokensOf(int64_t characters) {
  return (characters + kCharactersPerToken - 1) / kCharactersPerToken;
}

}  // namespace

int64_t EstimateInputTokens(std::string_view json) {
  int64_t characters = 0;
  size_t at = json.find('"');
  while (at < json.size()) {
    const size_t end = EndOfString(json, at + 1);
    characters += CharactersOfJson(json.substr(at + 1, end - at - 1));
    at = json.find('"', end + 1);
  }
  return TokensOf(characters);
}

void DeliveredTokens::Note(const StreamBatch& batch) {
  for (const v1::GenerateEvent& event : batch.events) {
    if (event.has_delta()) characters_ += CharactersOf(event.delta());
  }
  if (batch.sized_events == 0) return;
  events_ += batch.sized_events;
  event_bytes_ += batch.sized_bytes;
  smallest_bytes_ = std::min(smallest_bytes_, batch.smallest_bytes);
}

int64_t DeliveredTokens::Estimate() const {
  if (events_ == 0) return TokensOf(characters_);
  const int64_t frame = std::min(smallest_bytes_, kFrameBytesMax);
  return events_ + TokensOf(event_bytes_ - events_ * frame);
}

int64_t EstimateInputTokens(const v1::GenerateRequest& request) {
  int64_t characters = 0;
  for (const v1::Message& message : request.messages()) {
    characters += Characters(message.name());
    for (const v1::Part& part : message.parts()) {
      characters += CharactersOf(part);
    }
  }
  for (const v1::Tool& tool : request.tools()) {
    characters += CharactersOf(tool);
  }
  characters += Characters(request.response_format().schema());
  return TokensOf(characters) + kTokensPerMessage * request.messages_size();
}

}  // namespace gateway
