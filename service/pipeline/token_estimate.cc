#include "service/pipeline/token_estimate.h"

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

}  // namespace

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
  return (characters + kCharactersPerToken - 1) / kCharactersPerToken +
         kTokensPerMessage * request.messages_size();
}

}  // namespace gateway
