// What Ollama's failures mean.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_OLLAMA_ERRORS_H_
#define PROVIDERS_DIALECTS_OLLAMA_ERRORS_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "providers/dialects/dialect.h"

namespace gateway::ollama {

// Makes the fault for a failed HTTP answer. `now` is what dates in its headers
// are compared with.
absl::Status ReadError(const HttpFailure& failure, absl::Time now);

// As above, for an object `{"error": "..."}` that comes with HTTP status 200,
// such as the last line of a stream that broke.
absl::Status ReadErrorLine(std::string_view line);

}  // namespace gateway::ollama

#endif  // PROVIDERS_DIALECTS_OLLAMA_ERRORS_H_
