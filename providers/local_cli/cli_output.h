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

// What one object of the output says.
struct CliLine {
  enum class Kind {
    kOther,    // Nothing that is used.
    kBegin,    // The session begins; sets `model`.
    kPiece,    // A piece of the answer; sets `text` or `thinking`.
    kMessage,  // A whole message of the answer; sets `text`, `model`.
    kResult,   // The end; sets `text`, or the failure.
  };

  Kind kind = Kind::kOther;
  std::string text;
  std::string thinking;
  std::string model;
  std::string stop_reason;
  // For a result: whether it failed, and how, in a word.
  bool is_error = false;
  std::string subtype;
  // For a result: what else the tool says of itself, such as what it believes
  // the call to cost.
  google::protobuf::RepeatedPtrField<v1::Extension> extensions;
};

// Reads one object. INVALID_ARGUMENT if `text` is none.
absl::Status ReadCliLine(std::string_view text, CliLine* line);

// Finds the result in all that was printed: one object, a list of objects or
// lines of objects. INVALID_ARGUMENT if it is not there.
absl::Status ReadCliResult(std::string_view output, CliLine* result);

// Returns why the model stopped, by the tool's word for it; STOP if it has
// none.
v1::FinishReason FinishReasonOfCli(std::string_view stop_reason);

// Returns the text inside a Markdown fence, if that is all of `text`; `text`
// otherwise.
std::string_view WithoutFence(std::string_view text);

// Makes the fault for a failure that the tool describes in `text`, whose
// beginning is repeated, without what looks like a secret. `what` precedes it.
absl::Status CliFault(std::string_view what, std::string_view text);

}  // namespace gateway

#endif  // PROVIDERS_LOCAL_CLI_CLI_OUTPUT_H_
