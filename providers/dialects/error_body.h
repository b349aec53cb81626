// Finds out what the body of a failed answer says, whoever wrote it: a
// provider of any family, a proxy in between, or a page of HTML.
//
//   const ErrorBody error = ReadErrorBody(failure.body);
//   if (error.code == "insufficient_quota") ...
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_ERROR_BODY_H_
#define PROVIDERS_DIALECTS_ERROR_BODY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "llmgateway/v1/errors.pb.h"

namespace gateway {

// Longer messages are cut to this.
inline constexpr size_t kErrorMessageBytesMax = 512;

// What an error body says; what it does not say is empty.
struct ErrorBody {
  // Which vendor writes errors in this form.
  enum class Form {
    kNone,       // No body.
    kText,       // Not JSON, or JSON that is no error.
    kAnthropic,  // {"type": "error", "error": {"type", "message"}}
    kOllama,     // {"error": "..."}
    kGemini,  // {"error": {"code": 429, "status": "...", "message"}}, or in []
    kOpenRouter,  // {"error": {"code": 429, "message", "metadata"}}
    kOpenAi,      // {"error": {"message", "type", "param", "code"}}
    kAzure,       // {"statusCode": 429, "message"}
  };

  Form form = Form::kNone;
  // Scrubbed and bounded; fit for callers and logs.
  std::string message;
  std::string type;
  // The code; a number that is no HTTP status as its digits.
  std::string code;
  std::string param;
  // A more specific code from within: Azure's `innererror`, OpenRouter's
  // `availability`.
  std::string inner_code;
  // OpenRouter's name of the error, whose `code` is a number.
  std::string error_type;
  // Gemini's canonical code, such as `RESOURCE_EXHAUSTED`.
  std::string status;
  // The code, if it is an HTTP status.
  std::optional<int> number;
  // The content was refused by a moderation of OpenRouter or the vendor behind
  // it.
  bool moderated = false;
  // Gemini's name for the first quota that is spent.
  std::string quota_id;
  // The spent quota is a day's.
  bool is_daily_quota = false;
  // The delay that the body asks for.
  std::optional<absl::Duration> retry_after;
};

// Returns whether a number is an HTTP status, rather than a code of the
// vendor's.
constexpr bool IsHttpStatus(int64_t number) {
  return number >= 100 && number <= 599;
}

// Returns a form's name: `openai`, `anthropic`, ...; empty for kNone and kText.
std::string_view NameOfForm(ErrorBody::Form form);

// Reads an error body, which may be cut off anywhere, and may be anything.
ErrorBody ReadErrorBody(std::string_view body);

// Returns the text fit for callers and logs: what looks like a credential is
// replaced, control characters and markup become spaces, bytes that are not
// UTF-8 go, and the rest is cut to kErrorMessageBytesMax.
std::string ScrubbedMessage(std::string_view text);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_ERROR_BODY_H_
