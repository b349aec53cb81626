#include "providers/local_cli/cli_prompt.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/utf8.h"
#include "errors/fault.h"
#include "providers/dialects/dropped_fields.h"

namespace gateway {
namespace {

using wire::DroppedFields;

constexpr std::string_view kPartPlace = "messages[].parts[]";

// WORD JOINER: invisible, and no white space.
constexpr std::string_view kWordJoiner = "\u2060";

bool IsAsciiSpace(char c) {
  return absl::ascii_isspace(static_cast<unsigned char>(c));
}

// Keeps the tool from reading files: it puts the file `path` in the place of
// `@path` where that begins a word, and behind a word joiner nothing begins a
// word. White space beyond ASCII is told by its last byte, which may put
// joiners behind other characters, too: to no harm.
std::string WithoutFileMentions(std::string_view text) {
  std::string inert;
  inert.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char before = i == 0 ? ' ' : text[i - 1];
    const bool begins_word =
        IsAsciiSpace(before) || (before & 0x80) != 0;
    if (text[i] == '@' && begins_word) inert.append(kWordJoiner);
    inert.push_back(text[i]);
  }
  return inert;
}

std::string_view Speaker(v1::Role role) {
  switch (role) {
    case v1::ROLE_SYSTEM:
    case v1::ROLE_DEVELOPER:
      return "[System]: ";
    case v1::ROLE_ASSISTANT:
      return "[Assistant]: ";
    default:
      return "[User]: ";
  }
}

// Writes one request.
class PromptWriter {
 public:
  PromptWriter(const v1::GenerateRequest& request, std::string* prompt,
               std::vector<v1::Warning>* warnings)
      : request_(request),
        prompt_(*prompt),
        dropped_(kLocalCliDialect, warnings) {}

  absl::Status Write() {
    if (request_.tools_size() > 0 &&
        request_.tool_choice().mode() != v1::ToolChoice::MODE_NONE) {
      Refuse("tools", "tools");
    }
    WriteFormat();
    for (int i = 0; i < request_.messages_size(); ++i) {
      WriteMessage(request_.messages(i), absl::StrCat("messages[", i, "]"));
    }
    ReportDropped();
    return refusal_;
  }

 private:
  void Refuse(std::string_view field, std::string_view what) {
    const std::string why =
        absl::StrCat("a command-line tool cannot be given ", ToAbsl(what));
    if (refusal_.ok()) {
      refusal_ = MakeFault(v1::ERROR_REASON_CAPABILITY_UNSUPPORTED, why);
    }
    AddFieldViolation(refusal_, field, why);
  }

  void WriteFormat() {
    const v1::ResponseFormat& format = request_.response_format();
    if (!WantsJson(request_)) return;
    absl::StrAppend(&prompt_,
                    "Reply with JSON only: no other text, no code fences.");
    if (format.kind() == v1::ResponseFormat::KIND_JSON_SCHEMA) {
      absl::StrAppend(&prompt_, " It must satisfy this JSON Schema:\n",
                      format.schema());
    } else {
      absl::StrAppend(&prompt_, " It must be one object.");
    }
    if (!format.description().empty()) {
      absl::StrAppend(&prompt_, "\nIt is for: ", format.description());
    }
  }

  void WriteMessage(const v1::Message& message, std::string_view place) {
    std::string text;
    for (int i = 0; i < message.parts_size(); ++i) {
      const std::string piece = TextOf(
          message.parts(i), absl::StrCat(ToAbsl(place), ".parts[", i, "]"));
      if (piece.empty()) continue;
      absl::StrAppend(&text, text.empty() ? "" : "\n", piece);
    }
    if (!message.name().empty()) dropped_.LeftOut("messages[].name");
    dropped_.Foreign("messages[]", message.extensions());
    if (!prompt_.empty()) absl::StrAppend(&prompt_, "\n\n");
    absl::StrAppend(&prompt_, ToAbsl(Speaker(message.role())), text);
  }

  std::string TextOf(const v1::Part& part, std::string_view place) {
    dropped_.Foreign(kPartPlace, part.extensions());
    if (part.has_cache_hint()) {
      dropped_.LeftOut("messages[].parts[].cache_hint");
    }
    switch (part.kind_case()) {
      case v1::Part::kText:
        return part.text();
      case v1::Part::kRefusal:
        return part.refusal();
      case v1::Part::kDocument:
        return TextOf(part.document(), place);
      case v1::Part::kAudio:
        if (part.audio().transcript().empty()) Refuse(place, "sound");
        return part.audio().transcript();
      case v1::Part::kImage:
        Refuse(place, "pictures");
        return {};
      case v1::Part::kToolCall:
      case v1::Part::kToolResult:
        Refuse(place, "calls of tools");
        return {};
      case v1::Part::kReasoning:
        dropped_.LeftOut("messages[].parts[].reasoning");
        return {};
      case v1::Part::kOpaque:
        dropped_.LeftOut("messages[].parts[].opaque");
        return {};
      case v1::Part::KIND_NOT_SET:
        return {};
    }
    return {};
  }

  std::string TextOf(const v1::Document& document, std::string_view place) {
    if (document.has_text()) return document.text();
    if (document.has_data() && document.media_type().starts_with("text/") &&
        IsUtf8(document.data())) {
      return document.data();
    }
    Refuse(place, "files that are no text");
    return {};
  }

  void ReportDropped() {
    const v1::Sampling& sampling = request_.sampling();
    if (request_.has_max_output_tokens()) dropped_.LeftOut("max_output_tokens");
    if (sampling.has_temperature()) dropped_.LeftOut("sampling.temperature");
    if (sampling.has_top_p()) dropped_.LeftOut("sampling.top_p");
    if (sampling.has_top_k()) dropped_.LeftOut("sampling.top_k");
    if (sampling.has_frequency_penalty()) {
      dropped_.LeftOut("sampling.frequency_penalty");
    }
    if (sampling.has_presence_penalty()) {
      dropped_.LeftOut("sampling.presence_penalty");
    }
    if (sampling.has_seed()) dropped_.LeftOut("sampling.seed");
    if (!sampling.stop().empty()) dropped_.LeftOut("sampling.stop");
    if (!sampling.logit_bias().empty()) dropped_.LeftOut("sampling.logit_bias");
    if (sampling.logprobs()) dropped_.LeftOut("sampling.logprobs");
    if (sampling.choice_count() > 1) dropped_.LeftOut("sampling.choice_count");
    if (request_.has_reasoning()) dropped_.LeftOut("reasoning");
    if (request_.has_audio_output()) dropped_.LeftOut("audio_output");
    if (request_.has_cache_hint()) dropped_.LeftOut("cache_hint");
    if (!request_.verbosity().empty()) dropped_.LeftOut("verbosity");
    if (request_.store()) dropped_.LeftOut("store");
    dropped_.Foreign("", request_.extensions());
  }

  const v1::GenerateRequest& request_;
  std::string& prompt_;
  DroppedFields dropped_;
  absl::Status refusal_;
};

}  // namespace

absl::Status WriteCliPrompt(const v1::GenerateRequest& request,
                            std::string* prompt,
                            std::vector<v1::Warning>* warnings) {
  GATEWAY_RETURN_IF_ERROR(PromptWriter(request, prompt, warnings).Write());
  if (prompt->find('@') != std::string::npos) {
    *prompt = WithoutFileMentions(*prompt);
  }
  return absl::OkStatus();
}

bool WantsJson(const v1::GenerateRequest& request) {
  return request.response_format().kind() ==
             v1::ResponseFormat::KIND_JSON_OBJECT ||
         request.response_format().kind() ==
             v1::ResponseFormat::KIND_JSON_SCHEMA;
}

int64_t EstimatedTokens(std::string_view text) {
  return std::max<int64_t>(1, CountCharacters(text) / 4);
}

}  // namespace gateway
