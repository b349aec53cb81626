#include "providers/local_cli/cli_output.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "errors/foreign_words.h"
#include "providers/dialects/error_body.h"
#include "providers/local_cli/cli_prompt.h"

namespace gateway {
namespace {

constexpr char kEscape = '\x1b';

// A phrase in a failure's text, and the reason that it stands for.
struct PhraseMeaning {
  std::string_view phrase;  // In lower case.
  v1::ErrorReason reason;
};

constexpr PhraseMeaning kMeanings[] = {
    {"usage limit", v1::ERROR_REASON_PROVIDER_RATE_LIMITED},
    {"rate limit", v1::ERROR_REASON_PROVIDER_RATE_LIMITED},
    {"rate_limit", v1::ERROR_REASON_PROVIDER_RATE_LIMITED},
    {"credit balance", v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED},
    {"invalid api key", v1::ERROR_REASON_PROVIDER_AUTH_FAILED},
    {"authentication", v1::ERROR_REASON_PROVIDER_AUTH_FAILED},
    {"/login", v1::ERROR_REASON_PROVIDER_AUTH_FAILED},
    {"prompt is too long", v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED},
    {"not_found_error", v1::ERROR_REASON_MODEL_NOT_FOUND},
    {"issue with the selected model", v1::ERROR_REASON_MODEL_NOT_FOUND},
};

v1::ErrorReason ReasonOfText(std::string_view text) {
  const std::string lower = absl::AsciiStrToLower(ToAbsl(text));
  for (const PhraseMeaning& meaning : kMeanings) {
    if (absl::StrContains(lower, ToAbsl(meaning.phrase))) return meaning.reason;
  }
  return v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
}

// Returns the text without escape sequences of terminals such as ESC [ ? 1 0 0
// 4 l. Within JSON an escape character is spelled otherwise.
std::string WithoutEscapes(std::string_view text) {
  std::string clean;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != kEscape) {
      clean.push_back(text[i]);
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == '[') ++i;
    do {
      ++i;
    } while (i < text.size() &&
             !absl::ascii_isalpha(static_cast<unsigned char>(text[i])));
  }
  return clean;
}

absl::Status ReadText(JsonValue& value, std::string* text) {
  if (!value.IsString()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view read, value.String());
  text->append(read);
  return absl::OkStatus();
}

// Reads one object. Fields may come in any order, so what they mean is decided
// at the end.
class LineReader {
 public:
  explicit LineReader(CliLine* line) : line_(*line) {}

  absl::Status Read(JsonValue& root) {
    GATEWAY_RETURN_IF_ERROR(
        root.EachField([this](std::string_view key, JsonValue& value) {
          return ReadField(key, value);
        }));
    line_.kind = Kind();
    if (line_.kind != CliLine::Kind::kResult) line_.extensions.Clear();
    return absl::OkStatus();
  }

 private:
  CliLine::Kind Kind() const {
    if (type_ == "result") return CliLine::Kind::kResult;
    if (type_ == "system" && line_.subtype == "init") {
      return CliLine::Kind::kBegin;
    }
    if (type_ == "assistant") return CliLine::Kind::kMessage;
    if (type_ == "stream_event") return CliLine::Kind::kPiece;
    return CliLine::Kind::kOther;
  }

  absl::Status ReadField(std::string_view key, JsonValue& value) {
    if (key == "type") return ReadText(value, &type_);
    if (key == "subtype") return ReadText(value, &line_.subtype);
    if (key == "result") return ReadText(value, &line_.text);
    if (key == "model") return ReadText(value, &line_.model);
    if (key == "stop_reason") return ReadText(value, &line_.stop_reason);
    if (key == "is_error") {
      GATEWAY_ASSIGN_OR_RETURN(line_.is_error, value.Bool());
      return absl::OkStatus();
    }
    if (key == "message" && value.IsObject()) return ReadMessage(value);
    if (key == "event" && value.IsObject()) return ReadEvent(value);
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, value.Raw());
    v1::Extension* extension = line_.extensions.Add();
    extension->set_dialect(std::string(kLocalCliDialect));
    extension->set_name(std::string(key));
    extension->set_json(std::string(json));
    return absl::OkStatus();
  }

  absl::Status ReadMessage(JsonValue& message) {
    return message.EachField(
        [this](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "model") return ReadText(value, &line_.model);
          if (key == "stop_reason") {
            return ReadText(value, &line_.stop_reason);
          }
          if (key != "content" || !value.IsArray()) return absl::OkStatus();
          return value.EachElement(
              [this](JsonValue& block) { return ReadPiece(block); });
        });
  }

  absl::Status ReadEvent(JsonValue& event) {
    return event.EachField(
        [this](std::string_view key, JsonValue& value) -> absl::Status {
          if (key != "delta" || !value.IsObject()) return absl::OkStatus();
          return ReadPiece(value);
        });
  }

  absl::Status ReadPiece(JsonValue& piece) {
    if (!piece.IsObject()) return absl::OkStatus();
    return piece.EachField(
        [this](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "text") return ReadText(value, &line_.text);
          if (key == "thinking") return ReadText(value, &line_.thinking);
          if (key == "stop_reason") {
            return ReadText(value, &line_.stop_reason);
          }
          return absl::OkStatus();
        });
  }

  CliLine& line_;
  std::string type_;
};

// Reads an object, or a list of them of which the result counts.
absl::Status ReadObjects(std::string_view text, CliLine* line) {
  return ReadJson(text, [&](JsonValue& root) {
    if (root.IsObject()) return LineReader(line).Read(root);
    return root.EachElement([&](JsonValue& element) -> absl::Status {
      if (line->kind == CliLine::Kind::kResult) return absl::OkStatus();
      *line = CliLine();
      return LineReader(line).Read(element);
    });
  });
}

}  // namespace

absl::Status ReadCliLine(std::string_view text, CliLine* line) {
  *line = CliLine();
  if (text.find(kEscape) != std::string_view::npos) {
    const std::string clean = WithoutEscapes(text);
    // The line held nothing but escape sequences.
    if (absl::StripAsciiWhitespace(clean).empty()) return absl::OkStatus();
    return ReadObjects(clean, line);
  }
  return ReadObjects(text, line);
}

absl::Status ReadCliResult(std::string_view output, CliLine* result) {
  const std::string clean = WithoutEscapes(output);
  *result = CliLine();
  if (ReadObjects(clean, result).ok() &&
      result->kind == CliLine::Kind::kResult) {
    return absl::OkStatus();
  }
  std::string_view rest = clean;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    *result = CliLine();
    if (ReadObjects(rest.substr(0, end), result).ok() &&
        result->kind == CliLine::Kind::kResult) {
      return absl::OkStatus();
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return absl::InvalidArgumentError("there is no result in the output");
}

v1::FinishReason FinishReasonOfCli(std::string_view stop_reason) {
  if (stop_reason == "max_tokens" ||
      stop_reason == "model_context_window_exceeded") {
    return v1::FINISH_REASON_LENGTH;
  }
  if (stop_reason == "refusal") return v1::FINISH_REASON_CONTENT_FILTER;
  return v1::FINISH_REASON_STOP;
}

std::string_view WithoutFence(std::string_view text) {
  constexpr std::string_view kFence = "```";
  const std::string_view all = ToStd(absl::StripAsciiWhitespace(ToAbsl(text)));
  const size_t line_end = all.find('\n');
  if (!all.starts_with(kFence) || !all.ends_with(kFence) ||
      line_end == std::string_view::npos ||
      all.size() < line_end + 1 + kFence.size()) {
    return text;
  }
  const std::string_view inside =
      all.substr(line_end + 1, all.size() - line_end - 1 - kFence.size());
  // There is more than one fence, so the text is not all inside of one.
  if (inside.find(kFence) != std::string_view::npos) return text;
  return ToStd(absl::StripAsciiWhitespace(ToAbsl(inside)));
}

absl::Status CliFault(std::string_view what, std::string_view text) {
  const std::string scrubbed = ScrubbedMessage(text);
  absl::Status fault = MakeFault(
      ReasonOfText(text),
      absl::StrCat(ToAbsl(what), scrubbed.empty() ? "" : ": ", scrubbed));
  MarkForeignWords(fault, ForeignWords::kOfProvider, scrubbed);
  return fault;
}

}  // namespace gateway
