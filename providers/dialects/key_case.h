// Keys of JSON that one server takes for a field and another does not. Go's
// encoding/json, which Ollama reads requests with, compares them without regard
// to letter case, and the last of several such keys counts.
//
//   IsTakenFor("Model", "model")           // true
//   IsTakenFor("me\u017f\u017fages", "messages")  // true
//   return WrongCase(value, "model");      // Model: differs from `model` ...
//
// So a key like that is refused: what was checked as one request could be
// served as another.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_KEY_CASE_H_
#define PROVIDERS_DIALECTS_KEY_CASE_H_

#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"

namespace gateway::wire {

// Returns whether the two are equal once both are folded as Go does, `key`
// being unescaped and `name` of ASCII. Does not allocate.
bool IsTakenFor(std::string_view key, std::string_view name);

// Returns the error of a `value` whose key only some take for the field `name`.
absl::Status WrongCase(const JsonValue& value, std::string_view name);

}  // namespace gateway::wire

#endif  // PROVIDERS_DIALECTS_KEY_CASE_H_
