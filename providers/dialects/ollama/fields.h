// What is particular to the objects of Ollama's chat format, and the shared
// words of providers/dialects/object_fields.h with it filled in.
//
// Thread-safe: constants and free functions.

#ifndef PROVIDERS_DIALECTS_OLLAMA_FIELDS_H_
#define PROVIDERS_DIALECTS_OLLAMA_FIELDS_H_

#include <string_view>

#include "providers/dialects/dropped_fields.h"
#include "providers/dialects/object_fields.h"

namespace gateway::ollama {

namespace v1 = ::llmgateway::v1;

using wire::AsBadResponse;
using wire::DroppedFields;
using wire::ExtensionList;
using wire::ObjectFields;
using wire::ObjectWriter;

inline constexpr std::string_view kDialect = "ollama";

inline constexpr std::string_view kTextKeys[] = {"id", "name", "arguments"};

// Settings of the runtime that the contract does not model become extensions
// such as `options.num_ctx`.
inline constexpr std::string_view kNestedObjects[] = {"function", "options"};

inline constexpr wire::ObjectFormat kFormat = {kDialect, kTextKeys,
                                               kNestedObjects};

inline void AddExtension(ExtensionList* extensions, std::string_view name,
                         std::string_view json) {
  wire::AddExtension(kFormat, extensions, name, json);
}

inline bool HasNestedExtension(const ExtensionList& extensions,
                               std::string_view prefix) {
  return wire::HasNestedExtension(kFormat, extensions, prefix);
}

}  // namespace gateway::ollama

#endif  // PROVIDERS_DIALECTS_OLLAMA_FIELDS_H_
