// What is particular to the objects of the Messages format, and the shared
// words of providers/dialects/object_fields.h with it filled in.
//
// Thread-safe: constants and free functions.

#ifndef PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_FIELDS_H_
#define PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_FIELDS_H_

#include <string_view>

#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/dropped_fields.h"
#include "providers/dialects/object_fields.h"

namespace gateway::anthropic {

// Fields of a request that only the gateway reads: who is asking, and for what.
inline constexpr std::string_view kAgentTypeField = "agent_type";
inline constexpr std::string_view kProjectIdField = "project_id";


namespace v1 = ::llmgateway::v1;

using wire::AsBadResponse;
using wire::AsFieldFault;
using wire::DroppedFields;
using wire::ExtensionList;
using wire::kObjectFieldsLimit;
using wire::ObjectFields;
using wire::ObjectWriter;
using wire::Quoted;
using wire::ReadNested;

inline constexpr std::string_view kDialect = "anthropic_messages";

inline constexpr std::string_view kTextKeys[] = {
    "type",       "text",    "thinking",    "signature",   "data",
    "id",         "name",    "tool_use_id", "title",       "context",
    "media_type", "url",     "file_id",     "content",     "description",
    "display",    "user_id", "effort",      "partial_json"};

inline constexpr std::string_view kNestedObjects[] = {
    "metadata", "output_config", "thinking", "tool_choice", "usage"};

inline constexpr wire::ObjectFormat kFormat = {kDialect, kTextKeys,
                                               kNestedObjects};

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

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_FIELDS_H_
