// Gemini has two languages for schemas: JSON Schema, and a part of OpenAPI's
// with upper-case types (`parameters`, `responseSchema`). Everything else
// speaks JSON Schema.
//
//   {"type":"STRING","nullable":true}  ->  {"type":["string","null"]}
//
// Thread-safe: a free function.

#ifndef PROVIDERS_DIALECTS_GEMINI_SCHEMA_H_
#define PROVIDERS_DIALECTS_GEMINI_SCHEMA_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gateway::gemini {

// Converts `schema`, a piece of a text that is being read, at `path`.
absl::StatusOr<std::string> JsonSchemaOf(std::string_view schema,
                                         std::string_view path);

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_SCHEMA_H_
