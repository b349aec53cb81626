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

// The fault for a failed HTTP answer. `now` checks dates in its headers.
absl::Status ReadError(const HttpFailure& failure, absl::Time now);

// The same for an object `{"error": "..."}` that comes with HTTP status 200,
// such as the last line of a stream that broke.
absl::Status ReadErrorLine(std::string_view line);

}  // namespace gateway::ollama

#endif  // PROVIDERS_DIALECTS_OLLAMA_ERRORS_H_
