// Reads and writes whole answers of the Responses format.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_RESPONSE_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_RESPONSE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text/json.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_responses/fields.h"

namespace gateway::responses {

namespace v1 = ::llmgateway::v1;

// Reads a whole answer. Errors are PROVIDER_BAD_RESPONSE faults, or what the
// answer itself reports.
absl::Status ReadResponse(std::string_view body,
                          v1::GenerateResponse* response);

// Writes the first choice, since the format has one answer.
absl::Status WriteResponse(const v1::GenerateResponse& response,
                           std::string* body,
                           std::vector<v1::Warning>* warnings);

// The object that a whole answer is, and that the first and the last events of
// a stream hold.
struct ResponseObject {
  std::string_view id;
  std::string_view model;
  int64_t created_seconds = 0;
  std::string_view status = "in_progress";
  std::string_view incomplete_reason;  // Empty if it is complete.
  std::string_view error_code;         // Empty if it has not failed.
  std::string_view error_message;
  std::string_view output = "[]";  // As JSON.
  std::string_view service_tier;
  const v1::Usage* usage = nullptr;  // Null if not known.
  // Extensions to write, of this dialect only; the first of a name counts.
  const ExtensionList* extensions = nullptr;
  const ExtensionList* more_extensions = nullptr;
};
absl::Status WriteResponseObject(const ResponseObject& response,
                                 JsonWriter& json);

// Moves the logprobs of a text out of its extensions.
absl::Status TakeLogprobs(v1::Part* part, v1::Logprobs* logprobs);

// Adds to `extensions` what answers of this format repeat from the request.
absl::Status EchoRequest(const v1::GenerateRequest& request,
                         ExtensionList* extensions);

// Writes the answer to deleting the response `id`.
void WriteDeletion(std::string_view id, std::string* body);

// Read and write the answer to counting tokens.
absl::StatusOr<int64_t> ReadCountResponse(std::string_view body);
void WriteCountResponse(int64_t tokens, std::string* body);

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_RESPONSE_H_
