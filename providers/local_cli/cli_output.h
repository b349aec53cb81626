// Reads what the Claude command-line tool prints: one object with the result
// (`--output-format json`), or lines of objects of which the last is the result
// (`stream-json`). Escape sequences for terminals, which some versions let slip
// into it, are skipped.
//
//   CliLine line;
//   GATEWAY_RETURN_IF_ERROR(ReadCliLine(text, &line));
//   if (line.kind == CliLine::Kind::kText) ...
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_LOCAL_CLI_CLI_OUTPUT_H_
#define PROVIDERS_LOCAL_CLI_CLI_OUTPUT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/content.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// What one object says.
struct CliLine {
  enum class Kind {
    kOther,    // Nothing that matters here.
    kBegin,    // The session begins; `model`.
    kPiece,    // A piece of the answer: `text` or `thinking`.
    kMessage,  // A whole message of the answer: `text`, `model`.
    kResult,   // The end: `text`, or a failure.
  };

  Kind kind = Kind::kOther;
  std::string text;
  std::string thinking;
  std::string model;
  std::string stop_reason;
  // Of a result: it failed, and how, in a word.
  bool is_error = false;
  std::string subtype;
  // Of a result: what else the tool says of itself, such as what it was told
  // that the call costs.
  google::protobuf::RepeatedPtrField<v1::Extension> extensions;
};

// Reads one object. INVALID_ARGUMENT if it is none.
absl::Status ReadCliLine(std::string_view text, CliLine* line);

// Finds the result in all that was printed: one object, a list of objects or
// lines of objects. INVALID_ARGUMENT if it is not there.
absl::Status ReadCliResult(std::string_view output, CliLine* result);

// Why the model stopped, by the word for it; STOP for none.
v1::FinishReason FinishReasonOfCli(std::string_view stop_reason);

// The text inside a fence of Markdown, if that is all there is.
std::string_view WithoutFence(std::string_view text);

// The fault for a failure that the tool puts into text, of which the beginning
// is repeated, without what looks like a secret. `what` comes before them.
absl::Status CliFault(std::string_view what, std::string_view text);

}  // namespace gateway

#endif  // PROVIDERS_LOCAL_CLI_CLI_OUTPUT_H_
