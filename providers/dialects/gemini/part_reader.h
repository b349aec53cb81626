// Reads the parts of Gemini's contents, of requests and answers alike. A part
// that the contract does not model is kept whole.
//
//   Content content;
//   GATEWAY_RETURN_IF_ERROR(ReadContent(value, &content));
//
// A call without an id, and a result without one, are left so: who reads a
// conversation or an answer knows how to name them.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_GEMINI_PART_READER_H_
#define PROVIDERS_DIALECTS_GEMINI_PART_READER_H_

#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "base/text/json.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/gemini/fields.h"

namespace gateway::gemini {

// Extensions of a call that comes in pieces: the arguments of this piece, and
// whether another follows.
inline constexpr std::string_view kPartialArguments =
    "functionCall.partialArgs";
inline constexpr std::string_view kWillContinue = "functionCall.willContinue";

using PartList = ::google::protobuf::RepeatedPtrField<v1::Part>;

struct Content {
  std::string role;  // Empty if absent.
  PartList parts;
  ExtensionList extensions;
};

// Calls `visit` for each element of a list, or for a single object in its
// place, since Google takes either.
absl::Status EachOf(JsonValue& value,
                    absl::FunctionRef<absl::Status(JsonValue&)> visit);

absl::Status ReadPart(JsonValue& value, v1::Part* part);

absl::Status ReadContent(JsonValue& value, Content* content);

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_PART_READER_H_
