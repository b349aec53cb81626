// Reads the content blocks of the Messages format, of requests and answers
// alike. A block that the contract does not model is kept whole.
//
//   v1::Part part;
//   GATEWAY_RETURN_IF_ERROR(ReadBlock(value, &part));
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_CONTENT_READER_H_
#define PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_CONTENT_READER_H_

#include "absl/status/status.h"
#include "base/text/json.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/anthropic_messages/fields.h"

namespace gateway::anthropic {

using PartList = ::google::protobuf::RepeatedPtrField<v1::Part>;

// Reads one block.
absl::Status ReadBlock(JsonValue& block, v1::Part* part);

// Takes `caller` of a tool call. The usual one, the model itself, is not kept;
// any other is kept as an extension.
absl::Status ReadCaller(ObjectFields& fields, ExtensionList* extensions);

// Reads content in either of its forms: a string is one text block. Null means
// none.
absl::Status ReadContent(JsonValue& content, PartList* parts);

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_CONTENT_READER_H_
