// Reads the items of the Responses format, which stand side by side, into
// messages, which hold parts.
//
//   message of the model, function_call, custom_tool_call, reasoning, and
//   what a provider's own tools did      parts of one assistant message,
//                                        until something else comes
//   message of anybody else              a message
//   function_call_output, ...            a message of ROLE_TOOL
//   other outputs                        a message of ROLE_USER, opaque
//
// Two parts of one message item are told from those of two items by the
// extensions `item.<field>` of the first part. ItemWriter makes the same items
// of it again.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_ITEM_READER_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_ITEM_READER_H_

#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/openai_responses/fields.h"

namespace gateway::responses {

// Reads one item of a conversation.
absl::Status ReadInputItem(JsonValue& item, MessageList* messages);

// Reads one item of an answer, of whatever kind.
absl::Status ReadOutputItem(JsonValue& item, PartList* parts);

// Read the parts of an item field by field; REQUIRES: `type` was not taken yet.
absl::Status ReadToolCallItem(ObjectFields& fields, v1::Part* part);
absl::Status ReadReasoningItem(ObjectFields& fields, v1::Part* part);

// Reads the fields of a message item other than its content.
absl::Status ReadMessageFields(ObjectFields& fields, ExtensionList* extensions);

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_ITEM_READER_H_
