#include "service/pipeline/token_estimate.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/async/worker_pool.h"
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

// A window that does not look so has nothing of a medium that is large enough
// to matter.
bool LooksLikeBase64(std::string_view json, size_t at) {
  const std::string_view window = json.substr(at, kWindowBytes);
  return std::all_of(window.begin(), window.end(), IsBase64);
}

bool HasBase64(std::string_view json, size_t stride) {
  for (size_t at = 0; at < kWindows * stride; at += stride) {
    if (LooksLikeBase64(json, at)) return true;
  }
  return false;
}

int64_t GuessTokens(const Dialect& dialect, std::string_view json) {
  if (json.size() <= kWindows * kWindowBytes) {
    return TokensOfCharacters(static_cast<int64_t>(UnescapedSize(json)));
  }
  const size_t stride = json.size() / kWindows;
  std::vector<std::string_view> media;
  if (HasBase64(json, stride)) media = dialect.MediaIn(json);
  size_t spoken = 0;  // Of the windows.
  auto medium = media.begin();
  for (size_t at = 0; at < kWindows * stride; at += stride) {
    const char* const window = json.data() + at;
    while (medium != media.end() && medium->data() + medium->size() <= window) {
      ++medium;
    }
    if (medium != media.end() && medium->data() <= window) continue;
    spoken += UnescapedSize(json.substr(at, kWindowBytes));
  }
  return TokensOfCharacters(
      static_cast<int64_t>(stride * spoken / kWindowBytes) +
      static_cast<int64_t>(media.size()) * kCharactersOfMedium);
}

}  // namespace

int64_t GuessInputTokens(const RawRequest& raw) {
  return GuessTokens(*raw.dialect, raw.body);
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
  if (raw.body.size() > kInPlaceBytesMax) return GuessInputTokens(raw);
  google::protobuf::Arena arena;
  auto* const request =
      google::protobuf::Arena::CreateMessage<v1::GenerateRequest>(&arena);
  // What only its vendor understands is a JSON like any other.
  return ReadBoundedRequest(*raw.dialect, raw.body, RequestUse::kGenerate,
                            request)
                 .ok()
             ? EstimateInputTokens(*request)
             : GuessInputTokens(raw);
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
  return is_read || said > 0 ? said : GuessTokens(dialect, body);
}

int64_t GuessInputTokens(const v1::GenerateRequest& request) {
  return InputTokens(request, Bytes);
}

}  // namespace gateway
