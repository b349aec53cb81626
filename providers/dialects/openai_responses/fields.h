// What is particular to the objects of the Responses format, and the shared
// words of providers/dialects/object_fields.h with it filled in.
//
// Extensions called `item.<field>` are of the message item that a part begins:
// the contract's parts have no items around them.
//
// Thread-safe: constants and free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_FIELDS_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_FIELDS_H_

#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/dropped_fields.h"
#include "providers/dialects/object_fields.h"

namespace gateway::responses {

namespace v1 = ::llmgateway::v1;

using wire::AsBadResponse;
using wire::AsFieldFault;
using wire::DroppedFields;
using wire::ExtensionList;
using wire::ObjectFields;
using wire::ObjectWriter;
using wire::ReadNested;

using PartList = ::google::protobuf::RepeatedPtrField<v1::Part>;
using MessageList = ::google::protobuf::RepeatedPtrField<v1::Message>;

inline constexpr std::string_view kDialect = "openai_responses";

inline constexpr std::string_view kTextKeys[] = {
    "type",      "role",        "content",  "text",
    "refusal",   "id",          "call_id",  "name",
    "arguments", "input",       "output",   "status",
    "image_url", "file_id",     "file_url", "file_data",
    "filename",  "detail",      "effort",   "verbosity",
    "mode",      "description", "syntax",   "definition",
    "delta",     "item_id",     "code",     "message",
    "param",     "reason",      "summary",  "encrypted_content"};

inline constexpr std::string_view kNestedObjects[] = {"item", "reasoning",
                                                      "text", "usage"};

inline constexpr wire::ObjectFormat kFormat = {kDialect, kTextKeys,
                                               kNestedObjects};

// The prefix of extensions that belong to a message item.
inline constexpr std::string_view kItem = "item";

inline void AddExtension(ExtensionList* extensions, std::string_view name,
                         std::string_view json) {
  wire::AddExtension(kFormat, extensions, name, json);
}

inline const v1::Extension* FindExtension(const ExtensionList& extensions,
                                          std::string_view name) {
  return wire::FindExtension(kFormat, extensions, name);
}

inline bool HasNestedExtension(const ExtensionList& extensions,
                               std::string_view prefix) {
  return wire::HasNestedExtension(kFormat, extensions, prefix);
}

// Returns the text of an extension that is a JSON string; empty if there is
// none.
std::string TextExtension(const ExtensionList& extensions,
                          std::string_view name);

// Adds an extension that is a JSON string.
void AddTextExtension(ExtensionList* extensions, std::string_view name,
                      std::string_view text);

// Returns this dialect's extensions except those named, which are written
// otherwise or not at all.
ExtensionList Without(const ExtensionList& extensions,
                      absl::Span<const std::string_view> names);

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_FIELDS_H_
