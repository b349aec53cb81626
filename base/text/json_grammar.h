// Whether a text is JSON, for texts that are passed on without being read.
//
//   GATEWAY_RETURN_IF_ERROR(CheckJson(extension.json()));
//   json.RawField(extension.name(), extension.json());
//
// Thread-safe: a free function. Allocates only for an error.

#ifndef BASE_TEXT_JSON_GRAMMAR_H_
#define BASE_TEXT_JSON_GRAMMAR_H_

#include <string_view>

#include "absl/status/status.h"

namespace gateway {

// The deepest nesting that is accepted, where texts are checked or visited.
inline constexpr int kJsonDepthLimit = 64;

// Checks that `text` is exactly one well-formed JSON value of at most
// `depth_limit` nested arrays and objects. UTF-8 is not checked.
absl::Status CheckJson(std::string_view text,
                       int depth_limit = kJsonDepthLimit);

}  // namespace gateway

#endif  // BASE_TEXT_JSON_GRAMMAR_H_
