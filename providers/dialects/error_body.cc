#include "providers/dialects/error_body.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "providers/dialects/retry_after.h"

namespace gateway {
namespace {

// How credentials of known makers begin, and how many more characters they
// have.
struct KeyShape {
  std::string_view prefix;
  size_t rest_min;
};

constexpr KeyShape kKeyShapes[] = {
    {"sk-", 6}, {"pk-", 6},   {"rk-", 6},   {"xai-", 8},  {"gsk_", 8},
    {"hf_", 8}, {"AIza", 16}, {"ya29.", 8}, {"AKIA", 12}, {"eyJ", 24},
};

constexpr std::string_view kReplacement = "[secret]";

// How much of a text is looked at; the rest would be cut anyhow.
constexpr size_t kTextBytesMax = 4 * kErrorMessageBytesMax;

bool IsKeyCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
         c == '_' || c == '*' || c == '.' || c == '+' || c == '/' || c == '=';
}

size_t KeyLength(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && IsKeyCharacter(text[length])) ++length;
  // A dot at the end ends the sentence and does not belong to the key.
  while (length > 0 && text[length - 1] == '.') --length;
  return length;
}

// Returns how many bytes at the front of `text` are a credential; 0 if none.
size_t CredentialBytes(std::string_view text) {
  constexpr std::string_view kSchemes[] = {"bearer ", "basic "};
  for (const std::string_view scheme : kSchemes) {
    if (absl::StartsWithIgnoreCase(ToAbsl(text), ToAbsl(scheme))) {
      const size_t length = KeyLength(text.substr(scheme.size()));
      if (length >= 8) return scheme.size() + length;
    }
  }
  for (const KeyShape& shape : kKeyShapes) {
    if (!text.starts_with(shape.prefix)) continue;
    const size_t length = KeyLength(text);
    if (length >= shape.prefix.size() + shape.rest_min) return length;
  }
  return 0;
}

bool AreHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isxdigit(c);
  });
}

// Returns how many bytes at the front of `text` stand for one escaped
// character, as in a text within a text or in a URL; 0 if none do.
size_t EscapeBytes(std::string_view text) {
  if (text.size() >= 3 && text[0] == '%' && AreHex(text.substr(1, 2))) return 3;
  if (text.size() < 2 || text[0] != '\\') return 0;
  if (text[1] == 'u') {
    return text.size() >= 6 && AreHex(text.substr(2, 4)) ? 6 : 0;
  }
  return std::string_view("bfnrt").find(text[1]) == std::string_view::npos ? 0
                                                                           : 2;
}

std::string WithoutCredentials(std::string_view text) {
  std::string scrubbed;
  bool word_begins = true;
  while (!text.empty()) {
    const size_t bytes = word_begins ? CredentialBytes(text) : 0;
    if (bytes > 0) {
      scrubbed.append(kReplacement);
      text.remove_prefix(bytes);
      word_begins = false;
      continue;
    }
    const size_t escaped = EscapeBytes(text);
    word_begins = escaped > 0 ||
                  !absl::ascii_isalnum(static_cast<unsigned char>(text[0]));
    const size_t passed = std::max<size_t>(escaped, 1);
    scrubbed.append(text.substr(0, passed));
    text.remove_prefix(passed);
  }
  return scrubbed;
}

bool IsHtml(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return false;
  const absl::string_view page = ToAbsl(text.substr(begin));
  return absl::StartsWithIgnoreCase(page, "<!doctype") ||
         absl::StartsWithIgnoreCase(page, "<html");
}

// Returns the text in one line; of an HTML page its words, without tags.
std::string OneLine(std::string_view text) {
  const bool html = IsHtml(text);
  std::string line;
  bool in_tag = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : ' ';
    if (html && c == '<' &&
        (absl::ascii_isalpha(static_cast<unsigned char>(next)) || next == '/' ||
         next == '!')) {
      in_tag = true;
    }
    if (in_tag) {
      in_tag = c != '>';
      c = ' ';
    }
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
    if (c == ' ' && (line.empty() || line.back() == ' ')) continue;
    line.push_back(c);
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

// Cuts to whole characters, and drops bytes that belong to none.
std::string ValidPrefix(std::string_view text, size_t bytes_max) {
  std::string valid;
  while (!text.empty()) {
    size_t bytes = 1;
    while (bytes <= 4 && bytes <= text.size() &&
           !IsUtf8(text.substr(0, bytes))) {
      ++bytes;
    }
    if (bytes > 4 || bytes > text.size()) {
      text.remove_prefix(1);
      continue;
    }
    if (valid.size() + bytes > bytes_max) break;
    valid.append(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return valid;
}

// Reads Protobuf's JSON form of a duration: `1.5s`.
std::optional<absl::Duration> ReadProtoDuration(std::string_view text) {
  if (!text.ends_with('s')) return std::nullopt;
  text.remove_suffix(1);
  return ReadRetryAfter("", text, absl::UnixEpoch());
}

class ErrorReader {
 public:
  explicit ErrorReader(ErrorBody* error) : error_(*error) {}

  absl::Status ReadRoot(JsonValue& root) {
    // Gemini's streams wrap the error in a list.
    if (root.IsArray()) {
      return root.EachElement([this](JsonValue& element) -> absl::Status {
        if (!element.IsObject()) return absl::OkStatus();
        return ReadTop(element);
      });
    }
    return ReadTop(root);
  }

  // The order of the checks matters: each form also has marks of the next.
  ErrorBody::Form Form() const {
    using Form = ErrorBody::Form;
    if (has_error_object_ && top_type_ == "error") return Form::kAnthropic;
    if (has_error_text_) return Form::kOllama;
    if (!error_.status.empty()) return Form::kGemini;
    if (has_error_object_ && error_.number.has_value()) {
      return Form::kOpenRouter;
    }
    if (has_error_object_) return Form::kOpenAi;
    if (has_status_code_ && !error_.message.empty()) return Form::kAzure;
    return Form::kText;
  }

  // What the vendor behind OpenRouter said, in whatever form; empty if it is
  // not told.
  const std::string& raw() const { return raw_; }

 private:
  absl::Status ReadTop(JsonValue& top) {
    return top.EachField(
        [this](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "error" && value.IsObject()) {
            has_error_object_ = true;
            return ReadError(value);
          }
          if (key == "error" && value.IsString()) {
            has_error_text_ = true;
            return ReadText(value, &error_.message);
          }
          if (key == "type") return ReadText(value, &top_type_);
          if (key == "error_type") return ReadText(value, &error_.error_type);
          if (key == "statusCode") {
            has_status_code_ = true;
            return ReadNumber(value, nullptr);
          }
          // An error without its envelope, such as Azure's.
          if (key == "message" && !has_error_object_) {
            return ReadText(value, &error_.message);
          }
          return absl::OkStatus();
        });
  }

  absl::Status ReadError(JsonValue& object) {
    return object.EachField(
        [this](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "message") return ReadText(value, &error_.message);
          if (key == "type") return ReadText(value, &error_.type);
          if (key == "param") return ReadText(value, &error_.param);
          if (key == "status") return ReadText(value, &error_.status);
          if (key == "code" && value.IsString()) {
            return ReadText(value, &error_.code);
          }
          if (key == "code") return ReadNumber(value, &error_.code);
          if (key == "error_type") return ReadText(value, &error_.error_type);
          if ((key == "innererror" || key == "inner_error") &&
              value.IsObject()) {
            return ReadInner(value);
          }
          if (key == "metadata" && value.IsObject()) return ReadMetadata(value);
          if (key == "details" && value.IsArray()) return ReadDetails(value);
          if (key == "availability" && value.IsObject()) {
            return ReadAvailability(value);
          }
          return absl::OkStatus();
        });
  }

  // Takes a text. Values of other types are skipped, so that a strange field
  // does not hide the rest.
  static absl::Status ReadText(JsonValue& value, std::string* text) {
    if (!value.IsString()) return absl::OkStatus();
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view read, value.String());
    text->assign(read);
    return absl::OkStatus();
  }

  // Reads an HTTP status; another number is kept in `code`, if that is not
  // null.
  absl::Status ReadNumber(JsonValue& value, std::string* code) {
    if (value.Type() != JsonType::kNumber) return absl::OkStatus();
    const absl::StatusOr<int64_t> number = value.Int64();
    if (!number.ok()) return absl::OkStatus();
    if (IsHttpStatus(*number)) {
      error_.number = static_cast<int>(*number);
    } else if (code != nullptr) {
      *code = absl::StrCat(*number);
    }
    return absl::OkStatus();
  }

  absl::Status ReadDetails(JsonValue& details) {
    return details.EachElement([this](JsonValue& detail) -> absl::Status {
      if (!detail.IsObject()) return absl::OkStatus();
      return detail.EachField(
          [this](std::string_view key, JsonValue& value) -> absl::Status {
            if (key == "violations" && value.IsArray()) {
              return ReadViolations(value);
            }
            std::string text;
            GATEWAY_RETURN_IF_ERROR(ReadText(value, &text));
            if (key == "retryDelay") {
              error_.retry_after = ReadProtoDuration(text);
            } else if (key == "reason") {
              error_.code = text;
            }
            return absl::OkStatus();
          });
    });
  }

  absl::Status ReadViolations(JsonValue& violations) {
    return violations.EachElement([this](JsonValue& violation) -> absl::Status {
      if (!violation.IsObject()) return absl::OkStatus();
      return violation.EachField(
          [this](std::string_view key, JsonValue& value) -> absl::Status {
            if (key != "quotaId") return absl::OkStatus();
            std::string quota;
            GATEWAY_RETURN_IF_ERROR(ReadText(value, &quota));
            if (absl::StrContains(quota, "PerDay")) {
              error_.is_daily_quota = true;
            }
            if (error_.quota_id.empty()) error_.quota_id = quota;
            return absl::OkStatus();
          });
    });
  }

  absl::Status ReadInner(JsonValue& inner) {
    return inner.EachField([this](std::string_view key, JsonValue& value) {
      return key == "code" ? ReadText(value, &error_.inner_code)
                           : absl::OkStatus();
    });
  }

  absl::Status ReadMetadata(JsonValue& metadata) {
    return metadata.EachField(
        [this](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "error_type") return ReadText(value, &error_.error_type);
          if (key == "raw") return ReadRaw(value);
          const bool has_verdict =
              key == "reasons" || key == "flagged_input" || key == "patterns";
          error_.moderated =
              error_.moderated || (has_verdict && !value.IsNull());
          return absl::OkStatus();
        });
  }

  // Reads what the vendor behind OpenRouter said: a text, often JSON itself.
  absl::Status ReadRaw(JsonValue& value) {
    if (value.IsString()) return ReadText(value, &raw_);
    if (!value.IsObject()) return absl::OkStatus();
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, value.Raw());
    raw_.assign(json);
    return absl::OkStatus();
  }

  absl::Status ReadAvailability(JsonValue& availability) {
    return availability.EachField(
        [this](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "code") return ReadText(value, &error_.inner_code);
          if (key != "retry_after" || value.Type() != JsonType::kNumber) {
            return absl::OkStatus();
          }
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw,
                                   value.RawUnchecked());
          error_.retry_after = ReadRetryAfter("", raw, absl::UnixEpoch());
          return absl::OkStatus();
        });
  }

  ErrorBody& error_;
  std::string raw_;
  std::string top_type_;
  bool has_error_object_ = false;
  bool has_error_text_ = false;
  bool has_status_code_ = false;
};

// Takes the reason from what the vendor behind OpenRouter said, since of most
// failures OpenRouter says only that there was one. REQUIRES: `raw` is not
// empty.
void AddRawReason(std::string_view raw, ErrorBody* error) {
  ErrorBody behind;
  ErrorReader reader(&behind);
  const absl::Status status =
      ReadJson(raw, [&](JsonValue& root) { return reader.ReadRoot(root); });
  const bool is_error =
      status.ok() && reader.Form() != ErrorBody::Form::kText;
  const std::string_view reason =
      is_error && !behind.message.empty() ? behind.message : raw;
  if (absl::StrContains(error->message, ToAbsl(reason))) return;
  absl::StrAppend(&error->message, error->message.empty() ? "" : ": ",
                  ToAbsl(reason));
  if (!is_error) return;
  if (error->inner_code.empty()) error->inner_code = behind.code;
  if (error->param.empty()) error->param = behind.param;
}

}  // namespace

std::string_view NameOfForm(ErrorBody::Form form) {
  switch (form) {
    case ErrorBody::Form::kAnthropic:
      return "anthropic";
    case ErrorBody::Form::kOllama:
      return "ollama";
    case ErrorBody::Form::kGemini:
      return "gemini";
    case ErrorBody::Form::kOpenRouter:
      return "openrouter";
    case ErrorBody::Form::kOpenAi:
      return "openai";
    case ErrorBody::Form::kAzure:
      return "azure";
    case ErrorBody::Form::kNone:
    case ErrorBody::Form::kText:
      break;
  }
  return {};
}

std::string ScrubbedMessage(std::string_view text) {
  const std::string line = OneLine(text.substr(0, kTextBytesMax));
  return ValidPrefix(WithoutCredentials(line), kErrorMessageBytesMax);
}

ErrorBody ReadErrorBody(std::string_view body) {
  ErrorBody error;
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return error;
  ErrorReader reader(&error);
  const absl::Status status =
      ReadJson(body, [&](JsonValue& root) { return reader.ReadRoot(root); });
  error.form = status.ok() ? reader.Form() : ErrorBody::Form::kText;
  if (error.form == ErrorBody::Form::kText) {
    error = ErrorBody{.form = ErrorBody::Form::kText};
    error.message = ScrubbedMessage(body);
    return error;
  }
  if (!reader.raw().empty()) AddRawReason(reader.raw(), &error);
  error.message = ScrubbedMessage(error.message);
  error.type = ScrubbedMessage(error.type);
  error.code = ScrubbedMessage(error.code);
  error.param = ScrubbedMessage(error.param);
  error.inner_code = ScrubbedMessage(error.inner_code);
  error.error_type = ScrubbedMessage(error.error_type);
  error.status = ScrubbedMessage(error.status);
  error.quota_id = ScrubbedMessage(error.quota_id);
  return error;
}

}  // namespace gateway
