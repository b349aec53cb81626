#include "service/pipeline/token_estimate.h"

#include <algorithm>
#include <string_view>

#include "base/async/worker_pool.h"
#include "base/text/json_token.h"
#include "base/text/unescaped_size.h"
#include "base/text/utf8.h"
#include "google/protobuf/arena.h"
#include "providers/bounded_messages.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr int64_t kTokensPerMessage = 4;

int64_t Bytes(std::string_view text) {
  return static_cast<int64_t>(text.size());
}

// How many characters there are, as `count` counts those of a text.
using Count = int64_t (*)(std::string_view text);

int64_t CharactersOf(const v1::Part& part, Count count) {
  switch (part.kind_case()) {
    case v1::Part::kText:
      return count(part.text());
    case v1::Part::kRefusal:
      return count(part.refusal());
    case v1::Part::kReasoning:
      return count(part.reasoning().text());
    case v1::Part::kToolCall:
      return count(part.tool_call().name()) +
             count(part.tool_call().arguments());
    case v1::Part::kToolResult: {
      int64_t sum = 0;
      for (const v1::Part& inner : part.tool_result().parts()) {
        // A result's own results are refused before this.
        if (!inner.has_tool_result()) sum += CharactersOf(inner, count);
      }
      return sum;
    }
    case v1::Part::kOpaque:
      return count(part.opaque().json());
    case v1::Part::kDocument:
      return part.document().has_text() ? count(part.document().text())
                                        : kCharactersOfMedium;
    case v1::Part::kImage:
    case v1::Part::kAudio:
      return kCharactersOfMedium;
    case v1::Part::KIND_NOT_SET:
      break;
  }
  return 0;
}

int64_t CharactersOf(const v1::Tool& tool, Count count) {
  if (tool.has_provider()) return count(tool.provider().json());
  if (tool.has_custom()) {
    return count(tool.custom().name()) + count(tool.custom().description()) +
           count(tool.custom().grammar_definition());
  }
  return count(tool.function().name()) + count(tool.function().description()) +
         count(tool.function().parameters_schema());
}

int64_t InputTokens(const v1::GenerateRequest& request, Count count) {
  int64_t characters = 0;
  for (const v1::Message& message : request.messages()) {
    characters += count(message.name());
    for (const v1::Part& part : message.parts()) {
      characters += CharactersOf(part, count);
    }
  }
  for (const v1::Tool& tool : request.tools()) {
    characters += CharactersOf(tool, count);
  }
  characters += count(request.response_format().schema());
  return TokensOfCharacters(characters) +
         kTokensPerMessage * request.messages_size();
}

// A sample of a JSON: so many windows of so many bytes, as far from each other.
constexpr size_t kWindows = 64;
constexpr size_t kWindowBytes = 64;

bool IsBase64(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z') || c == '+' || c == '/' || c == '-' ||
         c == '_' || c == '=';
}

std::string_view WithoutSpaceBehind(std::string_view text) {
  while (!text.empty() && IsJsonSpace(text.back())) text.remove_suffix(1);
  return text;
}

// Whether what stands there is a picture or a file, given that it looks so and
// that what stands `back_max` bytes before does not: it is so by its name, as
// vendors have it, or as a URL. A text of letters alone is a text.
bool IsMediumAt(std::string_view json, size_t at, size_t back_max) {
  const size_t first = at - std::min(at, back_max);
  while (at > first && IsBase64(json[at - 1])) --at;
  std::string_view before = json.substr(0, at);
  if (before.ends_with(";base64,")) return true;
  if (!before.ends_with('"')) return false;
  before.remove_suffix(1);
  before = WithoutSpaceBehind(before);
  if (!before.ends_with(':')) return false;
  before.remove_suffix(1);
  return WithoutSpaceBehind(before).ends_with("data\"");
}

}  // namespace

int64_t GuessInputTokens(std::string_view json) {
  if (json.size() <= kWindows * kWindowBytes) {
    return TokensOfCharacters(static_cast<int64_t>(UnescapedSize(json)));
  }
  const size_t stride = json.size() / kWindows;
  size_t spoken = 0;  // Of the windows.
  size_t media = 0;
  bool looks_so = false;  // As the last window does.
  bool in_medium = false;
  for (size_t at = 0; at < kWindows * stride; at += stride) {
    const std::string_view window = json.substr(at, kWindowBytes);
    const bool looked_so = looks_so;
    looks_so = std::all_of(window.begin(), window.end(), IsBase64);
    if (looks_so && !looked_so) {
      in_medium = IsMediumAt(json, at, stride);
      media += in_medium;
    }
    if (!looks_so || !in_medium) spoken += UnescapedSize(window);
  }
  return TokensOfCharacters(
      static_cast<int64_t>(stride * spoken / kWindowBytes) +
      static_cast<int64_t>(media) * kCharactersOfMedium);
}

void DeliveredTokens::Add(const StreamBatch& batch) {
  for (const v1::GenerateEvent& event : batch.events) said_.Add(event);
}

int64_t DeliveredTokens::Estimate(const ProviderStream& stream) const {
  // Events are read, or forwarded.
  return said_.Tokens() + stream.SaidTokens();
}

int64_t EstimateInputTokens(const v1::GenerateRequest& request) {
  return InputTokens(request, CountCharacters);
}

PromptSize MeasurePrompt(const v1::GenerateRequest& request) {
  PromptSize size = {.messages = request.messages_size()};
  for (const v1::Message& message : request.messages()) {
    for (const v1::Part& part : message.parts()) {
      size.characters += CharactersOf(part, CountCharacters);
    }
  }
  return size;
}

PromptSize MeasurePrompt(const RawRequest& raw) {
  google::protobuf::Arena arena;
  auto* const request =
      google::protobuf::Arena::CreateMessage<v1::GenerateRequest>(&arena);
  return ReadBoundedRequest(*raw.dialect, raw.body, RequestUse::kGenerate,
                            request)
                 .ok()
             ? MeasurePrompt(*request)
             : PromptSize{.characters = Bytes(raw.body), .messages = 1};
}

int64_t EstimateInputTokens(const v1::EmbedRequest& request) {
  return EstimateInputTokens(request, 0, request.inputs_size());
}

int64_t EstimateInputTokens(const v1::EmbedRequest& request, int begin,
                            int end) {
  int64_t tokens = 0;
  for (int i = begin; i < end; ++i) {
    const v1::EmbedInput& input = request.inputs(i);
    tokens += input.has_text()
                  ? TokensOfCharacters(CountCharacters(input.text()))
                  : input.tokens().ids_size();
  }
  return tokens;
}

int64_t EstimateInputTokens(const RawRequest& raw) {
  if (raw.body.size() > kInPlaceBytesMax) return GuessInputTokens(raw.body);
  google::protobuf::Arena arena;
  auto* const request =
      google::protobuf::Arena::CreateMessage<v1::GenerateRequest>(&arena);
  // What only its vendor understands is a JSON like any other.
  return ReadBoundedRequest(*raw.dialect, raw.body, RequestUse::kGenerate,
                            request)
                 .ok()
             ? EstimateInputTokens(*request)
             : GuessInputTokens(raw.body);
}

int64_t EstimateOutputTokens(const v1::GenerateResponse& response) {
  SaidOutput said;
  said.Add(response);
  return said.Tokens();
}

int64_t EstimateOutputTokens(const Dialect& dialect, std::string_view body) {
  google::protobuf::Arena arena;
  auto* const response =
      google::protobuf::Arena::CreateMessage<v1::GenerateResponse>(&arena);
  const bool is_read = ReadBoundedResponse(dialect, body, response).ok();
  const int64_t said = EstimateOutputTokens(*response);
  return is_read || said > 0 ? said : GuessInputTokens(body);
}

int64_t GuessInputTokens(const v1::GenerateRequest& request) {
  return InputTokens(request, Bytes);
}

}  // namespace gateway
