// How long a model stays in memory after a call, as the configuration says it.
//
//   WriteKeepAlive("5m", object);   // "keep_alive":"5m"
//   WriteKeepAlive("-1", object);   // "keep_alive":-1, for ever
//
// Thread-safe: a plain function.

#ifndef PROVIDERS_DIALECTS_OLLAMA_KEEP_ALIVE_H_
#define PROVIDERS_DIALECTS_OLLAMA_KEEP_ALIVE_H_

#include <string_view>

#include "providers/dialects/ollama/fields.h"

namespace gateway::ollama {

// Writes `keep_alive` into the object, unless it is empty or the object has the
// field already, which is the caller's own wish.
void WriteKeepAlive(std::string_view keep_alive, ObjectWriter& object);

}  // namespace gateway::ollama

#endif  // PROVIDERS_DIALECTS_OLLAMA_KEEP_ALIVE_H_
