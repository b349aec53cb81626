// What is particular to the objects of Gemini's format, and the shared words
// of providers/dialects/object_fields.h with it filled in.
//
// Thread-safe: constants and free functions.

#ifndef PROVIDERS_DIALECTS_GEMINI_FIELDS_H_
#define PROVIDERS_DIALECTS_GEMINI_FIELDS_H_

#include <string_view>

#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/dropped_fields.h"
#include "providers/dialects/object_fields.h"

namespace gateway::gemini {

namespace v1 = ::llmgateway::v1;

using wire::AsBadResponse;
using wire::AsFieldFault;
using wire::CamelCase;
using wire::DroppedFields;
using wire::ExtensionList;
using wire::ObjectFields;
using wire::ObjectWriter;
using wire::Quoted;
using wire::ReadNested;

inline constexpr std::string_view kDialect = "gemini";

// The field of a candidate that names its sources.
inline constexpr std::string_view kCitations = "citationMetadata";

inline constexpr std::string_view kTextKeys[] = {
    "text", "role", "mimeType", "data",        "fileUri",
    "id",   "name", "title",    "description", "thoughtSignature"};

// Objects whose fields are looked for one level deeper, under names that
// nothing else has.
inline constexpr std::string_view kNestedObjects[] = {
    "generationConfig",      "thinkingConfig", "toolConfig",
    "functionCallingConfig", "inlineData",     "fileData",
    "functionCall",          "usageMetadata",  "functionResponse"};

inline constexpr wire::ObjectFormat kFormat = {kDialect, kTextKeys,
                                               kNestedObjects, true};

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

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_FIELDS_H_
